//! Table `plan_version`.

use sea_orm::entity::prelude::*;

/// A row of `plan_version`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "plan_version")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `plan.id`.
    pub plan_id: i64,
    /// Version.
    pub version: i64,
    /// One of `draft`, `published`, `retired`.
    pub status: String,
    /// Effective from.
    pub effective_from: DateTimeUtc,
    /// Domain::plan::PlanRules.
    #[sea_orm(column_type = "JsonBinary")]
    pub rules: Json,
    /// Counts the changes of a draft.
    pub revision: i64,
    /// `person.id`.
    pub created_by: Option<i64>,
    /// Created at.
    pub created_at: DateTimeUtc,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `plan_id` → `plan.id`.
    #[sea_orm(
        belongs_to = "super::plan::Entity",
        from = "Column::PlanId",
        to = "super::plan::Column::Id"
    )]
    Plan,
    /// `created_by` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::CreatedBy",
        to = "super::person::Column::Id"
    )]
    CreatedBy,
}

impl ActiveModelBehavior for ActiveModel {}
