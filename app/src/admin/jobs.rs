//! Work that is done after a request: what waits, what was given up.

use super::{may_change, query, whole};
use crate::{
    csv,
    csv::Csv,
    page::{Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use entity::job::Model;
use leptos::prelude::*;
use service::desk;

const HERE: &str = "/admin/jobs";

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new()
        .get(HERE, Access::Admin, index)
        .get("/admin/jobs.csv", Access::Admin, export)
        .get("/admin/jobs/{id}", Access::Admin, show)
        .post("/admin/jobs/{id}/retry", Access::Admin, retry)
}

const STATUSES: [(&str, &str); 3] = [
    ("waiting", "Waiting"),
    ("dead", "Given up"),
    ("done", "Done"),
];

fn words(status: &str) -> String {
    STATUSES
        .iter()
        .find(|(k, _)| *k == status)
        .map_or_else(|| label_of(status), |(_, l)| (*l).to_owned())
}

async fn index(page: Page) -> PageResult {
    let list = page.list();
    let (rows, total) = desk::jobs(&page.ctx, &query(&list)).await?;
    let head = Head::new("Jobs").text("Mail, calls to Stripe and reminders. A job that keeps failing is given up and waits here for a person.");
    Ok(page.render(head, move || {
        Table::new(rows, total, &list)
            .caption("Jobs")
            .col("Job", |j: &Model| j.kind.clone())
            .col(
                "Status",
                |j| view! { <Status of=j.status.clone() label=words(&j.status)/> },
            )
            .num("Tries", |j| count_text(j.attempts))
            .col("Runs", |j| view! { <Ago at=j.run_at/> })
            .sorted("created", "Asked for", |j| view! { <Ago at=j.created_at/> })
            .col("What went wrong", |j| j.error.clone())
            .href(|j| format!("{HERE}/{}", j.id))
            .search("Kind, error or key")
            .filter("status", "Status", STATUSES)
            .views(vec![
                Tab::new("All", HERE),
                Tab::new("Given up", format!("{HERE}?status=dead")),
                Tab::new("Waiting", format!("{HERE}?status=waiting")),
            ])
            .csv("/admin/jobs.csv")
            .empty(Empty::text(
                "No jobs yet",
                "Work that is done after a request appears here.",
            ))
            .view()
    }))
}

async fn export(page: Page) -> PageResult {
    let (rows, _) = desk::jobs(&page.ctx, &whole(&page.list())).await?;
    let mut file = Csv::new(&[
        "Id",
        "Kind",
        "Status",
        "Tries",
        "Runs",
        "Asked for",
        "Finished",
        "Error",
    ]);
    for j in rows {
        file.row([
            j.id.to_string(),
            j.kind,
            j.status,
            j.attempts.to_string(),
            csv::moment(j.run_at),
            csv::moment(j.created_at),
            csv::moment_or_none(j.finished_at),
            j.error.unwrap_or_default(),
        ]);
    }
    Ok(page.csv("jobs.csv", file.finish()))
}

async fn show(page: Page, Path(id): Path<i64>) -> PageResult {
    let job = desk::job(&page.ctx, id).await?;
    let timeline = service::event::timeline(page.ctx.reader(), "job", id, true).await?;
    let head = Head::new(format!("Job {id}"))
        .text(job.kind.clone())
        .crumb("Jobs", HERE)
        .status_as(words(&job.status), tone_of(&job.status));
    let can = may_change(&page) && job.status == "dead";
    Ok(page.render(head, move || {
        let wrong = job.error.clone().map(|why| {
            let retry = can.then(|| view! { <PostButton action=format!("{HERE}/{id}/retry") label="Try again" primary=true/> });
            let tone = if job.status == "dead" { Tone::Bad } else { Tone::Warn };
            view! { <Notice tone=tone title="What went wrong"><p>{why}</p>{retry}</Notice> }
        });
        let payload = serde_json::to_string_pretty(&job.payload).unwrap_or_default();
        let finished = job.finished_at.map(|at| view! { <Fact label="Finished"><Moment at/></Fact> });
        let key = job.dedupe_key.clone().map(|k| view! { <Fact label="Key"><code>{k}</code></Fact> });
        let events = crate::apply::standing::events(timeline);
        view! {
            {wrong}
            <Record>
                <RecordMain>
                    <Panel title="What it is about"><pre class="code">{payload}</pre></Panel>
                    <Panel title="What happened"><Timeline events/></Panel>
                </RecordMain>
                <RecordSide>
                    <Panel title="Facts">
                        <Facts>
                            <Fact label="Tries">{count_text(job.attempts)}</Fact>
                            <Fact label="Runs"><Moment at=job.run_at/></Fact>
                            <Fact label="Asked for"><Moment at=job.created_at/></Fact>
                            {finished}
                            {key}
                        </Facts>
                    </Panel>
                </RecordSide>
            </Record>
        }
    }))
}

async fn retry(page: Page, Path(id): Path<i64>) -> PageResult {
    let here = format!("{HERE}/{id}");
    let done = desk::retry_job(&page.ctx, id).await;
    page.answer(done, &here, "It is tried again now.", &[])
        .await
}
