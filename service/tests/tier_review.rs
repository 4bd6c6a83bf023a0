//! Tier reviews before they happen: what the next one does, other thresholds, and what a notice
//! costs.

use std::collections::HashMap;

use domain::money::{Currency, Money};
use domain::partner::StaffRole;
use domain::plan::ready_made;
use rstest::rstest;
use service::program::TierFields;
use service::tier::{Outcome, next_review, outlook, review_all, what_if};
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
        .deliver(&[
            acme(),
            paid(1, "cus_1", 120_000, 10),
            event(
                "evt_2",
                "invoice.paid",
                20,
                invoice_in("in_2", "cus_1", &[("il_2", 9_000)], 20, "jpy"),
            ),
        ])
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

    // The partner sees what does not count, and what a notice would cost.
    let shown = outlook(&own, north).await.expect("shows");
    assert_eq!(
        shown.uncounted,
        [Money::new(9_000, "JPY".parse::<Currency>().expect("yen"))]
    );
    assert_eq!(shown.falls, None);
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
