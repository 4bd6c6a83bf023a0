//! One-off checkouts.

mod ending;
mod making;
mod paying;

use serde_json::Value;

use crate::support::{Sandbox, id};

const SESSIONS: &str = "/v1/checkout/sessions";

/// Two books at 10.00 and a pen at 5.01.
const CART: [(&str, &str); 10] = [
    ("mode", "payment"),
    ("success_url", "https://shop.example/thanks"),
    ("line_items[0][quantity]", "2"),
    ("line_items[0][price_data][currency]", "eur"),
    ("line_items[0][price_data][unit_amount]", "1000"),
    ("line_items[0][price_data][product_data][name]", "Book"),
    ("line_items[1][quantity]", "1"),
    ("line_items[1][price_data][currency]", "eur"),
    ("line_items[1][price_data][unit_amount]", "501"),
    ("line_items[1][price_data][product_data][name]", "Pen"),
];

async fn open(sandbox: &Sandbox, more: &[(&str, &str)]) -> Value {
    let fields = [&CART, more].concat();
    sandbox.post(SESSIONS, &fields).await.ok()
}

async fn pay(sandbox: &Sandbox, session: &Value, how: Value) -> Value {
    let path = format!("checkout/sessions/{}/pay", id(session));
    sandbox.control(&path, how).await.ok()
}
