//! What reaches the portal and is no business of the program's.
//!
//! It is answered and kept like everything that Stripe has signed, so that Stripe does not send it
//! again for days, and ignored with a reason that people can read.

use std::fmt;

use domain::partner::StaffRole;
use sea_orm::ConnectionTrait;
use stripe_gateway::webhook::Envelope;

use crate::context::Context;
use crate::error::Result;
use crate::mail::Letter;
use crate::{notice, system};

/// Where it stands that staff was told of an event of the other mode.
const TOLD: &str = "told:other_mode";

/// Why an event is foreign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Foreign {
    /// A connected account did it for itself: its customers and invoices are its own, and whoever
    /// has such an account can make them as they like.
    Account(String),
    /// It happened in the other mode than the key's; whether that is the live one.
    Mode {
        /// Whether real money is meant.
        live: bool,
    },
}

impl Foreign {
    /// Why the event is foreign to a portal whose key is for this mode; none where it is not.
    pub(super) fn of(envelope: &Envelope, live: bool) -> Option<Self> {
        if envelope.livemode != live {
            return Some(Self::Mode {
                live: envelope.livemode,
            });
        }
        let account = envelope.account.as_ref().filter(|_| envelope.is_foreign());
        account.map(|id| Self::Account(id.clone()))
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(id) => write!(
                f,
                "It happened on the connected account {id}. Of connected accounts only their payouts \
                 and the accounts themselves concern the program; whatever else happens there earns \
                 nothing."
            ),
            Self::Mode { live: true } => f.write_str(
                "It happened in live mode, and STRIPE_SECRET_KEY is a key of test mode. Lead the \
                 endpoint of live mode to the portal that has the live key.",
            ),
            Self::Mode { live: false } => f.write_str(
                "It happened in test mode, and STRIPE_SECRET_KEY is a live key. Lead the endpoint of \
                 test mode to a portal of its own.",
            ),
        }
    }
}

/// Tells the administrators once that events of the other mode arrive.
pub(super) async fn tell_of_mode(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    why: &str,
) -> Result<()> {
    if !system::first_time(tx, TOLD).await? {
        return Ok(());
    }
    let letter = Letter::new("Stripe sends events of the other mode").text(why).text(
        "Such events are kept in the webhook inbox and ignored. You are told of the first one only.",
    );
    notice::tell_staff(
        ctx,
        tx,
        &[StaffRole::Admin],
        letter,
        "/admin/webhooks?status=ignored",
    )
    .await
}
