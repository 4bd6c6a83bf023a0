//! The control interface below `/_sandbox`: JSON, from this machine only.
//!
//! | call | does |
//! |---|---|
//! | `GET state` | transfers, accounts, balances, numbers, waiting deliveries |
//! | `GET/POST/DELETE faults` | list, add (`{match: {method, path_prefix}, kind, times, hang_ms, stored, retry_after}`), clear |
//! | `GET/POST webhooks` | delivery mode: `{duplicate, delay_ms, reorder, window_ms, parallel, drop, paused}`; what is not given is reset |
//! | `POST webhooks/pause`, `webhooks/resume` | hold and let go |
//! | `POST webhooks/drain` | wait until nothing waits (`{timeout_ms}`), answer `{drained, waiting}` |
//! | `POST webhooks/redeliver` | `{event}` once more |
//! | `GET deliveries` | the log, newest first |
//! | `GET/POST endpoints` | `{url, secret, payload: snapshot or thin, enabled_events}` |
//! | `POST saving` | `{paused}`: while it is paused the state file is not written; for loading much at once |
//! | `POST clock` | `{offset_seconds}` |
//! | `POST balance` | `{currency, amount}`: sets the platform's balance |
//! | `POST platform` | `{account}`: the platform that keys are answered as, as if they were another's; without it the own one |
//! | `POST accounts/{id}/delete` | the account is gone: 404 from now on |
//! | `POST accounts` | an account ready made: `{id, display_name, contact_email, country, outcome, at}` |
//! | `POST accounts/{id}/outcome` | `{outcome: complete, missing, past_due, review or reject}` |
//! | `POST accounts/{id}/payout` | `{currency, amount, fail}`: to the account's bank |
//! | `POST payouts/{id}` | `{status}`: `in_transit`, `paid` or `failed`, as the bank says by now |
//! | `POST transfers` | a transfer with a given `id`, as if made before (for seeding) |
//! | `POST billing/…` | see [`billing`] |
//! | `POST checkout/…` | see [`checkout`] |
//! | `POST batch` | `{silent, calls: [{path, body}]}`: several of these as one step each |
//!
//! Every POST takes `at` (Unix seconds: the time objects and events carry) and `silent` (no
//! events).

pub mod billing;
pub mod checkout;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{ConnectInfo, State as Extract};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Value, json};

use crate::config::Payload;
use crate::context::Ctx;
use crate::faults::Fault;
use crate::form::Params as _;
use crate::peer::Peer;
use crate::respond::{Answer, ApiError, new_id, token};
use crate::state::{DeliveryMode, Endpoint};
use crate::v2::accounts::{capability_status, view};
use crate::v2::outcome::{Outcome, decide};
use crate::{Shared, is_local};

/// The handler of everything below `/_sandbox`.
pub async fn handle(
    Extract(shared): Extract<Arc<Shared>>,
    peer: Option<Extension<ConnectInfo<Peer>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !is_local(peer.as_ref().map(|Extension(info)| info)) {
        return (
            StatusCode::FORBIDDEN,
            "The control interface is for this machine only.\n",
        )
            .into_response();
    }
    let json_type = headers
        .get("content-type")
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/json"));
    // A form on a foreign page can post to loopback, but not as JSON.
    let foreign = headers.contains_key("origin") || (!body.is_empty() && !json_type);
    let params = match body.is_empty() {
        true => Ok(json!({})),
        false => serde_json::from_slice::<Value>(&body),
    };
    let answer = match params {
        _ if method != Method::GET && foreign => Err(ApiError::invalid(
            "Send Content-Type: application/json.",
            None::<&str>,
        )),
        Err(error) => Err(ApiError::invalid(
            format!("Not JSON: {error}"),
            None::<&str>,
        )),
        Ok(params) if !params.is_object() => Err(ApiError::invalid(
            "The body must be a JSON object.",
            None::<&str>,
        )),
        Ok(params) => {
            let path: Vec<&str> = uri
                .path()
                .trim_end_matches('/')
                .split('/')
                .skip(2)
                .collect();
            dispatch(&shared, method.as_str(), &path, &params).await
        }
    };
    if method == Method::POST && is_about_transfers(uri.path()) {
        let version = shared.lock().version;
        shared.saver.wait(version).await;
    }
    match answer {
        Ok(value) => Json(value).into_response(),
        Err(error) => (error.status, Json(error.body("req_control"))).into_response(),
    }
}

