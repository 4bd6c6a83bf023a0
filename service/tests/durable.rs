//! What was acknowledged is kept, whatever the database does in between.

use std::time::Duration;

use rstest::rstest;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use service::payout::{Next, send};
use service::{Db, Tx};

use crate::payout::Bank;
use crate::support::{Engine, TestDb};

/// From now on the table gives up the transaction on such a row. SQLite rolls the whole transaction
/// back by itself, as it does on a full disk.
async fn fill(db: &Db, name: &str, on: &str, condition: &str) {
    let sql = match db.backend() {
        DbBackend::Sqlite => format!(
            "CREATE TRIGGER {name} BEFORE {on} WHEN {condition} BEGIN \
             SELECT RAISE(ROLLBACK, 'database or disk is full'); END"
        ),
        _ => format!(
            "CREATE FUNCTION {name}_full() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; END $$; \
             CREATE TRIGGER {name} BEFORE {on} FOR EACH ROW WHEN ({condition}) \
             EXECUTE FUNCTION {name}_full()"
        ),
    };
    db.reader().execute_unprepared(&sql).await.expect("full");
}

/// Gives the room back.
async fn empty(db: &Db, name: &str, table: &str) {
    let sql = match db.backend() {
        DbBackend::Sqlite => format!("DROP TRIGGER {name}"),
        _ => format!("DROP TRIGGER {name} ON {table}"),
    };
    db.reader().execute_unprepared(&sql).await.expect("room");
}

async fn put(tx: &Tx, name: &str) -> Result<(), DbErr> {
    let sql = format!("INSERT INTO setting (id, value) VALUES ('{name}', '')");
    tx.execute_unprepared(&sql).await.map(|_| ())
}

/// Writes a row in a transaction of its own.
async fn write(db: &Db, name: &str) -> Result<(), DbErr> {
    let tx = db.begin().await?;
    put(&tx, name).await?;
    tx.commit().await
}

/// The rows that another process finds.
async fn kept(test: &TestDb) -> Vec<String> {
    let other = Db::connect(&test.url).await.expect("opens");
    let sql = "SELECT id FROM setting WHERE id NOT LIKE 'last:%' ORDER BY id";
    let rows = other
        .reader()
        .query_all_raw(Statement::from_string(other.backend(), sql))
        .await
        .expect("reads");
    other.close().await.expect("closes");
    rows.iter()
        .map(|row| row.try_get_by_index(0).expect("a name"))
        .collect()
}

/// How a transaction goes on after a statement that failed.
#[derive(Clone, Copy)]
enum Then {
    /// It is given up.
    Dropped,
    /// It is committed as if nothing had been.
    Committed,
    /// Something else is written first.
    GoesOn,
}

#[rstest]
#[tokio::test]
async fn after_a_full_disk_what_is_acknowledged_is_kept(
    #[values(Then::Dropped, Then::Committed, Then::GoesOn)] then: Then,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(test) = TestDb::new(engine).await else {
        return;
    };
    fill(&test.db, "disk", "INSERT ON setting", "NEW.id = 'full'").await;
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        let tx = test.db.begin().await.expect("begins");
        put(&tx, &format!("{round} before")).await.expect("written");
        put(&tx, "full").await.expect_err("the disk is full");
        match then {
            Then::Dropped => drop(tx),
            Then::Committed => assert!(tx.commit().await.is_err(), "nothing was committed"),
            Then::GoesOn => {
                assert!(put(&tx, &format!("{round} after")).await.is_err());
                assert!(tx.commit().await.is_err(), "nothing was committed");
            }
        }
        let name = format!("{round} next");
        write(&test.db, &name).await.expect("there is room for it");
        acknowledged.push(name);
        assert_eq!(kept(&test).await, acknowledged);
    }
    // The write lock is not held: another process writes at once.
    let other = Db::connect(&test.url).await.expect("opens");
    let written = tokio::time::timeout(Duration::from_secs(3), write(&other, "other"));
    written.await.expect("no lock is held").expect("written");
    other.close().await.expect("closes");
}

/// The same for a statement that was refused for what it says, where SQLite would go on.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_transaction_with_a_failed_statement_is_not_committed(#[case] engine: Engine) {
    let Some(test) = TestDb::new(engine).await else {
        return;
    };
    write(&test.db, "there").await.expect("written");
    let tx = test.db.begin().await.expect("begins");
    put(&tx, "new").await.expect("written");
    put(&tx, "there").await.expect_err("it is there already");
    assert!(tx.commit().await.is_err(), "nothing was committed");
    assert_eq!(kept(&test).await, ["there"]);
    write(&test.db, "next").await.expect("written");
    assert_eq!(kept(&test).await, ["next", "there"]);
}

