//! Connected accounts (Accounts v2) as a portal that pays commissions uses them: recipients.
//!
//! The shape is Stripe's `v2.core.account`. What was not asked for with `include` is `null`.

use serde_json::{Value, json};

use crate::context::{Ctx, rfc3339};
use crate::form::{Params as _, merge_metadata};
use crate::respond::{Answer, ApiError, new_id};

use super::outcome;

/// What `include` may name.
const INCLUDES: &[&str] = &[
    "configuration.customer",
    "configuration.merchant",
    "configuration.recipient",
    "defaults",
    "future_requirements",
    "identity",
    "requirements",
];

const FIELDS: &[&str] = &[
    "account_token",
    "configuration",
    "contact_email",
    "contact_phone",
    "dashboard",
    "defaults",
    "display_name",
    "identity",
    "include",
    "metadata",
];

/// Where the capability that transfers need is.
const TRANSFERS: &str = "/configuration/recipient/capabilities/stripe_balance/stripe_transfers";

/// `active`, `pending`, `restricted` or `unsupported`; empty when it was never requested.
pub fn capability_status(account: &Value) -> String {
    account
        .pointer(TRANSFERS)
        .and_then(|capability| capability["status"].as_str())
        .unwrap_or_default()
        .to_owned()
}

/// Whether transfers to this account are accepted.
pub fn can_receive(account: &Value) -> bool {
    account["closed"] != true && capability_status(account) == "active"
}

/// `POST /v2/core/accounts`
pub fn create(cx: &mut Ctx<'_>, params: &Value) -> Answer {
    params.only(FIELDS)?;
    check_objects(params)?;
    let include = includes(params)?;
    let recipient = params.pointer("/configuration/recipient");
    let requested = params
        .pointer(TRANSFERS)
        .is_some_and(|capability| capability["requested"] == true);
    if recipient.is_some() {
        params.need_text("contact_email")?;
        if params
            .pointer("/identity/country")
            .and_then(Value::as_str)
            .is_none()
        {
            return Err(ApiError::missing_param("identity.country"));
        }
    }
    check_responsibilities(params)?;
    let country = country(params)?;
    let id = new_id("acct");
    let mut account = blank(&id, cx.at);
    for field in [
        "contact_email",
        "contact_phone",
        "dashboard",
        "display_name",
    ] {
        account[field] = params.get(field).cloned().unwrap_or(Value::Null);
    }
    merge(&mut account["identity"], params.get("identity"));
    if let Some(country) = country {
        account["identity"]["country"] = json!(country);
        account["defaults"]["currency"] = json!(currency_of(&country));
    }
    merge(&mut account["defaults"], params.get("defaults"));
    merge_metadata(&mut account, params);
    if recipient.is_some() {
        account["applied_configurations"] = json!(["recipient"]);
        account["configuration"]["recipient"] = json!({
            "applied": true,
            "capabilities": {"stripe_balance": {}},
            "default_outbound_destination": null,
        });
        if requested {
            outcome::apply(&mut account, outcome::Outcome::New, cx.now_ms);
        }
    }
    cx.state.put("v2.core.account", account.clone());
    cx.emit_thin("v2.core.account.created", &id, Value::Null, Value::Null);
    Ok(view(&account, &include))
}

fn blank(id: &str, created: i64) -> Value {
    json!({
        "id": id,
        "object": "v2.core.account",
        "applied_configurations": [],
        "closed": false,
        "configuration": {"customer": null, "merchant": null, "recipient": null},
        "contact_email": null,
        "contact_phone": null,
        "created": rfc3339(created.saturating_mul(1000)),
        "dashboard": null,
        "defaults": {
            "currency": null, "locales": null, "profile": null,
            "responsibilities": {
                "fees_collector": null, "losses_collector": null,
                "requirements_collector": "stripe",
            },
        },
        "display_name": null,
        "future_requirements": {"entries": [], "summary": null},
        "identity": {
            "attestations": null, "business_details": null, "country": null,
            "entity_type": null, "individual": null,
        },
        "livemode": false,
        "metadata": {},
        "requirements": {"entries": [], "summary": null},
        "_onboarded": false,
    })
}

