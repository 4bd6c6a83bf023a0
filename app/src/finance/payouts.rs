//! Every payout, for finance.

use crate::{
    commission, csv,
    page::{Head, Page, PageResult},
    partner::payouts::{status, statuses, table},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use domain::payout::PayoutStatus;
use leptos::prelude::*;
use service::payout::{
    browse::{self, PayoutQuery},
    list::{self, PayoutLine},
    send,
};

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/finance/payouts", Access::Finance, index)
        .get("/finance/payouts.csv", Access::Finance, export)
        .get("/finance/payouts/{id}", Access::Finance, show)
}

fn query(list: &ListQuery) -> PayoutQuery {
    PayoutQuery {
        q: list.q.clone(),
        status: list.filter("status").and_then(|s| s.parse().ok()),
        unpaid: list.filter("unpaid") == Some("yes"),
        currency: list.filter("currency").map(str::to_owned),
        run_id: list.filter("run").and_then(|id| id.parse().ok()),
        partner_id: list.filter("partner").and_then(|id| id.parse().ok()),
        sort: list
            .sort_or(&["amount", "settled", "partner"], "")
            .to_owned(),
        ascending: !list.sort.is_empty() && !list.desc,
        offset: list.offset(),
        limit: list.per,
    }
}

async fn index(page: Page) -> PageResult {
    let list = page.list();
    let (payouts, total) = browse::payouts(&page.ctx, &query(&list)).await?;
    let head = Head::new("Payouts").text("One transfer for each partner and currency of a run.");
    Ok(page.render(head, move || {
        Table::new(payouts, total, &list)
            .caption("Payouts")
            .col("Payout", |p: &PayoutLine| format!("Payout {}", p.payout.id))
            .sorted("partner", "Partner", |p| p.partner.clone())
            .col("Status", |p| status(p.status))
            .sorted_num(
                "amount",
                "Amount",
                |p| view! { <Money minor=p.payout.amount currency=p.payout.currency.clone()/> },
            )
            .sorted("settled", "Settled", |p| {
                p.payout.settled_at.map(|at| view! { <Day at/> })
            })
            .col("Transfer", |p| {
                p.payout
                    .transfer_id
                    .clone()
                    .map(|id| view! { <code>{id}</code> })
            })
            .aside()
            .col("What went wrong", |p| p.payout.failure.clone())
            .href(|p| format!("/finance/payouts/{}", p.payout.id))
            .search("Partner, payout, transfer or account id")
            .filter("status", "Status", statuses())
            .views(vec![
                Tab::new("All", "/finance/payouts"),
                Tab::new("Failed, still to be paid", "/finance/payouts?unpaid=yes"),
                Tab::new("Failed", "/finance/payouts?status=failed"),
                Tab::new("Being checked", "/finance/payouts?status=unknown"),
                Tab::new("Sending", "/finance/payouts?status=sending"),
            ])
            .csv("/finance/payouts.csv")
            .empty(
                Empty::text("No payouts yet", "They are made when a run is approved.")
                    .action("Payout runs", "/finance/runs"),
            )
            .view()
    }))
}

async fn export(page: Page) -> PageResult {
    let asked = query(&page.list());
    let mut whole = csv::Whole::default();
    while let Some((offset, limit)) = whole.wanted() {
        let part = PayoutQuery {
            offset,
            limit,
            ..asked.clone()
        };
        whole.take(browse::payouts(&page.ctx, &part).await?)?;
    }
    let payouts = whole.rows;
    Ok(page.csv("payouts.csv", table(&payouts)))
}

async fn show(page: Page, Path(id): Path<i64>) -> PageResult {
    let payout = list::payout(&page.ctx, id).await?;
    let names = browse::customers(&page.ctx, &payout.commissions).await?;
    let asked = super::question::asked(&page, id).await?;
    let change = super::may_change(&page);
    let state = payout.line.status;
    let head = Head::new(format!("Payout {id}"))
        .text(payout.line.partner.clone())
        .crumb("Payouts", "/finance/payouts")
        .status_as(state.label(), tone_of(state.as_str()));
    Ok(page.render(head, move || {
        let PayoutLine { payout: row, partner, .. } = payout.line;
        let trouble = row.failure.clone().map(|why| {
            let tone = if state == PayoutStatus::Failed { Tone::Bad } else { Tone::Warn };
            view! { <Notice tone=tone title="What went wrong">{why}</Notice> }
        });
        let run = format!("/finance/runs/{}", row.run_id);
        let journal = format!("/finance/ledger?q=payout:{}:", row.id);
        let transfer = row.transfer_id.clone().map(|id| view! { <Fact label="Transfer at Stripe"><code>{id}</code></Fact> });
        let code = row.currency.clone();
        let reversed = (row.reversed > 0).then(|| {
            let code = code.clone();
            view! { <Fact label="Reversed"><Money minor=-row.reversed currency=code/></Fact> }
        });
        let sent = row.sent_at.map(|at| view! { <Fact label="First sent"><Moment at/></Fact> });
        let settled = row.settled_at.map(|at| view! { <Fact label="Settled"><Moment at/></Fact> });
        let events = crate::apply::standing::events(payout.timeline);
        let group = row.transfer_group.clone().unwrap_or_else(|| send::reference(row.id));
        let asked = asked.map(|view| super::question::panel(row.id, view, change));
        view! {
            {asked}
            {trouble}
            <Record>
                <RecordMain>
                    <Panel title="What is in it">{commission::lines(payout.commissions, names, "/finance/commissions")}</Panel>
                    <Panel title="What happened"><Timeline events/></Panel>
                </RecordMain>
                <RecordSide>
                    <Panel title="Facts">
                        <Facts>
                            <Fact label="Partner"><a href=format!("/manager/partners/{}", row.partner_id)>{partner}</a></Fact>
                            <Fact label="Amount"><Money minor=row.amount currency=code/></Fact>
                            {reversed}
                            <Fact label="Put together"><Moment at=row.created_at/></Fact>
                            {sent}
                            {settled}
                            <Fact label="Attempts">{count_text(row.attempts)}</Fact>
                            <Fact label="Stripe account"><code>{row.destination}</code></Fact>
                            {transfer}
                            <Fact label="Transfer group"><code>{group}</code></Fact>
                            <Fact label="Run"><a href=run>"Open the run"</a></Fact>
                            <Fact label="Journal"><a href=journal>"Bookings of this payout"</a></Fact>
                        </Facts>
                    </Panel>
                </RecordSide>
            </Record>
        }
    }))
}
