//! Moving a partner to another plan from a day on, and telling partners what a new version changes.

use chrono::{TimeDelta, Utc};
use domain::money::{Bp, Currency};
use domain::partner::StaffRole;
use domain::plan::{Amount, Period, PeriodCap, PlanRules, ready_made};
use entity::{member, plan, plan_version};
use rstest::rstest;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ActiveValue::Unchanged, EntityTrait};
use service::partner::{PlanForm, move_to_plan, own, plan_moves_due, record, withdraw_plan_move};
use service::{Error, notice, plan as plans};

use crate::rows;
use crate::support::{Engine, day, errors};
use crate::world::{World, acme, paid};

/// A second plan that pays 25 %, published from `from` on.
async fn better(world: &World, name: &str, from: chrono::DateTime<Utc>) -> i64 {
    published(world, name, &ready_made::agency(), from).await
}

async fn published(
    world: &World,
    name: &str,
    rules: &PlanRules,
    from: chrono::DateTime<Utc>,
) -> i64 {
    let db = world.test.db.reader();
    let plan = plan::ActiveModel {
        name: Set(name.to_owned()),
        is_default: Set(false),
        ..rows::plan(world.program)
    }
    .insert(db)
    .await
    .expect("a plan");
    plan_version::ActiveModel {
        effective_from: Set(from),
        ..rows::plan_version(plan.id, rules)
    }
    .insert(db)
    .await
    .expect("a version");
    plan.id
}

/// An invoice of 100.00, paid so many days after 1 March 2026.
fn paid_on(n: i64, days: i64) -> serde_json::Value {
    paid(n, "cus_1", 10_000, TimeDelta::days(days).num_seconds())
}

/// Makes somebody the owner of the first partner, who can be told of things.
async fn with_owner(world: &World) {
    member::ActiveModel {
        partner_id: Set(world.partners[0]),
        person_id: Set(world.finance[1]),
        role: Set("owner".to_owned()),
        joined_at: Set(world.now),
        ..Default::default()
    }
    .insert(world.test.db.reader())
    .await
    .expect("a member");
}

