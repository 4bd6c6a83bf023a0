//! Table `mail`.

use sea_orm::entity::prelude::*;

/// A row of `mail`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "mail")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `person.id`.
    pub person_id: Option<i64>,
    /// To address.
    pub to_address: String,
    /// Subject.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// Sent at.
    pub sent_at: Option<DateTimeUtc>,
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
