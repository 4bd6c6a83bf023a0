//! What was told already, by the occurrence it was told about.

use sea_orm::entity::prelude::*;

/// A row of `told`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "told")]
pub struct Model {
    /// The occurrence.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Told at.
    pub told_at: DateTimeUtc,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
