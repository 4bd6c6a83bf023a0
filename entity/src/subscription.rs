//! Table `subscription`.

use sea_orm::entity::prelude::*;

/// A row of `subscription`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "subscription")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Stripe id, sub_….
    pub stripe_id: String,
    /// `customer.id`.
    pub customer_id: i64,
    /// Status.
    pub status: String,
    /// Started at.
    pub started_at: DateTimeUtc,
    /// Ended at.
    pub ended_at: Option<DateTimeUtc>,
    /// Time of the newest event applied.
    pub updated_at: DateTimeUtc,
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
}

impl ActiveModelBehavior for ActiveModel {}
