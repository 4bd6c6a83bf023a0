//! The managers' home: what waits, and how long?

use crate::{
    page::{Head, Page, PageResult},
    partner::deal::parts,
    routes::{Access, Routes},
    ui::*,
};
use domain::application::ApplicationStatus as A;
use domain::deal::DealStatus;
use domain::partner::PartnerStatus;
use leptos::prelude::*;
use service::{
    application::{self, QueueRow, QueueView},
    deal::{self, DealList, DealRow, StageSum},
    partner::{self, ListView, PartnerRow},
};

pub(super) fn routes() -> Routes {
    Routes::new().get("/manager", Access::Manager, show)
}

/// Rows of each list; the rest is behind its link.
const ROWS: u64 = 6;

async fn show(page: Page) -> PageResult {
    let ctx = &page.ctx;
    let waiting = QueueView {
        statuses: A::ALL
            .iter()
            .copied()
            .filter(|s| s.awaits_review())
            .collect(),
        limit: ROWS,
        ..QueueView::default()
    };
    let (applications, _) = application::queue(ctx, &waiting).await?;
    let awaits = DealStatus::ALL
        .iter()
        .copied()
        .filter(|s| s.awaits_review())
        .collect();
    let due = DealList {
        statuses: awaits,
        sort: "due".to_owned(),
        descending: false,
        limit: ROWS,
        ..DealList::default()
    };
    let (deals, _) = deal::list(ctx, &due).await?;
    let (_, contested) = deal::contests(ctx, "", 0, 1).await?;
    let stages = deal::pipeline(ctx).await?;
    let alone = ListView {
        manager_id: Some(0),
        limit: 1,
        ..ListView::default()
    };
    let (_, alone) = partner::list(ctx, &alone).await?;
    let quiet = ListView {
        status: Some(PartnerStatus::Active),
        manager_id: mine(&page).await?,
        sort: "quiet".to_owned(),
        limit: ROWS,
        ..ListView::default()
    };
    let (quiet, _) = partner::list(ctx, &quiet).await?;
    let now = page.now();
    let late = |due: Option<chrono::DateTime<chrono::Utc>>| due.is_some_and(|due| due < now);
    let late_applications = applications.iter().filter(|r| late(r.due_at)).count();
    let late_deals = deals.iter().filter(|r| late(r.due_at)).count();
    // The same numbers as beside the menu's entries.
    let (to_review, to_answer, to_decide) = (
        page.waiting("/manager/applications"),
        page.waiting("/manager/deals"),
        page.waiting("/manager/conflicts"),
    );
    let shared = match contested {
        0 => String::new(),
        1 => "1 company is wanted by several partners".to_owned(),
        n => format!("{n} companies are wanted by several partners"),
    };
    Ok(page.render(Head::new("Partner management").text("What waits, the most urgent first."), move || {
        view! {
            <Figures>
                {figure("Applications", to_review, "/manager/applications", late_applications)}
                {figure("Deals", to_answer, "/manager/deals", late_deals)}
                <Figure label="Conflicts to decide" href="/manager/conflicts" note=shared>{count_text(to_decide)}</Figure>
                <Figure label="Partners nobody looks after" href="/manager/partners?manager=0">{count_text(alone as i64)}</Figure>
            </Figures>
            <Record>
                <RecordMain>
                    <Panel title="Deals" actions=|| view! { <ButtonLink href="/manager/deals" label="All deals"/> }>
                        {deal_table(deals)}
                    </Panel>
                    <Panel title="Applications" actions=|| view! { <ButtonLink href="/manager/applications" label="All applications"/> }>
                        {application_table(applications)}
                    </Panel>
                </RecordMain>
                <RecordSide>
                    <Panel title="Pipeline" text="Open registrations by the partner’s stage." actions=|| view! { <ButtonLink href="/manager/pipeline" label="Pipeline"/> }>
                        {stage_facts(stages)}
                    </Panel>
                    <Panel title="Quiet partners" text="Nothing has happened there for longest.">
                        {quiet_facts(quiet)}
                    </Panel>
                </RecordSide>
            </Record>
        }
    }))
}

/// The reader's own partners where there are any, else everybody's.
async fn mine(page: &Page) -> service::Result<Option<i64>> {
    let me = page.ctx.actor.person_id();
    let own = ListView {
        manager_id: me,
        limit: 1,
        ..ListView::default()
    };
    let (_, own) = partner::list(&page.ctx, &own).await?;
    Ok(me.filter(|_| own > 0))
}

fn figure(label: &'static str, total: i64, href: &'static str, late: usize) -> AnyView {
    let (note, tone) = match late {
        0 => (String::new(), Tone::Neutral),
        n => (format!("{n} overdue"), Tone::Bad),
    };
    view! { <Figure label=format!("{label} waiting") href=href note=note tone=tone>{count_text(total)}</Figure> }
        .into_any()
}

fn deal_table(rows: Vec<DealRow>) -> AnyView {
    Table::plain(rows)
        .caption("Deals that wait")
        .col("Customer", parts::customer)
        .col("Partner", |r: &DealRow| r.partner.clone())
        .col("Status", |r| view! { <Status of=r.status.as_str()/> })
        .num("Value", |r| parts::value(r.value, &r.currency))
        .col("Answer", |r| r.due_at.map(|due| view! { <Clock due=due/> }))
        .href(|r| format!("/manager/deals/{}", r.id))
        .empty(Empty::text(
            "No deal waits",
            "Registrations appear here as soon as partners send them.",
        ))
        .view()
}

fn application_table(rows: Vec<QueueRow>) -> AnyView {
    Table::plain(rows)
        .caption("Applications that wait")
        .col("Company", |r: &QueueRow| r.company.clone())
        .col("Country", |r| country_name(&r.country).to_owned())
        .col("Status", |r| view! { <Status of=r.status.as_str()/> })
        .col("Answer", |r| r.due_at.map(|due| view! { <Clock due=due/> }))
        .href(|r| format!("/manager/applications/{}", r.id))
        .empty(Empty::text(
            "No application waits",
            "They appear here as soon as they are sent.",
        ))
        .view()
}

fn stage_facts(stages: Vec<StageSum>) -> AnyView {
    if stages.is_empty() {
        return view! { <p class="muted">"Nothing is open."</p> }.into_any();
    }
    let facts = stages
        .into_iter()
        .map(|s| {
            let deals = s.deals;
            view! {
                <Fact label=s.stage.label()>
                    {format!("{deals} · ")} <Money minor=s.value currency=s.currency/>
                </Fact>
            }
        })
        .collect_view();
    view! { <Facts>{facts}</Facts> }.into_any()
}

fn quiet_facts(rows: Vec<PartnerRow>) -> AnyView {
    let facts = rows
        .into_iter()
        .map(|r| {
            let href = format!("/manager/partners/{}", r.id);
            let seen = match r.last_activity {
                Some(at) => view! { <Ago at=at/> }.into_any(),
                None => "never".into_any(),
            };
            view! { <Fact label=r.name><a href=href>{seen}</a></Fact> }
        })
        .collect_view();
    view! { <Facts>{facts}</Facts> }.into_any()
}
