//! Payout runs: drafted, trimmed, submitted, approved by somebody else, frozen.

mod approve;
mod cancel;
mod count;
mod draft;
mod finish;
mod freeze;
mod hands;
mod limits;
mod seen;

use chrono::{DateTime, Utc};
use domain::money::Money;
use domain::partner::StaffRole;
use domain::payout::{Did, RunStatus};
use domain::transition::Who;
use entity::{partner, payout_run, payout_submission};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter,
    QuerySelect, Statement,
};

use super::{letters, money};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Entry;

pub use approve::approve;
pub use cancel::{cancel, give_back};
pub(crate) use count::fingerprint;
pub(super) use count::payable_at;
pub use draft::{NewRun, draft, exclude, exclude_many, refresh};
pub(super) use draft::{last_day, pays_somebody, write_draft};
pub(super) use finish::finish;
pub use freeze::freeze;
pub(super) use hands::{all as hands_of, composed};

/// Submits a draft for approval, counted anew. `shown` is the fingerprint of what the person was shown,
/// where the caller has it: what a colleague changed since is refused then. An approval cannot do
/// without; a submission pays nothing yet.
///
/// # Errors
/// [`Error::Conflict`] when it is no draft, pays nobody, or has been changed by a colleague.
pub async fn submit(ctx: &Context, run_id: i64, shown: Option<&str>) -> Result<()> {
    let person_id = ctx.staff(StaffRole::Finance)?;
    // What has become payable by now is in it, and does not change it while it waits for approval.
    let portal = Context::system(&ctx.db, ctx.clock, ctx.request_id.clone());
    crate::commission::mature(&portal).await?;
    let tx = ctx.begin().await?;
    let run = locked(&*tx, run_id, RunStatus::Draft, "submit").await?;
    if let Some(shown) = shown {
        seen::same(&*tx, &run, shown).await?;
    }
    let run = count::recount(ctx, &*tx, run).await?;
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
    let (fingerprint, content) = count::mark(&*tx, run_id).await?;
    payout_submission::Entity::insert(payout_submission::ActiveModel {
        run_id: Set(run_id),
        fingerprint: Set(fingerprint.clone()),
        content: Set(content),
        submitted_by: Set(person_id),
        submitted_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_without_returning(&*tx)
    .await?;
    hands::note(ctx, &*tx, run_id, Did::Submitted, Some(fingerprint)).await?;
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

/// A run that has ended waits for nothing.
fn waits_no_longer(
    update: sea_orm::UpdateMany<payout_run::Entity>,
) -> sea_orm::UpdateMany<payout_run::Entity> {
    let never: Option<DateTime<Utc>> = None;
    update
        .col_expr(payout_run::Column::WaitsFor, Expr::value(None::<String>))
        .col_expr(payout_run::Column::WaitsSince, Expr::value(never))
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

/// The fingerprint of what a run's page shows now, for whoever decides about it without a page.
///
/// # Errors
/// [`Error::NotFound`] for a missing run and for people outside the vendor.
pub async fn shown(ctx: &Context, run_id: i64) -> Result<String> {
    ctx.any_staff()?;
    let run = payout_run::Entity::find_by_id(run_id)
        .one(ctx.reader())
        .await?
        .ok_or(Error::NotFound)?;
    Ok(run.fingerprint.unwrap_or_default())
}

/// Sends a submitted run back to its drafter. Whoever composed it stays a hand of it; sending it back
/// makes nobody one.
///
/// # Errors
/// [`Error::Conflict`] when it is not waiting for approval, [`Error::Invalid`] without a reason.
pub async fn send_back(ctx: &Context, run_id: i64, reason: &str) -> Result<()> {
    ctx.staff(StaffRole::Finance)?;
    let reason = required(reason)?;
    let tx = ctx.begin().await?;
    let run = locked(&*tx, run_id, RunStatus::Submitted, "send back").await?;
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

/// The run, its row locked until the transaction ends: whoever changes a run begins with it and judges
/// it as it is then.
async fn lock(tx: &impl ConnectionTrait, run_id: i64) -> Result<payout_run::Model> {
    payout_run::Entity::find_by_id(run_id)
        .lock_exclusive()
        .one(tx)
        .await?
        .ok_or(Error::NotFound)
}

/// The run, locked, if it is in the state that `verb` needs.
async fn locked(
    tx: &impl ConnectionTrait,
    run_id: i64,
    state: RunStatus,
    verb: &str,
) -> Result<payout_run::Model> {
    let run = lock(tx, run_id).await?;
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
