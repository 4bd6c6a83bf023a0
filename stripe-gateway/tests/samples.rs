//! Stripe's own sample of every object the portal reads, and what must be refused in it.

use domain::money::{Currency, Money};
use rstest::rstest;
use serde_json::{Value, json};
use stripe_gateway::billing::{
    Charge, ChargeStatus, CreditNote, CreditNoteLine, Customer, Dispute, DisputeStatus, Invoice,
    InvoiceLine, InvoicePayment, InvoiceStatus, Payout, PayoutEvent, PayoutStatus, Refund,
    RefundStatus, Subscription, SubscriptionStatus, Transfer,
};
use stripe_gateway::webhook::{Envelope, Form};
use stripe_gateway::{
    AwaitingFrom, BadObject, CapabilityStatus, Deadline, EntityType, RecipientAccount,
};

pub fn sample(name: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("fixtures/v1.json")).unwrap();
    all[name].clone()
}

fn v2(name: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("fixtures/v2.json")).unwrap();
    all[name].clone()
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

#[test]
fn invoice() {
    let read = Invoice::parse(&sample("invoice")).unwrap();
    assert_eq!(read.id, "in_1Pgc6tB7WZ01zgkWu9fdqL6I");
    assert_eq!(read.customer.as_deref(), Some("cus_QXg1o8vcGmoR32"));
    assert_eq!(read.status, InvoiceStatus::Draft);
    assert_eq!(
        (read.total, read.subtotal, read.amount_paid),
        (usd(1000), usd(1000), usd(0))
    );
    assert_eq!(read.subscription.as_deref(), Some("subscription"));
    assert_eq!(read.billing_reason.as_deref(), Some("manual"));
    assert_eq!(read.net().unwrap(), usd(1000));
    assert!(!read.lines_have_more && read.paid_at.is_none() && read.ending_balance.is_none());
    let line = &read.lines[0];
    // The sample fills in both kinds of parent; its type says which one counts.
    assert_eq!(
        (
            line.subscription.as_deref(),
            line.subscription_item.as_deref()
        ),
        (None, None)
    );
    assert!(line.proration);
    assert_eq!(
        InvoiceLine::parse(&sample("line_item"))
            .unwrap()
            .net()
            .unwrap(),
        usd(1000)
    );
}

#[test]
fn invoice_payment() {
    let mut value = sample("invoice_payment");
    // Stripe's sample has a placeholder where the currency belongs: refused, by name.
    let bad = InvoicePayment::parse(&value).unwrap_err();
    assert_eq!(
        bad.to_string(),
        "invoice_payment.currency is an unknown currency: “currency”"
    );
    value["currency"] = json!("usd");
    value["payment"]["payment_intent"] = json!({"id": "pi_1", "object": "payment_intent"});
    let read = InvoicePayment::parse(&value).unwrap();
    assert_eq!(read.payment_intent.as_deref(), Some("pi_1"));
    assert_eq!(
        (read.amount_paid, read.amount_requested),
        (None, usd(1_112_626_247))
    );
}

#[test]
fn charge_refund_dispute() {
    let charge = Charge::parse(&sample("charge")).unwrap();
    assert_eq!((charge.amount, charge.amount_refunded), (usd(100), usd(0)));
    assert_eq!(charge.status, ChargeStatus::Succeeded);
    let refund = Refund::parse(&sample("refund")).unwrap();
    assert_eq!(
        refund.charge.as_deref(),
        Some("ch_1PgafuB7WZ01zgkWXYmPNZs8")
    );
    assert_eq!(
        (refund.status.clone(), refund.counts()),
        (Some(RefundStatus::Succeeded), true)
    );
    let dispute = Dispute::parse(&sample("dispute")).unwrap();
    assert_eq!(dispute.status, DisputeStatus::WarningNeedsResponse);
    assert!(dispute.is_open());
}

