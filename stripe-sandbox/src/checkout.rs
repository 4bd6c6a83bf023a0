//! Paying checkout sessions: what happens when the buyer presses the button, and when the bank
//! answers.
//!
//! Discount and tax, both in minor units, are what the caller says. The discount lowers the
//! subtotal, the tax comes on top, and both are spread over the line items, so that these add up
//! to the session. A session that is free of charge has no payment.

use serde_json::{Value, json};

use crate::billing;
use crate::context::{Ctx, int};
use crate::form::Params as _;
use crate::respond::{Answer, ApiError};
use crate::v1::customers;
use crate::v1::payments::{self, Sale};

/// The kind under which a session's line items are kept, all of them as one.
const ITEMS: &str = "checkout.session.line_items";

fn items_id(session: &str) -> String {
    format!("{session}/line_items")
}

/// The line items of a session, in order.
pub fn items_of(cx: &Ctx<'_>, session: &str) -> Vec<Value> {
    cx.state
        .get(ITEMS, &items_id(session))
        .map_or_else(Vec::new, |kept| kept.items("data"))
}

/// Keeps the line items of a session in place of those it had.
pub fn keep_items(cx: &mut Ctx<'_>, session: &str, items: Vec<Value>) {
    let kept = json!({"id": items_id(session), "data": items});
    cx.state.put(ITEMS, kept);
}

/// How a session is paid.
pub struct Terms {
    discount: i64,
    tax: i64,
    total: i64,
    delayed: bool,
}

/// Reads how a session, which may not be kept yet, is to be paid: `tax`, `discount`, `delayed`.
///
/// # Errors
/// When the session cannot be paid, or not in this way.
pub fn terms(cx: &Ctx<'_>, session: &Value, params: &Value) -> Result<Terms, ApiError> {
    let status = session["status"].as_str().unwrap_or_default();
    if status != "open" {
        return Err(ApiError::wrong_state(format!(
            "Only Checkout Sessions with a status in [\"open\"] can be paid. This Checkout Session \
             has a status of {status}."
        )));
    }
    if cx.at >= int(&session["expires_at"]) {
        return Err(ApiError::wrong_state(
            "This Checkout Session has expired: its time is over.",
        ));
    }
    let discount = amount(params, "discount")?;
    let tax = amount(params, "tax")?;
    let subtotal = int(&session["amount_subtotal"]);
    if discount > subtotal {
        return Err(ApiError::invalid(
            format!("The discount is more than the subtotal, which is {subtotal}."),
            Some("discount"),
        ));
    }
    let total = (subtotal - discount)
        .checked_add(tax)
        .ok_or_else(|| ApiError::invalid("The tax is too large.", Some("tax")))?;
    let delayed = params.flag("delayed")?.unwrap_or(false);
    if session["invoice_creation"]["enabled"] == true {
        invoiceable(cx, session, delayed)?;
    }
    Ok(Terms {
        discount,
        tax,
        total,
        delayed,
    })
}

/// Whether the sandbox can make an invoice of the session.
fn invoiceable(cx: &Ctx<'_>, session: &Value, delayed: bool) -> Result<(), ApiError> {
    if delayed {
        return Err(ApiError::invalid(
            "The sandbox makes no invoice of a bank debit: leave out invoice_creation or delayed.",
            Some("delayed"),
        ));
    }
    if session["customer"].is_null() {
        return Ok(());
    }
    let customer = cx.load_param("customer", session, "customer")?;
    if int(&customer["balance"]) != 0 {
        return Err(ApiError::refused(
            "customer_balance",
            "The sandbox makes no invoice of a checkout by a customer who has a balance.",
        ));
    }
    Ok(())
}

/// The buyer pays: takes what [`terms`] reads, and `email`, `name` and `country`.
///
/// # Errors
/// As [`terms`]. Nothing has happened then.
pub fn pay(cx: &mut Ctx<'_>, id: &str, params: &Value) -> Answer {
    let mut session = cx.load("checkout.session", id)?;
    let terms = terms(cx, &session, params)?;
    let mut items = items_of(cx, id);
    reckon(&mut session, &mut items, &terms);
    introduce(&mut session, params);
    let free = terms.total == 0;
    if session["invoice_creation"]["enabled"] == true {
        invoice(cx, &mut session, &items)?;
    } else if !free {
        collect(cx, &mut session, terms.delayed);
    }
    session["payment_status"] = json!(match (free, terms.delayed) {
        (true, _) => "no_payment_required",
        (false, true) => "unpaid",
        (false, false) => "paid",
    });
    session["status"] = json!("complete");
    session["url"] = Value::Null;
    keep_items(cx, id, items);
    cx.state.put("checkout.session", session.clone());
    cx.emit("checkout.session.completed", &session);
    Ok(session)
}

/// The bank debit that was `delayed` arrives.
///
/// # Errors
/// When the session waits for none.
pub fn settle(cx: &mut Ctx<'_>, id: &str) -> Answer {
    let (mut session, intent) = waiting(cx, id)?;
    payments::arrive(cx, &intent)?;
    session["payment_status"] = json!("paid");
    cx.state.put("checkout.session", session.clone());
    cx.emit("checkout.session.async_payment_succeeded", &session);
    Ok(session)
}

/// The bank debit that was `delayed` is refused by the buyer's bank. The session stays complete and
/// unpaid.
///
/// # Errors
/// When the session waits for none.
pub fn fail(cx: &mut Ctx<'_>, id: &str) -> Answer {
    let (session, intent) = waiting(cx, id)?;
    payments::bounce(cx, &intent)?;
    cx.emit("checkout.session.async_payment_failed", &session);
    Ok(session)
}

