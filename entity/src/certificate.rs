//! Table `certificate`.

use sea_orm::entity::prelude::*;

/// A row of `certificate`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "certificate")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Public, unguessable.
    pub number: String,
    /// `course.id`.
    pub course_id: i64,
    /// `course_version.id`.
    pub course_version_id: i64,
    /// `person.id`.
    pub person_id: i64,
    /// `attempt.id`.
    pub attempt_id: i64,
    /// Issued at.
    pub issued_at: DateTimeUtc,
    /// Expires at.
    pub expires_at: DateTimeUtc,
    /// Grace until.
    pub grace_until: DateTimeUtc,
    /// Revoked at.
    pub revoked_at: Option<DateTimeUtc>,
    /// Revoked reason.
    pub revoked_reason: Option<String>,
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
    /// `course_version_id` → `course_version.id`.
    #[sea_orm(
        belongs_to = "super::course_version::Entity",
        from = "Column::CourseVersionId",
        to = "super::course_version::Column::Id"
    )]
    CourseVersion,
    /// `person_id` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::PersonId",
        to = "super::person::Column::Id"
    )]
    Person,
    /// `attempt_id` → `attempt.id`.
    #[sea_orm(
        belongs_to = "super::attempt::Entity",
        from = "Column::AttemptId",
        to = "super::attempt::Column::Id"
    )]
    Attempt,
}

impl ActiveModelBehavior for ActiveModel {}
