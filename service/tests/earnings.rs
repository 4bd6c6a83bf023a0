//! What people look at first: earnings, tiers, and what finance owes.

use domain::money::{Currency, Money};
use domain::partner::StaffRole;
use domain::plan::ready_made;
use entity::{commission, payout_account, tier};
use rstest::rstest;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr,
};
use serde_json::json;
use service::Error;
use service::commission::{AdjustForm, adjust, approve, mature};
use service::desk::{DeskQuery, audit, latest};
use service::earnings::{earnings, finance_home};
use service::tier::{Reviewed, history, review_all, set_by_hand, standing};

use crate::support::{Engine, day};
use crate::world::{
    World, acme, customer, event, invoice, invoice_in, new_customer, paid, payment, refunded,
};

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_partner_sees_what_it_has_and_what_comes_next(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let february = -86_400 * 10;
    world
        .deliver(&[
            event(
                "evt_c",
                "customer.created",
                february,
                customer("cus_1", "a@acme.com"),
            ),
            paid(1, "cus_1", 30_000, february),
            paid(2, "cus_1", 60_000, 1),
            event(
                "evt_3",
                "invoice.paid",
                2,
                invoice_in("in_3", "cus_1", &[("il_3", 1_000)], 2, "jpy"),
            ),
            event(
                "evt_p",
                "invoice_payment.paid",
                3,
                payment("inpay_1", "in_2", "pi_1", 72_000),
            ),
            refunded(1, "pi_1", 7_200, 50),
        ])
        .await;
    payout_account::ActiveModel {
        partner_id: Set(world.partners[0]),
        stripe_id: Set("acct_1".to_owned()),
        state: Set("ready".to_owned()),
        requirements: Set(json!([])),
        checked_at: Set(world.now),
        created_at: Set(world.now),
        ..Default::default()
    }
    .insert(world.test.db.reader())
    .await
    .expect("account");
    world.now = day(2026, 3, 25);
    assert_eq!(
        mature(&world.system()).await.expect("works"),
        1,
        "February's line only"
    );
    let seen = earnings(&world.owner(world.partners[0]), world.partners[0])
        .await
        .expect("own");
    assert_eq!(seen.balances.len(), 2);
    let euros = &seen.balances[0];
    assert_eq!(
        (euros.currency, euros.pending, euros.payable, euros.held),
        (Currency::EUR, 13_500 - 1_350, 6_750, 0)
    );
    assert_eq!(seen.balances[1].pending, 225);
    assert_eq!(seen.months.len(), 24, "twelve months in two currencies");
    let of = |month: &str| {
        let m = seen
            .months
            .iter()
            .find(|m| m.month == month && m.currency == Currency::EUR);
        m.map(|m| (m.earned, m.given_back, m.revenue))
            .expect("there")
    };
    assert_eq!(of("2026-02"), (6_750, 0, 30_000));
    assert_eq!(of("2026-03"), (13_500, -1_350, 54_000));
    assert_eq!(of("2025-04"), (0, 0, 0));
    assert_eq!(seen.next_payout.on.to_string(), "2026-04-05");
    assert_eq!(
        seen.next_payout.estimates,
        [Money::new(6_750, Currency::EUR)]
    );
    assert!(seen.next_payout.account_ready);
    assert_eq!(seen.recent.len(), 4);
    assert_eq!(seen.recent[0].kind, "reversal");

    // Silver with 840.00 of revenue; Gold asks 2,000.00 and pays 2.5 points more.
    let tier = &seen.standing;
    assert_eq!(
        (tier.name.as_str(), tier.metrics.revenue_minor),
        ("Silver", 84_000)
    );
    assert_eq!(tier.metrics.customers, 1);
    let next = tier.next.as_ref().expect("Gold");
    assert_eq!(
        (next.name.as_str(), next.progress[0].missing()),
        ("Gold", 116_000)
    );
    assert_eq!(next.would_earn_more, Some(Money::new(2_100, Currency::EUR)));
    assert_eq!(
        standing(&world.owner(world.partners[0]), world.partners[0])
            .await
            .expect("own"),
        *tier
    );

    // Nobody else's business.
    assert!(matches!(
        earnings(&world.owner(world.partners[1]), world.partners[0]).await,
        Err(Error::NotFound)
    ));
    assert!(matches!(
        standing(&world.owner(world.partners[1]), world.partners[0]).await,
        Err(Error::NotFound)
    ));
    let empty = earnings(&world.owner(world.partners[1]), world.partners[1])
        .await
        .expect("own");
    assert_eq!(
        (empty.balances.len(), empty.months.len(), empty.recent.len()),
        (1, 12, 0)
    );
    assert!(earnings(&world.finance(0), world.partners[0]).await.is_ok());
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn finance_sees_what_is_owed_and_since_when(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    world
        .deliver(&[
            acme(),
            paid(1, "cus_1", 10_000, 1),
            new_customer("cus_2", "x@gmail.com"),
            paid(2, "cus_2", 10_000, 2),
        ])
        .await;
    world.now = day(2026, 5, 15);
    mature(&world.system()).await.expect("works");
    let late = (day(2026, 5, 10) - day(2026, 3, 1)).num_seconds();
    let fresh = invoice("in_3", "cus_1", &[("il_3", 4_000)], late);
    world
        .deliver(&[event("evt_3", "invoice.paid", late, fresh)])
        .await;
    let home = finance_home(&world.finance(0)).await.expect("reads");
    assert_eq!(home.owed.len(), 1);
    let owed = &home.owed[0];
    assert_eq!((owed.pending, owed.payable, owed.negative), (900, 2_250, 0));
    // Payable since 31 March: 45 days.
    assert_eq!(
        (owed.age.days_30, owed.age.days_60, owed.age.older),
        (0, 2_250, 0)
    );
    assert_eq!(owed.total(), Money::new(3_150, Currency::EUR));
    assert_eq!(home.exceptions.unmatched_invoices, 1);
    assert_eq!(
        (home.exceptions.waiting_events, home.exceptions.held_lines),
        (0, 0)
    );
    assert!(matches!(
        finance_home(&world.owner(world.partners[0])).await,
        Err(Error::NotFound)
    ));
}

/// The ledger knows what is payable in all, so that the lines of years need not be added up for a
/// page: those that became payable in the last 90 days are, and the rest is old.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn what_is_payable_is_shown_by_age(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let seconds = |at: chrono::DateTime<chrono::Utc>| (at - day(2026, 3, 1)).num_seconds();
    world.deliver(&[acme()]).await;
    // The hold is 30 days.
    for (n, at, net, currency) in [
        (1, day(2026, 3, 1), 10_000, "eur"),
        (2, day(2026, 4, 10), 20_000, "eur"),
        (3, day(2026, 5, 5), 40_000, "eur"),
        (4, day(2026, 6, 10), 80_000, "eur"),
        (5, day(2026, 3, 1), 1_000, "usd"),
    ] {
        world.now = at;
        let (invoice, line) = (format!("in_{n}"), format!("il_{n}"));
        let told = invoice_in(&invoice, "cus_1", &[(&line, net)], seconds(at), currency);
        let id = format!("evt_{n}");
        world
            .deliver(&[event(&id, "invoice.paid", seconds(at), told)])
            .await;
    }
    world.now = day(2026, 7, 15);
    mature(&world.system()).await.expect("works");
    let ages = async |world: &World| {
        let home = finance_home(&world.finance(0)).await.expect("reads");
        let rows = home.owed.into_iter();
        let row = |o: service::earnings::Owed| {
            let a = o.age;
            let parts = [a.days_30, a.days_60, a.days_90, a.older];
            (o.currency.code().to_owned(), o.payable, parts)
        };
        rows.map(row).collect::<Vec<_>>()
    };
    let euros = [18_000, 9_000, 4_500, 2_250];
    let shown = [
        ("EUR".to_owned(), 33_750, euros),
        ("USD".to_owned(), 225, [0, 0, 0, 225]),
    ];
    assert_eq!(ages(&world).await, shown);
    // A moment is old when it is more than so many days ago: the end of the hold itself is not.
    let second = chrono::TimeDelta::seconds(1);
    world.now = day(2026, 7, 10) + chrono::TimeDelta::days(30);
    let parts = |shown: Vec<(String, i64, [i64; 4])>| shown[0].2;
    assert_eq!(parts(ages(&world).await), [18_000, 0, 9_000, 6_750]);
    world.now += second;
    assert_eq!(parts(ages(&world).await), [0, 18_000, 9_000, 6_750]);

    // Given back in full, a currency has lines and a balance of nothing.
    world.now = day(2026, 7, 15);
    let form = AdjustForm {
        partner_id: world.partners[0],
        kind: "clawback".to_owned(),
        amount: "2.25".to_owned(),
        currency: "USD".to_owned(),
        reason: "Sent twice".to_owned(),
    };
    // The policy names no amount in dollars that one person may book alone.
    let back = adjust(&world.finance(0), &form).await.expect("booked");
    assert!(back.needs_second);
    approve(&world.finance(1), back.id).await.expect("approved");
    assert_eq!(
        ages(&world).await[1],
        ("USD".to_owned(), 0, [-225, 0, 0, 225])
    );
    world.assert_clean().await;

    // The old ones are not read, whatever they say.
    commission::Entity::update_many()
        .col_expr(commission::Column::Amount, Expr::value(1_i64))
        .filter(commission::Column::HoldUntil.lt(day(2026, 4, 15)))
        .exec(world.test.db.reader())
        .await
        .expect("written");
    assert_eq!(ages(&world).await[0], shown[0]);
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn an_admin_sees_what_was_done_last(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    world
        .deliver(&[
            acme(),
            paid(1, "cus_1", 10_000, 1),
            paid(2, "cus_1", 20_000, 2),
            paid(3, "cus_1", 30_000, 3),
        ])
        .await;
    let admin = world.staff(StaffRole::Admin);
    let query = DeskQuery {
        limit: 100,
        ..DeskQuery::default()
    };
    let (all, total) = audit(&admin, &query).await.expect("reads");
    assert!(total >= 3, "{total}");
    let newest = latest(&admin, 2).await.expect("reads");
    assert_eq!(newest, all[..2]);
    assert!(matches!(
        latest(&world.owner(world.partners[0]), 2).await,
        Err(Error::NotFound)
    ));
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn tiers_go_up_at_once_and_down_after_a_notice(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let [north, south] = world.partners;
    // 2,500.00 of revenue: enough for Gold. The other partner has none: below Silver.
    world.deliver(&[acme(), paid(1, "cus_1", 250_000, 1)]).await;
    let none = Reviewed {
        partners: 2,
        ..Reviewed::default()
    };
    let monthly = review_all(&world.system(), false).await.expect("works");
    assert_eq!(monthly, Reviewed { up: 1, ..none });
    assert_eq!(
        review_all(&world.system(), false).await.expect("works"),
        none
    );
    let quarterly = review_all(&world.system(), true).await.expect("works");
    assert_eq!(quarterly, Reviewed { noticed: 1, ..none });
    assert_eq!(
        review_all(&world.system(), true).await.expect("works"),
        none
    );
    let ctx = world.system();
    assert_eq!(standing(&ctx, north).await.expect("reads").name, "Gold");
    let told = standing(&ctx, south).await.expect("reads");
    assert_eq!(
        (told.name.as_str(), told.notice_until.is_some()),
        ("Silver", true)
    );

    // What is paid now earns Gold's rate; what was paid before the promotion keeps Silver's.
    let later = (world.now - day(2026, 3, 1)).num_seconds() + 60;
    let paid = invoice("in_2", "cus_1", &[("il_2", 10_000)], later);
    let missed = invoice("in_3", "cus_1", &[("il_3", 10_000)], 5);
    world
        .deliver(&[
            event("evt_2", "invoice.paid", later, paid),
            event("evt_3", "invoice.paid", 5, missed),
        ])
        .await;
    let lines = world.commissions().await;
    let rate = |reference: &str| {
        lines
            .iter()
            .find(|l| l.reference.contains(reference))
            .and_then(|l| l.rate_bp)
    };
    assert_eq!((rate("il_2"), rate("il_3")), (Some(2_500), Some(2_250)));

    // The grace period is over: down. Brought back by hand, it is told again a quarter later.
    world.now = day(2026, 7, 1);
    let down = review_all(&world.system(), true).await.expect("works");
    assert_eq!(down, Reviewed { down: 1, ..none });
    assert_eq!(
        standing(&world.system(), south).await.expect("reads").name,
        "Registered"
    );
    let tiers = tier::Entity::find()
        .all(world.test.db.reader())
        .await
        .expect("reads");
    let silver = tiers.iter().find(|t| t.name == "Silver").expect("there").id;
    let manager = world.staff(StaffRole::Manager);
    assert!(matches!(
        set_by_hand(&manager, south, silver, "").await,
        Err(Error::Invalid(_))
    ));
    set_by_hand(&manager, south, silver, "A strategic partner")
        .await
        .expect("set");
    assert!(matches!(
        set_by_hand(&manager, south, silver, "x").await,
        Err(Error::Conflict(_))
    ));
    let kinds: Vec<String> = history(&world.owner(world.partners[1]), south)
        .await
        .expect("own")
        .into_iter()
        .map(|c| format!("{} {}", c.row.kind, c.to))
        .collect();
    assert_eq!(
        kinds,
        ["manual Silver", "demotion Registered", "notice Registered"]
    );
    assert!(matches!(
        history(&world.owner(world.partners[0]), south).await,
        Err(Error::NotFound)
    ));
}
