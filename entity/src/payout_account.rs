//! The partner's Stripe account as last retrieved.

use sea_orm::entity::prelude::*;

/// A row of `payout_account`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payout_account")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `partner.id`.
    pub partner_id: i64,
    /// Stripe id, acct_….
    pub stripe_id: String,
    /// One of `incomplete`, `under_review`, `ready`, `restricted`, `closed`.
    pub state: String,
    /// What is still needed, from whom, by when.
    #[sea_orm(column_type = "JsonBinary")]
    pub requirements: Json,
    /// Deadline at.
    pub deadline_at: Option<DateTimeUtc>,
    /// Checked at.
    pub checked_at: DateTimeUtc,
    /// Created at.
    pub created_at: DateTimeUtc,
    /// When it was connected; none where that was before new accounts waited.
    pub connected_at: Option<DateTimeUtc>,
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
