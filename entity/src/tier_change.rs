//! Every change of a partner's tier, with the figures it was judged by.

use sea_orm::entity::prelude::*;

/// A row of `tier_change`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tier_change")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `partner.id`.
    pub partner_id: i64,
    /// `tier.id`.
    pub from_tier_id: Option<i64>,
    /// `tier.id`.
    pub to_tier_id: i64,
    /// One of `entry`, `promotion`, `notice`, `demotion`, `manual`.
    pub kind: String,
    /// Explanation.
    pub explanation: String,
    /// Domain::tier::Figures.
    #[sea_orm(column_type = "JsonBinary")]
    pub figures: Json,
    /// Effective at.
    pub effective_at: DateTimeUtc,
    /// Created at.
    pub created_at: DateTimeUtc,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `partner_id` → `partner.id`.
    #[sea_orm(
        belongs_to = "super::partner::Entity",
        from = "Column::PartnerId",
        to = "super::partner::Column::Id"
    )]
    Partner,
    /// `from_tier_id` → `tier.id`.
    #[sea_orm(
        belongs_to = "super::tier::Entity",
        from = "Column::FromTierId",
        to = "super::tier::Column::Id"
    )]
    FromTier,
    /// `to_tier_id` → `tier.id`.
    #[sea_orm(
        belongs_to = "super::tier::Entity",
        from = "Column::ToTierId",
        to = "super::tier::Column::Id"
    )]
    ToTier,
}

impl ActiveModelBehavior for ActiveModel {}
