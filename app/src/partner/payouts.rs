//! What was paid: the partner's payouts and the commissions in each.

use crate::{
    commission, csv,
    csv::Csv,
    page::{Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use domain::payout::{PayoutAccountState, PayoutStatus};
use leptos::prelude::*;
use service::payout::{
    account,
    browse::{self, PayoutQuery},
    list::{self, PayoutLine},
};

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/partner/payouts", Access::Partner, index)
        .get("/partner/payouts.csv", Access::Partner, export)
        .get("/partner/payouts/{id}", Access::Partner, show)
}

fn query(list: &ListQuery) -> PayoutQuery {
    PayoutQuery {
        q: list.q.clone(),
        status: list.filter("status").and_then(|s| s.parse().ok()),
        currency: list.filter("currency").map(str::to_owned),
        sort: list.sort_or(&["amount", "settled"], "").to_owned(),
        ascending: !list.sort.is_empty() && !list.desc,
        offset: list.offset(),
        limit: list.per,
        ..PayoutQuery::default()
    }
}

/// The statuses with their words, for filters.
pub(crate) fn statuses() -> Vec<(&'static str, &'static str)> {
    PayoutStatus::ALL
        .iter()
        .map(|s| (s.as_str(), s.label()))
        .collect()
}

async fn index(page: Page) -> PageResult {
    let list = page.list();
    let (payouts, total) = browse::payouts(&page.ctx, &query(&list)).await?;
    let kept = account::own(&page.ctx).await?;
    let (account, waits_until) = (kept.state, kept.waits_until);
    let held = service::partner::of(&page.ctx, page.ctx.reader())
        .await?
        .payouts_held_reason;
    let head = Head::new("Payouts")
        .text("What was transferred to your Stripe account, and what is on its way.")
        .actions(|| {
            view! {
                <ButtonLink href="/partner/statements" label="Statements"/>
                <ButtonLink href="/partner/payout-account" label="Payout account"/>
            }
        });
    Ok(page.render(head, move || {
        let warning = (account != PayoutAccountState::Ready).then(|| {
            view! {
                <Notice tone=super::payout_account::tone(account) title="Nothing can be paid yet">
                    {account.sentence()}
                    " "
                    <a href="/partner/payout-account">"Go to your payout account"</a>
                </Notice>
            }
        });
        let table = Table::new(payouts, total, &list)
            .caption("Payouts")
            .col("Payout", |p: &PayoutLine| format!("Payout {}", p.payout.id))
            .col("Status", |p| status(p.status))
            .sorted("settled", "Transferred", |p| p.payout.settled_at.filter(|_| p.payout.transfer_id.is_some()).map(|at| view! { <Day at/> }))
            .sorted_num("amount", "Amount", |p| view! { <Money minor=p.payout.amount currency=p.payout.currency.clone()/> })
            .col("Note", note)
            .href(|p| format!("/partner/payouts/{}", p.payout.id))
            .search("Payout or transfer number")
            .filter("status", "Status", statuses())
            .csv("/partner/payouts.csv")
            .empty(
                Empty::text("No payouts yet", "What has passed its hold is paid on the program’s payout day, once your payout account is ready.")
                    .action("See your earnings", "/partner/earnings"),
            )
            .view();
        let held = held.map(|why| {
            view! { <Notice tone=Tone::Warn title="Your payouts are on hold">{why}</Notice> }
        });
        let waits = waits_until.map(super::payout_account::first_payout_waits);
        view! { {held} {warning} {waits} {table} }
    }))
}

/// A payout's status as people see it.
pub(crate) fn status(status: PayoutStatus) -> impl IntoView {
    view! { <Status of=status.as_str() label=status.label()/> }
}

fn note(p: &PayoutLine) -> String {
    match p.status {
        PayoutStatus::Failed => "It failed; the amount is payable again.".to_owned(),
        _ if p.payout.reversed > 0 => {
            format!(
                "{} was taken back.",
                money_text(p.payout.reversed, &p.payout.currency)
            )
        }
        _ => String::new(),
    }
}

async fn export(page: Page) -> PageResult {
    let list = page.list();
    let asked = query(&list);
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

/// Payouts as a CSV file.
pub(crate) fn table(payouts: &[PayoutLine]) -> String {
    let mut file = Csv::new(&[
        "Payout",
        "Partner",
        "Status",
        "Amount",
        "Sent",
        "Taken back",
        "Currency",
        "Transfer",
        "Destination",
        "Created",
        "Transferred",
        "Failure",
    ]);
    for p in payouts {
        let (row, moved) = (&p.payout, p.moved());
        file.row([
            row.id.to_string(),
            p.partner.clone(),
            row.status.clone(),
            csv::amount(row.amount, &row.currency),
            csv::amount(moved.sent, &row.currency),
            csv::amount(moved.returned, &row.currency),
            row.currency.clone(),
            row.transfer_id.clone().unwrap_or_default(),
            row.destination.clone(),
            csv::moment(row.created_at),
            csv::moment_or_none(row.settled_at.filter(|_| moved.sent > 0)),
            row.failure.clone().unwrap_or_default(),
        ]);
    }
    file.finish()
}

async fn show(page: Page, Path(id): Path<i64>) -> PageResult {
    let payout = list::payout(&page.ctx, id).await?;
    let names = browse::customers(&page.ctx, &payout.commissions).await?;
    let status = payout.line.status;
    let head = Head::new(format!("Payout {id}"))
        .crumb("Payouts", "/partner/payouts")
        .status_as(status.label(), tone_of(status.as_str()));
    Ok(page.render(head, move || {
        let row = payout.line.payout;
        let failed = (status == PayoutStatus::Failed).then(|| {
            let why = row.failure.clone().unwrap_or_default();
            view! {
                <Notice tone=Tone::Bad title="This payout failed">
                    {why} " The amount is payable again and goes into the next payout."
                </Notice>
            }
        });
        let unknown = (status == PayoutStatus::Unknown).then(|| {
            view! {
                <Notice tone=Tone::Info title="Being checked with Stripe">
                    "Stripe’s answer was not clear. It is asked until it is; nothing is paid twice."
                </Notice>
            }
        });
        let settled = payout.settled_at.filter(|_| row.transfer_id.is_some()).map(|at| {
            view! { <Fact label="Transferred"><Moment at/></Fact> }
        });
        let transfer = row.transfer_id.clone().map(|id| {
            view! { <Fact label="Transfer at Stripe"><code>{id}</code></Fact> }
        });
        let code = row.currency.clone();
        let reversed = (row.reversed > 0).then(|| {
            let code = code.clone();
            view! { <Fact label="Reversed"><Money minor=-row.reversed currency=code/></Fact> }
        });
        let events = crate::apply::standing::events(payout.timeline);
        view! {
            {failed}
            {unknown}
            <Record>
                <RecordMain>
                    <Panel title="What is in it" text="Every commission and everything taken back that this payout pays.">
                        {commission::lines(payout.commissions, names, "/partner/earnings")}
                    </Panel>
                    <Panel title="What happened"><Timeline events/></Panel>
                </RecordMain>
                <RecordSide>
                    <Panel title="Facts">
                        <Facts>
                            <Fact label="Amount"><Money minor=row.amount currency=code/></Fact>
                            {reversed}
                            <Fact label="Put together"><Moment at=row.created_at/></Fact>
                            {settled}
                            {transfer}
                            <Fact label="To"><code>{row.destination}</code></Fact>
                        </Facts>
                    </Panel>
                    <p class="muted">"When the money reaches your bank is shown in your Stripe dashboard."</p>
                </RecordSide>
            </Record>
        }
    }))
}
