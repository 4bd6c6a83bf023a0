//! `POST /webhooks/stripe`.
//!
//! The signature is checked over the raw bytes before anything is read from them, and by the secret
//! of the event's own kind. An event that is right is stored once per id and answered when it is on disk; what it means is worked out later,
//! so an unknown type is no error here. Whatever is refused leaves a log line, and once a minute at
//! most a note for the page that shows how Stripe is set up.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use futures::StreamExt;
use service::inbox::{Inbox, Receipt};
use service::system;
use stripe_gateway::webhook::Secrets;

use crate::config::Secret;
use crate::engine::Engine;

/// Largest event in bytes. Stripe's are a few kilobytes; invoices with many lines some hundred.
const LARGEST: usize = 1024 * 1024;
/// So much more is read and thrown away, so that the sender reads the answer and not a broken
/// connection.
const DRAIN: usize = 8 * LARGEST;
/// How often a refusal is noted at most.
const NOTE_EVERY: Duration = Duration::from_secs(60);

/// What the endpoint needs.
#[derive(Clone)]
pub struct Webhooks {
    /// The signing secrets of every destination, by what they may sign.
    pub secrets: Arc<Secrets<Secret>>,
    /// The way to the database.
    pub inbox: Inbox,
    /// Clock and wake-up.
    pub engine: Engine,
    /// When a refusal was noted last: strangers cannot make the database write at will.
    pub noted: Arc<Mutex<Option<Instant>>>,
}

impl Webhooks {
    /// Notes a refusal, if none was noted within the last minute.
    async fn note(&self, reason: &str) {
        let first = match self.noted.lock() {
            Ok(mut noted) if noted.is_none_or(|at| at.elapsed() >= NOTE_EVERY) => {
                *noted = Some(Instant::now());
                true
            }
            _ => false,
        };
        if !first {
            return;
        }
        let done = match self.engine.context("webhook-refused").await {
            Ok(ctx) => system::note_refused(&ctx, reason).await,
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            tracing::warn!(%error, "a refused webhook was not noted");
        }
    }
}

/// Receives one event.
pub async fn stripe(State(webhooks): State<Webhooks>, headers: HeaderMap, body: Body) -> Response {
    match receive(&webhooks, &headers, body).await {
        Ok(sentence) => answer(StatusCode::OK, sentence),
        Err((status, sentence)) => {
            tracing::warn!(status = status.as_u16(), reason = %sentence, "webhook refused");
            webhooks.note(&sentence).await;
            answer(status, &sentence)
        }
    }
}

fn answer(status: StatusCode, sentence: &str) -> Response {
    (
        status,
        [(header::CACHE_CONTROL, "no-store")],
        format!("{sentence}\n"),
    )
        .into_response()
}

async fn receive(
    webhooks: &Webhooks,
    headers: &HeaderMap,
    body: Body,
) -> Result<&'static str, (StatusCode, String)> {
    let bad = |reason: String| (StatusCode::BAD_REQUEST, reason);
    let body = read(body).await?;
    let signature = headers
        .get("stripe-signature")
        .map(|v| v.to_str().unwrap_or("unreadable"));
    // Stripe signs with its own time, which the demonstration's clock does not move.
    let admitted = webhooks.secrets.admit(&body, signature, Utc::now());
    let envelope = admitted.map_err(|e| bad(e.to_string()))?;
    let text = std::str::from_utf8(&body).map_err(|_| bad("the body is not UTF-8".to_owned()))?;

    let unavailable = |error: service::Error| {
        tracing::error!(%error, event = %envelope.id, "a webhook event was not stored");
        let sentence = "the event could not be stored; send it again".to_owned();
        (StatusCode::SERVICE_UNAVAILABLE, sentence)
    };
    let ctx = webhooks
        .engine
        .context(envelope.id.clone())
        .await
        .map_err(unavailable)?;
    let receipt = webhooks
        .inbox
        .receive(&ctx, text, &envelope)
        .await
        .map_err(unavailable)?;
    match receipt {
        Receipt::Stored => {
            tracing::debug!(event = %envelope.id, kind = %envelope.event_type, "webhook stored");
            Ok("stored")
        }
        Receipt::Repeated => {
            tracing::debug!(event = %envelope.id, "webhook was here before");
            Ok("was here before")
        }
    }
}

/// The whole body, or why not.
async fn read(body: Body) -> Result<Vec<u8>, (StatusCode, String)> {
    let mut chunks = body.into_data_stream();
    let mut bytes = Vec::new();
    let mut length = 0;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| {
            (
                StatusCode::BAD_REQUEST,
                format!("the body ended before its announced length: {error}"),
            )
        })?;
        length += chunk.len();
        if length > DRAIN {
            break;
        }
        if length <= LARGEST {
            bytes.extend_from_slice(&chunk);
        }
    }
    if length > LARGEST {
        let sentence = format!("the body is larger than {LARGEST} bytes; no event of Stripe's is");
        return Err((StatusCode::PAYLOAD_TOO_LARGE, sentence));
    }
    Ok(bytes)
}
