//! Table `question`.

use sea_orm::entity::prelude::*;

/// A row of `question`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "question")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `course_version.id`.
    pub course_version_id: i64,
    /// Position.
    pub position: i64,
    /// One of `single`, `multiple`, `true_false`, `ordering`.
    pub kind: String,
    /// Prompt.
    pub prompt: String,
    /// List of texts.
    #[sea_orm(column_type = "JsonBinary")]
    pub options: Json,
    /// Indexes into options: the right ones, or the right order.
    #[sea_orm(column_type = "JsonBinary")]
    pub answer: Json,
    /// Shown after the attempt.
    pub feedback: String,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `course_version_id` → `course_version.id`.
    #[sea_orm(
        belongs_to = "super::course_version::Entity",
        from = "Column::CourseVersionId",
        to = "super::course_version::Column::Id"
    )]
    CourseVersion,
}

impl ActiveModelBehavior for ActiveModel {}
