//! Snapshot events.

use serde_json::Value;

use crate::context::Ctx;
use crate::form::Params as _;
use crate::respond::Answer;

/// `GET /v1/events`, with `type` (a `*` at the end stands for anything) and `types[]`.
pub fn list(cx: &Ctx<'_>, params: &Value) -> Answer {
    let one = params.text("type");
    let several = params.items("types");
    cx.list("event", "/v1/events", params, |event| {
        let kind = event["type"].as_str().unwrap_or_default();
        one.is_none_or(|wanted| match wanted.strip_suffix('*') {
            Some(start) => kind.starts_with(start),
            None => kind == wanted,
        }) && (several.is_empty() || several.contains(&event["type"]))
    })
}
