//! A role that moves money, given to somebody, and from when it counts for approving money.

use sea_orm::entity::prelude::*;

/// A row of `staff_grant`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "staff_grant")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `person.id`.
    pub person_id: i64,
    /// One of `finance`, `admin`.
    pub role: String,
    /// `person.id`; none at the command line.
    pub given_by: Option<i64>,
    /// Given at.
    pub given_at: DateTimeUtc,
    /// From when it counts by itself.
    pub counts_from: DateTimeUtc,
    /// `person.id` of a second administrator.
    pub confirmed_by: Option<i64>,
    /// Confirmed at.
    pub confirmed_at: Option<DateTimeUtc>,
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
    /// `given_by` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::GivenBy",
        to = "super::person::Column::Id"
    )]
    GivenBy,
    /// `confirmed_by` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::ConfirmedBy",
        to = "super::person::Column::Id"
    )]
    ConfirmedBy,
}

impl ActiveModelBehavior for ActiveModel {}
