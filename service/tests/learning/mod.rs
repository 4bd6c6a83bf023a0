//! Certification: courses, exams and certificates. Here is the course that all of it is about.

mod certificate;
mod course;
mod exam;

use chrono::{DateTime, Utc};
use sea_orm::EntityTrait;
use service::Context;
use service::learning::{self, AttemptView, Draft, LessonFields, QuestionFields};

use crate::people::World;
use crate::support::Engine;

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

/// A published course and a person of a partner who has read it.
struct Reader {
    world: World,
    course: i64,
    ctx: Context,
}

/// A fresh one; none where the engine is not there.
async fn reader(engine: Engine) -> Option<Reader> {
    let world = World::new(engine).await?;
    let course = published(&world).await;
    let (ana, _) = world.agency().await;
    let ctx = world.person(ana).await;
    read_all(&ctx).await;
    Some(Reader { world, course, ctx })
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
