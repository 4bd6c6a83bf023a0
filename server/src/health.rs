//! `/healthz`: this process answers. `/readyz`: it can do its work.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::engine::Engine;
use crate::schema::{self, Schema};

/// Alive: says nothing about the database, so that a restart is not tried for its sake.
pub async fn healthz() -> Response {
    ([(header::CACHE_CONTROL, "no-store")], "ok\n").into_response()
}

/// Ready: the database answers with this binary's schema and can be written, and the workers are
/// working.
pub async fn readyz(State(engine): State<Engine>) -> Response {
    let (database, schema) = match schema::state(&engine.db).await {
        Ok(Schema::Current) => ("ok", "ok"),
        Ok(Schema::Older(_)) => ("ok", "older than this version: run portico migrate"),
        Ok(Schema::Newer(_)) => ("ok", "newer than this version: start the newer portico"),
        Err(error) => {
            tracing::error!(%error, "the database does not answer");
            ("does not answer", "unknown")
        }
    };
    let unwritable = match database {
        "ok" => engine.db.unwritable().await,
        _ => None,
    };
    let database = match unwritable {
        Some(cause) => {
            tracing::error!(%cause, "the database cannot be written");
            "cannot be written: see the log, and that its disk has room"
        }
        None => database,
    };
    let workers = match engine.heartbeat_age() {
        None => "none in this process",
        Some(age) if age.as_secs() < 60 => "ok",
        Some(_) => "silent for more than a minute",
    };
    let ready = database == "ok" && schema == "ok" && !workers.starts_with("silent");
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = json!({"ready": ready, "database": database, "schema": schema, "workers": workers});
    let kind = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, kind, format!("{body}\n")).into_response()
}
