//! Work that is done after a request: what waits, what was given up.

use super::{may_change, part, query};
use crate::{
    csv,
    csv::Csv,
    page::{Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use leptos::prelude::*;
use service::desk::{self, About, JobLine};

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

/// What a kind of job does.
fn task(kind: &str) -> &str {
    match kind {
        "mail.send" => "Send a mail",
        "payout.run" => "Start a payout run",
        "payout.work" => "Pay a partner",
        "payout_account.refresh" => "Look at a payout account",
        "transfer.sync" => "Look at a transfer",
        "bank_payout.sync" => "Look at payouts to a bank",
        "certificate.remind" => "Remind of a certificate",
        "deal.ask_stripe" => "Ask Stripe about a registered company",
        other => other,
    }
}

/// What a job is about in words, and where more is said.
fn about(about: &About) -> (String, Option<String>) {
    match about {
        About::Mail { id, subject, to } => (
            format!("“{subject}” to {to}"),
            Some(format!("/admin/mail/{id}")),
        ),
        About::Run { id, number } => (number.clone(), Some(format!("/finance/runs/{id}"))),
        About::Payout { id, partner } => (
            format!("Payout {id} to {partner}"),
            Some(format!("/finance/payouts/{id}")),
        ),
        About::Certificate { number, person } => {
            (person.clone(), Some(format!("/certificates/{number}")))
        }
        About::Stripe(id) => (id.clone(), None),
        About::Unknown => (String::new(), None),
    }
}

async fn index(page: Page) -> PageResult {
    let list = page.list();
    let (rows, total) = desk::jobs(&page.ctx, &query(&list)).await?;
    let head = Head::new("Jobs").text("Mail, calls to Stripe and reminders. A job that keeps failing is given up and waits here for a person.");
    Ok(page.render(head, move || {
        Table::new(rows, total, &list)
            .caption("Jobs")
            .col("Job", |j: &JobLine| task(&j.job.kind).to_owned())
            .col("About", |j| about(&j.about).0)
            .col(
                "Status",
                |j| view! { <Status of=j.job.status.clone() label=words(&j.job.status)/> },
            )
            .num("Tries", |j| count_text(j.job.attempts))
            .aside()
            .col("Runs", |j| view! { <Ago at=j.job.run_at/> })
            .aside()
            .sorted(
                "created",
                "Asked for",
                |j| view! { <Ago at=j.job.created_at/> },
            )
            .aside()
            .col("What went wrong", |j| j.job.error.clone())
            .href(|j| format!("{HERE}/{}", j.job.id))
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
    let asked = query(&page.list());
    let mut whole = csv::Whole::default();
    while let Some((offset, limit)) = whole.wanted() {
        whole.take(desk::jobs(&page.ctx, &part(&asked, offset, limit)).await?)?;
    }
    let rows = whole.rows;
    let mut file = Csv::new(&[
        "Id",
        "Kind",
        "About",
        "Status",
        "Tries",
        "Runs",
        "Asked for",
        "Finished",
        "Error",
    ]);
    for JobLine { job: j, about: of } in rows {
        file.row([
            j.id.to_string(),
            j.kind,
            about(&of).0,
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
    let JobLine { job, about: of } = desk::job(&page.ctx, id).await?;
    let timeline = service::event::timeline(page.ctx.reader(), "job", id, true).await?;
    let (subject, href) = about(&of);
    let head = Head::new(task(&job.kind).to_owned())
        .text(subject.clone())
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
        let place = href.map(|href| view! { <Fact label="About"><a href=href>{subject}</a></Fact> });
        let finished = job.finished_at.map(|at| view! { <Fact label="Finished"><Moment at/></Fact> });
        let key = job.dedupe_key.clone().map(|k| view! { <Fact label="Key"><code>{k}</code></Fact> });
        let events = crate::apply::standing::events(timeline);
        view! {
            {wrong}
            <Record>
                <RecordMain>
                    <Panel title="What it was given"><pre class="code">{payload}</pre></Panel>
                    <Panel title="What happened"><Timeline events/></Panel>
                </RecordMain>
                <RecordSide>
                    <Panel title="Facts">
                        <Facts>
                            <Fact label="Job">{job.id}</Fact>
                            <Fact label="Kind"><code>{job.kind}</code></Fact>
                            {place}
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
