//! Exams: what has to be read first, how often and how long one may try, and what is shown.

use chrono::TimeDelta;
use domain::exam::AttemptStatus;
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use service::{Error, learning};

use super::{Reader, SLUG, answers, later, published, read_all, reader, sit};
use crate::people::{ANA, World};
use crate::support::{Engine, conflict};

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn reading_then_failing_then_passing(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    published(&world).await;
    let (ana, partner_id) = world.agency().await;
    let ctx = world.person(ana).await;
    let db = world.test.db.reader();

    let sentence = conflict(learning::start(&ctx, SLUG).await);
    assert_eq!(sentence, "Read the remaining 2 lessons first.");
    let course = learning::course(&ctx, SLUG).await.expect("a course");
    assert_eq!(
        (course.card.done, course.card.lessons, course.card.minutes),
        (0, 2, 10)
    );
    let first = learning::lesson(&ctx, course.lessons[0].id)
        .await
        .expect("a lesson");
    assert!(
        first.html.contains("<strong>Listen</strong>"),
        "{}",
        first.html
    );
    assert!(!first.html.contains("<script"), "{}", first.html);
    assert_eq!(
        (first.previous, first.next, first.place),
        (None, Some(course.lessons[1].id), (1, 2))
    );
    read_all(&ctx).await;
    read_all(&ctx).await; // twice does no harm

    let missing = learning::missing_for_deals(db, partner_id, world.now)
        .await
        .expect("readable");
    let missing = missing.expect("not certified yet");
    assert_eq!(
        (missing.title.as_str(), missing.link.as_str()),
        ("Sales basics", "/partner/learning/sales-basics")
    );

    let (failed, passed) = sit(&ctx, 2).await;
    assert!(!passed);
    let result = learning::attempt(&ctx, failed).await.expect("its own");
    assert_eq!(result.status, AttemptStatus::Failed);
    let grade = result.result.expect("ended").grade;
    assert_eq!((grade.right, grade.asked, grade.percent()), (2, 4, 50));
    assert!(
        grade
            .feedback
            .iter()
            .all(|f| f.explanation.contains("handbook"))
    );

    let sentence = conflict(learning::start(&ctx, SLUG).await);
    assert!(sentence.contains("12 h left"), "{sentence}");
    let shown = learning::course(&ctx, SLUG)
        .await
        .expect("a course")
        .refusal;
    assert_eq!(
        shown.as_deref(),
        Some(sentence.as_str()),
        "the page says what the start says"
    );

    let next_day = later(&ctx, world.now + TimeDelta::hours(12));
    let (passed_id, passed) = sit(&next_day, 1).await;
    assert!(passed, "three of four are 75 %");
    let result = learning::attempt(&next_day, passed_id)
        .await
        .expect("its own")
        .result
        .expect("ended");
    let number = result.certificate.expect("issued");
    assert!(
        world
            .mail_to(ANA)
            .await
            .expect("a mail")
            .1
            .contains(&number)
    );
    let at = next_day.now();
    assert_eq!(
        learning::certified_people(db, partner_id, at)
            .await
            .expect("readable"),
        1
    );
    assert!(
        learning::missing_for_deals(db, partner_id, at)
            .await
            .expect("readable")
            .is_none()
    );
    assert!(
        matches!(
            learning::hand_in(&next_day, passed_id, &[]).await,
            Err(Error::Conflict(_))
        ),
        "an attempt ends once"
    );
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn attempts_are_counted(#[case] engine: Engine) {
    let Some(Reader { world, ctx, .. }) = reader(engine).await else {
        return;
    };
    sit(&ctx, 4).await;
    let second = later(&ctx, world.now + TimeDelta::hours(13));
    sit(&second, 4).await;
    let third = later(&ctx, world.now + TimeDelta::days(9));
    let sentence = conflict(learning::start(&third, SLUG).await);
    assert!(sentence.contains("used all attempts"), "{sentence}");
    let (lines, total) = learning::attempts(&world.manager(), None, 0, 1)
        .await
        .expect("lists");
    assert_eq!((total, lines.len()), (2, 1));
    assert_eq!(
        (lines[0].person.as_str(), lines[0].attempt.number),
        ("Ana Silva", 2)
    );
    assert!(matches!(
        learning::attempts(&ctx, None, 0, 9).await,
        Err(Error::NotFound)
    ));
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn an_open_attempt_keeps_its_answers_and_its_secrets(#[case] engine: Engine) {
    let Some(Reader { world, ctx, .. }) = reader(engine).await else {
        return;
    };
    let (one, two) = tokio::join!(learning::start(&ctx, SLUG), learning::start(&ctx, SLUG));
    let id = one.expect("starts");
    assert_eq!(id, two.expect("is the same"), "two clicks are one attempt");
    let open = entity::attempt::Entity::find()
        .filter(entity::attempt::Column::Status.eq("open"))
        .count(world.test.db.reader())
        .await
        .expect("counts");
    assert_eq!(open, 1);

    let view = learning::attempt(&ctx, id).await.expect("open");
    assert!(view.result.is_none());
    let said = format!("{view:?}");
    assert!(
        !said.contains("handbook") && !said.contains("answer:"),
        "{said}"
    );

    let right = answers(&view, 0);
    learning::save(&ctx, id, &right[..2]).await.expect("saved");
    let unasked = [(999_999, vec![0])];
    learning::save(&ctx, id, &unasked)
        .await
        .expect("passed over");
    let view = learning::attempt(&later(&ctx, world.now + TimeDelta::minutes(20)), id)
        .await
        .expect("still open");
    let chosen: Vec<_> = view.questions.iter().map(|a| a.chosen.clone()).collect();
    assert_eq!(chosen[..2], [right[0].1.clone(), right[1].1.clone()]);
    assert!(chosen[2..].iter().all(Vec::is_empty));
    learning::save(&ctx, id, &[(right[0].0, Vec::new())])
        .await
        .expect("saved");
    let view = learning::attempt(&ctx, id).await.expect("open");
    assert!(
        view.questions[0].chosen.is_empty(),
        "an answer can be taken back"
    );

    let (ben, _) = world
        .partner(
            "Ben Berg",
            "ben@berg.example",
            "Berg KG",
            "https://berg-kg.de",
        )
        .await;
    let foreign = world.person(ben).await;
    assert!(matches!(
        learning::attempt(&foreign, id).await,
        Err(Error::NotFound)
    ));
    assert!(matches!(
        learning::save(&foreign, id, &right).await,
        Err(Error::NotFound)
    ));
    assert!(matches!(
        learning::hand_in(&foreign, id, &right).await,
        Err(Error::NotFound)
    ));
    assert!(matches!(
        learning::attempt(&world.manager(), id).await,
        Err(Error::NotFound)
    ));
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn time_ends_an_attempt(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    published(&world).await;
    let (ana, partner_id) = world.agency().await;
    let ben = world
        .colleague(ana, "Ben Berg", "ben@agentur.example")
        .await;
    let (ana, ben) = (world.person(ana).await, world.person(ben).await);
    for ctx in [&ana, &ben] {
        read_all(ctx).await;
    }
    let enough = learning::start(&ana, SLUG).await.expect("starts");
    let view = learning::attempt(&ana, enough).await.expect("open");
    learning::save(&ana, enough, &answers(&view, 1))
        .await
        .expect("saved");
    let little = learning::start(&ben, SLUG).await.expect("starts");
    let view = learning::attempt(&ben, little).await.expect("open");
    learning::save(&ben, little, &answers(&view, 3))
        .await
        .expect("saved");
    assert_eq!(view.deadline_at, world.now + TimeDelta::minutes(30));

    let just = world.now + TimeDelta::minutes(29);
    assert_eq!(
        learning::expire_due(&world.test.system(just))
            .await
            .expect("runs"),
        0
    );
    let over = world.now + TimeDelta::minutes(31);
    assert!(
        matches!(
            learning::save(&later(&ben, over), little, &answers(&view, 0)).await,
            Err(Error::Conflict(_))
        ),
        "too late to save"
    );
    assert_eq!(
        learning::expire_due(&world.test.system(over))
            .await
            .expect("runs"),
        2
    );
    assert_eq!(
        learning::expire_due(&world.test.system(over))
            .await
            .expect("runs"),
        0
    );
    let (ana, ben) = (later(&ana, over), later(&ben, over));
    let passed = learning::attempt(&ana, enough).await.expect("its own");
    assert_eq!(
        passed.status,
        AttemptStatus::Passed,
        "what was saved suffices"
    );
    assert!(passed.result.expect("ended").certificate.is_some());
    let expired = learning::attempt(&ben, little).await.expect("its own");
    assert_eq!(expired.status, AttemptStatus::Expired);
    let db = world.test.db.reader();
    assert_eq!(
        learning::certified_people(db, partner_id, over)
            .await
            .expect("readable"),
        1
    );
}
