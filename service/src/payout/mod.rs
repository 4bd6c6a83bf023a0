//! Paying partners: payout accounts, runs, transfers, and holding the books against Stripe.
//!
//! How a transfer is sent so that a process may die at any instant is told in
//! `docs/adr/0003-sending-a-payout.md`; [`send`] is that page as code.

pub mod account;
pub mod bank;
mod books;
pub mod browse;
pub mod country;
pub mod due;
mod gate;
pub(crate) mod letters;
pub mod list;
mod new_account;
pub mod outcome;
pub mod question;
pub mod reconcile;
pub mod recover;
pub mod run;
pub mod send;
pub mod statement;
mod suspect;
pub mod sweep;
pub mod sync;
pub mod watch;

pub(crate) use run::fingerprint;

use chrono::{DateTime, Utc};
use domain::money::{Currency, Money};

use crate::error::{Error, Result};

/// The jobs of this module, by kind, with what their payload is.
pub mod jobs {
    use serde::{Deserialize, Serialize};

    /// Checks the balance and starts a run's payouts; payload [`Run`].
    pub const START_RUN: &str = "payout.run";
    /// Goes on freezing an approved run; payload [`Run`].
    pub const FREEZE_RUN: &str = "payout.freeze";
    /// Goes on giving back what a canceled run had frozen; payload [`Run`].
    pub const GIVE_BACK: &str = "payout.give_back";
    /// Takes one payout a step further; payload [`Payout`].
    pub const WORK: &str = "payout.work";
    /// Retrieves a partner's Stripe account; payload [`StripeObject`].
    pub const REFRESH_ACCOUNT: &str = "payout_account.refresh";
    /// Retrieves a transfer that changed at Stripe; payload [`StripeObject`].
    pub const SYNC_TRANSFER: &str = "transfer.sync";
    /// Retrieves a connected account's payouts to its bank; payload [`StripeObject`].
    pub const SYNC_BANK_PAYOUTS: &str = "bank_payout.sync";

    /// Names a run.
    #[derive(Clone, Copy, Debug, Serialize, Deserialize)]
    pub struct Run {
        /// `payout_run.id`.
        pub run_id: i64,
    }

    /// Names a payout.
    #[derive(Clone, Copy, Debug, Serialize, Deserialize)]
    pub struct Payout {
        /// `payout.id`.
        pub payout_id: i64,
    }

    /// Names something at Stripe.
    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub struct StripeObject {
        /// `acct_…` or `tr_…`.
        pub stripe_id: String,
    }
}

/// How a job ended that may have to be looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing more to do.
    Done,
    /// Look again then.
    Again(DateTime<Utc>),
}

/// A stored amount with its currency.
pub(crate) fn money(minor: i64, currency: &str) -> Result<Money> {
    let currency: Currency = currency.parse().map_err(Error::internal)?;
    Ok(Money::new(minor, currency))
}

/// The program's minimum and limits are amounts of its own currency. For other currencies the same
/// number of major units counts where the policy names no exception (`program::limit`): 50 € stand
/// beside 50 $ and 50 ¥. Portico converts no currencies.
pub(crate) fn same_major(minor: i64, from: Currency, to: Currency) -> i64 {
    let major = i128::from(minor) * i128::from(to.scale()) / i128::from(from.scale());
    i64::try_from(major).unwrap_or(i64::MAX)
}
