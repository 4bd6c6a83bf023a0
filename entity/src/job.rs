//! Work to do after the transaction that asked for it: mail, Stripe calls, reminders.

use sea_orm::entity::prelude::*;

/// A row of `job`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "job")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Kind.
    pub kind: String,
    /// Payload.
    #[sea_orm(column_type = "JsonBinary")]
    pub payload: Json,
    /// Asking twice is asking once.
    pub dedupe_key: Option<String>,
    /// Run at.
    pub run_at: DateTimeUtc,
    /// Attempts.
    pub attempts: i64,
    /// A worker that dies loses its claim.
    pub claimed_until: Option<DateTimeUtc>,
    /// Which claim it is in: a random word of its own for each.
    pub claim: Option<String>,
    /// One of `waiting`, `done`, `dead`.
    pub status: String,
    /// Error.
    pub error: Option<String>,
    /// Created at.
    pub created_at: DateTimeUtc,
    /// Finished at.
    pub finished_at: Option<DateTimeUtc>,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
