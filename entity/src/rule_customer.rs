//! What a rule has earned a partner with a customer's account, kept in step by the transaction that
//! books a line.

use sea_orm::entity::prelude::*;

/// A row of `rule_customer`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rule_customer")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `account.id`.
    pub account_id: i64,
    /// Currency.
    pub currency: String,
    /// `plan.id`.
    pub plan_id: i64,
    /// The rule's id in the plan.
    pub rule: String,
    /// `partner.id`.
    pub partner_id: i64,
    /// The accruals that count.
    pub amount: i64,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `account_id` → `account.id`.
    #[sea_orm(
        belongs_to = "super::account::Entity",
        from = "Column::AccountId",
        to = "super::account::Column::Id"
    )]
    Account,
    /// `plan_id` → `plan.id`.
    #[sea_orm(
        belongs_to = "super::plan::Entity",
        from = "Column::PlanId",
        to = "super::plan::Column::Id"
    )]
    Plan,
    /// `partner_id` → `partner.id`.
    #[sea_orm(
        belongs_to = "super::partner::Entity",
        from = "Column::PartnerId",
        to = "super::partner::Column::Id"
    )]
    Partner,
}

impl ActiveModelBehavior for ActiveModel {}
