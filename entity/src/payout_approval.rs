//! An approval, with the fingerprint of what its person was shown. Rows are only added.

use sea_orm::entity::prelude::*;

/// A row of `payout_approval`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payout_approval")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `payout_run.id`.
    pub run_id: i64,
    /// `person.id`.
    pub person_id: i64,
    /// SHA-256 of the content, hex.
    pub fingerprint: String,
    /// When.
    pub approved_at: DateTimeUtc,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `run_id` → `payout_run.id`.
    #[sea_orm(
        belongs_to = "super::payout_run::Entity",
        from = "Column::RunId",
        to = "super::payout_run::Column::Id"
    )]
    Run,
    /// `person_id` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::PersonId",
        to = "super::person::Column::Id"
    )]
    Person,
}

impl ActiveModelBehavior for ActiveModel {}
