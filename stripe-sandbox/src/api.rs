//! One API request from the socket to the answer: key, fault, idempotency, endpoint.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State as Extract};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body_util::{Full, Limited};
use serde_json::{Value, json};

use crate::Shared;
use crate::context::{Cause, Ctx};
use crate::faults::{Fault, Kind};
use crate::form;
use crate::idempotency::{self, Begin};
use crate::peer::Peer;
use crate::respond::{Answer, ApiError, new_id};
use crate::state::{State, StoredAnswer};

/// Largest body that is read, in bytes.
const LARGEST: usize = 4 << 20;

/// A request, read whole.
pub struct ApiRequest {
    /// HTTP method.
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// Parameters of query and body together.
    pub params: Value,
    body: Vec<u8>,
    headers: HeaderMap,
    request_id: String,
    peer: Option<Peer>,
}

impl ApiRequest {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn is_v2(&self) -> bool {
        self.path.starts_with("/v2/")
    }
}

/// An answer before it becomes HTTP.
struct Reply {
    status: u16,
    body: String,
    replay_of: Option<String>,
    fresh: bool,
}

/// The handler of everything below `/v1` and `/v2`.
pub async fn handle(Extract(shared): Extract<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = match axum::body::to_bytes(body, LARGEST).await {
        Ok(body) => body.to_vec(),
        Err(_) => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
    };
    let request = ApiRequest {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().trim_end_matches('/').to_owned(),
        params: Value::Null,
        body,
        headers: parts.headers,
        request_id: new_id("req").replacen("req_1", "req_", 1),
        peer: parts
            .extensions
            .get::<ConnectInfo<Peer>>()
            .map(|info| info.0.clone()),
    };
    let query = parts.uri.query().unwrap_or_default().to_owned();
    // A caller that hangs up does not undo a request: Stripe carries on as well.
    let work = tokio::spawn(async move { process(&shared, request, &query).await });
    work.await
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

async fn process(shared: &Shared, mut request: ApiRequest, query: &str) -> Response {
    let prepared = authorize(shared, &request).and_then(|()| parameters(&request, query));
    let fault = prepared
        .is_ok()
        .then(|| crate::faults::take(&mut shared.lock().faults, &request.method, &request.path))
        .flatten();
    let reply = match prepared {
        Ok(params) => {
            request.params = params;
            if fault.as_ref().is_none_or(|fault| fault.kind.executes()) {
                execute(shared, &request, fault.as_ref()).await
            } else {
                Reply {
                    status: 0,
                    body: String::new(),
                    replay_of: None,
                    fresh: false,
                }
            }
        }
        Err(error) => refuse(&error, &request),
    };
    if reply.fresh && request.method == "POST" {
        // What was answered is not forgotten: money that moved above all.
        let version = shared.lock().version;
        if request.path.starts_with("/v1/transfers") || request.is_v2() {
            shared.saver.wait(version).await;
        }
        shared.changed();
    }
    match fault {
        Some(fault) => fail(shared, &request, reply, &fault).await,
        None => respond(&request, reply),
    }
}

/// Checks the key.
fn authorize(shared: &Shared, request: &ApiRequest) -> Result<(), ApiError> {
    let Some(given) = request.header("authorization") else {
        return Err(ApiError::unauthorized(
            "You did not provide an API key. Provide it in the Authorization header, using Bearer \
             auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
        ));
    };
    let key = given.strip_prefix("Bearer ").unwrap_or(given).trim();
    let known = if shared.secret_keys.is_empty() {
        key.starts_with("sk_test_") || key.starts_with("rk_test_")
    } else {
        shared.secret_keys.iter().any(|known| known == key)
    };
    if known {
        return Ok(());
    }
    let end: String = key
        .chars()
        .rev()
        .take(4)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect();
    Err(ApiError::unauthorized(format!(
        "Invalid API Key provided: ****{end}"
    )))
}

/// Query and body as one object. v1 bodies are forms, v2 bodies are JSON.
fn parameters(request: &ApiRequest, query: &str) -> Result<Value, ApiError> {
    let mut params = form::parse(query)?;
    if !params.is_object() {
        params = json!({});
    }
    if request.is_v2() && request.header("stripe-version").is_none() {
        return Err(ApiError::invalid(
            "Calls to API v2 need a Stripe-Version header.",
            None::<&str>,
        ));
    }
    if request.body.is_empty() {
        return Ok(params);
    }
    let content_type = request.header("content-type").unwrap_or_default();
    let body = if request.is_v2() {
        if !content_type.starts_with("application/json") {
            return Err(ApiError::invalid(
                "Bodies of API v2 are JSON: send Content-Type: application/json.",
                None::<&str>,
            ));
        }
        serde_json::from_slice(&request.body).map_err(|error| {
            ApiError::invalid(format!("The body is not JSON: {error}"), None::<&str>)
        })?
    } else {
        if content_type.starts_with("application/json") {
            return Err(ApiError::invalid(
                "Bodies of API v1 are form-encoded: send Content-Type: \
                 application/x-www-form-urlencoded.",
                None::<&str>,
            ));
        }
        let text = std::str::from_utf8(&request.body)
            .map_err(|_| ApiError::invalid("The body is not UTF-8.", None::<&str>))?;
        form::parse(text)?
    };
    if let (Value::Object(params), Value::Object(body)) = (&mut params, body) {
        params.extend(body);
    }
    Ok(params)
}

/// Answers from the idempotency key, or carries the request out.
async fn execute(shared: &Shared, request: &ApiRequest, fault: Option<&Fault>) -> Reply {
    let key = request
        .header("idempotency-key")
        .filter(|_| request.method == "POST");
    let Some(key) = key else {
        let answer = call(shared, &mut shared.lock(), request, None);
        return match answer {
            Ok(value) => success(value),
            Err(error) => refuse(&error, request),
        };
    };
    let v2 = request.is_v2();
    let scope = idempotency::scope(request.header("stripe-account"), v2, key);
    let fingerprint = idempotency::fingerprint(&request.method, &request.path, &request.body);
    let begun = {
        let mut state = shared.lock();
        let now = shared.now_ms(&state).div_euclid(1000);
        idempotency::begin(&mut state, &scope, key, &fingerprint, v2, now)
    };
    match begun {
        Ok(Begin::Fresh) => {}
        Ok(Begin::Replay(stored)) => {
            return Reply {
                status: stored.status,
                body: stored.body,
                replay_of: Some(stored.request_id),
                fresh: false,
            };
        }
        Err(error) => return refuse(&error, request),
    }
    if let Some(fault) = fault.filter(|fault| fault.kind == Kind::Slow) {
        shared.hang(fault.hang_ms).await;
    }
    let mut state = shared.lock();
    let answer = call(shared, &mut state, request, Some(key));
    let (reply, keep) = match answer {
        Ok(value) => (success(value), true),
        Err(error) => (refuse(&error, request), error.executed && !v2),
    };
    if keep {
        let created = shared.now_ms(&state).div_euclid(1000);
        let stored = StoredAnswer {
            fingerprint,
            status: reply.status,
            body: reply.body.clone(),
            request_id: request.request_id.clone(),
            created,
        };
        idempotency::finish(&mut state, &scope, stored);
        state.version += 1;
    } else {
        idempotency::release(&mut state, &scope);
    }
    reply
}

/// Finds the endpoint and runs it on the locked state.
fn call(shared: &Shared, state: &mut State, request: &ApiRequest, key: Option<&str>) -> Answer {
    let now_ms = shared.now_ms(state);
    let mut ctx = Ctx {
        state,
        settings: &shared.settings,
        now_ms,
        at: now_ms.div_euclid(1000),
        silent: false,
        account: request.header("stripe-account").map(str::to_owned),
        cause: Cause {
            request_id: Some(request.request_id.clone()),
            key: key.map(str::to_owned),
        },
    };
    let segments: Vec<&str> = request.path.split('/').skip(2).collect();
    let answer = if request.is_v2() {
        crate::v2::route(&mut ctx, &request.method, &segments, &request.params)
    } else {
        crate::v1::route(&mut ctx, &request.method, &segments, &request.params)
            .map(|answer| answer.map(|value| ctx.expand(value, &request.params)))
    };
    if request.method != "GET" {
        ctx.state.version += 1;
    }
    answer.unwrap_or_else(|| Err(ApiError::unknown_path(&request.method, &request.path)))
}

fn success(value: Value) -> Reply {
    Reply {
        status: 200,
        body: pretty(&value),
        replay_of: None,
        fresh: true,
    }
}

fn refuse(error: &ApiError, request: &ApiRequest) -> Reply {
    Reply {
        status: error.status.as_u16(),
        body: pretty(&error.body(&request.request_id)),
        replay_of: None,
        fresh: error.executed,
    }
}

/// Stripe answers in indented JSON.
fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// What the caller sees of a fault.
async fn fail(shared: &Shared, request: &ApiRequest, reply: Reply, fault: &Fault) -> Response {
    match fault.kind {
        // What is asked is answered as it was when it was asked, only late.
        Kind::Slow if request.method == "GET" => {
            shared.hang(fault.hang_ms).await;
            respond(request, reply)
        }
        Kind::Slow => respond(request, reply),
        Kind::Status429 => {
            let mut refused = respond(request, refuse(&ApiError::rate_limited(), request));
            if let Some(seconds) = fault.retry_after {
                let headers = refused.headers_mut();
                headers.insert(http::header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            refused
        }
        Kind::Status401 => {
            let error = ApiError::unauthorized("Expired API Key provided: ****");
            respond(request, refuse(&error, request))
        }
        Kind::Status403 => respond(request, refuse(&ApiError::forbidden(), request)),
        Kind::Status404 => {
            let id = request.path.rsplit('/').next().unwrap_or_default();
            respond(request, refuse(&ApiError::no_such("object", id), request))
        }
        Kind::EmptyList => {
            let empty = json!({"object": "list", "data": [], "has_more": false,
                               "url": request.path});
            respond(request, success(empty))
        }
        Kind::CountryRefused => {
            respond(request, refuse(&ApiError::country(&request.path), request))
        }
        Kind::Status500 => {
            let failure = refuse(&ApiError::internal(), request);
            if fault.stored {
                keep_failure(shared, request, &failure);
            }
            respond(request, failure)
        }
        Kind::Status500After => respond(request, refuse(&ApiError::internal(), request)),
        Kind::Garbage200 => {
            let cut = "<html><head><title>200 OK</title></head><body>{\"id\": \"tr_".to_owned();
            respond(
                request,
                Reply {
                    status: 200,
                    body: cut,
                    ..reply
                },
            )
        }
        Kind::TimeoutBefore | Kind::TimeoutAfter => {
            shared.hang(fault.hang_ms).await;
            reset(request)
        }
        Kind::ConnectionReset | Kind::ConnectionResetAfter => reset(request),
    }
}

/// Keeps a 500 for the key, as Stripe does once an endpoint has begun.
fn keep_failure(shared: &Shared, request: &ApiRequest, failure: &Reply) {
    let Some(key) = request.header("idempotency-key") else {
        return;
    };
    let scope = idempotency::scope(request.header("stripe-account"), request.is_v2(), key);
    let fingerprint = idempotency::fingerprint(&request.method, &request.path, &request.body);
    let mut state = shared.lock();
    let now = shared.now_ms(&state).div_euclid(1000);
    let begun = idempotency::begin(&mut state, &scope, key, &fingerprint, request.is_v2(), now);
    if matches!(begun, Ok(Begin::Fresh)) {
        let stored = StoredAnswer {
            fingerprint,
            status: failure.status,
            body: failure.body.clone(),
            request_id: request.request_id.clone(),
            created: now,
        };
        idempotency::finish(&mut state, &scope, stored);
        state.version += 1;
    }
}

/// Cuts the connection. Without a connection to cut (a router used without `serve`) the body ends
/// in an error, which breaks the answer just as well.
fn reset(request: &ApiRequest) -> Response {
    if let Some(peer) = &request.peer {
        peer.cut();
    }
    Response::new(Body::new(Limited::new(Full::<Bytes>::from("cut"), 0)))
}

fn respond(request: &ApiRequest, reply: Reply) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, reply.body).into_response();
    let headers = response.headers_mut();
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("content-type", "application/json");
    set("cache-control", "no-cache, no-store");
    set("request-id", &request.request_id);
    if let Some(version) = request.header("stripe-version") {
        set("stripe-version", version);
    }
    if let Some(account) = request.header("stripe-account") {
        set("stripe-account", account);
    }
    if let Some(key) = request.header("idempotency-key") {
        set("idempotency-key", key);
    }
    if let Some(original) = &reply.replay_of {
        set("idempotent-replayed", "true");
        set("original-request", original);
    }
    response
}

impl Shared {
    /// Waits, but not beyond the end of the sandbox.
    pub async fn hang(&self, ms: u64) {
        let mut closing = self.closing.subscribe();
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(ms)) => {}
            _ = closing.wait_for(|closing| *closing) => {}
        }
    }
}
