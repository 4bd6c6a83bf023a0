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
//! 2. partners, where a plan asks what was earned before: `History::locked`.
//! 3. lines of commission; a statement that changes several first calls `commission::hold_lines`.
//! 4. the partners' months, and after them those of the rules: `commission::month::add`.
//! 5. the ledger's accounts: [`crate::ledger::post_many`].
//!
//! The last two are shared by everyone and are booked once, at the end of the transaction. The parts
//! of a use case therefore do not book but hand back what there is to book (`commission::bookings`).
//! Nothing is tried again because of a deadlock: with this order there is none, and the tests ask
//! PostgreSQL whether there was.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction,
    DbBackend, DbErr, IsolationLevel, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait,
};

/// A connection pool, cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    pool: DatabaseConnection,
    /// SQLite: the one connection that writes.
    writer: Option<DatabaseConnection>,
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
                });
            options
        };
        let mut forever = with(1, "-1000");
        forever.idle_timeout(None).max_lifetime(None);
        Ok(Self {
            pool: Database::connect(with(5, "-1000")).await?,
            writer: Some(Database::connect(with(1, "-16000")).await?),
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
        for one in [self.watch, self.writer].into_iter().flatten() {
            one.close().await?;
        }
        self.pool.close().await
    }

    /// Gives back what the writer has in memory of the file; for when there is nothing to write.
    ///
    /// # Errors
    /// When the writer is not free in time.
    pub async fn rest(&self) -> Result<(), DbErr> {
        if let Some(writer) = &self.writer
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
        let pool = self.writer.as_ref().unwrap_or(&self.pool);
        self.warm.store(true, Ordering::Relaxed);
        Ok(Tx(pool.begin_with_options(options).await?))
    }
}

/// A write transaction. Dereferences to SeaORM's, so `&*tx` is a connection.
#[derive(Debug)]
pub struct Tx(DatabaseTransaction);

impl Tx {
    /// Makes everything written so far permanent, all at once.
    ///
    /// # Errors
    /// When the database refuses; nothing has been written then.
    pub async fn commit(self) -> Result<(), DbErr> {
        self.0.commit().await
    }
}

impl std::ops::Deref for Tx {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &DatabaseTransaction {
        &self.0
    }
}
