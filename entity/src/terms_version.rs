//! Table `terms_version`.

use sea_orm::entity::prelude::*;

/// A row of `terms_version`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "terms_version")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `program.id`.
    pub program_id: i64,
    /// Version.
    pub version: i64,
    /// Effective from.
    pub effective_from: DateTimeUtc,
    /// Markdown.
    pub body: String,
    /// Created at.
    pub created_at: DateTimeUtc,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `program_id` → `program.id`.
    #[sea_orm(
        belongs_to = "super::program::Entity",
        from = "Column::ProgramId",
        to = "super::program::Column::Id"
    )]
    Program,
}

impl ActiveModelBehavior for ActiveModel {}
