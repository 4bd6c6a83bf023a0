//! What connected accounts do for themselves, and what happens in the other mode.

use domain::partner::StaffRole;
use domain::plan::ready_made;
use entity::{customer, job, mail, notice, person, webhook_event};
use rstest::rstest;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, PaginatorTrait, QueryOrder};
use serde_json::{Value, json};

use crate::support::Engine;
use crate::world::{World, acme_pays, event};

/// Whoever has a connected account can bill whom they like there.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn what_a_connected_account_bills_earns_nothing(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let events: Vec<Value> = acme_pays(5_000_000)
        .into_iter()
        .map(|mut event| {
            event["account"] = json!("acct_partner");
            event
        })
        .collect();
    let worked = world.deliver(&events).await;
    assert_eq!((worked.ignored, worked.processed), (3, 0), "{worked:?}");
    assert!(world.commissions().await.is_empty());
    assert!(world.balances().await.is_empty());
    let db = world.test.db.reader();
    let customers = customer::Entity::find().count(db).await;
    assert_eq!(
        customers.expect("counts"),
        0,
        "not even the customer is kept"
    );
    for row in webhook_event::Entity::find().all(db).await.expect("reads") {
        let why = row.error.unwrap_or_default();
        assert!(why.contains("acct_partner"), "{}: {why}", row.event_id);
    }
    // The same customer pays the vendor.
    let own: Vec<Value> = acme_pays(10_000)
        .into_iter()
        .map(|mut event| {
            event["id"] = json!(format!("{}_own", event["id"].as_str().expect("an id")));
            event
        })
        .collect();
    world.deliver(&own).await;
    assert_eq!(world.bucket(world.partners[0], "pending").await, 2_250);
    world.assert_clean().await;
}

/// Of connected accounts, the account and its payouts to the bank are looked at, on that account.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn accounts_and_their_bank_payouts_are_looked_at(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let of = |id: &str, kind: &str, object: Value| {
        let mut event = event(id, kind, 1, object);
        event["account"] = json!("acct_1");
        event
    };
    let worked = world
        .deliver(&[
            of(
                "evt_1",
                "payout.failed",
                json!({ "id": "po_1", "object": "payout" }),
            ),
            of(
                "evt_2",
                "account.updated",
                json!({ "id": "acct_1", "object": "account" }),
            ),
            of(
                "evt_3",
                "account.application.deauthorized",
                json!({ "id": "ca_1", "object": "application" }),
            ),
            of(
                "evt_4",
                "account.external_account.deleted",
                json!({ "id": "ba_1", "object": "bank_account" }),
            ),
            of(
                "evt_5",
                "transfer.reversed",
                json!({ "id": "tr_1", "object": "transfer" }),
            ),
            of(
                "evt_6",
                "charge.refunded",
                json!({ "id": "ch_1", "object": "charge" }),
            ),
        ])
        .await;
    assert_eq!((worked.processed, worked.ignored), (4, 2), "{worked:?}");
    let jobs = job::Entity::find()
        .order_by_asc(job::Column::Id)
        .all(world.test.db.reader())
        .await
        .expect("reads");
    assert!(
        jobs.iter().all(|j| j.payload["stripe_id"] == "acct_1"),
        "{jobs:?}"
    );
    let kinds: Vec<&str> = jobs.iter().map(|j| j.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "bank_payout.sync",
            "payout_account.refresh",
            "payout_account.refresh",
            "payout_account.refresh"
        ]
    );
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn administrators_are_told_once_of_events_of_the_other_mode(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let db = world.test.db.reader();
    let ada = person::ActiveModel {
        email: Set("ada@acme.example".to_owned()),
        name: Set("Ada".to_owned()),
        staff_role: Set(Some(StaffRole::Admin.as_str().to_owned())),
        locale: Set("en".to_owned()),
        time_zone: Set("UTC".to_owned()),
        created_at: Set(world.now),
        ..Default::default()
    };
    let ada = ada.insert(db).await.expect("person").id;
    for event in acme_pays(10_000) {
        let mut event = event;
        event["livemode"] = json!(true);
        world.deliver(&[event]).await;
    }
    assert!(world.commissions().await.is_empty());
    let told = notice::Entity::find().all(db).await.expect("reads");
    assert_eq!(told.len(), 1, "once, and to administrators only: {told:?}");
    assert_eq!(told[0].person_id, ada);
    let mails = mail::Entity::find().all(db).await.expect("reads");
    assert_eq!(mails.len(), 1);
    assert!(mails[0].body.contains("live mode"), "{}", mails[0].body);
    world.assert_clean().await;
}
