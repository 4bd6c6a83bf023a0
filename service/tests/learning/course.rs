//! Who writes courses, and what a new version of one changes.

use domain::partner::StaffRole;
use rstest::rstest;
use service::Error;
use service::learning::{self, Draft};

use super::{Reader, SLUG, answers, draft, lesson, question, reader};
use crate::support::Engine;

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn versions_replace_each_other(#[case] engine: Engine) {
    let Some(Reader { world, course, ctx }) = reader(engine).await else {
        return;
    };
    let staff = world.manager();
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

    let auditor = world.staff(StaffRole::Auditor);
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
