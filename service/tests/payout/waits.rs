//! An approved run waits for what is missing, says so, and goes on by itself with the same approval.

use chrono::TimeDelta;
use entity::{job, payout_run};
use rstest::rstest;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;
use service::ledger;
use service::payout::{Next, send, sweep};

use super::bank::Bank;
use super::unclear::subjects;
use crate::support::Engine;

async fn run(bank: &Bank) -> payout_run::Model {
    let run = payout_run::Entity::find().one(bank.world.test.db.reader());
    run.await.expect("read").expect("one")
}

/// The balance is gone while a run sends: nothing has failed, and no second approval is asked.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_balance_that_ran_out_lets_the_run_wait(#[case] engine: Engine) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    let row = bank.started().await;
    bank.control("balance", json!({"currency": "eur", "amount": 0}))
        .await;
    assert!(matches!(bank.work(row.id).await, Next::Again(_)));
    assert_eq!(bank.payout().await.status, "intended");
    let waits = run(&bank).await;
    assert_eq!(waits.status, "waiting_for_balance");
    assert!(waits.waits_for.expect("says why").contains("balance"));
    assert_eq!(bank.bucket("in_payout").await, row.amount);
    let told = subjects(&bank).await;
    let short = "A payout run waits for Stripe’s balance";
    assert_eq!(told.iter().filter(|s| *s == short).count(), 2, "{told:?}");
    // Short all the same.
    bank.later(TimeDelta::minutes(16));
    let system = bank.world.system();
    let next = send::start_run(&system, &bank.gateway, row.run_id).await;
    assert!(matches!(next, Ok(Next::Again(_))));
    bank.work(row.id).await;
    assert!(bank.transfers().await.is_empty());
    bank.control("balance", json!({"currency": "eur", "amount": 1_000_000}))
        .await;
    bank.later(TimeDelta::minutes(16));
    let system = bank.world.system();
    let next = send::start_run(&system, &bank.gateway, row.run_id).await;
    assert_eq!(next.expect("goes on"), Next::Done);
    bank.settle(row.id).await;
    assert_eq!(bank.payout().await.status, "paid");
    let done = run(&bank).await;
    assert_eq!((done.status.as_str(), done.waits_for), ("done", None));
    assert_eq!(bank.transfers().await.len(), 1);
    bank.world.assert_clean().await;
}

/// A key that Stripe refuses fails no payout.
#[rstest]
#[case::rolled("status_401")]
#[case::restricted("status_403")]
#[tokio::test]
async fn a_refused_key_stops_and_waits(
    #[case] fault: &str,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    let row = bank.started().await;
    bank.goes_wrong("POST", "/v1/transfers", fault, 3, json!({}))
        .await;
    for _ in 0..3 {
        assert!(matches!(bank.work(row.id).await, Next::Again(_)));
        let now = bank.payout().await;
        assert_eq!((now.status.as_str(), now.sent_at), ("intended", None));
        bank.later(TimeDelta::minutes(3));
    }
    let waits = run(&bank).await.waits_for.expect("says why");
    assert!(waits.contains("refuses the portal’s key"), "{waits}");
    let told = subjects(&bank).await;
    let stuck = told.iter().filter(|s| *s == "A payout run cannot go on");
    assert_eq!(stuck.count(), 2, "each of finance once: {told:?}");
    bank.settle(row.id).await;
    assert_eq!(bank.payout().await.status, "paid");
    assert_eq!(run(&bank).await.waits_for, None);
    assert_eq!(bank.transfers().await.len(), 1);
    bank.world.assert_clean().await;
}

/// The start of a run never gives up, however long Stripe is away or refuses the key.
#[rstest]
#[case::away("connection_reset", "cannot be reached")]
#[case::refused("status_401", "refuses the portal’s key")]
#[tokio::test]
async fn a_start_waits_for_stripe(
    #[case] fault: &str,
    #[case] says: &str,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    let run_id = bank.submitted().await;
    bank.approve(run_id).await;
    bank.goes_wrong("GET", "/v1/", fault, 1_000, json!({}))
        .await;
    for _ in 0..16 {
        let system = bank.world.system();
        let next = send::start_run(&system, &bank.gateway, run_id).await;
        assert!(matches!(next, Ok(Next::Again(_))), "{next:?}");
        bank.later(TimeDelta::minutes(45));
    }
    let waits = run(&bank).await;
    assert_eq!(waits.status, "approved");
    assert!(waits.waits_for.expect("says why").contains(says));
    bank.all_well().await;
    let system = bank.world.system();
    let next = send::start_run(&system, &bank.gateway, run_id).await;
    assert_eq!(next.expect("goes on"), Next::Done);
    let row = bank.payout().await;
    bank.settle(row.id).await;
    assert_eq!(bank.payout().await.status, "paid");
    bank.world.assert_clean().await;
}

