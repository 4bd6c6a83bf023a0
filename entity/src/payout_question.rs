//! What only a person can say about a payout: whether its transfer was made.

use sea_orm::entity::prelude::*;

/// A row of `payout_question`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payout_question")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `payout.id`.
    pub payout_id: i64,
    /// What is not clear, in words.
    pub why: String,
    /// Asked at.
    pub asked_at: DateTimeUtc,
    /// One of `made`, `never_made`, `found`.
    pub answer: Option<String>,
    /// Answered at.
    pub answered_at: Option<DateTimeUtc>,
    /// `person.id`; none where Stripe listed the transfer later.
    pub answered_by: Option<i64>,
    /// Reason.
    pub reason: Option<String>,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `payout_id` → `payout.id`.
    #[sea_orm(
        belongs_to = "super::payout::Entity",
        from = "Column::PayoutId",
        to = "super::payout::Column::Id"
    )]
    Payout,
    /// `answered_by` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::AnsweredBy",
        to = "super::person::Column::Id"
    )]
    AnsweredBy,
}

impl ActiveModelBehavior for ActiveModel {}
