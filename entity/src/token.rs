//! One-time links: confirm an address, set a new password, accept an invitation.

use sea_orm::entity::prelude::*;

/// A row of `token`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "token")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `person.id`.
    pub person_id: i64,
    /// One of `verify_email`, `reset_password`, `invitation`.
    pub purpose: String,
    /// SHA-256 of the secret in the link, hex.
    pub hash: String,
    /// Expires at.
    pub expires_at: DateTimeUtc,
    /// Used at.
    pub used_at: Option<DateTimeUtc>,
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
