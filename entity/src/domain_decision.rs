//! What a person has said about a domain, whatever the lists say.

use sea_orm::entity::prelude::*;

/// A row of `domain_decision`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "domain_decision")]
pub struct Model {
    /// The domain, punycode.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// One of `mailbox`, `disposable`, `shared_host`; none where it is one company's own.
    pub kind: Option<String>,
    /// Why.
    pub reason: String,
    /// Who said so.
    pub person_id: i64,
    /// Decided at.
    pub decided_at: DateTimeUtc,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
