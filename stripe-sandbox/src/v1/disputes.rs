//! Disputes. Opening and closing one is the control interface's.

use serde_json::{Value, json};

use super::payments;
use crate::context::{Ctx, int};
use crate::fixtures::build;
use crate::form::Params as _;
use crate::respond::{Answer, ApiError, new_id};

/// A customer disputes a charge: the money is withdrawn.
pub fn open(cx: &mut Ctx<'_>, charge: &Value, params: &Value) -> Answer {
    let mut charge = charge.clone();
    if charge["disputed"] == true {
        return Err(ApiError::refused(
            "charge_disputed",
            "The charge is disputed already.",
        ));
    }
    payments::need_succeeded(&charge)?;
    let left = int(&charge["amount"]) - int(&charge["amount_refunded"]);
    let amount = params.integer("amount")?.unwrap_or(left);
    if amount < 1 || amount > left {
        return Err(ApiError::refused(
            "amount_too_large",
            format!("The amount must be between 1 and {left}."),
        ));
    }
    let id = params
        .text("id")
        .map_or_else(|| new_id("dp"), str::to_owned);
    let currency = charge["currency"].as_str().unwrap_or_default().to_owned();
    let transaction = cx.book("adjustment", -amount, &currency, &id);
    let transaction = cx.load("balance_transaction", &transaction)?;
    let mut dispute = build(
        "dispute",
        json!({
            "id": id, "amount": amount, "balance_transactions": [transaction],
            "charge": charge["id"], "created": cx.at, "currency": currency,
            "is_charge_refundable": false, "metadata": {},
            "payment_intent": charge["payment_intent"],
            "reason": params.text("reason").unwrap_or("fraudulent"), "status": "needs_response",
        }),
    );
    dispute["evidence_details"]["due_by"] = json!(cx.at + 9 * 86_400);
    dispute["payment_method_details"]["card"]["case_type"] = json!("chargeback");
    charge["disputed"] = json!(true);
    cx.state.put("dispute", dispute.clone());
    cx.state.put("charge", charge);
    cx.emit("charge.dispute.created", &dispute);
    cx.emit("charge.dispute.funds_withdrawn", &dispute);
    Ok(dispute)
}

/// The dispute ends, `won` or `lost`; won brings the money back.
pub fn close(cx: &mut Ctx<'_>, id: &str, status: &str) -> Answer {
    let mut dispute = cx.load("dispute", id)?;
    if !matches!(status, "won" | "lost") {
        return Err(ApiError::invalid(
            "status must be won or lost.",
            Some("status"),
        ));
    }
    if matches!(dispute["status"].as_str(), Some("won" | "lost")) {
        return Err(ApiError::refused(
            "dispute_closed",
            "The dispute is closed already.",
        ));
    }
    let before = dispute["status"].clone();
    dispute["status"] = json!(status);
    if status == "won" {
        let currency = dispute["currency"].as_str().unwrap_or_default().to_owned();
        let transaction = cx.book("adjustment", int(&dispute["amount"]), &currency, id);
        let transaction = cx.load("balance_transaction", &transaction)?;
        if let Some(list) = dispute["balance_transactions"].as_array_mut() {
            list.push(transaction);
        }
    }
    cx.state.put("dispute", dispute.clone());
    cx.emit_change("charge.dispute.closed", &dispute, json!({"status": before}));
    if status == "won" {
        cx.emit("charge.dispute.funds_reinstated", &dispute);
    }
    Ok(dispute)
}

/// `GET /v1/disputes`
pub fn list(cx: &Ctx<'_>, params: &Value) -> Answer {
    let charge = params.text("charge");
    let intent = params.text("payment_intent");
    cx.list("dispute", "/v1/disputes", params, |dispute| {
        charge.is_none_or(|wanted| dispute["charge"] == wanted)
            && intent.is_none_or(|wanted| dispute["payment_intent"] == wanted)
    })
}
