//! Table `customer`.

use sea_orm::entity::prelude::*;

/// A row of `customer`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "customer")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Stripe id, cus_….
    pub stripe_id: String,
    /// None while unmatched.
    pub account_id: Option<i64>,
    /// Name.
    pub name: String,
    /// Email.
    pub email: String,
    /// Country.
    pub country: Option<String>,
    /// One of `metadata`, `linked`, `client_reference`, `domain`, `hand`.
    pub matched_by: Option<String>,
    /// Match reason.
    pub match_reason: Option<String>,
    /// Created at.
    pub created_at: DateTimeUtc,
    /// When Stripe's own object was last read; none while the customer is known by name only.
    pub updated_at: Option<DateTimeUtc>,
    /// What a person has to decide, with every hint.
    pub question: Option<String>,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// `account_id` → `account.id`.
    #[sea_orm(
        belongs_to = "super::account::Entity",
        from = "Column::AccountId",
        to = "super::account::Column::Id"
    )]
    Account,
}

impl ActiveModelBehavior for ActiveModel {}
