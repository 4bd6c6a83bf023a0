//! Failed sign-ins, kept in the database so that a restart forgets nothing.

use sea_orm::entity::prelude::*;

/// A row of `login_throttle`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "login_throttle")]
pub struct Model {
    /// 'email:…' or 'ip:…'.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Failures.
    pub failures: i64,
    /// Window started at.
    pub window_started_at: DateTimeUtc,
    /// Locked until.
    pub locked_until: Option<DateTimeUtc>,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
