//! Table `invoice_line`.

use sea_orm::entity::prelude::*;

/// A row of `invoice_line`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "invoice_line")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Stripe id, il_…; made from line, invoice and place where Stripe uses one name several times.
    pub stripe_id: String,
    /// `invoice.id`.
    pub invoice_id: i64,
    /// `product_line.id`.
    pub product_line_id: Option<i64>,
    /// Description.
    pub description: String,
    /// As billed.
    pub amount: i64,
    /// Discount.
    pub discount: i64,
    /// Tax.
    pub tax: i64,
    /// The basis: after discount and credit, without tax.
    pub net: i64,
    /// Of net, cumulative.
    pub returned: i64,
    /// Proration.
    pub proration: bool,
    /// Period start.
    pub period_start: Option<DateTimeUtc>,
    /// Period end.
    pub period_end: Option<DateTimeUtc>,
    /// Stripe's own name of it.
    pub line_id: String,
    /// Which of the invoice's lines of that name, from 1.
    pub occurrence: i64,
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
    /// `product_line_id` → `product_line.id`.
    #[sea_orm(
        belongs_to = "super::product_line::Entity",
        from = "Column::ProductLineId",
        to = "super::product_line::Column::Id"
    )]
    ProductLine,
}

impl ActiveModelBehavior for ActiveModel {}
