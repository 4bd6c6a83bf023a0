//! Nothing that is open stays without a job: what was lost is asked for again.

use chrono::{DateTime, Utc};
use entity::payout_run;
use sea_orm::{ConnectionTrait, EntityTrait, FromQueryResult, Statement};

use super::jobs;
use crate::context::Context;
use crate::error::Result;
use crate::job;

/// Has a payout worked on soon, whatever became of the job it had. One that a worker has in hand is
/// left alone.
pub(super) async fn wake(ctx: &Context, db: &impl ConnectionTrait, payout_id: i64) -> Result<()> {
    let key = format!("{}:{payout_id}", jobs::WORK);
    job::wake(ctx, db, jobs::WORK, &jobs::Payout { payout_id }, key).await
}

/// Has what a run has not sent yet worked on soon, where its jobs are there and wait for later.
pub(super) async fn wake_payouts(
    ctx: &Context,
    db: &impl ConnectionTrait,
    run_id: i64,
) -> Result<()> {
    let statement = Statement::from_sql_and_values(
        db.get_database_backend(),
        "UPDATE job SET run_at = $1, claimed_until = NULL, claim = NULL \
         WHERE status = 'waiting' AND run_at > $1 \
         AND (claimed_until IS NULL OR claimed_until <= $1) \
         AND dedupe_key IN (SELECT 'payout.work:' || CAST(p.id AS TEXT) FROM payout p \
           WHERE p.run_id = $2 AND p.status = 'intended')",
        [ctx.now().into(), run_id.into()],
    );
    db.execute_raw(statement).await?;
    Ok(())
}

/// Has an approved run looked at soon.
pub(super) async fn wake_run(ctx: &Context, db: &impl ConnectionTrait, run_id: i64) -> Result<()> {
    let key = format!("{}:{run_id}", jobs::START_RUN);
    job::wake(ctx, db, jobs::START_RUN, &jobs::Run { run_id }, key).await
}

#[derive(FromQueryResult)]
struct Lost {
    id: i64,
}

/// Open payouts without a job that waits, oldest first. An intended one gets its job when its run is
/// sent.
pub(crate) const WITHOUT_JOB: &str = "\
    SELECT p.id FROM payout p JOIN payout_run r ON r.id = p.run_id \
    WHERE p.status IN ('intended', 'sending', 'unknown') \
    AND (p.status <> 'intended' OR r.status = 'sending') \
    AND NOT EXISTS (SELECT 1 FROM job j WHERE j.status = 'waiting' \
      AND j.dedupe_key = 'payout.work:' || CAST(p.id AS TEXT)) ORDER BY p.id";

/// Approved runs without a job that waits.
const RUNS_WITHOUT_JOB: &str = "\
    SELECT r.id FROM payout_run r WHERE r.status IN ('approved', 'waiting_for_balance') \
    AND r.frozen_at IS NOT NULL \
    AND NOT EXISTS (SELECT 1 FROM job j WHERE j.status = 'waiting' \
      AND j.dedupe_key = 'payout.run:' || CAST(r.id AS TEXT)) ORDER BY r.id";

/// Approved runs that are not frozen whole, without a job that goes on with it.
const FREEZING_WITHOUT_JOB: &str = "\
    SELECT r.id FROM payout_run r WHERE r.status = 'approved' AND r.frozen_at IS NULL \
    AND NOT EXISTS (SELECT 1 FROM job j WHERE j.status = 'waiting' \
      AND j.dedupe_key = 'payout.freeze:' || CAST(r.id AS TEXT)) ORDER BY r.id";

/// Canceled runs that have not given everything back, without a job that goes on with it.
const GIVING_WITHOUT_JOB: &str = "\
    SELECT r.id FROM payout_run r WHERE r.status = 'canceled' \
    AND EXISTS (SELECT 1 FROM payout p WHERE p.run_id = r.id AND p.status = 'intended') \
    AND NOT EXISTS (SELECT 1 FROM job j WHERE j.status = 'waiting' \
      AND j.dedupe_key = 'payout.give_back:' || CAST(r.id AS TEXT)) ORDER BY r.id";

/// Gives every open payout and every approved run its job back; says how many had lost it.
///
/// # Errors
/// When the database is not available.
pub async fn sweep(ctx: &Context) -> Result<u64> {
    // Every backup made from now on knows whose it is.
    super::watch::installation(ctx).await?;
    let lost = |sql: &str| {
        Lost::find_by_statement(Statement::from_string(ctx.db.backend(), sql.to_owned()))
    };
    let payouts = lost(WITHOUT_JOB).all(ctx.reader()).await?;
    let runs = lost(RUNS_WITHOUT_JOB).all(ctx.reader()).await?;
    let freezing = lost(FREEZING_WITHOUT_JOB).all(ctx.reader()).await?;
    let giving = lost(GIVING_WITHOUT_JOB).all(ctx.reader()).await?;
    if [&payouts, &runs, &freezing, &giving]
        .iter()
        .all(|rows| rows.is_empty())
    {
        return Ok(0);
    }
    let tx = ctx.begin().await?;
    for row in &payouts {
        wake(ctx, &*tx, row.id).await?;
    }
    for row in &runs {
        wake_run(ctx, &*tx, row.id).await?;
    }
    for (kind, rows) in [(jobs::FREEZE_RUN, &freezing), (jobs::GIVE_BACK, &giving)] {
        for row in rows {
            let key = format!("{kind}:{}", row.id);
            job::wake(ctx, &*tx, kind, &jobs::Run { run_id: row.id }, key).await?;
        }
    }
    tx.commit().await?;
    let count = payouts.len() + runs.len() + freezing.len() + giving.len();
    tracing::warn!(count, "payouts or runs had lost their job");
    Ok(count as u64)
}

/// Notes what a run waits for, or with `None` that it waits no longer; true when that is new.
pub(super) async fn waits(
    ctx: &Context,
    db: &impl ConnectionTrait,
    run_id: i64,
    sentence: Option<&str>,
) -> Result<bool> {
    use payout_run::Column;
    use sea_orm::{ColumnTrait, Condition, QueryFilter, sea_query::Expr};
    let since: Option<DateTime<Utc>> = sentence.map(|_| ctx.now());
    let other = match sentence {
        Some(sentence) => Condition::any()
            .add(Column::WaitsFor.is_null())
            .add(Column::WaitsFor.ne(sentence)),
        None => Condition::all().add(Column::WaitsFor.is_not_null()),
    };
    let changed = payout_run::Entity::update_many()
        .col_expr(Column::WaitsFor, Expr::value(sentence.map(str::to_owned)))
        .col_expr(Column::WaitsSince, Expr::value(since))
        .filter(Column::Id.eq(run_id))
        .filter(Column::Status.is_in(["approved", "waiting_for_balance", "sending"]))
        .filter(other)
        .exec(db)
        .await?
        .rows_affected;
    Ok(changed == 1)
}
