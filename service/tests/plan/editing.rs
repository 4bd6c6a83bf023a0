//! How a plan is written and published, what keeps it, and who may.

use domain::partner::StaffRole;
use domain::plan::ready_made;
use entity::{event as log, plan, plan_version};
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};
use service::Error;
use service::plan::{self as plans, RuleFields, Scope, Span, Standing};

use super::{invalid, row, standard};
use crate::support::{Engine, conflict, day, errors, typed};
use crate::world::World;

fn fields(pairs: &[(&str, &str)]) -> RuleFields {
    let always = [
        ("trigger", "invoice_paid"),
        ("pays", "percent"),
        ("basis", "net"),
        ("duration", "lifetime"),
    ];
    RuleFields::from_pairs(&typed(&always, pairs))
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_draft_is_written_rule_by_rule_and_published(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let ctx = world.staff(StaffRole::Admin);
    assert!(
        invalid(
            plans::create(&ctx, world.program, "Standard", "").await,
            "name"
        )
        .contains("is a plan")
    );
    assert!(
        invalid(
            plans::create(&ctx, world.program, "New", "nope").await,
            "start"
        )
        .contains("Choose")
    );
    let no_course = plans::create(&ctx, world.program, "New", "implementation").await;
    assert!(invalid(no_course, "start").contains("course"));
    let draft = plans::create(&ctx, world.program, "New", "referral")
        .await
        .expect("begun");

    plans::add_rule(
        &ctx,
        draft,
        0,
        &fields(&[("name", "Suite"), ("rate", "20"), ("products", "suite")]),
    )
    .await
    .expect("added");
    // Somebody else still looks at the draft as it was before.
    let late = plans::add_rule(&ctx, draft, 0, &fields(&[("name", "Late"), ("rate", "1")])).await;
    assert!(conflict(late).contains("Somebody else"));
    let wrong = fields(&[("name", "Suite"), ("rate", "120"), ("products", "hardware")]);
    let wrong = plans::change_rule(&ctx, draft, 1, "suite", &wrong).await;
    let wrong = errors(wrong);
    assert_eq!(
        wrong.0.keys().collect::<Vec<_>>(),
        ["products", "rate"],
        "{wrong}"
    );
    plans::change_rule(
        &ctx,
        draft,
        1,
        "suite",
        &fields(&[("name", "The suite"), ("rate", "18")]),
    )
    .await
    .expect("changed");
    plans::move_rule(&ctx, draft, 2, "suite", true)
        .await
        .expect("moved");
    plans::add_rule(&ctx, draft, 3, &fields(&[("name", "Gone"), ("rate", "1")]))
        .await
        .expect("added");
    plans::remove_rule(&ctx, draft, 4, "gone")
        .await
        .expect("removed");
    let view = plans::version(&ctx, draft).await.expect("shown");
    let ids: Vec<&str> = view.rules.rules.iter().map(|r| r.id.as_str()).collect();
    assert_eq!(
        (ids.as_slice(), view.row.revision),
        (["suite", "referral"].as_slice(), 5)
    );
    assert!(view.sentences[0].starts_with("18% of every paid invoice"));

    // The day: not past, not without one; what was looked at, not what is there by now.
    assert!(
        invalid(
            plans::publish(&ctx, draft, 5, "2026-03-09").await,
            "effective_date"
        )
        .contains("past")
    );
    assert!(invalid(plans::publish(&ctx, draft, 5, "").await, "effective_date").contains("date"));
    conflict(plans::publish(&ctx, draft, 4, "2026-03-10").await);
    let from = plans::publish(&ctx, draft, 5, "2026-03-10")
        .await
        .expect("published");
    assert_eq!(from, world.now, "today means now");
    conflict(plans::publish(&ctx, draft, 5, "2026-03-11").await);
    conflict(plans::remove_rule(&ctx, draft, 5, "suite").await);

    // A second version: later than the first, and taken back before it begins.
    let plan_id = view.plan.id;
    let second = plans::open_draft(&ctx, plan_id).await.expect("opened");
    assert_eq!(
        plans::open_draft(&ctx, plan_id).await.expect("the same"),
        second
    );
    plans::start_again(&ctx, second, 0, "agency")
        .await
        .expect("replaced");
    let shown = plans::version(&ctx, second).await.expect("shown");
    assert_eq!(shown.differences.len(), 3, "{:?}", shown.differences);
    let from = plans::publish(&ctx, second, 1, "2026-04-01")
        .await
        .expect("published");
    // Midnight in Berlin, in summer time.
    assert_eq!(from, day(2026, 4, 1) - chrono::TimeDelta::hours(2));
    let third = plans::open_draft(&ctx, plan_id).await.expect("opened");
    let overlap = plans::publish(&ctx, third, 0, "2026-04-01").await;
    assert!(invalid(overlap, "effective_date").contains("Version 2 begins on 1 April 2026"));
    plans::withdraw(&ctx, second).await.expect("withdrawn");
    conflict(plans::withdraw(&ctx, second).await);
    conflict(plans::withdraw(&ctx, draft).await);
    plans::publish(&ctx, third, 0, "2026-04-01")
        .await
        .expect("published");
    world.now = day(2026, 4, 2);
    let standings: Vec<Standing> = plans::show(&world.staff(StaffRole::Admin), plan_id)
        .await
        .expect("shown")
        .versions
        .iter()
        .map(|v| v.standing)
        .collect();
    assert_eq!(
        standings,
        [Standing::InForce, Standing::Withdrawn, Standing::Past]
    );
    conflict(plans::withdraw(&world.staff(StaffRole::Admin), third).await);

    let actions: Vec<String> = log::Entity::find()
        .filter(log::Column::SubjectType.eq("plan"))
        .filter(log::Column::SubjectId.eq(plan_id))
        .order_by_asc(log::Column::Id)
        .all(world.test.db.reader())
        .await
        .expect("read")
        .into_iter()
        .map(|e| e.action)
        .collect();
    assert_eq!(
        actions
            .iter()
            .filter(|a| *a == "plan.draft_changed")
            .count(),
        6
    );
    assert_eq!(actions.iter().filter(|a| *a == "plan.published").count(), 3);
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn two_who_publish_at_once_publish_once(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::agency()).await else {
        return;
    };
    let ctx = world.staff(StaffRole::Admin);
    let plan = standard(&world).await;
    let (a, b) = tokio::join!(
        plans::open_draft(&ctx, plan.id),
        plans::open_draft(&ctx, plan.id)
    );
    let drafts: Vec<i64> = [a, b].into_iter().flatten().collect();
    assert!(!drafts.is_empty() && drafts.iter().all(|d| *d == drafts[0]));
    let draft = drafts[0];
    let (a, b) = tokio::join!(
        plans::publish(&ctx, draft, 0, "2026-03-11"),
        plans::publish(&ctx, draft, 0, "2026-03-12")
    );
    assert_eq!(
        u32::from(a.is_ok()) + u32::from(b.is_ok()),
        1,
        "{a:?} {b:?}"
    );
    conflict(if a.is_ok() { b } else { a });
    let published = plan_version::Entity::find()
        .filter(plan_version::Column::PlanId.eq(plan.id))
        .filter(plan_version::Column::Status.eq("published"))
        .count(world.test.db.reader())
        .await
        .expect("counts");
    assert_eq!(published, 2);
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_plan_that_pays_somebody_stays(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let ctx = world.staff(StaffRole::Admin);
    let old = standard(&world).await;
    assert!(conflict(plans::retire(&ctx, old.id).await).contains("New partners"));
    let draft = plans::create(&ctx, world.program, "Referrers", "referral")
        .await
        .expect("begun");
    let new = row(&world, draft).await.plan_id;
    assert!(conflict(plans::make_default(&ctx, new).await).contains("counts today"));
    plans::publish(&ctx, draft, 0, "2026-03-10")
        .await
        .expect("published");
    plans::make_default(&ctx, new)
        .await
        .expect("is the default");
    let defaults = plan::Entity::find().filter(plan::Column::IsDefault.eq(true));
    let defaults = defaults.all(world.test.db.reader()).await.expect("read");
    assert_eq!(defaults.iter().map(|p| p.id).collect::<Vec<_>>(), [new]);
    assert!(conflict(plans::retire(&ctx, old.id).await).contains("2 partners"));

    let third = plans::create(&ctx, world.program, "Third", "")
        .await
        .expect("begun");
    let third_plan = row(&world, third).await.plan_id;
    assert!(
        invalid(plans::publish(&ctx, third, 0, "2026-03-10").await, "")
            .contains("at least one rule")
    );
    plans::retire(&ctx, third_plan).await.expect("retired");
    conflict(plans::retire(&ctx, third_plan).await);
    plans::reinstate(&ctx, third_plan)
        .await
        .expect("offered again");
    // A plan that has nothing but its draft goes with it.
    assert_eq!(
        plans::discard(&ctx, third, 0).await.expect("discarded"),
        None
    );
    assert!(matches!(
        plans::show(&ctx, third_plan).await,
        Err(Error::NotFound)
    ));
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn only_admins_write_and_only_admins_and_auditors_read(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let plan = standard(&world).await;
    let span = Span {
        from: "2026-01".to_owned(),
        to: "2026-03".to_owned(),
    };
    let version = plans::show(&world.staff(StaffRole::Admin), plan.id)
        .await
        .expect("shown")
        .versions[0]
        .row
        .id;
    for role in [StaffRole::Manager, StaffRole::Finance] {
        let ctx = world.staff(role);
        assert!(matches!(plans::list(&ctx).await, Err(Error::Forbidden(_))));
        assert!(matches!(
            plans::simulate(&ctx, version, &span, Scope::OnPlan).await,
            Err(Error::Forbidden(_))
        ));
        assert!(matches!(
            plans::open_draft(&ctx, plan.id).await,
            Err(Error::Forbidden(_))
        ));
    }
    let auditor = world.staff(StaffRole::Auditor);
    assert_eq!(plans::list(&auditor).await.expect("reads").len(), 1);
    plans::simulate(&auditor, version, &span, Scope::OnPlan)
        .await
        .expect("reads");
    assert!(matches!(
        plans::open_draft(&auditor, plan.id).await,
        Err(Error::Forbidden(_))
    ));
    assert!(matches!(
        plans::publish(&auditor, version, 0, "2026-04-01").await,
        Err(Error::Forbidden(_))
    ));
    let partner = world.owner(world.partners[0]);
    assert!(matches!(plans::list(&partner).await, Err(Error::NotFound)));
    assert!(matches!(
        plans::version(&partner, version).await,
        Err(Error::NotFound)
    ));
}
