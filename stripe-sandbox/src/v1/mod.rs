//! The endpoints of API v1.

pub mod accounts;
pub mod balance;
pub mod catalog;
pub mod checkout;
pub mod credit_notes;
pub mod customer_balance;
pub mod customers;
pub mod disputes;
pub mod endpoints;
pub mod events;
pub mod invoices;
pub mod payments;
pub mod payouts;
pub mod refunds;
pub mod subscriptions;
pub mod transfers;

use serde_json::Value;

use crate::context::Ctx;
use crate::respond::Answer;

/// Finds the endpoint for a path below `/v1`; `None` when there is none.
pub fn route(cx: &mut Ctx<'_>, method: &str, path: &[&str], params: &Value) -> Option<Answer> {
    let answer = match (method, path) {
        ("POST", ["transfers"]) => transfers::create(cx, params),
        ("GET", ["transfers"]) => transfers::list(cx, params),
        ("GET", ["transfers", id]) => transfers::retrieve(cx, id),
        ("POST", ["transfers", id]) => transfers::update(cx, id, params),
        ("POST", ["transfers", id, "reversals"]) => transfers::reverse(cx, id, params),
        ("GET", ["transfers", id, "reversals"]) => transfers::reversals(cx, id, params),
        ("GET", ["transfers", id, "reversals", reversal]) => cx
            .load("transfer", id)
            .and_then(|_| cx.load("transfer_reversal", reversal)),

        ("GET", ["balance"]) => balance::retrieve(cx),
        ("GET", ["balance_transactions"]) => balance::transactions(cx, params),
        ("GET", ["balance_transactions", id]) => cx.load("balance_transaction", id),
        ("GET", ["account"]) => accounts::platform(cx),
        ("GET", ["accounts", id]) => accounts::retrieve(cx, id),
        ("POST", ["accounts", id, "login_links"]) => accounts::login_link(cx, id),
        ("GET", ["payouts"]) => payouts::list(cx, params),
        ("GET", ["payouts", id]) => payouts::retrieve(cx, id),

        ("POST", ["customers"]) => customers::create(cx, params),
        ("GET", ["customers"]) => customers::list(cx, params),
        ("GET", ["customers", "search"]) => customers::search(cx, params),
        ("GET", ["customers", id]) => customers::retrieve(cx, id),
        ("POST", ["customers", id]) => customers::update(cx, id, params),
        ("DELETE", ["customers", id]) => customers::delete(cx, id),
        ("POST", ["customers", id, "balance_transactions"]) => {
            customer_balance::create(cx, id, params)
        }
        ("GET", ["customers", id, "balance_transactions"]) => {
            customer_balance::list(cx, id, params)
        }
        ("GET", ["customers", id, "balance_transactions", change]) => {
            customer_balance::retrieve(cx, id, change)
        }
        ("POST", ["products"]) => catalog::create_product(cx, params),
        ("GET", ["products"]) => cx.list("product", "/v1/products", params, |_| true),
        ("GET", ["products", id]) => cx.load("product", id),
        ("POST", ["prices"]) => catalog::create_price(cx, params),
        ("GET", ["prices"]) => catalog::list_prices(cx, params),
        ("GET", ["prices", id]) => cx.load("price", id),
        ("POST", ["subscriptions"]) => subscriptions::create(cx, params),
        ("GET", ["subscriptions"]) => subscriptions::list(cx, params),
        ("GET", ["subscriptions", id]) => cx.load("subscription", id),
        ("POST", ["subscriptions", id]) => subscriptions::update(cx, id, params),
        ("DELETE", ["subscriptions", id]) => subscriptions::cancel(cx, id, params),

        ("POST", ["invoiceitems"]) => invoices::create_item(cx, params),
        ("POST", ["invoices"]) => invoices::create(cx, params),
        ("GET", ["invoices"]) => invoices::list(cx, params),
        ("GET", ["invoices", id]) => cx.load("invoice", id),
        ("GET", ["invoices", id, "lines"]) => invoices::lines(cx, id, params),
        ("POST", ["invoices", id, "finalize"]) => invoices::finalize(cx, id),
        ("POST", ["invoices", id, "pay"]) => invoices::pay(cx, id, params),
        ("POST", ["invoices", id, "void"]) => invoices::void(cx, id),
        ("GET", ["invoice_payments"]) => payments::list_invoice_payments(cx, params),
        ("GET", ["invoice_payments", id]) => cx.load("invoice_payment", id),
        ("GET", ["charges"]) => payments::list_charges(cx, params),
        ("GET", ["charges", id]) => cx.load("charge", id),
        ("GET", ["payment_intents"]) => payments::list_intents(cx, params),
        ("GET", ["payment_intents", id]) => cx.load("payment_intent", id),

        ("POST", ["checkout", "sessions"]) => checkout::create(cx, params),
        ("GET", ["checkout", "sessions"]) => checkout::list(cx, params),
        ("GET", ["checkout", "sessions", id]) => cx.load("checkout.session", id),
        ("POST", ["checkout", "sessions", id, "expire"]) => checkout::expire(cx, id, params),
        ("GET", ["checkout", "sessions", id, "line_items"]) => checkout::line_items(cx, id, params),

        ("POST", ["refunds"]) => refunds::create(cx, params),
        ("GET", ["refunds"]) => refunds::list(cx, params),
        ("GET", ["refunds", id]) => cx.load("refund", id),
        ("POST", ["credit_notes"]) => credit_notes::create(cx, params),
        ("GET", ["credit_notes"]) => credit_notes::list(cx, params),
        ("GET", ["credit_notes", id]) => cx.load("credit_note", id),
        ("GET", ["credit_notes", id, "lines"]) => credit_notes::lines(cx, id, params),
        ("GET", ["disputes"]) => disputes::list(cx, params),
        ("GET", ["disputes", id]) => cx.load("dispute", id),

        ("GET", ["events"]) => events::list(cx, params),
        ("GET", ["events", id]) => cx.load("event", id),
        ("POST", ["webhook_endpoints"]) => endpoints::create(cx, params),
        ("GET", ["webhook_endpoints"]) => endpoints::list(cx, params),
        ("GET", ["webhook_endpoints", id]) => endpoints::retrieve(cx, id),
        _ => return None,
    };
    Some(answer)
}
