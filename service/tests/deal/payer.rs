//! Whoever pays the vendor already is an existing customer, also where only Stripe knows it.

use chrono::TimeDelta;
use domain::deal::{ConflictKind, DealStatus as D};
use rstest::rstest;
use service::deal::{self, CheckState};

use super::world::World;
use crate::shelf::Shelf;
use crate::support::{Engine, day};
use crate::world::{customer, event_at, invoice, new_customer};

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_customer_nobody_has_matched_is_an_existing_one(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let ana = world.partner("Ana").await;
    let before = world.now - TimeDelta::days(30);
    let seconds = (before - day(2026, 3, 1)).num_seconds();
    let object = invoice("in_1", "cus_1", &[("il_1", 10_000)], seconds);
    world
        .deliver(&[
            new_customer("cus_1", "ap@billing.acme.com"),
            event_at("evt_1", "invoice.paid", before.timestamp(), object),
            // Has an account at the same time and paid nothing.
            new_customer("cus_2", "a@notacme.com"),
        ])
        .await;
    let id = world.sent(ana, "Acme", "acme.com", &world.lines[..1]).await;
    let review = deal::review(&world.manager(), id).await.expect("shows");
    let kinds: Vec<ConflictKind> = review.conflicts.iter().map(|c| c.kind).collect();
    assert_eq!(kinds, [ConflictKind::ExistingCustomer]);
    let other = world
        .sent(ana, "Notacme", "notacme.com", &world.lines[..1])
        .await;
    let review = deal::review(&world.manager(), other).await.expect("shows");
    assert!(
        review
            .conflicts
            .iter()
            .all(|c| c.kind != ConflictKind::ExistingCustomer)
    );
}

/// Stripe with somebody who has paid for years, and with one who only looks alike.
fn stripe() -> Shelf {
    let shelf = Shelf::default();
    shelf.put(customer("cus_old", "AP@acme.com"));
    shelf.put(customer("cus_alike", "a@notacme.com"));
    shelf.put(customer("cus_trial", "b@fresh.com"));
    shelf.put(invoice(
        "in_old",
        "cus_old",
        &[("il_1", 10_000)],
        -90 * 86_400,
    ));
    shelf.put(invoice(
        "in_alike",
        "cus_alike",
        &[("il_2", 10_000)],
        -90 * 86_400,
    ));
    let mut free = invoice("in_free", "cus_trial", &[("il_3", 0)], -9 * 86_400);
    free["amount_paid"] = serde_json::json!(0);
    shelf.put(free);
    shelf
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn stripe_is_asked_before_a_rule_approves(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine).await else {
        return;
    };
    world.policy(2, Some(10_000_000)).await;
    let ana = world.partner("Ana").await;
    world.promote(ana).await;
    let stripe = stripe();
    let acme = world.sent(ana, "Acme", "acme.com", &world.lines[..1]).await;
    let fresh = world
        .sent(ana, "Fresh", "fresh.com", &world.lines[..1])
        .await;
    for id in [acme, fresh] {
        assert_eq!(
            world.status(id).await,
            D::Submitted,
            "nothing is approved before"
        );
        let review = deal::review(&world.manager(), id).await.expect("shows");
        assert_eq!(review.check.map(|c| c.state), Some(CheckState::Waiting));
        deal::ask_stripe(&world.system(), &stripe, id)
            .await
            .expect("asks");
    }
    let review = deal::review(&world.manager(), acme).await.expect("shows");
    let check = review.check.expect("asked");
    assert_eq!(
        (check.state, check.customers),
        (CheckState::Asked, vec!["cus_old".to_owned()])
    );
    assert!(check.asked_at.is_some());
    assert!(
        review
            .conflicts
            .iter()
            .any(|c| c.kind == ConflictKind::ExistingCustomer)
    );
    assert_eq!(
        world.status(acme).await,
        D::Submitted,
        "a person looks at it"
    );
    assert_eq!(
        world.status(fresh).await,
        D::Approved,
        "who only tries is no customer"
    );

    // Without Stripe nobody but a person approves.
    world.now += TimeDelta::minutes(1);
    let alone = world
        .sent(ana, "Alone", "alone.com", &world.lines[..1])
        .await;
    let mut down = Shelf::default();
    down.down = true;
    assert!(
        deal::ask_stripe(&world.system(), &down, alone)
            .await
            .is_err(),
        "is tried again"
    );
    let review = deal::review(&world.manager(), alone).await.expect("shows");
    let check = review.check.expect("tried");
    assert_eq!(
        (check.state, check.asked_at),
        (CheckState::Failed, Some(world.now))
    );
    assert_eq!(world.status(alone).await, D::Submitted);
    deal::ask_stripe(&world.system(), &stripe, alone)
        .await
        .expect("asks");
    deal::ask_stripe(&world.system(), &stripe, alone)
        .await
        .expect("again");
    assert_eq!(world.status(alone).await, D::Approved);
}
