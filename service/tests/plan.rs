//! Plans: written, tried on past invoices, published from a day on.

use domain::partner::{MemberRole, StaffRole};
use domain::plan::{PlanRules, ready_made};
use entity::{event as log, plan, plan_version};
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};
use service::plan::{self as plans, RuleFields, Scope, Span, Standing};
use service::{Actor, Context, Error};

use crate::support::{Engine, day};
use crate::world::{World, customer, event, invoice, invoice_in};

fn staff(world: &World, role: StaffRole) -> Context {
    let person_id = world.finance[0];
    world
        .test
        .context(Actor::Staff { person_id, role }, world.now)
}

fn admin(world: &World) -> Context {
    staff(world, StaffRole::Admin)
}

/// The plan the world's partners are paid by.
async fn standard(world: &World) -> plan::Model {
    plan::Entity::find()
        .one(world.test.db.reader())
        .await
        .expect("read")
        .expect("is there")
}

async fn row(world: &World, id: i64) -> plan_version::Model {
    plan_version::Entity::find_by_id(id)
        .one(world.test.db.reader())
        .await
        .expect("read")
        .expect("is there")
}

fn fields(pairs: &[(&str, &str)]) -> RuleFields {
    let always = [
        ("trigger", "invoice_paid"),
        ("pays", "percent"),
        ("basis", "net"),
        ("duration", "lifetime"),
    ];
    let own = |name: &str| pairs.iter().any(|(n, _)| *n == name);
    let pairs: Vec<(String, String)> = always
        .iter()
        .filter(|(name, _)| !own(name))
        .chain(pairs)
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
        .collect();
    RuleFields::from_pairs(&pairs)
}

fn invalid<T: std::fmt::Debug>(result: Result<T, Error>, field: &str) -> String {
    match result {
        Err(Error::Invalid(errors)) => errors
            .0
            .get(field)
            .cloned()
            .unwrap_or_else(|| panic!("nothing at {field}: {errors}")),
        other => panic!("{field} was to be refused: {other:?}"),
    }
}

