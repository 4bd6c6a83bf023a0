//! Programs as administrators keep them, and the installation's own state.

use chrono::TimeDelta;
use domain::partner::StaffRole;
use domain::plan::ready_made;
use entity::{person, policy_version, tier, tier_change};
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use service::desk::{self, About, DeskQuery, MailStanding};
use service::program::{self, LineFields, PolicyFields, ProgramFields, TermsFields, TierFields};
use service::{Context, Error, identity, system, tier as tiers};

use crate::support::{Engine, day, errors, typed};
use crate::world::World;

/// The policy of these worlds as a form, with some of it changed.
pub fn policy(changes: &[(&str, &str)]) -> PolicyFields {
    let usual = [
        ("effective_date", "2026-03-12"),
        ("attribution_days", "90"),
        ("protection_days", "90"),
        ("extension_days", "30"),
        ("extensions_allowed", "2"),
        ("hold_days", "30"),
        ("clawback_days", "90"),
        ("churn_days", "0"),
        ("account_wait_days", "3"),
        ("payout_day", "5"),
        ("deal_review_hours", "48"),
        ("application_review_hours", "48"),
        ("reapply_after_days", "30"),
        ("tier_grace_days", "90"),
        ("payout_minimum", "50"),
        ("second_approval_above", "1000"),
        ("countries", ""),
    ];
    PolicyFields::from_pairs(&typed(&usual, changes))
}