fn check_objects(params: &Value) -> Result<(), ApiError> {
    for name in ["configuration", "defaults", "identity", "metadata"] {
        if params.get(name).is_some_and(|value| !value.is_object()) {
            return Err(ApiError::invalid(
                format!("{name} must be an object."),
                Some(name),
            ));
        }
    }
    Ok(())
}

/// With separate charges and transfers the platform answers for losses and fees.
fn check_responsibilities(params: &Value) -> Result<(), ApiError> {
    if params
        .text("dashboard")
        .is_some_and(|dashboard| !matches!(dashboard, "express" | "full" | "none"))
    {
        return Err(ApiError::invalid(
            "dashboard must be express, full or none.",
            Some("dashboard"),
        ));
    }
    for name in ["fees_collector", "losses_collector"] {
        let path = format!("/defaults/responsibilities/{name}");
        let param = format!("defaults.responsibilities.{name}");
        let given = params.pointer(&path).and_then(Value::as_str);
        if params.text("dashboard").is_some() && given.is_none() {
            return Err(ApiError::missing_param(&param));
        }
        let wants_transfers = params.pointer(TRANSFERS).is_some();
        if name == "losses_collector" && given == Some("stripe") && wants_transfers {
            return Err(ApiError::invalid(
                "Stripe cannot be the losses collector of an account that receives transfers; \
                 use application.",
                Some(param),
            ));
        }
    }
    Ok(())
}

fn country(params: &Value) -> Result<Option<String>, ApiError> {
    let Some(country) = params.pointer("/identity/country").and_then(Value::as_str) else {
        return Ok(None);
    };
    if country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        Ok(Some(country.to_ascii_lowercase()))
    } else {
        Err(ApiError::invalid(
            format!("Invalid country: {country}. Use the two-letter ISO 3166 code."),
            Some("identity.country"),
        ))
    }
}

fn currency_of(country: &str) -> &'static str {
    match country {
        "us" => "usd",
        "gb" => "gbp",
        "jp" => "jpy",
        "ch" | "li" => "chf",
        "ca" => "cad",
        "au" => "aud",
        "nz" => "nzd",
        "se" => "sek",
        "no" => "nok",
        "dk" => "dkk",
        "pl" => "pln",
        "cz" => "czk",
        "hu" => "huf",
        "ro" => "ron",
        "sg" => "sgd",
        "hk" => "hkd",
        "in" => "inr",
        "br" => "brl",
        "mx" => "mxn",
        "ae" => "aed",
        "kw" => "kwd",
        "bh" => "bhd",
        _ => "eur",
    }
}

/// Puts `source` into `target`, object into object.
fn merge(target: &mut Value, source: Option<&Value>) {
    let Some(source) = source else { return };
    match (target, source) {
        (Value::Object(target), Value::Object(source)) => {
            for (key, value) in source {
                merge(
                    target.entry(key.clone()).or_insert(Value::Null),
                    Some(value),
                );
            }
        }
        (target, source) => *target = source.clone(),
    }
}

