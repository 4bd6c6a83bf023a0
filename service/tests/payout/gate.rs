//! Money leaves only while nothing stands against it: asked when a run is counted, when it is approved,
//! and in the claim that sends each payout.

use entity::payout;
use rstest::rstest;
use sea_orm::EntityTrait;
use serde_json::json;
use service::payout::{Next, run, send};

use super::bank::Bank;
use crate::support::{Engine, conflict};

async fn payouts(bank: &Bank) -> Vec<payout::Model> {
    payout::Entity::find()
        .all(bank.world.test.db.reader())
        .await
        .expect("read")
}

#[rstest]
#[case("held", "Held by finance")]
#[case("banned", "Partner is not active")]
#[case("deactivated", "Partner is not active")]
#[case("unsigned", "The agreement is not signed")]
#[case("new terms", "The agreement is not signed")]
#[case("restricted", "Payout account is restricted")]
#[case("closed", "No payout account")]
#[case("no owner", "No owner has access")]
#[case("country", "Stripe does not pay to this country")]
#[tokio::test]
async fn what_stands_against_a_partner_leaves_it_out_of_a_draft(
    #[case] what: &str,
    #[case] reason: &str,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    bank.against(what).await;
    let run_id = bank.drafted(0).await;
    let item = bank.item(run_id, bank.world.partners[0]).await;
    assert_eq!(
        (item.included, item.reason.as_deref()),
        (false, Some(reason))
    );
    conflict(run::submit(&bank.world.finance(0), run_id, None).await);
}

/// The partner is left out, and everybody else is paid.
#[rstest]
#[case("held", "Held by finance")]
#[case("banned", "Partner is not active")]
#[case("new terms", "The agreement is not signed")]
#[case("closed", "No payout account")]
#[case("disconnected", "No payout account")]
#[tokio::test]
async fn what_comes_up_before_the_approval_leaves_that_partner_out(
    #[case] what: &str,
    #[case] reason: &str,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let [north, south] = bank.world.partners;
    if what != "new terms" {
        bank.bonus_for_second().await;
    }
    let run_id = bank.submitted().await;
    bank.against(what).await;
    if what == "new terms" {
        // Nobody has signed them, so nobody is left.
        let said = conflict(bank.approve_by(1, run_id).await);
        assert!(said.contains(reason), "{said}");
        assert!(payouts(&bank).await.is_empty());
        return;
    }
    assert!(
        bank.approve_by(1, run_id)
            .await
            .expect("the rest is approved")
    );
    let item = bank.item(run_id, north).await;
    assert_eq!(
        (item.included, item.reason.as_deref(), item.stage.as_deref()),
        (false, Some(reason), Some("approval"))
    );
    assert!(bank.item(run_id, south).await.included);
    let made = payouts(&bank).await;
    assert_eq!(made.len(), 1);
    assert_eq!((made[0].partner_id, made[0].amount), (south, 10_000));
    bank.world.assert_clean().await;
}

/// Approved, and it waits for balance. What comes up then, days later, stops the payout all the same.
#[rstest]
#[case("held", "Held by finance")]
#[case("banned", "Partner is not active")]
#[case("deactivated", "Partner is not active")]
#[case("unsigned", "The agreement is not signed")]
#[case("new terms", "The agreement is not signed")]
#[case("restricted", "Payout account is restricted")]
#[case("disconnected", "No payout account")]
#[case("replaced", "Payout account was replaced after the approval")]
#[case("no owner", "No owner has access")]
#[tokio::test]
async fn what_comes_up_after_the_approval_stops_the_payout(
    #[case] what: &str,
    #[case] reason: &str,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let payable = bank.bucket("payable").await;
    bank.control("balance", json!({"currency": "eur", "amount": 0}))
        .await;
    let run_id = bank.submitted().await;
    assert!(bank.approve_by(1, run_id).await.expect("approved"));
    let start = async || {
        send::start_run(&bank.world.system(), &bank.gateway, run_id)
            .await
            .expect("looked")
    };
    assert!(matches!(start().await, Next::Again(_)), "it waits");
    bank.against(what).await;
    bank.control("balance", json!({"currency": "eur", "amount": 100_000_000}))
        .await;
    assert_eq!(start().await, Next::Done);
    let row = bank.payout().await;
    assert_eq!(bank.work(row.id).await, Next::Done);

    assert!(bank.transfers().await.is_empty(), "nothing has left");
    let row = bank.payout().await;
    assert_eq!(row.status, "failed");
    let said = row.failure.unwrap_or_default();
    assert!(said.contains(reason), "{said}");
    assert_eq!(
        (bank.bucket("payable").await, bank.bucket("in_payout").await),
        (payable, 0),
        "payable again"
    );
    let item = bank.item(run_id, bank.world.partners[0]).await;
    assert_eq!(
        (item.included, item.reason.as_deref(), item.stage.as_deref()),
        (false, Some(reason), Some("sending"))
    );
    let run = service::payout::list::run(&bank.world.finance(0), run_id)
        .await
        .expect("shown");
    assert_eq!(run.status.as_str(), "done");
    bank.world.assert_clean().await;
}

/// A hold that is lifted before the payout's turn has come stops nothing.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_hold_that_is_lifted_again_stops_nothing(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let row = bank.started().await;
    bank.against("held").await;
    run::hold_partner(&bank.world.finance(0), bank.world.partners[0], None)
        .await
        .expect("lifted");
    assert_eq!(bank.work(row.id).await, Next::Done);
    assert_eq!(bank.payout().await.status, "paid");
    bank.world.assert_clean().await;
}

/// What may be on its way is not given up, and not sent a second time against a hold either.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_held_partner_is_not_sent_to_again(#[case] engine: Engine) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    let row = bank.started().await;
    bank.fault("timeout_before").await;
    assert!(matches!(bank.work(row.id).await, Next::Again(_)));
    bank.against("held").await;
    let next = bank.work(row.id).await;
    assert!(matches!(next, Next::Again(_)), "{next:?}");
    assert!(bank.transfers().await.is_empty());
    assert_ne!(bank.payout().await.status, "failed");
    run::hold_partner(&bank.world.finance(0), bank.world.partners[0], None)
        .await
        .expect("lifted");
    bank.settle(row.id).await;
    assert_eq!(bank.payout().await.status, "paid");
    assert_eq!(bank.transfers().await.len(), 1);
    bank.world.assert_clean().await;
}

/// A run that waits is left as it is when its gate closes for one of two: the other one is paid.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn one_that_is_stopped_stops_nobody_else(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    bank.bonus_for_second().await;
    bank.started().await;
    bank.against("banned").await;
    for row in payouts(&bank).await {
        bank.work(row.id).await;
    }
    let ends: Vec<_> = payouts(&bank)
        .await
        .into_iter()
        .map(|row| (row.partner_id, row.status))
        .collect();
    let [north, south] = bank.world.partners;
    assert!(ends.contains(&(north, "failed".to_owned())), "{ends:?}");
    assert!(ends.contains(&(south, "paid".to_owned())), "{ends:?}");
    assert_eq!(bank.transfers().await.len(), 1);
    bank.world.assert_clean().await;
}
