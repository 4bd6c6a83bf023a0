//! Table `deal_product_line`.

use sea_orm::entity::prelude::*;

/// A row of `deal_product_line`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "deal_product_line")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `deal.id`.
    pub deal_id: i64,
    /// `product_line.id`.
    pub product_line_id: i64,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `deal_id` → `deal.id`.
    #[sea_orm(
        belongs_to = "super::deal::Entity",
        from = "Column::DealId",
        to = "super::deal::Column::Id"
    )]
    Deal,
    /// `product_line_id` → `product_line.id`.
    #[sea_orm(
        belongs_to = "super::product_line::Entity",
        from = "Column::ProductLineId",
        to = "super::product_line::Column::Id"
    )]
    ProductLine,
}

impl ActiveModelBehavior for ActiveModel {}
