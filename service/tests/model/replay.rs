//! The whole inbox of a portal, stored again in an empty one.

use std::collections::BTreeMap;

use entity::{commission, ledger_account, ledger_transaction, posting, webhook_event};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rstest::rstest;
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::Value;

use super::number;
use super::ops::{self, Op};
use super::run::Run;
use crate::support::Engine;

/// The journal in its order, without the database's own ids: each transaction with its reference,
/// its effective time and its postings. References name a commission by its id; here it has the
/// reference that says what it was earned for.
async fn journal(run: &Run) -> Vec<String> {
    let db = run.world.test.db.reader();
    let names: BTreeMap<i64, String> = commission::Entity::find()
        .all(db)
        .await
        .expect("reads")
        .into_iter()
        .map(|c| (c.id, c.reference))
        .collect();
    let accounts: BTreeMap<i64, ledger_account::Model> = ledger_account::Entity::find()
        .all(db)
        .await
        .expect("reads")
        .into_iter()
        .map(|a| (a.id, a))
        .collect();
    let mut legs: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for p in posting::Entity::find().all(db).await.expect("reads") {
        let account = &accounts[&p.ledger_account_id];
        let leg = format!("{} {} {}", account.code, account.currency, p.amount);
        legs.entry(p.transaction_id).or_default().push(leg);
    }
    let transactions =
        ledger_transaction::Entity::find().order_by_asc(ledger_transaction::Column::Id);
    let named = |text: String| {
        let mut words: Vec<&str> = text.split(':').collect();
        let id = words.get(1).and_then(|id| id.parse().ok());
        if let Some(name) = id.and_then(|id: i64| names.get(&id)) {
            words[1] = name;
        }
        words.join(":")
    };
    let transactions = transactions
        .all(db)
        .await
        .expect("reads")
        .into_iter()
        .map(|t| {
            let mut legs = legs.remove(&t.id).unwrap_or_default();
            legs.sort();
            format!(
                "{} {} {} {legs:?}",
                t.kind,
                named(t.reference),
                t.effective_at
            )
        });
    transactions.collect()
}

/// What must be the same in any order: what is left of each line, where, and the balances.
async fn sums(run: &Run) -> Vec<String> {
    let mut sums = run.booked().await;
    sums.extend(
        run.world
            .balances()
            .await
            .iter()
            .map(|b| format!("{} {} {}", b.0, b.1, b.2)),
    );
    sums.sort();
    sums
}

/// A portal with the same program, told everything that is in `inbox`, worked off in batches of so
/// many.
async fn again(
    engine: Engine,
    live: &Run,
    program: &ops::Program,
    inbox: Vec<Value>,
    batch: u64,
    orderly: bool,
) -> Run {
    let mut run = Run::new(engine, program).await.expect("a database");
    for (at, op) in &live.configured {
        run.world.now = *at;
        run.step(op).await.expect("configured");
    }
    for object in live.world.shelf.all_objects() {
        run.world.shelf.put(object);
    }
    run.world.now = live.world.now;
    run.orderly = orderly;
    run.deliver(inbox).await;
    run.work_all(batch).await.expect("worked off");
    service::commission::mature(&run.world.system())
        .await
        .expect("works");
    run
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn the_inbox_again_books_the_same(#[case] engine: Engine) {
    if crate::support::TestDb::new(engine).await.is_none() {
        return;
    }
    let first = number("PORTICO_TEST_SEED", 1);
    for seed in first..first + number("PORTICO_TEST_CASES", 4) {
        let program = ops::history(seed);
        let mut live = Run::new(engine, &program).await.expect("a database");
        live.all(&program)
            .await
            .unwrap_or_else(|why| panic!("PORTICO_TEST_SEED={seed}: {why}"));
        let mut inbox: Vec<Value> = webhook_event::Entity::find()
            .order_by_asc(webhook_event::Column::Id)
            .all(live.world.test.db.reader())
            .await
            .expect("reads")
            .into_iter()
            .map(|e| serde_json::from_str(&e.payload).expect("JSON"))
            .collect();
        let mut dice = StdRng::seed_from_u64(seed);
        // What is stored in the order in which it happened is booked in that order, wherever one
        // batch ends and the next begins.
        let batch = dice.random_range(1..100);
        let replay = again(engine, &live, &program, inbox.clone(), batch, true).await;
        let (is, should) = (journal(&replay).await, journal(&live).await);
        let missing: Vec<&String> = should.iter().filter(|t| !is.contains(t)).collect();
        let added: Vec<&String> = is.iter().filter(|t| !should.contains(t)).collect();
        assert!(
            is == should,
            "PORTICO_TEST_SEED={seed}, {batch} at once: missing {missing:#?}, added {added:#?}"
        );
        // In another order a refund may come before the credit note that says which line it was
        // for, and is spread over all of them until then: that is booked and taken back. What is
        // left of each line and on each account is the same.
        inbox.shuffle(&mut dice);
        let replay = again(engine, &live, &program, inbox, batch, false).await;
        assert_eq!(
            sums(&replay).await,
            sums(&live).await,
            "PORTICO_TEST_SEED={seed}, shuffled"
        );
        replay.world.assert_clean().await;
        assert!(!should.is_empty() || seed > 1, "something happened");
    }
}

/// What depends on when it is worked off, or on what was earned before, is not in these.
#[test]
fn histories_are_long() {
    let steps = ops::history(1).steps;
    assert!(steps.len() > 100);
    assert!(
        !steps
            .iter()
            .any(|(_, op)| matches!(op, Op::Deliver { .. } | Op::Hold { .. }))
    );
}
