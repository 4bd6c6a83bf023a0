//! Tier reviews before they happen: what the next one does, other thresholds, and what a notice
//! costs.

use std::collections::HashMap;

use chrono::TimeDelta;
use domain::money::{Currency, Money};
use domain::partner::StaffRole;
use domain::plan::ready_made;
use entity::partner;
use rstest::rstest;
use sea_orm::EntityTrait;
use service::program::TierFields;
use service::tier::{Outcome, history, next_review, outlook, review_all, set_by_hand, what_if};
use service::{Error, program};

use crate::support::{Engine, errors};
use crate::world::{World, acme, event, invoice_in, paid};

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn thresholds_are_tried_before_they_count(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let [north, _] = world.partners;
    world
        .deliver(&[acme(), paid(1, "cus_1", 120_000, 10)])
        .await;
    let tiers = program::tiers(world.test.db.reader(), world.program)
        .await
        .expect("reads");
    let [registered, silver, gold] = [&tiers[0], &tiers[1], &tiers[2]];

    // As it is: North has 1,200.00 and keeps Silver, South has nothing.
    let rows = next_review(&world.staff(StaffRole::Manager))
        .await
        .expect("lists");
    let seen: Vec<_> = rows
        .iter()
        .map(|c| (c.partner.as_str(), c.outcome.key(), c.metrics.revenue_minor))
        .collect();
    assert_eq!(seen, [("North", "stays", 120_000), ("South", "notice", 0)]);
    assert_eq!(rows[1].missing, "€1,000.00 more revenue");

    let ask = |pairs: &[(&entity::tier::Model, &str)]| {
        let mut typed = HashMap::new();
        for (tier, revenue) in pairs {
            let fields = TierFields {
                min_revenue: (*revenue).to_owned(),
                ..TierFields::of(tier, "EUR")
            };
            typed.insert(tier.id, fields);
        }
        typed
    };
    let admin = world.staff(StaffRole::Admin);
    // Silver asks more: North gets a notice too. Gold asks less: North moves up.
    let found = what_if(&admin, world.program, &ask(&[(silver, "1500")]))
        .await
        .expect("tried");
    assert_eq!((found.partners, found.moved.len()), (2, 1));
    assert_eq!(found.moved[0].as_it_is, Outcome::Stays);
    assert!(matches!(
        &found.moved[0].candidate.outcome,
        Outcome::Notice(to, _) if to == "Registered"
    ));
    let found = what_if(&admin, world.program, &ask(&[(gold, "1100")]))
        .await
        .expect("tried");
    assert_eq!(
        found.moved[0].candidate.outcome,
        Outcome::Up("Gold".to_owned())
    );
    let same = what_if(&admin, world.program, &HashMap::new())
        .await
        .expect("tried");
    assert!(same.moved.is_empty());
    // What does not fit is said at the tier's field; nothing was changed.
    for (tier, typed, part) in [
        (silver, "2500", "Ask at least as much"),
        (registered, "10", "asks nothing"),
        (gold, "much", "without “much”"),
    ] {
        let asked = ask(&[(tier, typed)]);
        let result = what_if(&admin, world.program, &asked).await;
        let errors = errors(result);
        assert!(
            errors
                .0
                .iter()
                .any(|(field, s)| field.starts_with("min_revenue_") && s.contains(part)),
            "{errors:?}"
        );
    }
    assert!(matches!(
        what_if(
            &world.staff(StaffRole::Manager),
            world.program,
            &HashMap::new()
        )
        .await,
        Err(Error::Forbidden(_))
    ));
    let own = world.owner(north);
    assert!(matches!(next_review(&own).await, Err(Error::NotFound)));
    let again = program::tiers(world.test.db.reader(), world.program)
        .await
        .expect("reads");
    assert_eq!(again, tiers);

    // The partner sees what a notice would cost.
    assert_eq!(outlook(&own, north).await.expect("shows").falls, None);
    let fields = TierFields {
        min_revenue: "1900".to_owned(),
        ..TierFields::of(silver, "EUR")
    };
    program::change_tier(&admin, world.program, silver.id, &fields)
        .await
        .expect("changed");
    review_all(&world.system(), true).await.expect("reviews");
    let shown = outlook(&own, north).await.expect("shows");
    let fall = shown.falls.expect("a notice runs");
    // 2.5 % less of 1,200.00.
    assert_eq!(
        (fall.to.as_str(), fall.would_earn_less),
        ("Registered", Some(Money::new(3_000, Currency::EUR)))
    );
    let rows = next_review(&world.staff(StaffRole::Auditor))
        .await
        .expect("lists");
    assert_eq!(rows[0].outcome.key(), "waits");
}

/// Revenue that is not counted may be what is missing: nobody is moved down for that by itself.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_person_decides_about_revenue_in_other_currencies(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let [north, south] = world.partners;
    let tier_of = async |world: &World, id: i64| {
        let found = partner::Entity::find_by_id(id);
        let found = found.one(world.test.db.reader()).await.expect("reads");
        found.expect("a partner").tier_id
    };
    let silver = tier_of(&world, north).await;
    // Both have nothing in euros: both get a notice.
    let given = review_all(&world.system(), true).await.expect("reviews");
    assert_eq!((given.noticed, given.asked), (2, 0));

    // North turns out to have sold in yen: its notice is taken back, and it is told why.
    let yen = invoice_in("in_2", "cus_1", &[("il_2", 9_000)], 20, "jpy");
    world
        .deliver(&[acme(), event("evt_2", "invoice.paid", 20, yen)])
        .await;
    let rows = next_review(&world.staff(StaffRole::Manager))
        .await
        .expect("lists");
    assert_eq!(rows[0].outcome, Outcome::Decide("Registered".to_owned()));
    let in_yen = Money::new(9_000, "JPY".parse::<Currency>().expect("yen"));
    assert_eq!(
        (rows[0].metrics.revenue_minor, &rows[0].uncounted),
        (0, &vec![in_yen])
    );
    assert_eq!(rows[1].outcome.key(), "waits");
    let asked = review_all(&world.system(), false).await.expect("reviews");
    assert_eq!((asked.asked, asked.recovered), (1, 0));
    let own = world.owner(north);
    let shown = outlook(&own, north).await.expect("shows");
    assert_eq!((shown.uncounted, shown.falls), (vec![in_yen], None));
    let changes = history(&own, north).await.expect("lists");
    assert!(
        changes[0].row.explanation.contains("¥9,000"),
        "{:?}",
        changes[0]
    );

    // When the time of the notices is over South moves down, and North does not; again and again.
    world.now += TimeDelta::days(100);
    for (quarterly, down) in [(true, 1), (false, 0)] {
        let done = review_all(&world.system(), quarterly)
            .await
            .expect("reviews");
        assert_eq!((done.down, done.noticed, done.asked), (down, 0, 1));
    }
    assert_eq!(tier_of(&world, north).await, silver);
    assert_ne!(tier_of(&world, south).await, silver);
    // A person may.
    let tiers = program::tiers(world.test.db.reader(), world.program)
        .await
        .expect("reads");
    let manager = world.staff(StaffRole::Manager);
    set_by_hand(&manager, north, tiers[0].id, "Too little in both")
        .await
        .expect("set");
    assert_eq!(tier_of(&world, north).await, tiers[0].id);
}
