//! Which secret may sign what.
//!
//! Stripe gives every destination a secret of its own, and there are three kinds of destination: a
//! webhook endpoint for the platform's own account, one for its connected accounts (their events
//! carry `account`), and an event destination for thin events. A secret that leaks, or whose
//! destination somebody else can make send, must not open the ways of the others.
//! <https://docs.stripe.com/connect/webhooks>, <https://docs.stripe.com/event-destinations>

use chrono::{DateTime, Utc};

use super::{Envelope, EnvelopeError, Form, SignatureError, verify};

/// A kind of destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Destination {
    /// Ordinary events of the platform's own account.
    Platform,
    /// Ordinary events of connected accounts.
    Connect,
    /// Thin events.
    Thin,
}

impl Destination {
    /// The setting that holds its secrets.
    #[must_use]
    pub const fn setting(self) -> &'static str {
        match self {
            Self::Platform => "STRIPE_WEBHOOK_SECRET",
            Self::Connect => "STRIPE_CONNECT_WEBHOOK_SECRET",
            Self::Thin => "STRIPE_THIN_WEBHOOK_SECRET",
        }
    }

    /// Its events, as the end of “a secret for …”.
    #[must_use]
    pub const fn events(self) -> &'static str {
        match self {
            Self::Platform => "the platform’s own events",
            Self::Connect => "events of connected accounts",
            Self::Thin => "thin events",
        }
    }

    /// Where an event must have come from.
    #[must_use]
    pub fn of(envelope: &Envelope) -> Self {
        match (envelope.form, &envelope.account) {
            (Form::Thin, _) => Self::Thin,
            (Form::Snapshot, Some(_)) => Self::Connect,
            (Form::Snapshot, None) => Self::Platform,
        }
    }
}

/// The signing secrets by kind; several of a kind while one is rolled over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Secrets<S> {
    /// Of the webhook endpoint for the platform's own account.
    pub platform: Vec<S>,
    /// Of the webhook endpoint for connected accounts. Where there is none, the platform's endpoint
    /// hears of them too.
    pub connect: Vec<S>,
    /// Of the event destination for thin events.
    pub thin: Vec<S>,
}

/// Why a webhook is not taken. The sentences are safe to send back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nobody of ours signed it, or not now.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// It is signed, and no event.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// It is signed by the secret of another kind of destination.
    #[error(
        "no webhook secret for {} matches this signature, though another one does; check {}",
        .0.events(),
        .0.setting()
    )]
    Kind(Destination),
}

impl<S: AsRef<str>> Secrets<S> {
    /// Every secret with its kind.
    pub fn kinds(&self) -> [(Destination, &[S]); 3] {
        [
            (Destination::Platform, &self.platform),
            (Destination::Connect, &self.connect),
            (Destination::Thin, &self.thin),
        ]
    }

    /// Checks the signature over the raw body, reads the event, and sees that the secret is of the
    /// event's own kind.
    ///
    /// What a connected account says of its money and of itself is acted on, and so needs the secret
    /// of its own endpoint once there is one. Everything else that a connected account has is
    /// foreign, whichever endpoint heard of it: it is taken, and the portal ignores it visibly.
    ///
    /// # Errors
    /// [`Refused`], one for each thing that can be wrong.
    pub fn admit(
        &self,
        body: &[u8],
        header: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Envelope, Refused> {
        let mut signed_by = Vec::new();
        let mut why = SignatureError::NoMatch;
        for (kind, secrets) in self.kinds() {
            match verify(body, header, secrets, now) {
                Ok(_) => signed_by.push(kind),
                Err(SignatureError::NoMatch) => {}
                Err(other) => why = other,
            }
        }
        if signed_by.is_empty() {
            return Err(why.into());
        }
        let envelope = Envelope::parse(body)?;
        let kind = Destination::of(&envelope);
        let by_platform = kind == Destination::Connect
            && signed_by.contains(&Destination::Platform)
            && (self.connect.is_empty() || envelope.is_foreign());
        if by_platform || signed_by.contains(&kind) {
            Ok(envelope)
        } else {
            Err(Refused::Kind(kind))
        }
    }
}
