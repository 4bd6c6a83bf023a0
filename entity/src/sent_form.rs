//! Forms that were sent, so that none is taken twice.

use sea_orm::entity::prelude::*;

/// A row of `sent_form`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sent_form")]
pub struct Model {
    /// A hash of who sent it, to which address, and all that was in it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// When it arrived.
    pub sent_at: DateTimeUtc,
    /// Where it led; none while it is being worked on.
    pub leads_to: Option<String>,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
