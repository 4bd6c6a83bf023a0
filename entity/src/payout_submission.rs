//! What was submitted for approval, word for word. Rows are only added.

use sea_orm::entity::prelude::*;

/// A row of `payout_submission`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payout_submission")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `payout_run.id`.
    pub run_id: i64,
    /// SHA-256 of the content, hex.
    pub fingerprint: String,
    /// The text of `domain::payout::Content`.
    pub content: String,
    /// `person.id`.
    pub submitted_by: i64,
    /// When.
    pub submitted_at: DateTimeUtc,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `run_id` → `payout_run.id`.
    #[sea_orm(
        belongs_to = "super::payout_run::Entity",
        from = "Column::RunId",
        to = "super::payout_run::Column::Id"
    )]
    Run,
    /// `submitted_by` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::SubmittedBy",
        to = "super::person::Column::Id"
    )]
    SubmittedBy,
}

impl ActiveModelBehavior for ActiveModel {}
