//! Runs that the calendar drafts: once a month, on the program's payout day.

use chrono::{DateTime, Datelike, Utc};
use domain::calendar;
use domain::payout::{RunStatus, next_payout_date};
use entity::{payout_run, program as programs};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter};

use super::run::{self, NewRun};
use crate::context::Context;
use crate::error::Result;
use crate::program;

/// Drafts the month's run of every program whose payout day has come, if there is something to pay
/// and finance has not drafted it already. Says how many there were. Nothing is paid by it: people
/// submit and approve, as they do with a run drafted by hand.
///
/// # Errors
/// When the database refuses.
pub async fn draft_due(ctx: &Context) -> Result<u64> {
    let mut drafted = 0;
    for program in program::all(ctx.reader()).await? {
        drafted += u64::from(draft_for(ctx, &program).await?);
    }
    Ok(drafted)
}

async fn draft_for(ctx: &Context, program: &programs::Model) -> Result<bool> {
    let zone = program::zone(program);
    let today = calendar::local_date(ctx.now(), zone);
    let policy = program::policy_at(ctx.reader(), program.id, ctx.now()).await?;
    let day = u32::try_from(policy.payout_day).unwrap_or(1);
    let of_this_month = today
        .with_day(1)
        .and_then(|first| next_payout_date(first, day))
        .filter(|date| *date <= today);
    let Some(date) = of_this_month else {
        return Ok(false);
    };
    let cutoff_at = calendar::start_of_day(date, zone);
    if is_taken_care_of(ctx.reader(), program.id, cutoff_at).await?
        || !run::pays_somebody(ctx, program.id, cutoff_at).await?
    {
        return Ok(false);
    }
    let new = NewRun {
        program_id: program.id,
        cutoff_at,
        note: "Drafted by the calendar.".to_owned(),
    };
    run::write_draft(ctx, new, None).await?;
    Ok(true)
}

/// Whether there is a run that pays what the month's would. A draft counts only if it covers the
/// month, so that a forgotten one of an earlier time does not stop the calendar. What finance gave up
/// pays nobody: it counts where it was the month's own run, which finance decided against, and not
/// where it was another one with a later cut-off.
async fn is_taken_care_of(
    db: &impl ConnectionTrait,
    program_id: i64,
    cutoff_at: DateTime<Utc>,
) -> Result<bool> {
    let canceled = RunStatus::Canceled.as_str();
    let covers = Condition::all()
        .add(payout_run::Column::CutoffAt.gte(cutoff_at))
        .add(payout_run::Column::Status.ne(canceled));
    let given_up = Condition::all()
        .add(payout_run::Column::CutoffAt.eq(cutoff_at))
        .add(payout_run::Column::Status.eq(canceled));
    let runs = payout_run::Entity::find()
        .filter(payout_run::Column::ProgramId.eq(program_id))
        .filter(Condition::any().add(covers).add(given_up))
        .count(db)
        .await?;
    Ok(runs > 0)
}
