//! Every event as it came, once per id.

use sea_orm::entity::prelude::*;

/// A row of `webhook_event`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_event")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Stripe id, evt_….
    pub event_id: String,
    /// Type.
    #[sea_orm(column_name = "type")]
    pub r#type: String,
    /// The raw body.
    pub payload: String,
    /// Livemode.
    pub livemode: bool,
    /// Happened at.
    pub happened_at: DateTimeUtc,
    /// Received at.
    pub received_at: DateTimeUtc,
    /// One of `received`, `processed`, `ignored`, `failed`.
    pub status: String,
    /// Attempts.
    pub attempts: i64,
    /// Next attempt at.
    pub next_attempt_at: Option<DateTimeUtc>,
    /// Error.
    pub error: Option<String>,
    /// Processed at.
    pub processed_at: Option<DateTimeUtc>,
    /// What it waits for that Stripe does not list yet, such as pi_….
    pub waits_for: Option<String>,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