/// Money is on disk before it is answered; the rest follows within a tenth of a second.
fn is_about_transfers(path: &str) -> bool {
    path.ends_with("/transfers") || path.ends_with("/batch")
}

async fn dispatch(shared: &Shared, method: &str, path: &[&str], params: &Value) -> Answer {
    match (method, path) {
        ("POST", ["webhooks", "drain"]) => Ok(drain(shared, params).await),
        ("POST", ["batch"]) => batch(shared, params).await,
        ("POST", ["saving"]) => saving(shared, params).await,
        _ => shared.step(|cx| {
            cx.at = params.integer("at")?.unwrap_or(cx.at);
            cx.silent = params.flag("silent")?.unwrap_or(false);
            route(cx, method, path, params).unwrap_or_else(|| {
                Err(ApiError::unknown_path(
                    method,
                    &format!("/_sandbox/{}", path.join("/")),
                ))
            })
        }),
    }
}

/// Pauses the state file, or writes what has gathered.
async fn saving(shared: &Shared, params: &Value) -> Answer {
    let paused = params.flag("paused")?.unwrap_or(false);
    shared.saver.pause(paused);
    let version = {
        let mut state = shared.lock();
        state.version += 1;
        state.version
    };
    shared.saver.wait(version).await;
    Ok(json!({ "paused": paused }))
}

/// Several calls, each a step of its own; stops at the first that fails.
async fn batch(shared: &Shared, params: &Value) -> Answer {
    let silent = params.flag("silent")?;
    let mut answers = Vec::new();
    for call in params.items("calls") {
        let mut body = call.get("body").cloned().unwrap_or_else(|| json!({}));
        if !body.is_object() {
            return Err(ApiError::invalid(
                "A call's body must be an object.",
                Some("calls"),
            ));
        }
        if let Some(silent) = silent
            && body.get("silent").is_none()
        {
            body["silent"] = json!(silent);
        }
        let path = call.need_text("path")?.to_owned();
        let path: Vec<&str> = path.trim_matches('/').split('/').collect();
        answers.push(Box::pin(dispatch(shared, "POST", &path, &body)).await?);
    }
    Ok(json!({ "answers": answers }))
}

