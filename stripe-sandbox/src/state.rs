//! Everything the sandbox knows, as one value that can be written to a file.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::{Payload, SandboxConfig};
use crate::faults::Fault;
use crate::respond::new_id;

/// One stored object and its place in the order of creation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// Order of creation over all kinds.
    pub sequence: u64,
    /// The object as it is answered.
    pub object: Value,
}

/// A place events are posted to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Endpoint {
    /// `we_…` (snapshot) or `ed_…` (thin).
    pub id: String,
    /// Where events are posted.
    pub url: String,
    /// Signing secret.
    pub secret: String,
    /// Which events.
    pub payload: Payload,
    /// Event types wanted; empty, or with `*`, means all.
    pub enabled_events: Vec<String>,
}

impl Endpoint {
    /// Whether an event of this type and payload goes here.
    pub fn wants(&self, payload: Payload, event_type: &str) -> bool {
        self.payload == payload
            && (self.enabled_events.is_empty()
                || self
                    .enabled_events
                    .iter()
                    .any(|wanted| wanted == "*" || wanted == event_type))
    }
}

/// A hosted onboarding link.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccountLink {
    /// The account it is for.
    pub account: String,
    /// Where the person is sent when done.
    pub return_url: String,
    /// Where the person is sent when the link is expired or used.
    pub refresh_url: String,
    /// Unix time in seconds.
    pub expires_at: i64,
    /// Whether the form was sent.
    pub used: bool,
}

/// An answer kept for an idempotency key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredAnswer {
    /// Hash of method, path and body.
    pub fingerprint: String,
    /// HTTP status.
    pub status: u16,
    /// The answer's text, byte for byte.
    pub body: String,
    /// `Request-Id` of the request that made it.
    pub request_id: String,
    /// Unix time in seconds.
    pub created: i64,
}

/// A delivery that waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delivery {
    /// Order of creation.
    pub sequence: u64,
    /// The endpoint's id.
    pub endpoint: String,
    /// Snapshot or thin.
    pub payload: Payload,
    /// The event's id.
    pub event: String,
    /// Attempts made so far.
    pub attempts: u32,
    /// Not before this wall-clock time in milliseconds.
    pub due_ms: i64,
    /// Being sent now.
    #[serde(skip)]
    pub in_flight: bool,
}

/// What became of one attempt.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attempt {
    /// The event's id.
    pub event: String,
    /// The event's type.
    pub event_type: String,
    /// Where it was posted.
    pub url: String,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// `delivered`, `failed`, `given_up` or `dropped`.
    pub outcome: String,
    /// HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// Wall-clock time in milliseconds.
    pub at_ms: i64,
}

/// How deliveries are made, for tests of a receiver.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeliveryMode {
    /// Each delivery is made this many times.
    pub duplicate: u32,
    /// Wait before the first attempt, in milliseconds.
    pub delay_ms: i64,
    /// Newest first: a batch is collected until nothing new came for `window_ms`, then sent in
    /// reverse.
    pub reorder: bool,
    /// Quiet time that ends a batch, in milliseconds.
    pub window_ms: i64,
    /// Deliveries under way at once.
    pub parallel: usize,
    /// The next so many deliveries are thrown away.
    pub drop: u32,
    /// Nothing is sent; everything waits.
    pub paused: bool,
}

impl Default for DeliveryMode {
    fn default() -> Self {
        Self {
            duplicate: 1,
            delay_ms: 0,
            reorder: false,
            window_ms: 300,
            parallel: 1,
            drop: 0,
            paused: false,
        }
    }
}

/// Longest delivery log that is kept.
pub const LOG_LENGTH: usize = 2_000;

