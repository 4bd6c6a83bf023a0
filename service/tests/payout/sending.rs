//! Sending the money: whatever Stripe answers, it is paid once and the books say so.

use chrono::TimeDelta;
use entity::{payout, payout_run};
use rstest::rstest;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};
use serde_json::json;
use service::payout::{Next, reconcile, sync};

use super::bank::Bank;
use crate::support::Engine;

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_run_pays_what_is_payable(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let payable = bank.bucket("payable").await;
    assert!(payable > 0);
    let row = bank.started().await;
    assert_eq!(
        (row.amount, bank.bucket("in_payout").await),
        (payable, payable)
    );
    assert_eq!(bank.work(row.id).await, Next::Done);
    let transfers = bank.transfers().await;
    assert_eq!(transfers.len(), 1);
    assert_eq!(transfers[0]["amount"], payable);
    let sent = bank.payout().await;
    assert_eq!(
        transfers[0]["transfer_group"].as_str(),
        sent.transfer_group.as_deref()
    );
    assert_eq!(
        transfers[0]["metadata"]["portico_key"],
        sent.idempotency_key
    );
    let row = bank.payout().await;
    assert_eq!(
        (row.status.as_str(), row.transfer_id.as_deref()),
        ("paid", transfers[0]["id"].as_str())
    );
    assert_eq!(
        (bank.bucket("payable").await, bank.bucket("in_payout").await),
        (0, 0)
    );
    let run = payout_run::Entity::find()
        .one(bank.world.test.db.reader())
        .await;
    assert_eq!(run.expect("read").expect("one").status, "done");
    let states: Vec<_> = bank
        .world
        .commissions()
        .await
        .into_iter()
        .map(|c| c.state)
        .collect();
    assert_eq!(states, ["paid"]);
    bank.world.assert_clean().await;
    // Working it again does nothing.
    assert_eq!(bank.work(row.id).await, Next::Done);
    assert_eq!(bank.transfers().await.len(), 1);
    let since = bank.world.now - TimeDelta::days(400);
    let summary = reconcile::run(&bank.world.system(), &bank.gateway, since).await;
    assert_eq!(summary.expect("compared").open, 0);
}

/// However Stripe fails, the money is transferred once and the books say so.
#[rstest]
#[case::too_many("status_429")]
#[case::server_error("status_500")]
#[case::server_error_after("status_500_after")]
#[case::timeout_before("timeout_before")]
#[case::timeout_after("timeout_after")]
#[case::unreadable("garbage_200")]
#[case::cut_off("connection_reset")]
#[case::cut_off_after("connection_reset_after")]
#[tokio::test]
async fn unclear_answers_pay_once(
    #[case] fault: &str,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    let row = bank.started().await;
    bank.fault(fault).await;
    let first = bank.work(row.id).await;
    assert!(
        matches!(first, Next::Again(_)),
        "{fault} leaves it open: {first:?}"
    );
    assert_eq!(
        bank.bucket("in_payout").await,
        row.amount,
        "the money stays where it is"
    );
    bank.settle(row.id).await;
    assert_eq!(bank.payout().await.status, "paid");
    assert_eq!(bank.transfers().await.len(), 1, "{fault}");
    assert_eq!(bank.bucket("in_payout").await, 0);
    bank.world.assert_clean().await;
}

/// A worker that died in the middle of its call leaves the payout `sending`.
#[rstest]
#[case::before_the_call(false)]
#[case::after_the_call(true)]
#[tokio::test]
async fn a_dead_worker_is_followed_by_another(
    #[case] transferred: bool,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    let row = bank.started().await;
    if transferred {
        bank.fault("timeout_after").await;
        bank.work(row.id).await;
    }
    payout::ActiveModel {
        id: Set(row.id),
        status: Set("sending".to_owned()),
        sent_at: Set(Some(bank.world.now)),
        ..Default::default()
    }
    .update(bank.world.test.db.reader())
    .await
    .expect("as a dead worker left it");
    bank.settle(row.id).await;
    assert_eq!(bank.payout().await.status, "paid");
    assert_eq!(bank.transfers().await.len(), 1);
    bank.world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_clear_refusal_gives_the_amount_back(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let row = bank.started().await;
    bank.control(
        &format!("accounts/{}/outcome", row.destination),
        json!({"outcome": "past_due"}),
    )
    .await;
    assert_eq!(bank.work(row.id).await, Next::Done);
    let failed = bank.payout().await;
    assert_eq!(failed.status, "failed");
    assert!(failed.failure.is_some());
    assert_eq!(
        (bank.bucket("payable").await, bank.bucket("in_payout").await),
        (row.amount, 0)
    );
    let lines = bank.world.commissions().await;
    assert!(
        lines
            .iter()
            .all(|c| c.state == "payable" && c.payout_id.is_none())
    );
    bank.world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_transfer_taken_back_is_payable_again_once(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let row = bank.started().await;
    bank.work(row.id).await;
    let transfer = bank.payout().await.transfer_id.expect("a transfer");
    let reverse = |amount: i64| {
        bank.client
            .post(format!("{}/v1/transfers/{transfer}/reversals", bank.base))
            .bearer_auth("sk_test_payouts")
            .form(&[("amount", amount.to_string())])
            .send()
    };
    assert!(reverse(1_000).await.expect("answers").status().is_success());
    let ctx = bank.world.system();
    for _ in 0..3 {
        sync::transfer(&ctx, &bank.gateway, &transfer)
            .await
            .expect("synced");
    }
    assert_eq!(bank.bucket("payable").await, 1_000);
    assert!(
        reverse(row.amount - 1_000)
            .await
            .expect("answers")
            .status()
            .is_success()
    );
    sync::transfer(&ctx, &bank.gateway, &transfer)
        .await
        .expect("synced");
    assert_eq!(bank.bucket("payable").await, row.amount);
    assert_eq!(bank.payout().await.status, "reversed");
    bank.world.assert_clean().await;
}

/// Books may be right and the payout wrong: the audit holds it against what Stripe said.
#[rstest]
#[case::amount("transfer_amount = 100", "transfer of 100")]
#[case::account("transfer_destination = 'acct_somebody'", "acct_somebody")]
#[case::currency("transfer_currency = 'USD'", "USD")]
#[case::no_transfer("transfer_id = NULL", "without a transfer")]
#[case::nothing_kept("transfer_amount = NULL", "nothing is kept")]
#[case::given_up(
    "status = 'failed', failure = 'Stripe never received the transfer.'",
    "given up without a person"
)]
#[case::open_in_a_run_that_is_over("status = 'unknown'", "in a run that is done")]
#[tokio::test]
async fn the_audit_sees_what_the_books_do_not(
    #[case] tampered: &str,
    #[case] says: &str,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let row = bank.started().await;
    bank.work(row.id).await;
    bank.world.assert_clean().await;
    let db = &bank.world.test.db;
    let sql = format!("UPDATE payout SET {tampered}");
    sea_orm::ConnectionTrait::execute_unprepared(db.reader(), &sql)
        .await
        .expect("tampered");
    let report = service::ledger::audit(db).await.expect("audited");
    let found = report
        .findings
        .iter()
        .any(|f| f.table == "payout" && f.id == row.id && f.message.contains(says));
    assert!(found, "{:#?}", report.findings);
}
