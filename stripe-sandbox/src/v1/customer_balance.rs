//! Customers' balances: every change is a transaction of its own, and invoices take what there is.

use serde_json::{Value, json};

use crate::context::{Ctx, int};
use crate::form::{Params as _, merge_metadata};
use crate::money;
use crate::respond::{Answer, ApiError, new_id};

/// What a change belongs to.
#[derive(Clone, Copy, Default)]
pub struct Cause<'a> {
    /// `in_…`
    pub invoice: Option<&'a str>,
    /// `cn_…`
    pub credit_note: Option<&'a str>,
}

/// Changes a customer's balance and keeps why; nothing is written where nothing changes.
///
/// # Errors
/// When the customer does not exist.
pub fn change(
    cx: &mut Ctx<'_>,
    customer: &str,
    amount: i64,
    currency: &Value,
    kind: &str,
    cause: Cause<'_>,
) -> Answer {
    let mut owner = cx.load("customer", customer)?;
    let after = int(&owner["balance"]) + amount;
    let transaction = json!({
        "id": new_id("cbtxn"), "object": "customer_balance_transaction", "amount": amount,
        "checkout_session": null, "created": cx.at, "credit_note": cause.credit_note,
        "currency": currency, "customer": customer, "description": null,
        "ending_balance": after, "invoice": cause.invoice, "livemode": false, "metadata": {},
        "type": kind,
    });
    if amount == 0 {
        return Ok(transaction);
    }
    owner["balance"] = json!(after);
    if owner["currency"].is_null() {
        owner["currency"] = currency.clone();
    }
    cx.state.put("customer", owner);
    cx.state
        .put("customer_balance_transaction", transaction.clone());
    Ok(transaction)
}

/// `POST /v1/customers/{id}/balance_transactions`: an adjustment by hand.
pub fn create(cx: &mut Ctx<'_>, customer: &str, params: &Value) -> Answer {
    let amount = params.need_integer("amount")?;
    let currency = json!(money::currency(params)?);
    let before = cx.load("customer", customer)?["balance"].clone();
    let mut made = change(
        cx,
        customer,
        amount,
        &currency,
        "adjustment",
        Cause::default(),
    )?;
    merge_metadata(&mut made, params);
    made["description"] = json!(params.text("description"));
    cx.state.put("customer_balance_transaction", made.clone());
    let owner = cx.load("customer", customer)?;
    cx.emit_change("customer.updated", &owner, json!({"balance": before}));
    Ok(made)
}

/// `GET /v1/customers/{id}/balance_transactions`, newest first.
pub fn list(cx: &Ctx<'_>, customer: &str, params: &Value) -> Answer {
    cx.load("customer", customer)?;
    let url = format!("/v1/customers/{customer}/balance_transactions");
    cx.list("customer_balance_transaction", &url, params, |row| {
        row["customer"] == customer
    })
}

/// `GET /v1/customers/{id}/balance_transactions/{id}`
pub fn retrieve(cx: &Ctx<'_>, customer: &str, id: &str) -> Answer {
    let row = cx.load("customer_balance_transaction", id)?;
    if row["customer"] == customer {
        Ok(row)
    } else {
        Err(ApiError::no_such("customer_balance_transaction", id))
    }
}
