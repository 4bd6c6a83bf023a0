//! What happens because time passes: reminders, the end, the waiting list, late reviews, gates.

use chrono::TimeDelta;
use domain::deal::DealStatus as D;
use rstest::rstest;
use sea_orm::{ActiveValue::Set, EntityTrait, PaginatorTrait};
use serde_json::json;
use service::deal::{self, Sent};
use service::{Error, notice};

use super::world::World;
use crate::shelf::Shelf;
use crate::support::Engine;

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn protection_ends_and_the_next_in_line_is_asked(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine).await else {
        return;
    };
    let ana = world.partner("Ana").await;
    let (ben, cleo) = (world.partner("Ben").await, world.partner("Cleo").await);
    let held = world.protected(ana, "Acme", "acme.com").await;
    let bens = world.sent(ben, "Acme", "acme.com", &world.lines[..1]).await;
    deal::join(&world.of(ben), bens).await.expect("joins");
    assert!(
        matches!(
            deal::join(&world.of(ben), bens).await,
            Err(Error::Conflict(_))
        ),
        "once"
    );
    world.now += TimeDelta::hours(1);
    let cleos = world.sent(cleo, "Acme", "acme.com", &world.lines).await;
    deal::join(&world.of(cleo), cleos).await.expect("joins");
    let place = |w: Option<deal::Waiting>| w.map(|w| (w.place, w.offer_until.is_some()));
    let waiting = deal::show(&world.of(cleo), cleos)
        .await
        .expect("shows")
        .waiting;
    assert_eq!(place(waiting), Some((2, false)));
    assert!(matches!(
        deal::accept(&world.of(ben), bens).await,
        Err(Error::Conflict(_))
    ));

    // Each reminder is sent once: 30, 14 and 3 days before.
    let start = world.now;
    let mut reminders = Vec::new();
    for days in [59, 61, 62, 77, 88, 89] {
        world.now = start + TimeDelta::days(days);
        reminders.push(deal::daily(&world.system()).await.expect("runs"));
    }
    assert_eq!(reminders, [0, 1, 0, 1, 1, 0]);
    let subject = world.mail_to("owner@ana-agency.com").await.expect("a mail");
    assert!(
        subject.contains("is protected until 31 May 2026"),
        "{subject}"
    );

    world.now = start + TimeDelta::days(90);
    assert_eq!(
        deal::daily(&world.system()).await.expect("runs"),
        0,
        "the whole of the last day"
    );
    world.now = start + TimeDelta::days(91);
    assert_eq!(deal::daily(&world.system()).await.expect("runs"), 1);
    assert_eq!(
        deal::daily(&world.system()).await.expect("runs"),
        0,
        "again changes nothing"
    );
    assert_eq!(world.status(held).await, D::Expired);
    let shown = deal::show(&world.of(ana), held).await.expect("shows");
    assert!(shown.guarded.iter().all(|g| g.released_at.is_some()));
    let waiting = deal::show(&world.of(ben), bens)
        .await
        .expect("shows")
        .waiting;
    assert_eq!(place(waiting), Some((1, true)));
    let waiting = deal::show(&world.of(cleo), cleos)
        .await
        .expect("shows")
        .waiting;
    assert_eq!(place(waiting), Some((2, false)), "one at a time");
    let subject = world.mail_to("owner@ben-agency.com").await;
    assert_eq!(subject.as_deref(), Some("Acme is free now"));

    // Ben lets it pass; Cleo takes it.
    world.now += TimeDelta::days(8);
    assert_eq!(deal::daily(&world.system()).await.expect("runs"), 1);
    assert!(matches!(
        deal::accept(&world.of(ben), bens).await,
        Err(Error::Conflict(_))
    ));
    let new = deal::accept(&world.of(cleo), cleos)
        .await
        .expect("takes it");
    assert!(
        matches!(
            deal::accept(&world.of(cleo), cleos).await,
            Err(Error::Conflict(_))
        ),
        "once"
    );
    let form = deal::form(&world.of(cleo), Some(new))
        .await
        .expect("a draft")
        .fields;
    assert_eq!(
        (form.customer_name.as_str(), form.product_lines.len()),
        ("Acme", 2)
    );
    assert_eq!(form.expected_close, "", "that day has passed");
    let form = world.form("Acme", "acme.com", &world.lines);
    assert_eq!(
        deal::submit(&world.of(cleo), new, &form)
            .await
            .expect("is sent"),
        Sent::Waits
    );
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn more_time_is_limited_and_needs_evidence(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine).await else {
        return;
    };
    let ana = world.partner("Ana").await;
    let id = world.protected(ana, "Acme", "acme.com").await;
    let until = world.row(id).await.protected_until.expect("protected");
    assert!(matches!(
        deal::request(&world.of(ana), id, "  ").await,
        Err(Error::Invalid(_))
    ));
    deal::request(&world.of(ana), id, "Demo on Monday")
        .await
        .expect("asks");
    let twice = deal::request(&world.of(ana), id, "Again").await;
    assert!(
        matches!(&twice, Err(Error::Conflict(w)) if w.contains("already asked")),
        "{twice:?}"
    );
    deal::refuse(&world.manager(), id, "Too early")
        .await
        .expect("refuses");
    deal::request(&world.of(ana), id, "Offer sent")
        .await
        .expect("asks again");
    deal::grant(&world.manager(), id).await.expect("grants");
    assert!(
        matches!(
            deal::grant(&world.manager(), id).await,
            Err(Error::Conflict(_))
        ),
        "once"
    );
    let row = world.row(id).await;
    assert_eq!(
        (row.protected_until, row.extensions_used),
        (Some(until + TimeDelta::days(30)), 1)
    );
    let over = deal::request(&world.of(ana), id, "More").await;
    assert!(
        matches!(&over, Err(Error::Conflict(w)) if w.contains("limit")),
        "{over:?}"
    );

    world.now = until + TimeDelta::days(29);
    deal::daily(&world.system()).await.expect("runs");
    assert_eq!(
        world.status(id).await,
        D::Approved,
        "the longer time counts"
    );
    world.now = until + TimeDelta::days(30);
    deal::daily(&world.system()).await.expect("runs");
    assert_eq!(world.status(id).await, D::Expired);
    assert!(matches!(
        deal::request(&world.of(ana), id, "x").await,
        Err(Error::Conflict(_))
    ));
    deal::again(&world.of(ana), id)
        .await
        .expect("registers again");
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn what_ran_out_is_in_nobodys_way(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine).await else {
        return;
    };
    let (ana, ben) = (world.partner("Ana").await, world.partner("Ben").await);
    let old = world.protected(ana, "Acme", "acme.com").await;
    world.now += TimeDelta::days(91);
    // The calendar has not come by yet.
    let new = world.protected(ben, "Acme", "acme.com").await;
    assert_eq!(
        (world.status(old).await, world.status(new).await),
        (D::Expired, D::Approved)
    );
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn late_reviews_are_reported_once(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine).await else {
        return;
    };
    let ana = world.partner("Ana").await;
    let id = world.sent(ana, "Acme", "acme.com", &world.lines).await;
    world.now += TimeDelta::days(1);
    assert_eq!(
        deal::daily(&world.system()).await.expect("runs"),
        0,
        "still time"
    );
    world.now += TimeDelta::days(2);
    assert_eq!(deal::daily(&world.system()).await.expect("runs"), 1);
    assert_eq!(deal::daily(&world.system()).await.expect("runs"), 0);
    let admin = world.staff(world.admin, domain::partner::StaffRole::Admin);
    assert_eq!(notice::unread(&admin).await.expect("counts"), 1);
    assert!(
        deal::review(&world.manager(), id)
            .await
            .expect("shows")
            .escalated_at
            .is_some()
    );
    let shown = deal::show(&world.of(ana), id).await.expect("shows");
    assert!(
        shown.timeline.iter().all(|l| l.action != "deal.escalated"),
        "not the partner's"
    );
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn small_deals_of_good_partners_are_approved_at_once(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    world.policy(2, Some(1_200_001)).await;
    let (ana, ben) = (world.partner("Ana").await, world.partner("Ben").await);
    world.promote(ana).await;
    let mut sent = Vec::new();
    for (partner, name, domain, value) in [
        (ana, "Small", "small.com", "12000"),
        (ana, "Huge", "huge.com", "12000.01"),
        (ben, "Other", "other.com", "12000"),
    ] {
        let form = service::deal::Fields {
            value: value.to_owned(),
            ..world.form(name, domain, &world.lines)
        };
        let ctx = world.of(partner);
        let id = deal::start(&ctx, &form).await.expect("starts");
        let outcome = deal::submit(&ctx, id, &form).await.expect("is sent");
        assert_eq!(outcome, Sent::Waits, "for Stripe's answer");
        deal::ask_stripe(&world.system(), &Shelf::default(), id)
            .await
            .expect("asks");
        sent.push(id);
    }
    let mut states = Vec::new();
    for id in &sent {
        states.push(world.status(*id).await);
    }
    assert_eq!(states, [D::Approved, D::Submitted, D::Submitted]);
    let shown = deal::show(&world.of(ana), sent[0]).await.expect("shows");
    let steps: Vec<&str> = shown.timeline.iter().map(|l| l.action.as_str()).collect();
    assert_eq!(steps, ["deal.approved", "deal.submitted"]);
    assert_eq!(shown.timeline[0].who, "", "the portal itself");
    let why = deal::review(&world.manager(), sent[2])
        .await
        .expect("shows")
        .shown
        .timeline;
    assert!(
        why.iter()
            .any(|l| l.action == "deal.for_a_person" && l.internal),
        "{why:?}"
    );
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn registering_needs_the_certificate_where_the_program_says_so(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let ana = world.partner("Ana").await;
    let db = world.test.db.reader();
    let course = entity::course::Entity::insert(entity::course::ActiveModel {
        program_id: Set(world.program),
        slug: Set("basics".to_owned()),
        gates_deals: Set(true),
        created_at: Set(world.now),
        ..Default::default()
    })
    .exec_with_returning(db)
    .await
    .expect("a course");
    let version = entity::course_version::Entity::insert(entity::course_version::ActiveModel {
        course_id: Set(course.id),
        version: Set(1),
        status: Set("published".to_owned()),
        title: Set("Basics".to_owned()),
        summary: Set(String::new()),
        pass_percent: Set(75),
        question_count: Set(5),
        time_limit_minutes: Set(30),
        attempts_allowed: Set(3),
        retry_wait_hours: Set(12),
        valid_months: Set(12),
        grace_days: Set(30),
        created_at: Set(world.now),
        ..Default::default()
    })
    .exec_with_returning(db)
    .await
    .expect("a version");
    let form = world.form("Acme", "acme.com", &world.lines);
    let id = deal::start(&world.of(ana), &form)
        .await
        .expect("a draft is always possible");
    let missing = deal::form(&world.of(ana), Some(id))
        .await
        .expect("shows")
        .missing;
    assert_eq!(
        missing.map(|m| m.link).as_deref(),
        Some("/partner/learning/basics")
    );
    let refused = deal::submit(&world.of(ana), id, &form).await;
    assert!(
        matches!(&refused, Err(Error::Conflict(w)) if w.contains("“Basics”")),
        "{refused:?}"
    );

    let attempt = entity::attempt::Entity::insert(entity::attempt::ActiveModel {
        course_version_id: Set(version.id),
        person_id: Set(ana.person),
        partner_id: Set(ana.id),
        number: Set(1),
        status: Set("passed".to_owned()),
        paper: Set(json!([])),
        answers: Set(json!([])),
        score_percent: Set(Some(100)),
        started_at: Set(world.now),
        deadline_at: Set(world.now),
        ..Default::default()
    })
    .exec_with_returning(db)
    .await
    .expect("an attempt");
    entity::certificate::Entity::insert(entity::certificate::ActiveModel {
        number: Set("C-1".to_owned()),
        course_id: Set(course.id),
        course_version_id: Set(version.id),
        person_id: Set(ana.person),
        attempt_id: Set(attempt.id),
        issued_at: Set(world.now),
        expires_at: Set(world.now + TimeDelta::days(365)),
        grace_until: Set(world.now + TimeDelta::days(395)),
        ..Default::default()
    })
    .exec_without_returning(db)
    .await
    .expect("a certificate");
    assert_eq!(
        deal::submit(&world.of(ana), id, &form)
            .await
            .expect("is sent"),
        Sent::Waits
    );
    assert_eq!(
        entity::deal::Entity::find()
            .count(db)
            .await
            .expect("counts"),
        1
    );
}