/// The sandbox's whole memory.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct State {
    /// Last number given out.
    pub sequence: u64,
    /// Objects by kind and id.
    pub objects: BTreeMap<String, BTreeMap<String, Row>>,
    /// The platform's available balance: minor units by currency.
    pub balance: BTreeMap<String, i64>,
    /// Connected accounts' available balances.
    pub account_balances: BTreeMap<String, BTreeMap<String, i64>>,
    /// Onboarding links by token.
    pub account_links: BTreeMap<String, AccountLink>,
    /// Dashboard links: token to account.
    pub login_links: BTreeMap<String, String>,
    /// Answers by scope and idempotency key.
    pub answers: HashMap<String, StoredAnswer>,
    /// The platform as which keys are answered, where it is another than the configured one.
    #[serde(default)]
    pub platform: Option<String>,
    /// Transfers that belong to another platform than the configured one, with its account.
    #[serde(default)]
    pub owners: BTreeMap<String, String>,
    /// Where events go.
    pub endpoints: Vec<Endpoint>,
    /// Seconds that the sandbox's clock is ahead of the machine's.
    pub clock_offset: i64,
    /// Deliveries that wait, by their order.
    pub queue: BTreeMap<u64, Delivery>,
    /// What became of deliveries, oldest first.
    pub log: VecDeque<Attempt>,
    /// Faults that wait for a matching request.
    #[serde(skip)]
    pub faults: Vec<Fault>,
    /// How deliveries are made.
    #[serde(skip)]
    pub mode: DeliveryMode,
    /// Idempotency keys being worked on.
    #[serde(skip)]
    pub in_use: HashSet<String>,
    /// Wall-clock time in milliseconds of the newest delivery put into the queue.
    #[serde(skip)]
    pub last_queued_ms: i64,
    /// Counts changes, so that the writer knows what is on disk.
    #[serde(skip)]
    pub version: u64,
}

impl State {
    /// The first state, or the one read from the file brought in line with the configuration.
    pub fn prepare(&mut self, config: &SandboxConfig, fresh: bool) {
        if fresh {
            self.balance.clone_from(&config.balances);
        }
        for wanted in &config.destinations {
            let known = self
                .endpoints
                .iter_mut()
                .find(|known| known.url == wanted.url && known.payload == wanted.payload);
            match known {
                Some(known) => {
                    known.secret.clone_from(&wanted.secret);
                    known.enabled_events.clone_from(&wanted.enabled_events);
                }
                None => self.endpoints.push(Endpoint {
                    id: new_id(if wanted.payload == Payload::Thin {
                        "ed"
                    } else {
                        "we"
                    }),
                    url: wanted.url.clone(),
                    secret: wanted.secret.clone(),
                    payload: wanted.payload,
                    enabled_events: wanted.enabled_events.clone(),
                }),
            }
        }
    }

    /// The next number.
    pub fn next_number(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// An object, if there is one.
    pub fn get(&self, kind: &str, id: &str) -> Option<&Value> {
        self.objects.get(kind)?.get(id).map(|row| &row.object)
    }

    /// Stores an object under its `id`, keeping its place if it was there.
    pub fn put(&mut self, kind: &str, object: Value) {
        let id = object["id"].as_str().unwrap_or_default().to_owned();
        let sequence = match self.objects.get(kind).and_then(|rows| rows.get(&id)) {
            Some(row) => row.sequence,
            None => self.next_number(),
        };
        self.objects
            .entry(kind.to_owned())
            .or_default()
            .insert(id, Row { sequence, object });
    }

    /// All objects of a kind that fit, newest first.
    pub fn newest_first(&self, kind: &str, fits: impl Fn(&Value) -> bool) -> Vec<&Value> {
        let mut rows: Vec<&Row> = self
            .objects
            .get(kind)
            .into_iter()
            .flat_map(BTreeMap::values)
            .filter(|row| fits(&row.object))
            .collect();
        rows.sort_by_key(|row| {
            std::cmp::Reverse((row.object["created"].as_i64().unwrap_or(0), row.sequence))
        });
        rows.into_iter().map(|row| &row.object).collect()
    }

    /// All objects of a kind that fit, in the order they were made.
    pub fn oldest_first(&self, kind: &str, fits: impl Fn(&Value) -> bool) -> Vec<&Value> {
        let mut rows: Vec<&Row> = self
            .objects
            .get(kind)
            .into_iter()
            .flat_map(BTreeMap::values)
            .filter(|row| fits(&row.object))
            .collect();
        rows.sort_by_key(|row| row.sequence);
        rows.into_iter().map(|row| &row.object).collect()
    }

    /// Adds a line to the delivery log.
    pub fn note(&mut self, attempt: Attempt) {
        if self.log.len() >= LOG_LENGTH {
            self.log.pop_front();
        }
        self.log.push_back(attempt);
    }
}
