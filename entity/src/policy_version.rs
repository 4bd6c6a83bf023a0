//! What the program's periods and limits were from a date on.

use sea_orm::entity::prelude::*;

/// A row of `policy_version`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "policy_version")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `program.id`.
    pub program_id: i64,
    /// Version.
    pub version: i64,
    /// Effective from.
    pub effective_from: DateTimeUtc,
    /// Attribution days.
    pub attribution_days: i64,
    /// Protection days.
    pub protection_days: i64,
    /// Extension days.
    pub extension_days: i64,
    /// Extensions allowed.
    pub extensions_allowed: i64,
    /// Hold days.
    pub hold_days: i64,
    /// Clawback days.
    pub clawback_days: i64,
    /// Minor units of the program's currency.
    pub payout_minimum: i64,
    /// Of the month.
    pub payout_day: i64,
    /// Minor units of the program's currency.
    pub second_approval_above: i64,
    /// Business hours.
    pub deal_review_hours: i64,
    /// Business hours.
    pub application_review_hours: i64,
    /// Reapply after days.
    pub reapply_after_days: i64,
    /// Deal value in minor units; none: a person always looks.
    pub auto_approve_below: Option<i64>,
    /// Tier rank.
    pub auto_approve_min_tier: Option<i64>,
    /// Allowed country codes; an empty list allows all.
    #[sea_orm(column_type = "JsonBinary")]
    pub countries: Json,
    /// Days between a notice and the step down.
    pub tier_grace_days: i64,
    /// Created at.
    pub created_at: DateTimeUtc,
    /// The payout minimum in other currencies: currency → minor units.
    #[sea_orm(column_type = "JsonBinary")]
    pub payout_minimums: Json,
    /// The limit of a second approval in other currencies: currency → minor units.
    #[sea_orm(column_type = "JsonBinary")]
    pub second_approvals: Json,
    /// Days; a subscription that ends sooner takes its commission along. None at 0.
    pub churn_days: i64,
    /// Days that a new payout account waits for its first payout.
    pub account_wait_days: i64,
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
}

impl ActiveModelBehavior for ActiveModel {}
