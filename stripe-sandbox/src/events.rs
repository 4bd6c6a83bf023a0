//! Making events and putting their deliveries into the queue.

use serde_json::{Value, json};

use crate::config::{API_VERSION, Payload};
use crate::context::{Ctx, rfc3339};
use crate::fixtures::build;
use crate::respond::{new_id, token};
use crate::state::{Attempt, Delivery};

impl Ctx<'_> {
    /// A snapshot event about an object of the platform.
    pub fn emit(&mut self, event_type: &str, object: &Value) {
        self.snapshot(event_type, object, None, None);
    }

    /// A snapshot event that tells what was there before.
    pub fn emit_change(&mut self, event_type: &str, object: &Value, previous: Value) {
        self.snapshot(event_type, object, Some(previous), None);
    }

    /// A snapshot event about an object of a connected account.
    pub fn emit_for(&mut self, account: &str, event_type: &str, object: &Value) {
        self.snapshot(event_type, object, None, Some(account));
    }

    fn snapshot(
        &mut self,
        event_type: &str,
        object: &Value,
        previous: Option<Value>,
        account: Option<&str>,
    ) {
        if self.silent {
            return;
        }
        let id = new_id("evt");
        let mut data = json!({ "object": object });
        if let Some(previous) = previous {
            data["previous_attributes"] = previous;
        }
        let payload = match account {
            Some(_) => Payload::Connect,
            None => Payload::Snapshot,
        };
        let wanted = self
            .state
            .endpoints
            .iter()
            .filter(|endpoint| endpoint.wants(payload, event_type))
            .count();
        let mut event = build(
            "event",
            json!({
                "id": id, "api_version": API_VERSION, "created": self.at, "data": data,
                "pending_webhooks": wanted, "type": event_type,
                "request": {"id": self.cause.request_id, "idempotency_key": self.cause.key},
            }),
        );
        if let Some(account) = account {
            event["account"] = json!(account);
        }
        self.state.put("event", event);
        self.enqueue(payload, &id, event_type);
    }

    /// A thin event about an account. `data` and `changes` are only seen when it is fetched.
    pub fn emit_thin(&mut self, event_type: &str, account: &str, data: Value, changes: Value) {
        if self.silent {
            return;
        }
        let id = format!("evt_test_{}", token(40));
        let reason = self.cause.request_id.as_ref().map(|request| {
            json!({"type": "request",
                   "request": {"id": request, "idempotency_key": self.cause.key}})
        });
        let mut event = json!({
            "id": id, "object": "v2.core.event", "type": event_type, "context": null,
            "created": rfc3339(self.at.saturating_mul(1000)), "livemode": false, "reason": reason,
            "related_object": {
                "id": account, "type": "v2.core.account",
                "url": format!("/v2/core/accounts/{account}"),
            },
            "changes": changes,
        });
        if !data.is_null() {
            event["data"] = data;
        }
        self.state.put("v2.core.event", event);
        self.enqueue(Payload::Thin, &id, event_type);
    }

    /// One delivery for each endpoint that wants the event, as the delivery mode says.
    pub fn enqueue(&mut self, payload: Payload, event: &str, event_type: &str) {
        let wall_ms = crate::clock::wall_ms();
        let endpoints: Vec<(String, String)> = self
            .state
            .endpoints
            .iter()
            .filter(|endpoint| endpoint.wants(payload, event_type))
            .map(|endpoint| (endpoint.id.clone(), endpoint.url.clone()))
            .collect();
        for (endpoint, url) in endpoints {
            for _ in 0..self.state.mode.duplicate.max(1) {
                if self.state.mode.drop > 0 {
                    self.state.mode.drop -= 1;
                    self.state.note(Attempt {
                        event: event.to_owned(),
                        event_type: event_type.to_owned(),
                        url: url.clone(),
                        attempt: 0,
                        outcome: "dropped".to_owned(),
                        status: None,
                        at_ms: wall_ms,
                    });
                    continue;
                }
                let sequence = self.state.next_number();
                let due_ms = wall_ms.saturating_add(self.state.mode.delay_ms.max(0));
                self.state.last_queued_ms = wall_ms;
                let delivery = Delivery {
                    sequence,
                    endpoint: endpoint.clone(),
                    payload,
                    event: event.to_owned(),
                    attempts: 0,
                    due_ms,
                    in_flight: false,
                };
                self.state.queue.insert(sequence, delivery);
            }
        }
    }
}

/// What is posted for a stored event: thin events travel without `data` and `changes`.
pub fn wire(event: &Value) -> Value {
    let mut event = event.clone();
    if event["object"] == "v2.core.event"
        && let Value::Object(map) = &mut event
    {
        map.remove("data");
        map.remove("changes");
    }
    event
}