/// A statement that is broken off, as when somebody stops waiting, spoils its transaction as well.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_transaction_with_a_broken_off_statement_is_not_committed(#[case] engine: Engine) {
    let Some(test) = TestDb::new(engine).await else {
        return;
    };
    let tx = test.db.begin().await.expect("begins");
    let long = match test.db.backend() {
        DbBackend::Sqlite => {
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) \
             INSERT INTO setting (id, value) SELECT 'long', CAST(max(i) AS TEXT) FROM n"
        }
        _ => "INSERT INTO setting (id, value) SELECT 'long', CAST(pg_sleep(1) AS TEXT)",
    };
    let waiting = tokio::time::timeout(Duration::from_millis(20), tx.execute_unprepared(long));
    waiting.await.expect_err("it takes longer");
    assert!(tx.commit().await.is_err(), "nothing was committed");
    assert_eq!(kept(&test).await, [""; 0]);
    write(&test.db, "next").await.expect("written");
    assert_eq!(kept(&test).await, ["next"]);
}

/// A row is not handed out before everything that can refuse it has been asked: SQLite asks for
/// foreign keys at the very end of a statement.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_row_that_is_returned_was_written(#[case] engine: Engine) {
    let Some(test) = TestDb::new(engine).await else {
        return;
    };
    let sql = "INSERT INTO member (partner_id, person_id, role, joined_at) \
               VALUES (999, 999, 'owner', '2026-01-01T00:00:00Z') RETURNING id";
    let tx = test.db.begin().await.expect("begins");
    let returned = tx
        .query_one_raw(Statement::from_string(test.db.backend(), sql))
        .await;
    assert!(returned.is_err(), "there is neither partner nor person");
}

/// A reader whose snapshot the database ended by itself does not go on showing that moment.
#[tokio::test]
async fn a_snapshot_that_was_broken_off_holds_no_reader_back() {
    let test = TestDb::new(Engine::Sqlite)
        .await
        .expect("SQLite is always there");
    fill(&test.db, "disk", "INSERT ON setting", "NEW.id = 'full'").await;
    for _ in 0..8 {
        let snapshot = test.db.snapshot().await.expect("begins");
        snapshot
            .execute_unprepared("INSERT INTO setting (id, value) VALUES ('full', '')")
            .await
            .expect_err("broken off");
    }
    let count = Statement::from_string(
        DbBackend::Sqlite,
        "SELECT count(*) FROM setting WHERE id LIKE 'row %'",
    );
    for round in 1..=8_i64 {
        write(&test.db, &format!("row {round}"))
            .await
            .expect("written");
        for _ in 0..6 {
            let snapshot = test.db.snapshot().await.expect("begins");
            let row = snapshot.query_one_raw(count.clone()).await.expect("reads");
            let seen: i64 = row.expect("a row").try_get_by_index(0).expect("a count");
            assert_eq!(seen, round);
        }
    }
}

/// While an intent cannot be written, Stripe hears nothing; afterwards it is paid, once.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn what_cannot_be_written_is_not_sent(#[case] engine: Engine) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    let row = bank.started().await;
    let db = bank.world.test.db.clone();
    fill(&db, "intent", "UPDATE ON payout", "NEW.status = 'sending'").await;
    for _ in 0..3 {
        let tried = send::work(&bank.world.system(), &bank.gateway, row.id).await;
        assert!(tried.is_err(), "{tried:?}");
    }
    assert_eq!(bank.transfers().await.len(), 0);
    empty(&db, "intent", "payout").await;
    // The transfer is made, and now the answer cannot be written.
    fill(&db, "answer", "UPDATE ON payout", "NEW.status = 'paid'").await;
    let tried = send::work(&bank.world.system(), &bank.gateway, row.id).await;
    assert!(tried.is_err(), "{tried:?}");
    assert_eq!(bank.transfers().await.len(), 1);
    empty(&db, "answer", "payout").await;
    bank.settle(row.id).await;
    let other = Db::connect(&bank.world.test.url).await.expect("opens");
    let status = "SELECT status FROM payout";
    let found = other
        .reader()
        .query_one_raw(Statement::from_string(other.backend(), status))
        .await;
    let status: String = found
        .expect("reads")
        .expect("a payout")
        .try_get_by_index(0)
        .expect("a word");
    assert_eq!(status, "paid");
    assert_eq!(bank.transfers().await.len(), 1);
    bank.world.assert_clean().await;
    other.close().await.expect("closes");
    assert_eq!(bank.work(row.id).await, Next::Done);
}
