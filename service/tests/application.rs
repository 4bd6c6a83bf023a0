//! From the first draft to the decision.

use chrono::TimeDelta;
use domain::application::ApplicationStatus as A;
use domain::partner::StaffRole;
use rstest::rstest;
use sea_orm::{EntityTrait, PaginatorTrait};
use service::application::{self, Approval, Fields, HintLevel, QueueView};
use service::{Actor, Error, identity, notice, partner};

use crate::people::{ANA, World};
use crate::support::Engine;

const SITE: &str = "https://www.agentur-silva.de/about";

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn an_agency_becomes_a_partner(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine).await else {
        return;
    };
    let person = world.signed_up("Ana Silva", ANA).await;
    let ctx = world.person(person).await;
    let id = application::start(&ctx, "partners").await.expect("starts");
    assert_eq!(
        application::start(&ctx, "partners").await.expect("again"),
        id,
        "one open application"
    );

    // A draft takes anything and keeps it.
    let half = Fields {
        legal_name: "Agentur Silva".to_owned(),
        website: "not yet".to_owned(),
        ..Fields::default()
    };
    application::save(&ctx, id, &half).await.expect("saves");
    assert_eq!(
        application::show(&ctx, id)
            .await
            .expect("shows")
            .fields
            .website,
        "not yet"
    );
    assert_eq!(
        application::queue(&world.manager(), &QueueView::default())
            .await
            .expect("lists")
            .1,
        0,
        "drafts are the applicant's alone"
    );
    assert!(matches!(
        application::review(&world.manager(), id).await,
        Err(Error::NotFound)
    ));

    // Sending names every field in error, and still keeps what was typed.
    let Err(Error::Invalid(errors)) = application::submit(&ctx, id, &half).await else {
        panic!("refused")
    };
    for field in [
        "website",
        "country",
        "partner_type",
        "size",
        "services",
        "expected_business",
        "accept_terms",
        "answer_crm",
    ] {
        assert!(errors.0.contains_key(field), "{field}: {errors}");
    }
    application::submit(&ctx, id, &world.form("Agentur Silva GmbH", SITE))
        .await
        .expect("submits");
    let shown = application::show(&ctx, id).await.expect("shows");
    assert_eq!(shown.status, A::Submitted);
    assert_eq!(shown.application.domain, "agentur-silva.de");
    assert_eq!(shown.application.terms_version_id, Some(world.terms));
    assert!(
        matches!(
            application::save(&ctx, id, &half).await,
            Err(Error::Conflict(_))
        ),
        "sent is sent"
    );

    // 16 business hours from Monday 10:00 in Berlin are two days of eight.
    let (rows, total) = application::queue(&world.manager(), &QueueView::default())
        .await
        .expect("lists");
    assert_eq!((total, rows[0].company.as_str()), (1, "Agentur Silva GmbH"));
    assert!(rows[0].due_at.expect("due") > world.now + TimeDelta::days(1));

    application::take(&world.manager(), id)
        .await
        .expect("takes");
    application::ask(&world.manager(), id, "How many of you are certified?")
        .await
        .expect("asks");
    application::comment(
        &world.manager(),
        id,
        "Looks good, check the reference.",
        true,
    )
    .await
    .expect("notes");
    assert!(
        world
            .mail_to(ANA)
            .await
            .expect("a mail")
            .1
            .contains("> How many of you are certified?")
    );
    let shown = application::show(&ctx, id).await.expect("shows");
    assert_eq!(shown.status, A::InformationRequested);
    assert_eq!(shown.said.len(), 1, "internal notes never leave");
    world.now += TimeDelta::hours(2);
    let ctx = world.person(person).await;
    application::answer(&ctx, id, "Three.")
        .await
        .expect("answers");
    let unread = notice::unread(&world.manager()).await.expect("counts");
    assert_eq!(unread, 1, "the reviewer is told");

    let review = application::review(&world.manager(), id)
        .await
        .expect("shows");
    assert_eq!((review.said.len(), review.status), (3, A::InReview));
    let wrong = Approval {
        tier_id: "999".to_owned(),
        ..world.approval()
    };
    assert!(matches!(
        application::approve(&world.manager(), id, &wrong).await,
        Err(Error::Invalid(_))
    ));
    let approval = Approval {
        tier_id: world.tiers[1].to_string(),
        manager_id: world.manager.to_string(),
        note: "Welcome!".to_owned(),
        ..world.approval()
    };
    let partner_id = application::approve(&world.manager(), id, &approval)
        .await
        .expect("approves");

    let actor = identity::actor_of(world.test.db.reader(), person, None)
        .await
        .expect("readable");
    assert!(matches!(actor, Actor::Partner { partner_id: p, .. } if p == partner_id));
    let owner = world.person(person).await;
    let record = partner::own(&owner).await.expect("shows");
    assert_eq!(
        (record.tier.name.as_str(), record.members.len()),
        ("Silver", 1)
    );
    assert_eq!(record.manager.map(|m| m.0), Some(world.manager));
    assert_eq!(
        world.mail_to(ANA).await.expect("a mail").0,
        "Welcome to Lumen Partners"
    );
    let changes = entity::tier_change::Entity::find()
        .all(world.test.db.reader())
        .await
        .expect("readable");
    assert_eq!((changes.len(), changes[0].kind.as_str()), (1, "entry"));
    assert!(
        matches!(
            application::withdraw(&owner, id).await,
            Err(Error::Conflict(_))
        ),
        "decided is decided"
    );
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn of_two_decisions_at_once_one_wins(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let (_, id) = world
        .applied("Ana Silva", ANA, "Agentur Silva GmbH", SITE)
        .await;
    application::take(&world.manager(), id)
        .await
        .expect("takes");
    let (ctx, approval) = (world.manager(), world.approval());
    let answers =
        futures::future::join_all((0..6).map(|_| application::approve(&ctx, id, &approval))).await;
    assert_eq!(
        answers.iter().filter(|a| a.is_ok()).count(),
        1,
        "{answers:?}"
    );
    assert!(
        answers
            .iter()
            .all(|a| matches!(a, Ok(_) | Err(Error::Conflict(_)))),
        "{answers:?}"
    );
    let partners = entity::partner::Entity::find()
        .count(world.test.db.reader())
        .await
        .expect("countable");
    assert_eq!(partners, 1);
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn one_company_is_one_partner(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    world
        .partner("Ana Silva", ANA, "Agentur Silva GmbH", SITE)
        .await;
    let (_, id) = world
        .applied("Ben", "ben@gmail.com", "Silva", "agentur-silva.de")
        .await;
    application::take(&world.manager(), id)
        .await
        .expect("takes");
    let hints = application::review(&world.manager(), id)
        .await
        .expect("shows")
        .hints;
    assert_eq!(hints[0].level, HintLevel::Bad);
    assert!(hints[0].text.contains("Agentur Silva GmbH"), "{hints:?}");
    assert!(
        hints.iter().any(|h| h.text.contains("free mailbox")),
        "{hints:?}"
    );
    assert!(
        hints.iter().any(|h| h.text.contains("also applied")),
        "{hints:?}"
    );
    let refused = application::approve(&world.manager(), id, &world.approval())
        .await
        .expect_err("the domain is taken");
    assert!(
        matches!(&refused, Error::Conflict(text) if text.contains("agentur-silva.de")),
        "{refused}"
    );
    assert_eq!(
        application::review(&world.manager(), id)
            .await
            .expect("shows")
            .status,
        A::InReview,
        "nothing half done"
    );
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn after_a_rejection_there_is_a_wait(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine).await else {
        return;
    };
    let (person, id) = world
        .applied("Ana Silva", ANA, "Agentur Silva GmbH", SITE)
        .await;
    application::take(&world.manager(), id)
        .await
        .expect("takes");
    assert!(
        matches!(application::reject(&world.manager(), id, "nonsense", "").await, Err(Error::Invalid(e)) if e.0.len() == 2)
    );
    application::reject(
        &world.manager(),
        id,
        "not_a_fit",
        "We look for agencies with a team.",
    )
    .await
    .expect("rejects");
    let ctx = world.person(person).await;
    let shown = application::show(&ctx, id).await.expect("shows");
    assert_eq!(shown.status, A::Rejected);
    assert_eq!(shown.again_from, Some(world.now + TimeDelta::days(30)));
    assert!(
        shown
            .application
            .decision_reason
            .expect("a reason")
            .contains("We look for agencies")
    );
    assert!(matches!(
        application::start(&ctx, "partners").await,
        Err(Error::Conflict(_))
    ));

    // Neither with another address of the same company.
    let other = world.signed_up("Ben", "ben@agentur.example").await;
    let other = world.person(other).await;
    let second = application::start(&other, "partners")
        .await
        .expect("starts");
    let refused =
        application::submit(&other, second, &world.form("Silva", "agentur-silva.de")).await;
    assert!(matches!(refused, Err(Error::Conflict(_))));

    world.now += TimeDelta::days(30);
    let ctx = world.person(person).await;
    assert_ne!(
        application::start(&ctx, "partners")
            .await
            .expect("after the wait"),
        id
    );
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn foreign_applications_do_not_exist(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let (_, id) = world
        .applied("Ana Silva", ANA, "Agentur Silva GmbH", SITE)
        .await;
    let other = world.signed_up("Ben", "ben@other.example").await;
    for ctx in [world.person(other).await, world.nobody()] {
        let fields = world.form("X", "x.de");
        assert!(matches!(
            application::show(&ctx, id).await,
            Err(Error::NotFound)
        ));
        assert!(matches!(
            application::save(&ctx, id, &fields).await,
            Err(Error::NotFound)
        ));
        assert!(matches!(
            application::submit(&ctx, id, &fields).await,
            Err(Error::NotFound)
        ));
        assert!(matches!(
            application::answer(&ctx, id, "x").await,
            Err(Error::NotFound)
        ));
        assert!(matches!(
            application::withdraw(&ctx, id).await,
            Err(Error::NotFound)
        ));
        assert!(matches!(
            application::take(&ctx, id).await,
            Err(Error::NotFound)
        ));
        assert!(matches!(
            application::ask(&ctx, id, "x").await,
            Err(Error::NotFound)
        ));
        assert!(matches!(
            application::comment(&ctx, id, "x", true).await,
            Err(Error::NotFound)
        ));
        assert!(matches!(
            application::approve(&ctx, id, &world.approval()).await,
            Err(Error::NotFound)
        ));
        assert!(matches!(
            application::reject(&ctx, id, "other", "x").await,
            Err(Error::NotFound)
        ));
        assert!(matches!(
            application::queue(&ctx, &QueueView::default()).await,
            Err(Error::NotFound)
        ));
    }
    for role in [StaffRole::Finance, StaffRole::Auditor] {
        let ctx = world.staff(role);
        assert!(application::review(&ctx, id).await.is_ok(), "{role} reads");
        assert!(
            matches!(application::take(&ctx, id).await, Err(Error::Forbidden(_))),
            "{role} changes nothing"
        );
    }
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn terms_are_accepted_as_they_were_read(#[case] engine: Engine) {
    use sea_orm::ActiveValue::Set;
    let Some(world) = World::new(engine).await else {
        return;
    };
    let person = world.signed_up("Ana Silva", ANA).await;
    let ctx = world.person(person).await;
    let id = application::start(&ctx, "partners").await.expect("starts");
    let form = world.form("Agentur Silva GmbH", SITE);
    let program = application::show(&ctx, id).await.expect("shows").program.id;
    let newer = entity::terms_version::Entity::insert(entity::terms_version::ActiveModel {
        program_id: Set(program),
        version: Set(2),
        effective_from: Set(world.now - TimeDelta::minutes(1)),
        body: Set("# New terms".to_owned()),
        created_at: Set(world.now),
        ..Default::default()
    })
    .exec_with_returning(world.test.db.reader())
    .await
    .expect("new terms");
    assert!(
        matches!(application::submit(&ctx, id, &form).await, Err(Error::Invalid(e)) if e.0.contains_key("accept_terms"))
    );
    let form = Fields {
        terms_version_id: newer.id.to_string(),
        ..form
    };
    application::submit(&ctx, id, &form)
        .await
        .expect("the new ones");
}

/// An applicant who does not answer holds nobody up: the reviewer goes on, with a due time again.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_review_goes_on_without_an_answer(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine).await else {
        return;
    };
    let (_, id) = world
        .applied(
            "Ana Silva",
            ANA,
            "Agentur Silva GmbH",
            "https://agentur-silva.de",
        )
        .await;
    application::take(&world.manager(), id)
        .await
        .expect("takes");
    application::ask(&world.manager(), id, "Who are your customers?")
        .await
        .expect("asks");
    world.now += TimeDelta::days(20);
    let maya = world.manager();
    assert!(matches!(
        application::approve(&maya, id, &world.approval()).await,
        Err(Error::Conflict(_))
    ));
    application::take(&maya, id).await.expect("goes on");
    let review = application::review(&maya, id).await.expect("shows");
    assert_eq!(review.status, A::InReview);
    assert!(review.application.review_due_at > Some(world.now));
    assert!(review.timeline[0].summary.contains("without an answer"));
    application::reject(&maya, id, "other", "No answer came.")
        .await
        .expect("decided");
}

/// An agency gets the plan for agencies, not silently the program's default; the manager sees it and
/// may choose another one.
#[rstest]
#[case::the_usual_one("", "Agency")]
#[case::another_one("Standard", "Standard")]
#[tokio::test]
async fn the_plan_is_shown_and_chosen(
    #[case] typed: &str,
    #[case] paid_by: &str,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    use sea_orm::ActiveModelTrait;
    let Some(world) = World::new(engine).await else {
        return;
    };
    let db = world.test.db.reader();
    let standard = entity::plan::Entity::find()
        .one(db)
        .await
        .expect("reads")
        .expect("one");
    let agency = entity::plan::ActiveModel {
        name: sea_orm::ActiveValue::Set("Agency".to_owned()),
        is_default: sea_orm::ActiveValue::Set(false),
        ..crate::rows::plan(standard.program_id)
    }
    .insert(db)
    .await
    .expect("a plan");
    let rules = domain::plan::ready_made::agency();
    for plan in [standard.id, agency.id] {
        crate::rows::plan_version(plan, &rules)
            .insert(db)
            .await
            .expect("a version");
    }
    let admin = world.staff(domain::partner::StaffRole::Admin);
    let types = ["agency".to_owned()];
    service::plan::set_usual(&admin, agency.id, &types)
        .await
        .expect("named");
    let retired = service::plan::retire(&admin, agency.id).await;
    assert!(matches!(retired, Err(Error::Conflict(_))), "{retired:?}");

    let (_, id) = world
        .applied("Ana Silva", ANA, "Agentur Silva GmbH", SITE)
        .await;
    let manager = world.manager();
    application::take(&manager, id).await.expect("takes");
    let review = application::review(&manager, id).await.expect("shows");
    let usual = |name: &str| {
        let found = review.plans.iter().find(|p| p.plan.name == name);
        let kinds = &found.expect("offered").usual_for;
        kinds.contains(&domain::application::PartnerType::Agency)
    };
    assert_eq!((usual("Agency"), usual("Standard")), (true, false));
    let wrong = Approval {
        plan_id: "999".to_owned(),
        ..world.approval()
    };
    let refused = crate::support::errors(application::approve(&manager, id, &wrong).await);
    assert!(refused.0.contains_key("plan_id"), "{refused:?}");
    let plan_id = match typed {
        "" => String::new(),
        _ => standard.id.to_string(),
    };
    let approval = Approval {
        plan_id,
        ..world.approval()
    };
    let partner = application::approve(&manager, id, &approval)
        .await
        .expect("approves");
    let partner = entity::partner::Entity::find_by_id(partner)
        .one(db)
        .await
        .expect("reads")
        .expect("one");
    let plan = [&standard, &agency]
        .into_iter()
        .find(|plan| plan.id == partner.plan_id);
    assert_eq!(plan.map(|p| p.name.as_str()), Some(paid_by));
}
