//! A qualified meeting pays once, by the rules that count on its day.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use domain::deal::DealStatus as D;
use domain::money::{Bp, Currency};
use domain::partner::StaffRole;
use domain::plan::{Amount, Basis, PlanRules, Trigger, ready_made};
use rstest::rstest;
use sea_orm::{ActiveValue::Set, EntityTrait};
use service::deal::{self, MeetingForm};
use service::{Error, commission as lines};

use super::{for_won, held};
use crate::books::pay_out;
use crate::deal::world::World;
use crate::support::{Engine, conflict, day, errors};
use crate::world::{new_customer, paid};

fn bounty() -> PlanRules {
    let eur = |minor| ready_made::amounts(minor, Currency::EUR);
    ready_made::bounty(eur(15_000), eur(50_000))
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_qualified_meeting_pays_once_and_is_undone_until_it_is_paid(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine).await else {
        return;
    };
    world.pays(&bounty()).await;
    let ana = world.partner("Ana").await;
    let open = world
        .sent(ana, "Open Ltd", "open.com", &world.lines[..1])
        .await;
    let id = world.protected(ana, "Acme Ltd", "acme.com").await;
    world.now += TimeDelta::days(3);
    let staff = world.manager();

    // Who may, when, and what has to be said.
    let form = held(&world, 1);
    assert!(matches!(
        deal::qualify(&world.of(ana), id, &form).await,
        Err(Error::NotFound)
    ));
    let finance = world.staff(world.admin, StaffRole::Finance);
    assert!(matches!(
        deal::qualify(&finance, id, &form).await,
        Err(Error::Forbidden(_))
    ));
    // What was not reviewed yet earns nothing.
    let words = conflict(deal::qualify(&staff, open, &form).await);
    assert!(words.contains("approved and won"), "{words}");
    for (days, note, field, part) in [
        (-1, "x", "held_on", "not come yet"),
        (4, "x", "held_on", "sent after this day"),
        (1, " ", "note", "what was met"),
    ] {
        let wrong = MeetingForm {
            note: note.to_owned(),
            ..held(&world, days)
        };
        let found = errors(deal::qualify(&staff, id, &wrong).await);
        assert!(found.0[field].contains(part), "{found:?}");
    }
    // Nothing to undo.
    let words = conflict(deal::unqualify(&staff, id, "none").await);
    assert_eq!(words, "No meeting of this deal counts.");

    // Two at the same moment: one counts.
    let (one, other) = tokio::join!(
        deal::qualify(&staff, id, &form),
        deal::qualify(&staff, id, &form)
    );
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    let refused = one.and(other).expect_err("the second");
    assert!(matches!(refused, Error::Conflict(_)), "{refused:?}");
    let earned = world.test.commissions().await;
    assert_eq!(earned.len(), 1);
    let row = &earned[0];
    assert_eq!(
        (row.amount, row.basis, row.state.as_str(), row.deal_id),
        (15_000, 0, "pending", Some(id))
    );
    // The day of the meeting begins at midnight in Berlin; the hold is counted from it.
    let midnight = day(2026, 3, 3) + TimeDelta::hours(23);
    assert_eq!(row.earned_at, midnight);
    assert_eq!(world.test.bucket(ana.id, "pending").await, 15_000);
    world.test.assert_clean().await;
    let explained = lines::explain(&world.of(ana), row.id).await.expect("shows");
    let calculation = explained.calculation.expect("recomputable");
    assert_eq!(
        (calculation.trigger, calculation.amount.minor),
        (Trigger::QualifiedMeeting, 15_000)
    );
    let shown = deal::show(&world.of(ana), id).await.expect("shows");
    assert_eq!(shown.timeline[0].action, "deal.meeting_qualified");
    assert!(shown.meeting.is_some());

    // Undone: nothing is left, and the meeting may be marked again.
    assert!(
        errors(deal::unqualify(&staff, id, " ").await)
            .0
            .contains_key("reason")
    );
    deal::unqualify(&staff, id, "The wrong company")
        .await
        .expect("undone");
    assert_eq!(world.test.bucket(ana.id, "pending").await, 0);
    assert_eq!(world.test.commissions().await[0].state, "canceled");
    world.test.assert_clean().await;
    deal::qualify(&staff, id, &form).await.expect("again");
    assert_eq!(world.test.commissions().await.len(), 2);
    world.now += TimeDelta::days(40);
    lines::mature(&world.system()).await.expect("matures");
    pay_out(&world.system(), &world.test.commissions().await[1]).await;
    let words = conflict(deal::unqualify(&world.manager(), id, "late").await);
    assert!(words.contains("“Paid” already"), "{words}");
    assert!(
        deal::show(&world.of(ana), id)
            .await
            .expect("shows")
            .meeting
            .is_some(),
        "nothing was undone"
    );
    world.test.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn the_bounty_plan_pays_the_meeting_and_the_first_payment(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine).await else {
        return;
    };
    world.pays(&bounty()).await;
    let ana = world.partner("Ana").await;
    let id = world.protected(ana, "Acme Ltd", "acme.com").await;
    world.now += TimeDelta::days(1);
    deal::qualify(&world.manager(), id, &held(&world, 0))
        .await
        .expect("qualified");
    let buyer = new_customer("cus_acme", "a@acme.com");
    let first = paid(1, "cus_acme", 10_000, 2 * 86_400);
    world.deliver(&[buyer, first.clone()]).await;
    // The payment won the deal, and is the customer's first.
    assert_eq!(world.status(id).await, D::Won);
    world
        .deliver(&[first, paid(2, "cus_acme", 10_000, 3 * 86_400)])
        .await;
    let earned: Vec<_> = world
        .test
        .commissions()
        .await
        .iter()
        .map(|c| (c.rule_name.clone(), c.amount))
        .collect();
    assert_eq!(
        earned,
        [
            ("Qualified meeting".to_owned(), 15_000),
            ("First payment".to_owned(), 50_000)
        ]
    );
    world.test.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn the_tier_on_the_day_caps_and_shared_credit_count_as_for_invoices(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine).await else {
        return;
    };
    let eur = |minor| ready_made::amounts(minor, Currency::EUR);
    let mut rules = for_won(
        Basis::Flat,
        Amount::FlatByTier {
            amounts: BTreeMap::from([(0, eur(10_000)), (2, eur(30_000))]),
        },
    );
    rules.rules[0].id = "meeting".to_owned();
    rules.rules[0].trigger = Trigger::QualifiedMeeting;
    rules.rules[0].caps.per_partner = Some(domain::plan::PeriodCap {
        period: domain::plan::Period::Month,
        amounts: eur(35_000),
    });
    let percent = Amount::Percent { rate: Bp(1_000) };
    rules.rules.extend(for_won(Basis::FirstYear, percent).rules);
    world.pays(&rules).await;
    let (ana, ben) = (world.partner("Ana").await, world.partner("Ben").await);
    let mut deals = Vec::new();
    for n in 0..3 {
        let domain = format!("company{n}.com");
        deals.push(world.protected(ana, &format!("Company {n}"), &domain).await);
    }
    // From the 5th on, Ana is Gold.
    entity::tier_change::Entity::insert(entity::tier_change::ActiveModel {
        partner_id: Set(ana.id),
        from_tier_id: Set(Some(world.tiers[0])),
        to_tier_id: Set(world.tiers[1]),
        kind: Set("promotion".to_owned()),
        explanation: Set("test".to_owned()),
        figures: Set(serde_json::json!({})),
        effective_at: Set(world.now + TimeDelta::days(3)),
        created_at: Set(world.now),
        ..Default::default()
    })
    .exec_without_returning(world.test.db.reader())
    .await
    .expect("a change");
    world.now += TimeDelta::days(5);
    let staff = world.manager();
    // Before the change, after it, and after it with 350.00 a month at most.
    for (id, days) in deals.iter().zip([4, 0, 0]) {
        deal::qualify(&staff, *id, &held(&world, days))
            .await
            .expect("qualified");
    }
    let amounts: Vec<i64> = world
        .test
        .commissions()
        .await
        .iter()
        .map(|c| c.amount)
        .collect();
    assert_eq!(amounts, [10_000, 25_000]);
    let shown = deal::show(&world.of(ana), deals[2]).await.expect("shows");
    assert!(
        shown
            .timeline
            .iter()
            .any(|h| h.summary.contains("is used up")),
        "{:?}",
        shown.timeline
    );
    world.test.assert_clean().await;

    // Won, and the credit is shared before the value is confirmed on the day it was won.
    let id = deals[0];
    let account = world.row(id).await.account_id.expect("an account");
    for (partner, share) in [(ana.id, 6_000), (ben.id, 3_000)] {
        entity::attribution::Entity::insert(entity::attribution::ActiveModel {
            program_id: Set(world.program),
            account_id: Set(account),
            partner_id: Set(partner),
            product_line_id: Set(Some(world.lines[0])),
            part: Set("sold".to_owned()),
            share_bp: Set(share),
            reason: Set("test".to_owned()),
            starts_at: Set(world.now - TimeDelta::days(1)),
            created_at: Set(world.now),
            ..Default::default()
        })
        .exec_without_returning(world.test.db.reader())
        .await
        .expect("a credit");
    }
    world.put_won(id).await;
    deal::confirm_value(&staff, id, "1,000.01")
        .await
        .expect("confirmed");
    let shared: Vec<_> = world
        .test
        .commissions()
        .await
        .iter()
        .filter(|c| c.reference.starts_with("won:"))
        .map(|c| (c.partner_id, c.amount))
        .collect();
    // 600.01 and 300.00 of the value; the vendor keeps the rest of the credit.
    assert_eq!(shared, [(ana.id, 6_000), (ben.id, 3_000)]);
    world.test.assert_clean().await;
}