/// A session that waits for a bank debit, and the payment intent's id.
fn waiting(cx: &Ctx<'_>, id: &str) -> Result<(Value, String), ApiError> {
    let session = cx.load("checkout.session", id)?;
    let intent = session["payment_intent"]
        .as_str()
        .and_then(|id| cx.state.get("payment_intent", id))
        .filter(|intent| intent["status"] == "processing")
        .and_then(|intent| intent["id"].as_str())
        .map(str::to_owned);
    match intent {
        Some(intent) => Ok((session, intent)),
        None => Err(ApiError::wrong_state(
            "The Checkout Session does not wait for a payment.",
        )),
    }
}

/// Puts discount and tax into the session and its line items.
fn reckon(session: &mut Value, items: &mut [Value], terms: &Terms) {
    let gross: Vec<i64> = items
        .iter()
        .map(|item| int(&item["amount_subtotal"]))
        .collect();
    let discounts = spread(terms.discount, &gross);
    let net: Vec<i64> = gross
        .iter()
        .zip(&discounts)
        .map(|(gross, discount)| gross - discount)
        .collect();
    let taxes = spread(terms.tax, &net);
    for (index, item) in items.iter_mut().enumerate() {
        item["amount_discount"] = json!(discounts[index]);
        item["amount_tax"] = json!(taxes[index]);
        item["amount_total"] = json!(net[index] + taxes[index]);
    }
    session["total_details"]["amount_discount"] = json!(terms.discount);
    session["total_details"]["amount_tax"] = json!(terms.tax);
    session["amount_total"] = json!(terms.total);
}

fn amount(params: &Value, name: &str) -> Result<i64, ApiError> {
    let amount = params.integer(name)?.unwrap_or(0);
    if amount < 0 {
        return Err(ApiError::invalid(
            format!("{name} is not negative."),
            Some(name),
        ));
    }
    Ok(amount)
}

/// Divides an amount in proportion to the weights, which are not negative; the parts add up to it.
/// Without any weight the first takes it all.
fn spread(amount: i64, weights: &[i64]) -> Vec<i64> {
    let whole: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    let mut seen = 0_i128;
    let mut given = 0_i64;
    weights
        .iter()
        .map(|weight| {
            seen += i128::from(*weight);
            let due = match whole {
                0 => amount,
                _ => i64::try_from(i128::from(amount) * seen / whole).unwrap_or(amount),
            };
            let part = due - given;
            given = due;
            part
        })
        .collect()
}

/// Puts what the buyer typed over what was known.
fn introduce(session: &mut Value, params: &Value) {
    let mut details = session["customer_details"].take();
    if details.is_null() {
        details = json!({"address": null, "business_name": null, "email": null,
                         "individual_name": null, "name": null, "phone": null,
                         "tax_exempt": "none", "tax_ids": []});
    }
    for field in ["email", "name"] {
        if let Some(given) = params.text(field) {
            details[field] = json!(given);
        }
    }
    if let Some(country) = params.text("country") {
        if details["address"].is_null() {
            details["address"] = json!({"city": null, "country": null, "line1": null,
                                        "line2": null, "postal_code": null, "state": null});
        }
        details["address"]["country"] = json!(country.to_ascii_uppercase());
    }
    session["customer_details"] = details;
    session["collected_information"] =
        json!({"business_name": null, "individual_name": null, "shipping_details": null});
}

/// Takes the money, or begins to.
fn collect(cx: &mut Ctx<'_>, session: &mut Value, delayed: bool) {
    let sale = Sale {
        amount: int(&session["amount_total"]),
        currency: session["currency"].as_str().unwrap_or_default(),
        customer: &session["customer"],
        description: None,
        payer: session["customer_details"].clone(),
    };
    let intent = match delayed {
        true => payments::take_slowly(cx, &sale),
        false => payments::take(cx, &sale),
    };
    session["payment_intent"] = intent["id"].clone();
    session["payment_method_types"] = intent["payment_method_types"].clone();
}

/// Makes an invoice of the session and has it paid. A guest becomes a customer, as with Stripe.
fn invoice(cx: &mut Ctx<'_>, session: &mut Value, items: &[Value]) -> Result<(), ApiError> {
    if session["customer"].is_null() {
        let details = &session["customer_details"];
        let params = json!({"email": details["email"], "name": details["name"],
                            "address": details["address"]});
        session["customer"] = customers::create(cx, &params)?["id"].clone();
    }
    let spec = json!({"customer": session["customer"], "currency": session["currency"]});
    let draft = billing::draft(cx, &spec)?;
    for item in items {
        let line = json!({
            "amount": item["amount_subtotal"], "discount": item["amount_discount"],
            "tax": item["amount_tax"], "description": item["description"],
            "quantity": item["quantity"], "price": item["price"]["id"],
            "product": item["price"]["product"],
        });
        billing::add_line(cx, &draft, &line)?;
    }
    let draft = billing::recalculate(cx, &draft)?;
    cx.emit("invoice.created", &draft);
    let mut invoice = billing::finalize(cx, &draft)?;
    if invoice["status"] == "open" {
        invoice = billing::pay(cx, &invoice, None)?;
    }
    let id = invoice["id"].as_str().unwrap_or_default();
    if let Some(charge) = payments::charges_of(cx, id).first() {
        session["payment_intent"] = charge["payment_intent"].clone();
    }
    session["invoice"] = invoice["id"].clone();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn parts_add_up() {
        assert_eq!(spread(100, &[1, 1, 1]), [33, 33, 34]);
        assert_eq!(spread(3, &[0, 1, 2]), [0, 1, 2]);
        assert_eq!(spread(7, &[0, 0]), [7, 0]);
        assert_eq!(spread(0, &[5, 6]), [0, 0]);
        assert_eq!(spread(i64::MAX, &[1, 1]).iter().sum::<i64>(), i64::MAX);
    }
}
