//! What an invoice line earned: net of tax, discount and credit, in today's and in older shapes.

use domain::money::{Currency, Money};
use rstest::rstest;
use serde_json::{Value, json};
use stripe_gateway::billing::{Invoice, InvoiceLine};

use crate::samples::sample;

fn line(changes: Value) -> Value {
    let mut line = json!({
        "id": "il_1", "object": "line_item", "amount": 10_000, "currency": "eur", "quantity": 1,
    });
    for (key, value) in changes.as_object().unwrap() {
        line[key] = value.clone();
    }
    line
}

#[rstest]
#[case::plain(json!({}), 10_000)]
#[case::free(json!({"amount": 0}), 0)]
#[case::proration_back(json!({"amount": -3_000}), -3_000)]
#[case::tax_on_top(
    json!({"taxes": [{"amount": 1_900, "tax_behavior": "exclusive", "taxable_amount": 10_000}]}),
    10_000
)]
#[case::tax_contained(
    json!({"taxes": [{"amount": 1_597, "tax_behavior": "inclusive", "taxable_amount": 8_403}]}),
    8_403
)]
#[case::two_taxes_contained_one_on_top(
    json!({"taxes": [
        {"amount": 500, "tax_behavior": "inclusive"},
        {"amount": 300, "tax_behavior": "inclusive"},
        {"amount": 900, "tax_behavior": "exclusive"},
    ]}),
    9_200
)]
#[case::discounts(json!({"discount_amounts": [{"amount": 1_000}, {"amount": 500}]}), 8_500)]
#[case::credit(
    json!({"pretax_credit_amounts": [
        {"amount": 2_000, "type": "credit_balance_transaction", "credit_balance_transaction": "x"},
    ]}),
    8_000
)]
// Stripe lists a discount in both places; it comes off once.
#[case::discount_and_credit(
    json!({
        "discount_amounts": [{"amount": 1_000, "discount": "di_1"}],
        "pretax_credit_amounts": [
            {"amount": 1_000, "type": "discount", "discount": "di_1"},
            {"amount": 2_000, "type": "credit_balance_transaction"},
        ],
    }),
    7_000
)]
#[case::discount_named_only_before_tax(
    json!({"discount_amounts": null, "pretax_credit_amounts": [
        {"amount": 1_000, "type": "discount"},
    ]}),
    9_000
)]
#[case::discount_and_tax_contained(
    json!({
        "discount_amounts": [{"amount": 1_000}],
        "taxes": [{"amount": 1_437, "tax_behavior": "inclusive", "taxable_amount": 7_563}],
    }),
    7_563
)]
#[case::taxes_before_2025(
    json!({"tax_amounts": [{"amount": 1_597, "inclusive": true}, {"amount": 10, "inclusive": false}]}),
    8_403
)]
#[case::nulls(
    json!({"taxes": null, "tax_amounts": null, "discount_amounts": null, "pretax_credit_amounts": null}),
    10_000
)]
fn net(#[case] changes: Value, #[case] expected: i64) {
    let line = InvoiceLine::parse(&line(changes)).unwrap();
    assert_eq!(line.net().unwrap(), Money::new(expected, Currency::EUR));
}

#[rstest]
#[case::sum_overflows(json!({"discount_amounts": [{"amount": i64::MAX}, {"amount": 1}]}))]
#[case::net_overflows(json!({"amount": i64::MIN, "discount_amounts": [{"amount": 1}]}))]
#[case::discount_as_text(json!({"discount_amounts": [{"amount": "5"}]}))]
#[case::tax_without_amount(json!({"taxes": [{"tax_behavior": "inclusive"}]}))]
#[case::credit_is_no_object(json!({"pretax_credit_amounts": [5]}))]
fn not_to_be_trusted(#[case] changes: Value) {
    assert!(InvoiceLine::parse(&line(changes)).is_err());
}

#[test]
fn todays_shape() {
    let read = InvoiceLine::parse(&line(json!({
        "parent": {
            "type": "subscription_item_details",
            "invoice_item_details": null,
            "subscription_item_details": {
                "proration": true, "subscription": "sub_1", "subscription_item": "si_1",
            },
        },
        "pricing": {
            "type": "price_details", "unit_amount_decimal": "10000",
            "price_details": {"price": "price_1", "product": "prod_1"},
        },
        "period": {"start": 1_790_000_000, "end": 1_792_592_000},
    })))
    .unwrap();
    assert!(read.proration);
    assert_eq!(read.subscription.as_deref(), Some("sub_1"));
    assert_eq!(read.subscription_item.as_deref(), Some("si_1"));
    assert_eq!(
        (read.price.as_deref(), read.product.as_deref()),
        (Some("price_1"), Some("prod_1"))
    );
    assert_eq!(read.period.unwrap().end.timestamp(), 1_792_592_000);
}

#[test]
fn the_shape_before_2025() {
    let read = InvoiceLine::parse(&line(json!({
        "type": "subscription", "proration": true, "subscription": "sub_1",
        "subscription_item": "si_1",
        "price": {"id": "price_1", "object": "price", "product": "prod_1"},
    })))
    .unwrap();
    assert!(read.proration);
    assert_eq!(read.subscription.as_deref(), Some("sub_1"));
    assert_eq!(read.subscription_item.as_deref(), Some("si_1"));
    assert_eq!(
        (read.price.as_deref(), read.product.as_deref()),
        (Some("price_1"), Some("prod_1"))
    );
}

#[test]
fn a_whole_invoice() {
    let mut invoice = sample("invoice");
    for (key, value) in json!({
        "currency": "jpy", "status": "paid", "total": 9_900, "subtotal": 10_000,
        "amount_paid": 8_900, "starting_balance": -1_000, "ending_balance": 0,
        "total_taxes": [{"amount": 900, "tax_behavior": "exclusive"}],
        "total_discount_amounts": [{"amount": 1_000}],
        "status_transitions": {"paid_at": 1_790_000_100},
        "parent": {"type": "subscription_details", "subscription_details": {
            "subscription": {"id": "sub_1", "object": "subscription"},
            "metadata": {"deal": "7"},
        }},
        "customer_address": {"country": "JP"},
        "lines": {"object": "list", "has_more": true, "data": [
            line(json!({"currency": "jpy", "amount": 6_000, "discount_amounts": [{"amount": 600}]})),
            line(json!({"currency": "jpy", "amount": 4_000, "discount_amounts": [{"amount": 400}]})),
        ]},
        "payments": {"object": "list", "has_more": false, "data": [{
            "id": "inpay_1", "object": "invoice_payment", "invoice": "in_1", "currency": "jpy",
            "amount_paid": 8_900, "amount_requested": 8_900, "status": "paid",
            "payment": {"type": "payment_intent", "payment_intent": "pi_1"},
        }]},
    })
    .as_object()
    .unwrap()
    {
        invoice[key] = value.clone();
    }
    let read = Invoice::parse(&invoice).unwrap();
    let jpy = |minor| Money::new(minor, Currency::JPY);
    assert_eq!(
        (read.net().unwrap(), read.tax, read.discount),
        (jpy(9_000), jpy(900), jpy(1_000))
    );
    assert_eq!(read.credit_used(), jpy(1_000));
    assert!(read.lines_have_more);
    assert_eq!(read.subscription.as_deref(), Some("sub_1"));
    assert_eq!(read.subscription_metadata["deal"], "7");
    assert_eq!(read.customer_country.as_deref(), Some("JP"));
    assert_eq!(read.paid_at.unwrap().timestamp(), 1_790_000_100);
    assert_eq!(read.payments[0].payment_intent.as_deref(), Some("pi_1"));
}
