//! Applications: the queue by due time, and the record with its decision.

mod record;

use crate::{
    csv::{self, Csv},
    page::{Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use domain::application::{ApplicationStatus as A, PartnerType};
use leptos::prelude::*;
use service::application::{self, QueueRow, QueueView};

/// Adds this area's addresses.
#[must_use]
pub fn routes() -> Routes {
    Routes::new()
        .get("/manager/applications", Access::Manager, queue)
        .get("/manager/applications.csv", Access::Manager, csv)
        .merge(record::routes())
}

fn view_of(page: &Page, list: &ListQuery) -> QueueView {
    let waiting = QueueView::default();
    let statuses = match list.filter("status").unwrap_or_default() {
        "all" => Vec::new(),
        one => one.parse().map_or(waiting.statuses, |s| vec![s]),
    };
    QueueView {
        search: list.q.clone(),
        statuses,
        reviewer_id: (list.filter("reviewer") == Some("me"))
            .then(|| page.ctx.actor.person_id())
            .flatten(),
        sort: list
            .sort_or(&["due", "company", "submitted", "status"], "due")
            .to_owned(),
        descending: list.desc,
        offset: list.offset(),
        limit: list.per,
    }
}

async fn queue(page: Page) -> PageResult {
    let list = page.list();
    let (rows, total) = application::queue(&page.ctx, &view_of(&page, &list)).await?;
    let head = Head::new("Applications").text("Everything that waits, the most urgent first.");
    Ok(page.render(head, move || {
        let statuses = std::iter::once(("all", "All that were sent")).chain(
            A::ALL
                .iter()
                .filter(|s| **s != A::Draft)
                .map(|s| (s.as_str(), s.label())),
        );
        Table::new(rows, total, &list)
            .caption("Applications")
            .sorted("company", "Company", |r: &QueueRow| {
                view! { {r.company.clone()} <span class="muted">" " {r.domain.clone()}</span> }
            })
            .col("Applicant", |r| r.applicant.clone())
            .col("Type", |r| {
                r.partner_type
                    .parse::<PartnerType>()
                    .map_or_else(|_| r.partner_type.clone(), |t| t.label().to_owned())
            })
            .aside()
            .col("Country", |r| country_name(&r.country).to_owned())
            .aside()
            .sorted(
                "status",
                "Status",
                |r| view! { <Status of=r.status.as_str()/> },
            )
            .sorted("submitted", "Sent", |r| view! { <Ago at=r.submitted_at/> })
            .sorted("due", "Answer", |r| {
                r.due_at.map(|due| view! { <Clock due=due/> })
            })
            .col("Reviewer", |r| r.reviewer.clone().unwrap_or_default())
            .aside()
            .href(|r| format!("/manager/applications/{}", r.id))
            .search("Company, domain, name or address")
            .filter("status", "Status", statuses)
            .filter("reviewer", "Reviewer", [("me", "Mine")])
            .views(vec![
                Tab::new("Waiting", "/manager/applications"),
                Tab::new("Mine", "/manager/applications?reviewer=me"),
                Tab::new(
                    "All",
                    "/manager/applications?status=all&sort=submitted&dir=desc",
                ),
            ])
            .csv("/manager/applications.csv")
            .empty(
                Empty::text(
                    "Nothing waits",
                    "Applications appear here as soon as they are sent.",
                )
                .action("See the public page", "/"),
            )
            .view()
    }))
}

async fn csv(page: Page) -> PageResult {
    let asked = view_of(&page, &page.list());
    let mut whole = csv::Whole::default();
    while let Some((offset, limit)) = whole.wanted() {
        let part = QueueView {
            offset,
            limit,
            ..asked.clone()
        };
        whole.take(application::queue(&page.ctx, &part).await?)?;
    }
    let rows = whole.rows;
    let mut file = Csv::new(&[
        "id",
        "company",
        "domain",
        "country",
        "type",
        "applicant",
        "status",
        "sent",
        "due",
        "reviewer",
    ]);
    for r in rows {
        let due = r.due_at.map(|d| d.to_rfc3339()).unwrap_or_default();
        file.row([
            r.id.to_string().as_str(),
            &r.company,
            &r.domain,
            &r.country,
            &r.partner_type,
            &r.applicant,
            r.status.as_str(),
            &r.submitted_at.to_rfc3339(),
            &due,
            r.reviewer.as_deref().unwrap_or_default(),
        ]);
    }
    Ok(page.csv("applications.csv", file.finish()))
}
