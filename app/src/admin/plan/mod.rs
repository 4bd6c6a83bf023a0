//! Commission plans: the list, one plan with its versions, and beginning a new one.

mod rule;
mod simulation;
mod version;

use super::may_change;
use crate::{
    page::{Form, Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use chrono::{DateTime, Utc};
use domain::application::PartnerType;
use leptos::prelude::*;
use service::plan::{self, PlanLine, PlanView, READY_MADE, Standing, Version};

const HERE: &str = "/admin/plans";

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new()
        .get(HERE, Access::Admin, index)
        .post(HERE, Access::Admin, create)
        .get("/admin/plans/new", Access::Admin, new)
        .get("/admin/plans/{id}", Access::Admin, show)
        .post("/admin/plans/{id}/rename", Access::Admin, rename)
        .post("/admin/plans/{id}/draft", Access::Admin, draft)
        .post("/admin/plans/{id}/default", Access::Admin, default)
        .post("/admin/plans/{id}/usual", Access::Admin, usual)
        .post("/admin/plans/{id}/retire", Access::Admin, retire)
        .post("/admin/plans/{id}/reinstate", Access::Admin, reinstate)
        .merge(version::routes())
        .merge(rule::routes())
        .merge(simulation::routes())
}

fn href(plan_id: i64) -> String {
    format!("{HERE}/{plan_id}")
}

/// How a version stands, as a label.
fn standing(standing: Standing) -> AnyView {
    let (label, tone) = standing_words(standing);
    view! { <Status of="" label=label.to_owned() tone=tone/> }.into_any()
}

fn standing_words(standing: Standing) -> (&'static str, Tone) {
    let tone = match standing {
        Standing::InForce => Tone::Good,
        Standing::Scheduled => Tone::Info,
        Standing::Draft => Tone::Warn,
        Standing::Past | Standing::Withdrawn => Tone::Neutral,
    };
    (standing.label(), tone)
}

/// A day as the program counts it.
pub(in crate::admin) fn program_day(at: DateTime<Utc>, zone: chrono_tz::Tz) -> String {
    ui().locale.date(domain::calendar::local_date(at, zone))
}

fn sentences(sentences: &[String]) -> AnyView {
    if sentences.is_empty() {
        return view! { <p class="muted">"No rules yet."</p> }.into_any();
    }
    let items = sentences
        .iter()
        .map(|s| view! { <li>{s.clone()}</li> })
        .collect_view();
    view! { <ul class="sentences">{items}</ul> }.into_any()
}

async fn index(page: Page) -> PageResult {
    let plans = plan::list(&page.ctx).await?;
    let several = plans.iter().any(|p| p.program != plans[0].program);
    let mut head = Head::new("Plans")
        .text("What partners earn. A change is a new version that counts from its day on.");
    if may_change(&page) {
        head = head.primary("New plan", "/admin/plans/new");
    }
    Ok(page.render(head, move || {
        let mut table = Table::plain(plans)
            .caption("Plans")
            .col("Plan", |p: &PlanLine| p.plan.name.clone());
        if several {
            table = table.col("Program", |p| p.program.clone());
        }
        table
            .col("What it pays", |p| p.sentences.join(" "))
            .col("Counts", |p| match (p.in_force, p.scheduled) {
                (Some(v), _) => format!("Version {v}"),
                (None, Some((v, at))) => format!("Version {v} from {}", day_text(at)),
                (None, None) => "Nothing yet".to_owned(),
            })
            .col("Draft", |p| p.draft.map(|v| format!("Version {v}")))
            .num("Partners", |p| count_text(p.partners as i64))
            .col("Offered", |p| {
                match (p.plan.retired_at, p.plan.is_default) {
                    (Some(_), _) => "Retired",
                    (None, true) => "To new partners",
                    (None, false) => "Yes",
                }
            })
            .href(|p| href(p.plan.id))
            .empty(
                Empty::text(
                    "No plans yet",
                    "A plan says in rules what partners earn on which payments.",
                )
                .action("Write one", "/admin/plans/new"),
            )
            .view()
    }))
}

pub(in crate::admin) fn ready_made() -> Vec<Choice> {
    READY_MADE
        .iter()
        .map(|r| Choice::new(r.key, r.name).hint(r.text))
        .collect()
}

async fn new(page: Page) -> PageResult {
    page.ctx.admin_reads()?;
    let programs = service::program::all(page.ctx.reader()).await?;
    let head = Head::new("New plan").crumb("Plans", HERE);
    Ok(page.render(head, move || {
        let program = super::program_field(programs);
        let mut starts = ready_made();
        starts.push(Choice::new("", "Empty").hint("No rules; you write them all."));
        view! {
            <PostForm action=HERE>
                <FormErrors/>
                {program}
                <TextField name="name" label="Name" hint="What partners and colleagues call it." required=true max=80/>
                <RadioField name="start" label="Start from" options=starts value="reseller" hint="Everything can be changed in the draft." required=true/>
                <Submit label="Begin the draft" cancel=HERE/>
            </PostForm>
        }
    }))
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct New {
    program_id: String,
    name: String,
    start: String,
}

async fn create(page: Page, form: Form<New>) -> PageResult {
    let form_path = "/admin/plans/new";
    let Ok(program_id) = form.program_id.parse() else {
        let error = service::Error::field("program_id", "Choose the program.");
        return page.refused(form_path, error, &form.pairs).await;
    };
    match plan::create(&page.ctx, program_id, &form.name, &form.start).await {
        Ok(draft) => page.done(&version::href(draft), "Draft begun.").await,
        Err(e) => page.refused(form_path, e, &form.pairs).await,
    }
}

async fn show(page: Page, Path(id): Path<i64>) -> PageResult {
    let view = plan::show(&page.ctx, id).await?;
    let can = may_change(&page);
    let zone = service::program::zone(&view.program);
    let now = view
        .versions
        .iter()
        .find(|v| v.standing == Standing::InForce)
        .cloned();
    let usual = plan::usual_for(&page.ctx, id).await?;
    let mut head = Head::new(view.plan.name.clone())
        .text(view.program.name.clone())
        .crumb("Plans", HERE);
    if view.plan.retired_at.is_some() {
        head = head.status_as("Retired", Tone::Neutral);
    }
    if can && view.plan.retired_at.is_none() {
        let drafted = view.versions.iter().any(|v| v.standing == Standing::Draft);
        let label = if drafted {
            "Open the draft"
        } else {
            "Write a new version"
        };
        head = head.actions(
            move || view! { <PostButton action=format!("{}/draft", href(id)) label=label primary=true/> },
        );
    }
    Ok(page.render(head, move || {
        let pays = match &now {
            Some(v) => {
                let title = format!("What it pays: version {}", v.row.version);
                let said = sentences(&v.sentences);
                view! { <Panel title=title>{said}</Panel> }.into_any()
            }
            None => view! { <Notice tone=Tone::Warn title="No version counts today: partners on this plan earn nothing."/> }.into_any(),
        };
        let side = side(&view, usual, can);
        let events = crate::apply::standing::events(view.timeline);
        let versions = Table::plain(view.versions)
            .caption("Versions")
            .col("Version", |v: &Version| format!("Version {}", v.row.version))
            .col("Standing", |v| standing(v.standing))
            .col("Counts from", move |v| {
                matches!(v.standing, Standing::InForce | Standing::Past | Standing::Scheduled)
                    .then(|| program_day(v.row.effective_from, zone))
            })
            .num("Rules", |v| v.sentences.len())
            .href(|v| version::href(v.row.id))
            .view();
        view! {
            <Record>
                <RecordMain>
                    {pays}
                    <Panel title="Versions">{versions}</Panel>
                    <Panel title="What happened"><Timeline events/></Panel>
                </RecordMain>
                {side}
            </Record>
        }
    }))
}

fn side(view: &PlanView, usual: Vec<String>, can: bool) -> AnyView {
    let plan = view.plan.clone();
    let here = href(plan.id);
    let partners = count_text(view.partners as i64);
    let counts = view
        .versions
        .iter()
        .any(|v| v.standing == Standing::InForce);
    let offered = match (plan.retired_at, plan.is_default) {
        (Some(at), _) => format!("Retired on {}", day_text(at)),
        (None, true) => "New partners get it".to_owned(),
        (None, false) => "Yes".to_owned(),
    };
    let action = |what: &str| format!("{here}/{what}");
    let default = (can && !plan.is_default && plan.retired_at.is_none() && counts).then(|| {
        let action = action("default");
        view! {
            <Confirm id="default" label="Give it to new partners" title="Give new partners this plan?" text="Partners who are there already keep theirs.">
                <PostForm action=action name="default"><Submit label="Give it to new partners"/></PostForm>
            </Confirm>
        }
    });
    let retire = (can && !plan.is_default && plan.retired_at.is_none()).then(|| {
        let action = action("retire");
        view! {
            <Confirm id="retire" label="Retire" title="Retire this plan?" text="It is not offered any more. What it has paid stays as it is." danger=true>
                <PostForm action=action name="retire"><Submit label="Retire" danger=true/></PostForm>
            </Confirm>
        }
    });
    let back = (can && plan.retired_at.is_some())
        .then(|| view! { <PostButton action=action("reinstate") label="Offer it again"/> });
    let usual = (can && plan.retired_at.is_none() && counts).then(|| {
        let action = action("usual");
        let kinds = Choice::list(PartnerType::ALL.iter().map(|t| (t.as_str(), t.label())));
        view! {
            <Panel title="Usual for">
                <PostForm action=action name="usual">
                    <ChecksField name="types" label="Partners of the type" options=kinds values=usual hint="Offered first when an application of the type is approved. A type that no plan names gets the program’s default."/>
                    <Submit label="Save" quiet=true/>
                </PostForm>
            </Panel>
        }
    });
    let rename = can.then(|| {
        let (action, name) = (action("rename"), plan.name.clone());
        view! {
            <Panel title="Name">
                <PostForm action=action name="rename">
                    <TextField name="name" label="Name" value=name required=true max=80/>
                    <Submit label="Rename" quiet=true/>
                </PostForm>
            </Panel>
        }
    });
    view! {
        <RecordSide>
            <Panel title="Facts">
                <Facts>
                    <Fact label="Partners paid by it">{partners}</Fact>
                    <Fact label="Offered">{offered}</Fact>
                    <Fact label="Begun"><Day at=plan.created_at/></Fact>
                </Facts>
                <div class="buttons">{default}{retire}{back}</div>
            </Panel>
            {usual}
            {rename}
        </RecordSide>
    }
    .into_any()
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Named {
    name: String,
}

async fn rename(page: Page, Path(id): Path<i64>, form: Form<Named>) -> PageResult {
    let done = plan::rename(&page.ctx, id, &form.name).await;
    page.answer(done, &href(id), "Renamed.", &form.pairs).await
}

async fn draft(page: Page, Path(id): Path<i64>) -> PageResult {
    match plan::open_draft(&page.ctx, id).await {
        Ok(draft) => Ok(page.redirect(&version::href(draft))),
        Err(e) => page.refused(&href(id), e, &[]).await,
    }
}

async fn default(page: Page, Path(id): Path<i64>) -> PageResult {
    let done = plan::make_default(&page.ctx, id).await;
    page.answer(done, &href(id), "New partners get this plan.", &[])
        .await
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Usual {
    types: Vec<String>,
}

async fn usual(page: Page, Path(id): Path<i64>, form: Form<Usual>) -> PageResult {
    let done = plan::set_usual(&page.ctx, id, &form.types).await;
    page.answer(done, &href(id), "Saved.", &form.pairs).await
}

async fn retire(page: Page, Path(id): Path<i64>) -> PageResult {
    let done = plan::retire(&page.ctx, id).await;
    page.answer(done, &href(id), "Retired.", &[]).await
}

async fn reinstate(page: Page, Path(id): Path<i64>) -> PageResult {
    let done = plan::reinstate(&page.ctx, id).await;
    page.answer(done, &href(id), "Offered again.", &[]).await
}
