//! A person who can sign in: a partner's member, an applicant, or vendor staff.

use sea_orm::entity::prelude::*;

/// A row of `person`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "person")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Lower case.
    pub email: String,
    /// Name.
    pub name: String,
    /// Argon2id, PHC form; none until the person sets one.
    pub password_hash: Option<String>,
    /// Vendor staff only; one of `manager`, `finance`, `admin`, `auditor`.
    pub staff_role: Option<String>,
    /// Locale.
    pub locale: String,
    /// IANA name.
    pub time_zone: String,
    /// Email verified at.
    pub email_verified_at: Option<DateTimeUtc>,
    /// Disabled at.
    pub disabled_at: Option<DateTimeUtc>,
    /// Created at.
    pub created_at: DateTimeUtc,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
