//! Table `course_version`.

use sea_orm::entity::prelude::*;

/// A row of `course_version`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "course_version")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `course.id`.
    pub course_id: i64,
    /// Version.
    pub version: i64,
    /// One of `draft`, `published`, `retired`.
    pub status: String,
    /// Title.
    pub title: String,
    /// Summary.
    pub summary: String,
    /// Pass percent.
    pub pass_percent: i64,
    /// Drawn at random from the pool.
    pub question_count: i64,
    /// Time limit minutes.
    pub time_limit_minutes: i64,
    /// Attempts allowed.
    pub attempts_allowed: i64,
    /// Retry wait hours.
    pub retry_wait_hours: i64,
    /// Valid months.
    pub valid_months: i64,
    /// Grace days.
    pub grace_days: i64,
    /// Published at.
    pub published_at: Option<DateTimeUtc>,
    /// Created at.
    pub created_at: DateTimeUtc,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `course_id` → `course.id`.
    #[sea_orm(
        belongs_to = "super::course::Entity",
        from = "Column::CourseId",
        to = "super::course::Column::Id"
    )]
    Course,
}

impl ActiveModelBehavior for ActiveModel {}
