//! A difference between ledger, payouts and Stripe, until finance settles it with a reason.

use sea_orm::entity::prelude::*;

/// A row of `discrepancy`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "discrepancy")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The finding; found again it is the same row.
    pub reference: String,
    /// Kind.
    pub kind: String,
    /// Description.
    pub description: String,
    /// Ours.
    pub ours: Option<i64>,
    /// Theirs.
    pub theirs: Option<i64>,
    /// Currency.
    pub currency: Option<String>,
    /// Found at.
    pub found_at: DateTimeUtc,
    /// Settled at.
    pub settled_at: Option<DateTimeUtc>,
    /// `person.id`.
    pub settled_by: Option<i64>,
    /// Reason.
    pub reason: Option<String>,
    /// `payout.id` it is about.
    pub payout_id: Option<i64>,
    /// The transfer it is about, tr_….
    pub transfer_id: Option<String>,
    /// `partner.id` whose account has the money.
    pub partner_id: Option<i64>,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `settled_by` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::SettledBy",
        to = "super::person::Column::Id"
    )]
    SettledBy,
}

impl ActiveModelBehavior for ActiveModel {}
