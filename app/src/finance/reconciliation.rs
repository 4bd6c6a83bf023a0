//! Ledger, payouts and Stripe held against each other.

use crate::{
    csv,
    csv::Csv,
    page::{Form, Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use chrono::TimeDelta;
use entity::{discrepancy, sending_stop};
use leptos::prelude::*;
use service::payout::{reconcile, recover, watch};

const HERE: &str = "/finance/reconciliation";
/// How far back a comparison goes that a person asks for.
const DAYS: i64 = 90;

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new()
        .get(HERE, Access::Finance, index)
        .get("/finance/reconciliation.csv", Access::Finance, export)
        .post("/finance/reconciliation/compare", Access::Finance, compare)
        .get("/finance/reconciliation/{id}", Access::Finance, show)
        .post("/finance/reconciliation/release", Access::Finance, release)
        .post("/finance/reconciliation/{id}/book", Access::Finance, book)
        .post(
            "/finance/reconciliation/{id}/book-reversal",
            Access::Finance,
            book_reversal,
        )
        .post(
            "/finance/reconciliation/{id}/settle",
            Access::Finance,
            settle,
        )
}

async fn narrowed(page: &Page, list: &ListQuery) -> service::Result<Vec<discrepancy::Model>> {
    let q = list.q.to_lowercase();
    let mut rows: Vec<_> = reconcile::all(&page.ctx)
        .await?
        .into_iter()
        .filter(|d| match list.filter("state") {
            Some("settled") => d.settled_at.is_some(),
            Some("open") => d.settled_at.is_none(),
            _ => true,
        })
        .filter(|d| list.filter("kind").is_none_or(|kind| d.kind == kind))
        .filter(|d| {
            q.is_empty()
                || d.description.to_lowercase().contains(&q)
                || d.reference.to_lowercase().contains(&q)
        })
        .collect();
    match list.sort.as_str() {
        "found" => rows.sort_by_key(|d| d.found_at),
        "kind" => rows.sort_by(|a, b| a.kind.cmp(&b.kind)),
        _ => {}
    }
    if list.desc {
        rows.reverse();
    }
    Ok(rows)
}

const KINDS: [(&str, &str); 9] = [
    ("bank_payout", "Refused by a bank"),
    ("missing_transfer", "No transfer at Stripe"),
    ("double_transfer", "Several transfers"),
    ("unexpected_transfer", "Transfer of a failed payout"),
    ("amount", "Amounts differ"),
    ("reversed_amount", "Reversals differ"),
    ("foreign_transfer", "Not made by Portico"),
    ("clearing", "Clearing account"),
    ("unknown_payout", "Unknown payout"),
];

fn kind(value: &str) -> String {
    KINDS
        .iter()
        .find(|(k, _)| *k == value)
        .map_or_else(|| label_of(value), |(_, l)| (*l).to_owned())
}

async fn index(page: Page) -> PageResult {
    let list = page.list();
    let rows = narrowed(&page, &list).await?;
    let total = rows.len() as u64;
    let rows = super::cut(rows, &list);
    let open = reconcile::open(page.ctx.reader()).await?.len();
    let stops = watch::stops(page.ctx.reader()).await?;
    let can = super::may_change(&page);
    let head = Head::new("Reconciliation")
        .text("Transfers at Stripe, payouts and the ledger are compared every night; each difference is listed once.")
        .actions(move || can.then(|| view! { <PostButton action="/finance/reconciliation/compare" label="Compare now" primary=true/> }));
    Ok(page.render(head, move || {
        let open = i64::try_from(open).unwrap_or(i64::MAX);
        let stopped = stops
            .into_iter()
            .map(|stop| stopped(stop, can))
            .collect_view();
        let table = Table::new(rows, total, &list)
            .caption("Differences")
            .col("Difference", |d: &discrepancy::Model| d.description.clone())
            .sorted("kind", "Kind", |d| kind(&d.kind))
            .aside()
            .num("Ours", |d| amount(d, d.ours))
            .num("Stripe’s", |d| amount(d, d.theirs))
            .sorted("found", "Found", |d| view! { <Ago at=d.found_at/> })
            .col("State", state)
            .href(|d| format!("{HERE}/{}", d.id))
            .search("Words or reference")
            .filter("state", "State", [("open", "Open"), ("settled", "Settled")])
            .filter("kind", "Kind", KINDS)
            .views(vec![
                Tab::new("All", HERE),
                Tab::new("Open", format!("{HERE}?state=open")).count(open),
                Tab::new("Settled", format!("{HERE}?state=settled")),
            ])
            .csv("/finance/reconciliation.csv")
            .empty(Empty::text(
                "No differences",
                "Ledger, payouts and Stripe agree as far as they have been compared.",
            ))
            .view();
        view! { {stopped}{table} }
    }))
}

/// What stops all sending, and the way on.
fn stopped(stop: sending_stop::Model, can: bool) -> AnyView {
    let way = can.then(|| {
        view! {
            <Confirm id="release" label="Let sending go on" title="Let sending go on?" text="Every transfer that stopped it is booked or explained below. Runs that are approved go on by themselves.">
                <PostForm action="/finance/reconciliation/release" name="release">
                    <TextArea name="reason" label="What was found and done?" rows=2 required=true max=500/>
                    <Submit label="Let sending go on"/>
                </PostForm>
            </Confirm>
        }
    });
    view! {
        <Notice tone=Tone::Bad title="No payouts are sent">
            <p>{stop.why}</p>
            <p>"Since "<Moment at=stop.stopped_at/>"."</p>
            <div class="buttons">{way}</div>
        </Notice>
    }
    .into_any()
}

fn amount(d: &discrepancy::Model, minor: Option<i64>) -> Option<AnyView> {
    let currency = d.currency.clone()?;
    minor.map(|minor| view! { <Money minor currency/> }.into_any())
}

fn state(d: &discrepancy::Model) -> impl IntoView + use<> {
    match d.settled_at {
        Some(_) => view! { <Status of="settled"/> },
        None => view! { <Status of="difference" label="Open".to_owned()/> },
    }
}

async fn export(page: Page) -> PageResult {
    let rows = narrowed(&page, &page.list()).await?;
    let mut file = Csv::new(&[
        "Reference",
        "Kind",
        "Description",
        "Ours",
        "Stripe",
        "Currency",
        "Found",
        "Settled",
        "Reason",
    ]);
    for d in rows {
        let code = d.currency.clone().unwrap_or_default();
        let money = |minor: Option<i64>| minor.map(|m| csv::amount(m, &code)).unwrap_or_default();
        file.row([
            d.reference.clone(),
            d.kind.clone(),
            d.description.clone(),
            money(d.ours),
            money(d.theirs),
            code.clone(),
            csv::moment(d.found_at),
            csv::moment_or_none(d.settled_at),
            d.reason.clone().unwrap_or_default(),
        ]);
    }
    Ok(page.csv("differences.csv", file.finish()))
}

async fn compare(page: Page) -> PageResult {
    let gateway = page.gateway()?;
    let since = page.now() - TimeDelta::days(DAYS);
    match reconcile::run(&page.ctx, gateway, since).await {
        Ok(found) => {
            let text = format!(
                "Compared {} payouts with {} transfers of the last {DAYS} days. Open differences: {}.",
                found.payouts, found.transfers, found.open
            );
            let tone = if found.open == 0 {
                Tone::Good
            } else {
                Tone::Warn
            };
            page.toast(HERE, tone, text).await
        }
        Err(error) => page.refused(HERE, error, &[]).await,
    }
}

async fn show(page: Page, Path(id): Path<i64>) -> PageResult {
    let found = reconcile::all(&page.ctx)
        .await?
        .into_iter()
        .find(|d| d.id == id);
    let d = found.ok_or(service::Error::NotFound)?;
    let timeline = service::event::timeline(page.ctx.reader(), "discrepancy", id, true).await?;
    let settled = d.settled_at.is_some();
    let (word, tone) = if settled {
        ("Settled", Tone::Good)
    } else {
        ("Open", Tone::Bad)
    };
    let head = Head::new(kind(&d.kind))
        .crumb("Reconciliation", HERE)
        .status_as(word, tone);
    let can = super::may_change(&page) && !settled;
    Ok(page.render(head, move || {
        let named = d.reference.split(':').nth(1).and_then(|id| id.parse::<i64>().ok());
        let payout = d.payout_id.or(named.filter(|_| d.description.starts_with("Payout ")));
        let transfer = d.transfer_id.clone().map(|id| view! { <Fact label="Transfer"><code>{id}</code></Fact> });
        let partner = d.partner_id.map(|id| {
            view! { <Fact label="Partner"><a href=format!("/manager/partners/{id}")>"Whose account it is"</a></Fact> }
        });
        let cure = can.then(|| cure(id, &d));
        let payout = payout.map(|id| {
            view! { <Fact label="Payout"><a href=format!("/finance/payouts/{id}")>{format!("Payout {id}")}</a></Fact> }
        });
        let form = can.then(|| {
            view! {
                <Panel title="Settle it" text="Say how it was cleared up. Money is moved by an adjustment, never by this.">
                    <PostForm action=format!("{HERE}/{id}/settle")>
                        <TextArea name="reason" label="How was it settled?" rows=3 required=true max=500/>
                        <div class="buttons">
                            <Submit label="Settle"/>
                            <ButtonLink href="/finance/adjustments/new" label="Make an adjustment"/>
                        </div>
                    </PostForm>
                </Panel>
            }
        });
        let reason = d.reason.clone().map(|r| view! { <Fact label="How">{r}</Fact> });
        let events = crate::apply::standing::events(timeline);
        let (ours, theirs) = (amount(&d, d.ours), amount(&d, d.theirs));
        view! {
            <Record>
                <RecordMain>
                    <Panel title="What was found"><p>{d.description}</p></Panel>
                    {cure}
                    {form}
                    <Panel title="What happened"><Timeline events/></Panel>
                </RecordMain>
                <RecordSide>
                    <Panel title="Facts">
                        <Facts>
                            <Fact label="Ours">{ours}</Fact>
                            <Fact label="Stripe’s">{theirs}</Fact>
                            {payout}
                            {transfer}
                            {partner}
                            <Fact label="Found"><Moment at=d.found_at/></Fact>
                            <Fact label="Settled">{d.settled_at.map(|at| view! { <Moment at/> })}</Fact>
                            {reason}
                            <Fact label="Reference"><code>{d.reference}</code></Fact>
                        </Facts>
                    </Panel>
                </RecordSide>
            </Record>
        }
    }))
}

/// How a difference can be booked, where it can.
fn cure(id: i64, d: &discrepancy::Model) -> AnyView {
    match d.kind.as_str() {
        "unknown_payout" | "unexpected_transfer" | "double_transfer"
            if d.transfer_id.is_some() && d.partner_id.is_some() =>
        {
            view! {
                <Panel title="Book it" text="The partner has this money. It is booked as paid by this transfer: with a payout that waits for the same amount, or with what was payable before it; a difference goes into the next payout. Nothing is sent.">
                    <PostForm action=format!("{HERE}/{id}/book") name="book">
                        <TextArea name="reason" label="Where does it come from?" rows=2 required=true max=500/>
                        <div class="buttons"><Submit label="Book it as paid"/></div>
                    </PostForm>
                </Panel>
            }
            .into_any()
        }
        "reversed_amount" => {
            view! {
                <Panel title="Book it" text="What was taken back at Stripe is payable again.">
                    <div class="buttons"><PostButton action=format!("{HERE}/{id}/book-reversal") label="Book what was taken back" primary=true/></div>
                </Panel>
            }
            .into_any()
        }
        _ => ().into_any(),
    }
}

async fn book(page: Page, Path(id): Path<i64>, form: Form<Settle>) -> PageResult {
    let done = recover::book(&page.ctx, page.gateway()?, id, &form.reason).await;
    let here = format!("{HERE}/{id}");
    page.answer(done, &here, "Booked as paid.", &form.pairs)
        .await
}

async fn book_reversal(page: Page, Path(id): Path<i64>) -> PageResult {
    let done = reconcile::book_reversal(&page.ctx, page.gateway()?, id).await;
    let here = format!("{HERE}/{id}");
    page.answer(done, &here, "Booked.", &[]).await
}

async fn release(page: Page, form: Form<Settle>) -> PageResult {
    let done = watch::release(&page.ctx, page.gateway()?, &form.reason).await;
    page.answer(done, HERE, "Sending goes on.", &form.pairs)
        .await
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Settle {
    reason: String,
}

async fn settle(page: Page, Path(id): Path<i64>, form: Form<Settle>) -> PageResult {
    match reconcile::settle(&page.ctx, id, &form.reason).await {
        Ok(()) => page.done(HERE, "Settled.").await,
        Err(error) => {
            page.refused(&format!("{HERE}/{id}"), error, &form.pairs)
                .await
        }
    }
}
