//! Table `payout_run`.

use sea_orm::entity::prelude::*;

/// A row of `payout_run`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payout_run")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `program.id`.
    pub program_id: i64,
    /// Such as 2026-11-A.
    pub number: String,
    /// One of `draft`, `submitted`, `approved`, `waiting_for_balance`, `sending`, `done`, `canceled`.
    pub status: String,
    /// Cutoff at.
    pub cutoff_at: DateTimeUtc,
    /// Note.
    pub note: String,
    /// `person.id`; none for the calendar.
    pub created_by: Option<i64>,
    /// `person.id`.
    pub submitted_by: Option<i64>,
    /// `person.id`.
    pub approved_by: Option<i64>,
    /// `person.id`.
    pub second_approved_by: Option<i64>,
    /// Needs second.
    pub needs_second: bool,
    /// `policy_version.id`.
    pub policy_version_id: i64,
    /// Created at.
    pub created_at: DateTimeUtc,
    /// Submitted at.
    pub submitted_at: Option<DateTimeUtc>,
    /// Approved at.
    pub approved_at: Option<DateTimeUtc>,
    /// Done at.
    pub done_at: Option<DateTimeUtc>,
    /// What it waits for, in words for people.
    pub waits_for: Option<String>,
    /// Since when it waits for that.
    pub waits_since: Option<DateTimeUtc>,
    /// Which rule asks for a second person, in words with its sums.
    pub second_reason: Option<String>,
    /// SHA-256 of what the run's page shows, hex.
    pub fingerprint: Option<String>,
    /// The last `commission.id` that was counted: later earnings are the next run's.
    pub counted_to: i64,
    /// The last `payout_item.id` that is frozen, while an approved run is frozen in pieces.
    pub frozen_to: i64,
    /// When every item was frozen or left out.
    pub frozen_at: Option<DateTimeUtc>,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `program_id` → `program.id`.
    #[sea_orm(
        belongs_to = "super::program::Entity",
        from = "Column::ProgramId",
        to = "super::program::Column::Id"
    )]
    Program,
    /// `created_by` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::CreatedBy",
        to = "super::person::Column::Id"
    )]
    CreatedBy,
    /// `submitted_by` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::SubmittedBy",
        to = "super::person::Column::Id"
    )]
    SubmittedBy,
    /// `approved_by` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::ApprovedBy",
        to = "super::person::Column::Id"
    )]
    ApprovedBy,
    /// `second_approved_by` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::SecondApprovedBy",
        to = "super::person::Column::Id"
    )]
    SecondApprovedBy,
    /// `policy_version_id` → `policy_version.id`.
    #[sea_orm(
        belongs_to = "super::policy_version::Entity",
        from = "Column::PolicyVersionId",
        to = "super::policy_version::Column::Id"
    )]
    PolicyVersion,
}

impl ActiveModelBehavior for ActiveModel {}
