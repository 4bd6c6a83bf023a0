//! One transfer. Frozen before money moves; the idempotency key is its own.

use sea_orm::entity::prelude::*;

/// A row of `payout`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payout")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `payout_run.id`.
    pub run_id: i64,
    /// `partner.id`.
    pub partner_id: i64,
    /// Currency.
    pub currency: String,
    /// Minor units.
    pub amount: i64,
    /// Stripe id, acct_….
    pub destination: String,
    /// Idempotency key.
    pub idempotency_key: String,
    /// One of `intended`, `sending`, `unknown`, `paid`, `failed`, `reversed`.
    pub status: String,
    /// Stripe id, tr_….
    pub transfer_id: Option<String>,
    /// Of amount, taken back at Stripe.
    pub reversed: i64,
    /// In words.
    pub failure: Option<String>,
    /// Attempts.
    pub attempts: i64,
    /// First time Stripe was called.
    pub sent_at: Option<DateTimeUtc>,
    /// Settled at.
    pub settled_at: Option<DateTimeUtc>,
    /// Created at.
    pub created_at: DateTimeUtc,
    /// Its name at Stripe; none before it was sent, and for those sent as `portico-payout-<id>`.
    pub transfer_group: Option<String>,
    /// The platform's account with which it was sent first.
    pub platform: Option<String>,
    /// The mode in which it was sent first.
    pub livemode: Option<bool>,
    /// How often Stripe refused it for want of balance; each further try has a key of its own.
    pub key_round: i64,
    /// What Stripe said that it transferred, minor units.
    pub transfer_amount: Option<i64>,
    /// In which currency.
    pub transfer_currency: Option<String>,
    /// To which account.
    pub transfer_destination: Option<String>,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `run_id` → `payout_run.id`.
    #[sea_orm(
        belongs_to = "super::payout_run::Entity",
        from = "Column::RunId",
        to = "super::payout_run::Column::Id"
    )]
    Run,
    /// `partner_id` → `partner.id`.
    #[sea_orm(
        belongs_to = "super::partner::Entity",
        from = "Column::PartnerId",
        to = "super::partner::Column::Id"
    )]
    Partner,
}

impl ActiveModelBehavior for ActiveModel {}
