//! The outbox: work that is asked for inside a transaction and done after it, at least once.
//!
//! A job is a row. A worker claims due rows for a while with one `UPDATE … RETURNING`
//! (`FOR UPDATE SKIP LOCKED` on PostgreSQL, where several processes claim at once) and runs them;
//! a worker that dies loses its claim when the time is over. Jobs are therefore written so that
//! running them twice does no harm. A job that keeps failing ends `dead`, where a person looks.
//!
//! A worker may also lose its claim while it lives: the database stalls, the machine sleeps, the
//! clock jumps. Each claim therefore writes a random word of its own, and only who holds that word
//! says how the job ended. What a worker says after it lost the job counts for nothing: whoever has
//! it now has looked later, and a job that one of them found unsettled must not be called done.

use chrono::{DateTime, TimeDelta, Utc};
use entity::job::{ActiveModel, Column, Entity};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait,
    FromQueryResult, QueryFilter, Statement, UpdateMany, sea_query::Expr, sea_query::OnConflict,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::context::Context;
use crate::error::{Error, Result};

/// How long a claim lasts where nothing else is set. Longer than any outside call may take.
pub const CLAIM: TimeDelta = TimeDelta::seconds(120);
/// Tries before a job is dead.
const ATTEMPTS: i64 = 12;

/// Asks for `kind` to be done at `run_at` with `payload`. With a `dedupe_key`, asking twice is
/// asking once, also after it was done.
///
/// # Errors
/// When the database refuses.
pub async fn enqueue(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    kind: &'static str,
    payload: &impl Serialize,
    dedupe_key: Option<String>,
    run_at: DateTime<Utc>,
) -> Result<()> {
    let insert = Entity::insert(ActiveModel {
        kind: Set(kind.to_owned()),
        payload: Set(serde_json::to_value(payload)?),
        dedupe_key: Set(dedupe_key),
        run_at: Set(run_at),
        attempts: Set(0),
        status: Set("waiting".to_owned()),
        created_at: Set(ctx.now()),
        ..Default::default()
    })
    .on_conflict(
        OnConflict::column(Column::DedupeKey)
            .do_nothing()
            .to_owned(),
    );
    insert.exec_without_returning(tx).await?;
    Ok(())
}

/// Has `kind` done soon under this key, whether it was never asked for, is planned for later, was done
/// or was given up. One that a worker has in hand is left to it.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn wake(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    kind: &'static str,
    payload: &impl Serialize,
    dedupe_key: String,
) -> Result<()> {
    enqueue(ctx, tx, kind, payload, Some(dedupe_key.clone()), ctx.now()).await?;
    let now = ctx.now();
    let free = Condition::any()
        .add(Column::Status.ne("waiting"))
        .add(Column::ClaimedUntil.is_null())
        .add(Column::ClaimedUntil.lte(now));
    Entity::update_many()
        .col_expr(Column::Status, Expr::value("waiting"))
        .col_expr(Column::RunAt, Expr::value(now))
        .col_expr(Column::Attempts, Expr::value(0_i64))
        .col_expr(Column::ClaimedUntil, Expr::value(None::<DateTime<Utc>>))
        // Who had it when its claim ran out does not end what is asked for now.
        .col_expr(Column::Claim, Expr::value(None::<String>))
        .col_expr(Column::FinishedAt, Expr::value(None::<DateTime<Utc>>))
        .filter(Column::DedupeKey.eq(dedupe_key))
        .filter(free)
        .exec(tx)
        .await?;
    Ok(())
}

/// Asks for many of a kind at once, each with the key under which asking twice is asking once.
///
/// # Errors
/// When the database refuses.
pub async fn enqueue_many<T: Serialize>(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    kind: &'static str,
    jobs: impl Iterator<Item = (T, String)>,
    run_at: DateTime<Utc>,
) -> Result<()> {
    let rows = jobs
        .map(|(payload, dedupe_key)| {
            Ok(entity::job::ActiveModel {
                kind: Set(kind.to_owned()),
                payload: Set(serde_json::to_value(payload)?),
                dedupe_key: Set(Some(dedupe_key)),
                run_at: Set(run_at),
                attempts: Set(0),
                status: Set("waiting".to_owned()),
                created_at: Set(ctx.now()),
                ..Default::default()
            })
        })
        .collect::<Result<Vec<_>>>()?;
    for rows in rows.chunks(100) {
        entity::job::Entity::insert_many(rows.to_vec())
            .on_conflict(
                OnConflict::column(entity::job::Column::DedupeKey)
                    .do_nothing()
                    .to_owned(),
            )
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// A claimed job.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Claimed {
    /// `job.id`.
    pub id: i64,
    /// What to do.
    pub kind: String,
    /// With what.
    pub payload: serde_json::Value,
    /// How often it was tried, this time included.
    pub attempts: i64,
    /// The claim's own word.
    pub claim: String,
}

impl Claimed {
    /// The payload as the type it was enqueued with.
    ///
    /// # Errors
    /// [`Error::Internal`] when it is not of that type.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_value(self.payload.clone())
            .map_err(|e| Error::Internal(format!("job {} ({}): {e}", self.id, self.kind)))
    }
}

