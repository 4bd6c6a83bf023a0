//! What Stripe answered when a company was registered.

use sea_orm::entity::prelude::*;

/// A row of `deal_check`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "deal_check")]
pub struct Model {
    /// `deal.id`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    /// One of `waiting`, `asked`, `failed`.
    pub state: String,
    /// The ids of customers at Stripe with the company's mail domain that have paid.
    pub customers: Json,
    /// Why Stripe could not be asked.
    pub error: Option<String>,
    /// When it answered.
    pub asked_at: Option<DateTimeUtc>,
    /// Created at.
    pub created_at: DateTimeUtc,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
