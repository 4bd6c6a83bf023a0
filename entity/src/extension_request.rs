//! A request for more time, with evidence of activity.

use sea_orm::entity::prelude::*;

/// A row of `extension_request`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "extension_request")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `deal.id`.
    pub deal_id: i64,
    /// `person.id`.
    pub person_id: i64,
    /// Evidence.
    pub evidence: String,
    /// One of `open`, `granted`, `refused`.
    pub status: String,
    /// `person.id`.
    pub decided_by: Option<i64>,
    /// Reason.
    pub reason: Option<String>,
    /// Created at.
    pub created_at: DateTimeUtc,
    /// Decided at.
    pub decided_at: Option<DateTimeUtc>,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `deal_id` → `deal.id`.
    #[sea_orm(
        belongs_to = "super::deal::Entity",
        from = "Column::DealId",
        to = "super::deal::Column::Id"
    )]
    Deal,
    /// `person_id` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::PersonId",
        to = "super::person::Column::Id"
    )]
    Person,
    /// `decided_by` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::DecidedBy",
        to = "super::person::Column::Id"
    )]
    DecidedBy,
}

impl ActiveModelBehavior for ActiveModel {}
