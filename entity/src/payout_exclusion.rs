//! What a person took out of a run, until a person puts it back.

use sea_orm::entity::prelude::*;

/// A row of `payout_exclusion`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payout_exclusion")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `payout_run.id`.
    pub run_id: i64,
    /// `partner.id`.
    pub partner_id: i64,
    /// Currency.
    pub currency: String,
    /// In the words of who took it out.
    pub reason: String,
    /// `person.id`.
    pub excluded_by: i64,
    /// When.
    pub excluded_at: DateTimeUtc,
    /// `person.id`.
    pub lifted_by: Option<i64>,
    /// Since when it no longer counts.
    pub lifted_at: Option<DateTimeUtc>,
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
    /// `partner_id` → `partner.id`.
    #[sea_orm(
        belongs_to = "super::partner::Entity",
        from = "Column::PartnerId",
        to = "super::partner::Column::Id"
    )]
    Partner,
    /// `excluded_by` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::ExcludedBy",
        to = "super::person::Column::Id"
    )]
    ExcludedBy,
    /// `lifted_by` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::LiftedBy",
        to = "super::person::Column::Id"
    )]
    LiftedBy,
}

impl ActiveModelBehavior for ActiveModel {}
