//! What a plan would have paid on past invoices, and what a new version pays from its day on.

use domain::partner::StaffRole;
use domain::plan::{PlanRules, ready_made};
use entity::plan_version;
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use service::plan::{self as plans, Scope, Span};

use super::{invalid, row, standard};
use crate::support::{Engine, day};
use crate::world::{World, acme, customer, event, invoice, invoice_in, paid};

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
            paid(1, "cus_1", 30_000, february),
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
    let ctx = world.staff(StaffRole::Admin);
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
    let ctx = world.staff(StaffRole::Admin);

    // The quarter’s volume fills brackets over invoices: 15 % to 50,000.00 only.
    let found = try_out(&world, "bracketed", ("2026-02", "2026-03")).await;
    // 1,360.00 of North's at 15 %; yen earn nothing by a rule in euros.
    assert_eq!(amounts(&found)[0], ("North", "EUR", 30_600, 20_400));
    assert_eq!(amounts(&found)[1], ("North", "JPY", 225, 0));

    // Fixed amounts: one per customer, for its first payment, divided like the credit for it.
    let found = try_out(&world, "bounty", ("2026-02", "2026-03")).await;
    assert_eq!(amounts(&found)[0], ("North", "EUR", 30_600, 80_000));
    assert_eq!(amounts(&found)[2], ("South", "EUR", 900, 20_000));
    assert_eq!(found.silent, ["Qualified meeting"]);
    // February's invoice was the first of its customer, so March's are not.
    let found = try_out(&world, "bounty", ("2026-03", "2026-03")).await;
    assert_eq!(amounts(&found)[0], ("North", "EUR", 23_850, 30_000));

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
    let ctx = world.staff(StaffRole::Admin);
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
            acme(),
            paid(2, "cus_1", 10_000, late),
            paid(1, "cus_1", 10_000, 1),
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
