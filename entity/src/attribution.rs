//! Who is credited for an account, for what share and how long.

use sea_orm::entity::prelude::*;

/// A row of `attribution`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "attribution")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `program.id`.
    pub program_id: i64,
    /// `account.id`.
    pub account_id: i64,
    /// `partner.id`.
    pub partner_id: i64,
    /// None: every product.
    pub product_line_id: Option<i64>,
    /// The registration it came from.
    pub deal_id: Option<i64>,
    /// One of `sourced`, `sold`, `implemented`.
    pub part: String,
    /// Share bp.
    pub share_bp: i64,
    /// Reason.
    pub reason: String,
    /// Starts at.
    pub starts_at: DateTimeUtc,
    /// Ends at.
    pub ends_at: Option<DateTimeUtc>,
    /// Created at.
    pub created_at: DateTimeUtc,
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
    /// `account_id` → `account.id`.
    #[sea_orm(
        belongs_to = "super::account::Entity",
        from = "Column::AccountId",
        to = "super::account::Column::Id"
    )]
    Account,
    /// `partner_id` → `partner.id`.
    #[sea_orm(
        belongs_to = "super::partner::Entity",
        from = "Column::PartnerId",
        to = "super::partner::Column::Id"
    )]
    Partner,
    /// `product_line_id` → `product_line.id`.
    #[sea_orm(
        belongs_to = "super::product_line::Entity",
        from = "Column::ProductLineId",
        to = "super::product_line::Column::Id"
    )]
    ProductLine,
    /// `deal_id` → `deal.id`.
    #[sea_orm(
        belongs_to = "super::deal::Entity",
        from = "Column::DealId",
        to = "super::deal::Column::Id"
    )]
    Deal,
}

impl ActiveModelBehavior for ActiveModel {}