/// Claims up to `limit` due jobs, each for as long as `lasts`.
///
/// # Errors
/// When the database is not available.
pub async fn claim(ctx: &Context, limit: u64, lasts: TimeDelta) -> Result<Vec<Claimed>> {
    let tx = ctx.begin().await?;
    let backend = ctx.db.backend();
    let skip = if backend == DbBackend::Postgres {
        "FOR UPDATE SKIP LOCKED"
    } else {
        ""
    };
    let now = ctx.now();
    let word = hex::encode(rand::random::<[u8; 16]>());
    let statement = Statement::from_sql_and_values(
        backend,
        format!(
            "UPDATE job SET claimed_until = $1, claim = $4, attempts = attempts + 1 WHERE id IN ( \
               SELECT id FROM job WHERE status = 'waiting' AND run_at <= $2 \
               AND (claimed_until IS NULL OR claimed_until <= $2) \
               ORDER BY run_at, id LIMIT $3 {skip}) \
             RETURNING id, kind, payload, attempts, claim"
        ),
        [
            (now + lasts).into(),
            now.into(),
            (limit as i64).into(),
            word.into(),
        ],
    );
    let mut claimed = Claimed::find_by_statement(statement).all(&*tx).await?;
    tx.commit().await?;
    claimed.sort_by_key(|j| j.id);
    Ok(claimed)
}

/// Ends a claim: `change` says what becomes of the job. False when the claim was lost; nothing is
/// changed then, and the log says so.
async fn end(
    tx: &impl ConnectionTrait,
    job: &Claimed,
    change: impl FnOnce(UpdateMany<Entity>) -> UpdateMany<Entity>,
) -> Result<bool> {
    let ended = change(Entity::update_many())
        .col_expr(Column::ClaimedUntil, Expr::value(None::<DateTime<Utc>>))
        .col_expr(Column::Claim, Expr::value(None::<String>))
        .filter(Column::Id.eq(job.id))
        .filter(Column::Status.eq("waiting"))
        .filter(Column::Claim.eq(&job.claim))
        .exec(tx)
        .await?;
    let held = ended.rows_affected == 1;
    if !held {
        tracing::warn!(
            job = job.id,
            kind = %job.kind,
            "the claim was lost meanwhile; whoever has the job now says how it ends"
        );
    }
    Ok(held)
}

/// Marks a job done, inside the transaction that did it where there is one. False when the claim
/// was lost.
///
/// # Errors
/// When the database refuses.
pub async fn done(ctx: &Context, tx: &impl ConnectionTrait, job: &Claimed) -> Result<bool> {
    let now = ctx.now();
    end(tx, job, |update| {
        update
            .col_expr(Column::Status, Expr::value("done"))
            .col_expr(Column::FinishedAt, Expr::value(now))
    })
    .await
}

/// Plans a job's next step: it has not failed, so the count of its tries starts anew. False when the
/// claim was lost.
///
/// # Errors
/// When the database refuses.
pub async fn again(tx: &impl ConnectionTrait, job: &Claimed, at: DateTime<Utc>) -> Result<bool> {
    end(tx, job, |update| {
        update
            .col_expr(Column::RunAt, Expr::value(at))
            .col_expr(Column::Attempts, Expr::value(0_i64))
            .col_expr(Column::Error, Expr::value(None::<String>))
    })
    .await
}

/// Notes a failure and plans the next try, each wait twice the one before (5 s … about 3 h); after
/// the last try the job is dead. False when the claim was lost.
///
/// # Errors
/// When the database refuses.
pub async fn failed(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    job: &Claimed,
    cause: &str,
) -> Result<bool> {
    let dead = job.attempts >= ATTEMPTS;
    let wait = TimeDelta::seconds(5 << job.attempts.clamp(1, 11));
    let at = ctx.now() + wait;
    end(tx, job, |update| {
        update
            .col_expr(
                Column::Status,
                Expr::value(if dead { "dead" } else { "waiting" }),
            )
            .col_expr(Column::RunAt, Expr::value(at))
            .col_expr(Column::Error, Expr::value(cause))
    })
    .await
}
