//! A newer list of domains than the one that came with this version.

use sea_orm::entity::prelude::*;

/// A row of `domain_list`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "domain_list")]
pub struct Model {
    /// One of `mailbox`, `disposable`, `shared_host`, `public_suffix`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The file or address it was read from.
    pub source: String,
    /// Sha256 of the content, hex.
    pub sha256: String,
    /// How many entries it has.
    pub entries: i64,
    /// The list as text.
    pub content: String,
    /// Loaded at.
    pub loaded_at: DateTimeUtc,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