async fn notices(world: &World) -> Vec<String> {
    let (rows, _) = notice::list(&world.owner(world.partners[0]), 0, 50)
        .await
        .expect("lists");
    rows.into_iter().map(|n| n.text).collect()
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn the_plan_of_the_day_pays(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let north = world.partners[0];
    with_owner(&world).await;
    let agency = better(&world, "Agency", day(2025, 1, 1)).await;
    let late = better(&world, "Late", day(2027, 1, 1)).await;
    let form = |plan: i64, from: &str| PlanForm {
        plan_id: plan.to_string(),
        from_date: from.to_owned(),
        reason: "They sell projects now.".to_owned(),
    };
    let manager = world.staff(StaffRole::Manager);

    // Who may, and what has to be right.
    let right = form(agency, "2026-03-20");
    assert!(matches!(
        move_to_plan(&world.staff(StaffRole::Finance), north, &right).await,
        Err(Error::Forbidden(_))
    ));
    assert!(matches!(
        move_to_plan(&world.owner(north), north, &right).await,
        Err(Error::NotFound)
    ));
    for (wrong, field, part) in [
        (form(agency, "2026-03-09"), "from_date", "past"),
        (form(agency, "soon"), "from_date", "year-month-day"),
        (form(late, "2026-03-20"), "plan_id", "No published version"),
        (form(999, "2026-03-20"), "plan_id", "from the list"),
        (
            PlanForm {
                reason: " ".to_owned(),
                ..right.clone()
            },
            "reason",
            "the reason",
        ),
    ] {
        let found = errors(move_to_plan(&manager, north, &wrong).await);
        assert!(found.0[field].contains(part), "{found:?}");
    }
    move_to_plan(&manager, north, &right).await.expect("moves");
    assert!(matches!(
        move_to_plan(&manager, north, &form(agency, "2026-04-01")).await,
        Err(Error::Conflict(_))
    ));
    let told = notices(&world).await;
    assert!(
        told[0].starts_with(
            "From 20 March 2026 you are paid by the plan “Agency” instead of “Standard”: They sell \
             projects now. 25% of every paid invoice"
        ),
        "{told:?}"
    );
    let shown = record(&manager, north).await.expect("shows");
    assert_eq!(
        (shown.plan.as_str(), shown.plan_moves.len()),
        ("Standard", 1)
    );
    assert!(
        shown
            .timeline
            .iter()
            .any(|l| l.action == "partner.plan_changed")
    );

    // The day of the payment decides, also for what arrives late, and before the calendar came by.
    world.now = day(2026, 3, 25);
    world
        .deliver(&[acme(), paid_on(1, 18), paid_on(2, 20)])
        .await;
    let ctx = world.system();
    assert_eq!(plan_moves_due(&ctx).await.expect("works"), 1);
    assert_eq!(plan_moves_due(&ctx).await.expect("works"), 0);
    world.deliver(&[paid_on(3, 17), paid_on(4, 21)]).await;
    let earned: Vec<_> = world
        .commissions()
        .await
        .iter()
        .map(|c| (c.rule_name.clone(), c.amount))
        .collect();
    let (old, new) = (
        ("Reseller margin".to_owned(), 2_250),
        ("Agency commission".to_owned(), 2_500),
    );
    assert_eq!(earned, [old.clone(), new.clone(), old, new]);
    assert_eq!(
        own(&world.owner(north)).await.expect("shows").plan,
        "Agency"
    );
    world.assert_clean().await;

    // A move that has not begun is withdrawn; one that has is not.
    let manager = world.staff(StaffRole::Manager);
    let standard = record(&manager, north).await.expect("shows").plans[0].0;
    let moves = record(&manager, north).await.expect("shows").plan_moves;
    assert!(matches!(
        withdraw_plan_move(&manager, north, moves[0].id).await,
        Err(Error::Conflict(_))
    ));
    let standard = match standard {
        id if id == late => record(&manager, north).await.expect("shows").plans[1].0,
        id => id,
    };
    move_to_plan(&manager, north, &form(standard, "2026-05-01"))
        .await
        .expect("moves");
    let moves = record(&manager, north).await.expect("shows").plan_moves;
    assert!(matches!(
        withdraw_plan_move(&manager, world.partners[1], moves[0].id).await,
        Err(Error::NotFound)
    ));
    withdraw_plan_move(&manager, north, moves[0].id)
        .await
        .expect("withdrawn");
    assert!(matches!(
        withdraw_plan_move(&manager, north, moves[0].id).await,
        Err(Error::Conflict(_))
    ));
    // At once.
    move_to_plan(&manager, north, &form(standard, "2026-03-25"))
        .await
        .expect("moves");
    assert_eq!(
        own(&world.owner(north)).await.expect("shows").plan,
        "Standard"
    );
}

/// The rules of both plans have the same id.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn each_plan_has_caps_of_its_own(#[case] engine: Engine) {
    let mut capped = ready_made::agency();
    let caps = &mut capped.rules[0].caps;
    caps.per_customer = ready_made::amounts(4_000, Currency::EUR);
    caps.per_partner = Some(PeriodCap {
        period: Period::Year,
        amounts: ready_made::amounts(3_000, Currency::EUR),
    });
    let Some(mut world) = World::new(engine, capped.clone()).await else {
        return;
    };
    let other = published(&world, "Other", &capped, day(2025, 1, 1)).await;
    let form = PlanForm {
        plan_id: other.to_string(),
        from_date: "2026-03-20".to_owned(),
        reason: "They sell projects now.".to_owned(),
    };
    let manager = world.staff(StaffRole::Manager);
    move_to_plan(&manager, world.partners[0], &form)
        .await
        .expect("moves");
    world.now = day(2026, 3, 25);
    let days = [(1, 16), (2, 17), (3, 20), (4, 21)];
    let paid = days.map(|(n, day)| paid_on(n, day));
    world.deliver(&[acme()]).await;
    world.deliver(&paid).await;
    let earned: Vec<i64> = world.commissions().await.iter().map(|c| c.amount).collect();
    assert_eq!(earned, [2_500, 500, 2_500, 500]);
    // A new version of a plan goes on where the last one was.
    let version = plan_version::ActiveModel {
        version: Set(2),
        effective_from: Set(day(2026, 3, 23)),
        ..rows::plan_version(other, &capped)
    };
    version
        .insert(world.test.db.reader())
        .await
        .expect("a version");
    world.deliver(&[paid_on(5, 23)]).await;
    assert_eq!(world.commissions().await.len(), 4);
    world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_new_version_is_announced_with_what_it_changes(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::agency()).await else {
        return;
    };
    with_owner(&world).await;
    let admin = world.staff(StaffRole::Admin);
    let standard = plan::Entity::find()
        .one(world.test.db.reader())
        .await
        .expect("reads")
        .expect("a plan");
    let draft = plans::open_draft(&admin, standard.id)
        .await
        .expect("opened");
    let mut rules: PlanRules = ready_made::agency();
    rules.rules[0].amount = Amount::Percent { rate: Bp(3_000) };
    plan_version::ActiveModel {
        id: Unchanged(draft),
        rules: Set(serde_json::to_value(&rules).expect("rules")),
        ..Default::default()
    }
    .update(world.test.db.reader())
    .await
    .expect("changed");
    plans::publish(&admin, draft, 0, "2026-04-01")
        .await
        .expect("published");
    let told = notices(&world).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("A new version of your plan “Standard” counts from 1 April 2026.")
            && told[0].contains("Agency commission: 30% of every paid invoice")
            && told[0].contains("instead of 25%"),
        "{told:?}"
    );
    plans::withdraw(&admin, draft).await.expect("withdrawn");
    assert!(notices(&world).await[0].contains("was withdrawn"));
}
