//! While one of these is open nothing is sent to Stripe.

use sea_orm::entity::prelude::*;

/// A row of `sending_stop`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sending_stop")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// One of `unknown_transfers`, `platform`.
    pub kind: String,
    /// In words.
    pub why: String,
    /// Stopped at.
    pub stopped_at: DateTimeUtc,
    /// Released at.
    pub released_at: Option<DateTimeUtc>,
    /// `person.id`; none where it was over by itself.
    pub released_by: Option<i64>,
    /// Reason.
    pub reason: Option<String>,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `released_by` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::ReleasedBy",
        to = "super::person::Column::Id"
    )]
    ReleasedBy,
}

impl ActiveModelBehavior for ActiveModel {}
