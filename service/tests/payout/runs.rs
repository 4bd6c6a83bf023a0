//! Runs: who is in one and why not, who approves it, what it waits for.

use chrono::TimeDelta;
use entity::{payout, payout_account, payout_item};
use rstest::rstest;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;
use service::payout::{Next, list, run, send};
use service::{Context, Error};

use super::bank::Bank;
use crate::support::Engine;

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn four_eyes(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let run_id = bank.submitted().await;
    let refused = bank.approve_by(0, run_id).await.expect_err("the drafter");
    assert!(matches!(refused, Error::Conflict(_)), "{refused}");
    assert!(bank.approve_by(1, run_id).await.expect("the other"));
    let again = bank.approve_by(1, run_id).await.expect_err("twice");
    assert!(matches!(again, Error::Conflict(_)), "{again}");
    assert_eq!(
        payout::Entity::find()
            .all(bank.world.test.db.reader())
            .await
            .expect("read")
            .len(),
        1
    );
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_run_waits_for_balance_and_can_be_canceled(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    bank.control("balance", json!({"currency": "eur", "amount": 100}))
        .await;
    let run_id = bank.submitted().await;
    bank.approve_by(1, run_id).await.expect("approved");
    let next = send::start_run(&bank.world.system(), &bank.gateway, run_id)
        .await
        .expect("looked");
    assert!(matches!(next, Next::Again(_)));
    let view = list::run(&bank.world.finance(0), run_id)
        .await
        .expect("shown");
    assert_eq!(view.status.as_str(), "waiting_for_balance");
    assert!(
        view.timeline.iter().any(|l| l.summary.contains("short by")),
        "it says so"
    );
    run::cancel(&bank.world.finance(0), run_id, "Next month instead")
        .await
        .expect("canceled");
    assert_eq!(
        (
            bank.bucket("in_payout").await,
            bank.payout().await.status.as_str()
        ),
        (0, "failed")
    );
    assert!(bank.bucket("payable").await > 0);
    assert!(bank.transfers().await.is_empty());
    bank.world.assert_clean().await;
}

/// A run that fell back to waiting after one payout had left is given up: what left stays, and is said;
/// of what is unclear that is said too. It waits for nothing any more.
#[rstest]
#[case::sent(None)]
#[case::unclear(Some("timeout_after"))]
#[tokio::test]
async fn a_run_canceled_after_some_of_it_left_says_what(
    #[case] fault: Option<&str>,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    let second = bank.second_partner().await;
    let run_id = bank.started().await.run_id;
    let rows = bank.payouts().await;
    let (first, other) = match rows.as_slice() {
        [one, two] if two.partner_id == second => (one, two),
        [one, two] => (two, one),
        _ => panic!("{rows:?}"),
    };
    if let Some(fault) = fault {
        bank.fault(fault).await;
    }
    bank.work(first.id).await;
    bank.control("balance", json!({"currency": "eur", "amount": 0}))
        .await;
    bank.work(other.id).await;
    let felix = bank.world.finance(0);
    let stays = run::cancel(&felix, run_id, "Next month").await;
    let stays = stays.expect("canceled").expect("something stays");
    let view = list::run(&felix, run_id).await.expect("shown");
    assert_eq!(
        (view.status.as_str(), &view.run.waits_for),
        ("canceled", &None)
    );
    assert!(
        view.timeline[0].summary.contains(&stays),
        "{:?}",
        view.timeline
    );
    let [outcome] = view.outcomes.as_slice() else {
        panic!("{:?}", view.outcomes);
    };
    assert_eq!(outcome.moved.failed, other.amount);
    let label = async || {
        let runs = list::runs(&felix, &list::RunQuery::default()).await;
        runs.expect("listed").rows[0].label()
    };
    if fault.is_none() {
        let amount = domain::money::Money::new(first.amount, domain::money::Currency::EUR);
        let said = format!("One payout of {} was sent before", amount.format("en"));
        assert!(stays.contains(&said), "{stays}");
        assert_eq!(outcome.moved.sent, first.amount);
    } else {
        assert!(stays.contains("Of one it is not known yet"), "{stays}");
        assert_eq!(outcome.moved.open, first.amount);
        assert_eq!(label().await, "Canceled");
        bank.later(TimeDelta::minutes(5));
        bank.work(first.id).await;
    }
    assert_eq!(label().await, "Canceled, 1 paid");
    assert_eq!(bank.transfers().await.len(), 1);
    assert_eq!(bank.world.bucket(second, "payable").await, other.amount);
    bank.world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn who_is_left_out_reads_why(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let db = bank.world.test.db.reader();
    let account = payout_account::Entity::find()
        .one(db)
        .await
        .expect("read")
        .expect("one");
    payout_account::ActiveModel {
        id: Set(account.id),
        state: Set("restricted".to_owned()),
        ..Default::default()
    }
    .update(db)
    .await
    .expect("restricted");
    let drafter: Context = bank.world.finance(0);
    let new = run::NewRun {
        program_id: bank.world.program,
        cutoff_at: bank.world.now,
        note: String::new(),
    };
    let run_id = run::draft(&drafter, new.clone()).await.expect("drafted");
    let item = payout_item::Entity::find()
        .filter(payout_item::Column::RunId.eq(run_id))
        .one(db)
        .await
        .expect("read")
        .expect("one");
    assert!(!item.included);
    assert_eq!(item.reason.as_deref(), Some("Payout account is restricted"));
    let empty = run::submit(&drafter, run_id, None)
        .await
        .expect_err("nobody to pay");
    assert!(matches!(empty, Error::Conflict(_)), "{empty}");
    let late = run::NewRun {
        cutoff_at: bank.world.now + TimeDelta::days(1),
        ..new
    };
    assert!(matches!(
        run::draft(&drafter, late).await,
        Err(Error::Invalid(_))
    ));
}

/// Two runs of the same balances: whoever is approved second pays nobody twice.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn two_runs_cannot_pay_the_same_money(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let (one, other) = (bank.submitted().await, bank.submitted().await);
    let (first, second) = tokio::join!(async { bank.approve_by(1, one).await }, async {
        bank.approve_by(1, other).await
    },);
    assert_eq!(
        usize::from(first.is_ok()) + usize::from(second.is_ok()),
        1,
        "{first:?} {second:?}"
    );
    let payouts = payout::Entity::find()
        .all(bank.world.test.db.reader())
        .await
        .expect("read");
    assert_eq!(payouts.len(), 1);
    bank.world.assert_clean().await;
}