#[test]
fn credit_note() {
    let mut value = sample("credit_note");
    // The sample's credits are placeholders far above the amounts.
    for line in value["lines"]["data"].as_array_mut().unwrap() {
        line["pretax_credit_amounts"] = json!([]);
    }
    let read = CreditNote::parse(&value).unwrap();
    assert_eq!(read.invoice, "in_1Pgc75B7WZ01zgkWYv4iMwt7");
    assert_eq!((read.total, read.out_of_band), (usd(1690), usd(0)));
    assert_eq!(
        read.lines[0].invoice_line.as_deref(),
        Some("il_1Pgc74B7WZ01zgkWWh45tUBA")
    );
    assert_eq!(read.lines[1].invoice_line, None);
    assert_eq!(read.net().unwrap(), usd(1690));
    assert_eq!(read.refunds[0].refund.as_deref(), Some("refund"));
    assert_eq!(read.refunds[0].amount, Some(usd(1_387_154_914)));
    let line = CreditNoteLine::parse(&sample("credit_note_line_item"), Currency::USD).unwrap();
    assert_eq!(line.amounts.amount, usd(1000));
}

#[test]
fn customers() {
    let read = Customer::parse(&sample("customer")).unwrap();
    assert_eq!(
        (read.id.as_str(), read.deleted),
        ("cus_QXg1o8vcGmoR32", false)
    );
    assert_eq!(read.currency, Some(Currency::USD));
    assert!(
        Customer::parse(&sample("deleted_customer"))
            .unwrap()
            .deleted
    );
}

#[test]
fn subscription() {
    let read = Subscription::parse(&sample("subscription")).unwrap();
    assert_eq!(read.status, SubscriptionStatus::Active);
    let item = &read.items[0];
    assert_eq!(item.product.as_deref(), Some("prod_QXg1hqf4jFNsqG"));
    assert_eq!(
        (item.unit_amount, item.quantity),
        (Some(usd(2000)), Some(1))
    );
    assert_eq!(item.interval.as_deref(), Some("month"));
    assert_eq!(
        read.current_period_end.map(|end| end.timestamp()),
        Some(976_287_773)
    );
}

#[test]
fn transfer_and_payout() {
    let transfer = Transfer::parse(&sample("transfer")).unwrap();
    assert_eq!(
        (transfer.amount, transfer.amount_reversed),
        (usd(1100), usd(0))
    );
    assert_eq!(
        transfer.destination.as_deref(),
        Some("acct_1PgafTB7WZ01zgkW")
    );
    assert!(!transfer.reversed && transfer.transfer_group.is_none());
    let payout = Payout::parse(&sample("payout")).unwrap();
    assert_eq!(
        (payout.amount, payout.status),
        (usd(1100), PayoutStatus::InTransit)
    );
}

#[test]
fn events() {
    let event = Envelope::from_value(sample("event")).unwrap();
    assert_eq!(
        (event.form, event.event_type.as_str()),
        (Form::Snapshot, "plan.created")
    );
    assert_eq!(event.object_id(), Some("price_1PgafmB7WZ01zgkW6dKueIc5"));
    assert!(PayoutEvent::parse(&event).is_err(), "a plan is no payout");

    let mut payout = sample("event");
    payout["account"] = json!("acct_1");
    payout["data"]["object"] = sample("payout");
    let payout = PayoutEvent::parse(&Envelope::from_value(payout).unwrap()).unwrap();
    assert_eq!(payout.account.as_deref(), Some("acct_1"));

    let thin = Envelope::from_value(v2("thin_event")).unwrap();
    assert_eq!(thin.form, Form::Thin);
    assert_eq!(thin.object_id(), Some("acct_1Sample"));
    assert_eq!(thin.related_object.unwrap().kind, "v2.core.account");
    assert!(thin.raw.get("data").is_none());
}

#[test]
fn recipient_account() {
    let read = RecipientAccount::parse(&v2("account")).unwrap();
    assert_eq!(read.transfers_status, CapabilityStatus::Restricted);
    assert_eq!(read.status_details, ["requirements_past_due"]);
    assert_eq!(read.minimum_deadline, Some(Deadline::PastDue));
    assert_eq!(
        (read.country.as_deref(), read.entity_type),
        (Some("DE"), Some(EntityType::Company))
    );
    assert_eq!((read.currency, read.closed), (Some(Currency::EUR), false));
    let asked: Vec<_> = read
        .requirements
        .iter()
        .map(|wanted| (wanted.what.as_str(), &wanted.awaiting, &wanted.deadline))
        .collect();
    assert_eq!(
        asked,
        [
            (
                "Date of birth of the representative",
                &AwaitingFrom::User,
                &Deadline::PastDue
            ),
            (
                "Tax or registration number of the company",
                &AwaitingFrom::Stripe,
                &Deadline::EventuallyDue
            ),
        ]
    );
    assert_eq!(
        read.requirements[1].problems,
        ["The number could not be found in the register."]
    );

    // What was not asked for with `include` is null; such an account is not ready.
    let mut bare = v2("account");
    for key in ["configuration", "requirements", "identity", "defaults"] {
        bare[key] = Value::Null;
    }
    assert!(!RecipientAccount::parse(&bare).unwrap().is_ready());

    let mut active = v2("account");
    active["configuration"]["recipient"]["capabilities"]["stripe_balance"]["stripe_transfers"]["status"] =
        json!("active");
    assert!(RecipientAccount::parse(&active).unwrap().is_ready());
    active["closed"] = json!(true);
    assert!(!RecipientAccount::parse(&active).unwrap().is_ready());
}

