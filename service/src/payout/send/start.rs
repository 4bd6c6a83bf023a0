//! A run's start: whether anything may be sent, whether the balance is there for all that is on its
//! way, and a job for each payout.

use std::collections::BTreeMap;

use domain::money::Money;
use domain::payout::RunStatus;
use entity::{payout, payout_run};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QuerySelect,
    Statement, sea_query::Expr,
};
use stripe_gateway::Gateway;

use super::{BALANCE_WAIT, STRIPE_WAIT, wait_for};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::job;
use crate::mail::Letter;
use crate::notice::{self, tell_staff};
use crate::payout::watch::{self, Waits};
use crate::payout::{Next, jobs, money, run as runs, sweep};

/// Starts an approved run, or lets it wait with its approval: while Stripe cannot be asked or refuses
/// the key, while something stopped all sending, and while the balance is too low for it.
///
/// # Errors
/// When the database is not available. Whatever Stripe answers, the run goes on by itself.
pub async fn start_run(ctx: &Context, gateway: &dyn Gateway, run_id: i64) -> Result<Next> {
    let run = payout_run::Entity::find_by_id(run_id)
        .one(ctx.reader())
        .await?
        .ok_or(Error::NotFound)?;
    // What is not frozen whole yet is started by whoever freezes the last of it.
    let frozen = run.frozen_at.is_some();
    if !frozen || !matches!(run.status.as_str(), "approved" | "waiting_for_balance") {
        return Ok(Next::Done);
    }
    if intended(ctx.reader(), run_id).await?.is_empty() {
        return nothing_to_send(ctx, &run).await;
    }
    if let Err(waits) = watch::look(ctx, gateway, true).await? {
        return wait_for(ctx, run_id, &waits, STRIPE_WAIT).await;
    }
    let balance = match gateway.balance().await {
        Ok(balance) => balance,
        Err(cause) => return wait_for(ctx, run_id, &Waits::of(&cause), STRIPE_WAIT).await,
    };
    let tx = ctx.begin().await?;
    // Two runs must not both count on the same money.
    only_one_counts(&*tx).await?;
    let missing = shortfalls(&reserved(&*tx, run_id).await?, &balance)?;
    if !missing.is_empty() {
        let next = short(ctx, &*tx, &run, &missing).await?;
        tx.commit().await?;
        return Ok(next);
    }
    sweep::waits(ctx, &*tx, run_id, None).await?;
    if move_run(&*tx, &run, RunStatus::Sending).await? {
        let jobs = intended(&*tx, run_id).await?.into_iter().map(|payout_id| {
            let key = format!("{}:{payout_id}", jobs::WORK);
            (jobs::Payout { payout_id }, key)
        });
        job::enqueue_many(ctx, &*tx, jobs::WORK, jobs, ctx.now()).await?;
        sweep::wake_payouts(ctx, &*tx, run_id).await?;
        Entry::new(
            "payout_run.sending",
            "payout_run",
            run_id,
            "Transfers are being sent.",
        )
        .record(ctx, &*tx)
        .await?;
    }
    tx.commit().await?;
    runs::finish(ctx, run_id).await?;
    Ok(Next::Done)
}

/// Nobody of a run could be paid when it was frozen, or all that it had left to send has ended: neither
/// Stripe nor the balance is asked.
async fn nothing_to_send(ctx: &Context, run: &payout_run::Model) -> Result<Next> {
    let tx = ctx.begin().await?;
    move_run(&*tx, run, RunStatus::Sending).await?;
    tx.commit().await?;
    runs::finish(ctx, run.id).await?;
    Ok(Next::Done)
}

/// Lets one transaction after the other count what is reserved.
async fn only_one_counts(tx: &impl ConnectionTrait) -> Result<()> {
    use entity::setting::{Column, Entity};
    Entity::update_many()
        .col_expr(Column::Value, Expr::col(Column::Value))
        .filter(Column::Id.eq(watch::INSTALLATION))
        .exec(tx)
        .await?;
    Ok(())
}

async fn intended(tx: &impl ConnectionTrait, run_id: i64) -> Result<Vec<i64>> {
    Ok(payout::Entity::find()
        .select_only()
        .column(payout::Column::Id)
        .filter(payout::Column::RunId.eq(run_id))
        .filter(payout::Column::Status.eq("intended"))
        .into_tuple()
        .all(tx)
        .await?)
}

