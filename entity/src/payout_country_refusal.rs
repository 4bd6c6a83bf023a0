//! Stripe said that it does not pay to a partner's country.

use sea_orm::entity::prelude::*;

/// A row of `payout_country_refusal`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payout_country_refusal")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `partner.id`.
    pub partner_id: i64,
    /// The country that was refused.
    pub country: String,
    /// Stripe id, acct_…; none where Stripe refused to make one.
    pub account: Option<String>,
    /// Stripe's own sentence.
    pub said: String,
    /// When.
    pub refused_at: DateTimeUtc,
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
