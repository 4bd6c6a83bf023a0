//! The gate: whether a payout may leave, asked when a run is counted, when it is frozen, and in the
//! claim that sends each payout. The rule is [`domain::payout`]'s; here is what it is asked with, read
//! for many partners at once.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use domain::payout::{Claim, LeftOut, PayoutAccountState, PayoutStatus, Standing};
use entity::{partner, payout, payout_exclusion, payout_item};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect, Statement, Value,
    sea_query::{Expr, LockType},
};

use crate::bulk;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::partner::SIGNED;
use crate::payout::new_account::waits_until;
use crate::program;
use crate::program::limit::Limits;

/// Partners asked about in one statement.
const PIECE: usize = 400;

/// What is known about a partner, and where its money would go.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// What the rule is asked with.
    pub standing: Standing,
    /// The account at Stripe, `acct_…`.
    pub account: Option<String>,
}

#[derive(FromQueryResult)]
struct Row {
    id: i64,
    program_id: i64,
    connected_at: Option<DateTime<Utc>>,
    status: String,
    held: Option<String>,
    state: Option<String>,
    account: Option<String>,
    signed: i64,
    owned: i64,
    country_paid: i64,
}

/// A condition as a number: the two databases disagree about what a condition is.
fn number(condition: &str) -> String {
    format!("CAST(CASE WHEN {condition} THEN 1 ELSE 0 END AS BIGINT)")
}

fn sql(backend: DbBackend, partners: usize) -> String {
    let signed = number(&SIGNED.replace("{now}", &bulk::marks(backend, 0, 1)));
    let owned = number(
        "EXISTS (SELECT 1 FROM member m JOIN person h ON h.id = m.person_id \
           WHERE m.partner_id = p.id AND m.role = 'owner' AND m.removed_at IS NULL \
           AND h.disabled_at IS NULL) \
         OR NOT EXISTS (SELECT 1 FROM member m WHERE m.partner_id = p.id)",
    );
    let country_paid = number("r.id IS NULL");
    let ids = bulk::marks(backend, 1, partners);
    format!(
        "SELECT p.id, p.program_id, p.status, p.payouts_held_reason AS held, a.state, \
           a.connected_at, a.stripe_id AS account, \
           {signed} AS signed, {owned} AS owned, {country_paid} AS country_paid \
         FROM partner p LEFT JOIN payout_account a ON a.partner_id = p.id \
         LEFT JOIN payout_country_refusal r ON r.partner_id = p.id AND r.country = p.country \
           AND r.account IS NOT DISTINCT FROM a.stripe_id \
         WHERE p.id IN ({ids})"
    )
}

/// What is known about partners, by `partner.id`.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn known(
    ctx: &Context,
    db: &impl ConnectionTrait,
    partners: &[i64],
) -> Result<HashMap<i64, Known>> {
    let backend = db.get_database_backend();
    let mut known = HashMap::with_capacity(partners.len());
    let mut waits: HashMap<i64, TimeDelta> = HashMap::new();
    for piece in partners.chunks(PIECE) {
        let mut values: Vec<Value> = vec![ctx.now().into()];
        values.extend(piece.iter().map(|id| Value::from(*id)));
        let statement = Statement::from_sql_and_values(backend, sql(backend, piece.len()), values);
        for row in Row::find_by_statement(statement).all(db).await? {
            let account = match &row.state {
                Some(state) => state.parse().map_err(Error::internal)?,
                None => PayoutAccountState::None,
            };
            let wait = match waits.get(&row.program_id) {
                Some(wait) => *wait,
                None => {
                    let program = program::by_id(db, row.program_id).await?;
                    let wait = Limits::now(ctx, db, &program).await?.account_wait();
                    waits.insert(row.program_id, wait);
                    wait
                }
            };
            let standing = Standing {
                active: row.status == "active",
                owned: row.owned == 1,
                held: row.held.is_some(),
                signed: row.signed == 1,
                account,
                account_waits: waits_until(ctx, row.connected_at, wait).is_some(),
                country_paid: row.country_paid == 1,
            };
            let account = row.account;
            known.insert(row.id, Known { standing, account });
        }
    }
    Ok(known)
}

