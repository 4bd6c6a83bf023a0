//! The request for a partner's account at Stripe, kept before it is sent.

use sea_orm::entity::prelude::*;

/// A row of `payout_account_request`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payout_account_request")]
pub struct Model {
    /// `partner.id`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub partner_id: i64,
    /// Idempotency key.
    pub idempotency_key: String,
    /// What is sent.
    #[sea_orm(column_type = "JsonBinary")]
    pub body: Json,
    /// Made at.
    pub made_at: DateTimeUtc,
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
}

impl ActiveModelBehavior for ActiveModel {}
