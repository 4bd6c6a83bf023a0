//! What became of a transfer is believed only when everything fits, and given up only by a person.

use chrono::TimeDelta;
use entity::{discrepancy, mail, payout, payout_question, sending_stop};
use rstest::rstest;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, QueryOrder};
use serde_json::json;
use service::payout::{Next, question, reconcile, recover, send, sync, watch};

use super::bank::Bank;
use crate::support::{Engine, conflict, errors};

async fn questions(bank: &Bank) -> Vec<payout_question::Model> {
    payout_question::Entity::find()
        .order_by_asc(payout_question::Column::Id)
        .all(bank.world.test.db.reader())
        .await
        .expect("read")
}

pub async fn subjects(bank: &Bank) -> Vec<String> {
    let mails = mail::Entity::find()
        .order_by_asc(mail::Column::Id)
        .all(bank.world.test.db.reader())
        .await;
    let mails = mails.expect("read").into_iter();
    mails.map(|mail| mail.subject).collect()
}

pub async fn differences(bank: &Bank) -> Vec<discrepancy::Model> {
    let open = reconcile::open(bank.world.test.db.reader()).await;
    open.expect("read")
}

pub async fn stops(bank: &Bank) -> Vec<sending_stop::Model> {
    watch::stops(bank.world.test.db.reader())
        .await
        .expect("read")
}

/// How a request's outcome got lost.
#[derive(Clone, Copy)]
enum Lost {
    /// It is still on its way when the clock jumps.
    Slow,
    /// The process is killed between claim and answer, and comes back a day later.
    Killed,
    /// The clock was put back since.
    ClockBack,
}

/// A transfer that is still on its way is not given up because a clock says that a day has passed: a
/// person is asked, and what arrives is booked.
#[rstest]
#[case::the_clock_jumps(Lost::Slow)]
#[case::the_process_is_killed(Lost::Killed)]
#[case::the_clock_is_put_back(Lost::ClockBack)]
#[tokio::test]
async fn time_alone_gives_nothing_up(
    #[case] lost: Lost,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    let row = bank.started().await;
    bank.goes_wrong("POST", "/v1/transfers", "slow", 1, json!({"hang_ms": 4000}))
        .await;
    assert!(matches!(bank.work(row.id).await, Next::Again(_)));
    if let Lost::Killed = lost {
        payout::ActiveModel {
            id: Set(row.id),
            status: Set("sending".to_owned()),
            ..Default::default()
        }
        .update(bank.world.test.db.reader())
        .await
        .expect("as a killed process left it");
    }
    bank.later(match lost {
        Lost::ClockBack => -TimeDelta::hours(27),
        _ => TimeDelta::hours(27),
    });
    for _ in 0..3 {
        assert!(matches!(bank.work(row.id).await, Next::Again(_)));
    }
    assert_eq!(bank.payout().await.status, "unknown");
    assert_eq!(bank.bucket("in_payout").await, row.amount);
    let asked = questions(&bank).await;
    assert_eq!(asked.len(), 1, "asked once");
    let told = subjects(&bank).await;
    let about = format!("Payout {} needs your decision", row.id);
    assert_eq!(told.iter().filter(|s| **s == about).count(), 2, "{told:?}");
    bank.world.assert_clean().await;
    tokio::time::sleep(std::time::Duration::from_millis(4000)).await;
    // Now Stripe has it, and nobody can say it has not.
    let finance = bank.world.finance(1);
    let never = question::never_made(&finance, &bank.gateway, row.id, "I think so").await;
    assert!(conflict(never).contains("Stripe has it"));
    let asked = question::ask_again(&finance, &bank.gateway, row.id).await;
    assert!(asked.expect("asked"), "found");
    assert_eq!(bank.payout().await.status, "paid");
    assert_eq!(questions(&bank).await[0].answer.as_deref(), Some("found"));
    assert_eq!(bank.transfers().await.len(), 1);
    bank.world.assert_clean().await;
}

