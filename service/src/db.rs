//! The database handle and its write transactions.
//!
//! SQLite has one writer at a time. A write transaction therefore takes the write lock when it
//! begins (`BEGIN IMMEDIATE`: a reader that turns writer half-way cannot wait and fails instead),
//! and inside one process writers queue for it in order on a mutex, because SQLite's own waiting is
//! a sleep loop. PostgreSQL needs neither: its transactions compare and set row by row.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction,
    DbBackend, DbErr, IsolationLevel, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait,
};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// A connection pool, cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    pool: DatabaseConnection,
    writers: Option<Arc<Mutex<()>>>,
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
        if sqlite {
            // A file does not hang up: asking before every query whether it is there costs as much
            // as the query.
            options.max_connections(6).test_before_acquire(false);
            options.map_sqlx_sqlite_opts(move |o| {
                o.journal_mode(SqliteJournalMode::Wal)
                    .synchronous(durable)
                    .foreign_keys(true)
                    .busy_timeout(Duration::from_secs(15))
                    .create_if_missing(true)
                    // Each connection's own; the system keeps the file in memory anyway, and what
                    // is mapped would count as this process's.
                    .pragma("cache_size", "-1000")
                    .pragma("temp_store", "memory")
            });
        } else {
            options
                .max_connections(16)
                .test_before_acquire_if_idle_for(Duration::from_secs(15));
        }
        let pool = Database::connect(options.clone()).await?;
        let watch = match sqlite {
            true => {
                options
                    .max_connections(1)
                    .idle_timeout(None)
                    .max_lifetime(None);
                Some(Database::connect(options).await?)
            }
            false => None,
        };
        Ok(Self {
            pool,
            watch,
            writers: sqlite.then(|| Arc::new(Mutex::new(()))),
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
        if let Some(watch) = self.watch {
            watch.close().await?;
        }
        self.pool.close().await
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
        let turn = match &self.writers {
            Some(writers) => Some(writers.clone().lock_owned().await),
            None => None,
        };
        let transaction = self
            .pool
            .begin_with_options(TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            })
            .await?;
        Ok(Tx {
            transaction,
            _turn: turn,
        })
    }
}

/// A write transaction. Dereferences to SeaORM's, so `&*tx` is a connection.
///
/// The fields' order matters: the transaction is rolled back before the next writer's turn.
#[derive(Debug)]
pub struct Tx {
    transaction: DatabaseTransaction,
    _turn: Option<OwnedMutexGuard<()>>,
}

impl Tx {
    /// Makes everything written so far permanent, all at once.
    ///
    /// # Errors
    /// When the database refuses; nothing has been written then.
    pub async fn commit(self) -> Result<(), DbErr> {
        self.transaction.commit().await
    }
}

impl std::ops::Deref for Tx {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &DatabaseTransaction {
        &self.transaction
    }
}
