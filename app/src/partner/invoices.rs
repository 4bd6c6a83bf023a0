//! The invoices of the partner's customers: what each has earned it, and why one earned nothing.

use crate::{
    commission, csv,
    csv::Csv,
    page::{Head, Page, PageResult, numbered},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use leptos::prelude::*;
use service::billing::{self, OwnInvoice, OwnQuery, OwnView, Why};

const HERE: &str = "/partner/invoices";

/// Addresses. One invoice's is also given as JSON, with `.json` behind it.
pub(super) fn routes() -> Routes {
    Routes::new()
        .get(HERE, Access::Partner, index)
        .get("/partner/invoices.csv", Access::Partner, export)
        .get("/partner/invoices/{id}", Access::Partner, show)
}

fn query(list: &ListQuery) -> OwnQuery {
    OwnQuery {
        q: list.q.clone(),
        earned: list.filter("earned").map(|e| e == "yes"),
        account_id: list.filter("customer").and_then(|id| id.parse().ok()),
        sort: list.sort_or(&["customer", "issued"], "").to_owned(),
        ascending: !list.sort.is_empty() && !list.desc,
        offset: list.offset(),
        limit: list.per,
    }
}

/// What became of an invoice, for the partner.
fn outcome(i: &OwnInvoice) -> (&'static str, Tone) {
    match (i.earned, i.status.as_str()) {
        (Some(_), _) => ("Earned", Tone::Good),
        (None, "paid") => ("Earned nothing", Tone::Warn),
        (None, "void" | "uncollectible") => ("Not paid", Tone::Neutral),
        _ => ("Open", Tone::Neutral),
    }
}

async fn index(page: Page) -> PageResult {
    let list = page.list();
    let (rows, total) = billing::own_list(&page.ctx, &query(&list)).await?;
    let head = Head::new("Customers’ invoices")
        .crumb("Earnings", "/partner/earnings")
        .text("What was billed while you were credited for the customer. Open one to see why it earned what it did.");
    Ok(page.render(head, move || {
        Table::new(rows, total, &list)
            .caption("Customers’ invoices")
            .col("Invoice", |i: &OwnInvoice| i.number.clone())
            .sorted("customer", "Customer", |i| i.customer.clone())
            .sorted("issued", "Issued", |i| view! { <Day at=i.issued_at/> })
            .col("Paid", |i| i.paid_at.map(|at| view! { <Day at/> }))
            .aside()
            .num("Net", |i| {
                i.net
                    .map(|minor| view! { <Money minor currency=i.currency.clone()/> })
            })
            .num("Earned", |i| {
                i.earned
                    .map(|minor| view! { <Money minor currency=i.currency.clone()/> })
            })
            .col("Outcome", |i| {
                let (words, tone) = outcome(i);
                view! { <Status of=i.status.clone() label=words tone=tone/> }
            })
            .href(|i| format!("{HERE}/{}", i.id))
            .search("Company, invoice or Stripe id")
            .filter(
                "earned",
                "Outcome",
                [("yes", "Earned"), ("no", "Earned nothing")],
            )
            .csv("/partner/invoices.csv")
            .empty(Empty::text(
                "No invoices yet",
                "They appear here as soon as one of your customers is billed.",
            ))
            .view()
    }))
}

async fn export(page: Page) -> PageResult {
    let asked = query(&page.list());
    let mut whole = csv::Whole::default();
    while let Some((offset, limit)) = whole.wanted() {
        let part = OwnQuery {
            offset,
            limit,
            ..asked.clone()
        };
        whole.take(billing::own_list(&page.ctx, &part).await?)?;
    }
    let rows = whole.rows;
    let mut file = Csv::new(&[
        "Invoice", "Customer", "Issued", "Paid", "Net", "Earned", "Currency", "Outcome",
    ]);
    let amount = |minor: Option<i64>, i: &OwnInvoice| {
        minor
            .map(|m| csv::amount(m, &i.currency))
            .unwrap_or_default()
    };
    for i in &rows {
        file.row([
            i.number.clone(),
            i.customer.clone(),
            csv::moment(i.issued_at),
            csv::moment_or_none(i.paid_at),
            amount(i.net, i),
            amount(i.earned, i),
            i.currency.clone(),
            outcome(i).0.to_owned(),
        ]);
    }
    Ok(page.csv("invoices.csv", file.finish()))
}

async fn show(page: Page, Path(key): Path<String>) -> PageResult {
    let (id, json) = numbered(&key)?;
    let found = billing::own(&page.ctx, id).await?;
    if json {
        return Ok(page.json(&found.answer()));
    }
    let (words, tone) = outcome(&found.invoice);
    let head = Head::new(format!("Invoice {}", found.invoice.number))
        .text(found.invoice.customer.clone())
        .crumb("Earnings", "/partner/earnings")
        .crumb("Customers’ invoices", HERE)
        .status_as(words, tone);
    Ok(page.render(head, move || body(found)))
}

fn body(found: OwnView) -> AnyView {
    let OwnView {
        invoice: i,
        lines,
        commissions,
        whys,
    } = found;
    let why = reasons(whys);
    let code = i.currency.clone();
    let billed = Table::plain(lines)
        .caption("What was billed")
        .col("Line", |(text, _): &(String, i64)| text.clone())
        .num(
            "Net",
            move |(_, net)| view! { <Money minor=*net currency=code.clone()/> },
        )
        .empty(Empty::text(
            "No lines yet",
            "What was billed is shown once the invoice is paid.",
        ))
        .view();
    let earned = Table::plain(commissions)
        .caption("What it earned you")
        .col("What", commission::words)
        .num(
            "Amount",
            |c| view! { <Money minor=c.amount currency=c.currency.clone()/> },
        )
        .col("State", |c| commission::state(&c.state))
        .href(|c| format!("/partner/earnings/{}", c.id))
        .empty(Empty::text(
            "No commission",
            "This invoice has earned you nothing.",
        ))
        .view();
    let customer = format!("{HERE}?customer={}", i.account_id);
    let json = format!("{HERE}/{}.json", i.id);
    view! {
        {why}
        <Record>
            <RecordMain>
                <Panel title="What it earned you">{earned}</Panel>
                <Panel title="What was billed" text="The lines you are credited for, after discounts and without tax.">{billed}</Panel>
            </RecordMain>
            <RecordSide>
                <Panel title="Facts">
                    <Facts>
                        <Fact label="Customer"><a href=customer>{i.customer}</a></Fact>
                        {i.net.map(|minor| view! { <Fact label="Net"><Money minor currency=i.currency.clone()/></Fact> })}
                        <Fact label="Issued"><Day at=i.issued_at/></Fact>
                        <Fact label="Paid">{i.paid_at.map(|at| view! { <Day at/> })}</Fact>
                        <Fact label="For programs"><a href=json>"The same as JSON"</a></Fact>
                    </Facts>
                </Panel>
            </RecordSide>
        </Record>
    }
    .into_any()
}

/// Why an invoice earned nothing, each reason with the next step; nothing where there is none.
pub(crate) fn reasons(whys: Vec<Why>) -> Option<AnyView> {
    if whys.is_empty() {
        return None;
    }
    let reasons = whys
        .into_iter()
        .map(|why| {
            let partner = why
                .partner
                .map(|name| view! { <strong>{name} ": "</strong> });
            view! { <p>{partner}{why.sentence} <span class="muted">" " {why.next}</span></p> }
        })
        .collect_view();
    Some(
        view! { <Notice tone=Tone::Warn title="Why did this invoice earn nothing?">{reasons}</Notice> }
            .into_any(),
    )
}
