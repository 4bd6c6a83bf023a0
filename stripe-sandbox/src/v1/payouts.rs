//! Payouts from a connected account's balance to its bank.

use serde_json::{Value, json};

use crate::context::{Ctx, page};
use crate::fixtures::build;
use crate::form::Params as _;
use crate::money;
use crate::respond::{Answer, ApiError, new_id};

/// Pays an account's balance out to its bank; `fail` makes the bank send it back.
pub fn pay_out(cx: &mut Ctx<'_>, account: &str, params: &Value) -> Answer {
    cx.load("v2.core.account", account)?;
    let currency = money::currency(params)?;
    let held = cx
        .state
        .account_balances
        .get(account)
        .and_then(|balances| balances.get(&currency))
        .copied()
        .unwrap_or(0);
    let amount = params.integer("amount")?.unwrap_or(held);
    if amount < 1 || amount > held {
        return Err(ApiError::refused(
            "balance_insufficient",
            format!("The account has {}.", money::show(held, &currency)),
        ));
    }
    let id = new_id("po");
    let transaction = cx.book_account(account, "payout", -amount, &currency, &id);
    let mut payout = build(
        "payout",
        json!({
            "id": id, "amount": amount, "currency": currency, "created": cx.at,
            "arrival_date": cx.at + 2 * 86_400, "balance_transaction": transaction,
            "destination": "ba_1SandboxBankAccount", "metadata": {}, "status": "in_transit",
            "trace_id": {"status": "pending", "value": null},
        }),
    );
    cx.emit_for(account, "payout.created", &payout);
    if params.flag("fail")?.unwrap_or(false) {
        let back = cx.book_account(account, "payout_failure", amount, &currency, &id);
        payout["status"] = json!("failed");
        payout["failure_code"] = json!("account_closed");
        payout["failure_message"] = json!("The bank account has been closed.");
        payout["failure_balance_transaction"] = json!(back);
        cx.emit_for(account, "payout.failed", &payout);
    } else {
        payout["status"] = json!("paid");
        cx.emit_for(account, "payout.paid", &payout);
    }
    let mut kept = payout.clone();
    kept["_account"] = json!(account);
    cx.state.put("payout", kept);
    Ok(payout)
}

/// What the bank says about a payout by now; its money stays where it is booked.
pub fn now(cx: &mut Ctx<'_>, id: &str, params: &Value) -> Answer {
    let mut payout = cx.load("payout", id)?;
    let status = params.need_text("status")?.to_owned();
    if status == "failed" {
        payout["failure_code"] = json!("account_closed");
        payout["failure_message"] = json!("The bank account has been closed.");
    }
    payout["status"] = json!(status);
    cx.state.put("payout", payout.clone());
    let account = payout["_account"].as_str().unwrap_or_default().to_owned();
    let shown = public(&payout);
    let event = if matches!(status.as_str(), "paid" | "failed") {
        format!("payout.{status}")
    } else {
        "payout.updated".to_owned()
    };
    cx.emit_for(&account, &event, &shown);
    Ok(shown)
}

/// `GET /v1/payouts`, of the account named by `Stripe-Account`.
pub fn list(cx: &Ctx<'_>, params: &Value) -> Answer {
    let status = params.text("status");
    let rows: Vec<Value> = cx
        .state
        .newest_first("payout", |payout| {
            payout["_account"].as_str() == cx.account.as_deref()
                && status.is_none_or(|wanted| payout["status"] == wanted)
        })
        .into_iter()
        .map(public)
        .collect();
    page(rows.iter().collect(), "/v1/payouts", params)
}

/// `GET /v1/payouts/{id}`
pub fn retrieve(cx: &Ctx<'_>, id: &str) -> Answer {
    let payout = cx.load("payout", id)?;
    if payout["_account"].as_str() != cx.account.as_deref() {
        return Err(ApiError::no_such("payout", id));
    }
    Ok(public(&payout))
}

fn public(payout: &Value) -> Value {
    let mut payout = payout.clone();
    if let Value::Object(map) = &mut payout {
        map.remove("_account");
    }
    payout
}
