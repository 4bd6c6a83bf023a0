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
    let sees = sees(&page);
    let head = Head::new("Customers").text(if sees {
        "The companies you are credited for, and what each has earned you."
    } else {
        "The companies your organisation is credited for. What they earn is the owners’ to see."
    });
    Ok(page.render(head, move || {
        let table = Table::new(rows, total, &list)
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
            .aside();
        let table = if sees { money(table) } else { table };
        table
            .search("Company or domain")
            .filter("credit", "Credit", [("now", "Credited now"), ("ended", "Ended")])
            .csv("/partner/customers.csv")
            .empty(Empty::text("No customers yet", "A company becomes yours when a deal you registered is won, or when you referred it.").action("Register a deal", "/partner/deals/new"))
            .view()
    }))
}

/// Whether the reader sees what the organisation earns.
fn sees(page: &Page) -> bool {
    page.user.as_ref().is_some_and(|u| u.sees_earnings)
}

/// The columns of what customers have earned, and the way to it.
fn money(table: Table<CustomerLine>) -> Table<CustomerLine> {
    table
        .num("Revenue", |c: &CustomerLine| {
            c.currency
                .clone()
                .map(|currency| view! { <Money minor=c.revenue currency/> })
        })
        .sorted_num("earned", "Earned", |c| {
            c.currency
                .clone()
                .map(|currency| view! { <Money minor=c.earned currency/> })
        })
        .sorted("last", "Last earned", |c| {
            c.last.map(|at| view! { <Day at/> })
        })
        .href(|c| format!("/partner/earnings?customer={}", c.account_id))
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
    let (rows, sees) = (whole.rows, sees(&page));
    let mut head = vec!["Customer", "Domain", "Since", "Until"];
    if sees {
        head.extend(["Revenue", "Earned", "Currency", "Last earned"]);
    }
    let mut file = Csv::new(&head);
    for c in &rows {
        let mut row = vec![
            c.name.clone(),
            c.domain.clone().unwrap_or_default(),
            csv::moment(c.since),
            csv::moment_or_none(c.until),
        ];
        if sees {
            let code = c.currency.clone().unwrap_or_default();
            row.extend([
                csv::amount(c.revenue, &code),
                csv::amount(c.earned, &code),
                code,
                csv::moment_or_none(c.last),
            ]);
        }
        file.row(row);
    }
    Ok(page.csv("customers.csv", file.finish()))
}
