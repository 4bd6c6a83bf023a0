//! Sending what a run has frozen, so that nothing is paid twice and nothing is lost.
//!
//! Every function takes a payout one step further from whatever state it finds and may be called
//! again at any time, by any process. Stripe is called outside database transactions.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use domain::money::Money;
use domain::payout::PayoutStatus;
use entity::{payout, payout_run};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, ExprTrait, Func},
};
use stripe_gateway::billing::Transfer;
use stripe_gateway::{CallError, Gateway, NewTransfer};

use super::{Next, books, jobs, money};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::job;
use crate::ledger::post;
use crate::mail::{self, Letter};

/// Stripe keeps an idempotency key for 24 hours at least (v1). Until this long after the first try
/// the same request is sent again under the same key; a request cannot be on its way longer.
const KEY_LIVES: TimeDelta = TimeDelta::hours(20);
/// When everything Stripe could still do with a request has long been done.
const SETTLED: TimeDelta = TimeDelta::hours(26);
/// How often a run that waits for balance looks again.
const BALANCE_WAIT: TimeDelta = TimeDelta::minutes(15);

/// What Stripe, its dashboard and we call a payout.
pub fn reference(payout_id: i64) -> String {
    format!("portico-payout-{payout_id}")
}

/// Starts an approved run, or lets it wait while Stripe's balance is too low for it.
///
/// # Errors
/// [`Error::Unavailable`] when Stripe does not say what the balance is.
pub async fn start_run(ctx: &Context, gateway: &dyn Gateway, run_id: i64) -> Result<Next> {
    let run = payout_run::Entity::find_by_id(run_id)
        .one(ctx.reader())
        .await?
        .ok_or(Error::NotFound)?;
    if !matches!(run.status.as_str(), "approved" | "waiting_for_balance") {
        return Ok(Next::Done);
    }
    let intended = payout::Entity::find()
        .filter(payout::Column::RunId.eq(run_id))
        .filter(payout::Column::Status.eq(PayoutStatus::Intended.as_str()))
        .all(ctx.reader())
        .await?;
    let balance = gateway
        .balance()
        .await
        .map_err(|e| super::account::unavailable("Stripe does not say what the balance is.", e))?;
    let missing = shortfalls(&intended, &balance)?;
    let tx = ctx.begin().await?;
    if !missing.is_empty() {
        if move_run(&*tx, &run, "waiting_for_balance").await? {
            let sentence = format!(
                "Waits: Stripe's balance is short by {}. Top it up; the run goes on by itself.",
                missing
                    .iter()
                    .map(|m| m.format("en"))
                    .collect::<Vec<_>>()
                    .join(" and ")
            );
            Entry::new("payout_run.waits", "payout_run", run_id, sentence)
                .record(ctx, &*tx)
                .await?;
        }
        tx.commit().await?;
        return Ok(Next::Again(ctx.now() + BALANCE_WAIT));
    }
    if move_run(&*tx, &run, "sending").await? {
        for row in &intended {
            let payload = jobs::Payout { payout_id: row.id };
            let key = format!("{}:{}", jobs::WORK, row.id);
            job::enqueue(ctx, &*tx, jobs::WORK, &payload, Some(key), ctx.now()).await?;
        }
        Entry::new(
            "payout_run.sending",
            "payout_run",
            run_id,
            "Transfers are being sent.",
        )
        .record(ctx, &*tx)
        .await?;
        finish_run(ctx, &*tx, run_id).await?;
    }
    tx.commit().await?;
    Ok(Next::Done)
}

/// What is missing in Stripe's balance, per currency.
fn shortfalls(intended: &[payout::Model], balance: &[Money]) -> Result<Vec<Money>> {
    let mut needed: BTreeMap<&str, i64> = BTreeMap::new();
    for row in intended {
        let sum = needed.entry(&row.currency).or_default();
        *sum = sum
            .checked_add(row.amount)
            .ok_or_else(|| Error::internal("run overflows"))?;
    }
    let mut missing = Vec::new();
    for (currency, sum) in needed {
        let sum = money(sum, currency)?;
        let there = balance
            .iter()
            .find(|m| m.currency == sum.currency)
            .map_or(0, |m| m.minor);
        if there < sum.minor {
            missing.push(Money::new(sum.minor - there, sum.currency));
        }
    }
    Ok(missing)
}

/// Compare-and-set of a run's state; false when it is no longer where it was.
async fn move_run(tx: &impl ConnectionTrait, run: &payout_run::Model, to: &str) -> Result<bool> {
    if run.status == to {
        return Ok(false);
    }
    let moved = payout_run::Entity::update_many()
        .col_expr(payout_run::Column::Status, Expr::value(to))
        .filter(payout_run::Column::Id.eq(run.id))
        .filter(payout_run::Column::Status.eq(&run.status))
        .exec(tx)
        .await?
        .rows_affected;
    Ok(moved == 1)
}

