//! Signing and posting events.

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::task::JoinSet;

use crate::Shared;
use crate::clock::wall_ms;
use crate::events::wire;
use crate::state::{Attempt, Delivery, State};

/// The `Stripe-Signature` header for a body: HMAC-SHA256 over `timestamp.body`.
pub fn sign(secret: &str, timestamp: i64, body: &str) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(timestamp.to_string().as_bytes());
    mac.update(b".");
    mac.update(body.as_bytes());
    format!(
        "t={timestamp},v1={}",
        hex::encode(mac.finalize().into_bytes())
    )
}

/// Posts what waits for as long as the sandbox runs.
pub async fn run(shared: Arc<Shared>) {
    loop {
        let (batch, pause_ms) = pick(&mut shared.lock());
        if batch.is_empty() {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(pause_ms)) => {}
                () = shared.wake.notified() => {}
            }
            continue;
        }
        let mut posts = JoinSet::new();
        for delivery in batch {
            posts.spawn(deliver(Arc::clone(&shared), delivery));
        }
        while posts.join_next().await.is_some() {}
        shared.saver.touch();
    }
}

/// The deliveries that are due, and how long to wait when there are none (milliseconds).
fn pick(state: &mut State) -> (Vec<Delivery>, u64) {
    if state.mode.paused {
        return (Vec::new(), 1_000);
    }
    let now = wall_ms();
    if state.mode.reorder {
        let quiet = now.saturating_sub(state.last_queued_ms);
        if quiet < state.mode.window_ms {
            let rest = u64::try_from(state.mode.window_ms - quiet).unwrap_or(0);
            return (Vec::new(), rest.max(5));
        }
    }
    let wanted = state.mode.parallel.clamp(1, 64);
    let is_due = |delivery: &&Delivery| !delivery.in_flight && delivery.due_ms <= now;
    let due: Vec<u64> = if state.mode.reorder {
        state
            .queue
            .values()
            .rev()
            .filter(is_due)
            .map(|one| one.sequence)
            .take(wanted)
            .collect()
    } else {
        state
            .queue
            .values()
            .filter(is_due)
            .map(|one| one.sequence)
            .take(wanted)
            .collect()
    };
    if due.is_empty() {
        let next = state.queue.values().map(|delivery| delivery.due_ms).min();
        let pause = next.map_or(1_000, |next| next.saturating_sub(now).clamp(5, 1_000));
        return (Vec::new(), u64::try_from(pause).unwrap_or(1_000));
    }
    let mut batch = Vec::new();
    for sequence in due {
        if let Some(delivery) = state.queue.get_mut(&sequence) {
            delivery.in_flight = true;
            batch.push(delivery.clone());
        }
    }
    (batch, 0)
}

async fn deliver(shared: Arc<Shared>, delivery: Delivery) {
    let prepared = {
        let state = shared.lock();
        let kind = match delivery.payload {
            crate::config::Payload::Snapshot | crate::config::Payload::Connect => "event",
            crate::config::Payload::Thin => "v2.core.event",
        };
        let endpoint = state
            .endpoints
            .iter()
            .find(|known| known.id == delivery.endpoint)
            .cloned();
        let event = state.get(kind, &delivery.event).map(wire);
        endpoint.zip(event)
    };
    let Some((endpoint, event)) = prepared else {
        // The endpoint was taken away meanwhile.
        shared.lock().queue.remove(&delivery.sequence);
        return;
    };
    let body = event.to_string();
    // The signature is about this delivery and the receiver's machine: the moved clock is not for it.
    let timestamp = wall_ms().div_euclid(1000);
    let sent = shared
        .client
        .post(&endpoint.url)
        .header("Content-Type", "application/json; charset=utf-8")
        .header(
            "User-Agent",
            "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        )
        .header("Stripe-Signature", sign(&endpoint.secret, timestamp, &body))
        .body(body)
        .send()
        .await;
    let status = match sent {
        Ok(answer) => Some(answer.status().as_u16()),
        Err(error) => {
            tracing::debug!(%error, url = %endpoint.url, "webhook not delivered");
            None
        }
    };
    settle(
        &shared,
        &delivery,
        &endpoint.url,
        event["type"].as_str().unwrap_or_default(),
        status,
    );
}

/// Takes a delivery out of the queue, or puts it back for later.
fn settle(shared: &Shared, delivery: &Delivery, url: &str, event_type: &str, status: Option<u16>) {
    let retry = shared.retry;
    let mut state = shared.lock();
    let attempt = delivery.attempts + 1;
    let good = status.is_some_and(|status| (200..300).contains(&status));
    let last = attempt >= retry.attempts;
    if good || last {
        state.queue.remove(&delivery.sequence);
    } else if let Some(waiting) = state.queue.get_mut(&delivery.sequence) {
        let doubled = retry.base_ms.saturating_mul(1 << (attempt - 1).min(20));
        let wait = i64::try_from(doubled.min(retry.max_ms)).unwrap_or(i64::MAX);
        waiting.attempts = attempt;
        waiting.in_flight = false;
        waiting.due_ms = wall_ms().saturating_add(wait);
    }
    let outcome = match (good, last) {
        (true, _) => "delivered",
        (false, true) => "given_up",
        (false, false) => "failed",
    };
    state.note(Attempt {
        event: delivery.event.clone(),
        event_type: event_type.to_owned(),
        url: url.to_owned(),
        attempt,
        outcome: outcome.to_owned(),
        status,
        at_ms: wall_ms(),
    });
    if good
        && let Some(row) = state
            .objects
            .get_mut("event")
            .and_then(|rows| rows.get_mut(&delivery.event))
    {
        let pending = row.object["pending_webhooks"].as_i64().unwrap_or(0);
        row.object["pending_webhooks"] = (pending - 1).max(0).into();
    }
    state.version += 1;
}

#[cfg(test)]
mod tests {
    use super::sign;

    #[test]
    fn the_signature_covers_time_and_body() {
        let header = sign("whsec_test", 1_700_000_000, "{}");
        assert!(header.starts_with("t=1700000000,v1="));
        assert_eq!(header.len(), "t=1700000000,v1=".len() + 64);
        assert_ne!(header, sign("whsec_test", 1_700_000_001, "{}"));
        assert_ne!(header, sign("whsec_other", 1_700_000_000, "{}"));
    }
}
