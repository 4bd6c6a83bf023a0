//! What the islands ask the server, and the same as a page for those without scripts.

use crate::{
    page::{Head, Page, PageResult},
    routes::{Access, Routes},
    ui::{Empty, Table},
};
use leptos::prelude::*;
use leptos_axum::handle_server_fns;
use service::search::Hit;

/// Finds people, partners, deals, invoices, Stripe ids and pages the signed-in person may see.
///
/// # Errors
/// When nobody is signed in or the database cannot be read; the palette then shows nothing.
#[server(prefix = "/api", endpoint = "search", input = leptos::server_fn::codec::GetUrl)]
#[allow(missing_docs)]
pub async fn search(#[server(default)] q: String) -> Result<Vec<Hit>, ServerFnError> {
    let page = leptos_axum::extract::<Page>().await?;
    find(&page, &q).await.map_err(ServerFnError::new)
}

/// How much waits behind the entries of the menu, by key.
///
/// # Errors
/// When nobody is signed in or the database cannot be read; the numbers then stay.
#[server(prefix = "/api", endpoint = "counts", input = leptos::server_fn::codec::GetUrl)]
pub async fn counts() -> Result<Vec<(String, i64)>, ServerFnError> {
    let page = leptos_axum::extract::<Page>().await?;
    service::desk::waiting(&page.ctx)
        .await
        .map_err(ServerFnError::new)
}

/// Server functions are rows of the table like everything else.
#[must_use]
pub fn routes() -> Routes {
    Routes::new()
        .get("/search", Access::SignedIn, page)
        .get("/api/search", Access::SignedIn, handle_server_fns)
        .get("/api/counts", Access::SignedIn, handle_server_fns)
}

/// Most results shown.
const MOST: usize = 20;

async fn page(page: Page) -> PageResult {
    let q = page.param("q").unwrap_or_default();
    let hits = find(&page, &q).await?;
    Ok(page.render(
        Head::new("Search").text(match q.trim() {
            "" => "Everything you can open.".to_owned(),
            q => format!("Results for “{q}”"),
        }),
        move || {
            Table::plain(hits)
                .caption("Results")
                .col("Name", |hit: &Hit| hit.title.clone())
                .col("Kind", |hit: &Hit| hit.kind.clone())
                .col("Details", |hit: &Hit| hit.detail.clone())
                .href(|hit| hit.href.clone())
                .empty(Empty::text(
                    "Nothing found",
                    "Try a name, a domain, a number of an invoice, or a Stripe id.",
                ))
                .view()
        },
    ))
}

/// Entries of the person's own menu, then what the service finds.
async fn find(page: &Page, q: &str) -> service::Result<Vec<Hit>> {
    let wanted = q.trim().to_lowercase();
    let mut hits: Vec<Hit> = page
        .nav
        .iter()
        .flat_map(|group| group.entries.iter().map(move |entry| (group.label, entry)))
        .filter(|(_, entry)| entry.label.to_lowercase().contains(&wanted))
        .map(|(area, entry)| Hit {
            kind: "Go to".to_owned(),
            title: entry.label.to_owned(),
            detail: area.to_owned(),
            href: entry.href.to_owned(),
        })
        .collect();
    // With words, what was meant is rather a record; the menu is in sight anyway.
    hits.truncate(if wanted.is_empty() { MOST } else { 5 });
    let found = service::search::search(&page.ctx, q).await?;
    let path = |hit: &Hit| hit.href.split('?').next().unwrap_or_default().to_owned();
    hits.extend(
        found
            .into_iter()
            .filter(|hit| hit.kind != "Page" || page.state.serves(&path(hit))),
    );
    hits.truncate(MOST);
    Ok(hits)
}