fn read(name: &str, value: &Value) -> Result<(), BadObject> {
    match name {
        "charge" => Charge::parse(value).map(drop),
        "credit_note" => CreditNote::parse(value).map(drop),
        "customer" => Customer::parse(value).map(drop),
        "dispute" => Dispute::parse(value).map(drop),
        "invoice" => Invoice::parse(value).map(drop),
        "line_item" => InvoiceLine::parse(value).map(drop),
        "payout" => Payout::parse(value).map(drop),
        "refund" => Refund::parse(value).map(drop),
        "subscription" => Subscription::parse(value).map(drop),
        "transfer" => Transfer::parse(value).map(drop),
        other => panic!("no reader for {other}"),
    }
}

const NAMES: [&str; 10] = [
    "charge",
    "credit_note",
    "customer",
    "dispute",
    "invoice",
    "line_item",
    "payout",
    "refund",
    "subscription",
    "transfer",
];

#[rstest]
#[case::amount_as_text("transfer", "/amount", json!("1100"), "is text where a number belongs")]
#[case::amount_with_fraction("refund", "/amount", json!(1.5), "is not a whole number of minor units")]
#[case::amount_too_large("charge", "/amount", json!(u64::MAX), "is too large")]
#[case::amount_far_too_large("charge", "/amount", json!(1e30), "is not a whole number of minor units")]
#[case::amount_missing("dispute", "/amount", Value::Null, "is missing")]
#[case::amount_is_a_list("payout", "/amount", json!([1]), "is not a number")]
#[case::unknown_currency("invoice", "/currency", json!("zzz"), "is an unknown currency: “zzz”")]
#[case::no_currency("invoice", "/currency", Value::Null, "is missing")]
#[case::line_amount("invoice", "/lines/data/0/amount", json!("10"), "is text where a number belongs")]
#[case::line_currency("invoice", "/lines/data/0/currency", json!("eur"), "is not the currency of the invoice")]
#[case::lines_are_text("invoice", "/lines", json!("none"), "is not a list")]
#[case::other_object("transfer", "/object", json!("payout"), "is “payout”, not “transfer”")]
#[case::no_id("customer", "/id", Value::Null, "is missing")]
#[case::time_as_word("invoice", "/created", json!("today"), "is not a point in time")]
fn refused(#[case] name: &str, #[case] pointer: &str, #[case] value: Value, #[case] why: &str) {
    let mut object = sample(name);
    *object.pointer_mut(pointer).unwrap() = value;
    let bad = read(name, &object).unwrap_err();
    assert_eq!(bad.why, why);
    let path = pointer
        .replace("/data/0/", "[0].")
        .replace('/', ".")
        .trim_matches('.')
        .to_owned();
    assert_eq!(bad.path, format!("{name}.{path}"));
}

/// Whatever field is missing, null, or of another kind: an error or an object, never a panic.
#[test]
fn any_field_may_be_anything() {
    for name in NAMES {
        let whole = sample(name);
        for key in whole.as_object().unwrap().keys() {
            for strange in [
                Value::Null,
                json!(-1),
                json!("?"),
                json!([1]),
                json!({"a": 1}),
            ] {
                let mut object = whole.clone();
                object[key] = strange;
                let _ = read(name, &object);
            }
            let mut object = whole.clone();
            object.as_object_mut().unwrap().remove(key);
            let _ = read(name, &object);
        }
    }
}

/// Fields that Stripe adds later do no harm.
#[test]
fn new_fields_are_ignored() {
    for name in NAMES {
        let mut object = sample(name);
        object["something_new"] = json!({"amount": "text", "currency": 7});
        assert_eq!(read(name, &object), Ok(()), "{name}");
    }
}
