//! Webhooks: stored once, worked off in any order.

use std::sync::Arc;

use domain::plan::ready_made;
use entity::webhook_event;
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};
use service::inbox::{Inbox, Receipt, process_batch};
use stripe_gateway::webhook::Envelope;

use crate::support::Engine;
use crate::world::{
    World, charge, credit_note, customer, dispute, event, invoice, payment, refund,
};

/// A month in the life of a customer, with everything that can come back.
fn stream() -> Vec<Value> {
    let paid = |id: &str, lines: &[(&str, i64)], at| invoice(id, "cus_1", lines, at);
    vec![
        event(
            "evt_01",
            "customer.created",
            0,
            customer("cus_1", "ap@acme.com"),
        ),
        event(
            "evt_02",
            "invoice.paid",
            10,
            paid("in_1", &[("il_1", 10_000), ("il_2", 3_333)], 10),
        ),
        event(
            "evt_03",
            "invoice_payment.paid",
            11,
            payment("inpay_1", "in_1", "pi_1", 15_999),
        ),
        event(
            "evt_04",
            "refund.created",
            500,
            refund("re_1", "pi_1", 5_000, 500),
        ),
        event(
            "evt_05",
            "charge.refunded",
            501,
            charge("pi_1", 15_999, 5_000),
        ),
        event(
            "evt_06",
            "refund.created",
            900,
            refund("re_2", "pi_1", 333, 900),
        ),
        event(
            "evt_07",
            "charge.refunded",
            901,
            charge("pi_1", 15_999, 5_333),
        ),
        event(
            "evt_08",
            "invoice.paid",
            1_000,
            paid("in_2", &[("il_3", 20_000)], 1_000),
        ),
        event(
            "evt_09",
            "invoice_payment.paid",
            1_001,
            payment("inpay_2", "in_2", "pi_2", 24_000),
        ),
        event(
            "evt_10",
            "credit_note.created",
            1_500,
            credit_note("cn_1", "in_2", "il_3", 5_000, Some("re_3"), 1_500),
        ),
        event(
            "evt_11",
            "refund.created",
            1_501,
            refund("re_3", "pi_2", 6_000, 1_500),
        ),
        event(
            "evt_12",
            "charge.refunded",
            1_502,
            charge("pi_2", 24_000, 6_000),
        ),
        event(
            "evt_13",
            "invoice.paid",
            2_000,
            paid("in_3", &[("il_4", 7_000)], 2_000),
        ),
        event(
            "evt_14",
            "invoice_payment.paid",
            2_001,
            payment("inpay_3", "in_3", "pi_3", 8_400),
        ),
        event(
            "evt_15",
            "charge.dispute.created",
            2_100,
            dispute("dp_1", "pi_3", 8_400, "needs_response", 2_100),
        ),
        event(
            "evt_16",
            "charge.dispute.closed",
            2_900,
            dispute("dp_1", "pi_3", 8_400, "lost", 2_100),
        ),
        event(
            "evt_17",
            "product.created",
            3_000,
            json!({ "id": "prod_1", "object": "product" }),
        ),
    ]
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
                let body = event.to_string();
                let envelope = Envelope::parse(body.as_bytes()).expect("an event");
                inbox.receive(&ctx, &body, &envelope).await.expect("stored");
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
    let body = event(
        "evt_1",
        "customer.created",
        0,
        customer("cus_1", "a@acme.com"),
    )
    .to_string();
    let envelope = Envelope::parse(body.as_bytes()).expect("an event");
    let mut receipts = Vec::new();
    for _ in 0..3 {
        receipts.push(inbox.receive(&ctx, &body, &envelope).await.expect("stored"));
    }
    assert_eq!(
        receipts,
        [Receipt::Stored, Receipt::Repeated, Receipt::Repeated]
    );
    let parallel: Vec<_> = (0..50)
        .map(|i| {
            let (inbox, ctx) = (inbox.clone(), ctx.clone());
            let id = format!("evt_p{}", i % 10);
            let body = event(&id, "customer.created", 0, customer("cus_1", "a@acme.com"));
            tokio::spawn(async move {
                let body = body.to_string();
                let envelope = Envelope::parse(body.as_bytes()).expect("an event");
                inbox.receive(&ctx, &body, &envelope).await.expect("stored")
            })
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
async fn broken_events_fail_alone_and_clearly(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let paid = |id: &str, line: &str| invoice(id, "cus_1", &[(line, 10_000)], 10);
    let mut text = paid("in_t", "il_t");
    text["lines"]["data"][0]["amount"] = json!("10000");
    let mut unknown = paid("in_u", "il_u");
    unknown["currency"] = json!("xxx");
    let mut fraction = paid("in_f", "il_f");
    fraction["amount_paid"] = json!(1.5);
    let mut huge = paid("in_h", "il_h");
    huge["lines"]["data"][0]["amount"] = json!(i64::MAX);
    huge["lines"]["data"][0]["taxes"] = json!([]);
    let worked = world
        .deliver(&[
            event(
                "evt_c",
                "customer.created",
                0,
                customer("cus_1", "a@acme.com"),
            ),
            event("evt_t", "invoice.paid", 1, text),
            event("evt_u", "invoice.paid", 2, unknown),
            event("evt_f", "invoice.paid", 3, fraction),
            event("evt_o", "invoice.paid", 4, paid("in_ok", "il_ok")),
            event(
                "evt_x",
                "something.new",
                5,
                json!({ "id": "x", "object": "new" }),
            ),
            event("evt_h", "invoice.paid", 6, huge),
            event("evt_n", "invoice.paid", 7, json!(null)),
        ])
        .await;
    assert_eq!((worked.failed, worked.ignored), (5, 1), "{worked:?}");
    let db = world.test.db.reader();
    let error = async |id: &str| {
        webhook_event::Entity::find()
            .filter(webhook_event::Column::EventId.eq(id))
            .one(db)
            .await
            .expect("reads")
            .and_then(|row| row.error)
            .unwrap_or_default()
    };
    assert!(error("evt_t").await.contains("text where a number belongs"));
    assert!(error("evt_u").await.contains("unknown currency"));
    assert!(error("evt_f").await.contains("whole number"));
    assert!(error("evt_n").await.contains("missing"));
    assert!(error("evt_h").await.contains("no invoice can have"));
    let lines = world.commissions().await;
    assert_eq!(lines.len(), 1, "only the good one earns");
    assert_eq!(lines[0].amount, 2_250);
    world.assert_clean().await;
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
    let worked = world
        .deliver(&[event(
            "evt_1",
            "refund.created",
            50,
            refund("re_1", "pi_1", 1_200, 50),
        )])
        .await;
    assert_eq!((worked.processed, worked.waiting), (0, 1), "{worked:?}");
    let worked = world
        .deliver(&[
            event(
                "evt_2",
                "customer.created",
                0,
                customer("cus_1", "a@acme.com"),
            ),
            event(
                "evt_3",
                "invoice.paid",
                1,
                invoice("in_1", "cus_1", &[("il_1", 10_000)], 1),
            ),
            event(
                "evt_4",
                "invoice_payment.paid",
                2,
                payment("inpay_1", "in_1", "pi_1", 12_000),
            ),
        ])
        .await;
    assert_eq!(worked.processed, 3);
    world.now += chrono::TimeDelta::minutes(10);
    assert_eq!(world.work().await.processed, 1);
    assert_eq!(
        world.bucket(world.partners[0], "pending").await,
        2_250 - 225
    );
    world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn accounts_and_transfers_are_handed_to_jobs(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let thin = json!({
        "id": "evt_thin", "object": "v2.core.event",
        "type": "v2.core.account[requirements].updated", "created": "2026-03-01T00:00:00Z",
        "livemode": false,
        "related_object": { "id": "acct_1", "type": "v2.core.account", "url": "/v2/core/accounts/acct_1" },
    });
    let mut paid = event(
        "evt_po",
        "payout.paid",
        1,
        json!({ "id": "po_1", "object": "payout" }),
    );
    paid["account"] = json!("acct_1");
    let transfer = json!({ "id": "tr_1", "object": "transfer" });
    world
        .deliver(&[
            thin,
            paid,
            event("evt_tr", "transfer.reversed", 2, transfer),
        ])
        .await;
    let mut jobs: Vec<(String, String)> = entity::job::Entity::find()
        .all(world.test.db.reader())
        .await
        .expect("reads")
        .into_iter()
        .map(|j| {
            (
                j.kind,
                j.payload["stripe_id"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
            )
        })
        .collect();
    jobs.sort();
    let expected = [
        ("bank_payout.sync", "acct_1"),
        ("payout_account.refresh", "acct_1"),
        ("transfer.sync", "tr_1"),
    ];
    assert_eq!(jobs, expected.map(|(k, id)| (k.to_owned(), id.to_owned())));
}

/// How many invoices the backlog of [`any_number_of_workers_books_the_same`] has, of three events
/// each: `PORTICO_TEST_BACKLOG=16667` is 50,000 events.
fn backlog() -> i64 {
    std::env::var("PORTICO_TEST_BACKLOG")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(600)
}

/// What a backlog comes to with so many workers: the balances, and how many lines there are.
async fn worked_off_by(
    engine: Engine,
    workers: usize,
) -> Option<(Vec<(String, String, i64)>, usize)> {
    let world = World::new(engine, ready_made::reseller()).await?;
    let customers: Vec<Value> = (0..20)
        .map(|i| {
            let object = customer(&format!("cus_{i}"), "ap@acme.com");
            event(&format!("evt_c{i}"), "customer.created", 0, object)
        })
        .collect();
    world.deliver(&customers).await;
    let inbox = Inbox::start(&world.test.db);
    let ctx = world.system();
    let mut deliveries = tokio::task::JoinSet::new();
    for i in 0..backlog() {
        let (id, line) = (format!("in_{i}"), format!("il_{i}"));
        let paid = invoice(&id, &format!("cus_{}", i % 20), &[(&line, 10_000 + i)], i);
        let intent = format!("pi_{i}");
        for (name, kind, object) in [
            (format!("evt_i{i}"), "invoice.paid", paid),
            (
                format!("evt_p{i}"),
                "invoice_payment.paid",
                payment(&format!("inpay_{i}"), &id, &intent, 10_000 + i),
            ),
            (
                format!("evt_r{i}"),
                "charge.refunded",
                charge(&intent, 10_000 + i, 1_000 * (i % 4)),
            ),
        ] {
            // What comes first is asked of Stripe for what it refers to.
            if kind != "charge.refunded" {
                world.shelf.put(object.clone());
            }
            let (inbox, ctx) = (inbox.clone(), ctx.clone());
            let body = event(&name, kind, i, object).to_string();
            deliveries.spawn(async move {
                let envelope = Envelope::parse(body.as_bytes()).expect("an event");
                inbox.receive(&ctx, &body, &envelope).await.expect("stored")
            });
        }
    }
    deliveries.join_all().await;
    let world = Arc::new(world);
    let mut tasks = Vec::new();
    for _ in 0..workers {
        let world = world.clone();
        tasks.push(tokio::spawn(async move {
            while process_batch(&world.system(), &world.shelf, 64)
                .await
                .expect("works")
                .total()
                > 0
            {}
        }));
    }
    for task in tasks {
        task.await.expect("works");
    }
    // What came before what it refers to was put off, and is tried again later.
    let mut world = Arc::into_inner(world).expect("the workers are done");
    for _ in 0..3 {
        world.now += chrono::TimeDelta::hours(6);
        world.work().await;
    }
    world.assert_clean().await;
    Some((world.balances().await, world.commissions().await.len()))
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn any_number_of_workers_books_the_same(#[case] engine: Engine) {
    let Some(alone) = worked_off_by(engine, 1).await else {
        return;
    };
    assert!(!alone.0.is_empty() && alone.1 as i64 >= backlog());
    for workers in [2, 8, 16] {
        let together = worked_off_by(engine, workers).await.expect("a world");
        assert_eq!(together, alone, "{workers} workers");
    }
}