/// A person says that it was never made; what appears all the same stops everything, is told, and is
/// booked instead of paid again.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_transfer_that_comes_after_the_decision_stops_the_next_run(#[case] engine: Engine) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    let row = bank.started().await;
    bank.goes_wrong("POST", "/v1/transfers", "slow", 1, json!({"hang_ms": 5000}))
        .await;
    bank.work(row.id).await;
    bank.later(TimeDelta::hours(27));
    bank.work(row.id).await;
    let finance = bank.world.finance(1);
    let without = question::never_made(&finance, &bank.gateway, row.id, " ").await;
    assert!(errors(without).0.contains_key("reason"));
    question::never_made(&finance, &bank.gateway, row.id, "Stripe's support says so")
        .await
        .expect("decided");
    assert_eq!(bank.payout().await.status, "failed");
    assert_eq!(bank.bucket("payable").await, row.amount);
    let answered = questions(&bank).await.remove(0);
    assert_eq!(answered.answer.as_deref(), Some("never_made"));
    assert_eq!(answered.answered_by, Some(bank.world.finance[1]));
    bank.world.assert_clean().await;
    tokio::time::sleep(std::time::Duration::from_millis(5000)).await;
    assert_eq!(bank.transfers().await.len(), 1);
    // The next run is approved and does not start.
    let run_id = bank.submitted().await;
    bank.approve(run_id).await;
    let system = bank.world.system();
    let next = send::start_run(&system, &bank.gateway, run_id).await;
    assert!(matches!(next, Ok(Next::Again(_))), "{next:?}");
    assert_eq!(stops(&bank).await.len(), 1);
    let found = differences(&bank).await.remove(0);
    assert_eq!(found.kind, "unexpected_transfer");
    let told = subjects(&bank).await;
    assert!(
        told.iter().any(|s| s.starts_with("No payouts are sent")),
        "{told:?}"
    );
    recover::book(&finance, &bank.gateway, found.id, "It was late")
        .await
        .expect("booked");
    watch::release(&finance, &bank.gateway, "The late transfer is booked")
        .await
        .expect("released");
    bank.later(TimeDelta::minutes(5));
    let system = bank.world.system();
    send::start_run(&system, &bank.gateway, run_id)
        .await
        .expect("goes on");
    for row in bank.payouts().await {
        send::work(&system, &bank.gateway, row.id)
            .await
            .expect("works");
    }
    assert_eq!(bank.transfers().await.len(), 1, "paid once");
    assert_eq!(
        (bank.bucket("payable").await, bank.bucket("in_payout").await),
        (0, 0)
    );
    bank.world.assert_clean().await;
}

/// With the key of another account every list is empty: nothing is concluded and nothing is sent.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn another_account_stops_all_sending(#[case] engine: Engine) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    let row = bank.started().await;
    bank.fault("connection_reset_after").await;
    bank.work(row.id).await;
    assert_eq!(
        bank.payout().await.platform.as_deref(),
        Some("acct_1PorticoSandbox0")
    );
    bank.control("platform", json!({"account": "acct_another"}))
        .await;
    for hours in [1, 26] {
        bank.later(TimeDelta::hours(hours));
        assert!(matches!(bank.work(row.id).await, Next::Again(_)));
        assert_eq!(bank.payout().await.status, "unknown");
    }
    assert_eq!(bank.transfers().await.len(), 1, "nothing was sent again");
    let stopped = stops(&bank).await;
    assert!(stopped[0].why.contains("acct_another"), "{stopped:?}");
    let compared = reconcile::run(&bank.world.system(), &bank.gateway, row.created_at).await;
    assert!(conflict(compared).contains("acct_another"));
    // Finance alone cannot say that the other account is right.
    let finance = bank.world.finance(0);
    let moved = watch::release(&finance, &bank.gateway, "It is").await;
    assert!(moved.is_err());
    bank.control("platform", json!({})).await;
    bank.settle(row.id).await;
    assert_eq!(bank.payout().await.status, "paid");
    assert!(stops(&bank).await.is_empty(), "over by itself");
    bank.world.assert_clean().await;
}

