//! The customers the partner is credited for.

use crate::{
    csv,
    csv::Csv,
    page::{Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use leptos::prelude::*;
use service::earnings::{self, CustomerLine, CustomerQuery};

const HERE: &str = "/partner/customers";

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new().get(HERE, Access::Partner, index).get(
        "/partner/customers.csv",
        Access::Partner,
        export,
    )
}

fn query(list: &ListQuery) -> CustomerQuery {
    CustomerQuery {
        q: list.q.clone(),
        active: list.filter("credit").map(|c| c == "now"),
        sort: list
            .sort_or(&["name", "since", "earned", "last"], "")
            .to_owned(),
        descending: list.desc,
        offset: list.offset(),
        limit: list.per,
    }
}

async fn index(page: Page) -> PageResult {
    let list = page.list();
    let (rows, total) = earnings::customers(&page.ctx, &query(&list)).await?;
    let now = page.now();
    let head = Head::new("Customers")
        .text("The companies you are credited for, and what each has earned you.");
    Ok(page.render(head, move || {
        Table::new(rows, total, &list)
            .caption("Customers")
            .sorted("name", "Customer", |c: &CustomerLine| c.name.clone())
            .col("Domain", |c| c.domain.clone())
            .aside()
            .col("Credit", move |c| match c.until {
                Some(at) if at <= now => view! { "Ended " <Day at/> }.into_any(),
                Some(at) => view! { "Until " <Day at/> }.into_any(),
                None => view! { "Yours" }.into_any(),
            })
            .sorted("since", "Since", |c| view! { <Day at=c.since/> })
            .aside()
            .num("Revenue", |c| c.currency.clone().map(|currency| view! { <Money minor=c.revenue currency/> }))
            .sorted_num("earned", "Earned", |c| c.currency.clone().map(|currency| view! { <Money minor=c.earned currency/> }))
            .sorted("last", "Last earned", |c| c.last.map(|at| view! { <Day at/> }))
            .href(|c| format!("/partner/earnings?customer={}", c.account_id))
            .search("Company or domain")
            .filter("credit", "Credit", [("now", "Credited now"), ("ended", "Ended")])
            .csv("/partner/customers.csv")
            .empty(Empty::text("No customers yet", "A company becomes yours when a deal you registered is won, or when you referred it.").action("Register a deal", "/partner/deals/new"))
            .view()
    }))
}

async fn export(page: Page) -> PageResult {
    let asked = query(&page.list());
    let mut whole = csv::Whole::default();
    while let Some((offset, limit)) = whole.wanted() {
        let part = CustomerQuery {
            offset,
            limit,
            ..asked.clone()
        };
        whole.take(earnings::customers(&page.ctx, &part).await?)?;
    }
    let rows = whole.rows;
    let mut file = Csv::new(&[
        "Customer",
        "Domain",
        "Since",
        "Until",
        "Revenue",
        "Earned",
        "Currency",
        "Last earned",
    ]);
    for c in &rows {
        let code = c.currency.clone().unwrap_or_default();
        file.row([
            c.name.clone(),
            c.domain.clone().unwrap_or_default(),
            csv::moment(c.since),
            csv::moment_or_none(c.until),
            csv::amount(c.revenue, &code),
            csv::amount(c.earned, &code),
            code.clone(),
            csv::moment_or_none(c.last),
        ]);
    }
    Ok(page.csv("customers.csv", file.finish()))
}
