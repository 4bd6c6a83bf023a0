//! Table `application`.

use sea_orm::entity::prelude::*;

/// A row of `application`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "application")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `program.id`.
    pub program_id: i64,
    /// The applicant.
    pub person_id: i64,
    /// One of `draft`, `submitted`, `in_review`, `information_requested`, `approved`, `rejected`, `withdrawn`.
    pub status: String,
    /// Legal name.
    pub legal_name: String,
    /// Website.
    pub website: String,
    /// Registrable.
    pub domain: String,
    /// Country.
    pub country: String,
    /// Partner type.
    pub partner_type: String,
    /// Size.
    pub size: String,
    /// Services.
    pub services: String,
    /// Regions.
    pub regions: String,
    /// Expected business.
    pub expected_business: String,
    /// Contact name.
    pub contact_name: String,
    /// Contact phone.
    pub contact_phone: String,
    /// Question id → answer.
    #[sea_orm(column_type = "JsonBinary")]
    pub answers: Json,
    /// The terms accepted.
    pub terms_version_id: Option<i64>,
    /// Judged by.
    pub policy_version_id: Option<i64>,
    /// `person.id`.
    pub reviewer_id: Option<i64>,
    /// The applicant reads it.
    pub decision_reason: Option<String>,
    /// Made by the approval.
    pub partner_id: Option<i64>,
    /// Submitted at.
    pub submitted_at: Option<DateTimeUtc>,
    /// Review due at.
    pub review_due_at: Option<DateTimeUtc>,
    /// Decided at.
    pub decided_at: Option<DateTimeUtc>,
    /// Created at.
    pub created_at: DateTimeUtc,
    /// Updated at.
    pub updated_at: DateTimeUtc,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `program_id` → `program.id`.
    #[sea_orm(
        belongs_to = "super::program::Entity",
        from = "Column::ProgramId",
        to = "super::program::Column::Id"
    )]
    Program,
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
    /// `policy_version_id` → `policy_version.id`.
    #[sea_orm(
        belongs_to = "super::policy_version::Entity",
        from = "Column::PolicyVersionId",
        to = "super::policy_version::Column::Id"
    )]
    PolicyVersion,
    /// `reviewer_id` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::ReviewerId",
        to = "super::person::Column::Id"
    )]
    Reviewer,
    /// `partner_id` → `partner.id`.
    #[sea_orm(
        belongs_to = "super::partner::Entity",
        from = "Column::PartnerId",
        to = "super::partner::Column::Id"
    )]
    Partner,
}

impl ActiveModelBehavior for ActiveModel {}
