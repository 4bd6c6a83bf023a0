//! Who did what and when: the timeline of each record and the audit log of the whole.

use sea_orm::entity::prelude::*;

/// A row of `event`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// At.
    pub at: DateTimeUtc,
    /// None: the portal itself.
    pub actor_id: Option<i64>,
    /// Such as deal.approved.
    pub action: String,
    /// Subject type.
    pub subject_type: String,
    /// Subject id.
    pub subject_id: i64,
    /// `partner.id`.
    pub partner_id: Option<i64>,
    /// Never shown to partners.
    pub internal: bool,
    /// A sentence.
    pub summary: String,
    /// Before and after.
    #[sea_orm(column_type = "JsonBinary")]
    pub detail: Json,
    /// Request id.
    pub request_id: String,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `actor_id` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::ActorId",
        to = "super::person::Column::Id"
    )]
    Actor,
    /// `partner_id` → `partner.id`.
    #[sea_orm(
        belongs_to = "super::partner::Entity",
        from = "Column::PartnerId",
        to = "super::partner::Column::Id"
    )]
    Partner,
}

impl ActiveModelBehavior for ActiveModel {}
