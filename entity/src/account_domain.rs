//! Table `account_domain`.

use sea_orm::entity::prelude::*;

/// A row of `account_domain`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account_domain")]
pub struct Model {
    /// Registrable domain, punycode.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// `account.id`.
    pub account_id: i64,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `account_id` → `account.id`.
    #[sea_orm(
        belongs_to = "super::account::Entity",
        from = "Column::AccountId",
        to = "super::account::Column::Id"
    )]
    Account,
}

impl ActiveModelBehavior for ActiveModel {}
