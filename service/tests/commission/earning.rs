//! What is earned: held and then payable, shared, in every currency, once and by brackets.

use chrono::TimeDelta;
use domain::plan::ready_made;
use rstest::rstest;
use service::commission::mature;

use crate::support::{Engine, day};
use crate::world::{
    World, acme, acme_pays, event, invoice, invoice_in, new_customer, paid, refunded,
};

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_line_earns_waits_and_becomes_payable(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    world.deliver(&acme_pays(10_000)).await;
    let north = world.partners[0];
    assert_eq!(
        world.balances().await,
        [
            ("expense:commission".to_owned(), "EUR".to_owned(), -2_250),
            (format!("partner:{north}:pending"), "EUR".to_owned(), 2_250),
        ]
    );
    let line = world.commissions().await.remove(0);
    assert_eq!(
        (
            line.basis,
            line.rate_bp,
            line.tier_name.as_str(),
            line.month.as_str()
        ),
        (10_000, Some(2_250), "Silver", "2026-03")
    );
    // Thirty calendar days in Berlin, over the change to summer time.
    assert_eq!(
        line.hold_until,
        day(2026, 3, 31) + TimeDelta::seconds(1) - TimeDelta::hours(1)
    );
    world.now = line.hold_until - TimeDelta::seconds(1);
    assert_eq!(mature(&world.system()).await.expect("works"), 0);
    world.now = line.hold_until;
    assert_eq!(mature(&world.system()).await.expect("works"), 1);
    assert_eq!(mature(&world.system()).await.expect("works"), 0);
    assert_eq!(world.bucket(north, "payable").await, 2_250);
    assert_eq!(world.bucket(north, "pending").await, 0);
    world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn credit_is_split_and_whole(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let [north, south] = world.partners;
    world
        .add_account("split.com", &[(north, 5_000), (south, 3_333)])
        .await;
    world
        .deliver(&[
            new_customer("cus_2", "a@split.com"),
            event(
                "evt_i",
                "invoice.paid",
                1,
                invoice("in_2", "cus_2", &[("il_1", 10_001)], 1),
            ),
        ])
        .await;
    let lines = world.commissions().await;
    let basis: Vec<i64> = lines.iter().map(|l| l.basis).collect();
    // 50 % and 33.33 %; the vendor keeps the rest of the credit.
    assert_eq!(basis, [5_001, 3_333]);
    assert_eq!(
        lines.iter().map(|l| l.amount).collect::<Vec<_>>(),
        [1_125, 750]
    );
    world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn currencies_stay_apart_and_credits_are_negative(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let north = world.partners[0];
    let mixed = invoice("in_m", "cus_1", &[("il_a", 10_000), ("il_b", -4_000)], 3);
    world
        .deliver(&[
            acme(),
            event(
                "evt_j",
                "invoice.paid",
                1,
                invoice_in("in_j", "cus_1", &[("il_j", 9_999)], 1, "jpy"),
            ),
            event(
                "evt_k",
                "invoice.paid",
                2,
                invoice_in("in_k", "cus_1", &[("il_k", 12_345)], 2, "kwd"),
            ),
            event("evt_m", "invoice.paid", 3, mixed),
        ])
        .await;
    let code = format!("partner:{north}:pending");
    let mut owed: Vec<(String, i64)> = world
        .balances()
        .await
        .into_iter()
        .filter(|b| b.0 == code)
        .map(|b| (b.1, b.2))
        .collect();
    owed.sort();
    let expected = [("EUR", 2_250 - 900), ("JPY", 2_250), ("KWD", 2_778)];
    assert_eq!(owed, expected.map(|(c, a)| (c.to_owned(), a)));
    world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn first_payments_and_brackets(#[case] engine: Engine) {
    use domain::money::Currency;
    let flat = |minor| ready_made::amounts(minor, Currency::EUR);
    let Some(world) = World::new(engine, ready_made::bounty(flat(15_000), flat(50_000))).await
    else {
        return;
    };
    world.deliver(&acme_pays(10_000)).await;
    world.deliver(&[paid(2, "cus_1", 500, 9)]).await;
    assert_eq!(
        world.bucket(world.partners[0], "pending").await,
        50_000,
        "once"
    );
    world.deliver(&[refunded(1, "pi_1", 6_000, 50)]).await;
    assert_eq!(world.bucket(world.partners[0], "pending").await, 25_000);
    world.assert_clean().await;

    let world = World::new(engine, ready_made::bracketed(Currency::EUR))
        .await
        .expect("a database");
    let [one, two, three] = [1, 2, 3].map(|n| paid(n, "cus_1", 3_000_000, n));
    world.deliver(&[acme(), one]).await;
    world.deliver(&[two, three]).await;
    // 50,000 at 15 % and 40,000 at 20 %.
    assert_eq!(
        world.bucket(world.partners[0], "pending").await,
        750_000 + 800_000
    );
    world.assert_clean().await;
}
