//! What happens because time has passed.
//!
//! Each entry has a row in `setting` that says when it is due next. Whoever moves that row on does
//! the entry, so several processes do it once; whoever dies over it leaves it to the next turn. All
//! entries may be repeated without harm. The time is the portal's, so moving the demonstration's
//! clock makes everything due.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use chrono::{DateTime, Datelike, SecondsFormat, TimeDelta, Utc};
use entity::setting;
use futures::FutureExt;
use futures::future::BoxFuture;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use service::{
    Context, Error, Result, billing, commission, deal, identity, learning, partner, payout,
    sent_form, system, tier,
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::engine::Engine;
use crate::session;

/// How often it is looked whether something is due.
pub const TICK: Duration = Duration::from_secs(1);

/// Something to do every so often; says how much it did.
struct Entry {
    name: &'static str,
    every: TimeDelta,
    work: for<'a> fn(&'a Engine, &'a Context) -> BoxFuture<'a, Result<u64>>,
}

/// The calendar.
const ENTRIES: &[Entry] = &[
    Entry {
        name: "beat",
        every: TimeDelta::minutes(1),
        work: |_, ctx| beat(ctx).boxed(),
    },
    Entry {
        name: "sessions",
        every: TimeDelta::hours(1),
        work: |engine, _| session::purge(&engine.db).boxed(),
    },
    Entry {
        name: "maturity",
        every: TimeDelta::minutes(1),
        work: |_, ctx| commission::mature(ctx).boxed(),
    },
    Entry {
        name: "plan_moves",
        every: TimeDelta::minutes(1),
        work: |_, ctx| partner::plan_moves_due(ctx).boxed(),
    },
    Entry {
        name: "attempts",
        every: TimeDelta::minutes(1),
        work: |_, ctx| learning::expire_due(ctx).boxed(),
    },
    Entry {
        name: "deals",
        every: TimeDelta::minutes(5),
        work: |_, ctx| deal::daily(ctx).boxed(),
    },
    Entry {
        name: "tiers",
        every: TimeDelta::hours(1),
        work: |_, ctx| tiers(ctx).boxed(),
    },
    Entry {
        name: "payout_runs",
        every: TimeDelta::hours(1),
        work: |_, ctx| payout::due::draft_due(ctx).boxed(),
    },
    Entry {
        name: "payout_jobs",
        every: TimeDelta::minutes(5),
        work: |_, ctx| payout::sweep::sweep(ctx).boxed(),
    },
    Entry {
        name: "stale_links",
        every: TimeDelta::days(1),
        work: |_, ctx| identity::throttle::forget_stale(ctx).boxed(),
    },
    Entry {
        name: "sent_forms",
        every: TimeDelta::days(1),
        work: |_, ctx| sent_form::forget(ctx).boxed(),
    },
    Entry {
        name: "missed_invoices",
        every: TimeDelta::hours(1),
        work: |engine, ctx| missed_invoices(engine, ctx).boxed(),
    },
    Entry {
        name: "reconciliation",
        every: TimeDelta::hours(6),
        work: |engine, ctx| reconciliation(engine, ctx).boxed(),
    },
];

/// Says in the database that workers are alive, for those who look at another process's pages.
async fn beat(ctx: &Context) -> Result<u64> {
    system::note_beat(ctx).await?;
    Ok(0)
}

/// How far back invoices are listed: Stripe itself tries to deliver an event for three days.
const INVOICES_BACK: TimeDelta = TimeDelta::days(4);
/// How far back transfers are compared.
const TRANSFERS_BACK: TimeDelta = TimeDelta::days(40);

/// Where it stands which quarter was reviewed last, such as `2026-4`.
const REVIEWED_QUARTER: &str = "tiers_reviewed";

/// Promotions at once, notices of demotion once a quarter. A portal's first quarter gives none: its
/// partners have just been put where they are.
async fn tiers(ctx: &Context) -> Result<u64> {
    let now = ctx.now();
    let quarter = format!("{}-{}", now.year(), now.month0() / 3 + 1);
    let last = setting::Entity::find_by_id(REVIEWED_QUARTER)
        .one(ctx.reader())
        .await?;
    let quarterly = last.as_ref().is_some_and(|last| last.value != quarter);
    let reviewed = tier::review_all(ctx, quarterly).await?;
    if quarterly || last.is_none() {
        let tx = ctx.begin().await?;
        setting::Entity::insert(setting::ActiveModel {
            id: Set(REVIEWED_QUARTER.to_owned()),
            value: Set(quarter),
        })
        .on_conflict(
            OnConflict::column(setting::Column::Id)
                .update_column(setting::Column::Value)
                .to_owned(),
        )
        .exec_without_returning(&*tx)
        .await?;
        tx.commit().await?;
    }
    Ok(reviewed.up + reviewed.noticed + reviewed.down + reviewed.recovered)
}

async fn missed_invoices(engine: &Engine, ctx: &Context) -> Result<u64> {
    let since = ctx.now() - INVOICES_BACK;
    let swept = billing::sweep::sweep(ctx, engine.gateway.as_ref(), since).await?;
    for (invoice, cause) in &swept.failed {
        tracing::warn!(%invoice, %cause, "a missed invoice could not be handled");
    }
    Ok(swept.caught_up.len() as u64)
}

async fn reconciliation(engine: &Engine, ctx: &Context) -> Result<u64> {
    let since = ctx.now() - TRANSFERS_BACK;
    let summary = payout::reconcile::run(ctx, engine.gateway.as_ref(), since).await?;
    Ok(summary.open as u64)
}

/// Does what is due, one after the other, until `stop`.
pub async fn run_due(engine: &Engine, stop: &CancellationToken) {
    for entry in ENTRIES {
        if stop.is_cancelled() {
            return;
        }
        let span = tracing::info_span!("calendar", entry = entry.name);
        let ran = AssertUnwindSafe(run(engine, entry))
            .catch_unwind()
            .instrument(span.clone())
            .await;
        let result = ran.unwrap_or_else(|_| Err(Error::internal("panic; the log has it")));
        let _in_span = span.entered();
        match result {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "done"),
            Err(error) => tracing::error!(%error, "failed; it is tried again next time"),
        }
    }
}

