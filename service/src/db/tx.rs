//! A write transaction whose end is believed only when it happened.
//!
//! # What sqlx and SQLite do when the disk is full
//!
//! On `SQLITE_FULL`, `IOERR`, `NOMEM` and `INTERRUPT` SQLite may roll the whole transaction back by
//! itself; so does a trigger's `RAISE(ROLLBACK)`, which is the shortest way to see it. With
//! sqlx-sqlite 0.9.0, on one connection and with such a trigger on `full`:
//!
//! ```text
//! let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
//! sqlx::query("INSERT INTO full VALUES (1)").execute(&mut *tx).await    // fails; no transaction now
//! tx.rollback().await              // "cannot rollback - no transaction is active"
//! connection.is_in_transaction()   // true: a failed ROLLBACK does not lower the depth (worker.rs)
//! connection.begin().await?        // sends SAVEPOINT, which opens a transaction
//! sqlx::query("INSERT INTO kept VALUES (1)").execute(…).await?
//! tx.commit().await?               // Ok, and sends RELEASE of the inner savepoint: nothing is kept
//! ```
//!
//! SeaORM 2.0.4 asks for that depth and sends `SAVEPOINT` too. From then on every commit is "Ok",
//! nothing is on disk, and the write lock is held until the process ends. What would mend it
//! upstream: `Command::Rollback` sets the depth to 0 when `sqlite3_get_autocommit` says that there
//! is no transaction. Until then the connection is not used again ([`replacing`]), and SQLite
//! itself is asked whether it has committed ([`Watch`]).
//!
//! A second one of the same version: `fetch_one` and `fetch_optional` reset the statement after the
//! first row and drop what the reset answers (`ExecuteIter::drop`). For `INSERT … RETURNING` outside
//! a transaction that is where SQLite commits, and inside one where it checks foreign keys: a row is
//! handed out that was never kept. Here every statement is run to its end.
//!
//! # PostgreSQL
//!
//! `COMMIT` of a transaction in which a statement has failed rolls back and answers with the tag
//! `ROLLBACK`, which sqlx takes for success. So after a failed statement nothing more is sent, and
//! there is no commit.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use sea_orm::sqlx::sqlite::SqlitePoolOptions;
use sea_orm::sqlx::{Connection, SqliteConnection};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement,
};

use super::trouble::Trouble;

/// What is known of one write transaction.
#[derive(Debug, Default)]
struct Known {
    /// Statements that began and have not ended well.
    unfinished: AtomicUsize,
    /// One of them has failed.
    failed: AtomicBool,
    /// SQLite has said that it commits.
    committed: AtomicBool,
}

/// The transaction that was begun last on the one connection that writes to SQLite.
#[derive(Debug, Default)]
pub(super) struct Watch(Mutex<Arc<Known>>);

impl Watch {
    fn last(&self) -> Arc<Known> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn begun(&self) -> Arc<Known> {
        let known = Arc::<Known>::default();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&known);
        known
    }

    /// Has the pool replace the connection after a failure and listen to what SQLite says of its
    /// commits: see the module.
    pub(super) fn over(self: &Arc<Self>, pool: SqlitePoolOptions) -> SqlitePoolOptions {
        let (asked, listening) = (Arc::clone(self), Arc::clone(self));
        // The next connection begins without a past.
        let fit = move || asked.last().unfinished.swap(0, Ordering::AcqRel) == 0;
        replacing(pool, fit).after_connect(move |connection, _| {
            let listening = Arc::clone(&listening);
            Box::pin(async move {
                connection.lock_handle().await?.set_commit_hook(move || {
                    listening.last().committed.store(true, Ordering::Release);
                    true
                });
                Ok(())
            })
        })
    }
}

/// Has the pool close a connection, and open another in its place, that sqlx believes to be in a
/// transaction although nobody has it, or that `fit` does not hold good.
pub(super) fn replacing(
    pool: SqlitePoolOptions,
    fit: impl Fn() -> bool + Send + Sync + 'static,
) -> SqlitePoolOptions {
    pool.before_acquire(move |connection: &mut SqliteConnection, _| {
        // Both are asked: the first must not keep the second from being reset.
        let fit = fit() & !connection.is_in_transaction();
        if !fit {
            tracing::warn!("a connection to the database is replaced after a failure");
        }
        Box::pin(std::future::ready(Ok(fit)))
    })
}

/// A write transaction. Dereferences to [`Writes`], so `&*tx` is a connection.
#[derive(Debug)]
pub struct Tx(Writes);

impl Tx {
    /// Of a transaction that has just begun; on SQLite with the writer's watch.
    pub(super) fn new(inner: DatabaseTransaction, watch: Option<&Watch>, trouble: Trouble) -> Self {
        Self(Writes {
            inner,
            known: watch.map(Watch::begun).unwrap_or_default(),
            trouble,
        })
    }

    /// Makes everything written so far permanent, all at once.
    ///
    /// # Errors
    /// When the database refuses, or when a statement before has failed or was broken off; nothing
    /// has been written then.
    pub async fn commit(self) -> Result<(), DbErr> {
        let Writes {
            inner,
            known,
            trouble,
        } = self.0;
        if known.unfinished.load(Ordering::Acquire) > 0 {
            return Err(after_failure());
        }
        let sqlite = inner.get_database_backend() == DbBackend::Sqlite;
        let mut ended = inner.commit().await;
        if ended.is_ok() && sqlite && !known.committed.load(Ordering::Acquire) {
            ended = Err(DbErr::Custom(
                "the commit was answered, but the database has not made it".to_owned(),
            ));
        }
        match &ended {
            Ok(()) => trouble.over(),
            Err(error) => trouble.note(error),
        }
        ended
    }
}

impl std::ops::Deref for Tx {
    type Target = Writes;

    fn deref(&self) -> &Writes {
        &self.0
    }
}

/// Where a write transaction's statements go.
#[derive(Debug)]
pub struct Writes {
    inner: DatabaseTransaction,
    known: Arc<Known>,
    trouble: Trouble,
}

impl Writes {
    /// Runs one statement, none after one that failed. One that is broken off stays unfinished.
    async fn run<T>(&self, statement: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        if self.known.failed.load(Ordering::Acquire) {
            return Err(after_failure());
        }
        self.known.unfinished.fetch_add(1, Ordering::AcqRel);
        let ended = statement.await;
        match &ended {
            Ok(_) => {
                self.known.unfinished.fetch_sub(1, Ordering::AcqRel);
            }
            Err(error) => {
                self.known.failed.store(true, Ordering::Release);
                self.trouble.note_if_storage(error);
            }
        }
        ended
    }
}

fn after_failure() -> DbErr {
    DbErr::Custom(
        "nothing was written: a statement of this transaction failed or was broken off".to_owned(),
    )
}

#[async_trait]
impl ConnectionTrait for Writes {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, stmt: Statement) -> Result<ExecResult, DbErr> {
        self.run(self.inner.execute_raw(stmt)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.run(self.inner.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, stmt: Statement) -> Result<Option<QueryResult>, DbErr> {
        // To its end, see the module.
        let rows = self.query_all_raw(stmt).await?;
        Ok(rows.into_iter().next())
    }

    async fn query_all_raw(&self, stmt: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.run(self.inner.query_all_raw(stmt)).await
    }
}
