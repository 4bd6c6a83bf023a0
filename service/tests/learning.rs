//! Certification: exams, certificates and who writes them.

use chrono::{DateTime, TimeDelta, Utc};
use domain::exam::{AttemptStatus, CertificateStatus};
use domain::partner::StaffRole;
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use service::learning::{self, AttemptView, Draft, LessonFields, QuestionFields};
use service::{Actor, Context, Error, partner};

use crate::people::World;
use crate::support::Engine;

const ANA: &str = "ana@agentur.example";
const SLUG: &str = "sales-basics";

/// Each question with its right answer, in order where the order counts. Two wrong ones of four
/// are not enough; one is.
const RIGHT: &[(&str, &str, &str, &[&str])] = &[
    (
        "single",
        "Where is the office?",
        "* Berlin\nParis\nRome",
        &["Berlin"],
    ),
    ("multiple", "What is prime?", "* 2\n* 3\n4\n6", &["2", "3"]),
    ("true_false", "Water is wet.", "* True\nFalse", &["True"]),
    (
        "ordering",
        "Count up.",
        "one\ntwo\nthree",
        &["one", "two", "three"],
    ),
];

fn draft() -> Draft {
    Draft {
        title: "Sales basics".to_owned(),
        summary: "How to sell.".to_owned(),
        pass_percent: "75".to_owned(),
        question_count: "4".to_owned(),
        time_limit_minutes: "30".to_owned(),
        attempts_allowed: "2".to_owned(),
        retry_wait_hours: "12".to_owned(),
        valid_months: "12".to_owned(),
        grace_days: "30".to_owned(),
        gates_deals: "on".to_owned(),
    }
}

fn lesson(title: &str) -> LessonFields {
    LessonFields {
        module: "First steps".to_owned(),
        title: title.to_owned(),
        body: "**Listen** first. <script>alert(1)</script>".to_owned(),
        minutes: "5".to_owned(),
        ..LessonFields::default()
    }
}

fn question(kind: &str, prompt: &str, options: &str) -> QuestionFields {
    QuestionFields {
        kind: kind.to_owned(),
        prompt: prompt.to_owned(),
        options: options.to_owned(),
        explanation: "Because the handbook says so.".to_owned(),
    }
}

/// A published course; its id.
async fn published(world: &World) -> i64 {
    let ctx = world.manager();
    let program = entity::program::Entity::find()
        .one(world.test.db.reader())
        .await
        .expect("readable")
        .expect("a program");
    let id = learning::create(&ctx, program.id, &draft())
        .await
        .expect("begins");
    let version = learning::edit(&ctx, id).await.expect("opens");
    for title in ["Hello", "Goodbye"] {
        learning::save_lesson(&ctx, version, None, &lesson(title))
            .await
            .expect("writes");
    }
    for (kind, prompt, options, _) in RIGHT {
        let typed = question(kind, prompt, options);
        learning::save_question(&ctx, version, None, &typed)
            .await
            .expect("writes");
    }
    learning::publish(&ctx, version).await.expect("publishes");
    id
}

async fn agency(world: &World) -> (i64, i64) {
    world
        .partner(
            "Ana Silva",
            ANA,
            "Agentur Silva GmbH",
            "https://agentur-silva.de",
        )
        .await
}

/// The same person later.
fn later(ctx: &Context, at: DateTime<Utc>) -> Context {
    Context {
        clock: service::Clock::at(at),
        ..ctx.clone()
    }
}

async fn read_all(ctx: &Context) {
    for lesson in learning::course(ctx, SLUG).await.expect("a course").lessons {
        learning::complete_lesson(ctx, lesson.id)
            .await
            .expect("done");
    }
}

/// Right answers to all but the first `wrong` questions.
fn answers(view: &AttemptView, wrong: usize) -> Vec<(i64, Vec<u16>)> {
    view.questions
        .iter()
        .skip(wrong)
        .map(|asked| {
            let shown = &asked.shown;
            let right = RIGHT
                .iter()
                .find(|r| r.1 == shown.prompt)
                .expect("one of ours")
                .3;
            let place = |o: &&str| shown.options.iter().position(|s| s == o).expect("shown") as u16;
            (shown.question_id, right.iter().map(place).collect())
        })
        .collect()
}

/// Takes an exam and hands it in with that many wrong answers.
async fn sit(ctx: &Context, wrong: usize) -> (i64, bool) {
    let id = learning::start(ctx, SLUG).await.expect("starts");
    let view = learning::attempt(ctx, id).await.expect("open");
    (
        id,
        learning::hand_in(ctx, id, &answers(&view, wrong))
            .await
            .expect("handed in"),
    )
}

