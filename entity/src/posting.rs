//! Table `posting`.

use sea_orm::entity::prelude::*;

/// A row of `posting`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "posting")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `ledger_transaction.id`.
    pub transaction_id: i64,
    /// `ledger_account.id`.
    pub ledger_account_id: i64,
    /// Minor units of the account's currency; credits are positive.
    pub amount: i64,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `transaction_id` → `ledger_transaction.id`.
    #[sea_orm(
        belongs_to = "super::ledger_transaction::Entity",
        from = "Column::TransactionId",
        to = "super::ledger_transaction::Column::Id"
    )]
    Transaction,
    /// `ledger_account_id` → `ledger_account.id`.
    #[sea_orm(
        belongs_to = "super::ledger_account::Entity",
        from = "Column::LedgerAccountId",
        to = "super::ledger_account::Column::Id"
    )]
    LedgerAccount,
}

impl ActiveModelBehavior for ActiveModel {}
