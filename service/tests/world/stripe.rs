//! Stripe's objects and events as a test writes them out, and how they reach the portal.

use chrono::TimeDelta;
use serde_json::{Value, json};
use service::Context;
use service::inbox::{Inbox, Receipt, Worked, process_batch};
use stripe_gateway::webhook::Envelope;

use crate::shelf::Shelf;
use crate::support::day;

/// Stores an event, as the webhook does.
pub async fn receive(inbox: &Inbox, ctx: &Context, event: &Value) -> Receipt {
    let body = event.to_string();
    let envelope = Envelope::parse(body.as_bytes()).expect("an event");
    inbox.receive(ctx, &body, &envelope).await.expect("stored")
}

/// Stores events and works off the inbox until nothing more happens.
pub async fn deliver(ctx: &Context, stripe: &Shelf, events: &[Value]) -> Worked {
    let inbox = Inbox::start(&ctx.db);
    for event in events {
        receive(&inbox, ctx, event).await;
    }
    work(ctx, stripe, 100).await
}

/// Works off the inbox, so many events at once.
pub async fn work(ctx: &Context, stripe: &Shelf, batch: u64) -> Worked {
    let mut sum = Worked::default();
    loop {
        let worked = process_batch(ctx, stripe, batch).await.expect("works");
        sum.processed += worked.processed;
        sum.ignored += worked.ignored;
        sum.failed += worked.failed;
        sum.waiting += worked.waiting;
        if worked.processed + worked.ignored + worked.failed == 0 {
            return sum;
        }
    }
}

/// An event of `kind` about `object`, `seconds` after 1 March 2026.
pub fn event(id: &str, kind: &str, seconds: i64, object: Value) -> Value {
    event_at(id, kind, day(2026, 3, 1).timestamp() + seconds, object)
}

/// The same at a moment of its own, as Stripe writes moments.
pub fn event_at(id: &str, kind: &str, created: i64, object: Value) -> Value {
    json!({
        "id": id, "object": "event", "type": kind, "created": created,
        "livemode": false, "api_version": "2026-09-30.endive", "data": { "object": object },
    })
}

/// Tells of a new customer with this address.
pub fn new_customer(id: &str, email: &str) -> Value {
    event(
        &format!("evt_{id}"),
        "customer.created",
        0,
        customer(id, email),
    )
}

/// Tells that the customer `cus_1` is of acme.com.
pub fn acme() -> Value {
    new_customer("cus_1", "a@acme.com")
}

/// Tells of the payment of the invoice `in_{n}` with its one line `il_{n}`.
pub fn paid(n: i64, customer: &str, amount: i64, seconds: i64) -> Value {
    let (id, line) = (format!("in_{n}"), format!("il_{n}"));
    event(
        &format!("evt_in_{n}"),
        "invoice.paid",
        seconds,
        invoice(&id, customer, &[(&line, amount)], seconds),
    )
}

/// Tells of the refund `re_{n}` of a payment.
pub fn refunded(n: i64, intent: &str, amount: i64, seconds: i64) -> Value {
    event(
        &format!("evt_re_{n}"),
        "refund.created",
        seconds,
        refund(&format!("re_{n}"), intent, amount, seconds),
    )
}

/// Tells that `cus_1` pays the invoice `in_{n}` with these lines, and 20 % tax, by `pi_{n}`.
pub fn pays(n: i64, lines: &[(&str, i64)], seconds: i64) -> [Value; 2] {
    let (id, intent) = (format!("in_{n}"), format!("pi_{n}"));
    let net: i64 = lines.iter().map(|(_, amount)| amount).sum();
    [
        event(
            &format!("evt_in_{n}"),
            "invoice.paid",
            seconds,
            invoice(&id, "cus_1", lines, seconds),
        ),
        event(
            &format!("evt_inpay_{n}"),
            "invoice_payment.paid",
            seconds + 1,
            payment(&format!("inpay_{n}"), &id, &intent, net + net / 5),
        ),
    ]
}

/// The customer of acme.com pays its first invoice, so much and 20 % tax, by `pi_1`.
pub fn acme_pays(net: i64) -> [Value; 3] {
    let [invoice, payment] = pays(1, &[("il_1", net)], 1);
    [acme(), invoice, payment]
}

/// Tells that a line of the invoice `in_{n}`, of which `charged` was paid by `pi_{n}`, is credited
/// by `cn_{n}`, and that what it cost is refunded by `re_cn_{n}`.
pub fn credited(n: i64, line: &str, net: i64, charged: i64, seconds: i64) -> [Value; 3] {
    let (invoice, intent) = (format!("in_{n}"), format!("pi_{n}"));
    let (note, back) = (format!("cn_{n}"), format!("re_cn_{n}"));
    let total = net + net / 5;
    [
        event(
            &format!("evt_{note}"),
            "credit_note.created",
            seconds,
            credit_note(&note, &invoice, line, net, Some(&back), seconds),
        ),
        event(
            &format!("evt_{back}"),
            "refund.created",
            seconds + 1,
            refund(&back, &intent, total, seconds),
        ),
        event(
            &format!("evt_{note}_charge"),
            "charge.refunded",
            seconds + 2,
            charge(&intent, charged, total),
        ),
    ]
}