/// The vendor has moved to another account at Stripe: an admin says so while nothing is on its way.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn an_admin_may_say_that_the_other_account_is_meant(#[case] engine: Engine) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    let row = bank.started().await;
    bank.control("platform", json!({"account": "acct_another"}))
        .await;
    bank.later(TimeDelta::minutes(11));
    assert!(matches!(bank.work(row.id).await, Next::Again(_)));
    assert_eq!(bank.payout().await.status, "intended");
    assert_eq!(stops(&bank).await.len(), 1);
    let admin = bank.world.staff(domain::partner::StaffRole::Admin);
    let without = watch::release(&admin, &bank.gateway, "").await;
    assert!(errors(without).0.contains_key("reason"));
    watch::release(&admin, &bank.gateway, "We moved to another account")
        .await
        .expect("released");
    bank.settle(row.id).await;
    let paid = bank.payout().await;
    assert_eq!(
        (paid.status.as_str(), paid.platform.as_deref()),
        ("paid", Some("acct_another"))
    );
    bank.world.assert_clean().await;
}

/// An old transfer under a name that somebody typed is neither the payout's nor in its way.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_group_alone_is_no_proof(#[case] engine: Engine) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    let row = bank.started().await;
    let other = bank.account("complete").await;
    let group = format!("portico-payout-{}", row.id);
    let old = json!({"id": "tr_old", "destination": other, "currency": "eur",
                     "amount": row.amount, "transfer_group": group});
    bank.control("transfers", old).await;
    bank.fault("connection_reset").await;
    bank.work(row.id).await;
    bank.settle(row.id).await;
    let paid = bank.payout().await;
    assert_eq!(paid.status, "paid");
    assert_ne!(paid.transfer_id.as_deref(), Some("tr_old"));
    assert_eq!(bank.transfers().await.len(), 2);
    bank.world.assert_clean().await;
}

/// What stands in the payout's own group and does not fit is a question, whatever does not fit.
#[rstest]
#[case::amount(json!({"amount": 100}))]
#[case::account(json!({"destination": null}))]
#[case::another_payouts(json!({"metadata": {"portico_payout": "999"}}))]
#[case::another_life(json!({"metadata": {"portico_key": "of-another-payout"}}))]
#[tokio::test]
async fn what_does_not_fit_is_asked_of_a_person(
    #[case] differs: serde_json::Value,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    let row = bank.started().await;
    bank.fault("connection_reset").await;
    bank.work(row.id).await;
    let row = bank.payout().await;
    let installation = watch::installation(&bank.world.system())
        .await
        .expect("named");
    let mut strange = json!({"id": "tr_strange", "destination": row.destination,
        "currency": "eur", "amount": row.amount, "transfer_group": row.transfer_group,
        "metadata": {"portico_payout": row.id.to_string(), "portico_key": row.idempotency_key,
                     "portico_installation": installation}});
    for (name, value) in differs.as_object().expect("an object") {
        match value {
            serde_json::Value::Null => {
                strange[name.as_str()] = json!(bank.account("complete").await)
            }
            serde_json::Value::Object(pairs) => {
                for (key, value) in pairs {
                    strange[name.as_str()][key.as_str()] = value.clone();
                }
            }
            other => strange[name.as_str()] = other.clone(),
        }
    }
    bank.control("transfers", strange).await;
    bank.later(TimeDelta::minutes(1));
    bank.work(row.id).await;
    let now = bank.payout().await;
    assert_eq!((now.status.as_str(), now.transfer_id), ("unknown", None));
    assert_eq!(bank.transfers().await.len(), 1, "nothing is sent beside it");
    let asked = questions(&bank).await;
    assert!(asked[0].why.contains("tr_strange"), "{asked:?}");
    let shown = question::view(&bank.world.finance(0), &bank.gateway, row.id).await;
    let shown = shown.expect("shown").expect("a question");
    let listed = shown.listed.expect("Stripe answers");
    assert!(listed[0].misfit.is_some(), "{listed:?}");
    let none = question::made(
        &bank.world.finance(0),
        &bank.gateway,
        row.id,
        "tr_elsewhere",
        "I saw it",
    )
    .await;
    assert!(errors(none).0.contains_key("transfer"));
    bank.world.assert_clean().await;
}

