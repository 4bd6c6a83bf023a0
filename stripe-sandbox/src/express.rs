//! The Express dashboard, cut down to what an account has received.

use std::sync::Arc;

use axum::extract::{Path, State as Extract};
use axum::response::Response;
use http::StatusCode;
use serde_json::Value;

use crate::Shared;
use crate::context::{int, rfc3339};
use crate::html::{escape, page, problem};
use crate::money;
use crate::respond::ApiError;

/// `GET /express/{token}`
pub async fn show(Extract(shared): Extract<Arc<Shared>>, Path(key): Path<String>) -> Response {
    let body = shared.step(|cx| {
        let id = cx
            .state
            .login_links
            .get(&key)
            .cloned()
            .ok_or_else(|| ApiError::no_such("login_link", &key))?;
        let account = cx.load("v2.core.account", &id)?;
        let balances = cx
            .state
            .account_balances
            .get(&id)
            .cloned()
            .unwrap_or_default();
        let balance: String = balances
            .iter()
            .map(|(currency, amount)| {
                format!("<li>{}</li>", escape(&money::show(*amount, currency)))
            })
            .collect();
        let balance = if balance.is_empty() {
            "<p>Nothing yet. Money appears here when a transfer arrives.</p>".to_owned()
        } else {
            format!("<ul>{balance}</ul>")
        };
        let transfers = table(
            "Transfers",
            &cx.state.newest_first("transfer", |transfer| {
                transfer["destination"] == id.as_str()
            }),
        );
        let payouts = table(
            "Payouts",
            &cx.state
                .newest_first("payout", |payout| payout["_account"] == id.as_str()),
        );
        let name = account["display_name"].as_str().unwrap_or(&id);
        Ok(format!(
            "<p>{}</p>\n<h2>Balance</h2>\n{balance}\n{transfers}\n{payouts}",
            escape(name)
        ))
    });
    match body {
        Ok(body) => page("Your Stripe account", &body),
        Err(_) => problem(
            StatusCode::NOT_FOUND,
            "This link does not exist",
            "Go back to the portal and open the dashboard from there.",
        ),
    }
}

fn table(title: &str, rows: &[&Value]) -> String {
    if rows.is_empty() {
        return format!("<h2>{title}</h2>\n<p>None yet.</p>");
    }
    let rows: String = rows
        .iter()
        .take(100)
        .map(|row| {
            let date = rfc3339(int(&row["created"]).saturating_mul(1000));
            let amount =
                money::show(int(&row["amount"]), row["currency"].as_str().unwrap_or_default());
            let back = int(&row["amount_reversed"]);
            let note = row["status"].as_str().map(str::to_owned).unwrap_or_else(|| match back {
                0 => "paid".to_owned(),
                _ => format!(
                    "{} reversed",
                    money::show(back, row["currency"].as_str().unwrap_or_default())
                ),
            });
            format!(
                "<tr><td>{}</td><td><code>{}</code></td><td>{}</td><td class=\"number\">{}</td></tr>",
                escape(&date[..10]),
                escape(row["id"].as_str().unwrap_or_default()),
                escape(&note),
                escape(&amount)
            )
        })
        .collect();
    format!(
        "<h2>{title}</h2>\n<table><thead><tr><th scope=\"col\">Date</th><th scope=\"col\">Id</th>\
         <th scope=\"col\">State</th><th scope=\"col\" class=\"number\">Amount</th></tr></thead>\
         <tbody>{rows}</tbody></table>"
    )
}
