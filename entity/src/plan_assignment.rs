//! From when a partner is paid by another plan.

use sea_orm::entity::prelude::*;

/// A row of `plan_assignment`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "plan_assignment")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `partner.id`.
    pub partner_id: i64,
    /// `plan.id`: what counted until then.
    pub from_plan_id: i64,
    /// `plan.id`.
    pub to_plan_id: i64,
    /// Effective from.
    pub effective_from: DateTimeUtc,
    /// Why.
    pub reason: String,
    /// `person.id`.
    pub decided_by: Option<i64>,
    /// Created at.
    pub created_at: DateTimeUtc,
    /// When it was taken back, before it counted.
    pub withdrawn_at: Option<DateTimeUtc>,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `partner_id` → `partner.id`.
    #[sea_orm(
        belongs_to = "super::partner::Entity",
        from = "Column::PartnerId",
        to = "super::partner::Column::Id"
    )]
    Partner,
    /// `from_plan_id` → `plan.id`.
    #[sea_orm(
        belongs_to = "super::plan::Entity",
        from = "Column::FromPlanId",
        to = "super::plan::Column::Id"
    )]
    FromPlan,
    /// `to_plan_id` → `plan.id`.
    #[sea_orm(
        belongs_to = "super::plan::Entity",
        from = "Column::ToPlanId",
        to = "super::plan::Column::Id"
    )]
    ToPlan,
    /// `decided_by` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::DecidedBy",
        to = "super::person::Column::Id"
    )]
    DecidedBy,
}

impl ActiveModelBehavior for ActiveModel {}