/// Waits until every delivery was made or given up.
async fn drain(shared: &Shared, params: &Value) -> Value {
    let wait = params
        .integer("timeout_ms")
        .ok()
        .flatten()
        .unwrap_or(10_000);
    let end = Instant::now() + Duration::from_millis(u64::try_from(wait).unwrap_or(0));
    loop {
        let waiting = shared.lock().queue.len();
        if waiting == 0 || Instant::now() >= end {
            return json!({"drained": waiting == 0, "waiting": waiting});
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn route(cx: &mut Ctx<'_>, method: &str, path: &[&str], params: &Value) -> Option<Answer> {
    let answer = match (method, path) {
        ("GET", ["state"]) => Ok(summary(cx)),
        ("GET", ["faults"]) => Ok(json!(cx.state.faults)),
        ("DELETE", ["faults"]) => {
            cx.state.faults.clear();
            Ok(json!([]))
        }
        ("POST", ["faults"]) => read::<Fault>(params).map(|fault| {
            cx.state.faults.push(fault);
            json!(cx.state.faults)
        }),
        ("GET", ["webhooks"]) => Ok(mode(cx)),
        ("POST", ["webhooks"]) => read::<DeliveryMode>(params).map(|wanted| {
            cx.state.mode = wanted;
            mode(cx)
        }),
        ("POST", ["webhooks", word @ ("pause" | "resume")]) => {
            cx.state.mode.paused = *word == "pause";
            Ok(mode(cx))
        }
        ("POST", ["webhooks", "redeliver"]) => redeliver(cx, params),
        ("GET", ["deliveries"]) => Ok(json!(cx.state.log.iter().rev().collect::<Vec<_>>())),
        ("GET", ["endpoints"]) => Ok(json!(cx.state.endpoints)),
        ("POST", ["endpoints"]) => add_endpoint(cx, params),
        ("POST", ["clock"]) => params.need_integer("offset_seconds").map(|offset| {
            cx.state.clock_offset = offset;
            json!({"offset_seconds": offset})
        }),
        ("POST", ["balance"]) => set_balance(cx, params),
        ("POST", ["platform"]) => {
            cx.state.platform = params.text("account").map(str::to_owned);
            Ok(json!({"account": cx.platform()}))
        }
        ("POST", ["accounts", id, "delete"]) => delete_account(cx, id),
        ("POST", ["accounts"]) => ready_account(cx, params),
        ("POST", ["accounts", id, "outcome"]) => read::<Outcome>(&params["outcome"])
            .and_then(|outcome| decide(cx, id, outcome))
            .map(|account| shown(&account)),
        ("POST", ["accounts", id, "payout"]) => crate::v1::payouts::pay_out(cx, id, params),
        ("POST", ["payouts", id]) => crate::v1::payouts::now(cx, id, params),
        ("POST", ["transfers"]) => past_transfer(cx, params),
        ("POST", ["billing", what]) => billing::run(cx, what, params)?,
        ("POST", ["checkout", what @ ..]) => checkout::run(cx, what, params)?,
        _ => return None,
    };
    Some(answer)
}

/// Reads a typed body; `at` and `silent` belong to every call.
fn read<T: serde::de::DeserializeOwned>(params: &Value) -> Result<T, ApiError> {
    let mut params = params.clone();
    if let Value::Object(map) = &mut params {
        map.remove("at");
        map.remove("silent");
    }
    serde_json::from_value(params)
        .map_err(|error| ApiError::invalid(error.to_string(), None::<&str>))
}

fn mode(cx: &Ctx<'_>) -> Value {
    json!({"mode": cx.state.mode, "waiting": cx.state.queue.len()})
}

fn shown(account: &Value) -> Value {
    let all = [
        "configuration.recipient",
        "defaults",
        "identity",
        "requirements",
    ];
    view(account, &all.map(str::to_owned))
}

fn summary(cx: &Ctx<'_>) -> Value {
    let transfers = cx.state.newest_first("transfer", |_| true);
    let mut accounts = Vec::new();
    for account in cx.state.oldest_first("v2.core.account", |_| true) {
        let id = account["id"].as_str().unwrap_or_default();
        accounts.push(json!({
            "id": id, "display_name": account["display_name"],
            "contact_email": account["contact_email"], "closed": account["closed"],
            "transfers": capability_status(account),
            "balance": cx.state.account_balances.get(id),
        }));
    }
    let counts: serde_json::Map<String, Value> = cx
        .state
        .objects
        .iter()
        .map(|(kind, rows)| (kind.clone(), json!(rows.len())))
        .collect();
    json!({
        "transfers": transfers, "accounts": accounts, "balance": cx.state.balance,
        "counts": counts, "waiting": cx.state.queue.len(), "faults": cx.state.faults,
        "clock": {"offset_seconds": cx.state.clock_offset, "now": cx.now()},
    })
}

fn redeliver(cx: &mut Ctx<'_>, params: &Value) -> Answer {
    let id = params.need_text("event")?;
    let (payload, event) = match cx.state.get("event", id) {
        Some(event) if event["account"].is_string() => (Payload::Connect, event.clone()),
        Some(event) => (Payload::Snapshot, event.clone()),
        None => (
            Payload::Thin,
            cx.load_param("v2.core.event", params, "event")?,
        ),
    };
    let event_type = event["type"].as_str().unwrap_or_default().to_owned();
    cx.enqueue(payload, id, &event_type);
    Ok(mode(cx))
}

fn add_endpoint(cx: &mut Ctx<'_>, params: &Value) -> Answer {
    let payload = match params.get("payload") {
        Some(payload) => read::<Payload>(payload)?,
        None => Payload::Snapshot,
    };
    let endpoint = Endpoint {
        id: new_id(if payload == Payload::Thin { "ed" } else { "we" }),
        url: params.need_text("url")?.to_owned(),
        secret: params
            .text("secret")
            .map_or_else(|| format!("whsec_{}", token(32)), str::to_owned),
        payload,
        enabled_events: params
            .items("enabled_events")
            .iter()
            .filter_map(|event| event.as_str().map(str::to_owned))
            .collect(),
    };
    cx.state
        .endpoints
        .retain(|known| known.url != endpoint.url || known.payload != payload);
    cx.state.endpoints.push(endpoint.clone());
    Ok(json!(endpoint))
}

/// The account's owner or the vendor has deleted it. Stripe tells a platform of the one by
/// `account.application.deauthorized`.
fn delete_account(cx: &mut Ctx<'_>, id: &str) -> Answer {
    let account = cx.load("v2.core.account", id)?;
    if let Some(rows) = cx.state.objects.get_mut("v2.core.account") {
        rows.remove(id);
    }
    Ok(json!({"id": account["id"], "deleted": true}))
}

fn set_balance(cx: &mut Ctx<'_>, params: &Value) -> Answer {
    let currency = crate::money::currency(params)?;
    let amount = params.need_integer("amount")?;
    cx.state.balance.insert(currency.clone(), amount);
    Ok(json!({"currency": currency, "amount": amount}))
}

/// An account as if somebody had gone through onboarding; an `id` that exists is left alone.
fn ready_account(cx: &mut Ctx<'_>, params: &Value) -> Answer {
    if let Some(known) = params
        .text("id")
        .and_then(|id| cx.state.get("v2.core.account", id))
    {
        return Ok(shown(known));
    }
    let outcome = match params.get("outcome") {
        Some(outcome) => read::<Outcome>(outcome)?,
        None => Outcome::Complete,
    };
    let made = crate::v2::accounts::create(
        cx,
        &json!({
            "contact_email": params.need_text("contact_email")?,
            "display_name": params.text("display_name"), "dashboard": "express",
            "identity": {"country": params.need_text("country")?,
                         "entity_type": params.text("entity_type").unwrap_or("company")},
            "defaults": {"responsibilities":
                {"fees_collector": "application", "losses_collector": "application"}},
            "configuration": {"recipient": {"capabilities":
                {"stripe_balance": {"stripe_transfers": {"requested": true}}}}},
            "metadata": params.get("metadata").cloned().unwrap_or_else(|| json!({})),
        }),
    )?;
    let mut id = made["id"].as_str().unwrap_or_default().to_owned();
    if let Some(wanted) = params.text("id") {
        let rows = cx
            .state
            .objects
            .entry("v2.core.account".to_owned())
            .or_default();
        if let Some(mut row) = rows.remove(&id) {
            row.object["id"] = json!(wanted);
            rows.insert(wanted.to_owned(), row);
        }
        id = wanted.to_owned();
    }
    if outcome != Outcome::New {
        decide(cx, &id, outcome)?;
    }
    Ok(shown(&cx.load("v2.core.account", &id)?))
}

/// A transfer that was made before; an `id` that exists is left alone.
fn past_transfer(cx: &mut Ctx<'_>, params: &Value) -> Answer {
    if let Some(known) = params
        .text("id")
        .and_then(|id| cx.state.get("transfer", id))
    {
        return Ok(known.clone());
    }
    let id = params
        .text("id")
        .map_or_else(|| new_id("tr"), str::to_owned);
    let destination = params.need_text("destination")?.to_owned();
    cx.load_param("v2.core.account", params, "destination")?;
    let currency = crate::money::currency(params)?;
    let amount = params.need_integer("amount")?;
    crate::v1::transfers::insert(cx, params, id, amount, &currency, &destination)
}
