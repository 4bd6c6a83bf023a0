//! Who did what and when, over everything.

use super::{part, query};
use crate::{
    csv,
    csv::Csv,
    page::{Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use leptos::prelude::*;
use service::desk::{self, AuditLine};

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new().get("/admin/audit", Access::Admin, index).get(
        "/admin/audit.csv",
        Access::Admin,
        export,
    )
}

const SUBJECTS: [(&str, &str); 9] = [
    ("partner", "Partners"),
    ("application", "Applications"),
    ("deal", "Deals"),
    ("commission", "Commissions"),
    ("payout_run", "Payout runs"),
    ("payout", "Payouts"),
    ("customer", "Customers"),
    ("certificate", "Certificates"),
    ("person", "People"),
];

async fn index(page: Page) -> PageResult {
    let list = page.list();
    let (rows, total) = desk::audit(&page.ctx, &query(&list)).await?;
    let head = Head::new("Audit log")
        .text("Every change of every record. Nothing here can be changed or deleted.");
    Ok(page.render(head, move || {
        columns(Table::new(rows, total, &list))
            .search("Person, words, action or request id")
            .filter("status", "Record", SUBJECTS)
            .csv("/admin/audit.csv")
            .empty(Empty::text("Nothing yet", "Every change is recorded here."))
            .view()
    }))
}

fn columns(table: Table<AuditLine>) -> Table<AuditLine> {
    table
        .caption("Audit log")
        .sorted(
            "at",
            "When",
            |(e, _): &AuditLine| view! { <Moment at=e.at/> },
        )
        .col("Who", |(_, p)| {
            p.as_ref()
                .map_or_else(|| "Portico".to_owned(), |p| p.name.clone())
        })
        .col("What", |(e, _)| e.summary.clone())
        .col("Action", |(e, _)| view! { <code>{e.action.clone()}</code> })
        .aside()
        .col("Record", |(e, _)| {
            let words = format!("{} {}", label_of(&e.subject_type), e.subject_id);
            match place(&e.subject_type, e.subject_id) {
                Some(href) => view! { <a href=href>{words}</a> }.into_any(),
                None => words.into_any(),
            }
        })
}

/// The latest lines as a short table.
pub(super) fn table(rows: Vec<AuditLine>) -> AnyView {
    columns(Table::plain(rows)).view()
}

/// Where a record is looked at.
fn place(subject: &str, id: i64) -> Option<String> {
    let base = match subject {
        "partner" => "/manager/partners",
        "application" => "/manager/applications",
        "deal" => "/manager/deals",
        "commission" => "/finance/commissions",
        "payout_run" => "/finance/runs",
        "payout" => "/finance/payouts",
        "discrepancy" => "/finance/reconciliation",
        "job" => "/admin/jobs",
        "webhook_event" => "/admin/webhooks",
        _ => return None,
    };
    Some(format!("{base}/{id}"))
}

async fn export(page: Page) -> PageResult {
    let asked = query(&page.list());
    let mut whole = csv::Whole::default();
    while let Some((offset, limit)) = whole.wanted() {
        whole.take(desk::audit(&page.ctx, &part(&asked, offset, limit)).await?)?;
    }
    let rows = whole.rows;
    let mut file = Csv::new(&[
        "When", "Who", "E-mail", "Action", "Record", "Id", "What", "Internal", "Request",
    ]);
    for (e, person) in rows {
        file.row([
            csv::moment(e.at),
            person
                .as_ref()
                .map_or_else(|| "Portico".to_owned(), |p| p.name.clone()),
            person.map(|p| p.email).unwrap_or_default(),
            e.action,
            e.subject_type,
            e.subject_id.to_string(),
            e.summary,
            if e.internal { "yes" } else { "no" }.to_owned(),
            e.request_id,
        ]);
    }
    Ok(page.csv("audit-log.csv", file.finish()))
}
