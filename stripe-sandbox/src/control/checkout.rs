//! The buyer of a checkout session: presses the button, and the bank answers.
//!
//! | `POST /_sandbox/checkout/…` | takes |
//! |---|---|
//! | `sessions/{id}/pay` | `tax, discount, delayed, email, name, country` |
//! | `sessions/{id}/settle` | nothing: the bank debit of a session paid with `delayed` arrives |
//! | `sessions/{id}/fail` | nothing: the buyer's bank refuses that debit |
//! | `paid` | `id`, as `POST /v1/checkout/sessions`, and as `pay`: made and paid in one piece |
//!
//! `pay` ends in `checkout.session.completed`. With `delayed: true` its `payment_status` is
//! `unpaid`, and `settle` ends in `checkout.session.async_payment_succeeded`, `fail` in
//! `checkout.session.async_payment_failed`. `tax` comes on top of the subtotal, `discount` lowers it.
//! `email`, `name` and `country` are what the buyer types. What is refused, `paid` too, makes nothing.

use serde_json::Value;

use crate::checkout;
use crate::context::Ctx;
use crate::form::Params as _;
use crate::respond::Answer;
use crate::v1;

/// Runs one of the calls; `None` when there is none of that name.
pub fn run(cx: &mut Ctx<'_>, what: &[&str], params: &Value) -> Option<Answer> {
    let answer = match what {
        ["sessions", id, "pay"] => checkout::pay(cx, id, params),
        ["sessions", id, "settle"] => checkout::settle(cx, id),
        ["sessions", id, "fail"] => checkout::fail(cx, id),
        ["paid"] => paid(cx, params),
        _ => return None,
    };
    Some(answer)
}

/// Seeding twice makes nothing twice.
fn paid(cx: &mut Ctx<'_>, params: &Value) -> Answer {
    let known = params
        .text("id")
        .and_then(|id| cx.state.get("checkout.session", id));
    let session = match known {
        Some(known) => known.clone(),
        None => {
            let planned = v1::checkout::plan(cx, params)?;
            checkout::terms(cx, &planned, params)?;
            v1::checkout::keep(cx, planned, params)?
        }
    };
    if session["status"] != "open" {
        return Ok(session);
    }
    checkout::pay(cx, session["id"].as_str().unwrap_or_default(), params)
}
