//! What registrations earn by themselves: qualified meetings and won deals.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use domain::deal::DealStatus as D;
use domain::ledger::Entry;
use domain::money::{Bp, Currency, Money};
use domain::partner::StaffRole;
use domain::plan::{Amount, Basis, PlanRules, Trigger, ready_made};
use entity::commission;
use rstest::rstest;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
};
use service::deal::{self, MeetingForm};
use service::inbox::{Inbox, process_batch};
use service::{Error, commission as lines};
use stripe_gateway::webhook::Envelope;

use super::{errors, world::World};
use crate::shelf::Shelf;
use crate::support::{Engine, day};
use crate::world::{customer, event, invoice};

fn bounty() -> PlanRules {
    let eur = |minor| ready_made::amounts(minor, Currency::EUR);
    ready_made::bounty(eur(15_000), eur(50_000))
}

/// A plan that pays for won deals.
fn for_won(basis: Basis, amount: Amount) -> PlanRules {
    let mut rules = ready_made::agency();
    let rule = &mut rules.rules[0];
    rule.id = "won".to_owned();
    rule.name = "Won deal".to_owned();
    rule.trigger = Trigger::DealWon;
    (rule.basis, rule.amount, rule.bonus_points) = (basis, amount, Bp(0));
    rules
}

fn flat(minor: i64) -> Amount {
    Amount::Flat {
        amounts: ready_made::amounts(minor, Currency::EUR),
    }
}

async fn rows(world: &World) -> Vec<commission::Model> {
    commission::Entity::find()
        .order_by_asc(commission::Column::Id)
        .all(world.test.db.reader())
        .await
        .expect("readable")
}

async fn clean(world: &World) {
    let report = service::ledger::audit(&world.test.db)
        .await
        .expect("audited");
    assert!(report.is_clean(), "{:#?}", report.findings);
}

async fn owed(world: &World, partner: i64, bucket: &str) -> i64 {
    entity::ledger_account::Entity::find()
        .filter(entity::ledger_account::Column::Code.eq(format!("partner:{partner}:{bucket}")))
        .all(world.test.db.reader())
        .await
        .expect("readable")
        .iter()
        .map(|a| a.balance)
        .sum()
}

fn held(world: &World, days: i64) -> MeetingForm {
    MeetingForm {
        held_on: (world.now - TimeDelta::days(days)).date_naive().to_string(),
        note: "Budget, need and decision maker are known.".to_owned(),
    }
}

async fn deliver(world: &World, events: &[serde_json::Value]) {
    let ctx = world.system();
    let inbox = Inbox::start(&world.test.db);
    for event in events {
        let body = event.to_string();
        let envelope = Envelope::parse(body.as_bytes()).expect("an event");
        inbox.receive(&ctx, &body, &envelope).await.expect("stored");
    }
    while process_batch(&ctx, &Shelf::default(), 100)
        .await
        .expect("works")
        .processed
        > 0
    {}
}

