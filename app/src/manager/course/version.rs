//! One version of a course: a draft to write, or a published one to read.

use super::{HERE, Nothing, content, details, status_label, writes};
use crate::{
    flash::Tone,
    page::{Form, Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use domain::exam::{CourseStatus, Question};
use leptos::prelude::*;
use service::learning::{self, Draft, DraftView};

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/manager/courses/versions/{id}", Access::Staff, show)
        .post("/manager/courses/versions/{id}", Access::Manager, save)
        .post(
            "/manager/courses/versions/{id}/publish",
            Access::Manager,
            publish,
        )
}

pub(super) fn href(version_id: i64) -> String {
    format!("{HERE}/versions/{version_id}")
}

async fn show(page: Page, Path(id): Path<i64>) -> PageResult {
    let view = learning::draft(&page.ctx, id).await?;
    let draft = view.version.status == CourseStatus::Draft.as_str();
    let writable = draft && writes(&page);
    let mut head = Head::new(&view.version.title)
        .text(format!("Version {}", view.version.version))
        .crumb("Courses", HERE)
        .crumb("Versions", format!("{HERE}/{}", view.course.id))
        .status(&view.version.status);
    if writable && view.problems.is_empty() {
        let replaces = view.replaces;
        head = head.actions(move || publish_button(id, replaces));
    }
    Ok(page.render(head, move || {
        let problems = (draft && !view.problems.is_empty()).then(|| problems(&view.problems));
        let first = if writable { form(&view) } else { facts(&view) };
        let lessons = lessons(&view, writable);
        let questions = questions(view, writable);
        view! {
            {problems}
            {lessons}
            {questions}
            {first}
        }
    }))
}

fn publish_button(id: i64, replaces: Option<i64>) -> AnyView {
    let text = match replaces {
        Some(old) => format!(
            "It replaces version {old}. Attempts that are open go on with the old one; certificates stay valid."
        ),
        None => "Partners see it at once.".to_owned(),
    };
    view! {
        <Confirm id="publish" label="Publish" title="Publish this version?" text=format!("{text} A published version cannot be changed any more.") primary=true>
            <PostForm action=format!("{}/publish", href(id)) name="publish">
                <Submit label="Publish"/>
            </PostForm>
        </Confirm>
    }
    .into_any()
}

fn problems(problems: &[String]) -> AnyView {
    let items = problems
        .iter()
        .cloned()
        .map(|p| view! { <li>{p}</li> })
        .collect_view();
    view! { <Notice tone=Tone::Warn title="Before it can be published:"><ul>{items}</ul></Notice> }
        .into_any()
}

fn lessons(view: &DraftView, writable: bool) -> AnyView {
    let id = view.version.id;
    let mut table = Table::plain(view.lessons.clone())
        .caption("Lessons")
        .col("Lesson", |l: &entity::lesson::Model| l.title.clone())
        .col("Module", |l| l.module.clone())
        .num("Minutes", |l| l.minutes)
        .href(move |l| content::lesson_href(id, l.id))
        .empty(Empty::text(
            "No lessons yet",
            "Everybody reads them before the exam.",
        ));
    if writable {
        table = table.menu(move |l| {
            let action = format!("{}/up", content::lesson_href(id, l.id));
            view! { <PostButton action=action label="Move up" quiet=true/> }
        });
    }
    let add = writable.then(
        || view! { <ButtonLink href=format!("{}/lessons/new", href(id)) label="Add a lesson"/> },
    );
    let table = table.view();
    view! { <Panel title="Lessons">{table}<div class="buttons">{add}</div></Panel> }.into_any()
}

fn questions(view: DraftView, writable: bool) -> AnyView {
    let id = view.version.id;
    let text = format!(
        "{} in the pool, {} drawn per exam.",
        view.questions.len(),
        view.version.question_count
    );
    let table = Table::plain(view.questions)
        .caption("Questions")
        .col("Question", |q: &Question| q.prompt.clone())
        .col("Answered by", |q| q.kind.label())
        .num("Options", |q| q.options.len())
        .href(move |q| content::question_href(id, q.id))
        .empty(Empty::text(
            "No questions yet",
            "The exam draws from them at random.",
        ))
        .view();
    let add = writable
        .then(|| view! { <ButtonLink href=format!("{}/questions/new", href(id)) label="Add a question"/> });
    view! { <Panel title="Question pool" text=text>{table}<div class="buttons">{add}</div></Panel> }
        .into_any()
}

/// What is stored, as it would be typed.
fn typed(view: &DraftView) -> Draft {
    let v = &view.version;
    Draft {
        title: v.title.clone(),
        summary: v.summary.clone(),
        pass_percent: v.pass_percent.to_string(),
        question_count: v.question_count.to_string(),
        time_limit_minutes: v.time_limit_minutes.to_string(),
        attempts_allowed: v.attempts_allowed.to_string(),
        retry_wait_hours: v.retry_wait_hours.to_string(),
        valid_months: v.valid_months.to_string(),
        grace_days: v.grace_days.to_string(),
        gates_deals: if view.course.gates_deals {
            "on".to_owned()
        } else {
            String::new()
        },
    }
}

fn form(view: &DraftView) -> AnyView {
    let (action, typed) = (href(view.version.id), typed(view));
    view! {
        <Panel title="Course and exam" id="details">
            <PostForm action=action>
                <FormErrors/>
                {details(typed)}
                <Submit label="Save"/>
            </PostForm>
        </Panel>
    }
    .into_any()
}

fn facts(view: &DraftView) -> AnyView {
    let v = view.version.clone();
    let status = status_label(&v);
    view! {
        <Panel title="Course and exam">
            <Facts>
                <Fact label="Status">{status}</Fact>
                <Fact label="Summary">{v.summary}</Fact>
                <Fact label="Exam">{format!("{} questions in {} minutes, {}% pass", v.question_count, v.time_limit_minutes, v.pass_percent)}</Fact>
                <Fact label="Attempts">{format!("{}, {} hours apart", v.attempts_allowed, v.retry_wait_hours)}</Fact>
                <Fact label="Certificate">{format!("valid for {} months, then {} days of grace", v.valid_months, v.grace_days)}</Fact>
                {v.published_at.map(|at| view! { <Fact label="Published"><Moment at=at/></Fact> })}
            </Facts>
        </Panel>
    }
    .into_any()
}

async fn save(page: Page, Path(id): Path<i64>, form: Form<Draft>) -> PageResult {
    let done = learning::save_course(&page.ctx, id, &form.value).await;
    page.answer(done, &href(id), "Saved.", &form.pairs).await
}

async fn publish(page: Page, Path(id): Path<i64>, form: Form<Nothing>) -> PageResult {
    let done = learning::publish(&page.ctx, id).await;
    page.answer(
        done,
        &href(id),
        "Published. Partners see it now.",
        &form.pairs,
    )
    .await
}
