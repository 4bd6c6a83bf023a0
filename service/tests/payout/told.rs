//! What is told at once: to finance, and to the partner whose money it is. Once for each occurrence.

use chrono::TimeDelta;
use domain::partner::StaffRole;
use entity::{member, partner, payout_account, person};
use rstest::rstest;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};
use serde_json::json;
use service::commission::{AdjustForm, adjust};
use service::payout::{Next, account, reconcile, run, send, sync};

use super::bank::Bank;
use crate::support::Engine;

const ME: &str = "finance0@acme.example";
const OTHER: &str = "finance1@acme.example";
const OWNER: &str = "olga@north.example";

/// A person with a place in the first partner; gives `member.id`.
async fn belongs(bank: &Bank, address: &str, role: &str) -> (i64, i64) {
    let db = bank.world.test.db.reader();
    let now = bank.world.now - TimeDelta::days(200);
    let person = person::ActiveModel {
        email: Set(address.to_owned()),
        name: Set(address.to_owned()),
        locale: Set("en".to_owned()),
        time_zone: Set("UTC".to_owned()),
        created_at: Set(now),
        ..Default::default()
    }
    .insert(db)
    .await
    .expect("person");
    let member = member::ActiveModel {
        partner_id: Set(bank.world.partners[0]),
        person_id: Set(person.id),
        role: Set(role.to_owned()),
        joined_at: Set(now),
        ..Default::default()
    }
    .insert(db)
    .await
    .expect("member");
    (person.id, member.id)
}