/// Paid, as a payout does it: the state and the ledger together.
async fn pay(world: &World, row: &commission::Model) {
    let ctx = world.system();
    let tx = ctx.begin().await.expect("begins");
    tx.execute_unprepared(&format!(
        "UPDATE commission SET state = 'paid' WHERE id = {}",
        row.id
    ))
    .await
    .expect("writes");
    let amount = Money::new(row.amount, Currency::EUR);
    for entry in [
        Entry::enter_payout(1, row.partner_id, amount),
        Entry::payout_paid(1, row.partner_id, amount),
    ] {
        let links = service::ledger::Links {
            kind: "payout",
            description: String::new(),
            commission_id: None,
            payout_id: None,
            effective_at: world.now,
        };
        service::ledger::post(&ctx, &*tx, entry.expect("entry"), links)
            .await
            .expect("posts");
    }
    tx.commit().await.expect("commits");
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
    let Err(Error::Conflict(words)) = deal::qualify(&staff, open, &form).await else {
        panic!("not reviewed yet")
    };
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
    let Err(Error::Conflict(words)) = deal::unqualify(&staff, id, "none").await else {
        panic!("nothing to undo")
    };
    assert_eq!(words, "No meeting of this deal counts.");

    // Two at the same moment: one counts.
    let (one, other) = tokio::join!(
        deal::qualify(&staff, id, &form),
        deal::qualify(&staff, id, &form)
    );
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    let refused = one.and(other).expect_err("the second");
    assert!(matches!(refused, Error::Conflict(_)), "{refused:?}");
    let earned = rows(&world).await;
    assert_eq!(earned.len(), 1);
    let row = &earned[0];
    assert_eq!(
        (row.amount, row.basis, row.state.as_str(), row.deal_id),
        (15_000, 0, "pending", Some(id))
    );
    // The day of the meeting begins at midnight in Berlin; the hold is counted from it.
    let midnight = day(2026, 3, 3) + TimeDelta::hours(23);
    assert_eq!(row.earned_at, midnight);
    assert_eq!(owed(&world, ana.id, "pending").await, 15_000);
    clean(&world).await;
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
    assert_eq!(owed(&world, ana.id, "pending").await, 0);
    assert_eq!(rows(&world).await[0].state, "canceled");
    clean(&world).await;
    deal::qualify(&staff, id, &form).await.expect("again");
    assert_eq!(rows(&world).await.len(), 2);
    world.now += TimeDelta::days(40);
    lines::mature(&world.system()).await.expect("matures");
    pay(&world, &rows(&world).await[1]).await;
    let Err(Error::Conflict(words)) = deal::unqualify(&world.manager(), id, "late").await else {
        panic!("it is paid")
    };
    assert!(words.contains("“Paid” already"), "{words}");
    assert!(
        deal::show(&world.of(ana), id)
            .await
            .expect("shows")
            .meeting
            .is_some(),
        "nothing was undone"
    );
    clean(&world).await;
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
    let paid = |id: &str, line: &str, seconds| {
        event(
            &format!("evt_{id}"),
            "invoice.paid",
            seconds,
            invoice(id, "cus_acme", &[(line, 10_000)], seconds),
        )
    };
    let buyer = event(
        "evt_c",
        "customer.created",
        0,
        customer("cus_acme", "a@acme.com"),
    );
    let first = paid("in_1", "il_1", 2 * 86_400);
    deliver(&world, &[buyer, first.clone()]).await;
    // The payment won the deal, and is the customer's first.
    assert_eq!(world.status(id).await, D::Won);
    deliver(&world, &[first, paid("in_2", "il_2", 3 * 86_400)]).await;
    let earned: Vec<_> = rows(&world)
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
    clean(&world).await;
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
    let Err(Error::Conflict(words)) = deal::confirm_value(&staff, id, "5,000.00").await else {
        panic!("not won yet")
    };
    assert!(words.contains("once it is won"), "{words}");
    world.now += TimeDelta::days(1);
    let staff = world.manager();
    deal::win(&staff, id, "cus_acme").await.expect("won");
    assert!(rows(&world).await.is_empty(), "what was typed pays nothing");
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
    let Err(Error::Conflict(words)) = deal::confirm_value(&staff, id, "1").await else {
        panic!("once")
    };
    assert!(words.contains("already"), "{words}");
    let earned = rows(&world).await;
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
    clean(&world).await;

    // The customer did not buy after all.
    assert!(matches!(
        deal::lost(&world.of(ana), id, "x").await,
        Err(Error::Conflict(_))
    ));
    deal::lost(&staff, id, "The order was withdrawn")
        .await
        .expect("lost");
    assert_eq!(rows(&world).await[0].state, "canceled");
    assert_eq!(owed(&world, ana.id, "pending").await, 0);
    let credit = entity::attribution::Entity::find()
        .one(world.test.db.reader())
        .await
        .expect("readable")
        .expect("there");
    assert_eq!(credit.ends_at, Some(credit.starts_at), "credits no payment");
    clean(&world).await;
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
    let buyer = event(
        "evt_c",
        "customer.created",
        0,
        customer("cus_acme", "a@acme.com"),
    );
    let paid = event(
        "evt_i",
        "invoice.paid",
        2 * 86_400,
        invoice("in_1", "cus_acme", &[("il_1", 10_000)], 2 * 86_400),
    );
    let mut again = paid.clone();
    again["id"] = "evt_again".into();
    deliver(&world, &[buyer, paid]).await;
    deliver(&world, &[again]).await;
    assert_eq!(world.status(id).await, D::Won);
    let earned = rows(&world).await;
    assert_eq!(
        earned
            .iter()
            .map(|c| (c.rule_name.as_str(), c.amount, c.state.as_str()))
            .collect::<Vec<_>>(),
        [("Won deal", 20_000, "pending")]
    );
    // The payment's instant is the event's.
    assert_eq!(earned[0].earned_at, day(2026, 3, 3));
    clean(&world).await;
    world.now += TimeDelta::days(40);
    lines::mature(&world.system()).await.expect("matures");
    pay(&world, &rows(&world).await[0]).await;
    deal::lost(&world.manager(), id, "Fraud")
        .await
        .expect("lost");
    let back = rows(&world).await;
    assert_eq!(
        back.iter()
            .map(|c| (c.kind.as_str(), c.amount, c.reversed, c.state.as_str()))
            .collect::<Vec<_>>(),
        [
            ("accrual", 20_000, 20_000, "paid"),
            ("reversal", -20_000, 0, "payable")
        ]
    );
    assert_eq!(owed(&world, ana.id, "payable").await, -20_000);
    clean(&world).await;
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
    let amounts: Vec<i64> = rows(&world).await.iter().map(|c| c.amount).collect();
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
    clean(&world).await;

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
    let shared: Vec<_> = rows(&world)
        .await
        .iter()
        .filter(|c| c.reference.starts_with("won:"))
        .map(|c| (c.partner_id, c.amount))
        .collect();
    // 600.01 and 300.00 of the value; the vendor keeps the rest of the credit.
    assert_eq!(shared, [(ana.id, 6_000), (ben.id, 3_000)]);
    clean(&world).await;
}
