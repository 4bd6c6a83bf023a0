//! Invitations into a partner organisation. The person may have no account yet.

use sea_orm::entity::prelude::*;

/// A row of `invitation`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "invitation")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `partner.id`.
    pub partner_id: i64,
    /// Lower case.
    pub email: String,
    /// One of `owner`, `member`.
    pub role: String,
    /// SHA-256 of the secret in the link, hex.
    pub hash: String,
    /// `person.id`.
    pub invited_by: i64,
    /// Expires at.
    pub expires_at: DateTimeUtc,
    /// Accepted at.
    pub accepted_at: Option<DateTimeUtc>,
    /// Revoked at.
    pub revoked_at: Option<DateTimeUtc>,
    /// Created at.
    pub created_at: DateTimeUtc,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `partner_id` → `partner.id`.
    #[sea_orm(
        belongs_to = "super::partner::Entity",
        from = "Column::PartnerId",
        to = "super::partner::Column::Id"
    )]
    Partner,
    /// `invited_by` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::InvitedBy",
        to = "super::person::Column::Id"
    )]
    Inviter,
}

impl ActiveModelBehavior for ActiveModel {}
