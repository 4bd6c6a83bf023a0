//! The best the machine can do: rows with nothing around them, and requests with nothing before them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use domain::money::{Currency, Money};
use futures::{StreamExt, stream};
use sea_orm::ConnectionTrait;
use service::Db;
use stripe_gateway::{Gateway, NewTransfer, StripeGateway};

/// Rows of one statement.
const ROWS: usize = 100;

/// So many rows inserted, and each of them changed, in pieces of a transaction each.
pub async fn rows(db: &Db, rows: usize) -> (Duration, Duration) {
    let create = "CREATE TABLE bench_floor (id BIGINT PRIMARY KEY, partner BIGINT, amount BIGINT, \
                  state TEXT, destination TEXT)";
    db.reader().execute_unprepared(create).await.expect("made");
    let ids: Vec<usize> = (1..=rows).collect();
    let began = Instant::now();
    for piece in ids.chunks(ROWS) {
        let values: Vec<String> = piece
            .iter()
            .map(|id| format!("({id}, {id}, 6000, 'intended', 'acct_{id}')"))
            .collect();
        let sql = format!("INSERT INTO bench_floor VALUES {}", values.join(", "));
        one(db, &sql).await;
    }
    let inserts = began.elapsed();
    let began = Instant::now();
    for piece in ids.chunks(ROWS) {
        let (first, last) = (piece[0], piece[piece.len() - 1]);
        let sql =
            format!("UPDATE bench_floor SET state = 'paid' WHERE id BETWEEN {first} AND {last}");
        one(db, &sql).await;
    }
    let updates = began.elapsed();
    let drop = "DROP TABLE bench_floor";
    db.reader().execute_unprepared(drop).await.expect("gone");
    (inserts, updates)
}

async fn one(db: &Db, sql: &str) {
    let tx = db.begin().await.expect("begins");
    tx.execute_unprepared(sql).await.expect("runs");
    tx.commit().await.expect("commits");
}

/// So many transfers asked for, as many at once as the run sends.
pub async fn posts(
    gateway: &StripeGateway,
    accounts: &[String],
    count: usize,
    at_once: usize,
) -> Duration {
    let began = Instant::now();
    stream::iter(0..count)
        .for_each_concurrent(at_once, |n| async move {
            let new = NewTransfer {
                amount: Money::new(1, Currency::EUR),
                destination: accounts[n % accounts.len()].clone(),
                transfer_group: format!("floor-{n}"),
                description: "Floor".to_owned(),
                metadata: BTreeMap::new(),
            };
            let key = format!("floor-{n}");
            gateway.create_transfer(&new, &key).await.expect("made");
        })
        .await;
    began.elapsed()
}
