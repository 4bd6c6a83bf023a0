//! Webhooks: is it from Stripe, and what does the envelope say.
//!
//! The scheme is Stripe's `v1`: the header carries the time and one or more HMAC-SHA256 values over
//! `time.body`, several of them while a secret is being rolled over.
//! <https://docs.stripe.com/webhooks/signature>

mod secrets;

pub use secrets::{Destination, Refused, Secrets};

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use crate::read::{BadObject, Node};

/// How far a signature's time may be from ours, either way.
pub const TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// Why a webhook's signature was refused. The sentences are safe to send back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no `Stripe-Signature` header.
    #[error("the Stripe-Signature header is missing; send events from Stripe only")]
    Missing,
    /// The header does not have the form `t=…,v1=…`.
    #[error("the Stripe-Signature header is malformed: {0}")]
    Malformed(&'static str),
    /// Signed by a known secret, but too long ago or in the future.
    #[error("the signature is {} away from this server's time; only {} s are allowed", describe(.off_by), TOLERANCE.num_seconds())]
    Stale {
        /// This server's time minus the signature's time.
        off_by: TimeDelta,
    },
    /// None of the secrets made this signature over this body.
    #[error("no webhook secret matches this signature; check STRIPE_WEBHOOK_SECRET")]
    NoMatch,
}

fn describe(off_by: &TimeDelta) -> String {
    let seconds = off_by.num_seconds();
    if seconds < 0 {
        format!("{} s ahead", -seconds)
    } else {
        format!("{seconds} s behind")
    }
}

/// Checks the `Stripe-Signature` header over the raw body and returns when it was signed.
///
/// Every `v1` value is compared with every secret, in constant time and without stopping at the
/// first match. A body with a wrong signature is never called stale.
///
/// # Errors
/// [`SignatureError`], one for each thing that can be wrong.
pub fn verify<S: AsRef<str>>(
    body: &[u8],
    header: Option<&str>,
    secrets: &[S],
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, SignatureError> {
    let header = header
        .filter(|header| !header.trim().is_empty())
        .ok_or(SignatureError::Missing)?;
    let mut seconds: Option<&str> = None;
    let mut given: Vec<Vec<u8>> = Vec::new();
    for part in header.split(',') {
        let (name, value) = part
            .trim()
            .split_once('=')
            .ok_or(SignatureError::Malformed("a part has no “=”"))?;
        match name {
            "t" if seconds.is_some() => {
                return Err(SignatureError::Malformed("it has more than one time"));
            }
            "t" => seconds = Some(value),
            // A value that is not hexadecimal cannot match; others beside it still can.
            "v1" => given.push(hex::decode(value).unwrap_or_default()),
            _ => {}
        }
    }
    let seconds = seconds.ok_or(SignatureError::Malformed("it has no time"))?;
    let signed_at = seconds
        .parse::<i64>()
        .ok()
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
        .ok_or(SignatureError::Malformed(
            "its time is not a number of seconds",
        ))?;
    if given.is_empty() {
        return Err(SignatureError::Malformed("it has no v1 signature"));
    }

    let mut matches = Choice::from(0);
    for secret in secrets
        .iter()
        .map(AsRef::as_ref)
        .filter(|secret| !secret.is_empty())
    {
        let expected = mac(secret, seconds, body);
        for candidate in &given {
            matches |= expected.as_slice().ct_eq(candidate);
        }
    }
    if !bool::from(matches) {
        return Err(SignatureError::NoMatch);
    }
    let off_by = now.signed_duration_since(signed_at);
    if off_by.abs() > TOLERANCE {
        return Err(SignatureError::Stale { off_by });
    }
    Ok(signed_at)
}

/// The header Stripe would send with `body`, for checks of our own endpoint.
#[must_use]
pub fn sign(body: &[u8], secret: &str, at: DateTime<Utc>) -> String {
    let seconds = at.timestamp().to_string();
    format!(
        "t={seconds},v1={}",
        hex::encode(mac(secret, &seconds, body))
    )
}

fn mac(secret: &str, seconds: &str, body: &[u8]) -> Vec<u8> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(seconds.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.finalize().into_bytes().to_vec()
}

/// Which of Stripe's two kinds of event this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `object: "event"`: carries the object as it was then.
    Snapshot,
    /// `object: "v2.core.event"`: names the object, which is to be fetched.
    Thin,
}

