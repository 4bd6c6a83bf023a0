//! A draft: who is in the run, who is left out and why, and what finance takes out of it.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use domain::calendar;
use domain::partner::StaffRole;
use domain::payout::{Did, RunStatus};
use entity::{commission, payout_exclusion, payout_item, payout_run};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter,
    QuerySelect, sea_query::Expr,
};

use super::count::{mark, recount};
use super::{hands, locked};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::payout::letters;
use crate::program;

/// Items changed in one statement.
const PIECE: usize = 400;

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
        counted_to: Set(0),
        frozen_to: Set(0),
        ..Default::default()
    })
    .exec_with_returning(&*tx)
    .await?;
    let run = recount(ctx, &*tx, run).await?;
    hands::note(ctx, &*tx, run.id, Did::Drafted, run.fingerprint.clone()).await?;
    let last_day = last_day(run.cutoff_at, program::zone(&program));
    let last_day = last_day.format("%-d %B %Y").to_string();
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
        .filter(commission::Column::State.eq("payable"))
        .filter(commission::Column::Amount.gt(0))
        .filter(commission::Column::HoldUntil.lte(cutoff))
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

/// Counts a draft anew; finance's exclusions stay.
///
/// # Errors
/// [`Error::Conflict`] when the run is no longer a draft.
pub async fn refresh(ctx: &Context, run_id: i64) -> Result<()> {
    ctx.staff(StaffRole::Finance)?;
    let tx = ctx.begin().await?;
    let run = locked(&*tx, run_id, RunStatus::Draft, "change").await?;
    let run = recount(ctx, &*tx, run).await?;
    hands::note(ctx, &*tx, run_id, Did::Counted, run.fingerprint).await?;
    Entry::new("payout_run.counted", "payout_run", run_id, "Counted anew.")
        .record(ctx, &*tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Takes a partner and currency out of a draft, with a reason; or, with none, puts it back.
///
/// # Errors
/// As [`exclude_many`].
pub async fn exclude(ctx: &Context, run_id: i64, item_id: i64, reason: Option<&str>) -> Result<()> {
    exclude_many(ctx, run_id, &[item_id], reason).await?;
    Ok(())
}

/// Takes items out of a draft, with a reason; or, with none, puts them back. What a person took out
/// stays out, whatever the rules say meanwhile, until a person puts it back; what a rule leaves out
/// stays out then. Says how many were changed.
///
/// # Errors
/// [`Error::Conflict`] when the run is no longer a draft, [`Error::Invalid`] without a reason,
/// [`Error::NotFound`] when nothing was there to be changed.
pub async fn exclude_many(
    ctx: &Context,
    run_id: i64,
    items: &[i64],
    reason: Option<&str>,
) -> Result<usize> {
    let person_id = ctx.staff(StaffRole::Finance)?;
    let reason = reason.map(str::trim);
    if reason == Some("") {
        return Err(Error::field(
            "reason",
            "Say why it is left out; the auditors will ask.",
        ));
    }
    let tx = ctx.begin().await?;
    locked(&*tx, run_id, RunStatus::Draft, "change").await?;
    let mut changed = Vec::new();
    for piece in items.chunks(PIECE) {
        let mut query = payout_item::Entity::find()
            .filter(payout_item::Column::RunId.eq(run_id))
            .filter(payout_item::Column::Id.is_in(piece.iter().copied()));
        query = match reason {
            Some(_) => query.filter(payout_item::Column::DecidedBy.is_null()),
            None => query.filter(payout_item::Column::DecidedBy.is_not_null()),
        };
        changed.extend(query.all(&*tx).await?);
    }
    if changed.is_empty() {
        return Err(Error::NotFound);
    }
    for piece in changed.chunks(PIECE) {
        match reason {
            Some(why) => take_out(ctx, &*tx, piece, person_id, why).await?,
            None => put_back(ctx, &*tx, piece, person_id).await?,
        }
    }
    let (fingerprint, _) = mark(&*tx, run_id).await?;
    let did = match reason {
        Some(_) => Did::Excluded,
        None => Did::PutBack,
    };
    hands::note(ctx, &*tx, run_id, did, Some(fingerprint)).await?;
    let (action, sentence) = match reason {
        Some(why) => ("payout_run.excluded", format!("Left out: {why}")),
        None => ("payout_run.included", "Put back into the run.".to_owned()),
    };
    let ids: Vec<i64> = changed.iter().map(|item| item.id).collect();
    let partners: Vec<i64> = changed.iter().map(|item| item.partner_id).collect();
    Entry::new(action, "payout_run", run_id, sentence)
        .detail(serde_json::json!({ "items": ids, "partners": partners }))
        .record(ctx, &*tx)
        .await?;
    tx.commit().await?;
    Ok(changed.len())
}

async fn take_out(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    items: &[payout_item::Model],
    person_id: i64,
    why: &str,
) -> Result<()> {
    let rows = items.iter().map(|item| payout_exclusion::ActiveModel {
        run_id: Set(item.run_id),
        partner_id: Set(item.partner_id),
        currency: Set(item.currency.clone()),
        reason: Set(why.to_owned()),
        excluded_by: Set(person_id),
        excluded_at: Set(ctx.now()),
        ..Default::default()
    });
    payout_exclusion::Entity::insert_many(rows)
        .exec_without_returning(tx)
        .await?;
    payout_item::Entity::update_many()
        .col_expr(payout_item::Column::Included, Expr::value(false))
        .col_expr(payout_item::Column::DecidedBy, Expr::value(person_id))
        .filter(payout_item::Column::Id.is_in(items.iter().map(|item| item.id)))
        .exec(tx)
        .await?;
    Ok(())
}

async fn put_back(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    items: &[payout_item::Model],
    person_id: i64,
) -> Result<()> {
    for item in items {
        payout_exclusion::Entity::update_many()
            .col_expr(payout_exclusion::Column::LiftedBy, Expr::value(person_id))
            .col_expr(payout_exclusion::Column::LiftedAt, Expr::value(ctx.now()))
            .filter(payout_exclusion::Column::RunId.eq(item.run_id))
            .filter(payout_exclusion::Column::PartnerId.eq(item.partner_id))
            .filter(payout_exclusion::Column::Currency.eq(&item.currency))
            .filter(payout_exclusion::Column::LiftedAt.is_null())
            .exec(tx)
            .await?;
    }
    payout_item::Entity::update_many()
        .col_expr(payout_item::Column::DecidedBy, Expr::value(None::<i64>))
        .col_expr(
            payout_item::Column::Included,
            payout_item::Column::Reason.is_null(),
        )
        .filter(payout_item::Column::Id.is_in(items.iter().map(|item| item.id)))
        .exec(tx)
        .await?;
    Ok(())
}
