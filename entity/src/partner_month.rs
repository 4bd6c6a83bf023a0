//! A partner's sums per month, kept in step by the transaction that books a line.

use sea_orm::entity::prelude::*;

/// A row of `partner_month`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "partner_month")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `partner.id`.
    pub partner_id: i64,
    /// YYYY-MM in the program's zone.
    pub month: String,
    /// Currency.
    pub currency: String,
    /// Accruals, bonuses and positive adjustments.
    pub earned: i64,
    /// Reversals and negative adjustments; zero or negative.
    pub given_back: i64,
    /// Net invoice amounts behind the accruals.
    pub revenue: i64,
    /// Debts of the partner given up.
    pub written_off: i64,
    /// Of transfers, taken back at Stripe and payable again.
    pub returned: i64,
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
