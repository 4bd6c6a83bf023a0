//! Table `tier`.

use sea_orm::entity::prelude::*;

/// A row of `tier`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tier")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `program.id`.
    pub program_id: i64,
    /// 0 is the entry tier.
    pub rank: i64,
    /// Name.
    pub name: String,
    /// Trailing 12 months, minor units of the program's currency.
    pub min_revenue: i64,
    /// Min customers.
    pub min_customers: i64,
    /// Min won deals.
    pub min_won_deals: i64,
    /// Certified people.
    pub min_certified: i64,
    /// Benefits.
    pub benefits: String,
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