/// The names in `include`, from a JSON array or a query.
fn includes(params: &Value) -> Result<Vec<String>, ApiError> {
    let mut names = Vec::new();
    for item in params.items("include") {
        for name in item.as_str().unwrap_or_default().split(',') {
            if !INCLUDES.contains(&name) {
                return Err(ApiError::invalid(
                    format!("Unknown value of include: '{name}'."),
                    Some("include"),
                ));
            }
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// The account as it is answered.
pub fn view(account: &Value, include: &[String]) -> Value {
    let mut shown = account.clone();
    let has = |name: &str| include.iter().any(|included| included == name);
    for field in [
        "defaults",
        "future_requirements",
        "identity",
        "requirements",
    ] {
        if !has(field) {
            shown[field] = Value::Null;
        }
    }
    let mut any = false;
    for name in ["customer", "merchant", "recipient"] {
        if has(&format!("configuration.{name}")) {
            any = true;
        } else {
            shown["configuration"][name] = Value::Null;
        }
    }
    if !any {
        shown["configuration"] = Value::Null;
    }
    if let Value::Object(map) = &mut shown {
        map.retain(|key, _| !key.starts_with('_'));
    }
    shown
}

/// `GET /v2/core/accounts/{id}`
pub fn retrieve(cx: &Ctx<'_>, id: &str, params: &Value) -> Answer {
    let include = includes(params)?;
    Ok(view(&cx.load("v2.core.account", id)?, &include))
}

/// `GET /v2/core/accounts`: what is not closed, newest first; `limit` and `page` (an offset).
pub fn list(cx: &Ctx<'_>, params: &Value) -> Answer {
    let limit = usize::try_from(params.integer("limit")?.unwrap_or(20))
        .unwrap_or(20)
        .clamp(1, 100);
    let start = usize::try_from(params.integer("page")?.unwrap_or(0)).unwrap_or(0);
    let closed = params.flag("closed")?.unwrap_or(false);
    let mut all = cx
        .state
        .oldest_first("v2.core.account", |account| account["closed"] == closed);
    all.reverse();
    let data: Vec<Value> = all
        .iter()
        .skip(start)
        .take(limit)
        .map(|account| view(account, &[]))
        .collect();
    let url = |page: usize| format!("/v2/core/accounts?limit={limit}&page={page}");
    let next = (start + data.len() < all.len()).then(|| url(start + data.len()));
    let previous = (start > 0).then(|| url(start.saturating_sub(limit)));
    Ok(json!({"data": data, "next_page_url": next, "previous_page_url": previous}))
}

/// `POST /v2/core/accounts/{id}`
pub fn update(cx: &mut Ctx<'_>, id: &str, params: &Value) -> Answer {
    params.only(FIELDS)?;
    check_objects(params)?;
    let include = includes(params)?;
    let mut account = cx.load("v2.core.account", id)?;
    if account["closed"] == true {
        return Err(ApiError::refused(
            "account_closed",
            "A closed account cannot be changed.",
        ));
    }
    if let (Some(new), Some(old)) = (country(params)?, account["identity"]["country"].as_str())
        && new != old
    {
        return Err(ApiError::invalid(
            "The country of an account cannot be changed.",
            Some("identity.country"),
        ));
    }
    for field in [
        "contact_email",
        "contact_phone",
        "dashboard",
        "display_name",
    ] {
        if let Some(value) = params.get(field) {
            account[field] = value.clone();
        }
    }
    merge(&mut account["identity"], params.get("identity"));
    if let Some(country) = account["identity"]["country"]
        .as_str()
        .map(str::to_ascii_lowercase)
    {
        account["identity"]["country"] = json!(country);
    }
    merge(&mut account["defaults"], params.get("defaults"));
    merge_metadata(&mut account, params);
    let requested = params
        .pointer(TRANSFERS)
        .is_some_and(|capability| capability["requested"] == true);
    if requested && capability_status(&account).is_empty() {
        account["applied_configurations"] = json!(["recipient"]);
        account["configuration"]["recipient"] = json!({
            "applied": true, "capabilities": {"stripe_balance": {}},
            "default_outbound_destination": null,
        });
        outcome::apply(&mut account, outcome::Outcome::New, cx.now_ms);
    }
    cx.state.put("v2.core.account", account.clone());
    cx.emit_thin("v2.core.account.updated", id, Value::Null, Value::Null);
    if params.get("identity").is_some() {
        cx.emit_thin(
            "v2.core.account[identity].updated",
            id,
            Value::Null,
            Value::Null,
        );
    }
    if params.pointer("/configuration/recipient").is_some() {
        let kind = "v2.core.account[configuration.recipient].updated";
        cx.emit_thin(kind, id, Value::Null, Value::Null);
    }
    Ok(view(&account, &include))
}

/// `POST /v2/core/accounts/{id}/close`
pub fn close(cx: &mut Ctx<'_>, id: &str, params: &Value) -> Answer {
    params.only(&["applied_configurations"])?;
    let mut account = cx.load("v2.core.account", id)?;
    if account["closed"] != true {
        let configurations = account["applied_configurations"].clone();
        account["closed"] = json!(true);
        account["applied_configurations"] = json!([]);
        account["dashboard"] = Value::Null;
        cx.state.put("v2.core.account", account.clone());
        let changes = json!({
            "before": {"applied_configurations": configurations, "closed": false},
            "after": {"applied_configurations": [], "closed": true},
        });
        cx.emit_thin("v2.core.account.closed", id, Value::Null, changes);
    }
    Ok(view(&account, &[]))
}
