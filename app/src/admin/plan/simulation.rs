//! What a version would have paid on past invoices, beside what was in force.

use super::version;
use crate::{
    csv,
    csv::Csv,
    page::{Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use leptos::prelude::*;
use service::plan::{self, Compared, Scope, Simulation, Span, VersionView};

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/admin/plans/versions/{id}/simulation", Access::Admin, show)
        .get(
            "/admin/plans/versions/{id}/simulation.csv",
            Access::Admin,
            export,
        )
}

/// What the address asks for.
struct Asked {
    span: Span,
    scope: Scope,
}

fn asked(page: &Page, view: &VersionView) -> Asked {
    let list = page.list();
    let usual = Span::usual(&view.program, page.now());
    let month = |name: &str, usual: String| list.filter(name).map_or(usual, str::to_owned);
    Asked {
        span: Span {
            from: month("from", usual.from),
            to: month("to", usual.to),
        },
        scope: match list.filter("scope") {
            Some("everybody") => Scope::Everybody,
            _ => Scope::OnPlan,
        },
    }
}

fn sorted(mut rows: Vec<Compared>, list: &ListQuery) -> Vec<Compared> {
    let word = list.q.to_lowercase();
    rows.retain(|r| r.partner.to_lowercase().contains(&word));
    match list.sort_or(&["old", "new", "difference"], "partner") {
        "old" => rows.sort_by_key(|r| r.old),
        "new" => rows.sort_by_key(|r| r.new),
        "difference" => rows.sort_by_key(Compared::difference),
        _ => {}
    }
    if list.desc {
        rows.reverse();
    }
    rows
}

async fn show(page: Page, Path(id): Path<i64>) -> PageResult {
    let view = plan::version(&page.ctx, id).await?;
    let asked = asked(&page, &view);
    let list = page.list();
    let found = match plan::simulate(&page.ctx, id, &asked.span, asked.scope).await {
        Ok(found) => Ok(found),
        Err(service::Error::Invalid(errors)) => Err(errors),
        Err(other) => return Err(other.into()),
    };
    let title = format!(
        "{}, version {} on past invoices",
        view.plan.name, view.row.version
    );
    let label = format!("Version {}", view.row.version);
    let head = version::crumbs(Head::new(title), &view)
        .crumb(label, version::href(id))
        .text("The same engine that books commission, run over what was paid. Nothing is written.");
    Ok(page.render(head, move || {
        let form = form(id, &asked);
        let result = match found {
            Ok(found) => result(id, found, &list),
            Err(errors) => {
                let items = errors.0.into_values().map(|s| view! { <li>{s}</li> }).collect_view();
                view! { <Notice tone=Tone::Bad title="This cannot be worked out:"><ul>{items}</ul></Notice> }.into_any()
            }
        };
        view! { {form}{result} }
    }))
}

fn form(id: i64, asked: &Asked) -> AnyView {
    let action = format!("{}/simulation", version::href(id));
    let scopes = vec![
        Choice::new("plan", "Partners paid by this plan"),
        Choice::new("everybody", "Every active partner, as if all were on it"),
    ];
    let scope = match asked.scope {
        Scope::OnPlan => "plan",
        Scope::Everybody => "everybody",
    };
    let (from, to) = (asked.span.from.clone(), asked.span.to.clone());
    view! {
        <form method="get" action=action class="form wide">
            <div class="fields">
                <TextField name="from" label="First month" kind="month" value=from required=true/>
                <TextField name="to" label="Last month" kind="month" value=to required=true/>
                <SelectField name="scope" label="Whose customers" options=scopes value=scope required=true/>
            </div>
            <Submit label="Compare"/>
        </form>
    }
    .into_any()
}

fn money(minor: i64, row: &Compared) -> AnyView {
    let currency = row.currency.clone();
    view! { <Money minor currency/> }.into_any()
}

fn result(id: i64, found: Simulation, list: &ListQuery) -> AnyView {
    let invoices = count_text(found.invoices as i64);
    let totals = Table::plain(found.totals)
        .caption("In all, by currency")
        .col("Currency", |t: &Compared| t.currency.clone())
        .num("Amounts", |t| count_text(t.lines))
        .aside()
        .num("Net revenue", |t| money(t.revenue, t))
        .aside()
        .num("In force", |t| money(t.old, t))
        .num("This version", |t| money(t.new, t))
        .num("Difference", |t| money(t.difference(), t))
        .view();
    let silent = (!found.silent.is_empty()).then(|| {
        let names = found.silent.join(", ");
        view! { <Notice title="Invoices say nothing about some rules">{format!("They pay for won deals or qualified meetings and are left out here: {names}.")}</Notice> }
    });
    if found.rows.is_empty() {
        let empty = Empty::text(
            "Nothing to compare",
            "No invoice of these partners’ customers was paid in this time.",
        );
        return view! { {silent} {empty.view()} }.into_any();
    }
    let rows = sorted(found.rows, list);
    let total = rows.len() as u64;
    let offset = usize::try_from(list.offset()).unwrap_or(usize::MAX);
    let per = usize::try_from(list.per).unwrap_or(25);
    let rows: Vec<Compared> = rows.into_iter().skip(offset).take(per).collect();
    let table = Table::new(rows, total, list)
        .caption("By partner and currency")
        .col("Partner", |r: &Compared| r.partner.clone())
        .col("Currency", |r| r.currency.clone())
        .num("Amounts", |r| count_text(r.lines))
        .aside()
        .num("Net revenue", |r| money(r.revenue, r))
        .aside()
        .sorted_num("old", "In force", |r| money(r.old, r))
        .sorted_num("new", "This version", |r| money(r.new, r))
        .sorted_num("difference", "Difference", |r| money(r.difference(), r))
        .href(|r| format!("/manager/partners/{}", r.partner_id))
        .search("Partner")
        .csv(format!("{}/simulation.csv", version::href(id)))
        .view();
    let named = (!found.named.is_empty()).then(|| {
        let table = Table::plain(found.named)
            .caption("Largest differences")
            .col("Invoice", |n: &plan::Named| n.invoice.clone())
            .col("Partner", |n| n.partner.clone())
            .num("In force", |n| money(n.compared.old, &n.compared))
            .num("This version", |n| money(n.compared.new, &n.compared))
            .num("Difference", |n| {
                money(n.compared.difference(), &n.compared)
            })
            .href(|n| format!("/finance/invoices/{}", n.invoice_id))
            .view();
        view! { <Panel title="Where it differs most">{table}</Panel> }
    });
    let text = format!(
        "{invoices} paid invoices. Amounts are as earned, before refunds; partners who do not take part today are left out."
    );
    view! {
        {silent}
        <Panel title="In all">{totals}</Panel>
        <Panel title="By partner and currency" text=text>{table}</Panel>
        {named}
    }
    .into_any()
}

async fn export(page: Page, Path(id): Path<i64>) -> PageResult {
    let view = plan::version(&page.ctx, id).await?;
    let asked = asked(&page, &view);
    let found = plan::simulate(&page.ctx, id, &asked.span, asked.scope).await?;
    let mut file = Csv::new(&[
        "Partner",
        "Currency",
        "Amounts",
        "Net revenue",
        "In force",
        "This version",
        "Difference",
    ]);
    let rows = sorted(found.rows, &page.list());
    let totals = found.totals.into_iter().map(|total| Compared {
        partner: "Total".to_owned(),
        ..total
    });
    for r in rows.into_iter().chain(totals) {
        let amount = |minor| csv::amount(minor, &r.currency);
        file.row([
            r.partner.clone(),
            r.currency.clone(),
            r.lines.to_string(),
            amount(r.revenue),
            amount(r.old),
            amount(r.new),
            amount(r.difference()),
        ]);
    }
    Ok(page.csv("simulation.csv", file.finish()))
}
