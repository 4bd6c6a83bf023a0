//! Said about an application, a deal or a partner; internal notes never leave the vendor.

use sea_orm::entity::prelude::*;

/// A row of `comment`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "comment")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// One of `application`, `deal`, `partner`.
    pub subject_type: String,
    /// Subject id.
    pub subject_id: i64,
    /// `person.id`.
    pub person_id: i64,
    /// Body.
    pub body: String,
    /// Internal.
    pub internal: bool,
    /// Created at.
    pub created_at: DateTimeUtc,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `person_id` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::PersonId",
        to = "super::person::Column::Id"
    )]
    Person,
}

impl ActiveModelBehavior for ActiveModel {}
