//! The right itself. The partial unique index is what keeps two partners from holding the same
//! account and product line at once, however their requests race.

use sea_orm::entity::prelude::*;

/// A row of `protection`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "protection")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `deal.id`.
    pub deal_id: i64,
    /// `partner.id`.
    pub partner_id: i64,
    /// `account.id`.
    pub account_id: i64,
    /// `product_line.id`.
    pub product_line_id: i64,
    /// Starts at.
    pub starts_at: DateTimeUtc,
    /// None once won: the customer stays the partner's.
    pub expires_at: Option<DateTimeUtc>,
    /// Released at.
    pub released_at: Option<DateTimeUtc>,
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
    /// `partner_id` → `partner.id`.
    #[sea_orm(
        belongs_to = "super::partner::Entity",
        from = "Column::PartnerId",
        to = "super::partner::Column::Id"
    )]
    Partner,
    /// `account_id` → `account.id`.
    #[sea_orm(
        belongs_to = "super::account::Entity",
        from = "Column::AccountId",
        to = "super::account::Column::Id"
    )]
    Account,
    /// `product_line_id` → `product_line.id`.
    #[sea_orm(
        belongs_to = "super::product_line::Entity",
        from = "Column::ProductLineId",
        to = "super::product_line::Column::Id"
    )]
    ProductLine,
}

impl ActiveModelBehavior for ActiveModel {}
