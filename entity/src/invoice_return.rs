//! Each refund, credit note or dispute, once, with the part of the invoice it returns.

use sea_orm::entity::prelude::*;

/// A row of `invoice_return`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "invoice_return")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Stripe id, re_…, cn_…, dp_….
    pub stripe_id: String,
    /// One of `refund`, `credit_note`, `dispute`.
    pub kind: String,
    /// `invoice.id`.
    pub invoice_id: i64,
    /// With tax.
    pub amount: i64,
    /// An open dispute holds, a lost one is final; one of `open`, `final`, `void`.
    pub status: String,
    /// Per line where Stripe says so.
    #[sea_orm(column_type = "JsonBinary")]
    pub detail: Json,
    /// Happened at.
    pub happened_at: DateTimeUtc,
    /// Created at.
    pub created_at: DateTimeUtc,
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
