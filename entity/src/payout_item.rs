//! Every partner and currency with a balance: in the run, or left out with the reason.

use sea_orm::entity::prelude::*;

/// A row of `payout_item`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payout_item")]
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
    /// Payable at the cut-off, minor units.
    pub amount: i64,
    /// Included.
    pub included: bool,
    /// Why a rule leaves it out.
    pub reason: Option<String>,
    /// `person.id` while what a person decided takes it out: the row of `payout_exclusion` says more.
    pub decided_by: Option<i64>,
    /// How many lines the amount is made of; none for items from before this was kept.
    pub lines: Option<i64>,
    /// The sum of their ids.
    pub line_sum: Option<i64>,
    /// `approval` or `sending`, where it was left out as late as that.
    pub stage: Option<String>,
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
    /// `decided_by` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::DecidedBy",
        to = "super::person::Column::Id"
    )]
    DecidedBy,
}

impl ActiveModelBehavior for ActiveModel {}
