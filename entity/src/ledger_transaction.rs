//! Table `ledger_transaction`.

use sea_orm::entity::prelude::*;

/// A row of `ledger_transaction`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_transaction")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Reference.
    pub reference: String,
    /// SHA-256 of the canonical input, hex.
    pub input_hash: String,
    /// Kind.
    pub kind: String,
    /// Description.
    pub description: String,
    /// `commission.id`.
    pub commission_id: Option<i64>,
    /// Payout id.
    pub payout_id: Option<i64>,
    /// Effective at.
    pub effective_at: DateTimeUtc,
    /// Created at.
    pub created_at: DateTimeUtc,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `commission_id` → `commission.id`.
    #[sea_orm(
        belongs_to = "super::commission::Entity",
        from = "Column::CommissionId",
        to = "super::commission::Column::Id"
    )]
    Commission,
}

impl ActiveModelBehavior for ActiveModel {}
