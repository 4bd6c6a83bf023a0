//! Stripe's own payouts from the connected account to its bank.

use sea_orm::entity::prelude::*;

/// A row of `bank_payout`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "bank_payout")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Stripe id, po_….
    pub stripe_id: String,
    /// `partner.id`.
    pub partner_id: i64,
    /// Amount.
    pub amount: i64,
    /// Currency.
    pub currency: String,
    /// Status.
    pub status: String,
    /// Arrival at.
    pub arrival_at: Option<DateTimeUtc>,
    /// Failure.
    pub failure: Option<String>,
    /// Time of the newest event applied.
    pub updated_at: DateTimeUtc,
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