fn refusal(result: service::Result<i64>) -> String {
    match result {
        Err(Error::Conflict(sentence)) => sentence,
        other => panic!("not refused: {other:?}"),
    }
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn reading_then_failing_then_passing(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    published(&world).await;
    let (ana, partner_id) = agency(&world).await;
    let ctx = world.person(ana).await;
    let db = world.test.db.reader();

    let sentence = refusal(learning::start(&ctx, SLUG).await);
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

    let sentence = refusal(learning::start(&ctx, SLUG).await);
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
    let Some(world) = World::new(engine).await else {
        return;
    };
    published(&world).await;
    let (ana, _) = agency(&world).await;
    let ctx = world.person(ana).await;
    read_all(&ctx).await;
    sit(&ctx, 4).await;
    let second = later(&ctx, world.now + TimeDelta::hours(13));
    sit(&second, 4).await;
    let third = later(&ctx, world.now + TimeDelta::days(9));
    let sentence = refusal(learning::start(&third, SLUG).await);
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
    let Some(world) = World::new(engine).await else {
        return;
    };
    published(&world).await;
    let (ana, _) = agency(&world).await;
    let ctx = world.person(ana).await;
    read_all(&ctx).await;
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
    let (ana, partner_id) = agency(&world).await;
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

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_certificate_grows_old(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    published(&world).await;
    let (ana, partner_id) = agency(&world).await;
    let ben = world
        .colleague(ana, "Łukasz Ørsted", "lukasz@agentur.example")
        .await;
    let (owner, ben) = (world.person(ana).await, world.person(ben).await);
    read_all(&ben).await;
    let (_, passed) = sit(&ben, 0).await;
    assert!(passed);
    let own = learning::own(&ben).await.expect("lists");
    let number = own[0].row.number.clone();
    let expires = own[0].row.expires_at;
    let db = world.test.db.reader();

    let nobody = world.nobody();
    for (at, status, counts) in [
        (world.now, CertificateStatus::Valid, 1),
        (expires - TimeDelta::seconds(1), CertificateStatus::Valid, 1),
        (expires, CertificateStatus::Grace, 1),
        (expires + TimeDelta::days(31), CertificateStatus::Lapsed, 0),
    ] {
        let seen = learning::verify(&later(&nobody, at), &number.to_lowercase())
            .await
            .expect("found");
        assert_eq!(seen.status, status, "{at}");
        assert_eq!(
            (seen.person.as_str(), seen.issuer.as_str()),
            ("Łukasz Ørsted", "Lumen")
        );
        assert_eq!(
            learning::certified_people(db, partner_id, at)
                .await
                .expect("readable"),
            counts,
            "{at}"
        );
        let missing = learning::missing_for_deals(db, partner_id, at)
            .await
            .expect("readable");
        assert_eq!(missing.is_none(), counts == 1, "{at}");
    }
    assert!(matches!(
        learning::verify(&nobody, "C-0").await,
        Err(Error::NotFound)
    ));

    let id = own[0].row.id;
    let soon = world.test.system(expires - TimeDelta::days(14));
    learning::remind(&soon, id).await.expect("reminds");
    let (subject, _) = world
        .mail_to("lukasz@agentur.example")
        .await
        .expect("a mail");
    assert!(subject.contains("runs out"), "{subject}");

    let pdf = learning::certificate_pdf(&own[0], "https://portal.example/certificates/C-1")
        .expect("a document");
    assert!(
        pdf.starts_with(b"%PDF-") && pdf.len() < 200_000,
        "{}",
        pdf.len()
    );

    let members = partner::members(&owner).await.expect("lists");
    let member = members
        .iter()
        .find(|m| m.name == "Łukasz Ørsted")
        .expect("a member");
    partner::remove(&owner, member.id).await.expect("removed");
    assert_eq!(
        learning::certified_people(db, partner_id, world.now)
            .await
            .expect("readable"),
        0
    );
    assert!(
        learning::of_partner(&owner, partner_id)
            .await
            .expect("lists")
            .is_empty()
    );
    let seen = learning::verify(&nobody, &number)
        .await
        .expect("still the person's");
    assert_eq!(seen.status, CertificateStatus::Valid);

    let staff = world.manager();
    assert!(matches!(
        learning::revoke(&staff, id, " ").await,
        Err(Error::Invalid(_))
    ));
    assert!(matches!(
        learning::revoke(&owner, id, "No").await,
        Err(Error::NotFound)
    ));
    learning::revoke(&staff, id, "Somebody else sat the exam.")
        .await
        .expect("revoked");
    assert!(matches!(
        learning::revoke(&staff, id, "Again").await,
        Err(Error::Conflict(_))
    ));
    let seen = learning::verify(&nobody, &number).await.expect("found");
    assert_eq!(seen.status, CertificateStatus::Revoked);
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn versions_replace_each_other(#[case] engine: Engine) {
    let Some(world) = World::new(engine).await else {
        return;
    };
    let course = published(&world).await;
    let staff = world.manager();
    let (ana, _) = agency(&world).await;
    let ctx = world.person(ana).await;
    read_all(&ctx).await;
    let open = learning::start(&ctx, SLUG).await.expect("starts");

    let (_, versions) = learning::history(&staff, course).await.expect("lists");
    let first = versions[0].id;
    let view = learning::draft(&staff, first).await.expect("readable");
    for refused in [
        learning::save_course(&staff, first, &draft()).await,
        learning::save_lesson(&staff, first, None, &lesson("New")).await,
        learning::delete_lesson(&staff, first, view.lessons[0].id).await,
        learning::save_question(
            &staff,
            first,
            None,
            &question("true_false", "?", "* True\nFalse"),
        )
        .await,
        learning::delete_question(&staff, first, view.questions[0].id).await,
        learning::publish(&staff, first).await,
    ] {
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    }

    let second = learning::edit(&staff, course).await.expect("opens");
    assert_ne!(second, first);
    assert_eq!(
        learning::edit(&staff, course).await.expect("opens"),
        second,
        "one draft at a time"
    );
    let copy = learning::draft(&staff, second).await.expect("readable");
    assert_eq!(
        (copy.lessons.len(), copy.questions.len(), copy.replaces),
        (2, 4, Some(1))
    );
    learning::raise_lesson(&staff, second, copy.lessons[1].id)
        .await
        .expect("moved");
    learning::delete_lesson(&staff, second, copy.lessons[0].id)
        .await
        .expect("deleted");
    for q in &copy.questions[1..] {
        learning::delete_question(&staff, second, q.id)
            .await
            .expect("deleted");
    }
    let refused = learning::publish(&staff, second).await;
    assert!(
        matches!(&refused, Err(Error::Conflict(s)) if s.contains("draws 4")),
        "{refused:?}"
    );
    let shorter = Draft {
        title: "Sales again".to_owned(),
        question_count: "1".to_owned(),
        ..draft()
    };
    learning::save_course(&staff, second, &shorter)
        .await
        .expect("saved");
    assert_eq!(
        learning::course(&ctx, SLUG)
            .await
            .expect("the old one")
            .card
            .title,
        "Sales basics"
    );
    learning::publish(&staff, second).await.expect("published");
    let (_, versions) = learning::history(&staff, course).await.expect("lists");
    let states: Vec<_> = versions.iter().map(|v| v.status.as_str()).collect();
    assert_eq!(states, ["published", "retired"]);

    let view = learning::course(&ctx, SLUG).await.expect("the new one");
    assert_eq!(
        (view.card.title.as_str(), view.card.lessons),
        ("Sales again", 1)
    );
    assert_eq!(view.lessons[0].title, "Goodbye");
    assert_eq!(view.open_attempt, Some(open), "an open attempt goes on");
    let paper = learning::attempt(&ctx, open).await.expect("open");
    assert!(
        learning::hand_in(&ctx, open, &answers(&paper, 0))
            .await
            .expect("handed in")
    );

    learning::retire(&staff, course).await.expect("retired");
    assert!(matches!(
        learning::course(&ctx, SLUG).await,
        Err(Error::NotFound)
    ));
    assert!(learning::courses(&ctx).await.expect("lists").is_empty());
    assert_eq!(
        learning::own(&ctx).await.expect("lists").len(),
        1,
        "certificates stay"
    );

    let auditor = world.test.context(
        Actor::Staff {
            person_id: world.manager,
            role: StaffRole::Auditor,
        },
        world.now,
    );
    assert!(learning::draft(&auditor, second).await.is_ok());
    assert!(matches!(
        learning::edit(&auditor, course).await,
        Err(Error::Forbidden(_))
    ));
    assert!(matches!(
        learning::draft(&ctx, second).await,
        Err(Error::NotFound)
    ));
    assert!(matches!(
        learning::edit(&ctx, course).await,
        Err(Error::NotFound)
    ));
}
