//! What one partner earned or gave back through one event. Reversals are rows of their own with a
//! negative amount. For every partner and currency the amounts in a state add up to the ledger's
//! balance of that state.

use sea_orm::entity::prelude::*;

/// A row of `commission`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "commission")]
pub struct Model {
    /// Primary key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `program.id`.
    pub program_id: i64,
    /// `partner.id`.
    pub partner_id: i64,
    /// `account.id`.
    pub account_id: Option<i64>,
    /// `invoice.id`.
    pub invoice_id: Option<i64>,
    /// `invoice_line.id`.
    pub invoice_line_id: Option<i64>,
    /// `deal.id`.
    pub deal_id: Option<i64>,
    /// One of `accrual`, `reversal`, `adjustment`, `bonus`, `clawback`, `write_off`.
    pub kind: String,
    /// `commission.id`.
    pub reverses_id: Option<i64>,
    /// The cause; booking it twice is impossible.
    pub reference: String,
    /// `plan_version.id`.
    pub plan_version_id: Option<i64>,
    /// Rule name.
    pub rule_name: String,
    /// On that day.
    pub tier_name: String,
    /// Minor units.
    pub basis: i64,
    /// None for flat amounts and brackets.
    pub rate_bp: Option<i64>,
    /// Minor units; negative for what is given back.
    pub amount: i64,
    /// Cumulative, of amount.
    pub reversed: i64,
    /// Currency.
    pub currency: String,
    /// One of `pending`, `held`, `payable`, `in_payout`, `paid`, `canceled`, `reversed`.
    pub state: String,
    /// Where a held line goes back to; one of `pending`, `payable`.
    pub held_from: Option<String>,
    /// Hold until.
    pub hold_until: DateTimeUtc,
    /// YYYY-MM in the program's zone.
    pub month: String,
    /// Payout (id).
    pub payout_id: Option<i64>,
    /// Domain::commission::Calculation.
    #[sea_orm(column_type = "JsonBinary")]
    pub explain: Json,
    /// Why, for what a person did.
    pub note: Option<String>,
    /// When the money arrived or went back.
    pub earned_at: DateTimeUtc,
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
    /// `partner_id` → `partner.id`.
    #[sea_orm(
        belongs_to = "super::partner::Entity",
        from = "Column::PartnerId",
        to = "super::partner::Column::Id"
    )]
    Partner,
    /// `account_id` → `account.id`.
    #[sea_orm(
        belongs_to = "super::account::Entity",
        from = "Column::AccountId",
        to = "super::account::Column::Id"
    )]
    Account,
    /// `invoice_id` → `invoice.id`.
    #[sea_orm(
        belongs_to = "super::invoice::Entity",
        from = "Column::InvoiceId",
        to = "super::invoice::Column::Id"
    )]
    Invoice,
    /// `invoice_line_id` → `invoice_line.id`.
    #[sea_orm(
        belongs_to = "super::invoice_line::Entity",
        from = "Column::InvoiceLineId",
        to = "super::invoice_line::Column::Id"
    )]
    InvoiceLine,
    /// `deal_id` → `deal.id`.
    #[sea_orm(
        belongs_to = "super::deal::Entity",
        from = "Column::DealId",
        to = "super::deal::Column::Id"
    )]
    Deal,
    /// `reverses_id` → `commission.id`.
    #[sea_orm(belongs_to = "Entity", from = "Column::ReversesId", to = "Column::Id")]
    Reverses,
    /// `plan_version_id` → `plan_version.id`.
    #[sea_orm(
        belongs_to = "super::plan_version::Entity",
        from = "Column::PlanVersionId",
        to = "super::plan_version::Column::Id"
    )]
    PlanVersion,
}

impl ActiveModelBehavior for ActiveModel {}
