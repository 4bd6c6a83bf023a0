//! Each event is stored once, and all orders, repeats and outages come to the same books.

use std::sync::Arc;

use domain::plan::ready_made;
use entity::{invoice_payment, webhook_event};
use rstest::rstest;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use service::inbox::{Inbox, Receipt, process_batch};

use crate::support::Engine;
use crate::world::{
    World, acme, acme_pays, charge, credited, customer, dispute, event, pays, receive, refunded,
};

/// A month in the life of a customer, with everything that can come back.
fn stream() -> Vec<Value> {
    let known = event(
        "evt_cus_1",
        "customer.created",
        0,
        customer("cus_1", "ap@acme.com"),
    );
    let totalled = |after: i64, refunded: i64| {
        let id = format!("evt_charge_{refunded}");
        event(
            &id,
            "charge.refunded",
            after,
            charge("pi_1", 15_999, refunded),
        )
    };
    let disputed = |id: &str, kind: &str, seconds: i64, status: &str| {
        let dispute = dispute("dp_1", "pi_3", 8_400, status, 2_100);
        event(id, kind, seconds, dispute)
    };
    let product = json!({ "id": "prod_1", "object": "product" });
    [
        &[known][..],
        &pays(1, &[("il_1", 10_000), ("il_2", 3_333)], 10),
        &[
            refunded(1, "pi_1", 5_000, 500),
            totalled(501, 5_000),
            refunded(2, "pi_1", 333, 900),
            totalled(901, 5_333),
        ],
        &pays(2, &[("il_3", 20_000)], 1_000),
        &credited(2, "il_3", 5_000, 24_000, 1_500),
        &pays(3, &[("il_4", 7_000)], 2_000),
        &[
            disputed("evt_15", "charge.dispute.created", 2_100, "needs_response"),
            disputed("evt_16", "charge.dispute.closed", 2_900, "lost"),
            event("evt_17", "product.created", 3_000, product),
        ],
    ]
    .concat()
}

/// Everything a test would find by asking Stripe.
fn fill(world: &World) {
    for event in stream() {
        let object = &event["data"]["object"];
        if matches!(
            object["object"].as_str(),
            Some("customer" | "invoice" | "invoice_payment")
        ) {
            world.shelf.put(object.clone());
        }
    }
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn any_order_any_number_of_times_in_parallel_gives_the_same(#[case] engine: Engine) {
    let Some(plain) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let worked = plain.deliver(&stream()).await;
    assert_eq!(
        (worked.processed, worked.ignored, worked.failed),
        (16, 1, 0),
        "{worked:?}"
    );
    plain.assert_clean().await;
    let expected = plain.state().await;

    // Reversed, one by one, so that each batch knows nothing of the others.
    let reversed = World::new(engine, ready_made::reseller())
        .await
        .expect("a database");
    fill(&reversed);
    for event in stream().iter().rev() {
        reversed.deliver(std::slice::from_ref(event)).await;
    }
    reversed.assert_clean().await;
    assert_eq!(reversed.state().await, expected);

    // Three times each, from eight senders and four workers at once, in reverse.
    let parallel = Arc::new(
        World::new(engine, ready_made::reseller())
            .await
            .expect("a database"),
    );
    fill(&parallel);
    let inbox = Inbox::start(&parallel.test.db);
    let mut tasks = Vec::new();
    for sender in 0..8 {
        let (world, inbox) = (parallel.clone(), inbox.clone());
        tasks.push(tokio::spawn(async move {
            let ctx = world.system();
            for event in stream().iter().rev().cycle().skip(sender * 3).take(17 * 3) {
                receive(&inbox, &ctx, event).await;
            }
        }));
    }
    for _ in 0..4 {
        let world = parallel.clone();
        tasks.push(tokio::spawn(async move {
            for _ in 0..40 {
                process_batch(&world.system(), &world.shelf, 3)
                    .await
                    .expect("works");
                tokio::task::yield_now().await;
            }
        }));
    }
    for task in tasks {
        task.await.expect("nothing fails");
    }
    let mut later = Arc::into_inner(parallel).expect("all tasks have ended");
    for _ in 0..5 {
        // Whatever waits for a second try has its time.
        later.now += chrono::TimeDelta::hours(3);
        later.work().await;
    }
    later.assert_clean().await;
    assert_eq!(later.state().await, expected);
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn an_event_is_stored_once(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let ctx = world.system();
    let inbox = Inbox::start(&world.test.db);
    let mut receipts = Vec::new();
    for _ in 0..3 {
        receipts.push(receive(&inbox, &ctx, &acme()).await);
    }
    assert_eq!(
        receipts,
        [Receipt::Stored, Receipt::Repeated, Receipt::Repeated]
    );
    let parallel: Vec<_> = (0..50)
        .map(|i| {
            let (inbox, ctx) = (inbox.clone(), ctx.clone());
            let id = format!("evt_p{}", i % 10);
            let told = event(&id, "customer.created", 0, customer("cus_1", "a@acme.com"));
            tokio::spawn(async move { receive(&inbox, &ctx, &told).await })
        })
        .collect();
    let mut stored = 0;
    for task in parallel {
        stored += u32::from(task.await.expect("ends") == Receipt::Stored);
    }
    assert_eq!(stored, 10);
    let rows = webhook_event::Entity::find()
        .count(world.test.db.reader())
        .await
        .expect("reads");
    assert_eq!(rows, 11);
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn without_stripe_an_event_waits_and_comes_back(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    world.shelf.down = true;
    let worked = world.deliver(&[refunded(1, "pi_1", 1_200, 50)]).await;
    assert_eq!((worked.processed, worked.waiting), (0, 1), "{worked:?}");
    let worked = world.deliver(&acme_pays(10_000)).await;
    assert_eq!(worked.processed, 3);
    world.now += chrono::TimeDelta::minutes(10);
    assert_eq!(world.work().await.processed, 1);
    assert_eq!(
        world.bucket(world.partners[0], "pending").await,
        2_250 - 225
    );
    world.assert_clean().await;
}

/// A refund names a charge only, so Stripe is asked which payment that was; the next one need not.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn stripe_is_asked_once_for_what_a_charge_paid(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let [made, invoice, payment] = acme_pays(10_000);
    world.shelf.put(payment["data"]["object"].clone());
    world.shelf.put(charge("pi_1", 12_000, 2_400));
    world.deliver(&[made, invoice, payment]).await;
    let by_charge = |n| {
        let mut told = refunded(n, "pi_1", 1_200, 50 + n);
        told["data"]["object"]["payment_intent"] = json!(null);
        told
    };
    assert_eq!(world.deliver(&[by_charge(1)]).await.processed, 1);
    world.shelf.down = true;
    let worked = world.deliver(&[by_charge(2)]).await;
    assert_eq!((worked.processed, worked.waiting), (1, 0), "{worked:?}");
    assert_eq!(
        world.bucket(world.partners[0], "pending").await,
        2_250 - 450
    );
    let rows = invoice_payment::Entity::find()
        .all(world.test.db.reader())
        .await
        .expect("reads");
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].payment_intent.as_deref(), Some("pi_1"));
    assert_eq!(rows[0].charge.as_deref(), Some("ch_pi_1"));
    world.assert_clean().await;
}
