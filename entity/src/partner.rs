//! Table `partner`.

use sea_orm::entity::prelude::*;

/// A row of `partner`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "partner")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `program.id`.
    pub program_id: i64,
    /// Name.
    pub name: String,
    /// Legal name.
    pub legal_name: String,
    /// Website.
    pub website: String,
    /// Registrable.
    pub domain: String,
    /// Country.
    pub country: String,
    /// The currency its estimates are shown in.
    pub currency: String,
    /// One of `agency`, `reseller`, `integrator`, `consultant`, `technology`.
    pub partner_type: String,
    /// Size.
    pub size: String,
    /// One of `active`, `deactivated`, `banned`.
    pub status: String,
    /// Status reason.
    pub status_reason: Option<String>,
    /// `tier.id`.
    pub tier_id: i64,
    /// Tier since.
    pub tier_since: DateTimeUtc,
    /// `plan.id`.
    pub plan_id: i64,
    /// `person.id`.
    pub manager_id: Option<i64>,
    /// Members see earnings.
    pub members_see_earnings: bool,
    /// Set: finance holds this partner's payouts.
    pub payouts_held_reason: Option<String>,
    /// What the directory says of it, Markdown.
    pub profile: String,
    /// Created at.
    pub created_at: DateTimeUtc,
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
    /// `tier_id` → `tier.id`.
    #[sea_orm(
        belongs_to = "super::tier::Entity",
        from = "Column::TierId",
        to = "super::tier::Column::Id"
    )]
    Tier,
    /// `plan_id` → `plan.id`.
    #[sea_orm(
        belongs_to = "super::plan::Entity",
        from = "Column::PlanId",
        to = "super::plan::Column::Id"
    )]
    Plan,
    /// `manager_id` → `person.id`.
    #[sea_orm(
        belongs_to = "super::person::Entity",
        from = "Column::ManagerId",
        to = "super::person::Column::Id"
    )]
    Manager,
}

impl ActiveModelBehavior for ActiveModel {}
