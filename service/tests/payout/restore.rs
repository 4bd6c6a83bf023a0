//! A backup is put back while Stripe goes on: nothing is paid a second time.

use chrono::TimeDelta;
use domain::partner::StaffRole;
use rstest::rstest;
use service::payout::{Next, reconcile, recover, run, send, watch};

use super::bank::Bank;
use super::unclear::{differences, stops, subjects};
use crate::support::{Engine, TestDb, conflict};

/// What the database is by the time the backup is put back.
#[derive(Clone, Copy)]
enum Backup {
    /// From before the run was drafted: the payout's id comes again.
    BeforeTheRun,
    /// From when the run was being sent: the payout is there and says that nothing was sent.
    WhileSending,
}

/// Sends a run after a backup was made, and puts the backup back.
async fn put_back(bank: &mut Bank, backup: Backup) -> TestDb {
    let copy = match backup {
        Backup::BeforeTheRun => {
            let copy = bank.world.test.copy().await;
            bank.started().await;
            copy
        }
        Backup::WhileSending => {
            bank.started().await;
            bank.world.test.copy().await
        }
    };
    let row = bank.payout().await;
    bank.work(row.id).await;
    assert_eq!(bank.payout().await.status, "paid");
    std::mem::replace(&mut bank.world.test, copy)
}

/// Frozen, told, reconciled, released: found when the next run is to start.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_run_after_a_restored_backup_does_not_start(#[case] engine: Engine) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    // The installation has its name, as after its first look.
    watch::installation(&bank.world.system())
        .await
        .expect("named");
    let _lost = put_back(&mut bank, Backup::BeforeTheRun).await;
    bank.later(TimeDelta::hours(7));
    let run_id = bank.submitted().await;
    bank.approve(run_id).await;
    let system = bank.world.system();
    for _ in 0..2 {
        let next = send::start_run(&system, &bank.gateway, run_id).await;
        assert!(matches!(next, Ok(Next::Again(_))), "{next:?}");
    }
    let row = bank.payout().await;
    assert!(matches!(bank.work(row.id).await, Next::Again(_)));
    assert_eq!(bank.transfers().await.len(), 1, "nothing is sent");
    // Frozen and told, once.
    assert_eq!(stops(&bank).await.len(), 1);
    let found = differences(&bank).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, "unknown_payout");
    assert_eq!(found[0].partner_id, Some(bank.world.partners[0]));
    let told = subjects(&bank).await;
    let stopped = told.iter().filter(|s| s.starts_with("No payouts are sent"));
    assert_eq!(stopped.count(), 2, "{told:?}");
    // Not released before it is reconciled.
    let finance = bank.world.finance(0);
    let early = watch::release(&finance, &bank.gateway, "Looks fine").await;
    assert!(conflict(early).contains("Book it"));
    // The payout that waits is the same money: it is paid by the transfer that is there.
    recover::book(
        &finance,
        &bank.gateway,
        found[0].id,
        "Sent before the restore",
    )
    .await
    .expect("booked");
    let twice = recover::book(&finance, &bank.gateway, found[0].id, "Again").await;
    conflict(twice);
    watch::release(&finance, &bank.gateway, "All of it is booked")
        .await
        .expect("released");
    let row = bank.payout().await;
    assert_eq!(row.status, "paid");
    assert_eq!(
        row.transfer_id.as_deref(),
        bank.transfers().await[0]["id"].as_str()
    );
    let system = bank.world.system();
    let next = send::start_run(&system, &bank.gateway, run_id).await;
    assert_eq!(next.expect("goes on"), Next::Done);
    assert_eq!(bank.transfers().await.len(), 1);
    assert_eq!(
        (bank.bucket("payable").await, bank.bucket("in_payout").await),
        (0, 0)
    );
    bank.world.assert_clean().await;
}

/// Found by the daily comparison, before anybody has drafted anything; booked as a payout of its own.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn the_comparison_finds_a_restored_backup(#[case] engine: Engine) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    watch::installation(&bank.world.system())
        .await
        .expect("named");
    let _lost = put_back(&mut bank, Backup::BeforeTheRun).await;
    let transferred = bank.transfers().await[0]["amount"]
        .as_i64()
        .expect("an amount");
    let since = bank.world.now - TimeDelta::days(400);
    let system = bank.world.system();
    for _ in 0..2 {
        let compared = reconcile::run(&system, &bank.gateway, since).await;
        assert_eq!(compared.expect("compared").open, 1);
    }
    assert_eq!(stops(&bank).await.len(), 1);
    let found = differences(&bank).await.remove(0);
    let auditor = bank.world.staff(StaffRole::Auditor);
    let looks = recover::book(&auditor, &bank.gateway, found.id, "No").await;
    assert!(looks.is_err(), "auditors look");
    let finance = bank.world.finance(0);
    recover::book(&finance, &bank.gateway, found.id, "Sent before the restore")
        .await
        .expect("booked");
    watch::release(&finance, &bank.gateway, "Booked")
        .await
        .expect("released");
    let rows = bank.payouts().await;
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].status.as_str(), rows[0].amount),
        ("paid", transferred)
    );
    assert_eq!(bank.bucket("payable").await, 0, "nothing is left to pay");
    let compared = reconcile::run(&system, &bank.gateway, since).await;
    assert_eq!(compared.expect("compared").open, 0);
    bank.world.assert_clean().await;
    // There is nobody to be paid any more.
    let drafter = bank.world.finance(0);
    let new = run::NewRun {
        program_id: bank.world.program,
        cutoff_at: bank.world.now,
        note: String::new(),
    };
    let run_id = run::draft(&drafter, new).await.expect("drafted");
    assert!(run::submit(&drafter, run_id, None).await.is_err());
}

/// A payout that is in the backup as not sent, and was sent since: it is not sent again, also when
/// Stripe has forgotten its key.
#[rstest]
#[case::at_once(0)]
#[case::after_days(72)]
#[tokio::test]
async fn what_the_backup_says_is_not_sent_is_settled(
    #[case] hours: i64,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    let _lost = put_back(&mut bank, Backup::WhileSending).await;
    assert_eq!(bank.payout().await.status, "intended");
    bank.later(TimeDelta::hours(hours));
    bank.control("clock", serde_json::json!({"offset_seconds": hours * 3600}))
        .await;
    let row = bank.payout().await;
    bank.settle(row.id).await;
    assert_eq!(bank.payout().await.status, "paid");
    assert_eq!(bank.transfers().await.len(), 1);
    bank.world.assert_clean().await;
}
