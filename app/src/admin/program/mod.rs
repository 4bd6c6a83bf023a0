//! Programs: what each is called, and its policy, terms, tiers and products.

mod policy;
mod products;
mod terms;
mod tiers;
mod what_if;

use super::may_change;
use crate::{
    page::{Form, Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use chrono::{DateTime, Utc};
use domain::partner::ProgramKind;
use entity::program::Model as Program;
use leptos::prelude::*;
use service::learning::{self, CourseLine};
use service::program::{self, BeginFields, ProgramFields};

const HERE: &str = "/admin/programs";

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new()
        .get(HERE, Access::Admin, index)
        .post(HERE, Access::Admin, create)
        .get("/admin/programs/new", Access::Admin, new)
        .get("/admin/programs/{id}", Access::Admin, show)
        .post("/admin/programs/{id}", Access::Admin, change)
        .post(
            "/admin/programs/{id}/certificates",
            Access::Admin,
            certificates,
        )
        .merge(policy::routes())
        .merge(terms::routes())
        .merge(tiers::routes())
        .merge(what_if::routes())
        .merge(products::routes())
}

fn href(id: i64) -> String {
    format!("{HERE}/{id}")
}

fn head(program: &Program) -> Head {
    let (words, tone) = status(program);
    Head::new(program.name.clone())
        .crumb("Programs", HERE)
        .status_as(words, tone)
}

/// A page below one of the program's views.
fn below(title: impl Into<String>, program: &Program, view: &str, path: &str) -> Head {
    Head::new(title)
        .crumb("Programs", HERE)
        .crumb(program.name.clone(), href(program.id))
        .crumb(view, format!("{}/{path}", href(program.id)))
}

fn tabs(program: &Program) -> AnyView {
    let at = href(program.id);
    let items = vec![
        Tab::new("Overview", at.clone()),
        Tab::new("Policy", format!("{at}/policies")),
        Tab::new("Terms", format!("{at}/terms")),
        Tab::new("Tiers", format!("{at}/tiers")),
        Tab::new("Products", format!("{at}/products")),
    ];
    view! { <Tabs items=items label="Views of this program"/> }.into_any()
}

fn status(program: &Program) -> (&'static str, Tone) {
    if program.open_to_applications {
        ("Takes applications", Tone::Good)
    } else {
        ("Closed to applications", Tone::Neutral)
    }
}

fn kind(program: &Program) -> String {
    program
        .kind
        .parse::<ProgramKind>()
        .map_or_else(|_| label_of(&program.kind), |k| k.label().to_owned())
}

/// Where a version stands by its first day and that of the next newer one.
fn standing(from: DateTime<Utc>, newer: Option<DateTime<Utc>>, now: DateTime<Utc>) -> AnyView {
    let (label, tone) = if from > now {
        ("Scheduled", Tone::Info)
    } else if newer.is_none_or(|newer| newer > now) {
        ("In force", Tone::Good)
    } else {
        ("Replaced", Tone::Neutral)
    };
    view! { <Status of="" label=label.to_owned() tone=tone/> }.into_any()
}

async fn index(page: Page) -> PageResult {
    page.ctx.admin_reads()?;
    let programs = program::all(page.ctx.reader()).await?;
    let mut head =
        Head::new("Programs").text("Each has its own policy, terms, tiers, plans and products.");
    if may_change(&page) {
        head = head.primary("New program", "/admin/programs/new");
    }
    Ok(page.render(head, move || {
        Table::plain(programs)
            .caption("Programs")
            .col("Program", |p: &Program| p.name.clone())
            .col("Kind", kind)
            .col("Currency", |p| p.currency.clone())
            .col("Zone", |p| p.time_zone.clone())
            .col("Status", |p| {
                let (label, tone) = status(p);
                view! { <Status of="" label=label.to_owned() tone=tone/> }
            })
            .href(|p| href(p.id))
            .empty(
                Empty::text(
                    "No programs yet",
                    "A program says who may take part, on what terms, and what it earns.",
                )
                .action("Begin one", "/admin/programs/new"),
            )
            .view()
    }))
}

async fn new(page: Page) -> PageResult {
    page.ctx.admin_reads()?;
    let head = Head::new("New program")
        .crumb("Programs", HERE)
        .text("It is closed to applications until you open it, with the usual policy and one tier; all of that can be changed then.");
    Ok(page.render(head, move || {
        let kinds = Choice::list(ProgramKind::ALL.iter().map(|k| (k.as_str(), k.label())));
        let plans = crate::admin::plan::ready_made();
        view! {
            <PostForm action=HERE>
                <FormErrors/>
                <div class="fields">
                    <TextField name="name" label="Name" hint="Its public address is made of it." required=true max=80/>
                    <TextField name="vendor_name" label="Vendor" hint="As partners know you." required=true max=80/>
                    <TextField name="currency" label="Currency" value="EUR" hint="Three letters; it stays." required=true max=3/>
                    <TextField name="time_zone" label="Time zone" value="Europe/Berlin" hint="Months, quarters and business hours are counted in it; it stays." required=true max=60/>
                </div>
                <RadioField name="kind" label="For" options=kinds value="partner" required=true/>
                <RadioField name="start" label="First plan" options=plans value="reseller" hint="New partners get it." required=true/>
                <TextArea name="body" label="Terms" hint="Markdown. Partners sign them." rows=12 required=true/>
                <Submit label="Begin the program" cancel=HERE/>
            </PostForm>
        }
    }))
}

async fn create(page: Page, form: Form<BeginFields>) -> PageResult {
    match program::begin(&page.ctx, &form.value).await {
        Ok(id) => {
            page.done(
                &href(id),
                "The program is begun. Open it to applications when you are ready.",
            )
            .await
        }
        Err(e) => page.refused("/admin/programs/new", e, &form.pairs).await,
    }
}

async fn show(page: Page, Path(id): Path<i64>) -> PageResult {
    let (program, timeline) = program::record(&page.ctx, id).await?;
    let courses = learning::list(&page.ctx).await?;
    let courses = courses
        .into_iter()
        .filter(|c| c.course.program_id == id)
        .collect();
    let can = may_change(&page);
    Ok(page.render(head(&program), move || {
        let tabs = tabs(&program);
        let edit = can.then(|| form(&program));
        let events = crate::apply::standing::events(timeline);
        let needed = certificates_panel(id, courses, can);
        let public = format!("/programs/{}", program.slug);
        let kind = kind(&program);
        let p = program;
        view! {
            {tabs}
            <Record>
                <RecordMain>
                    {edit}
                    {needed}
                    <Panel title="What happened"><Timeline events/></Panel>
                </RecordMain>
                <RecordSide>
                    <Panel title="Facts">
                        <Facts>
                            <Fact label="Kind">{kind}</Fact>
                            <Fact label="Currency">{p.currency.clone()}</Fact>
                            <Fact label="Zone">{p.time_zone.clone()}</Fact>
                            <Fact label="Vendor">{p.vendor_name.clone()}</Fact>
                            <Fact label="Public page"><a href=public.clone()>{public.clone()}</a></Fact>
                            <Fact label="Since"><Day at=p.created_at/></Fact>
                        </Facts>
                        <p class="muted">"Kind, currency and zone stay: everything that was counted was counted in them."</p>
                        <div class="buttons"><ButtonLink href="/admin/plans" label="Plans"/></div>
                    </Panel>
                </RecordSide>
            </Record>
        }
    }))
}

fn form(p: &Program) -> AnyView {
    let (action, name, vendor) = (href(p.id), p.name.clone(), p.vendor_name.clone());
    let (accent, open) = (p.accent.clone(), p.open_to_applications);
    view! {
        <Panel title="Program">
            <PostForm action=action name="program">
                <div class="fields">
                    <TextField name="name" label="Name" value=name required=true max=80/>
                    <TextField name="vendor_name" label="Vendor" value=vendor hint="As partners know you." required=true max=80/>
                    <TextField name="accent" label="Brand colour" value=accent hint="Such as #3d5bd9" required=true max=7/>
                </div>
                <CheckField name="open_to_applications" label="The public page takes applications." checked=open/>
                <Submit label="Save"/>
            </PostForm>
        </Panel>
    }
    .into_any()
}

fn certificates_panel(id: i64, courses: Vec<CourseLine>, can: bool) -> AnyView {
    let needed: Vec<String> = courses
        .iter()
        .filter(|c| c.course.gates_deals)
        .map(|c| c.course.id.to_string())
        .collect();
    let said = match needed.len() {
        0 => "Registering deals needs no certificate.",
        _ => {
            "Registering deals needs these certificates; they count as soon as a version of the course is published."
        }
    };
    let options = Choice::list(
        courses
            .iter()
            .map(|c| (c.course.id.to_string(), c.title.clone())),
    );
    let body = if courses.is_empty() {
        Empty::text(
            "No courses yet",
            "A course certifies the people who pass its exam.",
        )
        .action("Courses", "/manager/courses")
        .view()
    } else if can {
        let action = format!("{}/certificates", href(id));
        view! {
            <PostForm action=action name="certificates">
                <ChecksField name="courses" label="Needed to register deals" options=options values=needed/>
                <Submit label="Save" quiet=true/>
            </PostForm>
        }
        .into_any()
    } else {
        let items = courses
            .into_iter()
            .filter(|c| c.course.gates_deals)
            .map(|c| view! { <li>{c.title}</li> })
            .collect_view();
        view! { <ul>{items}</ul> }.into_any()
    };
    view! { <Panel title="Certificates" text=said>{body}</Panel> }.into_any()
}

async fn change(page: Page, Path(id): Path<i64>, form: Form<ProgramFields>) -> PageResult {
    let done = program::change(&page.ctx, id, &form.value).await;
    page.answer(done, &href(id), "Saved.", &form.pairs).await
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Chosen {
    courses: Vec<String>,
}

async fn certificates(page: Page, Path(id): Path<i64>, form: Form<Chosen>) -> PageResult {
    // What is no number is no course.
    let chosen: Vec<i64> = form
        .courses
        .iter()
        .map(|c| c.parse().unwrap_or(0))
        .collect();
    let done = program::require_courses(&page.ctx, id, &chosen).await;
    page.answer(done, &href(id), "Saved. It counts now.", &form.pairs)
        .await
}

/// The newest version of something, which a form says it was made on.
#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Seen {
    seen: String,
}

impl Seen {
    /// One that never is, where none was sent.
    fn version(&self) -> i64 {
        self.seen.parse().unwrap_or(-1)
    }
}

/// What is said after a new version was made.
fn made(from: DateTime<Utc>, now: DateTime<Utc>) -> &'static str {
    if from <= now {
        "The new version counts from now on."
    } else {
        "The new version counts from its day on."
    }
}