/// Takes one payout a step further.
///
/// # Errors
/// When the database is not available; what Stripe answers is never an error here but a state.
pub async fn work(ctx: &Context, gateway: &dyn Gateway, payout_id: i64) -> Result<Next> {
    let row = find(ctx, payout_id).await?;
    match row.status.parse().map_err(Error::internal)? {
        PayoutStatus::Intended => call(ctx, gateway, row, PayoutStatus::Intended).await,
        // The worker that was sending died: what became of its call is not known.
        PayoutStatus::Sending => {
            move_to(
                ctx.reader(),
                &row,
                PayoutStatus::Sending,
                PayoutStatus::Unknown,
            )
            .await?;
            settle(ctx, gateway, find(ctx, payout_id).await?).await
        }
        PayoutStatus::Unknown => settle(ctx, gateway, row).await,
        PayoutStatus::Paid | PayoutStatus::Failed | PayoutStatus::Reversed => Ok(Next::Done),
    }
}

async fn find(ctx: &Context, payout_id: i64) -> Result<payout::Model> {
    payout::Entity::find_by_id(payout_id)
        .one(ctx.reader())
        .await?
        .ok_or(Error::NotFound)
}

/// Compare-and-set of a payout's state; false when another process was first.
async fn move_to(
    db: &impl ConnectionTrait,
    row: &payout::Model,
    from: PayoutStatus,
    to: PayoutStatus,
) -> Result<bool> {
    PayoutStatus::MACHINE
        .check(from, to)
        .map_err(Error::internal)?;
    let moved = payout::Entity::update_many()
        .col_expr(payout::Column::Status, Expr::value(to.as_str()))
        .filter(payout::Column::Id.eq(row.id))
        .filter(payout::Column::Status.eq(from.as_str()))
        .exec(db)
        .await?
        .rows_affected;
    Ok(moved == 1)
}

/// Claims the payout and calls Stripe, with the payout's own key, always the same.
async fn call(
    ctx: &Context,
    gateway: &dyn Gateway,
    row: payout::Model,
    from: PayoutStatus,
) -> Result<Next> {
    let claimed = payout::Entity::update_many()
        .col_expr(
            payout::Column::Status,
            Expr::value(PayoutStatus::Sending.as_str()),
        )
        .col_expr(
            payout::Column::Attempts,
            Expr::col(payout::Column::Attempts).add(1),
        )
        .col_expr(
            payout::Column::SentAt,
            Func::coalesce([Expr::col(payout::Column::SentAt), Expr::value(ctx.now())]).into(),
        )
        .filter(payout::Column::Id.eq(row.id))
        .filter(payout::Column::Status.eq(from.as_str()))
        .exec(ctx.reader())
        .await?
        .rows_affected;
    if claimed != 1 {
        return Ok(Next::Done);
    }
    let new = NewTransfer {
        amount: money(row.amount, &row.currency)?,
        destination: row.destination.clone(),
        transfer_group: reference(row.id),
        description: format!("Commission payout {}", reference(row.id)),
        metadata: BTreeMap::from([("portico_payout".to_owned(), row.id.to_string())]),
    };
    match gateway.create_transfer(&new, &row.idempotency_key).await {
        Ok(transfer) => succeeded(ctx, &row, PayoutStatus::Sending, &transfer).await,
        Err(CallError::Definite { message, .. }) => {
            failed(ctx, &row, PayoutStatus::Sending, &message).await
        }
        Err(unclear) => {
            tracing::warn!(payout = row.id, cause = %unclear, "transfer outcome unclear");
            move_to(
                ctx.reader(),
                &row,
                PayoutStatus::Sending,
                PayoutStatus::Unknown,
            )
            .await?;
            Ok(Next::Again(ctx.now() + wait(row.attempts)))
        }
    }
}

/// 2 s, 4 s, 8 s … up to about an hour.
fn wait(attempts: i64) -> TimeDelta {
    TimeDelta::seconds(2 << attempts.clamp(0, 11))
}

/// Finds out from Stripe what became of an unclear payout.
async fn settle(ctx: &Context, gateway: &dyn Gateway, row: payout::Model) -> Result<Next> {
    let found = match gateway.find_transfers(&reference(row.id)).await {
        Ok(found) => found,
        Err(cause) => {
            tracing::warn!(payout = row.id, %cause, "cannot ask about the transfer yet");
            return Ok(Next::Again(ctx.now() + wait(row.attempts)));
        }
    };
    if let Some(transfer) = found.first() {
        return succeeded(ctx, &row, PayoutStatus::Unknown, transfer).await;
    }
    let since = ctx.now() - row.sent_at.unwrap_or(row.created_at);
    if since < KEY_LIVES {
        call(ctx, gateway, row, PayoutStatus::Unknown).await
    } else if since < SETTLED {
        // Too late to send again safely, too early to be sure that nothing happened.
        Ok(Next::Again(ctx.now() + TimeDelta::hours(1)))
    } else {
        let cause = "Stripe never received the transfer.";
        failed(ctx, &row, PayoutStatus::Unknown, cause).await
    }
}

