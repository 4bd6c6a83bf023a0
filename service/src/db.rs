//! The database handle and its write transactions.
//!
//! SQLite has one writer at a time. A write transaction therefore takes the write lock when it
//! begins (`BEGIN IMMEDIATE`: a reader that turns writer half-way cannot wait and fails instead),
//! and inside one process writers queue in order for the one connection that writes, because
//! SQLite's own waiting is a sleep loop. PostgreSQL needs neither: its transactions compare and set
//! row by row.
//!
//! # The order of locks
//!
//! On PostgreSQL a transaction keeps every row it changes or locks until it ends, and two that take
//! the same rows in opposite order wait for each other until one of them is broken off. Whatever
//! moves money therefore takes what it needs in this order, and rows of one kind in the order of
//! their ids unless it is said otherwise:
//!
//! 1. customers at Stripe, by Stripe's id, and then their accounts: [`crate::billing`]'s `hold`.
//!    Whoever changes who is credited for an account begins with it, and only then touches deals,
//!    protections and attributions. Payouts have their run and themselves in this place.
//! 2. partners, where a plan asks what was earned before, `History::locked`, and where a payout may
//!    leave, `payout::gate`.
//! 3. lines of commission; a statement that changes several first calls `commission::hold_lines`.
//! 4. the partners' months, and after them those of the rules: `commission::month::add`.
//! 5. the ledger's accounts: [`crate::ledger::post_many`].
//!
//! The last two are shared by everyone and are booked once, at the end of the transaction. The parts
//! of a use case therefore do not book but hand back what there is to book (`commission::bookings`).
//! Nothing is tried again because of a deadlock: with this order there is none, and the tests ask
//! PostgreSQL whether there was.

mod trouble;
mod tx;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction,
    DbBackend, DbErr, IsolationLevel, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait,
};

use trouble::Trouble;
pub use tx::{Tx, Writes};
use tx::{Watch, replacing};

/// How long [`Db::unwritable`] tries to write.
const PROBE: Duration = Duration::from_secs(2);
/// How much it writes then: as much as a burst of events takes. What is left of a full disk may hold a
/// single page again and again, and no event.
const BURST: usize = 256 * 1024;

/// A connection pool, cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    pool: DatabaseConnection,
    /// SQLite: the one connection that writes, and what is known of it.
    writer: Option<(DatabaseConnection, Arc<Watch>)>,
    /// Why nothing can be written, if so.
    trouble: Trouble,
    /// Whether the writer may keep pages in memory, see [`Db::rest`].
    warm: Arc<AtomicBool>,
    /// SQLite: one connection that never writes and is never replaced, see [`Db::version`].
    watch: Option<DatabaseConnection>,
}

impl Db {
    /// Opens `sqlite://path?mode=rwc` or `postgres://…`. Does not migrate.
    ///
    /// # Errors
    /// When the database cannot be reached or the address is malformed.
    pub async fn connect(url: &str) -> Result<Self, DbErr> {
        // A payout's intent must survive a power cut before Stripe hears of it.
        Self::open(url, SqliteSynchronous::Full).await
    }

    /// The same for made-up data, which is loaded anew after a power cut: SQLite does not wait for
    /// the disk. For whoever serves people it is the wrong one.
    ///
    /// # Errors
    /// As [`Db::connect`].
    pub async fn connect_to_load(url: &str) -> Result<Self, DbErr> {
        Self::open(url, SqliteSynchronous::Off).await
    }

