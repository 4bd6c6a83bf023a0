//! A draft: who is in the run, who is left out and why, and what finance takes out of it.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use domain::calendar;
use domain::money::Currency;
use domain::partner::StaffRole;
use domain::payout::{Candidate, Inclusion, PayoutAccountState, RunStatus, include_or_reason};
use entity::{
    commission, partner, payout, payout_account, payout_item, payout_run, policy_version,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult,
    PaginatorTrait, QueryFilter, QuerySelect, Statement, sea_query::Expr,
};

use super::in_state;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::payout::new_account::waits_until;
use crate::payout::{letters, money};
use crate::program;
use crate::program::limit::Limits;

/// What a draft starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// `program.id`.
    pub program_id: i64,
    /// What became payable up to then is paid.
    pub cutoff_at: DateTime<Utc>,
    /// For colleagues.
    pub note: String,
}

/// Drafts a run: every partner and currency with something payable is in it, or left out with the
/// reason.
///
/// # Errors
/// [`Error::Invalid`] for a cut-off in the future; [`Error::Forbidden`] for others than finance.
pub async fn draft(ctx: &Context, new: NewRun) -> Result<i64> {
    let person_id = ctx.staff(StaffRole::Finance)?;
    if new.cutoff_at > ctx.now() {
        return Err(Error::field(
            "cutoff",
            "The cut-off cannot lie in the future.",
        ));
    }
    write_draft(ctx, new, Some(person_id)).await
}

