//! Limits add up: an amount that needs a second person cannot be split into several that do not.

use chrono::TimeDelta;
use domain::partner::StaffRole;
use domain::plan::ready_made;
use entity::{commission, payout_run, policy_version};
use rstest::rstest;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, QueryOrder};
use service::commission::{AdjustForm, adjust, approve, explain, reject, write_off};
use service::payout::run;
use service::{Context, program};

use crate::payout::bank::Bank;
use crate::support::Engine;
use crate::world::World;

fn by_hand(partner_id: i64, kind: &str, amount: &str) -> AdjustForm {
    AdjustForm {
        partner_id,
        kind: kind.to_owned(),
        amount: amount.to_owned(),
        currency: "EUR".to_owned(),
        reason: "Agreed by phone".to_owned(),
    }
}

async fn waits(ctx: &Context, partner: i64, kind: &str, amount: &str) -> bool {
    adjust(ctx, &by_hand(partner, kind, amount))
        .await
        .expect("booked")
        .needs_second
}

/// The limit is 1,000.00 EUR.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn bookings_of_a_day_add_up_by_person_and_by_partner(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let [north, south] = world.partners;
    let (one, other) = (world.finance(0), world.finance(1));
    assert!(!waits(&one, north, "bonus", "999").await);
    let second = adjust(&one, &by_hand(north, "bonus", "999"))
        .await
        .expect("booked");
    assert!(second.needs_second, "the same person and partner");
    assert!(waits(&one, south, "bonus", "999").await, "the same person");
    assert!(
        waits(&other, north, "bonus", "999").await,
        "the same partner"
    );
    assert!(
        waits(&one, north, "clawback", "999").await,
        "what is taken back does not make room"
    );
    assert!(!waits(&other, south, "bonus", "999").await);
    // The page says which rule asked, with the sums.
    let shown = explain(&one, second.id).await.expect("shows");
    let why = shown.line.explain["second_reason"].to_string();
    assert!(
        why.contains("the same person") && why.contains("1,998.00") && why.contains("1,000.00"),
        "{why}"
    );
    // What two people have seen, and what was turned down, counts for nobody.
    approve(&other, second.id).await.expect("approved");
    assert!(!waits(&one, south, "bonus", "1").await);
    // Midnight in Berlin begins another day.
    world.now += TimeDelta::hours(23) - TimeDelta::minutes(1);
    assert!(waits(&world.finance(0), north, "bonus", "999").await);
    world.now += TimeDelta::minutes(1);
    assert!(!waits(&world.finance(0), north, "bonus", "999").await);
    world.assert_clean().await;
}

/// Writing off a debt, and what was declined before, are counted as what they are.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_write_off_adds_up_too_and_what_was_declined_does_not(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let [north, south] = world.partners;
    let (one, other) = (world.finance(0), world.finance(1));
    let declined = adjust(&one, &by_hand(south, "bonus", "5000"))
        .await
        .expect("booked");
    reject(&other, declined.id, "No").await.expect("declined");
    assert!(!waits(&one, north, "clawback", "600").await);
    let off = write_off(&one, north, "EUR", "Gone").await.expect("booked");
    assert!(off.needs_second, "600.00 and 600.00 for one partner");
    world.assert_clean().await;
}

/// Two bookings at the same moment do not each pass without the other.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn bookings_at_the_same_moment_add_up(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let ctx = world.finance(0);
    let form = by_hand(world.partners[0], "bonus", "600");
    let all = futures::future::join_all((0..4).map(|_| adjust(&ctx, &form))).await;
    let passed = all.iter().filter(|a| matches!(a, Ok(a) if !a.needs_second));
    assert_eq!(passed.count(), 1, "{all:?}");
    assert_eq!(world.test.deadlocks().await, 0);
}

async fn second_above(world: &World, minor: i64) {
    let row = policy_version::Entity::find()
        .one(world.test.db.reader())
        .await
        .expect("reads")
        .expect("one");
    policy_version::ActiveModel {
        id: Set(row.id),
        second_approval_above: Set(minor),
        ..Default::default()
    }
    .update(world.test.db.reader())
    .await
    .expect("set");
}

async fn newest_run(world: &World) -> payout_run::Model {
    payout_run::Entity::find()
        .order_by_desc(payout_run::Column::Id)
        .one(world.test.db.reader())
        .await
        .expect("reads")
        .expect("one")
}

