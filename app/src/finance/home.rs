//! Finance's home: what is owed, and what is wrong?

use crate::{
    page::{Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use domain::partner::StaffRole;
use leptos::prelude::*;
use service::{
    earnings::{self, Exceptions, Owed},
    payout::list::{self, RunLine, RunQuery},
};

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new().get("/finance", Access::Finance, show)
}

async fn show(page: Page) -> PageResult {
    let home = earnings::finance_home(&page.ctx).await?;
    let newest = RunQuery {
        page: 1,
        per: 5,
        ..RunQuery::default()
    };
    let runs = list::runs(&page.ctx, &newest).await?;
    let mut head = Head::new("Finance").text("What is owed, and what needs a person.");
    if super::may_change(&page) {
        head = head.primary("New payout run", "/finance/runs/new");
    }
    let admin = super::reads(&page, StaffRole::Admin);
    Ok(page.render(head, move || {
        let figures = figures(&home.owed);
        let exceptions = exceptions(&home.exceptions, admin);
        let ages = ages(home.owed.clone());
        let owed = owed(home.owed);
        let latest = latest(runs.rows);
        view! {
            {figures}
            <Record>
                <RecordMain>
                    <Panel title="Owed by currency" text="From the ledger: what partners have earned and have not been paid.">
                        {owed}
                    </Panel>
                    <Panel title="Payable by age" text="Since the hold ended. What is old usually waits for a payout account.">
                        {ages}
                    </Panel>
                    <Panel title="Latest runs" actions=|| view! { <ButtonLink href="/finance/runs" label="All runs"/> }>
                        {latest}
                    </Panel>
                </RecordMain>
                <RecordSide>
                    <Panel title="What needs a person">{exceptions}</Panel>
                </RecordSide>
            </Record>
        }
    }))
}

/// The program's own currency in large; the table below has all of them.
fn figures(owed: &[Owed]) -> AnyView {
    let Some(o) = owed.first() else {
        return Empty::text(
            "Nothing is owed",
            "Balances appear as soon as commissions are earned.",
        )
        .view();
    };
    let code = o.currency.code();
    let lines = move |state: &str| format!("/finance/commissions?currency={code}&state={state}");
    let others = match owed.len() - 1 {
        0 => "to partners".to_owned(),
        1 => "to partners; another currency below".to_owned(),
        n => format!("to partners; {n} more currencies below"),
    };
    let (total, payable, pending, in_payout) = (o.total().minor, o.payable, o.pending, o.in_payout);
    view! {
        <Figures>
            <Figure label=format!("Owed, {code}") note=others><Money minor=total currency=code/></Figure>
            <Figure label="Payable" href=lines("payable") note="due; a run pays whose account is ready"><Money minor=payable currency=code/></Figure>
            <Figure label="On hold" href=lines("pending") note="payable after the hold"><Money minor=pending currency=code/></Figure>
            <Figure label="In payout" href=lines("in_payout") note="on its way"><Money minor=in_payout currency=code/></Figure>
        </Figures>
    }
    .into_any()
}

fn owed(rows: Vec<Owed>) -> AnyView {
    let money = |minor: i64, o: &Owed| view! { <Money minor currency=o.currency.code()/> };
    Table::plain(rows)
        .caption("Owed by currency")
        .col("Currency", |o: &Owed| o.currency.code())
        .num("On hold", move |o| money(o.pending, o))
        .num("Review hold", move |o| money(o.held, o))
        .num("Payable", move |o| money(o.payable, o))
        .num("Owed to us", move |o| money(o.negative, o))
        .aside()
        .num("In payout", move |o| money(o.in_payout, o))
        .aside()
        .num("Total", move |o| money(o.total().minor, o))
        .empty(Empty::text("Nothing is owed", "Every balance is zero."))
        .view()
}

fn ages(rows: Vec<Owed>) -> AnyView {
    let money = |minor: i64, o: &Owed| view! { <Money minor currency=o.currency.code()/> };
    Table::plain(rows)
        .caption("Payable by age")
        .col("Currency", |o: &Owed| o.currency.code())
        .num("Up to 30 days", move |o| money(o.age.days_30, o))
        .num("31 to 60 days", move |o| money(o.age.days_60, o))
        .num("61 to 90 days", move |o| money(o.age.days_90, o))
        .num("Older", move |o| money(o.age.older, o))
        .empty(Empty::text(
            "Nothing is payable",
            "What has passed its hold appears here.",
        ))
        .view()
}

fn latest(runs: Vec<RunLine>) -> AnyView {
    Table::plain(runs)
        .caption("Latest runs")
        .col("Run", |r: &RunLine| r.run.number.clone())
        .col(
            "Status",
            |r| view! { <Status of=r.status.as_str() label=r.label() tone=super::run::run_tone(r.status, &r.outcomes)/> },
        )
        .num("Pays", |r| super::runs::totals(&r.totals))
        .col("Cut-off", |r| ui().locale.date(r.last_day))
        .href(|r| format!("/finance/runs/{}", r.run.id))
        .empty(
            Empty::text("No runs yet", "Draft one when something is payable.")
                .action("New run", "/finance/runs/new"),
        )
        .view()
}

/// What waits, with where it is dealt with; the checklist shows what is clear as done.
fn exceptions(e: &Exceptions, admin: bool) -> AnyView {
    let rows = [
        (
            "Runs wait for approval",
            e.submitted_runs,
            "/finance/runs?status=submitted",
        ),
        (
            "Runs wait for Stripe’s balance",
            e.short_runs,
            "/finance/runs?status=waiting_for_balance",
        ),
        (
            "All sending is stopped",
            e.stops,
            "/finance/reconciliation?state=open",
        ),
        (
            "Payouts need your decision",
            e.questions,
            "/finance/payouts?status=unknown",
        ),
        (
            "Approved runs wait for Stripe or for a person",
            e.waiting_runs,
            "/finance/runs",
        ),
        (
            "Partners’ banks refused a payout",
            e.bank_failures,
            "/finance/reconciliation?kind=bank_payout",
        ),
        (
            "Payouts are being checked with Stripe",
            e.unknown_payouts,
            "/finance/payouts?status=unknown",
        ),
        (
            "Failed payouts are still to be paid",
            e.failed_payouts,
            "/finance/payouts?unpaid=yes",
        ),
        (
            "Differences with Stripe",
            e.discrepancies,
            "/finance/reconciliation?state=open",
        ),
        (
            "Paid invoices belong to nobody",
            e.unmatched_invoices,
            "/finance/invoices",
        ),
        (
            "Somebody has to say whose customers they are",
            e.asked_customers,
            "/finance/invoices?outcome=asked",
        ),
        ("Lines are held", e.held_lines, "/finance/holds"),
        (
            "Events from Stripe could not be handled",
            e.failed_events,
            "/admin/webhooks?status=failed",
        ),
        ("Jobs were given up", e.dead_jobs, "/admin/jobs?status=dead"),
    ];
    let items: Vec<_> = rows
        .into_iter()
        .filter(|(_, n, _)| *n > 0)
        .map(|(words, n, href)| {
            let count = view! { <Status of="warning" label=count_text(n)/> };
            // Finance sees that it is so; an admin looks into it.
            let count = if href.starts_with("/admin/") && !admin {
                count.into_any()
            } else {
                view! { <a href=href>{count}</a> }.into_any()
            };
            view! { <Fact label=words>{count}</Fact> }
        })
        .collect();
    if items.is_empty() {
        return view! { <p><Status of="ok" label="Nothing waits: books, payouts and events are in order."/></p> }.into_any();
    }
    view! { <div class="counts"><Facts>{items}</Facts></div> }.into_any()
}
