//! Four eyes, and freezing what a run pays before any money moves.

use domain::money::Money;
use domain::partner::StaffRole;
use domain::payout::{
    Hands, LeftOut, PayoutAccountState, PayoutStatus, RunStatus, approve as four_eyes,
};
use entity::{commission, payout, payout_account, payout_item, payout_run};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::Expr,
};

use super::draft::members;
use super::limits::why_second;
use super::{in_state, step, totals};
use crate::commission::hold_lines;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::ledger::post_many;
use crate::payout::new_account::waits_until;
use crate::payout::{books, jobs, letters, money, send};
use crate::program;
use crate::program::limit::Limits;
use crate::{identity, job};

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
    let others: Vec<i64> = [run.created_by, run.submitted_by, run.approved_by]
        .into_iter()
        .flatten()
        .collect();
    // Whether a second one is needed was decided on the submitted figures; what this person has
    // approved today may ask for one too.
    let second = match &run.second_reason {
        Some(why) => Some(why.clone()),
        None => {
            let totals = totals(&*tx, run_id).await?;
            let people: Vec<i64> = others.iter().copied().chain([person_id]).collect();
            why_second(ctx, &*tx, &run, &totals, &people).await?
        }
    };
    let limit = (run.needs_second || second.is_some()).then_some(0);
    let complete = four_eyes(&hands, person_id, 1, limit).map_err(Error::conflict)?;
    identity::may_approve_money(ctx, &*tx, person_id, &others).await?;
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
    if let Some(why) = &second {
        update = update
            .col_expr(payout_run::Column::NeedsSecond, Expr::value(true))
            .col_expr(payout_run::Column::SecondReason, Expr::value(why.as_str()));
    }
    if update.exec(&*tx).await?.rows_affected != 1 {
        return Err(Error::conflict(
            "A colleague has just approved this run. Reload the page.",
        ));
    }
    let mut entries = Vec::new();
    if complete {
        step(&*tx, &run, RunStatus::Approved, |update| update).await?;
        entries = freeze(ctx, &*tx, &run).await?;
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
    if let Some(why) = second.filter(|_| !complete) {
        letters::second_asked(ctx, &*tx, &run, &why).await?;
    }
    let sentence = if complete {
        "Approved. The payouts are frozen and will be sent."
    } else {
        "Approved. Above this amount a second person has to approve too."
    };
    Entry::new("payout_run.approved", "payout_run", run_id, sentence)
        .record(ctx, &*tx)
        .await?;
    post_many(ctx, &*tx, entries).await?;
    tx.commit().await?;
    Ok(complete)
}

/// Freezes members, amounts, currencies, destinations and keys of a run's payouts; says what is to be
/// booked.
async fn freeze(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    run: &payout_run::Model,
) -> Result<Vec<books::ToBook>> {
    let of_program = commission::Column::ProgramId.eq(run.program_id);
    hold_lines(tx, members(run.cutoff_at).add(of_program)).await?;
    let program = program::by_id(tx, run.program_id).await?;
    let wait = Limits::now(ctx, tx, &program).await?.account_wait();
    let mut entries = Vec::new();
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
        if waits_until(ctx, &account, wait).is_some() {
            leave_out(tx, &item, LeftOut::NewAccount.label()).await?;
            continue;
        }
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
            let (program, note) = (run.program_id, books::IN_STEPS);
            books::carry(ctx, tx, program, item.partner_id, row.id, rest, note).await?;
        }
        let amount = Money::new(amount, balance.currency);
        let reference = send::reference(row.id);
        let frozen = books::enter(ctx, row.id, item.partner_id, amount, &reference)?;
        entries.push(frozen);
    }
    Ok(entries)
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
