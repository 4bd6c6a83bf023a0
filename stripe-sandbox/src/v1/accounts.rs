//! What is left of accounts in v1: reading one, and links into the Express dashboard.

use serde_json::{Value, json};

use crate::context::Ctx;
use crate::fixtures::build;
use crate::respond::{Answer, ApiError, token};
use crate::v2::accounts::{can_receive, capability_status};

/// `GET /v1/account`: the platform itself.
pub fn platform(cx: &Ctx<'_>) -> Answer {
    Ok(build(
        "account",
        json!({"id": cx.platform(), "charges_enabled": true,
               "payouts_enabled": true, "details_submitted": true}),
    ))
}

/// `GET /v1/accounts/{id}`: the v1 view of an account made with v2. `charges_enabled` stays false
/// for a recipient.
pub fn retrieve(cx: &Ctx<'_>, id: &str) -> Answer {
    let account = cx.load("v2.core.account", id)?;
    let ready = can_receive(&account);
    let status = match capability_status(&account).as_str() {
        "active" => "active",
        "pending" => "pending",
        _ => "inactive",
    };
    let created = account["created"]
        .as_str()
        .and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok())
        .map_or(0, |time| time.timestamp());
    let country = account["identity"]["country"]
        .as_str()
        .unwrap_or("us")
        .to_ascii_uppercase();
    Ok(build(
        "account",
        json!({
            "id": id, "email": account["contact_email"], "country": country, "created": created,
            "capabilities": {"transfers": status}, "charges_enabled": false,
            "payouts_enabled": ready, "details_submitted": ready,
            "metadata": account["metadata"], "type": "express",
        }),
    ))
}

/// `POST /v1/accounts/{id}/login_links`
pub fn login_link(cx: &mut Ctx<'_>, id: &str) -> Answer {
    let account = cx.load("v2.core.account", id)?;
    if account["closed"] == true || account["dashboard"] != "express" {
        return Err(ApiError::refused(
            "account_invalid",
            "Cannot create a login link for an account that is closed or has no Express dashboard.",
        ));
    }
    if account["_onboarded"] != true {
        return Err(ApiError::refused(
            "account_invalid",
            "Cannot create a login link for an account that has not completed onboarding.",
        ));
    }
    let key = token(32);
    cx.state.login_links.insert(key.clone(), id.to_owned());
    let url: Value = json!(format!("{}/express/{key}", cx.settings.public_url));
    Ok(build("login_link", json!({"created": cx.at, "url": url})))
}
