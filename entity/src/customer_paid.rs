//! When a customer paid first and last, kept in step by the transaction that writes its invoices.

use sea_orm::entity::prelude::*;

/// A row of `customer_paid`; customers that never paid have none.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "customer_paid")]
pub struct Model {
    /// `customer.id`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    /// The earliest of its paid invoices that came to more than nothing.
    pub first_at: Option<DateTimeUtc>,
    /// The latest of its paid invoices.
    pub last_at: DateTimeUtc,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `id` → `customer.id`.
    #[sea_orm(
        belongs_to = "super::customer::Entity",
        from = "Column::Id",
        to = "super::customer::Column::Id"
    )]
    Customer,
}

impl ActiveModelBehavior for ActiveModel {}
