//! Deals of a partner: the list, the board by stage, the form and the record.

mod form;
pub(crate) mod parts;
mod record;

use crate::{
    csv::{self, Csv},
    page::{Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use domain::deal::{DealStatus as D, SalesStage};
use leptos::prelude::*;
use service::deal::{self, DealList, DealRow};

/// Adds this area's addresses.
#[must_use]
pub fn routes() -> Routes {
    Routes::new()
        .get("/partner/deals", Access::Partner, list)
        .get("/partner/deals.csv", Access::Partner, export)
        .get("/partner/deals/board", Access::Partner, board)
        .merge(form::routes())
        .merge(record::routes())
}

const SORTS: [&str; 8] = [
    "customer",
    "status",
    "stage",
    "value",
    "submitted",
    "protected",
    "close",
    "updated",
];

/// What of all registrations the address asks for.
fn view_of(list: &ListQuery) -> DealList {
    let statuses: Vec<D> = list
        .all("status")
        .iter()
        .filter_map(|s| s.parse().ok())
        .collect();
    let unsorted = list.sort_or(&SORTS, "").is_empty();
    DealList {
        search: list.q.clone(),
        statuses,
        stage: list.filter("stage").and_then(|s| s.parse().ok()),
        sort: list.sort_or(&SORTS, "updated").to_owned(),
        descending: list.desc || unsorted,
        offset: list.offset(),
        limit: list.per,
        ..DealList::default()
    }
}

async fn list(page: Page) -> PageResult {
    let list = page.list();
    let (rows, total) = deal::list(&page.ctx, &view_of(&list)).await?;
    let head = Head::new("Deals")
        .text("Companies you have registered, and how long they are kept for you.")
        .primary("Register a deal", "/partner/deals/new");
    Ok(page.render(head, move || {
        Table::new(rows, total, &list)
            .caption("Deals")
            .sorted("customer", "Customer", |r: &DealRow| parts::customer(r))
            .sorted("status", "Status", |r| view! { <Status of=r.status.as_str() label=r.status.label()/> })
            .sorted("stage", "Stage", |r| r.stage.label())
            .col("Products", |r| r.lines.join(", "))
            .aside()
            .sorted_num("value", "First year", |r| parts::value(r.value, &r.currency))
            .sorted("protected", "Clock", parts::clock)
            .sorted("close", "Expected close", |r| r.expected_close.map(|d| ui().locale.date(d)))
            .aside()
            .sorted("submitted", "Sent", |r| r.submitted_at.map(|at| view! { <Ago at=at/> }))
            .aside()
            .href(|r| match r.status {
                D::Draft => format!("/partner/deals/{}/edit", r.id),
                _ => format!("/partner/deals/{}", r.id),
            })
            .search("Customer, domain or contact")
            .filter("status", "Status", D::ALL.iter().map(|s| (s.as_str(), s.label())))
            .filter("stage", "Stage", SalesStage::ALL.iter().map(|s| (s.as_str(), s.label())))
            .views(vec![
                Tab::new("All", "/partner/deals"),
                Tab::new("Protected", "/partner/deals?sort=protected&status=approved"),
                Tab::new("Your turn", "/partner/deals?status=information_requested&status=draft"),
                Tab::new("Won", "/partner/deals?status=won"),
                Tab::new("Board", "/partner/deals/board"),
            ])
            .csv("/partner/deals.csv")
            .empty(
                Empty::text(
                    "No deals yet",
                    "Register a company you are talking to. Once approved it is kept for you, and what it pays earns you commission.",
                )
                .action("Register a deal", "/partner/deals/new"),
            )
            .view()
    }))
}

async fn export(page: Page) -> PageResult {
    let asked = view_of(&page.list());
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
        "products",
        "status",
        "stage",
        "value",
        "currency",
        "expected_close",
        "sent",
        "protected_until",
    ]);
    for r in rows {
        out.row([
            r.id.to_string(),
            r.customer,
            r.domain,
            r.country,
            r.lines.join("; "),
            r.status.to_string(),
            r.stage.to_string(),
            r.value
                .map(|v| csv::amount(v, &r.currency))
                .unwrap_or_default(),
            r.currency,
            r.expected_close.map(|d| d.to_string()).unwrap_or_default(),
            csv::moment_or_none(r.submitted_at),
            csv::moment_or_none(r.protected_until),
        ]);
    }
    Ok(page.csv("deals.csv", out.finish()))
}

async fn board(page: Page) -> PageResult {
    let board = deal::board(&page.ctx).await?;
    let head = Head::new("Deals by stage")
        .crumb("Deals", "/partner/deals")
        .text("Your own pipeline: what waits for a decision or is protected.")
        .primary("Register a deal", "/partner/deals/new");
    Ok(page.render(head, move || {
        let empty = board.iter().all(|(_, rows)| rows.is_empty());
        if empty {
            return Empty::text(
                "Nothing in the pipeline",
                "Deals that wait for a decision or are protected stand here by stage.",
            )
            .action("Register a deal", "/partner/deals/new")
            .view();
        }
        parts::board(board, "/partner/deals", true)
    }))
}
