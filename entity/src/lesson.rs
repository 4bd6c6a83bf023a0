//! Table `lesson`.

use sea_orm::entity::prelude::*;

/// A row of `lesson`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lesson")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `course_version.id`.
    pub course_version_id: i64,
    /// Position.
    pub position: i64,
    /// The module's title.
    pub module: String,
    /// Title.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// Video url.
    pub video_url: Option<String>,
    /// Minutes.
    pub minutes: i64,
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
