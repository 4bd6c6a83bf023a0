//! The workers of this process: they work off the inbox, then jobs, and what is due by the calendar.
//!
//! They are woken by requests and otherwise look twice a second. Several processes may do this at
//! once: events and jobs are claimed in the database, and so is each turn of the calendar.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use sea_orm::{ColumnTrait, Condition, DbBackend, EntityTrait, QueryFilter, QuerySelect};
use service::inbox::process_batch;
use service::job::{self, Claimed};
use service::payout::Next;
use service::{Context, Error, Result};
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::engine::Engine;
use crate::{calendar, jobs};

/// How long an idle worker waits before it looks again.
const IDLE: Duration = Duration::from_millis(500);
/// How long a worker lets events gather after it has taken all there were: a batch of many costs
/// little more than a batch of one.
const GATHER: Duration = Duration::from_millis(50);
/// How long a worker waits for another to be done with the inbox; a batch takes a fifth of it.
const ALONE: Duration = Duration::from_millis(500);
/// How long a worker waits after the database has failed it.
const AFTER_FAILURE: Duration = Duration::from_secs(2);
/// Webhook events handled in one transaction.
const BATCH: u64 = 256;
/// Jobs one worker has in hand at a time. Each takes at most half a minute, which a claim of the usual
/// length outlasts; who loses one all the same cannot say how it ended.
const HAND: u64 = 8;

/// Starts `count` workers and the calendar. They end after `stop`, when what they have in hand is
/// done.
pub fn start(engine: &Engine, count: usize, stop: &CancellationToken) -> TaskTracker {
    let tasks = TaskTracker::new();
    if count > 0 {
        engine.beat();
        let inbox = Arc::new(Mutex::new(()));
        for _ in 0..count {
            tasks.spawn(work(engine.clone(), Arc::clone(&inbox), stop.clone()));
        }
        tasks.spawn(keep_calendar(engine.clone(), stop.clone()));
    }
    tasks.close();
    tasks
}

/// `inbox` is taken by whoever works the inbox off, where one at a time is faster.
async fn work(engine: Engine, inbox: Arc<Mutex<()>>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        engine.beat();
        let pause = match turn(&engine, &inbox).await {
            Ok(true) => continue,
            Ok(false) => {
                if let Err(error) = engine.db.rest().await {
                    tracing::warn!(%error, "the writer kept its memory");
                }
                IDLE
            }
            Err(error) => {
                tracing::error!(%error, "a worker could not work");
                AFTER_FAILURE
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = engine.wake.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// One round; says whether there was anything to do.
async fn turn(engine: &Engine, inbox: &Mutex<()>) -> Result<bool> {
    let ctx = engine.context("worker").await?;
    let worked = run_inbox(engine, &ctx, inbox).await?;
    let ran = run_jobs(engine, &ctx).await?;
    Ok(worked > 0 || ran)
}

/// Works off stored webhooks; says how many there were.
async fn run_inbox(engine: &Engine, ctx: &Context, inbox: &Mutex<()>) -> Result<u64> {
    use entity::webhook_event::{Column, Entity};
    // SQLite has one writer at a time: two workers would only make smaller batches of the same
    // events, and each batch keeps those waiting that are being stored.
    // One that waits for Stripe keeps nobody waiting for long.
    let _alone = match engine.db.backend() {
        DbBackend::Sqlite => timeout(ALONE, inbox.lock()).await.ok(),
        _ => None,
    };
    let due = Condition::any()
        .add(Column::NextAttemptAt.is_null())
        .add(Column::NextAttemptAt.lte(ctx.now()));
    // Working takes SQLite's write lock; looking first does not.
    let waiting = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Status.eq("received"))
        .filter(due)
        .limit(1)
        .into_tuple::<i64>()
        .one(ctx.reader())
        .await?;
    if waiting.is_none() {
        return Ok(0);
    }
    let worked = process_batch(ctx, engine.gateway.as_ref(), BATCH).await?;
    if worked.total() < BATCH {
        tokio::time::sleep(GATHER).await;
    }
    Ok(worked.total())
}

/// Claims jobs and runs them beside each other; says whether there were any.
async fn run_jobs(engine: &Engine, ctx: &Context) -> Result<bool> {
    if !any_due(ctx).await? {
        return Ok(false);
    }
    let claimed = job::claim(ctx, HAND, engine.claim).await?;
    let some = !claimed.is_empty();
    for outcome in join_all(claimed.into_iter().map(|job| run_job(engine, job))).await {
        outcome?;
    }
    Ok(some)
}

async fn any_due(ctx: &Context) -> Result<bool> {
    use entity::job::{Column, Entity};
    let now = ctx.now();
    let unclaimed = Condition::any()
        .add(Column::ClaimedUntil.is_null())
        .add(Column::ClaimedUntil.lte(now));
    let due = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Status.eq("waiting"))
        .filter(Column::RunAt.lte(now))
        .filter(unclaimed)
        .limit(1)
        .into_tuple::<i64>()
        .one(ctx.reader())
        .await?;
    Ok(due.is_some())
}

/// Runs one job and notes how it went. Fails only when that cannot be noted.
async fn run_job(engine: &Engine, job: Claimed) -> Result<()> {
    let span = tracing::info_span!("job", id = job.id, kind = %job.kind);
    async {
        let ctx = engine.context(format!("job-{}", job.id)).await?;
        let ran = AssertUnwindSafe(jobs::run(engine, &ctx, &job))
            .catch_unwind()
            .await;
        let result = ran.unwrap_or_else(|_| Err(Error::internal("panic; the log has it")));
        let tx = ctx.begin().await?;
        match result {
            Ok(Next::Done) => {
                job::done(&ctx, &*tx, &job).await?;
                tracing::debug!("job done");
            }
            Ok(Next::Again(at)) => {
                job::again(&*tx, &job, at).await?;
                tracing::debug!(%at, "job goes on later");
            }
            Err(error) => {
                let cause = cause(&error);
                tracing::warn!(attempt = job.attempts, %cause, "job failed");
                job::failed(&ctx, &*tx, &job, &cause).await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }
    .instrument(span)
    .await
}

/// What the log and the list of dead jobs say.
fn cause(error: &Error) -> String {
    match error {
        Error::Unavailable { message, cause } => format!("{message} ({cause})"),
        other => other.to_string(),
    }
}

async fn keep_calendar(engine: Engine, stop: CancellationToken) {
    while !stop.is_cancelled() {
        engine.beat();
        calendar::run_due(&engine, &stop).await;
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(calendar::TICK) => {}
        }
    }
}
