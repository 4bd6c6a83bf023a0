//! Payout runs: drafted, trimmed, submitted, approved by somebody else, frozen.

mod approve;
mod draft;
mod limits;

use chrono::{DateTime, Utc};
use domain::money::Money;
use domain::partner::StaffRole;
use domain::payout::{PayoutStatus, RunStatus};
use domain::transition::Who;
use entity::{commission, partner, payout, payout_run};
use sea_orm::sea_query::{Expr, IntoCondition};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, Statement};

use super::{letters, money, send};
use crate::commission::hold_lines;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::ledger::post_many;

pub use approve::approve;
pub(super) use draft::members;
use draft::recount;
pub use draft::{NewRun, draft, exclude, refresh};
pub(super) use draft::{last_day, pays_somebody, write_draft};

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
    let people: Vec<i64> = run.created_by.into_iter().chain([person_id]).collect();
    let second = limits::why_second(ctx, &*tx, &run, &totals, &people).await?;
    step(&*tx, &run, RunStatus::Submitted, |update| {
        update
            .col_expr(payout_run::Column::SubmittedBy, Expr::value(person_id))
            .col_expr(payout_run::Column::SubmittedAt, Expr::value(ctx.now()))
            .col_expr(
                payout_run::Column::NeedsSecond,
                Expr::value(second.is_some()),
            )
            .col_expr(
                payout_run::Column::SecondReason,
                Expr::value(second.clone()),
            )
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
    letters::approval_asked(ctx, &*tx, &run, &totals, second.as_deref()).await?;
    tx.commit().await?;
    Ok(())
}

/// What the run pays, per currency.
pub(super) async fn totals(db: &impl ConnectionTrait, run_id: i64) -> Result<Vec<Money>> {
    #[derive(FromQueryResult)]
    struct Sum {
        currency: String,
        amount: i64,
    }
    let statement = Statement::from_sql_and_values(
        db.get_database_backend(),
        "SELECT currency, CAST(SUM(amount) AS BIGINT) AS amount FROM payout_item \
         WHERE run_id = $1 AND included GROUP BY currency ORDER BY MIN(id)",
        [run_id.into()],
    );
    let sums = Sum::find_by_statement(statement).all(db).await?;
    let sums = sums.iter().map(|s| money(s.amount, &s.currency));
    sums.collect()
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
    let ids = frozen.iter().map(|row| row.id);
    let lines = commission::Column::PayoutId.is_in(ids).into_condition();
    hold_lines(&*tx, lines).await?;
    let mut entries = Vec::new();
    for row in frozen {
        let cause = "The run was canceled.";
        let back = send::give_up(ctx, &*tx, &row, PayoutStatus::Intended, cause).await?;
        entries.push(back.ok_or_else(|| {
            Error::conflict("Transfers are already on their way. Reload the page.")
        })?);
    }
    Entry::new(
        "payout_run.canceled",
        "payout_run",
        run_id,
        format!("Canceled: {reason}"),
    )
    .record(ctx, &*tx)
    .await?;
    post_many(ctx, &*tx, entries).await?;
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
