//! Stripe's links from payment to invoice: refund → charge → payment intent → invoice.

use sea_orm::entity::prelude::*;

/// A row of `invoice_payment`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "invoice_payment")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Stripe id, inpay_…, or made from the invoice where Stripe sent none.
    pub stripe_id: String,
    /// `invoice.id`.
    pub invoice_id: i64,
    /// Payment intent.
    pub payment_intent: Option<String>,
    /// Charge.
    pub charge: Option<String>,
    /// Amount.
    pub amount: i64,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `invoice_id` → `invoice.id`.
    #[sea_orm(
        belongs_to = "super::invoice::Entity",
        from = "Column::InvoiceId",
        to = "super::invoice::Column::Id"
    )]
    Invoice,
}

impl ActiveModelBehavior for ActiveModel {}
