//! One sample of every v1 object, as Stripe publishes them in its `openapi` repository's fixtures.
//!
//! An answer is made by cloning the sample and overwriting what the sandbox knows, so that it
//! carries every field that Stripe's carries.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

macro_rules! samples {
    ($($kind:literal),* $(,)?) => {
        /// Every kind there is a sample of.
        pub const KINDS: &[&str] = &[$($kind),*];

        static SAMPLES: LazyLock<BTreeMap<&'static str, Value>> = LazyLock::new(|| {
            BTreeMap::from([$((
                $kind,
                serde_json::from_str(include_str!(concat!("../fixtures/", $kind, ".json")))
                    .expect("the samples are part of this crate and tested to be JSON"),
            )),*])
        });
    };
}

samples![
    "transfer",
    "transfer_reversal",
    "balance",
    "balance_transaction",
    "customer",
    "deleted_customer",
    "product",
    "price",
    "plan",
    "subscription",
    "subscription_item",
    "invoice",
    "invoiceitem",
    "line_item",
    "invoice_payment",
    "charge",
    "payment_intent",
    "checkout.session",
    "item",
    "refund",
    "credit_note",
    "credit_note_line_item",
    "dispute",
    "event",
    "webhook_endpoint",
    "payout",
    "login_link",
    "account",
];

/// A fresh copy of the sample of `kind`, or `null` for a kind without one.
pub fn sample(kind: &str) -> Value {
    SAMPLES.get(kind).cloned().unwrap_or(Value::Null)
}

/// The sample of `kind` with the fields of `overrides` (an object) put over it.
pub fn build(kind: &str, overrides: Value) -> Value {
    let mut object = sample(kind);
    if let (Value::Object(target), Value::Object(source)) = (&mut object, overrides) {
        for (key, value) in source {
            target.insert(key, value);
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_an_object() {
        for kind in KINDS {
            assert!(sample(kind).is_object(), "{kind}");
        }
    }
}