/// The partners and currencies, among these partners, that have an open payout.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn open_payouts(
    db: &impl ConnectionTrait,
    partners: &[i64],
) -> Result<HashSet<(i64, String)>> {
    let open = [
        PayoutStatus::Intended,
        PayoutStatus::Sending,
        PayoutStatus::Unknown,
    ];
    let mut found = HashSet::new();
    for piece in partners.chunks(PIECE) {
        let rows: Vec<(i64, String)> = payout::Entity::find()
            .select_only()
            .column(payout::Column::PartnerId)
            .column(payout::Column::Currency)
            .filter(payout::Column::Status.is_in(open.map(PayoutStatus::as_str)))
            .filter(payout::Column::PartnerId.is_in(piece.iter().copied()))
            .into_tuple()
            .all(db)
            .await?;
        found.extend(rows);
    }
    Ok(found)
}

/// What people took out of a run and nobody has put back, by partner and currency.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn exclusions(
    db: &impl ConnectionTrait,
    run_id: i64,
) -> Result<HashMap<(i64, String), payout_exclusion::Model>> {
    let rows = payout_exclusion::Entity::find()
        .filter(payout_exclusion::Column::RunId.eq(run_id))
        .filter(payout_exclusion::Column::LiftedAt.is_null())
        .all(db)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| ((row.partner_id, row.currency.clone()), row))
        .collect())
}

/// Keeps partners as they are until the transaction ends, in the order of their ids: a hold that is
/// set meanwhile comes before the payout or after it, never beside it.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn lock_partners(tx: &impl ConnectionTrait, partners: &[i64]) -> Result<()> {
    if tx.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let mut ids = partners.to_vec();
    ids.sort_unstable();
    for piece in ids.chunks(PIECE) {
        partner::Entity::find()
            .select_only()
            .column(partner::Column::Id)
            .filter(partner::Column::Id.is_in(piece.iter().copied()))
            .order_by_asc(partner::Column::Id)
            .lock(LockType::NoKeyUpdate)
            .into_tuple::<i64>()
            .all(tx)
            .await?;
    }
    Ok(())
}

/// Why a frozen payout must not be sent now, if it must not. Asked in the transaction that claims it,
/// after the payout's own row is locked.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn refusal(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    row: &payout::Model,
) -> Result<Option<LeftOut>> {
    lock_partners(tx, &[row.partner_id]).await?;
    let known = known(ctx, tx, &[row.partner_id]).await?;
    let known = known.get(&row.partner_id).ok_or(Error::NotFound)?;
    let claim = Claim {
        standing: known.standing,
        excluded: taken_out(tx, row).await?,
        same_account: known.account.as_deref() == Some(row.destination.as_str()),
    };
    Ok(claim.refusal())
}

/// Whether a person took the payout's partner and currency out of its run.
async fn taken_out(tx: &impl ConnectionTrait, row: &payout::Model) -> Result<bool> {
    let exclusion = payout_exclusion::Entity::find()
        .filter(payout_exclusion::Column::RunId.eq(row.run_id))
        .filter(payout_exclusion::Column::PartnerId.eq(row.partner_id))
        .filter(payout_exclusion::Column::Currency.eq(&row.currency))
        .filter(payout_exclusion::Column::LiftedAt.is_null())
        .one(tx)
        .await?;
    if exclusion.is_some() {
        return Ok(true);
    }
    let item = payout_item::Entity::find()
        .filter(payout_item::Column::RunId.eq(row.run_id))
        .filter(payout_item::Column::PartnerId.eq(row.partner_id))
        .filter(payout_item::Column::Currency.eq(&row.currency))
        .one(tx)
        .await?;
    Ok(item.is_some_and(|item| !item.included))
}

/// Where an item of an approved run was left out, as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// When the run was frozen.
    Approval,
    /// When the payout was about to be sent.
    Sending,
}

impl Stage {
    /// As it is kept.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Approval => "approval",
            Self::Sending => "sending",
        }
    }
}

/// Says at the run's item that its payout was not sent, and why.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn turned_away(
    tx: &impl ConnectionTrait,
    row: &payout::Model,
    reason: LeftOut,
) -> Result<()> {
    payout_item::Entity::update_many()
        .col_expr(payout_item::Column::Included, Expr::value(false))
        .col_expr(payout_item::Column::Reason, Expr::value(reason.label()))
        .col_expr(
            payout_item::Column::Stage,
            Expr::value(Stage::Sending.as_str()),
        )
        .filter(payout_item::Column::RunId.eq(row.run_id))
        .filter(payout_item::Column::PartnerId.eq(row.partner_id))
        .filter(payout_item::Column::Currency.eq(&row.currency))
        .filter(payout_item::Column::Included.eq(true))
        .exec(tx)
        .await?;
    Ok(())
}