/// One run of 450.00 would need two people; two of 225.00 do as well.
#[rstest]
#[case::by_the_same_people(true)]
#[case::for_the_same_partner(false)]
#[tokio::test]
async fn runs_of_a_day_add_up(
    #[case] same: bool,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    second_above(&bank.world, 30_000).await;
    bank.started().await;
    assert!(!newest_run(&bank.world).await.needs_second);
    // Somebody gives the partner as much again on the same day.
    let helper = bank.world.add_staff("Cem", StaffRole::Finance).await;
    let dora = bank.world.add_staff("Dora", StaffRole::Finance).await;
    let eve = bank.world.add_staff("Eve", StaffRole::Finance).await;
    let by = |id| {
        bank.world
            .test
            .staff(id, StaffRole::Finance, bank.world.now)
    };
    let partner = match same {
        true => bank.world.partners[1],
        false => bank.world.partners[0],
    };
    if same {
        bank.ready(partner).await;
    }
    bank.work(bank.payout().await.id).await;
    let booked = adjust(&by(helper), &by_hand(partner, "bonus", "225"))
        .await
        .expect("booked");
    assert!(!booked.needs_second);
    let (drafter, approver) = match same {
        true => (bank.world.finance(0), bank.world.finance(1)),
        false => (by(dora), by(eve)),
    };
    let new = run::NewRun {
        program_id: bank.world.program,
        cutoff_at: bank.world.now,
        note: String::new(),
    };
    let id = run::draft(&drafter, new).await.expect("drafted");
    run::submit(&drafter, id, None).await.expect("submitted");
    let row = newest_run(&bank.world).await;
    assert!(row.needs_second);
    let why = row.second_reason.unwrap_or_default();
    let rule = match same {
        true => "the same people",
        false => "the same partner",
    };
    assert!(why.contains(rule) && why.contains("450.00"), "{why}");
    assert!(!bank.approve_as(&approver, id).await.expect("the first"));
    assert!(bank.approve_as(&by(helper), id).await.expect("the second"));
    bank.world.assert_clean().await;
}

/// A limit that was raised just before counts only a day later; one that was lowered counts at once.
#[rstest]
#[case::raised(20_000, "1000", true)]
#[case::lowered(100_000, "200", true)]
#[tokio::test]
async fn a_limit_is_not_raised_just_before_it_is_used(
    #[case] before: i64,
    #[case] after: &str,
    #[case] second: bool,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    second_above(&bank.world, before).await;
    let today = bank.world.now.format("%Y-%m-%d").to_string();
    let fields = crate::program::policy(&[
        ("effective_date", today.as_str()),
        ("second_approval_above", after),
    ]);
    let staff = bank.world.staff(StaffRole::Admin);
    program::new_policy(&staff, bank.world.program, 1, &fields)
        .await
        .expect("made");
    bank.world.now += TimeDelta::minutes(1);
    bank.submitted().await;
    assert_eq!(newest_run(&bank.world).await.needs_second, second);
    bank.world.now += TimeDelta::days(1);
    bank.submitted().await;
    let lowered = after == "200";
    assert_eq!(newest_run(&bank.world).await.needs_second, lowered);
}

/// Three bookings, each below the limit, that one person made payable alone: the audit sees it.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn the_audit_sees_what_was_split(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let ctx = world.finance(0);
    let mut first = 0;
    for _ in 0..3 {
        let adjusted = adjust(&ctx, &by_hand(world.partners[0], "bonus", "999"))
            .await
            .expect("booked");
        if adjusted.needs_second {
            approve(&world.finance(1), adjusted.id)
                .await
                .expect("approved");
        }
        first = adjusted.id;
    }
    world.assert_clean().await;
    // As it was left when each was looked at alone.
    for line in world.commissions().await {
        commission::ActiveModel {
            id: Set(line.id),
            explain: Set(serde_json::json!({
                "asked_by": world.finance[0], "needs_second": false, "limit": 100_000
            })),
            ..Default::default()
        }
        .update(world.test.db.reader())
        .await
        .expect("as before");
    }
    let report = service::ledger::audit(&world.test.db)
        .await
        .expect("audits");
    let of = |id| {
        report
            .findings
            .iter()
            .any(|f| f.table == "commission" && f.id == id)
    };
    assert!(
        of(first) && report.differences == 2,
        "{:?}",
        report.findings
    );
}