/// Writes a draft; without a person it is the calendar's.
pub(in crate::payout) async fn write_draft(
    ctx: &Context,
    new: NewRun,
    created_by: Option<i64>,
) -> Result<i64> {
    let tx = ctx.begin().await?;
    let program = program::by_id(&*tx, new.program_id).await?;
    let policy = program::policy_at(&*tx, program.id, ctx.now()).await?;
    let run = payout_run::Entity::insert(payout_run::ActiveModel {
        program_id: Set(program.id),
        number: Set(number(ctx, &*tx, program::zone(&program)).await?),
        status: Set(RunStatus::Draft.as_str().to_owned()),
        cutoff_at: Set(new.cutoff_at),
        note: Set(new.note.trim().to_owned()),
        created_by: Set(created_by),
        needs_second: Set(false),
        policy_version_id: Set(policy.id),
        created_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_with_returning(&*tx)
    .await?;
    fill(ctx, &*tx, &run, &policy, &HashMap::new()).await?;
    let last_day = last_day(run.cutoff_at, program::zone(&program))
        .format("%-d %B %Y")
        .to_string();
    let sentence = format!("Run {} drafted, cut-off {last_day}.", run.number);
    Entry::new("payout_run.drafted", "payout_run", run.id, sentence)
        .record(ctx, &*tx)
        .await?;
    if created_by.is_none() {
        letters::drafted(ctx, &*tx, &run, &last_day).await?;
    }
    tx.commit().await?;
    Ok(run.id)
}

/// Whether anything is payable at a cut-off.
pub(in crate::payout) async fn pays_somebody(
    ctx: &Context,
    program_id: i64,
    cutoff: DateTime<Utc>,
) -> Result<bool> {
    let payable = commission::Entity::find()
        .filter(commission::Column::ProgramId.eq(program_id))
        .filter(commission::Column::Amount.gt(0))
        .filter(members(cutoff))
        .limit(1)
        .count(ctx.reader())
        .await?;
    Ok(payable > 0)
}

/// `2026-11-A`, `2026-11-B` … the month in the program's zone and a letter, then numbers.
async fn number(ctx: &Context, tx: &impl ConnectionTrait, zone: Tz) -> Result<String> {
    let month = calendar::month_of(ctx.now(), zone);
    let taken: Vec<String> = payout_run::Entity::find()
        .filter(payout_run::Column::Number.starts_with(&month))
        .all(tx)
        .await?
        .into_iter()
        .map(|r| r.number)
        .collect();
    let letters = ('A'..='Z').map(|c| c.to_string());
    let names = letters.chain((27..).map(|n: u32| n.to_string()));
    let free = names
        .map(|n| format!("{month}-{n}"))
        .find(|n| !taken.contains(n));
    free.ok_or_else(|| Error::internal("no run number is free"))
}

/// The last day that a run pays, in its program's zone: its cut-off is the first moment that it does
/// not.
pub(in crate::payout) fn last_day(cutoff: DateTime<Utc>, zone: Tz) -> NaiveDate {
    calendar::local_date(cutoff - TimeDelta::microseconds(1), zone)
}

/// The commissions a run pays: payable up to the cut-off, and every negative one, so that nobody
/// is paid what was given back since.
pub(in crate::payout) fn members(cutoff: DateTime<Utc>) -> Condition {
    Condition::all()
        .add(commission::Column::State.eq("payable"))
        .add(
            Condition::any()
                .add(commission::Column::HoldUntil.lte(cutoff))
                .add(commission::Column::Amount.lt(0)),
        )
}

#[derive(FromQueryResult)]
struct Balance {
    partner_id: i64,
    currency: String,
    amount: i64,
}

/// The payable balances of a program's partners at a cut-off.
async fn balances(
    ctx: &Context,
    db: &impl ConnectionTrait,
    run: &payout_run::Model,
) -> Result<Vec<Balance>> {
    let statement = Statement::from_sql_and_values(
        ctx.db.backend(),
        "SELECT partner_id, currency, CAST(SUM(amount) AS BIGINT) AS amount FROM commission \
         WHERE program_id = $1 AND state = 'payable' AND (hold_until <= $2 OR amount < 0) \
         GROUP BY partner_id, currency ORDER BY partner_id, currency",
        [run.program_id.into(), run.cutoff_at.into()],
    );
    Ok(Balance::find_by_statement(statement).all(db).await?)
}

/// Writes the run's items. `excluded` are finance's own exclusions, which stay.
async fn fill(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    run: &payout_run::Model,
    policy: &policy_version::Model,
    excluded: &HashMap<(i64, String), (String, i64)>,
) -> Result<()> {
    let program = program::by_id(tx, run.program_id).await?;
    let home: Currency = program.currency.parse().map_err(Error::internal)?;
    let partners: HashMap<i64, partner::Model> = partner::Entity::find()
        .filter(partner::Column::ProgramId.eq(run.program_id))
        .all(tx)
        .await?
        .into_iter()
        .map(|p| (p.id, p))
        .collect();
    let accounts: HashMap<i64, payout_account::Model> = payout_account::Entity::find()
        .all(tx)
        .await?
        .into_iter()
        .map(|a| (a.partner_id, a))
        .collect();
    let open: Vec<(i64, String)> = payout::Entity::find()
        .filter(payout::Column::Status.is_in(["intended", "sending", "unknown"]))
        .all(tx)
        .await?
        .into_iter()
        .map(|p| (p.partner_id, p.currency))
        .collect();
    let wait = Limits::now(ctx, tx, &program).await?.account_wait();
    let mut items = Vec::new();
    for balance in balances(ctx, tx, run).await? {
        let Some(partner) = partners.get(&balance.partner_id) else {
            continue;
        };
        let amount = money(balance.amount, &balance.currency)?;
        let account = match accounts.get(&partner.id) {
            Some(a) => a.state.parse().map_err(Error::internal)?,
            None => PayoutAccountState::None,
        };
        let key = (balance.partner_id, balance.currency.clone());
        let decided = include_or_reason(&Candidate {
            balance: amount,
            minimum_minor: program::limit::payout_minimum(policy, home, amount.currency),
            account,
            held: partner.payouts_held_reason.is_some(),
            open_payout: open.contains(&key),
            active: partner.status == "active",
            account_waits: accounts
                .get(&partner.id)
                .is_some_and(|a| waits_until(ctx, a, wait).is_some()),
        });
        let (included, reason) = match decided {
            Inclusion::Included { .. } => (true, None),
            Inclusion::LeftOut { reason } => (false, Some(reason.label().to_owned())),
        };
        let (included, reason, by) = match excluded.get(&key) {
            Some((why, by)) if included => (false, Some(why.clone()), Some(*by)),
            _ => (included, reason, None),
        };
        items.push(payout_item::ActiveModel {
            run_id: Set(run.id),
            partner_id: Set(balance.partner_id),
            currency: Set(balance.currency),
            amount: Set(balance.amount),
            included: Set(included),
            reason: Set(reason),
            decided_by: Set(by),
            ..Default::default()
        });
    }
    for chunk in items.chunks(500) {
        payout_item::Entity::insert_many(chunk.to_vec())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// Counts a draft anew; finance's exclusions stay.
///
/// # Errors
/// [`Error::Conflict`] when the run is no longer a draft.
pub async fn refresh(ctx: &Context, run_id: i64) -> Result<()> {
    ctx.staff(StaffRole::Finance)?;
    let tx = ctx.begin().await?;
    recount(ctx, &*tx, run_id).await?;
    tx.commit().await?;
    Ok(())
}

pub(super) async fn recount(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    run_id: i64,
) -> Result<payout_run::Model> {
    let run = in_state(tx, run_id, RunStatus::Draft, "change").await?;
    let policy = program::policy_at(tx, run.program_id, ctx.now()).await?;
    let excluded = payout_item::Entity::find()
        .filter(payout_item::Column::RunId.eq(run_id))
        .filter(payout_item::Column::DecidedBy.is_not_null())
        .all(tx)
        .await?
        .into_iter()
        .filter_map(|i| Some(((i.partner_id, i.currency), (i.reason?, i.decided_by?))))
        .collect();
    payout_item::Entity::delete_many()
        .filter(payout_item::Column::RunId.eq(run_id))
        .exec(tx)
        .await?;
    fill(ctx, tx, &run, &policy, &excluded).await?;
    Ok(run)
}

/// Takes a partner and currency out of a draft, with a reason; or, with none, puts it back.
///
/// # Errors
/// [`Error::Conflict`] when the run is no longer a draft, [`Error::Invalid`] without a reason.
pub async fn exclude(ctx: &Context, run_id: i64, item_id: i64, reason: Option<&str>) -> Result<()> {
    let person_id = ctx.staff(StaffRole::Finance)?;
    let reason = reason.map(str::trim);
    if reason == Some("") {
        return Err(Error::field(
            "reason",
            "Say why it is left out; the auditors will ask.",
        ));
    }
    let tx = ctx.begin().await?;
    in_state(&*tx, run_id, RunStatus::Draft, "change").await?;
    let update = payout_item::Entity::update_many()
        .col_expr(payout_item::Column::Included, Expr::value(reason.is_none()))
        .col_expr(
            payout_item::Column::Reason,
            Expr::value(reason.map(str::to_owned)),
        )
        .col_expr(
            payout_item::Column::DecidedBy,
            Expr::value(reason.map(|_| person_id)),
        )
        .filter(payout_item::Column::Id.eq(item_id))
        .filter(payout_item::Column::RunId.eq(run_id));
    // Only what finance took out can be put back; what a rule left out stays out.
    let update = match reason {
        Some(_) => update.filter(payout_item::Column::Included.eq(true)),
        None => update.filter(payout_item::Column::DecidedBy.is_not_null()),
    };
    if update.exec(&*tx).await?.rows_affected != 1 {
        return Err(Error::NotFound);
    }
    let (action, sentence) = match reason {
        Some(why) => ("payout_run.excluded", format!("Left out: {why}")),
        None => ("payout_run.included", "Put back into the run.".to_owned()),
    };
    Entry::new(action, "payout_run", run_id, sentence)
        .detail(serde_json::json!({ "item": item_id }))
        .record(ctx, &*tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
