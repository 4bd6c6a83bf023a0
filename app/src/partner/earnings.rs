//! What the partner earned, line by line, and how each amount came about.

use crate::{
    commission::{self, Around},
    page::{Head, Page, PageResult, numbered},
    routes::{Access, Routes},
    statement::month_words,
    ui::*,
};
use axum::extract::Path;
use leptos::prelude::*;
use service::{
    commission::{CommissionLine, Explained},
    payout::statement,
};

const HERE: &str = "/partner/earnings";

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new()
        .get(HERE, Access::Partner, index)
        .get("/partner/earnings.csv", Access::Partner, commissions_csv)
        .get("/partner/earnings/{id}", Access::Partner, show)
}

async fn index(page: Page) -> PageResult {
    let list = page.list();
    let found = service::commission::lines(&page.ctx, &commission::query(&list)).await?;
    let known = statement::months(&page.ctx, None).await?;
    let mut months: Vec<String> = known.iter().map(|m| m.month.clone()).collect();
    months.dedup();
    let mut currencies: Vec<String> = known.iter().map(|m| m.currency.code().to_owned()).collect();
    currencies.sort();
    currencies.dedup();
    let head = Head::new("Earnings")
        .text(
            "Every commission and everything taken back. Open a line to see how it was worked out.",
        )
        .actions(|| view! { <ButtonLink href="/partner/invoices" label="Customers’ invoices"/> });
    Ok(page.render(head, move || {
        let customer = list.filter("customer").map(|id| {
            let name = found.rows.iter().find_map(|l| l.customer.clone());
            vec![(id.to_owned(), name.unwrap_or_else(|| "this customer".to_owned()))]
        });
        let mut table = Table::new(found.rows, found.total, &list)
            .caption("Earnings")
            .col("What", |l: &CommissionLine| commission::brief(&l.kind, &l.rule_name, l.note.as_deref()))
            .sorted("earned", "Date", |l| view! { <Day at=l.earned_at/> })
            .sorted("customer", "Customer", |l| l.customer.clone())
            .col("Invoice", |l| l.invoice.clone())
            .aside()
            .num("Basis", |l| (l.basis != 0).then(|| view! { <Money minor=l.basis currency=l.currency.clone()/> }))
            .aside()
            .num("Rate", |l| l.rate_bp.map(|bp| view! { <Percent bp/> }))
            .aside()
            .sorted_num("amount", "Amount", |l| view! { <Money minor=l.amount currency=l.currency.clone()/> })
            .col("State", |l| commission::state(&l.state))
            .sorted("hold", "Payable from", |l| view! { <Day at=l.hold_until/> })
            .aside()
            .href(|l| format!("{HERE}/{}", l.id))
            .search("Customer, invoice or rule")
            .filter("state", "State", commission::states())
            .filter("month", "Month", months.into_iter().map(|m| (m.clone(), month_words(&m))))
            .filter("kind", "Kind", commission::kinds())
            .views(vec![
                Tab::new("All", HERE),
                Tab::new("On hold", format!("{HERE}?state=pending")),
                Tab::new("Payable", format!("{HERE}?state=payable")),
                Tab::new("Paid", format!("{HERE}?state=paid")),
                Tab::new("Taken back", format!("{HERE}?kind=reversal")),
                Tab::new("By month", "/partner/statements"),
                Tab::new("By customer", "/partner/customers"),
            ])
            .csv("/partner/earnings.csv")
            .empty(
                Empty::text("Nothing earned yet", "When a customer you brought pays an invoice, your commission appears here, on hold first.")
                    .action("Register a deal", "/partner/deals/new"),
            );
        if currencies.len() > 1 {
            table = table.filter("currency", "Currency", currencies.into_iter().map(|c| (c.clone(), c)));
        }
        if let Some(customer) = customer {
            table = table.filter("customer", "Customer", customer);
        }
        view! {
            {commission::totals(found.totals)}
            {table.view()}
        }
    }))
}

async fn commissions_csv(page: Page) -> PageResult {
    commission::export(&page, commission::query(&page.list()), "commissions.csv").await
}

