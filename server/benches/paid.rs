//! A paid invoice of a customer that `portico seed bench` has made.

use serde_json::{Value, json};
use stripe_sandbox::config::API_VERSION;

/// The event of the `n`-th invoice, paid at `at` (Unix time).
pub fn event(n: u32, at: i64) -> Value {
    let (partner, customer) = (n % 50, n / 50 % 20);
    let id = format!("rate{n}");
    json!({
        "id": format!("evt_{id}"), "object": "event", "api_version": API_VERSION,
        "created": at, "livemode": false, "type": "invoice.paid", "pending_webhooks": 1,
        "data": {"object": {
            "id": format!("in_{id}"), "object": "invoice", "currency": "eur", "status": "paid",
            "customer": format!("cus_bench{partner}x{customer}"), "created": at,
            "status_transitions": {"paid_at": at}, "number": format!("R-{n}"),
            "subtotal": 10_000, "total": 10_000, "amount_due": 10_000, "amount_paid": 10_000,
            "lines": {"object": "list", "has_more": false, "data": [{
                "id": format!("il_{id}"), "object": "line_item", "amount": 10_000,
                "currency": "eur", "description": "Lumen Desk",
                "metadata": {"product_line": "desk"},
                "period": {"start": at, "end": at + 2_592_000}}]},
        }},
    })
}
