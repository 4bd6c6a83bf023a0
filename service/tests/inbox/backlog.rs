//! A backlog comes to the same, however many workers there are.

use std::sync::Arc;

use domain::plan::ready_made;
use rstest::rstest;
use serde_json::Value;
use service::inbox::{Inbox, process_batch};

use crate::support::Engine;
use crate::world::{World, charge, customer, event, invoice, payment, receive};

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
            let told = event(&name, kind, i, object);
            deliveries.spawn(async move { receive(&inbox, &ctx, &told).await });
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