fn wrong<T: std::fmt::Debug>(result: Result<T, Error>) -> Vec<String> {
    errors(result).0.into_keys().collect()
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn policies_are_versions_that_never_overlap(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let ctx = world.staff(StaffRole::Admin);
    let id = world.program;
    assert_eq!(
        wrong(program::new_policy(&ctx, id, 1, &policy(&[])).await),
        [""],
        "nothing differs"
    );
    let bad = policy(&[
        ("hold_days", "31"),
        ("payout_day", "29"),
        ("payout_minimum", "-1"),
        ("auto_approve_below", "0"),
        ("auto_approve_min_tier", "9"),
        ("countries", "DE, Atlantis"),
        ("tier_grace_days", "ten"),
    ]);
    assert_eq!(
        wrong(program::new_policy(&ctx, id, 1, &bad).await),
        [
            "auto_approve_below",
            "auto_approve_min_tier",
            "countries",
            "hold_days",
            "payout_day",
            "payout_minimum",
            "tier_grace_days"
        ]
    );
    let past = policy(&[("hold_days", "14"), ("effective_date", "2026-03-09")]);
    assert_eq!(
        wrong(program::new_policy(&ctx, id, 1, &past).await),
        ["effective_date"]
    );

    // Two at once: one is made, the other is told.
    let (first, second) = (
        policy(&[
            ("hold_days", "14"),
            ("tier_grace_days", "10"),
            ("auto_approve_below", "500"),
            ("auto_approve_min_tier", "2"),
        ]),
        policy(&[("hold_days", "60")]),
    );
    let (a, b) = tokio::join!(
        program::new_policy(&ctx, id, 1, &first),
        program::new_policy(&ctx, id, 1, &second)
    );
    assert_eq!(
        u32::from(a.is_ok()) + u32::from(b.is_ok()),
        1,
        "{a:?} {b:?}"
    );
    let lost = if a.is_ok() { b } else { a };
    assert!(matches!(lost, Err(Error::Conflict(_))), "{lost:?}");
    let same_day = policy(&[("hold_days", "7")]);
    assert_eq!(
        wrong(program::new_policy(&ctx, id, 2, &same_day).await),
        ["effective_date"]
    );

    // It counts from midnight in Berlin on, and is withdrawn only before.
    let db = world.test.db.reader();
    let before = day(2026, 3, 12) - chrono::TimeDelta::hours(2);
    let after = day(2026, 3, 12) - chrono::TimeDelta::hours(1);
    assert_eq!(
        program::policy_at(db, id, before)
            .await
            .expect("one")
            .version,
        1
    );
    assert_eq!(
        program::policy_at(db, id, after)
            .await
            .expect("one")
            .version,
        2
    );
    program::withdraw_policy(&ctx, id, 2)
        .await
        .expect("withdrawn");
    program::new_policy(&ctx, id, 1, &first)
        .await
        .expect("made again");
    world.now = day(2026, 3, 13);
    let late = program::withdraw_policy(&world.staff(StaffRole::Admin), id, 2).await;
    assert!(matches!(late, Err(Error::Conflict(_))), "{late:?}");

    // The grace of a notice is the policy's.
    let reviewed = tiers::review_all(&world.system(), true)
        .await
        .expect("reviewed");
    assert_eq!(reviewed.noticed, 2);
    let notice = tier_change::Entity::find()
        .filter(tier_change::Column::Kind.eq("notice"))
        .one(world.test.db.reader())
        .await
        .expect("read")
        .expect("is there");
    assert_eq!(notice.effective_at, day(2026, 3, 23));
    let stored = policy_version::Entity::find().count(world.test.db.reader());
    assert_eq!(stored.await.expect("counts"), 2);
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn terms_tiers_products_and_names_are_kept(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let ctx = world.staff(StaffRole::Admin);
    let id = world.program;
    let db = world.test.db.reader();
    let terms = |body: &str, date: &str| TermsFields {
        effective_date: date.to_owned(),
        body: body.to_owned(),
    };
    let same = program::new_terms(&ctx, id, 1, &terms("The terms.", "2026-03-01")).await;
    assert_eq!(wrong(same), ["body", "effective_date"]);
    let from = program::new_terms(&ctx, id, 1, &terms("Be very kind.", "2026-03-10"))
        .await
        .expect("made");
    assert_eq!(from, world.now);
    assert!(matches!(
        program::new_terms(&ctx, id, 1, &terms("Be kindest.", "2026-03-11")).await,
        Err(Error::Conflict(_))
    ));
    assert_eq!(
        program::terms_at(db, id, world.now)
            .await
            .expect("one")
            .body,
        "Be very kind."
    );

    let fields = |name: &str, revenue: &str| TierFields {
        name: name.to_owned(),
        min_revenue: revenue.to_owned(),
        min_customers: "0".to_owned(),
        min_won_deals: "0".to_owned(),
        min_certified: "0".to_owned(),
        benefits: String::new(),
    };
    assert_eq!(
        wrong(program::add_tier(&ctx, id, &fields("gold", "1999.99")).await),
        ["min_revenue", "name"]
    );
    program::add_tier(&ctx, id, &fields("Top", "5000"))
        .await
        .expect("added");
    let all = program::tiers(db, id).await.expect("read");
    assert_eq!((all[3].rank, all[3].min_revenue), (4, 500_000));
    let too_much = program::change_tier(&ctx, id, all[2].id, &fields("Gold", "5000.01")).await;
    assert_eq!(wrong(too_much), ["min_revenue"]);
    program::change_tier(&ctx, id, all[2].id, &fields("Golden", "3000"))
        .await
        .expect("changed");
    for wrong in [all[0].id, all[2].id] {
        let kept = program::remove_tier(&ctx, id, wrong).await;
        assert!(matches!(kept, Err(Error::Conflict(_))), "{kept:?}");
    }
    assert!(matches!(
        program::remove_tier(&ctx, id, 999).await,
        Err(Error::NotFound)
    ));
    program::remove_tier(&ctx, id, all[3].id)
        .await
        .expect("removed");
    let golden = tier::Entity::find().filter(tier::Column::Name.eq("Golden"));
    assert_eq!(golden.count(db).await.expect("counts"), 1);

    let line = |code: &str, products: &str| LineFields {
        code: code.to_owned(),
        name: "Voice".to_owned(),
        products: products.to_owned(),
    };
    assert_eq!(
        wrong(program::add_line(&ctx, id, &line("Suite!", "prod_suite")).await),
        ["code", "products"]
    );
    program::add_line(&ctx, id, &line("voice", "prod_v1, prod_v2"))
        .await
        .expect("added");
    let lines = program::lines(&ctx, id).await.expect("read");
    let voice = lines
        .iter()
        .find(|l| l.row.code == "voice")
        .expect("is there");
    assert_eq!(voice.products, ["prod_v1", "prod_v2"]);
    program::change_line(&ctx, id, voice.row.id, &line("ignored", "prod_v2\nprod_v3"))
        .await
        .expect("changed");
    let lines = program::lines(&ctx, id).await.expect("read");
    let voice = lines
        .iter()
        .find(|l| l.row.code == "voice")
        .expect("is there");
    assert_eq!(voice.products, ["prod_v2", "prod_v3"]);

    let named = ProgramFields {
        name: "Acme friends".to_owned(),
        vendor_name: "Acme".to_owned(),
        accent: "blue".to_owned(),
        open_to_applications: String::new(),
    };
    assert_eq!(wrong(program::change(&ctx, id, &named).await), ["accent"]);
    let named = ProgramFields {
        accent: "#0000FF".to_owned(),
        ..named
    };
    program::change(&ctx, id, &named).await.expect("changed");
    let (stored, timeline) = program::record(&world.staff(StaffRole::Auditor), id)
        .await
        .expect("read");
    assert_eq!(
        (stored.name.as_str(), stored.open_to_applications),
        ("Acme friends", false)
    );
    assert!(timeline.iter().any(|l| l.action == "program.tier_changed"));
    for role in [StaffRole::Manager, StaffRole::Finance, StaffRole::Auditor] {
        let refused = program::change(&world.staff(role), id, &named).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    }
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn two_admins_cannot_leave_the_portal_without_one(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let system = world.system();
    let mut ids = Vec::new();
    for name in ["ann", "bob"] {
        let address = format!("{name}@acme.example");
        let added = identity::add_staff(&system, name, &address, StaffRole::Admin, None).await;
        ids.push(added.expect("added"));
    }
    let of = |person| world.test.staff(person, StaffRole::Admin, world.now);
    let (ann, bob) = (of(ids[0]), of(ids[1]));
    let (a, b) = tokio::join!(
        identity::set_staff_role(&ann, ids[1], Some(StaffRole::Finance)),
        identity::disable(&bob, ids[0])
    );
    assert_eq!(
        u32::from(a.is_ok()) + u32::from(b.is_ok()),
        1,
        "{a:?} {b:?}"
    );
    let left = person::Entity::find()
        .filter(person::Column::StaffRole.eq("admin"))
        .filter(person::Column::DisabledAt.is_null())
        .count(world.test.db.reader())
        .await
        .expect("counts");
    assert_eq!(left, 1);
    let (seen, timeline) = identity::staff_member(&world.staff(StaffRole::Auditor), ids[1])
        .await
        .expect("read");
    assert_eq!((seen.name.as_str(), timeline.is_empty()), ("bob", false));
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn the_installation_says_how_it_stands(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let ctx = world.staff(StaffRole::Admin);
    let health = system::health(&ctx).await.expect("read");
    let name = match engine {
        Engine::Sqlite => "SQLite",
        Engine::Postgres => "PostgreSQL",
    };
    assert_eq!(
        (health.database, health.beat, health.audit),
        (name, None, None)
    );
    assert!(health.size > 100_000 && !health.database_version.is_empty());
    assert!(health.steps.iter().any(|s| s == "0012_admin"));

    system::note_beat(&world.system()).await.expect("noted");
    let report = service::ledger::audit(&world.test.db)
        .await
        .expect("audited");
    system::note_audit(&world.system(), &report)
        .await
        .expect("noted");
    system::note_refused(&world.system(), "no signature matches")
        .await
        .expect("noted");
    assert_eq!(
        system::send_test_mail(&ctx).await.expect("asked"),
        "finance0@acme.example"
    );
    let health = system::health(&world.staff(StaffRole::Auditor))
        .await
        .expect("read");
    assert_eq!(health.beat, Some(world.now));
    assert_eq!(health.audit.map(|a| a.differences), Some(0));
    assert_eq!((health.queues.jobs, health.queues.mails), (1, 1));
    assert_eq!(health.queues.oldest_job, Some(world.now));
    a_mail_that_is_given_up_is_no_mail_that_waits(&world, &ctx).await;
    let stripe = system::from_stripe(&ctx).await.expect("read");
    assert_eq!(
        stripe.refused.map(|r| r.reason).as_deref(),
        Some("no signature matches")
    );
    let refused = system::health(&world.staff(StaffRole::Finance)).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))));
}