/// Stripe's own word on how long to wait counts.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn too_many_requests_wait_as_long_as_stripe_says(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let row = bank.started().await;
    let wait = json!({"retry_after": 90});
    bank.goes_wrong("POST", "/v1/transfers", "status_429", 1, wait)
        .await;
    let next = bank.work(row.id).await;
    assert_eq!(next, Next::Again(bank.world.now + TimeDelta::seconds(90)));
    assert_eq!(bank.payout().await.status, "intended");
}

/// Two runs that each fit into the balance but not together: one after the other.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_balance_is_counted_on_once(#[case] engine: Engine) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    let first = bank.submitted().await;
    bank.approve(first).await;
    let other = bank.second_partner().await;
    let second = bank.submitted().await;
    bank.approve(second).await;
    let needed = bank
        .payouts()
        .await
        .iter()
        .map(|row| row.amount)
        .max()
        .expect("two");
    bank.control("balance", json!({"currency": "eur", "amount": needed}))
        .await;
    let system = bank.world.system();
    let started = send::start_run(&system, &bank.gateway, first).await;
    assert_eq!(started.expect("starts"), Next::Done);
    let waits = send::start_run(&system, &bank.gateway, second).await;
    assert!(matches!(waits, Ok(Next::Again(_))), "{waits:?}");
    for row in bank.payouts().await {
        send::work(&system, &bank.gateway, row.id)
            .await
            .expect("works");
    }
    let ended: Vec<_> = bank
        .payouts()
        .await
        .into_iter()
        .map(|row| row.status)
        .collect();
    assert_eq!(ended, ["paid", "intended"]);
    bank.control("balance", json!({"currency": "eur", "amount": needed}))
        .await;
    bank.later(TimeDelta::minutes(16));
    let system = bank.world.system();
    let started = send::start_run(&system, &bank.gateway, second).await;
    assert_eq!(started.expect("goes on by itself"), Next::Done);
    for row in bank.payouts().await {
        send::work(&system, &bank.gateway, row.id)
            .await
            .expect("works");
    }
    assert_eq!(bank.transfers().await.len(), 2);
    assert_eq!(bank.world.bucket(other, "in_payout").await, 0);
    bank.world.assert_clean().await;
}

/// An open payout that lost its job gets it back, and until then the audit says so.
#[rstest]
#[case::done("done")]
#[case::dead("dead")]
#[tokio::test]
async fn a_lost_job_is_found_and_given_back(
    #[case] status: &str,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    let row = bank.started().await;
    bank.fault("timeout_after").await;
    bank.work(row.id).await;
    let db = bank.world.test.db.clone();
    let key = format!("payout.work:{}", row.id);
    job::Entity::update_many()
        .col_expr(job::Column::Status, Expr::value(status))
        .filter(job::Column::DedupeKey.eq(&key))
        .exec(db.reader())
        .await
        .expect("as a lost claim left it");
    bank.later(TimeDelta::hours(40));
    let report = ledger::audit(&db).await.expect("audited");
    assert!(
        report
            .findings
            .iter()
            .any(|f| f.table == "payout" && f.id == row.id),
        "{:?}",
        report.findings
    );
    let swept = sweep::sweep(&bank.world.system()).await.expect("swept");
    assert_eq!(swept, 1);
    let found = job::Entity::find()
        .filter(job::Column::DedupeKey.eq(&key))
        .one(db.reader())
        .await
        .expect("read")
        .expect("one");
    assert_eq!(
        (found.status.as_str(), found.run_at),
        ("waiting", bank.world.now)
    );
    assert_eq!(sweep::sweep(&bank.world.system()).await.expect("swept"), 0);
    bank.settle(row.id).await;
    bank.world.assert_clean().await;
}
