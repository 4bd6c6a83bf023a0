//! The balance of the platform, or of the account named by `Stripe-Account`.

use serde_json::{Value, json};

use crate::context::Ctx;
use crate::fixtures::build;
use crate::form::Params as _;
use crate::respond::Answer;

/// `GET /v1/balance`
pub fn retrieve(cx: &Ctx<'_>) -> Answer {
    let empty = std::collections::BTreeMap::new();
    let balances = match &cx.account {
        None => &cx.state.balance,
        Some(account) => {
            cx.load("v2.core.account", account)?;
            cx.state.account_balances.get(account).unwrap_or(&empty)
        }
    };
    let entry = |currency: &str, amount: i64| json!({"amount": amount, "currency": currency, "source_types": {"card": amount}});
    let mut available: Vec<Value> = balances
        .iter()
        .map(|(currency, amount)| entry(currency, *amount))
        .collect();
    let mut pending: Vec<Value> = balances.keys().map(|currency| entry(currency, 0)).collect();
    let mut reserved: Vec<Value> = balances
        .keys()
        .map(|currency| json!({"amount": 0, "currency": currency}))
        .collect();
    if available.is_empty() {
        // Stripe never answers an empty list.
        available.push(entry("usd", 0));
        pending.push(entry("usd", 0));
        reserved.push(json!({"amount": 0, "currency": "usd"}));
    }
    Ok(build(
        "balance",
        json!({"available": available, "pending": pending, "connect_reserved": reserved}),
    ))
}

/// `GET /v1/balance_transactions`
pub fn transactions(cx: &Ctx<'_>, params: &Value) -> Answer {
    let source = params.text("source");
    let kind = params.text("type");
    let currency = params.text("currency");
    cx.list(
        "balance_transaction",
        "/v1/balance_transactions",
        params,
        |transaction| {
            source.is_none_or(|wanted| transaction["source"] == wanted)
                && kind.is_none_or(|wanted| transaction["type"] == wanted)
                && currency.is_none_or(|wanted| transaction["currency"] == wanted)
        },
    )
}
