//! Partners' statements, for finance.

use crate::{
    csv,
    page::{Head, Page, PageResult},
    routes::{Access, Routes},
    statement::{self, Place},
    ui::*,
};
use axum::extract::Path;
use leptos::prelude::*;
use service::partner::{self, ListView, PartnerRow};

const HERE: &str = "/finance/statements";

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new()
        .get(HERE, Access::Finance, index)
        .get("/finance/statements.csv", Access::Finance, index_csv)
        .get("/finance/statements/{partner}", Access::Finance, months)
        .get(
            "/finance/statements/{partner}/months.csv",
            Access::Finance,
            months_csv,
        )
        .get(
            "/finance/statements/{partner}/{month}/{currency}",
            Access::Finance,
            show,
        )
        .get(
            "/finance/statements/{partner}/{month}/{currency}/statement.csv",
            Access::Finance,
            show_csv,
        )
        .get(
            "/finance/statements/{partner}/{month}/{currency}/lines.csv",
            Access::Finance,
            lines,
        )
}

fn view_of(list: &ListQuery) -> ListView {
    ListView {
        search: list.q.clone(),
        status: list.filter("status").and_then(|s| s.parse().ok()),
        sort: list
            .sort_or(&["name", "tier", "country", "since"], "name")
            .to_owned(),
        descending: list.desc,
        offset: list.offset(),
        limit: list.per,
        ..ListView::default()
    }
}

async fn index(page: Page) -> PageResult {
    let list = page.list();
    let (rows, total) = partner::list(&page.ctx, &view_of(&list)).await?;
    let head = Head::new("Statements").text(
        "Choose a partner to see what it earned, gave back and was paid, by month and currency.",
    );
    Ok(page.render(head, move || {
        Table::new(rows, total, &list)
            .caption("Partners")
            .sorted("name", "Partner", |p: &PartnerRow| p.name.clone())
            .col(
                "Status",
                |p| view! { <Status of=p.status.as_str() label=p.status.label()/> },
            )
            .sorted("tier", "Tier", |p| p.tier.clone())
            .sorted("country", "Country", |p| {
                country_name(&p.country).to_owned()
            })
            .sorted("since", "Since", |p| view! { <Day at=p.since/> })
            .href(|p| format!("{HERE}/{}", p.id))
            .search("Name or domain")
            .filter(
                "status",
                "Status",
                domain::partner::PartnerStatus::ALL
                    .iter()
                    .map(|s| (s.as_str(), s.label())),
            )
            .csv("/finance/statements.csv")
            .empty(Empty::text(
                "No partners yet",
                "A statement appears with a partner’s first month.",
            ))
            .view()
    }))
}

async fn index_csv(page: Page) -> PageResult {
    let asked = view_of(&page.list());
    let mut whole = csv::Whole::default();
    while let Some((offset, limit)) = whole.wanted() {
        let part = ListView {
            offset,
            limit,
            ..asked.clone()
        };
        whole.take(partner::list(&page.ctx, &part).await?)?;
    }
    let rows = whole.rows;
    let mut file = csv::Csv::new(&["Partner", "Status", "Tier", "Country", "Since"]);
    for p in rows {
        file.row([
            p.name,
            p.status.as_str().to_owned(),
            p.tier,
            p.country,
            csv::moment(p.since),
        ]);
    }
    Ok(page.csv("partners.csv", file.finish()))
}

async fn months(page: Page, Path(id): Path<i64>) -> PageResult {
    let name = partner::record(&page.ctx, id).await?.partner.name;
    let place = Place {
        title: name,
        text: "Statements by month and currency.",
        crumbs: vec![("Statements".to_owned(), HERE.to_owned())],
        here: format!("{HERE}/{id}"),
        csv: format!("{HERE}/{id}/months.csv"),
    };
    statement::months(&page, Some(id), place).await
}

async fn months_csv(page: Page, Path(id): Path<i64>) -> PageResult {
    statement::months_csv(&page, Some(id)).await
}

async fn show(page: Page, Path((id, month, currency)): Path<(i64, String, String)>) -> PageResult {
    let name = partner::record(&page.ctx, id).await?.partner.name;
    let place = Place {
        title: format!("{name}: {}, {currency}", statement::month_words(&month)),
        crumbs: vec![
            ("Statements".to_owned(), HERE.to_owned()),
            (name, format!("{HERE}/{id}")),
        ],
        here: format!("{HERE}/{id}/{month}/{currency}"),
        ..Place::default()
    };
    let records = ("/finance/commissions", "/finance/payouts");
    statement::show(&page, Some(id), &month, &currency, place, records).await
}

async fn show_csv(
    page: Page,
    Path((id, month, currency)): Path<(i64, String, String)>,
) -> PageResult {
    statement::show_csv(&page, Some(id), &month, &currency).await
}

async fn lines(page: Page, Path((id, month, currency)): Path<(i64, String, String)>) -> PageResult {
    statement::lines_csv(&page, Some(id), &month, &currency).await
}
