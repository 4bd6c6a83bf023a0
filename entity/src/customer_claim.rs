//! What an object at Stripe says about where a customer belongs.

use sea_orm::entity::prelude::*;

/// A row of `customer_claim`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "customer_claim")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `customer.id`.
    pub customer_id: i64,
    /// What says so at Stripe: cus_…, sub_…, in_…, cs_….
    pub object: String,
    /// One of `metadata`, `signed`, `unsigned`.
    pub source: String,
    /// The deal it names; may be nobody's.
    pub deal_id: Option<i64>,
    /// The account it names.
    pub account_id: Option<i64>,
    /// When it said so.
    pub told_at: DateTimeUtc,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
