//! The task that stores what comes in.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use entity::webhook_event;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use stripe_gateway::webhook::Envelope;
use tokio::sync::{mpsc, oneshot};

use crate::bulk;
use crate::context::Context;
use crate::db::Db;
use crate::error::{Error, Result};

/// Most events in one transaction.
const GROUP: usize = 256;
/// Most events waiting for the writer; beyond it the senders wait, and Stripe sends again later.
const QUEUE: usize = 4_096;

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// Stored now.
    Stored,
    /// It was here before.
    Repeated,
}

/// One event on its way to the database.
struct Waiting {
    row: webhook_event::Model,
    answer: oneshot::Sender<Result<Receipt, String>>,
}

/// The way in for webhooks. Cheap to clone; the writer ends when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Inbox {
    queue: mpsc::Sender<Waiting>,
}

impl Inbox {
    /// Starts the writer on a database.
    pub fn start(db: &Db) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(write(db.clone(), waiting));
        Self { queue }
    }

    /// Stores an event whose signature has been checked, and answers when it is on disk.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database did not take it; Stripe will send it again.
    pub async fn receive(&self, ctx: &Context, body: &str, envelope: &Envelope) -> Result<Receipt> {
        let (answer, answered) = oneshot::channel();
        let row = webhook_event::Model {
            id: 0,
            event_id: envelope.id.clone(),
            r#type: envelope.event_type.clone(),
            payload: body.to_owned(),
            livemode: envelope.livemode,
            happened_at: micros(envelope.created),
            received_at: ctx.now(),
            status: "received".to_owned(),
            attempts: 0,
            next_attempt_at: None,
            error: None,
            processed_at: None,
            waits_for: None,
        };
        let unavailable = |cause: String| Error::Unavailable {
            message: "The event could not be stored; send it again.".to_owned(),
            cause,
        };
        self.queue
            .send(Waiting { row, answer })
            .await
            .map_err(|_| unavailable("the inbox writer has stopped".to_owned()))?;
        match answered.await {
            Ok(result) => result.map_err(unavailable),
            Err(_) => Err(unavailable("the inbox writer has stopped".to_owned())),
        }
    }
}

/// Both databases keep microseconds.
fn micros(at: DateTime<Utc>) -> DateTime<Utc> {
    crate::Clock::at(at).now()
}

/// Takes everything that waits, stores it in one transaction, answers, and starts over.
async fn write(db: Db, mut waiting: mpsc::Receiver<Waiting>) {
    let mut group = Vec::with_capacity(GROUP);
    while waiting.recv_many(&mut group, GROUP).await > 0 {
        let rows: Vec<_> = group.iter().map(|w| w.row.clone()).collect();
        match store(&db, &rows).await {
            Ok(receipts) => {
                for (w, receipt) in group.drain(..).zip(receipts) {
                    // Whoever has gone away does not need the answer; the event is stored.
                    let _ = w.answer.send(Ok(receipt));
                }
            }
            Err(error) => {
                tracing::error!(%error, events = group.len(), "webhook events were not stored");
                for w in group.drain(..) {
                    let _ = w.answer.send(Err(error.to_string()));
                }
            }
        }
    }
}

/// Stores the rows that are new, in one transaction.
async fn store(db: &Db, rows: &[webhook_event::Model]) -> Result<Vec<Receipt>, sea_orm::DbErr> {
    let tx = db.begin().await?;
    let known: Vec<String> = webhook_event::Entity::find()
        .select_only()
        .column(webhook_event::Column::EventId)
        .filter(webhook_event::Column::EventId.is_in(rows.iter().map(|r| r.event_id.as_str())))
        .into_tuple()
        .all(&*tx)
        .await?;
    let mut seen: HashSet<String> = known.into_iter().collect();
    let mut fresh = Vec::with_capacity(rows.len());
    let receipts = rows
        .iter()
        .map(|row| {
            if seen.insert(row.event_id.clone()) {
                fresh.push(row.clone());
                Receipt::Stored
            } else {
                Receipt::Repeated
            }
        })
        .collect();
    let ids = bulk::reserve::<webhook_event::Entity>(&*tx, fresh.len()).await?;
    for (row, id) in fresh.iter_mut().zip(ids) {
        row.id = id;
    }
    // Another process may store the same events at this moment: they are stored once all the same,
    // and in one order, so that the two never wait for each other.
    fresh.sort_by(|a, b| a.event_id.cmp(&b.event_id));
    bulk::insert_with::<webhook_event::Entity>(&*tx, &fresh, " ON CONFLICT (event_id) DO NOTHING")
        .await?;
    tx.commit().await?;
    Ok(receipts)
}
