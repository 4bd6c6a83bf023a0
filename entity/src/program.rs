//! Table `program`.

use sea_orm::entity::prelude::*;

/// A row of `program`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "program")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Slug.
    pub slug: String,
    /// Name.
    pub name: String,
    /// Vendor name.
    pub vendor_name: String,
    /// One of `partner`, `customer`, `employee`.
    pub kind: String,
    /// Currency.
    pub currency: String,
    /// IANA name; months, quarters and business hours are counted in it.
    pub time_zone: String,
    /// The public page: steps, good customers, questions and answers.
    #[sea_orm(column_type = "JsonBinary")]
    pub pitch: Json,
    /// Custom questions of the application form.
    #[sea_orm(column_type = "JsonBinary")]
    pub application_questions: Json,
    /// Custom questions of the deal form.
    #[sea_orm(column_type = "JsonBinary")]
    pub deal_questions: Json,
    /// Open to applications.
    pub open_to_applications: bool,
    /// The brand colour, #rrggbb.
    pub accent: String,
    /// Created at.
    pub created_at: DateTimeUtc,
}

/// The foreign keys, each named for its column.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
