//! Payout runs: drafted, trimmed, submitted, approved by somebody else, frozen.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::money::{Currency, Money};
use domain::partner::StaffRole;
use domain::payout::{
    Candidate, Hands, Inclusion, PayoutAccountState, PayoutStatus, RunStatus, approve as four_eyes,
    include_or_reason,
};
use domain::transition::Who;
use entity::{
    commission, partner, payout, payout_account, payout_item, payout_run, policy_version,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult,
    PaginatorTrait, QueryFilter, QuerySelect, Statement, sea_query::Expr,
};

use super::{books, jobs, money, same_major, send};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::{job, program};

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
pub(super) async fn write_draft(
    ctx: &Context,
    new: NewRun,
    created_by: Option<i64>,
) -> Result<i64> {
    let tx = ctx.begin().await?;
    let program = program::by_id(&*tx, new.program_id).await?;
    let policy = program::policy_at(&*tx, program.id, ctx.now()).await?;
    let run = payout_run::Entity::insert(payout_run::ActiveModel {
        program_id: Set(program.id),
        number: Set(number(ctx, &*tx).await?),
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
    let sentence = format!(
        "Run {} drafted, cut-off {}.",
        run.number,
        day(run.cutoff_at)
    );
    Entry::new("payout_run.drafted", "payout_run", run.id, sentence)
        .record(ctx, &*tx)
        .await?;
    tx.commit().await?;
    Ok(run.id)
}

/// Whether anything is payable at a cut-off.
pub(super) async fn pays_somebody(
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

/// `2026-11-A`, `2026-11-B` … the month and a letter, then numbers.
async fn number(ctx: &Context, tx: &impl ConnectionTrait) -> Result<String> {
    let month = ctx.now().format("%Y-%m").to_string();
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

fn day(at: DateTime<Utc>) -> String {
    at.format("%-d %B %Y").to_string()
}

/// The commissions a run pays: payable up to the cut-off, and every negative one, so that nobody
/// is paid what was given back since.
fn members(cutoff: DateTime<Utc>) -> Condition {
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
            minimum_minor: same_major(policy.payout_minimum, home, amount.currency),
            account,
            held: partner.payouts_held_reason.is_some(),
            open_payout: open.contains(&key),
            active: partner.status == "active",
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

async fn recount(
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

/// The run, if it is in the state that `verb` needs.
async fn in_state(
    db: &impl ConnectionTrait,
    run_id: i64,
    state: RunStatus,
    verb: &str,
) -> Result<payout_run::Model> {
    let run = payout_run::Entity::find_by_id(run_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    let now: RunStatus = run.status.parse().map_err(Error::internal)?;
    if now == state {
        return Ok(run);
    }
    Err(Error::conflict(format!(
        "Run {} is “{}”, so you cannot {verb} it now.",
        run.number,
        now.label()
    )))
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

/// Submits a draft for approval, counted anew.
///
/// # Errors
/// [`Error::Conflict`] when it is no draft or pays nobody.
pub async fn submit(ctx: &Context, run_id: i64) -> Result<()> {
    let person_id = ctx.staff(StaffRole::Finance)?;
    let tx = ctx.begin().await?;
    let run = recount(ctx, &*tx, run_id).await?;
    let totals = totals(&*tx, run_id).await?;
    if totals.is_empty() {
        return Err(Error::conflict(
            "Nobody is in this run, so there is nothing to approve.",
        ));
    }
    let needs_second = needs_second(&*tx, &run, &totals).await?;
    step(&*tx, &run, RunStatus::Submitted, |update| {
        update
            .col_expr(payout_run::Column::SubmittedBy, Expr::value(person_id))
            .col_expr(payout_run::Column::SubmittedAt, Expr::value(ctx.now()))
            .col_expr(payout_run::Column::NeedsSecond, Expr::value(needs_second))
    })
    .await?;
    let sum = totals
        .iter()
        .map(|m| m.format("en"))
        .collect::<Vec<_>>()
        .join(", ");
    Entry::new(
        "payout_run.submitted",
        "payout_run",
        run_id,
        format!("Submitted: {sum}."),
    )
    .record(ctx, &*tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

/// What the run pays, per currency.
pub(super) async fn totals(db: &impl ConnectionTrait, run_id: i64) -> Result<Vec<Money>> {
    let mut sums: Vec<Money> = Vec::new();
    let items = payout_item::Entity::find()
        .filter(payout_item::Column::RunId.eq(run_id))
        .filter(payout_item::Column::Included.eq(true))
        .all(db)
        .await?;
    for item in items {
        let amount = money(item.amount, &item.currency)?;
        match sums.iter_mut().find(|s| s.currency == amount.currency) {
            Some(sum) => *sum = sum.checked_add(amount).map_err(Error::internal)?,
            None => sums.push(amount),
        }
    }
    Ok(sums)
}

async fn needs_second(
    db: &impl ConnectionTrait,
    run: &payout_run::Model,
    totals: &[Money],
) -> Result<bool> {
    let policy = policy_version::Entity::find_by_id(run.policy_version_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    let program = program::by_id(db, run.program_id).await?;
    let home: Currency = program.currency.parse().map_err(Error::internal)?;
    Ok(totals
        .iter()
        .any(|t| t.minor > same_major(policy.second_approval_above, home, t.currency)))
}

/// Compare-and-set of a run's state with further columns.
async fn step(
    tx: &impl ConnectionTrait,
    run: &payout_run::Model,
    to: RunStatus,
    set: impl FnOnce(sea_orm::UpdateMany<payout_run::Entity>) -> sea_orm::UpdateMany<payout_run::Entity>,
) -> Result<()> {
    let from: RunStatus = run.status.parse().map_err(Error::internal)?;
    RunStatus::MACHINE
        .check_by(from, to, Who::Finance)
        .map_err(|r| Error::conflict(r.sentence))?;
    let update = payout_run::Entity::update_many()
        .col_expr(payout_run::Column::Status, Expr::value(to.as_str()))
        .filter(payout_run::Column::Id.eq(run.id))
        .filter(payout_run::Column::Status.eq(from.as_str()));
    if set(update).exec(tx).await?.rows_affected != 1 {
        return Err(Error::conflict(
            "A colleague has just changed this run. Reload the page.",
        ));
    }
    Ok(())
}

/// Sends a submitted run back to its drafter.
///
/// # Errors
/// [`Error::Conflict`] when it is not waiting for approval, [`Error::Invalid`] without a reason.
pub async fn send_back(ctx: &Context, run_id: i64, reason: &str) -> Result<()> {
    ctx.staff(StaffRole::Finance)?;
    let reason = required(reason)?;
    let tx = ctx.begin().await?;
    let run = in_state(&*tx, run_id, RunStatus::Submitted, "send back").await?;
    step(&*tx, &run, RunStatus::Draft, |update| {
        update
            .col_expr(payout_run::Column::SubmittedBy, Expr::value(None::<i64>))
            .col_expr(
                payout_run::Column::SubmittedAt,
                Expr::value(None::<DateTime<Utc>>),
            )
            .col_expr(payout_run::Column::ApprovedBy, Expr::value(None::<i64>))
            .col_expr(
                payout_run::Column::ApprovedAt,
                Expr::value(None::<DateTime<Utc>>),
            )
    })
    .await?;
    Entry::new(
        "payout_run.sent_back",
        "payout_run",
        run_id,
        format!("Sent back: {reason}"),
    )
    .record(ctx, &*tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

fn required(reason: &str) -> Result<&str> {
    match reason.trim() {
        "" => Err(Error::field(
            "reason",
            "Give a reason; it stays with the run.",
        )),
        reason => Ok(reason),
    }
}

/// Approves a submitted run. With the last approval that it needs, its intent is frozen and it is
/// on its way. True when that was the last one.
///
/// # Errors
/// [`Error::Conflict`] for who drafted, submitted or already approved it, and when what it pays has
/// changed since it was submitted.
pub async fn approve(ctx: &Context, run_id: i64) -> Result<bool> {
    let person_id = ctx.staff(StaffRole::Finance)?;
    let tx = ctx.begin().await?;
    let run = in_state(&*tx, run_id, RunStatus::Submitted, "approve").await?;
    let approvers: Vec<i64> = run.approved_by.into_iter().collect();
    let hands = Hands {
        creator: run.created_by,
        submitter: run.submitted_by,
        approvers: &approvers,
    };
    // Whether a second one is needed was decided on the submitted figures.
    let limit = run.needs_second.then_some(0);
    let complete = four_eyes(&hands, person_id, 1, limit).map_err(Error::conflict)?;
    let (by, first) = match run.approved_by {
        None => (payout_run::Column::ApprovedBy, true),
        Some(_) => (payout_run::Column::SecondApprovedBy, false),
    };
    let mut update = payout_run::Entity::update_many()
        .col_expr(by, Expr::value(person_id))
        .filter(payout_run::Column::Id.eq(run_id))
        .filter(payout_run::Column::Status.eq(RunStatus::Submitted.as_str()))
        .filter(by.is_null());
    if first {
        update = update.col_expr(payout_run::Column::ApprovedAt, Expr::value(ctx.now()));
    }
    if update.exec(&*tx).await?.rows_affected != 1 {
        return Err(Error::conflict(
            "A colleague has just approved this run. Reload the page.",
        ));
    }
    if complete {
        step(&*tx, &run, RunStatus::Approved, |update| update).await?;
        freeze(ctx, &*tx, &run).await?;
        let key = format!("{}:{run_id}", jobs::START_RUN);
        job::enqueue(
            ctx,
            &*tx,
            jobs::START_RUN,
            &jobs::Run { run_id },
            Some(key),
            ctx.now(),
        )
        .await?;
    }
    let sentence = if complete {
        "Approved. The payouts are frozen and will be sent."
    } else {
        "Approved. Above this amount a second person has to approve too."
    };
    Entry::new("payout_run.approved", "payout_run", run_id, sentence)
        .record(ctx, &*tx)
        .await?;
    tx.commit().await?;
    Ok(complete)
}

/// Freezes members, amounts, currencies, destinations and keys of a run's payouts.
async fn freeze(ctx: &Context, tx: &impl ConnectionTrait, run: &payout_run::Model) -> Result<()> {
    let items = payout_item::Entity::find()
        .filter(payout_item::Column::RunId.eq(run.id))
        .filter(payout_item::Column::Included.eq(true))
        .all(tx)
        .await?;
    for item in items {
        let account = payout_account::Entity::find()
            .filter(payout_account::Column::PartnerId.eq(item.partner_id))
            .filter(payout_account::Column::State.eq(PayoutAccountState::Ready.as_str()))
            .one(tx)
            .await?;
        let Some(account) = account else {
            leave_out(tx, &item, "The payout account stopped being ready").await?;
            continue;
        };
        let balance = money(item.amount, &item.currency)?;
        let amount = balance.currency.transferable(balance.minor);
        let row = payout::Entity::insert(payout::ActiveModel {
            run_id: Set(run.id),
            partner_id: Set(item.partner_id),
            currency: Set(item.currency.clone()),
            amount: Set(amount),
            destination: Set(account.stripe_id),
            // Random beside the id: another database must never reuse a key of this one.
            idempotency_key: Set(format!("portico-payout-{:032x}", rand::random::<u128>())),
            status: Set(PayoutStatus::Intended.as_str().to_owned()),
            created_at: Set(ctx.now()),
            ..Default::default()
        })
        .exec_with_returning(tx)
        .await?;
        let taken = commission::Entity::update_many()
            .col_expr(commission::Column::State, Expr::value("in_payout"))
            .col_expr(commission::Column::PayoutId, Expr::value(row.id))
            .filter(commission::Column::PartnerId.eq(item.partner_id))
            .filter(commission::Column::ProgramId.eq(run.program_id))
            .filter(commission::Column::Currency.eq(&item.currency))
            .filter(members(run.cutoff_at))
            .exec_with_returning(tx)
            .await?;
        let sum = taken
            .iter()
            .try_fold(0_i64, |sum, c| sum.checked_add(c.amount));
        if sum != Some(item.amount) {
            return Err(Error::conflict(
                "What this run pays has changed since it was submitted, for instance through a \
                 refund. Send it back and submit it again.",
            ));
        }
        let rest = Money::new(item.amount - amount, balance.currency);
        if !rest.is_zero() {
            books::carry(ctx, tx, run.program_id, item.partner_id, row.id, rest).await?;
        }
        let amount = Money::new(amount, balance.currency);
        let reference = send::reference(row.id);
        books::enter(ctx, tx, row.id, item.partner_id, amount, &reference).await?;
    }
    Ok(())
}

async fn leave_out(
    tx: &impl ConnectionTrait,
    item: &payout_item::Model,
    reason: &str,
) -> Result<()> {
    payout_item::Entity::update_many()
        .col_expr(payout_item::Column::Included, Expr::value(false))
        .col_expr(payout_item::Column::Reason, Expr::value(reason))
        .filter(payout_item::Column::Id.eq(item.id))
        .exec(tx)
        .await?;
    Ok(())
}

/// Gives a run up before anything was sent; frozen amounts are payable again.
///
/// # Errors
/// [`Error::Conflict`] once transfers are on their way, [`Error::Invalid`] without a reason.
pub async fn cancel(ctx: &Context, run_id: i64, reason: &str) -> Result<()> {
    ctx.staff(StaffRole::Finance)?;
    let reason = required(reason)?;
    let tx = ctx.begin().await?;
    let run = payout_run::Entity::find_by_id(run_id)
        .one(&*tx)
        .await?
        .ok_or(Error::NotFound)?;
    step(&*tx, &run, RunStatus::Canceled, |update| update).await?;
    let frozen = payout::Entity::find()
        .filter(payout::Column::RunId.eq(run_id))
        .filter(payout::Column::Status.eq(PayoutStatus::Intended.as_str()))
        .all(&*tx)
        .await?;
    for row in frozen {
        let cause = "The run was canceled.";
        if !send::give_up(ctx, &*tx, &row, PayoutStatus::Intended, cause).await? {
            return Err(Error::conflict(
                "Transfers are already on their way. Reload the page.",
            ));
        }
    }
    Entry::new(
        "payout_run.canceled",
        "payout_run",
        run_id,
        format!("Canceled: {reason}"),
    )
    .record(ctx, &*tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Holds every payout of a partner, with a reason the partner reads; or, with none, lifts the hold.
///
/// # Errors
/// [`Error::NotFound`] for an unknown partner, [`Error::Invalid`] for an empty reason.
pub async fn hold_partner(ctx: &Context, partner_id: i64, reason: Option<&str>) -> Result<()> {
    ctx.staff(StaffRole::Finance)?;
    let reason = reason.map(required).transpose()?.map(str::to_owned);
    let tx = ctx.begin().await?;
    let changed = partner::Entity::update_many()
        .col_expr(
            partner::Column::PayoutsHeldReason,
            Expr::value(reason.clone()),
        )
        .filter(partner::Column::Id.eq(partner_id))
        .exec(&*tx)
        .await?
        .rows_affected;
    if changed != 1 {
        return Err(Error::NotFound);
    }
    let (action, sentence) = match &reason {
        Some(why) => (
            "partner.payouts_held",
            format!("Payouts are on hold: {why}"),
        ),
        None => (
            "partner.payouts_released",
            "Payouts are no longer on hold.".to_owned(),
        ),
    };
    Entry::new(action, "partner", partner_id, sentence)
        .partner(partner_id)
        .record(ctx, &*tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
