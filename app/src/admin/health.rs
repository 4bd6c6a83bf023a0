//! Whether the installation is well, and where what is not is mended.

use crate::{
    page::{Head, Page, PageResult},
    routes::{Access, Routes},
    state::Setup,
    ui::*,
};
use chrono::{DateTime, TimeDelta, Utc};
use leptos::prelude::*;
use service::system::{self, Health};

/// A queue whose oldest entry waits longer is late.
const LATE: TimeDelta = TimeDelta::minutes(5);

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new().get("/admin/health", Access::Admin, show)
}

/// One thing that is looked at.
struct Check {
    what: &'static str,
    tone: Tone,
    verdict: String,
    detail: AnyView,
    mend: Option<(&'static str, &'static str)>,
}

fn check(what: &'static str, well: bool, words: (&str, &str), detail: AnyView) -> Check {
    let (tone, verdict) = if well {
        (Tone::Good, words.0)
    } else {
        (Tone::Bad, words.1)
    };
    Check {
        what,
        tone,
        verdict: verdict.to_owned(),
        detail,
        mend: None,
    }
}

impl Check {
    fn mend(mut self, label: &'static str, href: &'static str) -> Self {
        self.mend = Some((label, href));
        self
    }
}

async fn show(page: Page) -> PageResult {
    let health = system::health(&page.ctx).await?;
    let setup = page.state.setup.clone();
    let now = page.now();
    let head = Head::new("System health")
        .text("What is measured now, and what was noted last.")
        .to_the_second();
    Ok(page.render(head, move || {
        let checks = checks(&health, &setup, now);
        let bad = checks.iter().filter(|c| c.tone == Tone::Bad).count();
        let verdict = match bad {
            0 => view! { <Notice tone=Tone::Good title="Everything is well"/> }.into_any(),
            1 => view! { <Notice tone=Tone::Bad title="One thing needs a person"/> }.into_any(),
            n => view! { <Notice tone=Tone::Bad title=format!("{n} things need a person")/> }.into_any(),
        };
        let rows = checks
            .into_iter()
            .map(|c| {
                let mend = c.mend.map(|(label, href)| view! { <a href=href>{label}</a> });
                view! {
                    <tr>
                        <th scope="row" data-label="What">{c.what}</th>
                        <td data-label="State"><Status of="" label=c.verdict tone=c.tone/></td>
                        <td data-label="In figures">{c.detail}</td>
                        <td data-label="Where to look">{mend}</td>
                    </tr>
                }
            })
            .collect_view();
        view! {
            {verdict}
            <div class="list">
                <div class="table-wrap" tabindex="0" role="region" aria-label="Checks">
                    <table class="table">
                        <caption class="sr">"Checks"</caption>
                        <thead><tr><th scope="col">"What"</th><th scope="col">"State"</th><th scope="col">"In figures"</th><th scope="col">"Where to look"</th></tr></thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            </div>
        }
    }))
}

/// So many, and how old the oldest is.
fn queue(count: i64, what: &str, oldest: Option<DateTime<Utc>>) -> AnyView {
    let count = format!("{} {what}", count_text(count));
    match oldest {
        Some(at) => view! { {count} ", the oldest " <Ago at/> }.into_any(),
        None => count.into_any(),
    }
}

fn checks(h: &Health, setup: &Setup, now: DateTime<Utc>) -> Vec<Check> {
    let q = h.queues;
    let fresh = |oldest: Option<DateTime<Utc>>| oldest.is_none_or(|at| now - at < LATE);
    let database = format!("{} {}, {}", h.database, h.database_version, size(h.size));
    let mut ours = setup.steps.clone();
    ours.sort();
    let current = h.steps == ours;
    let schema = format!(
        "{} steps, the last {}; portal {}",
        h.steps.len(),
        h.steps.last().cloned().unwrap_or_default(),
        setup.version
    );
    let beat = match h.beat {
        Some(at) => view! { "Last sign of life " <Ago at/> }.into_any(),
        None => "No sign of life yet".into_any(),
    };
    let alive = h.beat.is_some_and(|at| now - at < LATE);
    let audit = match &h.audit {
        None => Check {
            what: "Books",
            tone: Tone::Neutral,
            verdict: "Not audited yet".to_owned(),
            detail: view! { "Run " <code>"portico audit"</code> }.into_any(),
            mend: None,
        },
        Some(a) => {
            let (transactions, at) = (count_text(a.transactions as i64), a.at);
            let found = view! { {transactions} " transactions, " <Ago at/> }.into_any();
            let differences = format!("{} differences", a.differences);
            check(
                "Books",
                a.differences == 0,
                ("In balance", differences.as_str()),
                found,
            )
        }
    };
    vec![
        check("Database", true, ("Answers", ""), database.into_any()),
        check(
            "Schema",
            current,
            ("Up to date", "Not this version’s"),
            schema.into_any(),
        ),
        check("Workers", alive, ("Working", "Silent"), beat),
        check(
            "Jobs",
            fresh(q.oldest_job),
            ("On time", "Late"),
            queue(q.due_jobs, "due", q.oldest_job),
        )
        .mend("Waiting jobs", "/admin/jobs?status=waiting"),
        check(
            "Jobs given up",
            q.dead_jobs == 0,
            ("Nothing waits", "Wait for a person"),
            queue(q.dead_jobs, "given up", None),
        )
        .mend("Jobs given up", "/admin/jobs?status=dead"),
        check(
            "Webhook inbox",
            fresh(q.oldest_event),
            ("On time", "Late"),
            queue(q.events, "waiting", q.oldest_event),
        )
        .mend("Waiting events", "/admin/webhooks?status=received"),
        check(
            "Webhooks that failed",
            q.failed_events == 0,
            ("Nothing waits", "Wait for a person"),
            queue(q.failed_events, "failed", None),
        )
        .mend("Failed events", "/admin/webhooks?status=failed"),
        check(
            "Mail",
            fresh(q.oldest_mail),
            ("On time", "Late"),
            queue(q.mails, "waiting", q.oldest_mail),
        )
        .mend("Waiting mail", "/admin/mail?status=waiting"),
        audit.mend("Ledger", "/finance/ledger"),
    ]
}

/// Bytes in a unit that people read.
fn size(bytes: i64) -> String {
    let locale = &ui().locale;
    match bytes {
        b if b < 1_000_000 => format!("{} kB", locale.count(b / 1_000)),
        b if b < 10_000_000_000 => format!("{} MB", locale.count(b / 1_000_000)),
        b => format!("{} GB", locale.count(b / 1_000_000_000)),
    }
}