async fn run(engine: &Engine, entry: &Entry) -> Result<u64> {
    let ctx = engine.context(format!("calendar-{}", entry.name)).await?;
    if !claim(&ctx, entry.name, entry.every).await? {
        return Ok(0);
    }
    engine.beat();
    (entry.work)(engine, &ctx).await
}

/// Whether it is this process's turn: the row is moved from what was read to the next time.
async fn claim(ctx: &Context, name: &str, every: TimeDelta) -> Result<bool> {
    let id = format!("due:{name}");
    let now = ctx.now();
    let next = (now + every).to_rfc3339_opts(SecondsFormat::Micros, true);
    match setting::Entity::find_by_id(&id).one(ctx.reader()).await? {
        Some(row) => {
            let due = DateTime::parse_from_rfc3339(&row.value).map(|at| at.with_timezone(&Utc));
            // Further away than ever set: the clock was put back.
            if due.is_ok_and(|due| due > now && due <= now + every) {
                return Ok(false);
            }
            let tx = ctx.begin().await?;
            let moved = setting::Entity::update_many()
                .col_expr(setting::Column::Value, Expr::value(next))
                .filter(setting::Column::Id.eq(id))
                .filter(setting::Column::Value.eq(row.value))
                .exec(&*tx)
                .await?;
            tx.commit().await?;
            Ok(moved.rows_affected == 1)
        }
        None => {
            let tx = ctx.begin().await?;
            let made = setting::Entity::insert(setting::ActiveModel {
                id: Set(id),
                value: Set(next),
            })
            .on_conflict(
                OnConflict::column(setting::Column::Id)
                    .do_nothing()
                    .to_owned(),
            )
            .exec_without_returning(&*tx)
            .await?;
            tx.commit().await?;
            Ok(made == 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = ENTRIES.iter().map(|e| e.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