#[derive(FromQueryResult)]
struct Reserved {
    currency: String,
    amount: i64,
}

/// What this run needs together with all that is on its way from other runs, per currency. Runs that
/// wait themselves have nothing reserved, or two would wait for each other.
async fn reserved(tx: &impl ConnectionTrait, run_id: i64) -> Result<BTreeMap<String, i64>> {
    let statement = Statement::from_sql_and_values(
        tx.get_database_backend(),
        "SELECT p.currency, CAST(SUM(p.amount) AS BIGINT) AS amount \
         FROM payout p JOIN payout_run r ON r.id = p.run_id \
         WHERE p.status IN ('intended', 'sending', 'unknown') \
         AND (r.id = $1 OR r.status = 'sending' OR p.status <> 'intended') \
         AND EXISTS (SELECT 1 FROM payout q WHERE q.run_id = $1 AND q.status = 'intended' \
           AND q.currency = p.currency) GROUP BY p.currency",
        [run_id.into()],
    );
    let rows = Reserved::find_by_statement(statement).all(tx).await?;
    Ok(rows.into_iter().map(|r| (r.currency, r.amount)).collect())
}

/// What is missing in Stripe's balance, per currency.
fn shortfalls(needed: &BTreeMap<String, i64>, balance: &[Money]) -> Result<Vec<Money>> {
    let mut missing = Vec::new();
    for (currency, sum) in needed {
        let sum = money(*sum, currency)?;
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

async fn short(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    run: &payout_run::Model,
    missing: &[Money],
) -> Result<Next> {
    let missing: Vec<_> = missing.iter().map(|m| m.format("en")).collect();
    let sentence = format!(
        "Stripe’s balance is short by {}. Top it up; the run goes on by itself.",
        missing.join(" and ")
    );
    if move_run(tx, run, RunStatus::WaitingForBalance).await? {
        tell_short(ctx, tx, run.id, &sentence).await?;
    }
    sweep::waits(ctx, tx, run.id, Some(&sentence)).await?;
    Ok(Next::Again(ctx.now() + BALANCE_WAIT))
}

async fn tell_short(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    run_id: i64,
    sentence: &str,
) -> Result<()> {
    let waits = format!("Waits: {sentence}");
    Entry::new("payout_run.waits", "payout_run", run_id, waits)
        .record(ctx, tx)
        .await?;
    let letter = Letter::new("A payout run waits for Stripe’s balance").text(sentence.to_owned());
    let path = format!("/finance/runs/{run_id}");
    tell_staff(ctx, tx, notice::FINANCE, letter, &path).await
}

/// Stripe refused a transfer because others took the balance: the run waits again, as before its
/// start, and what was not sent goes on with it.
pub(super) async fn wait_for_balance(ctx: &Context, run_id: i64) -> Result<Next> {
    let run = payout_run::Entity::find_by_id(run_id)
        .one(ctx.reader())
        .await?
        .ok_or(Error::NotFound)?;
    if run.status == RunStatus::Sending.as_str() {
        let sentence = "Stripe’s balance is too low for the rest of this run. Top it up; the run \
                        goes on by itself.";
        let tx = ctx.begin().await?;
        if move_run(&*tx, &run, RunStatus::WaitingForBalance).await? {
            sweep::waits(ctx, &*tx, run_id, Some(sentence)).await?;
            tell_short(ctx, &*tx, run_id, sentence).await?;
            sweep::wake_run(ctx, &*tx, run_id).await?;
        }
        tx.commit().await?;
    }
    Ok(Next::Again(ctx.now() + BALANCE_WAIT))
}

/// Compare-and-set of a run's state; false when it is no longer where it was.
async fn move_run(
    tx: &impl ConnectionTrait,
    run: &payout_run::Model,
    to: RunStatus,
) -> Result<bool> {
    let from: RunStatus = run.status.parse().map_err(Error::internal)?;
    if from == to {
        return Ok(false);
    }
    RunStatus::MACHINE
        .check(from, to)
        .map_err(Error::internal)?;
    let moved = payout_run::Entity::update_many()
        .col_expr(payout_run::Column::Status, Expr::value(to.as_str()))
        .filter(payout_run::Column::Id.eq(run.id))
        .filter(payout_run::Column::Status.eq(&run.status))
        .exec(tx)
        .await?
        .rows_affected;
    Ok(moved == 1)
}
