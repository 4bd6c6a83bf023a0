//! One version of a plan: a draft to write and publish, or what counts or counted.

use super::{HERE, may_change, program_day, standing_words};
use crate::{
    page::{Form, Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use leptos::prelude::*;
use service::plan::{self, Standing, VersionView};

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/admin/plans/versions/{id}", Access::Admin, show)
        .post("/admin/plans/versions/{id}/publish", Access::Admin, publish)
        .post(
            "/admin/plans/versions/{id}/withdraw",
            Access::Admin,
            withdraw,
        )
        .post("/admin/plans/versions/{id}/discard", Access::Admin, discard)
        .post("/admin/plans/versions/{id}/start", Access::Admin, start)
}

pub(super) fn href(version_id: i64) -> String {
    format!("{HERE}/versions/{version_id}")
}

/// The way here, for the pages below a version.
pub(super) fn crumbs(head: Head, view: &VersionView) -> Head {
    head.crumb("Plans", HERE)
        .crumb(view.plan.name.clone(), super::href(view.plan.id))
}

pub(super) fn revision(view: &VersionView) -> AnyView {
    view! { <Hidden name="revision" value=view.row.revision.to_string()/> }.into_any()
}

async fn show(page: Page, Path(id): Path<i64>) -> PageResult {
    let view = plan::version(&page.ctx, id).await?;
    let writable = view.standing == Standing::Draft && may_change(&page);
    let can = may_change(&page);
    let zone = service::program::zone(&view.program);
    let today = domain::calendar::local_date(page.now(), zone).to_string();
    let (words, tone) = standing_words(view.standing);
    let title = format!("{}, version {}", view.plan.name, view.row.version);
    let mut head = crumbs(Head::new(title), &view).status_as(words, tone);
    if view.standing != Standing::Withdrawn && !view.rules.rules.is_empty() {
        let to = format!("{}/simulation", href(id));
        head =
            head.actions(move || view! { <ButtonLink href=to label="Try it on past invoices"/> });
    }
    Ok(page.render(head, move || {
        let problems = (view.standing == Standing::Draft && !view.problems.is_empty()).then(|| {
            let items = view
                .problems
                .iter()
                .map(|p| view! { <li>{p.sentence.clone()}</li> })
                .collect_view();
            view! { <Notice tone=Tone::Warn title="Before it can be published:"><ul>{items}</ul></Notice> }
        });
        let rules = rules(&view, writable);
        let diff = diff(&view);
        let publish = writable.then(|| publish_form(&view, today));
        let again = writable.then(|| start_form(&view));
        let facts = facts(&view, zone, can);
        view! {
            {problems}
            <Record>
                <RecordMain>
                    {rules}
                    {diff}
                    {publish}
                </RecordMain>
                <RecordSide>{facts}{again}</RecordSide>
            </Record>
        }
    }))
}

fn rules(view: &VersionView, writable: bool) -> AnyView {
    let at = href(view.row.id);
    let revision = view.row.revision.to_string();
    let last = view.rules.rules.len().saturating_sub(1);
    let items = view
        .rules
        .rules
        .iter()
        .zip(&view.sentences)
        .enumerate()
        .map(|(place, (rule, sentence))| {
            let own = format!("{at}/rules/{}", rule.id);
            let change = |to: &'static str| vec![("revision", revision.clone()), ("to", to.to_owned())];
            let tools = writable.then(|| {
                let up = (place > 0).then(|| view! { <PostButton action=format!("{own}/move") label="Move up" fields=change("up") quiet=true/> });
                let down = (place < last).then(|| view! { <PostButton action=format!("{own}/move") label="Move down" fields=change("down") quiet=true/> });
                view! {
                    <div class="buttons">
                        <ButtonLink href=own.clone() label="Change"/>
                        {up}
                        {down}
                        <PostButton action=format!("{own}/remove") label="Remove" fields=change("") quiet=true/>
                    </div>
                }
            });
            view! {
                <li>
                    <h3><a href=own.clone()>{rule.name.clone()}</a></h3>
                    <p>{sentence.clone()}</p>
                    {tools}
                </li>
            }
        })
        .collect_view();
    let add =
        writable.then(|| view! { <ButtonLink href=format!("{at}/rules/new") label="Add a rule"/> });
    let empty = view.rules.rules.is_empty().then(|| {
        Empty::text(
            "No rules yet",
            "A rule says what is paid for, how much, for how long, and under which conditions.",
        )
        .view()
    });
    let text = "The rule that asks most conditions pays; among equals, the earlier one.";
    view! {
        <Panel title="Rules" text=text>
            {empty}
            <ol class="rules">{items}</ol>
            <div class="buttons">{add}</div>
        </Panel>
    }
    .into_any()
}

fn diff(view: &VersionView) -> Option<AnyView> {
    let before = view.before.as_ref()?;
    let title = format!("What differs from version {}", before.version);
    let fields = view
        .differences
        .iter()
        .map(|d| (d.what.clone(), d.before.clone(), d.after.clone()))
        .collect::<Vec<_>>();
    Some(view! { <Panel title=title id="differences"><Diff fields/></Panel> }.into_any())
}

fn publish_form(view: &VersionView, today: String) -> AnyView {
    let hint = "Today means at once. Later days begin at midnight in the program’s zone. What has been earned before keeps its version.";
    let (action, revision) = (format!("{}/publish", href(view.row.id)), revision(view));
    view! {
        <Panel title="Publish" id="publish">
            <PostForm action=action name="publish">
                {revision}
                <DateField name="effective_date" label="Counts from" hint=hint required=true min=today/>
                <Submit label="Publish"/>
            </PostForm>
        </Panel>
    }
    .into_any()
}

fn start_form(view: &VersionView) -> AnyView {
    let at = href(view.row.id);
    let options = super::ready_made();
    let (seen, again) = (revision(view), revision(view));
    let discard = format!("{at}/discard");
    view! {
        <Panel title="Start again" text="Replaces every rule of this draft.">
            <PostForm action=format!("{at}/start") name="start">
                {seen}
                <SelectField name="start" label="From a ready-made plan" options=options required=true/>
                <Submit label="Replace the rules" quiet=true/>
            </PostForm>
            <Confirm id="discard" label="Discard the draft" title="Discard this draft?" text="Its changes are lost. What counts today stays." danger=true>
                <PostForm action=discard name="discard">
                    {again}
                    <Submit label="Discard" danger=true/>
                </PostForm>
            </Confirm>
        </Panel>
    }
    .into_any()
}

fn facts(view: &VersionView, zone: chrono_tz::Tz, can: bool) -> AnyView {
    let from = (!matches!(view.standing, Standing::Draft | Standing::Withdrawn)).then(|| {
        let day = program_day(view.row.effective_from, zone);
        view! { <Fact label="Counts from">{day}</Fact> }
    });
    let withdraw = (can && view.standing == Standing::Scheduled).then(|| {
        let action = format!("{}/withdraw", href(view.row.id));
        view! {
            <Confirm id="withdraw" label="Withdraw" title="Withdraw this version?" text="It never counts then. What counts today goes on." danger=true>
                <PostForm action=action name="withdraw">
                    <Submit label="Withdraw" danger=true/>
                </PostForm>
            </Confirm>
        }
    });
    let revision = view.row.revision;
    let changes = (view.standing == Standing::Draft)
        .then(|| view! { <Fact label="Changes so far">{count_text(revision)}</Fact> });
    let (begun, zone) = (view.row.created_at, view.program.time_zone.clone());
    view! {
        <Panel title="Facts">
            <Facts>
                {from}
                <Fact label="Begun"><Moment at=begun/></Fact>
                {changes}
                <Fact label="Zone">{zone}</Fact>
                <Fact label="Split credit">"A customer’s credit is split between partners on its "<a href="/manager/accounts">"account"</a>"; each is paid by these rules on its share."</Fact>
            </Facts>
            {withdraw}
        </Panel>
    }
    .into_any()
}

/// What every change of a draft names: the draft that was looked at.
#[derive(serde::Deserialize, Default)]
#[serde(default)]
pub(super) struct Change {
    revision: String,
    effective_date: String,
    start: String,
    pub(super) to: String,
}

impl Change {
    /// One that never is, where none was sent.
    pub(super) fn revision(&self) -> i64 {
        self.revision.parse().unwrap_or(-1)
    }
}

async fn publish(page: Page, Path(id): Path<i64>, form: Form<Change>) -> PageResult {
    let published = plan::publish(&page.ctx, id, form.revision(), &form.effective_date).await;
    match published {
        Ok(from) if from <= page.now() => {
            page.done(&href(id), "Published. It counts from now on.")
                .await
        }
        Ok(_) => {
            page.done(&href(id), "Published. It counts from its day on.")
                .await
        }
        Err(e) => {
            page.refused(&format!("{}#publish", href(id)), e, &form.pairs)
                .await
        }
    }
}

async fn withdraw(page: Page, Path(id): Path<i64>) -> PageResult {
    let done = plan::withdraw(&page.ctx, id).await;
    page.answer(done, &href(id), "Withdrawn. It never counts.", &[])
        .await
}

async fn discard(page: Page, Path(id): Path<i64>, form: Form<Change>) -> PageResult {
    match plan::discard(&page.ctx, id, form.revision()).await {
        Ok(plan_id) => {
            let to = plan_id.map_or_else(|| HERE.to_owned(), super::href);
            page.done(&to, "The draft is discarded.").await
        }
        Err(e) => page.refused(&href(id), e, &form.pairs).await,
    }
}

async fn start(page: Page, Path(id): Path<i64>, form: Form<Change>) -> PageResult {
    let done = plan::start_again(&page.ctx, id, form.revision(), &form.start).await;
    page.answer(done, &href(id), "The rules are replaced.", &form.pairs)
        .await
}
