//! What finance does: stops and cancels lines, books adjustments, writes off.

use domain::plan::ready_made;
use rstest::rstest;
use service::Error;
use service::commission::{AdjustForm, adjust, approve, cancel, hold, mature, release, write_off};

use crate::support::{Engine, day};
use crate::world::{World, acme_pays, refunded};

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn finance_holds_releases_and_cancels(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    world.deliver(&acme_pays(10_000)).await;
    let (north, ctx) = (world.partners[0], world.finance(0));
    let id = world.commissions().await[0].id;
    for round in 0..2 {
        hold(&ctx, &[id], "We look into it")
            .await
            .expect("held")
            .single()
            .expect("held");
        assert_eq!(world.bucket(north, "held").await, 2_250, "round {round}");
        let again = hold(&ctx, &[id], "Again").await.expect("answers");
        assert!(again.single().is_err());
        release(&ctx, &[id], "All is well")
            .await
            .expect("released")
            .single()
            .expect("released");
        assert_eq!(world.bucket(north, "pending").await, 2_250);
        world.assert_clean().await;
    }
    let empty = hold(&ctx, &[id], " ").await.expect_err("needs a reason");
    assert!(matches!(empty, Error::Invalid(_)));
    assert!(matches!(
        hold(&world.system(), &[id], "x").await,
        Err(Error::NotFound)
    ));

    // A part goes back, then the rest is canceled: nothing is left, and nothing comes back.
    world.deliver(&[refunded(1, "pi_1", 6_000, 50)]).await;
    cancel(&ctx, &[id], "Self-referral")
        .await
        .expect("canceled")
        .single()
        .expect("canceled");
    assert!(
        world.balances().await.is_empty(),
        "{:?}",
        world.balances().await
    );
    world.assert_clean().await;
    world.deliver(&[refunded(2, "pi_1", 6_000, 60)]).await;
    assert!(world.balances().await.is_empty());
    world.now = day(2026, 8, 1);
    assert_eq!(mature(&world.system()).await.expect("works"), 0);
    world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn large_adjustments_need_a_second_person(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let north = world.partners[0];
    let form = |kind: &str, amount: &str| AdjustForm {
        partner_id: north,
        kind: kind.to_owned(),
        amount: amount.to_owned(),
        currency: "EUR".to_owned(),
        reason: "Agreed by phone".to_owned(),
    };
    let (first, second) = (world.finance(0), world.finance(1));
    let small = adjust(&first, &form("bonus", "10.00"))
        .await
        .expect("booked");
    assert!(!small.needs_second);
    assert_eq!(world.bucket(north, "payable").await, 1_000);
    let large = adjust(&first, &form("bonus", "1000.01"))
        .await
        .expect("booked");
    assert!(large.needs_second);
    assert_eq!(world.bucket(north, "payable").await, 1_000);
    assert!(matches!(
        approve(&first, large.id).await,
        Err(Error::Forbidden(_))
    ));
    let bulk = release(&second, &[large.id], "x").await.expect("answers");
    assert!(bulk.single().is_err(), "an approval is not a release");
    approve(&second, large.id).await.expect("approved");
    assert!(matches!(
        approve(&second, large.id).await,
        Err(Error::Conflict(_))
    ));
    assert_eq!(world.bucket(north, "payable").await, 101_001);
    let back = adjust(&first, &form("clawback", "900"))
        .await
        .expect("booked");
    assert!(!back.needs_second);
    assert_eq!(world.bucket(north, "payable").await, 11_001);
    world.assert_clean().await;
    for (kind, amount) in [
        ("bonus", "0"),
        ("bonus", "-5"),
        ("clawback", "-5"),
        ("x", "5"),
        ("bonus", "a"),
    ] {
        let refused = adjust(&first, &form(kind, amount)).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{kind} {amount}");
    }
    assert!(matches!(
        write_off(&first, north, "EUR", "x").await,
        Err(Error::Conflict(_))
    ));
    // On the same day it would add up with the other one above the limit.
    world.now += chrono::TimeDelta::days(1);
    let first = world.finance(0);
    let back = adjust(&first, &form("clawback", "200"))
        .await
        .expect("booked");
    assert!(!back.needs_second);
    assert_eq!(world.bucket(north, "payable").await, -8_999);
    write_off(&first, north, "EUR", "Out of business")
        .await
        .expect("written off");
    assert_eq!(world.bucket(north, "payable").await, 0);
    world.assert_clean().await;
}
