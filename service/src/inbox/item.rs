//! A stored event with what it says.

use chrono::{DateTime, Utc};
use entity::webhook_event;
use stripe_gateway::webhook::Envelope;

use super::foreign::Foreign;
use crate::billing::change::{Change, News};

/// The first version of Stripe's API in which invoices have a status and the times of its changes.
const OLDEST_API: &str = "2019-03-14";

/// An event with what it says.
#[derive(Clone)]
pub(super) struct Item {
    pub(super) id: i64,
    pub(super) event_id: String,
    pub(super) kind: String,
    pub(super) attempts: i64,
    pub(super) received_at: DateTime<Utc>,
    pub(super) read: Read,
}

/// What an event says.
#[derive(Clone, Debug)]
pub(super) enum Read {
    News(News),
    /// Nothing that the portal has a use for.
    Nothing,
    Foreign(Foreign),
    /// It cannot be understood.
    Bad(String),
}

impl Item {
    pub(super) fn news(&self) -> Option<&News> {
        match &self.read {
            Read::News(news) => Some(news),
            _ => None,
        }
    }
}

/// Reads stored events, for a portal whose key is for this mode.
pub(super) fn read_all(rows: Vec<webhook_event::Model>, live: bool) -> Vec<Item> {
    let read = rows.into_iter().map(|row| {
        let read = read(&row, live);
        item(row, read)
    });
    read.collect()
}

/// Reads a stored event.
fn read(row: &webhook_event::Model, live: bool) -> Read {
    let envelope = match Envelope::parse(row.payload.as_bytes()) {
        Ok(envelope) => envelope,
        Err(error) => return Read::Bad(error.to_string()),
    };
    if let Some(foreign) = Foreign::of(&envelope, live) {
        return Read::Foreign(foreign);
    }
    let said = Change::read(&envelope);
    let money = match &said {
        Ok(change) => change.as_ref().is_some_and(Change::is_about_money),
        Err(_) => true,
    };
    if money && too_old(&envelope) {
        let version = envelope.api_version().unwrap_or_default();
        return Read::Bad(format!(
            "The webhook endpoint is pinned to version {version} of Stripe’s API, which leaves out \
             what an invoice is judged by. Make an endpoint with version {OLDEST_API} or later, and \
             have Stripe send the event to it."
        ));
    }
    match said {
        Err(error) => Read::Bad(error.to_string()),
        Ok(None) => Read::Nothing,
        Ok(Some(change)) => Read::News(News {
            event: row.event_id.clone(),
            at: row.happened_at,
            change,
        }),
    }
}

/// Whether the endpoint is pinned to a version of the API that cannot be read safely. Versions begin
/// with their day.
fn too_old(envelope: &Envelope) -> bool {
    let version = envelope.api_version().and_then(|version| version.get(..10));
    version.is_some_and(|day| day < OLDEST_API)
}

pub(super) fn item(row: webhook_event::Model, read: Read) -> Item {
    Item {
        id: row.id,
        event_id: row.event_id,
        kind: row.r#type,
        attempts: row.attempts,
        received_at: row.received_at,
        read,
    }
}
