//! Partners' accounts at Stripe, and Stripe's payouts from there to their banks.

use chrono::TimeDelta;
use entity::{bank_payout, payout_account};
use rstest::rstest;
use sea_orm::{EntityTrait, ModelTrait};
use serde_json::{Value, json};
use service::payout::{account, bank, reconcile};

use super::bank::Bank;
use super::unclear::subjects;
use crate::support::Engine;

async fn kept(bank: &Bank) -> Option<payout_account::Model> {
    let row = payout_account::Entity::find().one(bank.world.test.db.reader());
    row.await.expect("read")
}

async fn accounts(bank: &Bank) -> usize {
    let state: Value = bank
        .client
        .get(format!("{}/_sandbox/state", bank.base))
        .send()
        .await
        .expect("answers")
        .json()
        .await
        .expect("JSON");
    state["accounts"].as_array().expect("a list").len()
}

/// An account that is gone at Stripe is closed here, and another one can be connected.
#[rstest]
#[case::told(true)]
#[case::nobody_told_the_portal(false)]
#[tokio::test]
async fn an_account_that_is_gone_can_be_followed_by_another(
    #[case] told: bool,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let gone = kept(&bank).await.expect("connected").stripe_id;
    bank.control(&format!("accounts/{gone}/delete"), json!({}))
        .await;
    if told {
        account::refresh(&bank.world.system(), &bank.gateway, &gone)
            .await
            .expect("asked");
        assert_eq!(kept(&bank).await.expect("kept").state, "closed");
    }
    let owner = bank.world.owner(bank.world.partners[0]);
    let url = account::connect(&owner, &bank.gateway, "https://portal.example").await;
    assert!(url.expect("a page at Stripe").contains("http"));
    let another = kept(&bank).await.expect("another").stripe_id;
    assert_ne!(another, gone);
}

/// The answer to “Connect” is lost and the organisation renamed: the account that was made is found.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn connecting_again_after_a_lost_answer_finds_the_account(#[case] engine: Engine) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    let db = bank.world.test.db.clone();
    let row = kept(&bank).await.expect("connected");
    row.delete(db.reader()).await.expect("not connected yet");
    let before = accounts(&bank).await;
    bank.goes_wrong(
        "POST",
        "/v2/core/accounts",
        "connection_reset_after",
        1,
        json!({}),
    )
    .await;
    let partner = bank.world.partners[0];
    let base = "https://portal.example";
    let lost = account::connect(&bank.world.owner(partner), &bank.gateway, base).await;
    assert!(lost.is_err());
    let sql = "UPDATE partner SET name = 'Northern Lights', country = 'FR'";
    sea_orm::ConnectionTrait::execute_unprepared(db.reader(), sql)
        .await
        .expect("renamed");
    bank.later(TimeDelta::hours(25));
    let found = account::connect(&bank.world.owner(partner), &bank.gateway, base).await;
    found.expect("a page at Stripe");
    assert_eq!(accounts(&bank).await, before + 1, "one account");
}

/// Of two lists of a bank's payouts the one asked for later counts, whichever comes first; the partner
/// is told once.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn an_older_answer_does_not_undo_a_newer_one(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let row = bank.started().await;
    bank.work(row.id).await;
    let account = row.destination.clone();
    let made = bank
        .control(
            &format!("accounts/{account}/payout"),
            json!({"currency": "eur", "amount": 1_000}),
        )
        .await;
    let payout = format!("payouts/{}", made["id"].as_str().expect("an id"));
    bank.control(&payout, json!({"status": "in_transit"})).await;
    bank.goes_wrong("GET", "/v1/payouts", "slow", 1, json!({"hang_ms": 600}))
        .await;
    let system = bank.world.system();
    // This one is asked first and answered last.
    let older = bank::sync(&system, &bank.gateway, &account);
    let newer = async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        bank.control(&payout, json!({"status": "failed"})).await;
        bank::sync(&system, &bank.gateway, &account).await
    };
    let (older, newer) = tokio::join!(older, newer);
    older.and(newer).expect("synced");
    let now = || async {
        let row = bank_payout::Entity::find().one(bank.world.test.db.reader());
        row.await.expect("read").expect("one")
    };
    assert_eq!(now().await.status, "failed");
    bank::sync(&system, &bank.gateway, &account)
        .await
        .expect("synced");
    assert_eq!(now().await.status, "failed");
    let told = subjects(&bank).await;
    let finance = told
        .iter()
        .filter(|s| s.ends_with("’s bank refused a payout"));
    assert_eq!(finance.count(), 2, "each of finance once: {told:?}");
    // It is a difference until a later one has arrived.
    let since = bank.world.now - TimeDelta::days(400);
    let compare = || reconcile::run(&system, &bank.gateway, since);
    assert_eq!(compare().await.expect("compared").open, 1);
    let later = bank
        .control(
            &format!("accounts/{account}/payout"),
            json!({"currency": "eur", "amount": 500}),
        )
        .await;
    assert_eq!(later["status"], "paid");
    bank::sync(&system, &bank.gateway, &account)
        .await
        .expect("synced");
    assert_eq!(compare().await.expect("compared").open, 0);
}
