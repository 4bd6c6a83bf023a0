//! Webhook endpoints.

use serde_json::{Value, json};

use crate::config::Payload;
use crate::context::Ctx;
use crate::fixtures::build;
use crate::form::Params as _;
use crate::respond::{Answer, ApiError, new_id, token};
use crate::state::Endpoint;

/// `POST /v1/webhook_endpoints`: the only answer that shows the secret.
pub fn create(cx: &mut Ctx<'_>, params: &Value) -> Answer {
    let url = params.need_text("url")?;
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(ApiError::invalid("Not a valid URL", Some("url")).code("url_invalid"));
    }
    let enabled_events: Vec<String> = params
        .items("enabled_events")
        .iter()
        .filter_map(|event| event.as_str().map(str::to_owned))
        .collect();
    if enabled_events.is_empty() {
        return Err(ApiError::missing_param("enabled_events"));
    }
    let endpoint = Endpoint {
        id: new_id("we"),
        url: url.to_owned(),
        secret: format!("whsec_{}", token(32)),
        payload: match params.flag("connect")? {
            Some(true) => Payload::Connect,
            _ => Payload::Snapshot,
        },
        enabled_events,
    };
    cx.state.endpoints.push(endpoint.clone());
    let mut shown = show(&endpoint, cx.at);
    shown["secret"] = json!(endpoint.secret);
    Ok(shown)
}

fn show(endpoint: &Endpoint, created: i64) -> Value {
    let events = match endpoint.enabled_events.is_empty() {
        true => json!(["*"]),
        false => json!(endpoint.enabled_events),
    };
    build(
        "webhook_endpoint",
        json!({"id": endpoint.id, "url": endpoint.url, "enabled_events": events,
               "created": created, "description": null, "metadata": {}}),
    )
}

/// `GET /v1/webhook_endpoints`
pub fn list(cx: &Ctx<'_>, params: &Value) -> Answer {
    let shown: Vec<Value> = cx
        .state
        .endpoints
        .iter()
        .filter(|endpoint| endpoint.payload != Payload::Thin)
        .map(|endpoint| show(endpoint, cx.at))
        .collect();
    crate::context::page(shown.iter().collect(), "/v1/webhook_endpoints", params)
}

/// `GET /v1/webhook_endpoints/{id}`
pub fn retrieve(cx: &Ctx<'_>, id: &str) -> Answer {
    cx.state
        .endpoints
        .iter()
        .find(|endpoint| endpoint.id == id && endpoint.payload != Payload::Thin)
        .map(|endpoint| show(endpoint, cx.at))
        .ok_or_else(|| ApiError::no_such("webhook_endpoint", id))
}
