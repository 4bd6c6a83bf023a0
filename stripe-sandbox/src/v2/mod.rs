//! The endpoints of API v2: JSON in, JSON out.

pub mod accounts;
pub mod links;
pub mod outcome;

use serde_json::{Value, json};

use crate::context::Ctx;
use crate::form::Params as _;
use crate::respond::Answer;

/// Finds the endpoint for a path below `/v2`; `None` when there is none.
pub fn route(cx: &mut Ctx<'_>, method: &str, path: &[&str], params: &Value) -> Option<Answer> {
    let answer = match (method, path) {
        ("POST", ["core", "accounts"]) => accounts::create(cx, params),
        ("GET", ["core", "accounts"]) => accounts::list(cx, params),
        ("GET", ["core", "accounts", id]) => accounts::retrieve(cx, id, params),
        ("POST", ["core", "accounts", id]) => accounts::update(cx, id, params),
        ("POST", ["core", "accounts", id, "close"]) => accounts::close(cx, id, params),
        ("POST", ["core", "account_links"]) => links::create(cx, params),
        ("GET", ["core", "events"]) => Ok(events(cx, params)),
        ("GET", ["core", "events", id]) => cx.load("v2.core.event", id),
        _ => return None,
    };
    Some(answer)
}

/// `GET /v2/core/events?object_id=…`: newest first, one page.
fn events(cx: &Ctx<'_>, params: &Value) -> Value {
    let object = params.text("object_id");
    let mut data = cx.state.oldest_first("v2.core.event", |event| {
        object.is_none_or(|wanted| event["related_object"]["id"] == wanted)
    });
    data.reverse();
    json!({"data": data, "next_page_url": null, "previous_page_url": null})
}
