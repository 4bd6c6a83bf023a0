//! Links to the hosted onboarding page.

use serde_json::{Value, json};

use crate::context::{Ctx, rfc3339};
use crate::form::Params as _;
use crate::respond::{Answer, ApiError, token};
use crate::state::AccountLink;

/// How long a link works, in seconds: Stripe's documented example has ten minutes.
const LIFETIME: i64 = 600;

/// `POST /v2/core/account_links`
pub fn create(cx: &mut Ctx<'_>, params: &Value) -> Answer {
    params.only(&["account", "use_case"])?;
    let account = cx.load_param("v2.core.account", params, "account")?;
    let kind = params
        .pointer("/use_case/type")
        .and_then(Value::as_str)
        .ok_or_else(|| ApiError::missing_param("use_case.type"))?;
    if !matches!(kind, "account_onboarding" | "account_update") {
        return Err(ApiError::invalid(
            "use_case.type must be account_onboarding or account_update.",
            Some("use_case.type"),
        ));
    }
    let case = &params["use_case"][kind];
    let field = |name: &str| -> Result<String, ApiError> {
        let given = case.text(name);
        let param = format!("use_case.{kind}.{name}");
        let url = given.ok_or_else(|| ApiError::missing_param(&param))?;
        if url.starts_with("http://") || url.starts_with("https://") {
            Ok(url.to_owned())
        } else {
            Err(ApiError::invalid("Not a valid URL", Some(param)).code("url_invalid"))
        }
    };
    let configurations = case.items("configurations");
    if configurations.is_empty() {
        return Err(ApiError::missing_param(&format!(
            "use_case.{kind}.configurations"
        )));
    }
    let applied = account["applied_configurations"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    if account["closed"] == true || !configurations.iter().all(|name| applied.contains(name)) {
        return Err(ApiError::refused(
            "account_not_configured",
            "The account does not have the configurations that the link asks for.",
        )
        .param("account"));
    }
    let refresh_url = field("refresh_url")?;
    let return_url = field("return_url")?;
    let id = account["id"].as_str().unwrap_or_default().to_owned();
    let key = token(40);
    let expires_at = cx.now() + LIFETIME;
    cx.state.account_links.insert(
        key.clone(),
        AccountLink {
            account: id.clone(),
            return_url,
            refresh_url,
            expires_at,
            used: false,
        },
    );
    Ok(json!({
        "object": "v2.core.account_link",
        "account": id,
        "created": rfc3339(cx.now_ms),
        "expires_at": rfc3339(expires_at.saturating_mul(1000)),
        "livemode": false,
        "url": format!("{}/onboarding/{key}", cx.settings.public_url),
        "use_case": params["use_case"],
    }))
}
