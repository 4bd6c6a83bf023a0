//! Table `agreement`.

use sea_orm::entity::prelude::*;

/// A row of `agreement`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "agreement")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `partner.id`.
    pub partner_id: i64,
    /// `person.id`.
    pub person_id: i64,
    /// `terms_version.id`.
    pub terms_version_id: i64,
    /// Signed name.
    pub signed_name: String,
    /// Ip.
    pub ip: String,
    /// Signed at.
    pub signed_at: DateTimeUtc,
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
    /// `person_id` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::PersonId",
        to = "super::person::Column::Id"
    )]
    Person,
    /// `terms_version_id` → `terms_version.id`.
    #[sea_orm(
        belongs_to = "super::terms_version::Entity",
        from = "Column::TermsVersionId",
        to = "super::terms_version::Column::Id"
    )]
    TermsVersion,
}

impl ActiveModelBehavior for ActiveModel {}