/// The object a thin event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelatedObject {
    /// Its id, such as `acct_…`.
    pub id: String,
    /// Its type, such as `v2.core.account`.
    pub kind: String,
    /// Its path in Stripe's API.
    pub url: Option<String>,
}

/// An event without its meaning: what is needed to store, route and deduplicate it.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    /// `evt_…`; the same for every delivery of the event.
    pub id: String,
    /// Snapshot or thin.
    pub form: Form,
    /// Such as `invoice.paid`.
    pub event_type: String,
    /// When it happened at Stripe.
    pub created: DateTime<Utc>,
    /// Whether it is about real money.
    pub livemode: bool,
    /// The connected account it happened on; `None` for the platform's own.
    pub account: Option<String>,
    /// What a thin event points at.
    pub related_object: Option<RelatedObject>,
    /// The whole event.
    pub raw: Value,
}

/// Why a signed body is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The body is not JSON, or only the beginning of it.
    #[error("the body is not complete JSON: {0}")]
    NotJson(String),
    /// It is JSON, but not an event.
    #[error("the body is not a Stripe event: {0}")]
    NotAnEvent(#[from] BadObject),
}

impl Envelope {
    /// Reads the body of a webhook.
    ///
    /// # Errors
    /// When it is not JSON or lacks what every event has.
    pub fn parse(body: &[u8]) -> Result<Self, EnvelopeError> {
        let raw: Value =
            serde_json::from_slice(body).map_err(|err| EnvelopeError::NotJson(err.to_string()))?;
        Ok(Self::from_value(raw)?)
    }

    /// Reads an event that is already JSON, such as one fetched or stored.
    ///
    /// # Errors
    /// When it lacks what every event has.
    pub fn from_value(raw: Value) -> Result<Self, BadObject> {
        let event = Node::root(&raw, "event")?;
        let form = match event.text("object")?.as_str() {
            "event" => Form::Snapshot,
            "v2.core.event" => Form::Thin,
            other => {
                return Err(event.bad("object", &format!("is “{other}”, which is no event")));
            }
        };
        let related_object = match event.child("related_object") {
            None => None,
            Some(related) => Some(RelatedObject {
                id: related.text("id")?,
                kind: related.text("type")?,
                url: related.opt_text("url"),
            }),
        };
        Ok(Self {
            id: event.text("id")?,
            form,
            event_type: event.text("type")?,
            created: event.time("created")?,
            livemode: event.flag("livemode"),
            account: event
                .opt_text("account")
                .or_else(|| event.opt_text("context")),
            related_object,
            raw,
        })
    }

    /// Whether it is about what a connected account does for itself. Of such an account only its
    /// payouts (`payout.*`) and the account (`account.*`, `v2.core.account…`) concern the platform:
    /// its customers and invoices are its own business, and whoever has such an account can make
    /// them as they like.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        let ours = ["payout.", "account.", "v2.core.account"];
        self.account.is_some() && !ours.iter().any(|kind| self.event_type.starts_with(kind))
    }

    /// The version of Stripe's API that the endpoint is pinned to, such as `2026-09-30.endive`.
    #[must_use]
    pub fn api_version(&self) -> Option<&str> {
        self.raw.get("api_version")?.as_str()
    }

    /// The object a snapshot event carries, as it was then.
    #[must_use]
    pub fn object(&self) -> Option<&Value> {
        self.raw
            .get("data")?
            .get("object")
            .filter(|object| object.is_object())
    }

    /// The id of the object the event is about, for either form.
    #[must_use]
    pub fn object_id(&self) -> Option<&str> {
        match &self.related_object {
            Some(related) => Some(&related.id),
            None => self.object()?.get("id")?.as_str(),
        }
    }

    /// The carried object, for reading with one of the [`crate::billing`] types.
    ///
    /// # Errors
    /// When the event carries none.
    pub fn require_object(&self) -> Result<&Value, BadObject> {
        self.object()
            .ok_or_else(|| BadObject::new("event.data.object", "is missing"))
    }
}