/// What stands in somebody's mailbox that contains `part`.
async fn count(bank: &Bank, address: &str, part: &str) -> usize {
    let mails = bank.world.mails_to(address).await;
    mails.iter().filter(|m| m.contains(part)).count()
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn finance_is_told_of_what_waits_for_it(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    bank.submitted().await;
    assert_eq!(count(&bank, OTHER, "waits for approval").await, 1);
    assert_eq!(count(&bank, ME, "waits for approval").await, 0, "did it");
    let form = AdjustForm {
        partner_id: bank.world.partners[0],
        kind: "bonus".to_owned(),
        amount: "1000.01".to_owned(),
        currency: "EUR".to_owned(),
        reason: "Agreed by phone".to_owned(),
    };
    adjust(&bank.world.finance(0), &form).await.expect("booked");
    assert_eq!(count(&bank, OTHER, "a second person’s approval").await, 1);
    let notices = bank.world.notices_of(bank.world.finance[1]).await;
    assert_eq!(notices.len(), 2, "{notices:?}");
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_shortage_is_told_once_however_often_it_is_looked_at(#[case] engine: Engine) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    bank.control("balance", json!({"amount": 100, "currency": "eur"}))
        .await;
    let run_id = bank.submitted().await;
    bank.approve_as(&bank.world.finance(1), run_id)
        .await
        .expect("approved");
    for _ in 0..3 {
        let next = send::start_run(&bank.world.system(), &bank.gateway, run_id).await;
        assert!(matches!(next, Ok(Next::Again(_))), "{next:?}");
        bank.world.now += TimeDelta::minutes(15);
    }
    assert_eq!(count(&bank, ME, "waits for Stripe’s balance").await, 1);
    assert_eq!(count(&bank, OTHER, "waits for Stripe’s balance").await, 1);
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn failures_are_told_to_each_partner_and_to_finance_once_a_run(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    belongs(&bank, OWNER, "owner").await;
    belongs(&bank, "max@north.example", "member").await;
    bank.ready(bank.world.partners[1]).await;
    let form = AdjustForm {
        partner_id: bank.world.partners[1],
        kind: "bonus".to_owned(),
        amount: "100".to_owned(),
        currency: "EUR".to_owned(),
        reason: "Agreed by phone".to_owned(),
    };
    adjust(&bank.world.finance(0), &form).await.expect("booked");
    let run_id = bank.submitted().await;
    bank.approve_as(&bank.world.finance(1), run_id)
        .await
        .expect("approved");
    let next = send::start_run(&bank.world.system(), &bank.gateway, run_id).await;
    assert_eq!(next.expect("started"), Next::Done);
    let payouts = entity::payout::Entity::find()
        .all(bank.world.test.db.reader())
        .await
        .expect("reads");
    assert_eq!(payouts.len(), 2);
    for row in &payouts {
        bank.control(
            &format!("accounts/{}/outcome", row.destination),
            json!({"outcome": "past_due"}),
        )
        .await;
        bank.work(row.id).await;
    }
    assert_eq!(count(&bank, OWNER, "did not go through").await, 1);
    assert!(bank.world.mails_to("max@north.example").await.is_empty());
    assert_eq!(
        count(&bank, ME, "failed").await,
        2,
        "the first, and the end"
    );
    assert_eq!(count(&bank, ME, "2 of 2 payouts failed").await, 1);
    bank.world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn reversals_and_differences_are_told_once(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    belongs(&bank, OWNER, "owner").await;
    let row = bank.started().await;
    bank.work(row.id).await;
    let transfer = bank.payout().await.transfer_id.expect("made");
    let reversed = bank
        .client
        .post(format!("{}/v1/transfers/{transfer}/reversals", bank.base))
        .bearer_auth("sk_test_payouts")
        .form(&[("amount", "100")])
        .send()
        .await
        .expect("answers");
    assert!(reversed.status().is_success());
    for _ in 0..2 {
        sync::transfer(&bank.world.system(), &bank.gateway, &transfer)
            .await
            .expect("synced");
    }
    assert_eq!(count(&bank, OWNER, "was taken back").await, 1);
    assert_eq!(count(&bank, ME, "came back").await, 1);

    payout_of_other_amount(&bank, row.id).await;
    for _ in 0..2 {
        let since = bank.world.now - TimeDelta::days(30);
        reconcile::run(&bank.world.system(), &bank.gateway, since)
            .await
            .expect("compared");
    }
    assert_eq!(count(&bank, ME, "with Stripe w").await, 1);
}

/// Makes the books differ from Stripe.
async fn payout_of_other_amount(bank: &Bank, id: i64) {
    entity::payout::ActiveModel {
        id: Set(id),
        amount: Set(10_000),
        ..Default::default()
    }
    .update(bank.world.test.db.reader())
    .await
    .expect("changed");
}

/// The owners, who was one until lately, the manager and finance are told of a new account and of one
/// that replaces another; its first payout waits.
#[rstest]
#[case::the_first(false)]
#[case::in_the_place_of_a_closed_one(true)]
#[tokio::test]
async fn a_new_payout_account_is_told_to_everybody_whom_it_concerns(
    #[case] replaces: bool,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let db = bank.world.test.db.reader();
    let north = bank.world.partners[0];
    let old = payout_account::Entity::find()
        .one(db)
        .await
        .expect("reads")
        .expect("one");
    if replaces {
        payout_account::ActiveModel {
            id: Set(old.id),
            state: Set("closed".to_owned()),
            ..Default::default()
        }
        .update(db)
        .await
        .expect("closed");
    } else {
        payout_account::Entity::delete_by_id(old.id)
            .exec(db)
            .await
            .expect("none");
    }
    let maya = bank.world.add_staff("Maya", StaffRole::Manager).await;
    partner::ActiveModel {
        id: Set(north),
        manager_id: Set(Some(maya)),
        ..Default::default()
    }
    .update(db)
    .await
    .expect("a manager");
    belongs(&bank, OWNER, "owner").await;
    let (_, demoted) = belongs(&bank, "dirk@north.example", "owner").await;
    let (_, removed) = belongs(&bank, "rita@north.example", "owner").await;
    let thief = bank.world.owner(north);
    service::partner::change_role(&thief, demoted, domain::partner::MemberRole::Member)
        .await
        .expect("demoted");
    service::partner::remove(&thief, removed)
        .await
        .expect("removed");

    for _ in 0..2 {
        account::connect(&thief, &bank.gateway, "https://portal.example")
            .await
            .expect("connected");
    }
    for address in [
        OWNER,
        "dirk@north.example",
        "rita@north.example",
        "maya@acme.example",
        ME,
    ] {
        assert_eq!(
            count(&bank, address, "payout account of North").await,
            1,
            "{address}"
        );
    }
    let said = bank.world.mails_to(OWNER).await.join("|");
    assert_eq!(said.contains("replaced"), replaces, "{said}");
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn the_first_payout_to_a_new_account_waits(#[case] engine: Engine) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    let db = bank.world.test.db.reader().clone();
    let row = payout_account::Entity::find()
        .one(&db)
        .await
        .expect("reads")
        .expect("one");
    payout_account::ActiveModel {
        id: Set(row.id),
        connected_at: Set(Some(bank.world.now - TimeDelta::days(2))),
        ..Default::default()
    }
    .update(&db)
    .await
    .expect("two days old");
    let new = run::NewRun {
        program_id: bank.world.program,
        cutoff_at: bank.world.now,
        note: String::new(),
    };
    let run_id = run::draft(&bank.world.finance(0), new)
        .await
        .expect("drafted");
    let nobody = run::submit(&bank.world.finance(0), run_id, None).await;
    assert!(nobody.is_err(), "{nobody:?}");
    let item = entity::payout_item::Entity::find()
        .one(&db)
        .await
        .expect("reads")
        .expect("one");
    assert_eq!(
        (item.included, item.reason.as_deref()),
        (false, Some("Payout account is new"))
    );
    // Its owners read until when.
    let owner = bank.world.owner(bank.world.partners[0]);
    let until = account::own(&owner).await.expect("shown").waits_until;
    assert_eq!(until, Some(bank.world.now + TimeDelta::days(1)));
    bank.world.now += TimeDelta::days(1);
    let owner = bank.world.owner(bank.world.partners[0]);
    let until = account::own(&owner).await.expect("shown").waits_until;
    assert_eq!(until, None);
    run::submit(&bank.world.finance(0), run_id, None)
        .await
        .expect("three days old");
}
