//! The conflict desk: companies that more than one partner has registered, side by side.

use chrono::{DateTime, Utc};
use domain::deal::DealStatus as D;
use entity::deal::{Column, Entity};
use entity::{account, customer, partner, tier};
use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult, JoinType, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, RelationTrait, Statement,
};

use super::{DealRow, Guarded, list, protect, waiting};
use crate::account as accounts;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::search::like;

/// What is to be decided.
const OPEN: [D; 3] = [D::Submitted, D::InReview, D::InformationRequested];

/// What counts in a conflict: what is open, held, or waits.
const LIVE: [D; 6] = [
    D::Submitted,
    D::InReview,
    D::InformationRequested,
    D::Approved,
    D::Won,
    D::Duplicate,
];

/// Statuses as SQL lists them.
fn words(statuses: &[D]) -> String {
    let words: Vec<String> = statuses.iter().map(|s| format!("'{s}'")).collect();
    words.join(", ")
}

/// The statement that counts the companies with a conflict that is to be decided.
pub(crate) fn to_decide() -> String {
    let (open, live) = (words(&OPEN), words(&LIVE));
    format!(
        "SELECT COUNT(DISTINCT d.account_id) FROM deal d WHERE d.status IN ({open}) \
         AND EXISTS (SELECT 1 FROM deal o WHERE o.account_id = d.account_id \
         AND o.partner_id <> d.partner_id AND o.status IN ({live}))"
    )
}

/// A company that several partners have registered.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Contested {
    /// `account.id`.
    pub account_id: i64,
    /// The company.
    pub name: String,
    /// Partners that registered it.
    pub partners: i64,
    /// Their registrations.
    pub deals: i64,
    /// Those that wait for a decision.
    pub open: i64,
    /// Those that are protected or won.
    pub held: i64,
    /// Those on the waiting list.
    pub waiting: i64,
    /// The newest of them.
    pub newest_at: Option<DateTime<Utc>>,
}

/// The companies that several partners have registered: those with something to decide first, then
/// the newest. `q` is text in the name. Also how many there are.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor.
pub async fn contests(
    ctx: &Context,
    q: &str,
    offset: u64,
    limit: u64,
) -> Result<(Vec<Contested>, u64)> {
    ctx.any_staff()?;
    let (open, live) = (words(&OPEN), words(&LIVE));
    let count = |which: &str| format!("COUNT(CASE WHEN {which} THEN 1 END)");
    let from = format!(
        "FROM deal d JOIN account a ON a.id = d.account_id \
         WHERE d.status IN ({live}) AND lower(a.name) LIKE $1 ESCAPE '\\' \
         GROUP BY a.id, a.name HAVING COUNT(DISTINCT d.partner_id) > 1"
    );
    let db = ctx.reader();
    let backend = db.get_database_backend();
    let pattern = like(q);
    let rows = Contested::find_by_statement(Statement::from_sql_and_values(
        backend,
        format!(
            "SELECT a.id AS account_id, a.name, COUNT(DISTINCT d.partner_id) AS partners, \
             COUNT(*) AS deals, {} AS open, {} AS held, {} AS waiting, \
             MAX(d.submitted_at) AS newest_at {from} \
             ORDER BY 5 DESC, 8 DESC, 1 LIMIT $2 OFFSET $3",
            count(&format!("d.status IN ({open})")),
            count("d.status IN ('approved', 'won')"),
            count("d.waiting_since IS NOT NULL"),
        ),
        [
            pattern.clone().into(),
            i64::try_from(limit.min(1_000)).unwrap_or(1_000).into(),
            i64::try_from(offset).unwrap_or(i64::MAX).into(),
        ],
    ))
    .all(db)
    .await?;
    #[derive(FromQueryResult)]
    struct Total {
        total: i64,
    }
    let total = Total::find_by_statement(Statement::from_sql_and_values(
        backend,
        format!("SELECT COUNT(*) AS total FROM (SELECT a.id {from}) contested"),
        [pattern.into()],
    ))
    .one(db)
    .await?;
    Ok((
        rows,
        total.map_or(0, |t| u64::try_from(t.total).unwrap_or(0)),
    ))
}

/// A company with all its registrations beside each other.
#[derive(Clone, Debug)]
pub struct Contest {
    /// The account.
    pub account: account::Model,
    /// Its registrable domains.
    pub domains: Vec<String>,
    /// Every registration that was sent, oldest first, with the partner's tier.
    pub sides: Vec<(DealRow, String)>,
    /// What is and was kept, newest first.
    pub guarded: Vec<Guarded>,
    /// Who waits, the first one first: `deal.id` and partner.
    pub waiting: Vec<(i64, String)>,
    /// Customers at Stripe.
    pub customers: u64,
}

/// One company on the conflict desk.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor, and where there is no such account.
pub async fn contest(ctx: &Context, account_id: i64) -> Result<Contest> {
    ctx.any_staff()?;
    let db = ctx.reader();
    let account = account::Entity::find_by_id(account_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    let deals = Entity::find()
        .filter(Column::AccountId.eq(account_id))
        .filter(Column::SubmittedAt.is_not_null())
        .order_by_asc(Column::SubmittedAt)
        .order_by_asc(Column::Id)
        .all(db)
        .await?;
    let tiers: Vec<(i64, String)> = partner::Entity::find()
        .join(JoinType::InnerJoin, partner::Relation::Tier.def())
        .select_only()
        .column(partner::Column::Id)
        .column(tier::Column::Name)
        .filter(partner::Column::Id.is_in(deals.iter().map(|d| d.partner_id)))
        .into_tuple()
        .all(db)
        .await?;
    let tier_of = |id: i64| tiers.iter().find(|(p, _)| *p == id).map(|(_, t)| t.clone());
    let rows = list::rows_of(ctx, deals, true).await?;
    Ok(Contest {
        domains: accounts::domains(db, account_id).await?,
        sides: rows
            .into_iter()
            .map(|row| {
                let tier = tier_of(row.partner_id).unwrap_or_default();
                (row, tier)
            })
            .collect(),
        guarded: protect::guarded_account(db, account_id).await?,
        waiting: waiting::in_line(db, account_id).await?,
        customers: customer::Entity::find()
            .filter(customer::Column::AccountId.eq(account_id))
            .count(db)
            .await?,
        account,
    })
}