    async fn open(url: &str, durable: SqliteSynchronous) -> Result<Self, DbErr> {
        let sqlite = url.starts_with("sqlite:");
        let mut options = ConnectOptions::new(url);
        options
            .sqlx_logging(false)
            .connect_timeout(Duration::from_secs(10))
            .acquire_timeout(Duration::from_secs(30));
        if !sqlite {
            options
                .max_connections(16)
                .test_before_acquire_if_idle_for(Duration::from_secs(15));
            return Ok(Self {
                pool: Database::connect(options).await?,
                writer: None,
                trouble: Trouble::default(),
                warm: Arc::default(),
                watch: None,
            });
        }
        // A file does not hang up: asking before every query whether it is there costs as much as
        // the query.
        options.test_before_acquire(false);
        // Each connection's own cache, in KiB. Readers need little, because the system keeps the file
        // in memory anyway (and what is mapped would count as this process's); the writer changes
        // many pages of many indexes in one transaction. It changes the same ones in the next, so
        // they are carried over from the log to the file after 32 MB and not after 4.
        let with = |connections, cache: &'static str| {
            let mut options = options.clone();
            options
                .max_connections(connections)
                .map_sqlx_sqlite_opts(move |o| {
                    o.journal_mode(SqliteJournalMode::Wal)
                        .synchronous(durable)
                        .foreign_keys(true)
                        .busy_timeout(Duration::from_secs(15))
                        .create_if_missing(true)
                        // SQLite's thread reads on while the rows it has read are worked on.
                        .row_buffer_size(512)
                        .pragma("cache_size", cache)
                        .pragma("wal_autocheckpoint", "8000")
                        .pragma("temp_store", "memory")
                })
                // A snapshot that SQLite ends by itself leaves a reader as it leaves the writer.
                .map_sqlx_sqlite_pool_opts(|pool| replacing(pool, || true));
            options
        };
        let mut forever = with(1, "-1000");
        forever.idle_timeout(None).max_lifetime(None);
        let watch = Arc::<Watch>::default();
        let mut writer = with(1, "-16000");
        let watching = Arc::clone(&watch);
        writer.map_sqlx_sqlite_pool_opts(move |pool| watching.over(pool));
        Ok(Self {
            pool: Database::connect(with(5, "-1000")).await?,
            writer: Some((Database::connect(writer).await?, watch)),
            trouble: Trouble::default(),
            warm: Arc::default(),
            watch: Some(Database::connect(forever).await?),
        })
    }

    /// For reads outside a transaction.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.pool
    }

    /// Which of the two databases this is.
    pub fn backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }

    /// A word that is another one after every commit of any process: while it stays the same, so
    /// does everything that can be read.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn version(&self) -> Result<String, DbErr> {
        // SQLite counts the commits of others, so the connection that asks must not write; and each
        // connection counts from a start of its own, so it must always be the same one.
        // PostgreSQL's snapshot names every transaction that is not visible yet.
        let (db, question) = match &self.watch {
            Some(watch) => (
                watch,
                "SELECT CAST(data_version AS TEXT) FROM pragma_data_version",
            ),
            None => (&self.pool, "SELECT CAST(pg_current_snapshot() AS TEXT)"),
        };
        let row = db
            .query_one_raw(Statement::from_string(db.get_database_backend(), question))
            .await?;
        row.ok_or_else(|| DbErr::Custom("the database has no version".to_owned()))?
            .try_get_by_index(0)
    }

    /// Closes every connection.
    ///
    /// # Errors
    /// When a connection cannot be closed in order.
    pub async fn close(self) -> Result<(), DbErr> {
        let writer = self.writer.map(|(writer, _)| writer);
        for one in [self.watch, writer].into_iter().flatten() {
            one.close().await?;
        }
        self.pool.close().await
    }

    /// Gives back what the writer has in memory of the file; for when there is nothing to write.
    ///
    /// # Errors
    /// When the writer is not free in time.
    pub async fn rest(&self) -> Result<(), DbErr> {
        if let Some((writer, _)) = &self.writer
            && self.warm.swap(false, Ordering::Relaxed)
        {
            writer.execute_unprepared("PRAGMA shrink_memory").await?;
        }
        Ok(())
    }

    /// Begins a read transaction in which everything is of one moment, so that what is counted,
    /// added up and listed belongs together.
    ///
    /// # Errors
    /// When no connection is free in time.
    pub async fn snapshot(&self) -> Result<DatabaseTransaction, DbErr> {
        let options = match self.backend() {
            DbBackend::Postgres => TransactionOptions {
                isolation_level: Some(IsolationLevel::RepeatableRead),
                access_mode: Some(AccessMode::ReadOnly),
                ..TransactionOptions::default()
            },
            // A transaction of SQLite's reads what was there when it first read.
            _ => TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Deferred),
                ..TransactionOptions::default()
            },
        };
        self.pool.begin_with_options(options).await
    }

    /// Begins a write transaction. Dropping it without [`Tx::commit`] rolls it back.
    ///
    /// # Errors
    /// When no connection is free in time or the write lock stays taken.
    pub async fn begin(&self) -> Result<Tx, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let (pool, watch) = match &self.writer {
            Some((writer, watch)) => (writer, Some(&**watch)),
            None => (&self.pool, None),
        };
        self.warm.store(true, Ordering::Relaxed);
        // sqlx itself makes sure that this began a transaction, on a connection that had none.
        match pool.begin_with_options(options).await {
            Ok(begun) => Ok(Tx::new(begun, watch, self.trouble.clone())),
            Err(error) => {
                self.trouble.note(&error);
                Err(error)
            }
        }
    }

    /// Why nothing can be written; none while the last write was committed. Where it was not, one
    /// is tried: without it nobody would notice that the disk has room again.
    pub async fn unwritable(&self) -> Option<String> {
        self.trouble.cause()?;
        match tokio::time::timeout(PROBE, self.probe()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => self.trouble.cause(),
        }
    }

    async fn probe(&self) -> Result<(), DbErr> {
        for value in ["x".repeat(BURST), String::new()] {
            let tx = self.begin().await?;
            let statement = Statement::from_sql_and_values(
                self.backend(),
                "INSERT INTO setting (id, value) VALUES ('last:probe', $1) \
                 ON CONFLICT (id) DO UPDATE SET value = excluded.value",
                [value.into()],
            );
            tx.execute_raw(statement).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}
