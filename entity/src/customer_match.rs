//! Somebody says to which account a customer belongs, and another person decides.

use sea_orm::entity::prelude::*;

/// A row of `customer_match`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "customer_match")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `customer.id`.
    pub customer_id: i64,
    /// `account.id`.
    pub account_id: i64,
    /// Why.
    pub reason: String,
    /// `person.id`.
    pub proposed_by: i64,
    /// Proposed at.
    pub proposed_at: DateTimeUtc,
    /// One of `open`, `confirmed`, `declined`.
    pub status: String,
    /// `person.id`.
    pub decided_by: Option<i64>,
    /// Decided at.
    pub decided_at: Option<DateTimeUtc>,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `customer_id` → `customer.id`.
    #[sea_orm(
        belongs_to = "super::customer::Entity",
        from = "Column::CustomerId",
        to = "super::customer::Column::Id"
    )]
    Customer,
    /// `account_id` → `account.id`.
    #[sea_orm(
        belongs_to = "super::account::Entity",
        from = "Column::AccountId",
        to = "super::account::Column::Id"
    )]
    Account,
    /// `proposed_by` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::ProposedBy",
        to = "super::person::Column::Id"
    )]
    ProposedBy,
    /// `decided_by` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::DecidedBy",
        to = "super::person::Column::Id"
    )]
    DecidedBy,
}

impl ActiveModelBehavior for ActiveModel {}
