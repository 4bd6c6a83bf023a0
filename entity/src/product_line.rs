//! What the vendor sells, as far as deals and commission rules tell it apart.

use sea_orm::entity::prelude::*;

/// A row of `product_line`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "product_line")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `program.id`.
    pub program_id: i64,
    /// Matches Stripe product metadata `product_line`.
    pub code: String,
    /// Name.
    pub name: String,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `program_id` → `program.id`.
    #[sea_orm(
        belongs_to = "super::program::Entity",
        from = "Column::ProgramId",
        to = "super::program::Column::Id"
    )]
    Program,
}

impl ActiveModelBehavior for ActiveModel {}
