//! Table `stripe_product`.

use sea_orm::entity::prelude::*;

/// A row of `stripe_product`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stripe_product")]
pub struct Model {
    /// Stripe id, prod_….
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// `product_line.id`.
    pub product_line_id: i64,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `product_line_id` → `product_line.id`.
    #[sea_orm(
        belongs_to = "super::product_line::Entity",
        from = "Column::ProductLineId",
        to = "super::product_line::Column::Id"
    )]
    ProductLine,
}

impl ActiveModelBehavior for ActiveModel {}
