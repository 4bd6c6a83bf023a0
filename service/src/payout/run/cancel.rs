//! Giving a run up: what was not sent is payable again. A run that fell back to waiting for balance may
//! have sent some before; that stays, and is said. A large run gives its amounts back in pieces, as it
//! was frozen.

use std::time::{Duration, Instant};

use domain::partner::StaffRole;
use domain::payout::{PayoutStatus, RunStatus};
use entity::{payout, payout_run};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};

use super::{lock, required, step, waits_no_longer};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::{self, Entry};
use crate::job;
use crate::ledger::post_many;
use crate::payout::{Next, books, jobs, money, outcome};

/// The most payouts in one transaction.
const PAYOUTS: u64 = 250;
/// How long a job goes on before another gets its turn.
const TURN: Duration = Duration::from_secs(8);
/// What a payout of a canceled run says.
const CAUSE: &str = "The run was canceled.";

/// Gives a run up while it does not send; frozen amounts are payable again. Says what was sent before
/// and stays, if something was.
///
/// # Errors
/// [`Error::Conflict`] once transfers are on their way, [`Error::Invalid`] without a reason.
pub async fn cancel(ctx: &Context, run_id: i64, reason: &str) -> Result<Option<String>> {
    ctx.staff(StaffRole::Finance)?;
    let reason = required(reason)?;
    let tx = ctx.begin().await?;
    let run = lock(&*tx, run_id).await?;
    step(&*tx, &run, RunStatus::Canceled, waits_no_longer).await?;
    let came_to = outcome::of_runs(&*tx, [run_id]).await?.remove(&run_id);
    let stays = outcome::stays(&came_to.unwrap_or_default());
    let said = match &stays {
        None => format!("Canceled: {reason}"),
        Some(stays) => format!("Canceled: {reason} ({stays})"),
    };
    Entry::new("payout_run.canceled", "payout_run", run_id, said)
        .record(ctx, &*tx)
        .await?;
    let (entries, last) = piece(ctx, &*tx, run_id).await?;
    if !last {
        let key = format!("{}:{run_id}", jobs::GIVE_BACK);
        let payload = jobs::Run { run_id };
        job::enqueue(ctx, &*tx, jobs::GIVE_BACK, &payload, Some(key), ctx.now()).await?;
    }
    post_many(ctx, &*tx, entries).await?;
    tx.commit().await?;
    Ok(stays)
}

/// Goes on giving back what a canceled run had frozen. May be called again at any time, by any
/// process.
///
/// # Errors
/// When the database refuses; what was given back before stays so.
pub async fn give_back(ctx: &Context, run_id: i64) -> Result<Next> {
    let began = Instant::now();
    loop {
        let tx = ctx.begin().await?;
        let run: payout_run::Model = lock(&*tx, run_id).await?;
        if run.status != RunStatus::Canceled.as_str() {
            return Ok(Next::Done);
        }
        let (entries, last) = piece(ctx, &*tx, run_id).await?;
        post_many(ctx, &*tx, entries).await?;
        tx.commit().await?;
        if last {
            return Ok(Next::Done);
        }
        if began.elapsed() > TURN {
            return Ok(Next::Again(ctx.now()));
        }
    }
}

/// Gives back the next payouts of a canceled run whose row is locked; says what is to be booked and
/// whether none is left.
async fn piece(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    run_id: i64,
) -> Result<(Vec<books::ToBook>, bool)> {
    let frozen = payout::Entity::find()
        .filter(payout::Column::RunId.eq(run_id))
        .filter(payout::Column::Status.eq(PayoutStatus::Intended.as_str()))
        .order_by_asc(payout::Column::Id)
        .limit(PAYOUTS)
        .lock_exclusive()
        .all(tx)
        .await?;
    if frozen.is_empty() {
        return Ok((Vec::new(), true));
    }
    let ended = payout::Entity::update_many()
        .col_expr(
            payout::Column::Status,
            Expr::value(PayoutStatus::Failed.as_str()),
        )
        .col_expr(payout::Column::Failure, Expr::value(CAUSE))
        .col_expr(payout::Column::SettledAt, Expr::value(ctx.now()))
        .filter(payout::Column::Id.is_in(frozen.iter().map(|row| row.id)))
        .filter(payout::Column::Status.eq(PayoutStatus::Intended.as_str()))
        .exec(tx)
        .await?
        .rows_affected;
    if ended != frozen.len() as u64 {
        return Err(Error::conflict(
            "Transfers are already on their way. Reload the page.",
        ));
    }
    let mut said = Vec::with_capacity(frozen.len());
    for row in &frozen {
        let amount = money(row.amount, &row.currency)?.format("en");
        let sentence =
            format!("{amount} was not transferred: {CAUSE} The amount is payable again.");
        said.push(Entry::new("payout.failed", "payout", row.id, sentence).partner(row.partner_id));
    }
    event::record_many(ctx, tx, said).await?;
    let last = (frozen.len() as u64) < PAYOUTS;
    Ok((books::all_returned(ctx, tx, &frozen).await?, last))
}