fn conflict<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result {
        Err(Error::Conflict(sentence)) => sentence,
        other => panic!("a conflict was expected: {other:?}"),
    }
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_draft_is_written_rule_by_rule_and_published(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let ctx = admin(&world);
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
    match &wrong {
        Err(Error::Invalid(errors)) => assert_eq!(
            errors.0.keys().collect::<Vec<_>>(),
            ["products", "rate"],
            "{errors}"
        ),
        other => panic!("{other:?}"),
    }
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
    let standings: Vec<Standing> = plans::show(&admin(&world), plan_id)
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
    conflict(plans::withdraw(&admin(&world), third).await);

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
    let ctx = admin(&world);
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
    let ctx = admin(&world);
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
    let version = plans::show(&admin(&world), plan.id)
        .await
        .expect("shown")
        .versions[0]
        .row
        .id;
    for role in [StaffRole::Manager, StaffRole::Finance] {
        let ctx = staff(&world, role);
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
    let auditor = staff(&world, StaffRole::Auditor);
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
    let partner = world.test.context(
        Actor::Partner {
            person_id: world.finance[0],
            partner_id: world.partners[0],
            role: MemberRole::Owner,
        },
        world.now,
    );
    assert!(matches!(plans::list(&partner).await, Err(Error::NotFound)));
    assert!(matches!(
        plans::version(&partner, version).await,
        Err(Error::NotFound)
    ));
}

/// Two accounts, the second shared by both partners, with invoices in February and March.
async fn billed(world: &World) {
    let [north, south] = world.partners;
    world
        .add_account("globex.com", &[(north, 6_000), (south, 4_000)])
        .await;
    let february = -86_400 * 10;
    world
        .deliver(&[
            event(
                "evt_c1",
                "customer.created",
                february,
                customer("cus_1", "a@acme.com"),
            ),
            event(
                "evt_c2",
                "customer.created",
                february,
                customer("cus_2", "b@globex.com"),
            ),
            event(
                "evt_1",
                "invoice.paid",
                february,
                invoice("in_1", "cus_1", &[("il_1", 30_000)], february),
            ),
            event(
                "evt_2",
                "invoice.paid",
                1,
                invoice("in_2", "cus_1", &[("il_2", 60_000), ("il_3", 40_000)], 1),
            ),
            event(
                "evt_3",
                "invoice.paid",
                2,
                invoice_in("in_3", "cus_1", &[("il_4", 1_000)], 2, "jpy"),
            ),
            event(
                "evt_4",
                "invoice.paid",
                3,
                invoice("in_4", "cus_2", &[("il_5", 10_000)], 3),
            ),
        ])
        .await;
}

async fn try_out(world: &World, key: &str, months: (&str, &str)) -> plans::Simulation {
    let ctx = admin(world);
    let plan = standard(world).await;
    let draft = plans::open_draft(&ctx, plan.id).await.expect("opened");
    let revision = row(world, draft).await.revision;
    plans::start_again(&ctx, draft, revision, key)
        .await
        .expect("replaced");
    let span = Span {
        from: months.0.to_owned(),
        to: months.1.to_owned(),
    };
    plans::simulate(&ctx, draft, &span, Scope::OnPlan)
        .await
        .expect("works")
}

/// Partner, currency, old and new of the rows.
fn amounts(found: &plans::Simulation) -> Vec<(&str, &str, i64, i64)> {
    let rows = found.rows.iter();
    rows.map(|r| (r.partner.as_str(), r.currency.as_str(), r.old, r.new))
        .collect()
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_simulation_books_nothing_and_says_what_would_have_been(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    billed(&world).await;
    let before = world.state().await;
    let booked: i64 = world
        .commissions()
        .await
        .iter()
        .filter(|c| c.currency == "EUR")
        .map(|c| c.amount)
        .sum();

    // Silver has 22.5 % by the plan in force; agencies 25 %.
    let found = try_out(&world, "agency", ("2026-02", "2026-03")).await;
    assert_eq!(
        amounts(&found),
        [
            ("North", "EUR", 30_600, 34_000),
            ("North", "JPY", 225, 250),
            ("South", "EUR", 900, 1_000),
        ]
    );
    let euros = &found.totals[0];
    assert_eq!(
        (euros.old, euros.new, euros.difference()),
        (booked, 35_000, 3_500)
    );
    assert_eq!(
        (euros.revenue, euros.lines, found.invoices),
        (140_000, 5, 4)
    );
    assert_eq!(
        found.named[0].compared.difference(),
        1_500,
        "the largest line first"
    );

    // One month of it.
    let found = try_out(&world, "agency", ("2026-02", "2026-02")).await;
    assert_eq!(amounts(&found), [("North", "EUR", 6_750, 7_500)]);
    assert_eq!(world.state().await, before, "nothing was booked");
    world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_simulation_knows_brackets_caps_and_first_payments(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    billed(&world).await;
    let ctx = admin(&world);

    // The quarter’s volume fills brackets over invoices: 15 % to 50,000.00 only.
    let found = try_out(&world, "bracketed", ("2026-02", "2026-03")).await;
    // 1,360.00 of North's at 15 %; yen earn nothing by a rule in euros.
    assert_eq!(amounts(&found)[0], ("North", "EUR", 30_600, 20_400));
    assert_eq!(amounts(&found)[1], ("North", "JPY", 225, 0));

    // Fixed amounts: one per customer and partner, for its first payment.
    let found = try_out(&world, "bounty", ("2026-02", "2026-03")).await;
    assert_eq!(amounts(&found)[0], ("North", "EUR", 30_600, 100_000));
    assert_eq!(found.silent, ["Qualified meeting"]);
    // February's invoice was the first of its customer, so March's are not.
    let found = try_out(&world, "bounty", ("2026-03", "2026-03")).await;
    assert_eq!(amounts(&found)[0], ("North", "EUR", 23_850, 50_000));

    // A cap per customer counts what was earned before the span, by the rule's key.
    let plan = standard(&world).await;
    let draft = plans::open_draft(&ctx, plan.id).await.expect("opened");
    let capped = PlanRules::new(
        ready_made::reseller()
            .rules
            .into_iter()
            .map(|mut rule| {
                rule.caps.per_customer = ready_made::amounts(10_000, domain::money::Currency::EUR);
                rule
            })
            .collect(),
    );
    plan_version::Entity::update_many()
        .col_expr(
            plan_version::Column::Rules,
            sea_orm::sea_query::Expr::value(serde_json::to_value(capped).expect("rules")),
        )
        .filter(plan_version::Column::Id.eq(draft))
        .exec(world.test.db.reader())
        .await
        .expect("written");
    let span = |from: &str, to: &str| Span {
        from: from.to_owned(),
        to: to.to_owned(),
    };
    let found = plans::simulate(&ctx, draft, &span("2026-03", "2026-03"), Scope::OnPlan)
        .await
        .expect("works");
    // 67.50 were earned of Acme in February, so 32.50 are left; Globex is another customer.
    assert_eq!(amounts(&found)[0], ("North", "EUR", 23_850, 3_250 + 1_350));

    for (from, to, field, part) in [
        ("2026-03", "2026-02", "to", "before the first"),
        ("2020-01", "2026-02", "to", "at most 24"),
        ("2026-13", "2026-02", "from", "such as"),
        ("2027-01", "2027-02", "from", "not begun"),
    ] {
        let refused = plans::simulate(&ctx, draft, &span(from, to), Scope::OnPlan).await;
        assert!(invalid(refused, field).contains(part));
    }
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_new_version_counts_for_what_happens_after_its_day(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let ctx = admin(&world);
    let plan = standard(&world).await;
    let draft = plans::open_draft(&ctx, plan.id).await.expect("opened");
    plans::start_again(&ctx, draft, 0, "agency")
        .await
        .expect("replaced");
    plans::publish(&ctx, draft, 1, "2026-03-20")
        .await
        .expect("published");
    world.now = day(2026, 3, 25);
    let late = 86_400 * 20;
    world
        .deliver(&[
            event(
                "evt_c",
                "customer.created",
                0,
                customer("cus_1", "a@acme.com"),
            ),
            event(
                "evt_2",
                "invoice.paid",
                late,
                invoice("in_2", "cus_1", &[("il_2", 10_000)], late),
            ),
            event(
                "evt_1",
                "invoice.paid",
                1,
                invoice("in_1", "cus_1", &[("il_1", 10_000)], 1),
            ),
        ])
        .await;
    let mut lines = world.commissions().await;
    lines.sort_by_key(|l| l.earned_at);
    let seen: Vec<_> = lines
        .iter()
        .map(|l| (l.amount, l.plan_version_id == Some(draft)))
        .collect();
    assert_eq!(seen, [(2_250, false), (2_500, true)]);
    // Drafts of everybody: partners of other plans too.
    let other = plans::create(&ctx, world.program, "Other", "referral")
        .await
        .expect("begun");
    let span = Span {
        from: "2026-03".to_owned(),
        to: "2026-03".to_owned(),
    };
    let own = plans::simulate(&ctx, other, &span, Scope::OnPlan)
        .await
        .expect("works");
    assert!(own.rows.is_empty());
    let all = plans::simulate(&ctx, other, &span, Scope::Everybody)
        .await
        .expect("works");
    assert_eq!(amounts(&all), [("North", "EUR", 4_750, 3_000)]);
}