/// A customer with an address.
pub fn customer(id: &str, email: &str) -> Value {
    json!({
        "id": id, "object": "customer", "email": email, "name": "Acme", "created": 1_700_000_000,
        "address": { "country": "DE" }, "livemode": false, "metadata": {},
    })
}

/// A line of an invoice, net of nothing.
pub fn line(id: &str, amount: i64, currency: &str) -> Value {
    json!({
        "id": id, "object": "line_item", "amount": amount, "currency": currency,
        "description": "Suite", "discount_amounts": [], "pretax_credit_amounts": [], "quantity": 1,
        "period": { "start": 1_772_323_200, "end": 1_775_001_600 },
        "parent": { "type": "subscription_item_details",
            "subscription_item_details": { "proration": false, "subscription": "sub_1" } },
        "pricing": { "type": "price_details",
            "price_details": { "price": "price_1", "product": "prod_suite" } },
        "taxes": [], "metadata": {},
    })
}

/// An invoice with tax of 20 % on top, paid `seconds` after 1 March 2026.
pub fn invoice(id: &str, customer: &str, lines: &[(&str, i64)], seconds: i64) -> Value {
    invoice_in(id, customer, lines, seconds, "eur")
}

/// The same in another currency.
pub fn invoice_in(
    id: &str,
    customer: &str,
    lines: &[(&str, i64)],
    seconds: i64,
    currency: &str,
) -> Value {
    let net: i64 = lines.iter().map(|(_, amount)| amount).sum();
    let tax = net / 5;
    let paid_at = day(2026, 3, 1) + TimeDelta::seconds(seconds);
    let lines: Vec<Value> = lines
        .iter()
        .map(|(id, amount)| {
            let mut line = line(id, *amount, currency);
            line["taxes"] = json!([{ "amount": amount / 5, "tax_behavior": "exclusive" }]);
            line
        })
        .collect();
    json!({
        "id": id, "object": "invoice", "customer": customer, "customer_email": "ap@acme.com",
        "customer_name": "Acme", "number": format!("N-{id}"), "status": "paid",
        "currency": currency, "created": paid_at.timestamp() - 3_600, "livemode": false,
        "status_transitions": { "paid_at": paid_at.timestamp() },
        "parent": { "type": "subscription_details",
            "subscription_details": { "subscription": "sub_1", "metadata": {} } },
        "subtotal": net, "total": net + tax, "amount_due": net + tax, "amount_paid": net + tax,
        "total_taxes": [{ "amount": tax }], "total_discount_amounts": [],
        "starting_balance": 0, "ending_balance": 0,
        "lines": { "object": "list", "data": lines, "has_more": false }, "metadata": {},
    })
}

/// The payment of an invoice by a payment intent.
pub fn payment(id: &str, invoice: &str, intent: &str, amount: i64) -> Value {
    json!({
        "id": id, "object": "invoice_payment", "invoice": invoice, "amount_paid": amount,
        "amount_requested": amount, "currency": "eur", "status": "paid", "created": 1_772_323_200,
        "payment": { "type": "payment_intent", "payment_intent": intent },
    })
}

/// A refund of a payment intent.
pub fn refund(id: &str, intent: &str, amount: i64, seconds: i64) -> Value {
    json!({
        "id": id, "object": "refund", "amount": amount, "currency": "eur", "status": "succeeded",
        "payment_intent": intent, "charge": format!("ch_{intent}"),
        "created": day(2026, 3, 1).timestamp() + seconds, "metadata": {},
    })
}

/// A charge with what was refunded of it in all.
pub fn charge(intent: &str, amount: i64, refunded: i64) -> Value {
    json!({
        "id": format!("ch_{intent}"), "object": "charge", "amount": amount,
        "amount_refunded": refunded, "currency": "eur", "refunded": amount == refunded,
        "disputed": false, "status": "succeeded", "payment_intent": intent,
        "created": 1_772_323_200, "metadata": {},
    })
}

/// A dispute over a payment intent.
pub fn dispute(id: &str, intent: &str, amount: i64, status: &str, seconds: i64) -> Value {
    json!({
        "id": id, "object": "dispute", "amount": amount, "currency": "eur", "status": status,
        "payment_intent": intent, "charge": format!("ch_{intent}"), "reason": "fraudulent",
        "created": day(2026, 3, 1).timestamp() + seconds,
    })
}

/// A credit note over a line, with the refund it made.
pub fn credit_note(
    id: &str,
    invoice: &str,
    line: &str,
    net: i64,
    refund: Option<&str>,
    seconds: i64,
) -> Value {
    let total = net + net / 5;
    let refunds: Vec<Value> = refund
        .map(|id| json!({ "refund": id, "amount_refunded": total, "type": "refund" }))
        .into_iter()
        .collect();
    json!({
        "id": id, "object": "credit_note", "invoice": invoice, "customer": "cus_1",
        "status": "issued", "currency": "eur", "amount": total, "total": total, "subtotal": net,
        "pre_payment_amount": 0, "post_payment_amount": total, "refunds": refunds,
        "created": day(2026, 3, 1).timestamp() + seconds, "metadata": {},
        "lines": { "object": "list", "has_more": false, "data": [{
            "id": format!("cnli_{id}"), "object": "credit_note_line_item", "amount": net,
            "discount_amounts": [], "invoice_line_item": line, "pretax_credit_amounts": [],
            "taxes": [{ "amount": net / 5, "tax_behavior": "exclusive" }], "quantity": 1,
        }] },
    })
}
