//! The administrator's home: does it run?

use super::may_change;
use crate::{
    page::{Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use leptos::prelude::*;
use service::desk::{self, Pulse};

/// Lines of the audit log; the rest is behind its link.
const LATEST: u64 = 8;

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new().get("/admin", Access::Admin, show)
}

async fn show(page: Page) -> PageResult {
    let pulse = desk::pulse(&page.ctx).await?;
    let events = desk::latest(&page.ctx, LATEST).await?;
    let plans = service::plan::list(&page.ctx).await?;
    let kept = Kept {
        programs: service::program::all(page.ctx.reader()).await?.len(),
        drafts: plans.iter().filter(|p| p.draft.is_some()).count(),
        plans: plans.len(),
        staff: service::identity::staff_list(&page.ctx)
            .await?
            .iter()
            .filter(|p| p.disabled_at.is_none())
            .count(),
    };
    let reads = !may_change(&page);
    let head = Head::new("Administration").text("Whether everything runs, and what was done last.");
    Ok(page.render(head, move || {
        let reads = reads.then(|| view! {
            <Notice title="You read everything and change nothing">"The menu leads to every record of the vendor’s side."</Notice>
        });
        let log = super::audit::table(events);
        view! {
            {reads}
            {verdict(&pulse)}
            {figures(&pulse)}
            {kept.figures()}
            <Panel title="Done last" actions=|| view! { <ButtonLink href="/admin/audit" label="Audit log"/> }>{log}</Panel>
        }
    }))
}

/// What administrators keep.
struct Kept {
    programs: usize,
    plans: usize,
    drafts: usize,
    staff: usize,
}

impl Kept {
    fn figures(self) -> AnyView {
        let count = |n: usize| count_text(n as i64);
        let drafts = match self.drafts {
            0 => "No drafts".to_owned(),
            1 => "One draft is being written".to_owned(),
            n => format!("{n} drafts are being written"),
        };
        view! {
            <Figures>
                <Figure label="Programs" href="/admin/programs" note="Policy, terms, tiers, products">{count(self.programs)}</Figure>
                <Figure label="Plans" href="/admin/plans" note=drafts>{count(self.plans)}</Figure>
                <Figure label="Staff" href="/admin/staff" note="Roles and sign-in">{count(self.staff)}</Figure>
                <Figure label="Connected" href="/admin/integrations" note="How Stripe and mail are set up">"Integrations"</Figure>
                <Figure label="Measured" href="/admin/health" note="Database, queues, workers, books">"System health"</Figure>
            </Figures>
        }
        .into_any()
    }
}

fn counted(n: i64, one: &str, many: &str) -> String {
    format!("{} {}", count_text(n), if n == 1 { one } else { many })
}

fn verdict(p: &Pulse) -> AnyView {
    let mut wrong = Vec::new();
    if p.dead_jobs > 0 {
        wrong.push((
            "/admin/jobs?status=dead",
            counted(p.dead_jobs, "job was given up", "jobs were given up"),
        ));
    }
    if p.failed_events > 0 {
        wrong.push((
            "/admin/webhooks?status=failed",
            counted(
                p.failed_events,
                "event from Stripe could not be handled",
                "events from Stripe could not be handled",
            ),
        ));
    }
    if p.late_jobs > 0 {
        wrong.push((
            "/admin/jobs?status=waiting",
            counted(
                p.late_jobs,
                "job is late: are the workers running?",
                "jobs are late: are the workers running?",
            ),
        ));
    }
    if wrong.is_empty() {
        return view! { <Notice tone=Tone::Good title="Everything runs"/> }.into_any();
    }
    let items = wrong
        .into_iter()
        .map(|(href, words)| view! { <li><a href=href>{words}</a></li> })
        .collect_view();
    view! { <Notice tone=Tone::Warn title="Something needs a person"><ul>{items}</ul></Notice> }
        .into_any()
}

fn figures(p: &Pulse) -> AnyView {
    let p = *p;
    view! {
        <Figures>
            <Figure label="Jobs waiting" href="/admin/jobs?status=waiting">{count_text(p.waiting_jobs)}</Figure>
            <Figure label="Events waiting" href="/admin/webhooks?status=received">{count_text(p.waiting_events)}</Figure>
            <Figure label="Mails waiting" href="/admin/mail?status=waiting">{count_text(p.waiting_mails)}</Figure>
            <Figure label="Active partners" href="/manager/partners">{count_text(p.partners)}</Figure>
            <Figure label="People who can sign in">{count_text(p.people)}</Figure>
        </Figures>
    }
    .into_any()
}
