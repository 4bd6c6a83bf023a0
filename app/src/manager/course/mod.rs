//! Courses as their writers see them.

mod attempts;
mod content;
mod version;

use crate::{
    page::{Form, Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use domain::exam::CourseStatus;
use domain::partner::StaffRole;
use entity::course_version;
use leptos::prelude::*;
use service::learning::{self, CourseLine, Draft};

const HERE: &str = "/manager/courses";

/// Adds this area's addresses.
#[must_use]
pub fn routes() -> Routes {
    Routes::new()
        .get(HERE, Access::Staff, list)
        .post("/manager/courses", Access::Manager, create)
        .get("/manager/courses/new", Access::Manager, new)
        .get("/manager/courses/{id}", Access::Staff, show)
        .post("/manager/courses/{id}/edit", Access::Manager, edit)
        .post("/manager/courses/{id}/retire", Access::Manager, retire)
        .merge(version::routes())
        .merge(content::routes())
        .merge(attempts::routes())
}

/// Whether the reader may change courses.
fn writes(page: &Page) -> bool {
    page.ctx.staff(StaffRole::Manager).is_ok()
}

fn status_label(version: &course_version::Model) -> AnyView {
    let label = version
        .status
        .parse::<CourseStatus>()
        .map_or_else(|_| version.status.clone(), |s| s.label().to_owned());
    view! { <Status of=version.status.clone() label=label/> }.into_any()
}

async fn list(page: Page) -> PageResult {
    let courses = learning::list(&page.ctx).await?;
    let mut head = Head::new("Courses").text("What partners learn and are examined on.");
    if writes(&page) {
        head = head.primary("New course", "/manager/courses/new");
    }
    Ok(page.render(head, move || {
        Table::plain(courses)
            .caption("Courses")
            .col("Course", |c: &CourseLine| c.title.clone())
            .col("Published", |c| {
                c.published
                    .map_or_else(|| "No".to_owned(), |v| format!("Version {v}"))
            })
            .col("Draft", |c| c.draft.map(|v| format!("Version {v}")))
            .col("Opens", |c| {
                c.course.gates_deals.then_some("Registering deals")
            })
            .href(|c| format!("{HERE}/{}", c.course.id))
            .empty(
                Empty::text(
                    "No courses yet",
                    "A course is lessons and an exam; whoever passes is certified.",
                )
                .action("Write one", "/manager/courses/new"),
            )
            .view()
    }))
}

/// What a new course begins with.
fn usual() -> Draft {
    let text = |n: u32| n.to_string();
    Draft {
        pass_percent: text(75),
        question_count: text(10),
        time_limit_minutes: text(30),
        attempts_allowed: text(3),
        retry_wait_hours: text(12),
        valid_months: text(12),
        grace_days: text(30),
        ..Draft::default()
    }
}

async fn new(page: Page) -> PageResult {
    let programs = service::program::all(page.ctx.reader()).await?;
    let head = Head::new("New course").crumb("Courses", HERE);
    Ok(page.render(head, move || {
        let only = programs
            .first()
            .map(|p| p.id.to_string())
            .unwrap_or_default();
        let program = if programs.len() == 1 {
            view! { <Hidden name="program_id" value=only/> }.into_any()
        } else {
            let options = Choice::list(programs.into_iter().map(|p| (p.id.to_string(), p.name)));
            view! { <SelectField name="program_id" label="Program" options=options required=true/> }
                .into_any()
        };
        view! {
            <PostForm action=HERE>
                <FormErrors/>
                {program}
                {details(usual())}
                <Submit label="Create the course" cancel=HERE/>
            </PostForm>
        }
    }))
}

/// The fields of what a course says of itself and its exam.
fn details(d: Draft) -> AnyView {
    let gates = d.gates_deals == "on";
    view! {
        <TextField name="title" label="Title" value=d.title required=true max=120/>
        <TextArea name="summary" label="Summary" value=d.summary hint="What somebody knows afterwards, in a sentence or two." required=true max=600/>
        <div class="fields">
            <TextField name="question_count" label="Questions per exam" kind="number" value=d.question_count hint="Drawn at random from the pool." required=true/>
            <TextField name="pass_percent" label="Percent needed to pass" kind="number" value=d.pass_percent required=true/>
            <TextField name="time_limit_minutes" label="Time limit in minutes" kind="number" value=d.time_limit_minutes required=true/>
            <TextField name="attempts_allowed" label="Attempts per person" kind="number" value=d.attempts_allowed required=true/>
            <TextField name="retry_wait_hours" label="Hours between attempts" kind="number" value=d.retry_wait_hours required=true/>
            <TextField name="valid_months" label="Certificate valid for (months)" kind="number" value=d.valid_months required=true/>
            <TextField name="grace_days" label="Days of grace after that" kind="number" value=d.grace_days required=true/>
        </div>
        <CheckField name="gates_deals" label="Partners need this certificate to register deals." checked=gates hint="Counts as soon as it is saved and a version is published."/>
    }
    .into_any()
}

async fn create(page: Page, form: Form<Draft>) -> PageResult {
    let program = form.pairs.iter().find(|(name, _)| name == "program_id");
    let Some(program_id) = program.and_then(|(_, id)| id.parse::<i64>().ok()) else {
        let error = service::Error::field("program_id", "Choose the program.");
        return page
            .refused("/manager/courses/new", error, &form.pairs)
            .await;
    };
    match learning::create(&page.ctx, program_id, &form.value).await {
        Ok(id) => open_draft(&page, id).await,
        Err(e) => page.refused("/manager/courses/new", e, &form.pairs).await,
    }
}

async fn open_draft(page: &Page, course_id: i64) -> PageResult {
    let version = learning::edit(&page.ctx, course_id).await?;
    Ok(page.redirect(&version::href(version)))
}

async fn show(page: Page, Path(id): Path<i64>) -> PageResult {
    let (course, versions) = learning::history(&page.ctx, id).await?;
    let (_, attempts) = learning::attempts(&page.ctx, Some(id), 0, 1).await?;
    let title = versions
        .first()
        .map(|v| v.title.clone())
        .unwrap_or_default();
    let published = versions
        .iter()
        .any(|v| v.status == CourseStatus::Published.as_str());
    let draft = versions
        .iter()
        .any(|v| v.status == CourseStatus::Draft.as_str());
    let here = format!("{HERE}/{id}");
    let mut head = Head::new(title).crumb("Courses", HERE);
    if writes(&page) {
        let (edit, here) = (format!("{here}/edit"), here.clone());
        head = head.actions(move || {
            let label = if draft { "Open the draft" } else { "Write a new version" };
            let retire = published.then(|| {
                view! {
                    <Confirm id="retire" label="Retire" title="Retire this course?" text="Partners no longer see it, and nothing needs it any more. Certificates stay valid." danger=true>
                        <PostForm action=format!("{here}/retire") name="retire">
                            <Submit label="Retire" danger=true/>
                        </PostForm>
                    </Confirm>
                }
            });
            view! {
                {retire}
                <PostButton action=edit label=label primary=true/>
            }
        });
    }
    Ok(page.render(head, move || {
        let versions = Table::plain(versions)
            .caption("Versions")
            .col("Version", |v: &course_version::Model| format!("Version {}", v.version))
            .col("Title", |v| v.title.clone())
            .col("Status", status_label)
            .col("Published", |v| v.published_at.map(|at| view! { <Day at=at/> }))
            .href(|v| version::href(v.id))
            .view();
        let opens = if course.gates_deals { "Registering deals" } else { "Nothing" };
        let attempts_href = format!("/manager/attempts?course={id}");
        view! {
            <Record>
                <RecordMain><Panel title="Versions">{versions}</Panel></RecordMain>
                <RecordSide>
                    <Panel title="Facts">
                        <Facts>
                            <Fact label="Opens">{opens}</Fact>
                            <Fact label="Address for partners">{format!("/partner/learning/{}", course.slug)}</Fact>
                            <Fact label="Attempts"><a href=attempts_href>{count_text(attempts as i64)}</a></Fact>
                            <Fact label="Begun"><Day at=course.created_at/></Fact>
                        </Facts>
                    </Panel>
                </RecordSide>
            </Record>
        }
    }))
}

#[derive(serde::Deserialize)]
struct Nothing {}

async fn edit(page: Page, Path(id): Path<i64>, _form: Form<Nothing>) -> PageResult {
    open_draft(&page, id).await
}

async fn retire(page: Page, Path(id): Path<i64>, form: Form<Nothing>) -> PageResult {
    let here = format!("{HERE}/{id}");
    let done = learning::retire(&page.ctx, id).await;
    page.answer(
        done,
        &here,
        "Retired. Partners no longer see it.",
        &form.pairs,
    )
    .await
}
