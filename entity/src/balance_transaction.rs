//! The changes of customers' balances at Stripe, of customers whose balance has paid for something.

use sea_orm::entity::prelude::*;

/// A row of `balance_transaction`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "balance_transaction")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Stripe id, cbtxn_….
    pub stripe_id: String,
    /// `customer.id`.
    pub customer_id: i64,
    /// Among the customer's, the oldest first.
    pub place: i64,
    /// Minor units; negative is credit.
    pub amount: i64,
    /// Currency.
    pub currency: String,
    /// Stripe's type.
    pub kind: String,
    /// One of `money`, `returned`, `reward`, `gift`; of credit.
    pub source: String,
    /// Stripe id of the invoice, in_…, or of the checkout where there is no invoice yet.
    pub invoice: Option<String>,
    /// Stripe id of the credit note, cn_….
    pub credit_note: Option<String>,
    /// Happened at.
    pub happened_at: DateTimeUtc,
    /// Created at.
    pub created_at: DateTimeUtc,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `customer_id` → `customer.id`.
    #[sea_orm(
        belongs_to = "super::customer::Entity",
        from = "Column::CustomerId",
        to = "super::customer::Column::Id"
    )]
    Customer,
}

impl ActiveModelBehavior for ActiveModel {}
