//! What cannot be judged yet is kept, and looked at again when what it is about appears.

use chrono::TimeDelta;
use domain::partner::StaffRole;
use domain::plan::ready_made;
use entity::webhook_event;
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::Value;
use service::desk::{self, DeskQuery};

use crate::support::Engine;
use crate::world::{World, acme_pays, charge, credit_note, dispute, event, refunded};

async fn stored(world: &World, id: &str) -> webhook_event::Model {
    webhook_event::Entity::find()
        .filter(webhook_event::Column::EventId.eq(id))
        .one(world.test.db.reader())
        .await
        .expect("reads")
        .expect("stored")
}

/// What goes back, of a payment or an invoice that Stripe does not list yet, and what of 2,250 is left
/// when it does.
fn early() -> Vec<(&'static str, Value, i64)> {
    let disputed = dispute("dp_1", "pi_1", 12_000, "lost", 40);
    let note = credit_note("cn_1", "in_1", "il_1", 5_000, None, 40);
    vec![
        ("pi_1", refunded(1, "pi_1", 12_000, 40), 0),
        (
            "pi_1",
            event(
                "evt_ch",
                "charge.refunded",
                40,
                charge("pi_1", 12_000, 6_000),
            ),
            1_125,
        ),
        (
            "pi_1",
            event("evt_dp", "charge.dispute.closed", 40, disputed),
            0,
        ),
        (
            "in_1",
            event("evt_cn", "credit_note.created", 40, note),
            1_125,
        ),
    ]
}

#[rstest]
#[tokio::test]
async fn what_goes_back_before_it_is_known_waits_and_is_taken_back(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
    #[values(0, 1, 2, 3)] which: usize,
    #[values(true, false)] payment_is_told: bool,
) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let (name, told, left) = early().swap_remove(which);
    let id = told["id"].as_str().expect("an id").to_owned();
    let worked = world.deliver(&[told]).await;
    assert_eq!((worked.ignored, worked.failed), (0, 0), "{worked:?}");
    let row = stored(&world, &id).await;
    assert_eq!(row.status, "received", "{:?}", row.error);
    assert_eq!(row.waits_for.as_deref(), Some(name));
    assert!(row.error.is_some_and(|why| why.contains(name)));
    let query = DeskQuery {
        status: Some("kept".to_owned()),
        limit: 10,
        ..DeskQuery::default()
    };
    let admin = world.staff(StaffRole::Admin);
    let (listed, _) = desk::webhooks(&admin, &query).await.expect("lists");
    assert_eq!(listed.len(), 1, "people see it");
    let pulse = desk::pulse(&admin).await.expect("reads");
    assert_eq!(pulse.waiting_events, 0, "it is no backlog");

    // Stripe lists the payment now. Whether or not it tells of it, the paid invoice is enough.
    let [made, invoice, payment] = acme_pays(10_000);
    world.shelf.put(invoice["data"]["object"].clone());
    world.shelf.put(payment["data"]["object"].clone());
    let mut news = vec![made, invoice];
    news.extend(payment_is_told.then_some(payment));
    world.deliver(&news).await;
    let row = stored(&world, &id).await;
    assert_eq!(row.status, "processed", "{:?}", row.error);
    assert_eq!(row.waits_for, None);
    let sum: i64 = world.commissions().await.iter().map(|c| c.amount).sum();
    assert_eq!(sum, left);
    world.assert_clean().await;
}

/// Nobody tells of the payment: it is found because the event is looked at again by itself.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn what_is_kept_is_looked_at_every_day_and_at_last_left_for_a_person(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    world.deliver(&[refunded(1, "pi_9", 1_200, 40)]).await;
    for _ in 0..30 {
        world.now += TimeDelta::days(1);
        world.work().await;
    }
    let row = stored(&world, "evt_re_1").await;
    assert_eq!(row.status, "received");
    let next = row.next_attempt_at.expect("looked at again");
    assert!(next > world.now && next <= world.now + TimeDelta::days(1));
    world.now += TimeDelta::days(151);
    world.work().await;
    let row = stored(&world, "evt_re_1").await;
    assert_eq!(row.status, "failed", "it does not wait for ever");
    assert!(row.error.is_some_and(|why| why.contains("180 days")));

    // And even then it is taken up when the payment appears.
    let [made, invoice, payment] = acme_pays(10_000);
    let mut payment = payment;
    payment["data"]["object"]["payment"]["payment_intent"] = serde_json::json!("pi_9");
    world.shelf.put(invoice["data"]["object"].clone());
    world.shelf.put(payment["data"]["object"].clone());
    world.deliver(&[made, invoice, payment]).await;
    assert_eq!(stored(&world, "evt_re_1").await.status, "processed");
}
