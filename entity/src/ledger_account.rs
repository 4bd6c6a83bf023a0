//! Table `ledger_account`.

use sea_orm::entity::prelude::*;

/// A row of `ledger_account`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_account")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Domain::ledger::AccountCode, such as partner:7:payable.
    pub code: String,
    /// `partner.id`.
    pub partner_id: Option<i64>,
    /// Currency.
    pub currency: String,
    /// The sum of its postings; credits are positive.
    pub balance: i64,
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
