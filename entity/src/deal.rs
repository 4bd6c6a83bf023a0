//! Table `deal`.

use sea_orm::entity::prelude::*;

/// A row of `deal`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "deal")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `program.id`.
    pub program_id: i64,
    /// `partner.id`.
    pub partner_id: i64,
    /// Who registered it.
    pub person_id: i64,
    /// Known from submission on.
    pub account_id: Option<i64>,
    /// One of `draft`, `submitted`, `in_review`, `information_requested`, `approved`, `rejected`, `duplicate`, `won`, `lost`, `expired`, `withdrawn`, `revoked`.
    pub status: String,
    /// The partner's sales stage.
    pub stage: String,
    /// Customer name.
    pub customer_name: String,
    /// Registrable.
    pub customer_domain: String,
    /// Customer country.
    pub customer_country: String,
    /// Contact name.
    pub contact_name: String,
    /// Contact email.
    pub contact_email: String,
    /// Need.
    pub need: String,
    /// Competitors.
    pub competitors: String,
    /// Notes.
    pub notes: String,
    /// First year, minor units of `currency`.
    pub value: Option<i64>,
    /// Currency.
    pub currency: String,
    /// Term months.
    pub term_months: Option<i64>,
    /// Expected close.
    pub expected_close: Option<Date>,
    /// Custom question id → answer.
    #[sea_orm(column_type = "JsonBinary")]
    pub answers: Json,
    /// What the checks found at submission: list of domain::deal::Conflict.
    #[sea_orm(column_type = "JsonBinary")]
    pub conflicts: Json,
    /// Never shown to the partner.
    pub duplicate_of_id: Option<i64>,
    /// On the waiting list of the account's product lines.
    pub waiting_since: Option<DateTimeUtc>,
    /// The account's product lines are kept for this one until then, as for the next in line.
    pub offered_until: Option<DateTimeUtc>,
    /// The partner reads it.
    pub decision_reason: Option<String>,
    /// `person.id`.
    pub reviewer_id: Option<i64>,
    /// Judged by.
    pub policy_version_id: Option<i64>,
    /// Submitted at.
    pub submitted_at: Option<DateTimeUtc>,
    /// Review due at.
    pub review_due_at: Option<DateTimeUtc>,
    /// Escalated at.
    pub escalated_at: Option<DateTimeUtc>,
    /// Decided at.
    pub decided_at: Option<DateTimeUtc>,
    /// While approved; copied from protection so that lists need no join.
    pub protected_until: Option<DateTimeUtc>,
    /// Extensions used.
    pub extensions_used: i64,
    /// Closed at.
    pub closed_at: Option<DateTimeUtc>,
    /// Created at.
    pub created_at: DateTimeUtc,
    /// Updated at.
    pub updated_at: DateTimeUtc,
    /// First year, minor units of `currency`, as the vendor confirmed it; what was typed pays
    /// nothing.
    pub confirmed_value: Option<i64>,
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
    /// `account_id` → `account.id`.
    #[sea_orm(
        belongs_to = "super::account::Entity",
        from = "Column::AccountId",
        to = "super::account::Column::Id"
    )]
    Account,
    /// `duplicate_of_id` → `deal.id`.
    #[sea_orm(
        belongs_to = "Entity",
        from = "Column::DuplicateOfId",
        to = "Column::Id"
    )]
    DuplicateOf,
    /// `reviewer_id` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::ReviewerId",
        to = "super::person::Column::Id"
    )]
    Reviewer,
    /// `policy_version_id` → `policy_version.id`.
    #[sea_orm(
        belongs_to = "super::policy_version::Entity",
        from = "Column::PolicyVersionId",
        to = "super::policy_version::Column::Id"
    )]
    PolicyVersion,
}

impl ActiveModelBehavior for ActiveModel {}