async fn show(page: Page, Path(key): Path<String>) -> PageResult {
    let (id, json) = numbered(&key)?;
    let line = service::commission::explain(&page.ctx, id).await?;
    if json {
        return Ok(page.json(&line.answer()));
    }
    let title = commission::words(&line.line);
    let state = line.line.state.clone();
    let head = Head::new(title)
        .text(line.customer.clone().unwrap_or_default())
        .crumb("Earnings", HERE)
        .status_as(commission::state_label(&state), tone_of(&state));
    Ok(page.render(head, move || body(line)))
}

fn body(line: Explained) -> AnyView {
    let around = Around::from(&line);
    let rows = commission::explain(&line.line, &around);
    let others = commission::passed_over(&line.line);
    let row = line.line;
    let sentence = standing(&row);
    let reversals = (!line.reversals.is_empty()).then(|| {
        let none = std::collections::HashMap::new();
        view! { <Panel title="Taken back">{commission::lines(line.reversals, none, HERE)}</Panel> }
    });
    let original = line.original.map(|o| {
        let href = format!("{HERE}/{}", o.id);
        view! { <Fact label="Takes back from"><a href=href>{commission::words(&o)}</a></Fact> }
    });
    let payout = line.payout.map(|p| {
        let href = format!("/partner/payouts/{}", p.id);
        view! { <Fact label="Payout"><a href=href>{format!("Payout {}", p.id)}</a></Fact> }
    });
    let deal = row.deal_id.map(|id| {
        view! { <Fact label="Deal"><a href=format!("/partner/deals/{id}")>"The registered deal"</a></Fact> }
    });
    let customer = line.customer.map(|name| {
        let href = format!("{HERE}?customer={}", row.account_id.unwrap_or_default());
        view! { <Fact label="Customer"><a href=href>{name}</a></Fact> }
    });
    let invoice = line.invoice.map(|i| {
        let href = format!("/partner/invoices/{}", i.id);
        view! { <Fact label="Invoice"><a href=href>{i.number.unwrap_or(i.stripe_id)}</a></Fact> }
    });
    let described = line
        .invoice_line
        .map(|l| view! { <Fact label="For">{l.description}</Fact> });
    let plan = line.plan.map(|(name, version)| {
        view! { <Fact label="Plan">{format!("{name}, version {version}")}</Fact> }
    });
    let events = crate::apply::standing::events(line.timeline);
    view! {
        <Record>
            <RecordMain>
                <Panel title="How it was worked out" text="You can recompute it by hand: each step uses the one before it.">
                    <Explain rows/>
                    {others}
                </Panel>
                {reversals}
                <Panel title="What happened"><Timeline events/></Panel>
            </RecordMain>
            <RecordSide>
                <Panel title="Facts">
                    <Facts>
                        <Fact label="Amount"><Money minor=row.amount currency=row.currency.clone()/></Fact>
                        <Fact label="State">{sentence}</Fact>
                        {customer}
                        {invoice}
                        {described}
                        {deal}
                        {plan}
                        {original}
                        {payout}
                        <Fact label="Month">{month_words(&row.month)}</Fact>
                        <Fact label="For programs"><a href=format!("{HERE}/{}.json", row.id)>"The same as JSON"</a></Fact>
                    </Facts>
                </Panel>
            </RecordSide>
        </Record>
    }
    .into_any()
}

/// What the state means for the partner, and what comes next.
fn standing(row: &entity::commission::Model) -> String {
    match row.state.as_str() {
        "pending" => format!("On hold until {}, then payable.", day_text(row.hold_until)),
        "held" => row.note.clone().map_or_else(
            || "Stopped by a review.".to_owned(),
            |why| format!("On review hold: {why}"),
        ),
        "payable" => "Payable: it goes into the next payout.".to_owned(),
        "in_payout" => "In a payout that is on its way.".to_owned(),
        "paid" => "Paid.".to_owned(),
        "canceled" => row
            .note
            .clone()
            .map_or_else(|| "Canceled.".to_owned(), |why| format!("Canceled: {why}")),
        "reversed" => "Taken back whole, because the customer got the money back.".to_owned(),
        other => label_of(other),
    }
}