/// It is counted once, among the jobs, says so in the log, and leads to where it is tried again.
async fn a_mail_that_is_given_up_is_no_mail_that_waits(world: &World, ctx: &Context) {
    let by = |status: &str| DeskQuery {
        status: Some(status.to_owned()),
        limit: 10,
        ..DeskQuery::default()
    };
    let all = async |status: &str| desk::mails(ctx, &by(status)).await.expect("read").0;
    assert!(all("given_up").await.is_empty());
    let [waiting] = &all("waiting").await[..] else {
        panic!("one mail waits");
    };
    assert_eq!(waiting.standing, MailStanding::Waiting);
    let (jobs, _) = desk::jobs(ctx, &by("waiting")).await.expect("read");
    let about = About::Mail {
        id: waiting.mail.id,
        subject: waiting.mail.subject.clone(),
        to: "finance0@acme.example".to_owned(),
    };
    assert_eq!(jobs.iter().map(|j| &j.about).collect::<Vec<_>>(), [&about]);

    for day in 1..=12 {
        let worker = world.test.system(world.now + TimeDelta::days(day));
        let claimed = service::job::claim(&worker, 1, service::job::CLAIM)
            .await
            .expect("claimed");
        let tx = worker.begin().await.expect("begun");
        service::job::failed(&worker, &*tx, &claimed[0], "550 no such mailbox")
            .await
            .expect("noted");
        tx.commit().await.expect("kept");
    }
    assert!(all("waiting").await.is_empty());
    let [given_up] = &all("given_up").await[..] else {
        panic!("one mail was given up");
    };
    let job_id = jobs[0].job.id;
    assert_eq!(given_up.standing, MailStanding::GivenUp { job_id });
    let health = system::health(ctx).await.expect("read");
    assert_eq!((health.queues.dead_jobs, health.queues.mails), (1, 0));
    assert_eq!(desk::pulse(ctx).await.expect("read").waiting_mails, 0);

    desk::retry_job(ctx, job_id).await.expect("tried again");
    assert_eq!(all("waiting").await.len(), 1);
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_program_begins_with_everything_it_is_judged_by(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let ctx = world.staff(StaffRole::Admin);
    let typed = program::BeginFields {
        name: "Globex friends".to_owned(),
        vendor_name: "Globex".to_owned(),
        kind: "partner".to_owned(),
        currency: "jpy".to_owned(),
        time_zone: "Asia/Tokyo".to_owned(),
        start: "reseller".to_owned(),
        body: "Be kind.".to_owned(),
    };
    let nothing = program::BeginFields::default();
    assert_eq!(
        wrong(program::begin(&ctx, &nothing).await),
        [
            "body",
            "currency",
            "kind",
            "name",
            "time_zone",
            "vendor_name"
        ]
    );
    let no_plan = program::BeginFields {
        start: "implementation".to_owned(),
        ..typed.clone()
    };
    assert_eq!(wrong(program::begin(&ctx, &no_plan).await), ["start"]);
    let id = program::begin(&ctx, &typed).await.expect("begun");
    assert_eq!(wrong(program::begin(&ctx, &typed).await), ["name"]);
    let db = world.test.db.reader();
    let stored = program::by_slug(db, "globex-friends")
        .await
        .expect("is there");
    assert_eq!((stored.id, stored.open_to_applications), (id, false));
    let policy = program::policy_at(db, id, world.now).await.expect("one");
    assert_eq!(policy.payout_minimum, 50, "yen have no minor unit");
    program::terms_at(db, id, world.now).await.expect("one");
    let plan = program::default_plan(db, id).await.expect("one");
    let version = program::plan_version_at(db, plan.id, world.now)
        .await
        .expect("read");
    let rules = version.expect("counts").rules.to_string();
    assert!(rules.contains("2000") && !rules.contains("2250"), "{rules}");
}
