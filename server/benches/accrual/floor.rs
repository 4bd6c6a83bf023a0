//! The best the database can do: the same rows, inserted with nothing around it.

use std::time::{Duration, Instant};

use entity::{
    account, commission, customer, event, invoice, invoice_line, ledger_account,
    ledger_transaction, partner, person, plan, plan_version, posting, product_line, program, tier,
};
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ColumnTrait, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend,
    EntityTrait, ModelTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    TransactionTrait,
};
use service::{Db, bulk};

use super::place::Place;

/// What paid invoices become.
pub struct Rows {
    invoices: Vec<invoice::Model>,
    lines: Vec<invoice_line::Model>,
    commissions: Vec<commission::Model>,
    events: Vec<event::Model>,
    transactions: Vec<ledger_transaction::Model>,
    postings: Vec<posting::Model>,
}

async fn newest<E>(db: &Db, id: E::Column) -> i64
where
    E: EntityTrait,
    E::Model: Send + Sync,
{
    let newest = E::find().select_only().column_as(id.max(), "id");
    let newest: Option<Option<i64>> = newest.into_tuple().one(db.reader()).await.expect("reads");
    newest.flatten().unwrap_or(0)
}

async fn after<E>(db: &Db, id: E::Column, newest: i64) -> Vec<E::Model>
where
    E: EntityTrait,
    E::Model: Send + Sync,
{
    let rows = E::find().filter(id.gt(newest)).order_by_asc(id);
    rows.all(db.reader()).await.expect("reads")
}

impl Rows {
    /// The newest id of each table.
    pub async fn newest(db: &Db) -> [i64; 6] {
        [
            newest::<invoice::Entity>(db, invoice::Column::Id).await,
            newest::<invoice_line::Entity>(db, invoice_line::Column::Id).await,
            newest::<commission::Entity>(db, commission::Column::Id).await,
            newest::<event::Entity>(db, event::Column::Id).await,
            newest::<ledger_transaction::Entity>(db, ledger_transaction::Column::Id).await,
            newest::<posting::Entity>(db, posting::Column::Id).await,
        ]
    }

    /// What was written after that.
    pub async fn after(db: &Db, ids: [i64; 6]) -> Self {
        Self {
            invoices: after::<invoice::Entity>(db, invoice::Column::Id, ids[0]).await,
            lines: after::<invoice_line::Entity>(db, invoice_line::Column::Id, ids[1]).await,
            commissions: after::<commission::Entity>(db, commission::Column::Id, ids[2]).await,
            events: after::<event::Entity>(db, event::Column::Id, ids[3]).await,
            transactions: after::<ledger_transaction::Entity>(
                db,
                ledger_transaction::Column::Id,
                ids[4],
            )
            .await,
            postings: after::<posting::Entity>(db, posting::Column::Id, ids[5]).await,
        }
    }

    /// Says so if an invoice did not become what it should.
    pub fn assert_complete(&self, events: usize) {
        for rows in [
            self.invoices.len(),
            self.lines.len(),
            self.commissions.len(),
            self.events.len(),
            self.transactions.len(),
            self.postings.len() / 2,
        ] {
            assert_eq!(rows, events);
        }
    }
}

/// A database of the same schema that has only what the rows point at.
pub struct Floor {
    place: Place,
    db: DatabaseConnection,
    postings: u64,
}

impl Floor {
    pub async fn empty(server: Option<&str>) -> Self {
        let place = Place::empty(server).await;
        let db = open(&place.url).await;
        Self {
            place,
            db,
            postings: 0,
        }
    }

    /// Inserts rows, as many events in a transaction as the worker takes, and in statements of the
    /// same size.
    pub async fn insert(&mut self, from: &Db, rows: &Rows, at_once: usize) -> Duration {
        if self.postings == 0 {
            parents(from, &self.db).await;
        }
        let batches = rows.invoices.len().div_ceil(at_once);
        let began = Instant::now();
        for n in 0..batches {
            let tx = self.db.begin().await.expect("begins");
            batch::<invoice::Entity>(&tx, &rows.invoices, n, at_once).await;
            batch::<invoice_line::Entity>(&tx, &rows.lines, n, at_once).await;
            batch::<commission::Entity>(&tx, &rows.commissions, n, at_once).await;
            batch::<event::Entity>(&tx, &rows.events, n, at_once).await;
            batch::<ledger_transaction::Entity>(&tx, &rows.transactions, n, at_once).await;
            batch::<posting::Entity>(&tx, &rows.postings, n, 2 * at_once).await;
            tx.commit().await.expect("committed");
        }
        let took = began.elapsed();
        self.postings += rows.postings.len() as u64;
        let there = posting::Entity::find().count(&self.db).await;
        assert_eq!(there.expect("counted"), self.postings);
        took
    }

    pub async fn remove(self) {
        self.db.close().await.expect("closes");
        self.place.remove().await;
    }
}

/// Copies what the rows point at, in any order; from then on what a row points at has to be there.
async fn parents(from: &Db, db: &DatabaseConnection) {
    let server = db.get_database_backend() == DbBackend::Postgres;
    let run = async |sql: &str| {
        db.execute_unprepared(sql).await.expect("set");
    };
    if server {
        run("SET session_replication_role = replica").await;
    }
    copy::<person::Entity>(from, db).await;
    copy::<program::Entity>(from, db).await;
    copy::<tier::Entity>(from, db).await;
    copy::<plan::Entity>(from, db).await;
    copy::<plan_version::Entity>(from, db).await;
    copy::<product_line::Entity>(from, db).await;
    copy::<partner::Entity>(from, db).await;
    copy::<account::Entity>(from, db).await;
    copy::<customer::Entity>(from, db).await;
    copy::<ledger_account::Entity>(from, db).await;
    run(if server {
        "SET session_replication_role = DEFAULT"
    } else {
        "PRAGMA foreign_keys = ON"
    })
    .await;
}

async fn copy<E>(from: &Db, db: &DatabaseConnection)
where
    E: EntityTrait,
    E::Model: ModelTrait<Entity = E> + Send + Sync,
{
    let rows = E::find().all(from.reader()).await.expect("reads");
    bulk::insert::<E>(db, &rows).await.expect("inserted");
}

async fn batch<E>(tx: &impl ConnectionTrait, rows: &[E::Model], n: usize, size: usize)
where
    E: EntityTrait,
    E::Model: ModelTrait<Entity = E>,
{
    let end = rows.len().min((n + 1) * size);
    bulk::insert::<E>(tx, &rows[n * size..end])
        .await
        .expect("inserted");
}

/// One connection, set as the portal's that writes, at first without looking at what rows point at.
async fn open(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    options.map_sqlx_sqlite_opts(|o| {
        o.journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(false)
            .pragma("cache_size", "-16000")
            .pragma("wal_autocheckpoint", "8000")
    });
    Database::connect(options).await.expect("opens")
}
