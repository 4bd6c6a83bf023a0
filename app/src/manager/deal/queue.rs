//! Registrations that were sent: those that wait for an answer first, by due time.

use crate::{
    csv::{self, Csv},
    page::{Head, Page, PageResult},
    partner::deal::parts,
    routes::{Access, Routes},
    ui::*,
};
use domain::deal::{DealStatus as D, SalesStage};
use leptos::prelude::*;
use service::deal::{self, DealList, DealRow};

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/manager/deals", Access::Manager, queue)
        .get("/manager/deals.csv", Access::Manager, export)
}

const SORTS: [&str; 9] = [
    "customer",
    "partner",
    "status",
    "value",
    "submitted",
    "due",
    "protected",
    "close",
    "updated",
];

/// What of all registrations the address asks for: without a status, what waits for a reviewer.
fn view_of(page: &Page, list: &ListQuery) -> DealList {
    let asked = list.all("status");
    let all = asked.contains(&"all") || list.filter("partner").is_some();
    let extension = list.filter("only") == Some("extension");
    let mut statuses: Vec<D> = asked.iter().filter_map(|s| s.parse().ok()).collect();
    if statuses.is_empty() && !all && !extension {
        statuses = D::ALL
            .iter()
            .copied()
            .filter(|s| s.awaits_review())
            .collect();
    }
    let fallback = if statuses.iter().any(|s| s.awaits_review()) {
        "due"
    } else {
        "updated"
    };
    let sort = list.sort_or(&SORTS, fallback).to_owned();
    DealList {
        search: list.q.clone(),
        statuses,
        stage: list.filter("stage").and_then(|s| s.parse().ok()),
        partner_id: list.filter("partner").and_then(|p| p.parse().ok()),
        reviewer_id: match list.filter("reviewer") {
            Some("me") => page.ctx.actor.person_id(),
            Some("nobody") => Some(0),
            _ => None,
        },
        contested: list.filter("only") == Some("conflicts"),
        extension,
        descending: list.desc || (list.sort.is_empty() && sort == "updated"),
        sort,
        offset: list.offset(),
        limit: list.per,
        ..DealList::default()
    }
}

async fn queue(page: Page) -> PageResult {
    let list = page.list();
    let (rows, total) = deal::list(&page.ctx, &view_of(&page, &list)).await?;
    let head =
        Head::new("Deals").text("What partners have registered; what waits for an answer comes first, the most urgent on top.");
    Ok(page.render(head, move || {
        let statuses = std::iter::once(("all", "All that were sent")).chain(
            D::ALL
                .iter()
                .filter(|s| **s != D::Draft)
                .map(|s| (s.as_str(), s.label())),
        );
        Table::new(rows, total, &list)
            .caption("Deals")
            .sorted("customer", "Customer", |r: &DealRow| parts::customer(r))
            .sorted("partner", "Partner", |r| r.partner.clone())
            .sorted(
                "status",
                "Status",
                |r| view! { <Status of=r.status.as_str() label=r.status.label()/> },
            )
            .col("Found", |r| {
                (!r.conflicts.is_empty()).then(|| {
                    view! { <Status of="conflict" label=r.conflicts.join(", ")/> }
                })
            })
            .col("Products", |r| r.lines.join(", "))
            .aside()
            .sorted_num("value", "First year", |r| {
                parts::value(r.value, &r.currency)
            })
            .sorted("due", "Clock", parts::clock)
            .sorted("submitted", "Sent", |r| {
                r.submitted_at.map(|at| view! { <Ago at=at/> })
            })
            .aside()
            .col("Reviewer", |r| r.reviewer.clone())
            .aside()
            .href(|r| format!("/manager/deals/{}", r.id))
            .search("Customer or partner")
            .filter("status", "Status", statuses)
            .filter(
                "stage",
                "Stage",
                SalesStage::ALL.iter().map(|s| (s.as_str(), s.label())),
            )
            .filter(
                "reviewer",
                "Reviewer",
                [("me", "Mine"), ("nobody", "Nobody")],
            )
            .filter(
                "only",
                "Only",
                [
                    ("conflicts", "With findings"),
                    ("extension", "Asking for more time"),
                ],
            )
            .views(vec![
                Tab::new("Waiting", "/manager/deals"),
                Tab::new("Mine", "/manager/deals?reviewer=me"),
                Tab::new("Asked", "/manager/deals?status=information_requested"),
                Tab::new("More time", "/manager/deals?only=extension"),
                Tab::new("Protected", "/manager/deals?sort=protected&status=approved"),
                Tab::new("All", "/manager/deals?status=all"),
            ])
            .csv("/manager/deals.csv")
            .empty(
                Empty::text(
                    "Nothing waits",
                    "Registrations appear here as soon as partners send them.",
                )
                .action("See all", "/manager/deals?status=all"),
            )
            .view()
    }))
}

async fn export(page: Page) -> PageResult {
    let asked = view_of(&page, &page.list());
    let mut whole = csv::Whole::default();
    while let Some((offset, limit)) = whole.wanted() {
        let part = DealList {
            offset,
            limit,
            ..asked.clone()
        };
        whole.take(deal::list(&page.ctx, &part).await?)?;
    }
    let rows = whole.rows;
    let mut out = Csv::new(&[
        "id",
        "customer",
        "domain",
        "country",
        "partner",
        "products",
        "status",
        "stage",
        "value",
        "currency",
        "expected_close",
        "sent",
        "answer_due",
        "protected_until",
        "reviewer",
        "found",
    ]);
    for r in rows {
        out.row([
            r.id.to_string(),
            r.customer,
            r.domain,
            r.country,
            r.partner,
            r.lines.join("; "),
            r.status.to_string(),
            r.stage.to_string(),
            r.value
                .map(|v| csv::amount(v, &r.currency))
                .unwrap_or_default(),
            r.currency,
            r.expected_close.map(|d| d.to_string()).unwrap_or_default(),
            csv::moment_or_none(r.submitted_at),
            csv::moment_or_none(r.due_at),
            csv::moment_or_none(r.protected_until),
            r.reviewer,
            r.conflicts.join("; "),
        ]);
    }
    Ok(page.csv("deals.csv", out.finish()))
}