async fn succeeded(
    ctx: &Context,
    row: &payout::Model,
    from: PayoutStatus,
    transfer: &Transfer,
) -> Result<Next> {
    let tx = ctx.begin().await?;
    let moved = payout::Entity::update_many()
        .col_expr(
            payout::Column::Status,
            Expr::value(PayoutStatus::Paid.as_str()),
        )
        .col_expr(payout::Column::TransferId, Expr::value(transfer.id.clone()))
        .col_expr(payout::Column::SettledAt, Expr::value(ctx.now()))
        .filter(payout::Column::Id.eq(row.id))
        .filter(payout::Column::Status.eq(from.as_str()))
        .exec(&*tx)
        .await?
        .rows_affected;
    if moved != 1 {
        // Another process settled it; look once more at what it is now.
        drop(tx);
        return Ok(Next::Again(ctx.now() + TimeDelta::seconds(2)));
    }
    let (entry, links) = books::paid(ctx, &*tx, row, &reference(row.id)).await?;
    let amount = money(row.amount, &row.currency)?;
    Entry::new(
        "payout.paid",
        "payout",
        row.id,
        format!("{} transferred as {}.", amount.format("en"), transfer.id),
    )
    .partner(row.partner_id)
    .record(ctx, &*tx)
    .await?;
    let remittance = Letter::new(format!("You have been paid {}", amount.format("en")))
        .text(format!(
            "We have transferred {} to your Stripe account. Stripe pays it out to your bank on its \
             own schedule.",
            amount.format("en")
        ))
        .link(
            "Which commissions are in it",
            &format!("/partner/payouts/{}", row.id),
        );
    mail::send_to_owners(ctx, &*tx, row.partner_id, remittance).await?;
    finish_run(ctx, &*tx, row.run_id).await?;
    post(ctx, &*tx, entry, links).await?;
    tx.commit().await?;
    Ok(Next::Done)
}

/// The transfer definitely was not made: the amount goes back to the payable balance.
pub(super) async fn failed(
    ctx: &Context,
    row: &payout::Model,
    from: PayoutStatus,
    cause: &str,
) -> Result<Next> {
    let tx = ctx.begin().await?;
    let Some((entry, links)) = give_up(ctx, &*tx, row, from, cause).await? else {
        drop(tx);
        return Ok(Next::Again(ctx.now() + TimeDelta::seconds(2)));
    };
    finish_run(ctx, &*tx, row.run_id).await?;
    post(ctx, &*tx, entry, links).await?;
    tx.commit().await?;
    Ok(Next::Done)
}

/// Marks a payout failed inside the caller's transaction and says what takes its amount back, for the
/// caller to book. None when the payout is no longer in `from`.
pub(super) async fn give_up(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    row: &payout::Model,
    from: PayoutStatus,
    cause: &str,
) -> Result<Option<books::ToBook>> {
    PayoutStatus::MACHINE
        .check(from, PayoutStatus::Failed)
        .map_err(Error::internal)?;
    let moved = payout::Entity::update_many()
        .col_expr(
            payout::Column::Status,
            Expr::value(PayoutStatus::Failed.as_str()),
        )
        .col_expr(payout::Column::Failure, Expr::value(cause))
        .col_expr(payout::Column::SettledAt, Expr::value(ctx.now()))
        .filter(payout::Column::Id.eq(row.id))
        .filter(payout::Column::Status.eq(from.as_str()))
        .exec(tx)
        .await?
        .rows_affected;
    if moved != 1 {
        return Ok(None);
    }
    let back = books::returned(ctx, tx, row, &reference(row.id)).await?;
    let amount = money(row.amount, &row.currency)?;
    Entry::new(
        "payout.failed",
        "payout",
        row.id,
        format!(
            "{} was not transferred: {cause} The amount is payable again.",
            amount.format("en")
        ),
    )
    .partner(row.partner_id)
    .record(ctx, tx)
    .await?;
    Ok(Some(back))
}

/// A run whose payouts have all ended is done.
async fn finish_run(ctx: &Context, tx: &impl ConnectionTrait, run_id: i64) -> Result<()> {
    // Two payouts that end at once must not each take the other for open.
    payout_run::Entity::find_by_id(run_id)
        .lock_exclusive()
        .one(tx)
        .await?;
    let open = payout::Entity::find()
        .filter(payout::Column::RunId.eq(run_id))
        .filter(
            payout::Column::Status.is_in(
                [
                    PayoutStatus::Intended,
                    PayoutStatus::Sending,
                    PayoutStatus::Unknown,
                ]
                .map(PayoutStatus::as_str),
            ),
        )
        .count(tx)
        .await?;
    if open > 0 {
        return Ok(());
    }
    let moved = payout_run::Entity::update_many()
        .col_expr(payout_run::Column::Status, Expr::value("done"))
        .col_expr(payout_run::Column::DoneAt, Expr::value(ctx.now()))
        .filter(payout_run::Column::Id.eq(run_id))
        .filter(payout_run::Column::Status.eq("sending"))
        .exec(tx)
        .await?
        .rows_affected;
    if moved == 1 {
        Entry::new(
            "payout_run.done",
            "payout_run",
            run_id,
            "Every payout of the run has ended.",
        )
        .record(ctx, tx)
        .await?;
    }
    Ok(())
}
