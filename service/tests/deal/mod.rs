//! Registrations: from the draft to the customer, and everything that stands in the way.

mod account;
mod reward;
mod states;
mod time;
mod world;

use chrono::TimeDelta;
use domain::deal::{ConflictKind, DealStatus as D};
use domain::partner::StaffRole;
use rstest::rstest;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use service::deal::{self, Approval, DealList, Fields, Sent};
use service::{Error, FieldErrors, notice};

use crate::support::{Engine, day};
use world::World;

fn errors<T: std::fmt::Debug>(result: Result<T, Error>) -> FieldErrors {
    match result {
        Err(Error::Invalid(errors)) => errors,
        other => panic!("fields were expected: {other:?}"),
    }
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_company_is_registered_protected_and_won(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine).await else {
        return;
    };
    let ana = world.partner("Ana").await;
    let ctx = world.of(ana);

    // A draft keeps whatever is typed, also what is no number.
    let half = Fields {
        customer_name: "Acme".to_owned(),
        customer_domain: "not yet".to_owned(),
        value: "about 12k".to_owned(),
        currency: "EUR".to_owned(),
        expected_close: "spring".to_owned(),
        ..Fields::default()
    };
    let id = deal::start(&ctx, &half).await.expect("starts");
    let kept = deal::form(&ctx, Some(id)).await.expect("shows").fields;
    assert_eq!(
        (
            kept.customer_domain.as_str(),
            kept.value.as_str(),
            kept.expected_close.as_str()
        ),
        ("not yet", "about 12k", "spring")
    );
    let seen = deal::list(&world.manager(), &DealList::default())
        .await
        .expect("lists")
        .1;
    assert_eq!(seen, 0, "drafts are the partner's alone");
    assert!(matches!(
        deal::review(&world.manager(), id).await,
        Err(Error::NotFound)
    ));

    let wrong = errors(deal::submit(&ctx, id, &half).await);
    for field in [
        "customer_domain",
        "customer_country",
        "contact_name",
        "contact_email",
        "product_lines",
        "need",
        "value",
        "term_months",
        "expected_close",
        "answer_seats",
    ] {
        assert!(wrong.0.contains_key(field), "{field}: {wrong}");
    }
    let form = world.form("Acme Ltd", "https://shop.Acme.co.uk/a?b", &world.lines);
    assert_eq!(
        deal::submit(&ctx, id, &form).await.expect("is sent"),
        Sent::Waits
    );
    let row = world.row(id).await;
    assert_eq!(
        (row.customer_domain.as_str(), row.value),
        ("acme.co.uk", Some(1_200_000))
    );
    // 16 business hours from Monday 10:00 in Berlin: seven today, eight tomorrow, one on Wednesday.
    assert_eq!(
        row.review_due_at,
        Some(day(2026, 3, 4) + TimeDelta::hours(9))
    );
    assert!(
        matches!(deal::save(&ctx, id, &form).await, Err(Error::Conflict(_))),
        "sent is sent"
    );
    assert_eq!(notice::unread(&world.manager()).await.expect("counts"), 1);

    deal::take(&world.manager(), id).await.expect("takes");
    deal::ask(&world.manager(), id, "Who decides there?")
        .await
        .expect("asks");
    deal::comment(&world.manager(), id, "Call them first.", true)
        .await
        .expect("notes");
    let shown = deal::show(&ctx, id).await.expect("shows");
    assert_eq!(
        (shown.status, shown.said.len()),
        (D::InformationRequested, 1),
        "notes stay inside"
    );
    assert_eq!(shown.due_at, None, "the review time stops");
    let corrected = Fields {
        need: "A CRM and reports".to_owned(),
        ..form.clone()
    };
    deal::save(&ctx, id, &corrected).await.expect("corrects");
    world.now += TimeDelta::hours(2);
    deal::answer(&world.of(ana), id, "The CFO.")
        .await
        .expect("answers");

    let review = deal::review(&world.manager(), id).await.expect("shows");
    assert_eq!((review.conflicts.len(), review.shown.said.len()), (0, 3));
    assert_eq!(review.proposed_until.to_string(), "2026-05-31");
    let past = Approval {
        expires: "2026-03-01".to_owned(),
        ..Approval::default()
    };
    let wrong = errors(deal::approve(&world.manager(), id, &past).await);
    assert!(wrong.0.contains_key("expires"));
    let approval = Approval {
        expires: "2026-06-30".to_owned(),
        note: "Good luck!".to_owned(),
    };
    deal::approve(&world.manager(), id, &approval)
        .await
        .expect("approves");
    let shown = deal::show(&world.of(ana), id).await.expect("shows");
    // Midnight in Berlin after the last day, in summer.
    let until = day(2026, 6, 30) + TimeDelta::hours(22);
    assert_eq!(
        (shown.status, shown.protected_until),
        (D::Approved, Some(until))
    );
    assert_eq!(shown.guarded.len(), 2, "every product line");
    let moment = shown.timeline[0]
        .protection
        .clone()
        .expect("protected at that moment");
    assert_eq!(
        (moment.lines, moment.until),
        (vec!["CRM".to_owned(), "Analytics".to_owned()], Some(until))
    );
    assert!(shown.timeline.last().expect("sent").protection.is_none());
    let mail = world.mail_to("owner@ana-agency.com").await;
    assert_eq!(mail.as_deref(), Some("Acme Ltd is protected for you"));

    // Only who knows the customer at Stripe can link it.
    let Err(Error::Conflict(words)) = deal::win(&world.of(ana), id, "cus_1").await else {
        panic!("a partner links nobody")
    };
    assert!(words.contains("by itself"), "{words}");
    assert!(
        errors(deal::win(&world.manager(), id, "").await)
            .0
            .contains_key("customer")
    );
    assert!(
        errors(deal::win(&world.manager(), id, "acme").await)
            .0
            .contains_key("customer")
    );
    deal::win(&world.manager(), id, "cus_acme")
        .await
        .expect("wins");
    assert_eq!(world.status(id).await, D::Won);
    let credits = entity::attribution::Entity::find()
        .all(world.test.db.reader())
        .await
        .expect("readable");
    assert_eq!(credits.len(), 2, "each protected line");
    for credit in credits {
        assert_eq!((credit.partner_id, credit.deal_id), (ana.id, Some(id)));
        assert_eq!(
            (credit.share_bp, credit.part.as_str(), credit.ends_at),
            (10_000, "sourced", None)
        );
    }
    let review = deal::review(&world.manager(), id).await.expect("shows");
    assert_eq!(review.customers[0].stripe_id, "cus_acme");
    let open_ended = review
        .guarded
        .iter()
        .all(|g| g.expires_at.is_none() && g.released_at.is_none());
    assert!(open_ended, "the customer stays the partner's");
    world.now += TimeDelta::days(400);
    deal::daily(&world.system()).await.expect("runs");
    assert_eq!(world.status(id).await, D::Won);
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_duplicate_learns_nothing_about_the_other(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let (ana, ben) = (world.partner("Ana").await, world.partner("Ben").await);
    let first = world.protected(ana, "Acme Ltd", "acme.com").await;

    let form = world.form("Acme", "https://www.acme.com", &world.lines);
    let ctx = world.of(ben);
    let id = deal::start(&ctx, &form).await.expect("starts");
    assert_eq!(
        deal::submit(&ctx, id, &form).await.expect("is sent"),
        Sent::Duplicate
    );
    let shown = deal::show(&ctx, id).await.expect("shows");
    assert_eq!(shown.status, D::Duplicate);
    let words = format!("{shown:?}");
    for secret in ["Ana Owner", "\"Ana\"", "ana-agency", "Duplicate of"] {
        assert!(!words.contains(secret), "{secret} in {words}");
    }
    let (rows, _) = deal::list(&ctx, &DealList::default()).await.expect("lists");
    assert_eq!(
        (rows.len(), rows[0].conflicts.len(), rows[0].account_id),
        (1, 0, None)
    );
    assert!(
        notice::list(&ctx, 0, 10)
            .await
            .expect("lists")
            .0
            .iter()
            .all(|n| !n.text.contains("Ana"))
    );

    let review = deal::review(&world.manager(), id).await.expect("shows");
    assert_eq!(review.duplicate_of, Some(first));
    assert_eq!(review.conflicts[0].kind, ConflictKind::Duplicate);
    let (desk, total) = deal::contests(&world.manager(), "acm", 0, 10)
        .await
        .expect("lists");
    assert_eq!(
        (total, desk[0].partners, desk[0].held, desk[0].open),
        (1, 2, 1, 0)
    );
    let contest = deal::contest(&world.manager(), desk[0].account_id)
        .await
        .expect("shows");
    assert_eq!((contest.sides.len(), contest.guarded.len()), (2, 1));

    // Another product line is free.
    let free = world.sent(ben, "Acme", "acme.com", &world.lines[1..]).await;
    deal::take(&world.manager(), free).await.expect("takes");
    deal::approve(&world.manager(), free, &Approval::default())
        .await
        .expect("approves");
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn nobody_refers_itself_and_one_company_is_one_account(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let (ana, ben) = (world.partner("Ana").await, world.partner("Ben").await);
    let colleague = world.someone("Col", "col@side-project.de", None).await;
    entity::member::Entity::insert(entity::member::ActiveModel {
        partner_id: Set(ana.id),
        person_id: Set(colleague),
        role: Set("member".to_owned()),
        joined_at: Set(world.now),
        ..Default::default()
    })
    .exec_without_returning(world.test.db.reader())
    .await
    .expect("a member");
    let ctx = world.of(ana);
    let id = deal::start(&ctx, &Fields::default()).await.expect("starts");
    for own in [
        "ana-agency.com",
        "https://shop.ANA-Agency.com/x",
        "side-project.de",
        "gmail.com",
        "co.uk",
        "10.0.0.1",
    ] {
        let wrong = errors(deal::submit(&ctx, id, &world.form("Own", own, &world.lines)).await);
        assert!(wrong.0.contains_key("customer_domain"), "{own}: {wrong}");
    }
    let form = Fields {
        contact_email: "me@mail.ana-agency.com".to_owned(),
        ..world.form("Acme", "acme.com", &world.lines)
    };
    assert!(
        errors(deal::submit(&ctx, id, &form).await)
            .0
            .contains_key("contact_email")
    );
    assert_eq!(world.status(id).await, D::Draft);

    // The same company, written in five ways, is one account; the first name stays.
    let mut accounts = Vec::new();
    for (partner, domain) in [
        (ana, "müller.de"),
        (ben, "https://www.MÜLLER.de:443/impressum?x=1"),
    ] {
        let id = world
            .sent(partner, "Müller GmbH", domain, &world.lines[..1])
            .await;
        accounts.push(world.row(id).await.account_id);
    }
    assert_eq!(accounts[0], accounts[1]);
    assert_eq!(
        entity::account_domain::Entity::find_by_id("xn--mller-kva.de")
            .count(world.test.db.reader())
            .await
            .expect("counts"),
        1
    );
    // Registering it again is refused at the field; a similar name is only a hint.
    let form = world.form("Müller GmbH", "müller.de", &world.lines);
    assert!(
        errors(deal::submit(&ctx, id, &form).await)
            .0
            .contains_key("customer_domain")
    );
    let hint = world
        .sent(ana, "Mueller AG", "mueller-gruppe.com", &world.lines)
        .await;
    let review = deal::review(&world.manager(), hint).await.expect("shows");
    assert_eq!(review.conflicts[0].kind, ConflictKind::SimilarName);
    assert_eq!(review.similar[0].1, "Müller GmbH");
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn of_eight_approvals_at_once_one_protects(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let mut ids = Vec::new();
    for name in ["A", "B", "C", "D", "E", "F", "G", "H"] {
        let partner = world.partner(name).await;
        // Every second one asks for both lines, so that they overlap in part.
        let lines = if ids.len() % 2 == 0 {
            &world.lines[..]
        } else {
            &world.lines[..1]
        };
        let id = world.sent(partner, "Acme", "acme.com", lines).await;
        deal::take(&world.manager(), id).await.expect("takes");
        ids.push(id);
    }
    let tries = ids.iter().map(|id| {
        let (ctx, id) = (world.manager(), *id);
        tokio::spawn(async move { deal::approve(&ctx, id, &Approval::default()).await })
    });
    let mut won = 0;
    for result in futures::future::join_all(tries.collect::<Vec<_>>()).await {
        match result.expect("no panic") {
            Ok(()) => won += 1,
            Err(Error::Conflict(words)) => assert!(words.contains("already protects"), "{words}"),
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(won, 1);
    let mut approved = 0;
    for id in &ids {
        match world.status(*id).await {
            D::Approved => approved += 1,
            other => assert_eq!(other, D::InReview, "the others still wait for a decision"),
        }
    }
    assert_eq!(approved, 1);
    let held = entity::protection::Entity::find()
        .filter(entity::protection::Column::ProductLineId.eq(world.lines[0]))
        .filter(entity::protection::Column::ReleasedAt.is_null())
        .count(world.test.db.reader())
        .await
        .expect("counts");
    assert_eq!(held, 1);
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn foreign_and_missing_are_the_same(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let (ana, ben) = (world.partner("Ana").await, world.partner("Ben").await);
    let theirs = world.protected(ana, "Acme", "acme.com").await;
    let file = deal::attach(
        &world.of(ana),
        theirs,
        "../offer.pdf",
        "application/pdf",
        b"%PDF",
    )
    .await
    .expect("attaches");
    let draft = deal::start(&world.of(ana), &Fields::default())
        .await
        .expect("starts");
    let ctx = world.of(ben);
    for id in [theirs, draft, 999_999] {
        let form = Fields::default();
        let found = [
            deal::show(&ctx, id).await.err(),
            deal::form(&ctx, Some(id)).await.err(),
            deal::save(&ctx, id, &form).await.err(),
            deal::submit(&ctx, id, &form).await.err(),
            deal::discard(&ctx, id).await.err(),
            deal::again(&ctx, id).await.err(),
            deal::answer(&ctx, id, "x").await.err(),
            deal::comment(&ctx, id, "x", false).await.err(),
            deal::set_stage(&ctx, id, "proposal").await.err(),
            deal::request(&ctx, id, "x").await.err(),
            deal::win(&ctx, id, "").await.err(),
            deal::lost(&ctx, id, "x").await.err(),
            deal::withdraw(&ctx, id, "x").await.err(),
            deal::join(&ctx, id).await.err(),
            deal::leave(&ctx, id).await.err(),
            deal::accept(&ctx, id).await.err(),
            deal::attach(&ctx, id, "a", "", b"x").await.err(),
            deal::remove(&ctx, id, file).await.err(),
            deal::download(&ctx, file).await.err(),
            // What only staff may do does not exist for partners, their own deals included.
            deal::review(&world.of(ana), id).await.err(),
            deal::take(&world.of(ana), id).await.err(),
            deal::ask(&world.of(ana), id, "x").await.err(),
            deal::approve(&world.of(ana), id, &Approval::default())
                .await
                .err(),
            deal::reject(&world.of(ana), id, "other", "x").await.err(),
            deal::duplicate(&world.of(ana), id, "1", "").await.err(),
            deal::revoke(&world.of(ana), id, "x").await.err(),
            deal::grant(&world.of(ana), id).await.err(),
            deal::refuse(&world.of(ana), id, "x").await.err(),
            deal::contests(&world.of(ana), "", 0, 9).await.err(),
        ];
        for (place, error) in found.into_iter().enumerate() {
            assert!(
                matches!(error, Some(Error::NotFound)),
                "{place} of {id}: {error:?}"
            );
        }
    }
    assert_eq!(
        deal::list(&ctx, &DealList::default())
            .await
            .expect("lists")
            .1,
        0
    );
    let tricked = DealList {
        partner_id: Some(ana.id),
        ..DealList::default()
    };
    assert_eq!(deal::list(&ctx, &tricked).await.expect("lists").1, 0);
    assert!(matches!(
        deal::review(&world.manager(), draft).await,
        Err(Error::NotFound)
    ));

    let download = deal::download(&world.of(ana), file).await.expect("its own");
    assert_eq!(
        (download.name.as_str(), download.bytes.as_slice()),
        ("offer.pdf", b"%PDF".as_slice())
    );
    deal::download(&world.manager(), file)
        .await
        .expect("staff read what was sent");
    let large = vec![0; deal::MAX_BYTES + 1];
    assert!(
        errors(deal::attach(&world.of(ana), theirs, "a", "", &large).await)
            .0
            .contains_key("file")
    );
    assert!(matches!(
        deal::remove(&world.of(ana), theirs, file).await,
        Err(Error::Conflict(_))
    ));

    // Auditors read and change nothing.
    let auditor = world.staff(world.admin, StaffRole::Auditor);
    assert!(
        !deal::review(&auditor, theirs)
            .await
            .expect("reads")
            .may_decide
    );
    assert!(matches!(
        deal::revoke(&auditor, theirs, "x").await,
        Err(Error::Forbidden(_))
    ));
    assert!(matches!(
        deal::comment(&auditor, theirs, "x", true).await,
        Err(Error::Forbidden(_))
    ));
    assert!(matches!(
        deal::lost(&auditor, theirs, "x").await,
        Err(Error::Forbidden(_))
    ));
}
