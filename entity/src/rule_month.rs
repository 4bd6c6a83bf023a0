//! What a rule has earned a partner in a month, kept in step by the transaction that books a line.

use sea_orm::entity::prelude::*;

/// A row of `rule_month`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rule_month")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `partner.id`.
    pub partner_id: i64,
    /// Currency.
    pub currency: String,
    /// `plan.id`.
    pub plan_id: i64,
    /// The rule's id in the plan.
    pub rule: String,
    /// YYYY-MM in the program's zone.
    pub month: String,
    /// Net amounts behind the accruals that count.
    pub basis: i64,
    /// The accruals that count.
    pub amount: i64,
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
    /// `plan_id` → `plan.id`.
    #[sea_orm(
        belongs_to = "super::plan::Entity",
        from = "Column::PlanId",
        to = "super::plan::Column::Id"
    )]
    Plan,
}

impl ActiveModelBehavior for ActiveModel {}
