//! The whole way of a registration: drafted, sent, protected, won.

use chrono::TimeDelta;
use domain::deal::DealStatus as D;
use rstest::rstest;
use sea_orm::EntityTrait;
use service::deal::{self, Approval, DealList, Fields, Sent};
use service::{Error, notice};

use super::world::World;
use crate::support::{Engine, day, errors};

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

/// Begun and sent in one: what is refused leaves neither a draft nor a file behind, what is taken is
/// one registration with its files.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_refused_first_try_leaves_nothing(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let ana = world.partner("Ana").await;
    let ctx = world.of(ana);
    let file = deal::NewFile {
        name: "offer.pdf",
        media_type: "application/pdf",
        bytes: b"%PDF",
    };
    let mut form = world.form("Acme Ltd", "gmail.com", &world.lines);
    let wrong = errors(deal::register(&ctx, &form, &[file]).await);
    assert!(wrong.0.contains_key("customer_domain"), "{wrong}");
    form.customer_domain = "acme.co.uk".to_owned();
    let empty = deal::NewFile { bytes: b"", ..file };
    let wrong = errors(deal::register(&ctx, &form, &[file, empty]).await);
    assert!(wrong.0.contains_key("file"), "{wrong}");
    let mine = async || {
        let all = deal::list(&ctx, &DealList::default()).await;
        all.expect("lists").1
    };
    assert_eq!(mine().await, 0);
    let (id, sent) = deal::register(&ctx, &form, &[file]).await.expect("taken");
    assert_eq!((sent, mine().await), (Sent::Waits, 1));
    let shown = deal::show(&ctx, id).await.expect("shows");
    assert_eq!((shown.status, shown.files.len()), (D::Submitted, 1));
}

/// Two tabs with one draft: the second does not overwrite the first without a word.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_draft_saved_in_another_tab_is_not_overwritten_unseen(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine).await else {
        return;
    };
    let ana = world.partner("Ana").await;
    let form = world.form("Acme Ltd", "acme.co.uk", &world.lines);
    let id = deal::start(&world.of(ana), &form).await.expect("starts");
    let shown = deal::form(&world.of(ana), Some(id)).await.expect("shows");
    let typed = |notes: &str, seen: &str| Fields {
        notes: notes.to_owned(),
        seen: seen.to_owned(),
        ..form.clone()
    };
    world.now += TimeDelta::minutes(1);
    let first = typed("From the first tab", &shown.seen);
    deal::save(&world.of(ana), id, &first).await.expect("saved");
    world.now += TimeDelta::minutes(1);
    let second = typed("From the second tab", &shown.seen);
    for refused in [
        deal::save(&world.of(ana), id, &second).await,
        deal::submit(&world.of(ana), id, &second).await.map(drop),
    ] {
        assert!(
            matches!(&refused, Err(Error::Conflict(said)) if said.contains("another tab")),
            "{refused:?}"
        );
    }
    let shown = deal::form(&world.of(ana), Some(id)).await.expect("shows");
    assert_eq!(shown.fields.notes, "From the first tab");
    // Who was told so and sends it again has seen what it takes the place of.
    let again = typed("From the second tab", &shown.seen);
    deal::submit(&world.of(ana), id, &again)
        .await
        .expect("sent");
    assert_eq!(world.row(id).await.notes, "From the second tab");
}
