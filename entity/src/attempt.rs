//! Table `attempt`.

use sea_orm::entity::prelude::*;

/// A row of `attempt`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "attempt")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `course_version.id`.
    pub course_version_id: i64,
    /// `person.id`.
    pub person_id: i64,
    /// The organisation the person took it for.
    pub partner_id: i64,
    /// Number.
    pub number: i64,
    /// One of `open`, `passed`, `failed`, `expired`.
    pub status: String,
    /// Questions and option orders as drawn.
    #[sea_orm(column_type = "JsonBinary")]
    pub paper: Json,
    /// Saved as the person goes.
    #[sea_orm(column_type = "JsonBinary")]
    pub answers: Json,
    /// Score percent.
    pub score_percent: Option<i64>,
    /// Started at.
    pub started_at: DateTimeUtc,
    /// Deadline at.
    pub deadline_at: DateTimeUtc,
    /// Finished at.
    pub finished_at: Option<DateTimeUtc>,
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
    /// `person_id` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::PersonId",
        to = "super::person::Column::Id"
    )]
    Person,
    /// `partner_id` → `partner.id`.
    #[sea_orm(
        belongs_to = "super::partner::Entity",
        from = "Column::PartnerId",
        to = "super::partner::Column::Id"
    )]
    Partner,
}

impl ActiveModelBehavior for ActiveModel {}
