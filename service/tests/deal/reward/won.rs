//! A won deal pays a fixed sum or a share of its confirmed value, and goes back when it is lost.

use chrono::TimeDelta;
use domain::deal::DealStatus as D;
use domain::money::{Bp, Currency};
use domain::plan::{Amount, Basis, ready_made};
use rstest::rstest;
use sea_orm::EntityTrait;
use service::{Error, commission as lines, deal};

use super::for_won;
use crate::books::pay_out;
use crate::deal::world::World;
use crate::support::{Engine, conflict, day, errors};
use crate::world::{new_customer, paid};

fn flat(minor: i64) -> Amount {
    Amount::Flat {
        amounts: ready_made::amounts(minor, Currency::EUR),
    }
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_share_of_the_first_year_is_of_what_a_manager_confirms(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine).await else {
        return;
    };
    let percent = Amount::Percent { rate: Bp(1_000) };
    world.pays(&for_won(Basis::FirstYear, percent)).await;
    let (ana, ben) = (world.partner("Ana").await, world.partner("Ben").await);
    let id = world.protected(ana, "Acme Ltd", "acme.com").await;
    let staff = world.manager();
    let words = conflict(deal::confirm_value(&staff, id, "5,000.00").await);
    assert!(words.contains("once it is won"), "{words}");
    world.now += TimeDelta::days(1);
    let staff = world.manager();
    deal::win(&staff, id, "cus_acme").await.expect("won");
    assert!(
        world.test.commissions().await.is_empty(),
        "what was typed pays nothing"
    );
    let shown = deal::show(&world.of(ana), id).await.expect("shows");
    assert!(
        shown
            .timeline
            .iter()
            .any(|h| h.action == "deal.earned_nothing" && h.summary.contains("not confirmed")),
        "{:?}",
        shown.timeline
    );
    for wrong in ["", "-5", "0", "much"] {
        let found = errors(deal::confirm_value(&staff, id, wrong).await);
        assert!(found.0.contains_key("value"), "{wrong}");
    }
    assert!(matches!(
        deal::confirm_value(&world.of(ana), id, "1").await,
        Err(Error::NotFound)
    ));
    deal::confirm_value(&staff, id, "10,000.05")
        .await
        .expect("confirmed");
    // Once.
    let words = conflict(deal::confirm_value(&staff, id, "1").await);
    assert!(words.contains("already"), "{words}");
    let earned = world.test.commissions().await;
    // 1,000.005 rounds half-even to 1,000.00.
    assert_eq!((earned.len(), earned[0].amount), (1, 100_000));
    let explained = lines::explain(&world.of(ana), earned[0].id)
        .await
        .expect("shows");
    let steps = explained.calculation.expect("recomputable").steps;
    assert_eq!(
        (steps[0].label.as_str(), steps[0].value.as_str()),
        ("First-year value of the deal", "10000.05 EUR")
    );
    assert!(matches!(
        lines::explain(&world.of(ben), earned[0].id).await,
        Err(Error::NotFound)
    ));
    world.test.assert_clean().await;

    // The customer did not buy after all.
    assert!(matches!(
        deal::lost(&world.of(ana), id, "x").await,
        Err(Error::Conflict(_))
    ));
    deal::lost(&staff, id, "The order was withdrawn")
        .await
        .expect("lost");
    assert_eq!(world.test.commissions().await[0].state, "canceled");
    assert_eq!(world.test.bucket(ana.id, "pending").await, 0);
    let credit = entity::attribution::Entity::find()
        .one(world.test.db.reader())
        .await
        .expect("readable")
        .expect("there");
    assert_eq!(credit.ends_at, Some(credit.starts_at), "credits no payment");
    world.test.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn deals_won_together_fill_the_customers_cap_together(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine).await else {
        return;
    };
    let mut rules = for_won(Basis::Flat, flat(30_000));
    rules.rules[0].caps.per_customer = ready_made::amounts(50_000, Currency::EUR);
    world.pays(&rules).await;
    let ana = world.partner("Ana").await;
    for line in world.lines {
        let id = world.sent(ana, "Acme Ltd", "acme.com", &[line]).await;
        world.approve(id).await;
    }
    world.now += TimeDelta::days(1);
    let mut payment = paid(1, "cus_acme", 10_000, 2 * 86_400);
    let lines = &mut payment["data"]["object"]["lines"]["data"];
    let mut other = lines[0].clone();
    other["id"] = "il_other".into();
    lines[0]["metadata"]["product_line"] = "crm".into();
    other["metadata"]["product_line"] = "analytics".into();
    lines.as_array_mut().expect("lines").push(other);
    let buyer = new_customer("cus_acme", "a@acme.com");
    world.deliver(&[buyer, payment]).await;
    let earned = world.test.commissions().await;
    // The second has what the first left of 500.00.
    assert_eq!(
        earned.iter().map(|c| c.amount).collect::<Vec<_>>(),
        [30_000, 20_000]
    );
    world.test.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn what_the_named_customer_has_paid_is_booked_with_the_deal(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine).await else {
        return;
    };
    let mut rules = for_won(Basis::Flat, flat(30_000));
    rules.rules.extend(ready_made::agency().rules);
    world.pays(&rules).await;
    let ana = world.partner("Ana").await;
    let id = world.protected(ana, "Acme Ltd", "acme.com").await;
    world.now += TimeDelta::days(1);
    let buyer = new_customer("cus_boss", "boss@gmail.com");
    let paid = paid(1, "cus_boss", 10_000, 2 * 86_400);
    world.deliver(&[buyer, paid]).await;
    assert!(world.test.commissions().await.is_empty(), "nobody's yet");
    deal::win(&world.manager(), id, "cus_boss")
        .await
        .expect("won");
    let earned = world.test.commissions().await;
    assert_eq!(
        earned
            .iter()
            .map(|c| (c.rule_name.as_str(), c.amount))
            .collect::<Vec<_>>(),
        [("Agency commission", 3_000), ("Won deal", 30_000)]
    );
    assert_eq!(world.test.bucket(ana.id, "pending").await, 33_000);
    world.test.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_deal_won_by_its_payment_earns_once_and_goes_back_after_the_payout(
    #[case] engine: Engine,
) {
    let Some(mut world) = World::new(engine).await else {
        return;
    };
    world.pays(&for_won(Basis::Flat, flat(20_000))).await;
    let ana = world.partner("Ana").await;
    let id = world.protected(ana, "Acme Ltd", "acme.com").await;
    world.now += TimeDelta::days(1);
    let buyer = new_customer("cus_acme", "a@acme.com");
    let paid = paid(1, "cus_acme", 10_000, 2 * 86_400);
    let mut again = paid.clone();
    again["id"] = "evt_again".into();
    world.deliver(&[buyer, paid]).await;
    world.deliver(&[again]).await;
    assert_eq!(world.status(id).await, D::Won);
    let earned = world.test.commissions().await;
    assert_eq!(
        earned
            .iter()
            .map(|c| (c.rule_name.as_str(), c.amount, c.state.as_str()))
            .collect::<Vec<_>>(),
        [("Won deal", 20_000, "pending")]
    );
    // The payment's instant is the event's.
    assert_eq!(earned[0].earned_at, day(2026, 3, 3));
    world.test.assert_clean().await;
    world.now += TimeDelta::days(40);
    lines::mature(&world.system()).await.expect("matures");
    pay_out(&world.system(), &world.test.commissions().await[0]).await;
    deal::lost(&world.manager(), id, "Fraud")
        .await
        .expect("lost");
    let back = world.test.commissions().await;
    assert_eq!(
        back.iter()
            .map(|c| (c.kind.as_str(), c.amount, c.reversed, c.state.as_str()))
            .collect::<Vec<_>>(),
        [
            ("accrual", 20_000, 20_000, "paid"),
            ("reversal", -20_000, 0, "payable")
        ]
    );
    assert_eq!(world.test.bucket(ana.id, "payable").await, -20_000);
    world.test.assert_clean().await;
}
