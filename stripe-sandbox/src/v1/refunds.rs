//! Refunds.

use serde_json::{Value, json};

use super::payments;
use crate::context::{Ctx, int};
use crate::fixtures::build;
use crate::form::{Params as _, merge_metadata};
use crate::respond::{Answer, ApiError, new_id};

/// `POST /v1/refunds` of a `charge` or a `payment_intent`.
pub fn create(cx: &mut Ctx<'_>, params: &Value) -> Answer {
    let charge = if params.text("charge").is_some() {
        cx.load_param("charge", params, "charge")?
    } else if params.text("payment_intent").is_some() {
        let intent = cx.load_param("payment_intent", params, "payment_intent")?;
        cx.load_param("charge", &intent, "latest_charge")?
    } else {
        return Err(ApiError::missing_param("charge"));
    };
    refund(cx, &charge, params)
}

/// Refunds a charge: all that is left, or `amount`; `status` may be `pending`.
pub fn refund(cx: &mut Ctx<'_>, charge: &Value, params: &Value) -> Answer {
    let mut charge = charge.clone();
    let charge_id = charge["id"].as_str().unwrap_or_default().to_owned();
    let before = int(&charge["amount_refunded"]);
    let left = int(&charge["amount"]) - before;
    let amount = params.integer("amount")?.unwrap_or(left);
    payments::need_succeeded(&charge)?;
    if left == 0 {
        return Err(ApiError::refused(
            "charge_already_refunded",
            format!("Charge {charge_id} has already been refunded."),
        ));
    }
    if amount < 1 || amount > left {
        return Err(ApiError::refused(
            "charge_refund_amount_too_large",
            format!("Refund amount ({amount}) must be between 1 and {left}, which is unrefunded."),
        )
        .param("amount"));
    }
    if charge["disputed"] == true {
        return Err(ApiError::refused(
            "charge_disputed",
            format!("Charge {charge_id} is disputed and cannot be refunded."),
        ));
    }
    let currency = charge["currency"].as_str().unwrap_or_default().to_owned();
    let id = params
        .text("id")
        .map_or_else(|| new_id("re"), str::to_owned);
    let transaction = cx.book("refund", -amount, &currency, &id);
    let mut refund = build(
        "refund",
        json!({
            "id": id, "amount": amount, "balance_transaction": transaction, "charge": charge_id,
            "created": cx.at, "currency": currency, "customer": charge["customer"],
            "metadata": {}, "payment_intent": charge["payment_intent"],
            "payment_method": charge["payment_method"], "reason": params.text("reason"),
            "status": params.text("status").unwrap_or("succeeded"),
        }),
    );
    merge_metadata(&mut refund, params);
    cx.state.put("refund", refund.clone());
    charge["amount_refunded"] = json!(before + amount);
    charge["refunded"] = json!(amount == left);
    embed(cx, &mut charge);
    cx.state.put("charge", charge.clone());
    cx.emit("refund.created", &refund);
    // The charge carries the cumulative amount.
    let previous = json!({"amount_refunded": before, "refunded": false});
    cx.emit_change("charge.refunded", &charge, previous);
    Ok(refund)
}

/// The newest refunds travel inside the charge.
fn embed(cx: &Ctx<'_>, charge: &mut Value) {
    let all = cx
        .state
        .newest_first("refund", |refund| refund["charge"] == charge["id"]);
    let shown: Vec<Value> = all
        .iter()
        .take(10)
        .map(|refund| (*refund).clone())
        .collect();
    charge["refunds"]["has_more"] = json!(all.len() > shown.len());
    charge["refunds"]["data"] = json!(shown);
}

/// A refund that was on its way comes back: the money is the platform's again.
pub fn fail(cx: &mut Ctx<'_>, id: &str) -> Answer {
    let mut refund = cx.load("refund", id)?;
    if refund["status"] == "failed" {
        return Err(ApiError::refused(
            "refund_failed",
            "The refund has failed already.",
        ));
    }
    let amount = int(&refund["amount"]);
    let currency = refund["currency"].as_str().unwrap_or_default().to_owned();
    let transaction = cx.book("refund_failure", amount, &currency, id);
    refund["status"] = json!("failed");
    refund["failure_reason"] = json!("expired_or_canceled_card");
    refund["failure_balance_transaction"] = json!(transaction);
    cx.state.put("refund", refund.clone());
    let charge_id = refund["charge"].as_str().unwrap_or_default();
    let mut charge = cx.load("charge", charge_id)?;
    charge["amount_refunded"] = json!(int(&charge["amount_refunded"]) - amount);
    charge["refunded"] = json!(false);
    embed(cx, &mut charge);
    cx.state.put("charge", charge);
    cx.emit("refund.failed", &refund);
    cx.emit("charge.refund.updated", &refund);
    Ok(refund)
}

/// `GET /v1/refunds`
pub fn list(cx: &Ctx<'_>, params: &Value) -> Answer {
    let charge = params.text("charge");
    let intent = params.text("payment_intent");
    cx.list("refund", "/v1/refunds", params, |refund| {
        charge.is_none_or(|wanted| refund["charge"] == wanted)
            && intent.is_none_or(|wanted| refund["payment_intent"] == wanted)
    })
}
