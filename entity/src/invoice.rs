//! Table `invoice`.

use sea_orm::entity::prelude::*;

/// A row of `invoice`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "invoice")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Stripe id, in_….
    pub stripe_id: String,
    /// `customer.id`.
    pub customer_id: i64,
    /// Subscription stripe id.
    pub subscription_stripe_id: Option<String>,
    /// Number.
    pub number: Option<String>,
    /// One of `draft`, `open`, `paid`, `uncollectible`, `void`.
    pub status: String,
    /// Currency.
    pub currency: String,
    /// With tax.
    pub total: i64,
    /// What the lines come to after discount and credit, without tax; of what money arrived for.
    pub net: i64,
    /// Amount paid.
    pub amount_paid: i64,
    /// Refunded, credited or lost, cumulative, with tax.
    pub returned: i64,
    /// Disputed.
    pub disputed: bool,
    /// One of `open`, `earned`, `nothing`, `unmatched`.
    pub outcome: String,
    /// Why it earned nothing.
    pub outcome_reason: Option<String>,
    /// Issued at.
    pub issued_at: DateTimeUtc,
    /// Paid at.
    pub paid_at: Option<DateTimeUtc>,
    /// Created at.
    pub created_at: DateTimeUtc,
    /// What had to be paid after the customer's balance; none where Stripe was not asked.
    pub due: Option<i64>,
    /// What of the total the customer's balance paid.
    pub from_balance: i64,
    /// What of the total earns nothing, because no money arrived for it.
    pub unearning: i64,
    /// The same by where the credit came from, and what nobody paid; JSON, none where all was money.
    pub balance: Option<String>,
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