/// A transfer that was taken back before its payout was known as paid is booked as both.
#[rstest]
#[case::whole(true)]
#[case::a_part(false)]
#[tokio::test]
async fn what_was_taken_back_before_our_commit_is_booked(
    #[case] whole: bool,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    let row = bank.started().await;
    bank.fault("connection_reset_after").await;
    bank.work(row.id).await;
    let transfer = bank.transfers().await[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let back = if whole { row.amount } else { 1_000 };
    bank.take_back(&transfer, back).await;
    // The event is there before the payout is paid: it is not dropped.
    let system = bank.world.system();
    let early = sync::transfer(&system, &bank.gateway, &transfer).await;
    assert!(matches!(early, Ok(Next::Again(_))), "{early:?}");
    bank.settle(row.id).await;
    let settled = bank.payout().await;
    let status = if whole { "reversed" } else { "paid" };
    assert_eq!((settled.status.as_str(), settled.reversed), (status, back));
    assert_eq!(bank.bucket("payable").await, back);
    let again = sync::transfer(&bank.world.system(), &bank.gateway, &transfer).await;
    assert_eq!(again.expect("synced"), Next::Done);
    assert_eq!(bank.bucket("payable").await, back);
    bank.world.assert_clean().await;
}

/// A reversal whose event never came is found by the comparison and booked by finance.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_missed_reversal_is_found_and_booked(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let row = bank.started().await;
    bank.work(row.id).await;
    let transfer = bank.payout().await.transfer_id.expect("a transfer");
    bank.take_back(&transfer, 700).await;
    let since = bank.world.now - TimeDelta::days(400);
    let system = bank.world.system();
    reconcile::run(&system, &bank.gateway, since)
        .await
        .expect("compared");
    let found = differences(&bank).await.remove(0);
    assert_eq!(
        (found.kind.as_str(), found.theirs),
        ("reversed_amount", Some(700))
    );
    let finance = bank.world.finance(0);
    reconcile::book_reversal(&finance, &bank.gateway, found.id)
        .await
        .expect("booked");
    assert_eq!(bank.bucket("payable").await, 700);
    assert!(differences(&bank).await.is_empty());
    // What a person settled is found again when it is of another amount, and only then.
    bank.take_back(&transfer, 300).await;
    for _ in 0..2 {
        reconcile::run(&system, &bank.gateway, since)
            .await
            .expect("compared");
    }
    assert_eq!(differences(&bank).await.len(), 1);
    sync::transfer(&system, &bank.gateway, &transfer)
        .await
        .expect("synced");
    reconcile::run(&system, &bank.gateway, since)
        .await
        .expect("compared");
    assert!(differences(&bank).await.is_empty(), "gone by itself");
    bank.world.assert_clean().await;
}

/// What other hands made at the same Stripe account is listed, whatever it is called, and stops
/// nothing.
#[rstest]
#[case::like_ours(json!("portico-payout-99999"))]
#[case::other(json!("other"))]
#[case::none(json!(null))]
#[tokio::test]
async fn foreign_transfers_are_listed(
    #[case] group: serde_json::Value,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let account = bank.account("complete").await;
    let mut strange = json!({"id": "tr_strange", "destination": account, "currency": "eur",
                             "amount": 777_700});
    if !group.is_null() {
        strange["transfer_group"] = group;
    }
    bank.control("transfers", strange).await;
    let since = bank.world.now - TimeDelta::days(400);
    let system = bank.world.system();
    for _ in 0..2 {
        reconcile::run(&system, &bank.gateway, since)
            .await
            .expect("compared");
    }
    let found = differences(&bank).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].kind, "foreign_transfer");
    assert!(stops(&bank).await.is_empty());
}

/// A payout that is paid while Stripe's list is on its way is not missing there.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn what_is_paid_during_a_comparison_is_not_missing(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let row = bank.started().await;
    // The list is made before the transfer and arrives after it.
    bank.goes_wrong("GET", "/v1/transfers", "slow", 1, json!({"hang_ms": 600}))
        .await;
    let since = bank.world.now - TimeDelta::days(400);
    let system = bank.world.system();
    let compared = reconcile::run(&system, &bank.gateway, since);
    let paid = async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        bank.work(row.id).await
    };
    let (compared, paid) = tokio::join!(compared, paid);
    assert_eq!((compared.expect("compared").open, paid), (0, Next::Done));
}
