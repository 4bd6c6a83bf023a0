//! A meeting a manager marked as qualified. Undone, it stays as history; only one counts.

use sea_orm::entity::prelude::*;

/// A row of `deal_meeting`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "deal_meeting")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `deal.id`.
    pub deal_id: i64,
    /// The day of the meeting in the program's zone.
    pub held_on: Date,
    /// What was met, for the vendor's people and the partner.
    pub note: String,
    /// `person.id`.
    pub qualified_by: i64,
    /// Qualified at.
    pub qualified_at: DateTimeUtc,
    /// `person.id`.
    pub undone_by: Option<i64>,
    /// Since when it does not count any more.
    pub undone_at: Option<DateTimeUtc>,
    /// Why.
    pub undo_reason: Option<String>,
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
    /// `qualified_by` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::QualifiedBy",
        to = "super::person::Column::Id"
    )]
    QualifiedBy,
    /// `undone_by` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::UndoneBy",
        to = "super::person::Column::Id"
    )]
    UndoneBy,
}

impl ActiveModelBehavior for ActiveModel {}
