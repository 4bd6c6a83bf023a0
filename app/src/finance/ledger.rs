//! The ledger: journal, accounts with their balances, and the export for the general ledger.

use crate::{
    csv,
    csv::Csv,
    page::{Head, Page, PageError, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use chrono::{DateTime, Months, NaiveDate, Utc};
use chrono_tz::Tz;
use domain::calendar;
use futures::StreamExt as _;
use leptos::prelude::*;
use service::ledger::{self, AccountLine, JournalLine, JournalPage, JournalQuery};

const HERE: &str = "/finance/ledger";

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new()
        .get(HERE, Access::Finance, journal)
        .get("/finance/ledger.csv", Access::Finance, general_ledger)
        .get("/finance/ledger/accounts", Access::Finance, accounts)
        .get(
            "/finance/ledger/accounts.csv",
            Access::Finance,
            accounts_csv,
        )
        .get("/finance/ledger/accounts/{id}", Access::Finance, account)
}

/// The kinds of movement with their words.
const KINDS: [(&str, &str); 11] = [
    ("accrual", "Earned"),
    ("mature", "Hold ended"),
    ("hold", "Review hold"),
    ("release", "Released"),
    ("reversal", "Taken back"),
    ("cancel", "Canceled"),
    ("adjustment", "By hand"),
    ("payout_entered", "Payout frozen"),
    ("payout_paid", "Payout paid"),
    ("payout_failed", "Payout failed"),
    ("payout_reversed", "Transfer reversed"),
];

fn kind(value: &str) -> String {
    KINDS
        .iter()
        .find(|(k, _)| *k == value)
        .map_or_else(|| label_of(value), |(_, l)| (*l).to_owned())
}

fn tabs() -> AnyView {
    let items = vec![
        Tab::new("Journal", HERE),
        Tab::new("Accounts", "/finance/ledger/accounts"),
    ];
    view! { <Tabs items=items/> }.into_any()
}

fn query(page: &Page, list: &ListQuery) -> JournalQuery {
    JournalQuery {
        q: list.q.clone(),
        kind: list.filter("kind").map(str::to_owned),
        account_id: None,
        before: page.param("before").and_then(|id| id.parse().ok()),
        limit: Some(list.per),
    }
}

async fn journal(page: Page) -> PageResult {
    let list = page.list();
    let found = ledger::journal(&page.ctx, &query(&page, &list)).await?;
    let zones = zones(&page).await?;
    let month = zones
        .first()
        .map(|zone| calendar::month_of(page.now(), *zone))
        .unwrap_or_default();
    let head = Head::new("Ledger").text("Every movement of money, newest first. Nothing is ever changed; a mistake is corrected by another booking.");
    Ok(page.render(head, move || {
        let options = Choice::list(KINDS);
        let selected = list.filter("kind").unwrap_or("").to_owned();
        let search = view! {
            <form method="get" action=HERE role="search" class="list-search">
                <input type="search" name="q" value=list.q.clone() placeholder="Reference or Stripe id" aria-label="Reference or Stripe id"/>
                <select name="kind" aria-label="Movement">
                    <option value="">"Movement: all"</option>
                    {options.into_iter().map(|c| {
                        let on = c.value == selected;
                        view! { <option value=c.value selected=on>{c.label}</option> }
                    }).collect_view()}
                </select>
                <button type="submit" class="button">"Apply"</button>
            </form>
        };
        let export = export_form(month, &zones);
        view! {
            {tabs()}
            <div class="list">
                <div class="list-tools">{search}</div>
                {movements(found, &list, HERE)}
            </div>
            {export}
        }
    }))
}

/// Which month to download, of which zone where the programs' differ.
fn export_form(month: String, zones: &[Tz]) -> AnyView {
    let of = match zones {
        [only] => format!("by booking month ({})", only.name()),
        _ => "by booking month in the zone you choose".to_owned(),
    };
    let choice = (zones.len() > 1).then(|| {
        let options = zones
            .iter()
            .map(|zone| view! { <option value=zone.name()>{zone.name()}</option> })
            .collect_view();
        view! { <select name="zone" aria-label="Zone">{options}</select> }
    });
    view! {
        <Panel title="General-ledger export" text=format!("One row for each posting with debit and credit, {of}.")>
            <form method="get" action="/finance/ledger.csv" class="list-search">
                <input type="month" name="month" value=month aria-label="Month" required=true/>
                {choice}
                <button type="submit" class="button">"Download CSV"</button>
            </form>
        </Panel>
    }
    .into_any()
}

/// A page of the journal, and the way to what is older.
fn movements(found: JournalPage, list: &ListQuery, base: &str) -> AnyView {
    let older = found.older.map(|before| {
        let href = list.with_filter("before", &before.to_string()).href(base);
        view! { <nav class="pages" aria-label="Pages"><ButtonLink href=href label="Older"/></nav> }
    });
    let newest = list.filter("before").map(|_| {
        let href = list.with_filter("before", "").href(base);
        view! { <nav class="pages" aria-label="Newest"><ButtonLink href=href label="Newest"/></nav> }
    });
    let table = Table::plain(found.lines)
        .caption("Journal")
        .col("Date", |l: &JournalLine| view! { <Day at=l.effective_at/> })
        .col("Movement", |l| kind(&l.kind))
        .aside()
        .col("What", |l| {
            view! { {l.description.clone()} <p class="muted"><code>{l.reference.clone()}</code></p> }
        })
        .col("Accounts", |l| {
            l.legs
                .iter()
                .map(|leg| {
                    let href = format!("/finance/ledger/accounts/{}", leg.account_id);
                    view! { <div class="nowrap"><a href=href>{leg.label.clone()}</a></div> }
                })
                .collect_view()
        })
        .num("Debit", |l| side(l, false))
        .num("Credit", |l| side(l, true))
        .col("Belongs to", |l| match (l.payout_id, l.commission_id) {
            (Some(id), _) => view! { <a href=format!("/finance/payouts/{id}")>{format!("Payout {id}")}</a> }.into_any(),
            (_, Some(id)) => view! { <a href=format!("/finance/commissions/{id}")>{format!("Line {id}")}</a> }.into_any(),
            _ => ().into_any(),
        })
        .aside()
        .empty(Empty::text("No movements", "Nothing was booked that fits this."))
        .view();
    view! { {newest} {table} {older} }.into_any()
}

/// The postings of one side, each on its account's line.
fn side(line: &JournalLine, credit: bool) -> AnyView {
    line.legs
        .iter()
        .map(|leg| {
            let shown = (leg.amount > 0) == credit;
            if shown {
                let minor = leg.amount.saturating_abs();
                view! { <div><Money minor currency=leg.currency.clone()/></div> }.into_any()
            } else {
                view! { <div class="no-side">"\u{a0}"</div> }.into_any()
            }
        })
        .collect_view()
        .into_any()
}

/// The zones of the programs, whose months an export can be of; the first program's first.
async fn zones(page: &Page) -> service::Result<Vec<Tz>> {
    let mut zones: Vec<Tz> = Vec::new();
    for program in service::program::all(page.ctx.reader()).await? {
        let zone = service::program::zone(&program);
        if !zones.contains(&zone) {
            zones.push(zone);
        }
    }
    if zones.is_empty() {
        zones.push(Tz::UTC);
    }
    Ok(zones)
}

/// When a month begins and ends in a zone.
fn span(month: &str, zone: Tz) -> Result<(DateTime<Utc>, DateTime<Utc>), PageError> {
    let wrong = || PageError::Invalid("Choose a month, such as 2026-03.".to_owned());
    let first =
        NaiveDate::parse_from_str(&format!("{month}-01"), "%Y-%m-%d").map_err(|_| wrong())?;
    let next = first.checked_add_months(Months::new(1)).ok_or_else(wrong)?;
    Ok((
        calendar::start_of_day(first, zone),
        calendar::start_of_day(next, zone),
    ))
}

const EXPORT_HEAD: [&str; 13] = [
    "Transaction",
    "Reference",
    "Movement",
    "Description",
    "Effective",
    "Booked",
    "Account",
    "Account name",
    "Debit",
    "Credit",
    "Currency",
    "Line",
    "Payout",
];

/// The postings of a movement, as debit and credit.
fn add_movement(file: &mut Csv, line: &JournalLine) {
    let id = |id: Option<i64>| id.map(|id| id.to_string()).unwrap_or_default();
    for leg in &line.legs {
        let amount = csv::amount(leg.amount.saturating_abs(), &leg.currency);
        let (debit, credit) = if leg.amount < 0 {
            (amount, String::new())
        } else {
            (String::new(), amount)
        };
        file.row([
            line.id.to_string(),
            line.reference.clone(),
            line.kind.clone(),
            line.description.clone(),
            csv::moment(line.effective_at),
            csv::moment(line.created_at),
            leg.code.clone(),
            leg.label.clone(),
            debit,
            credit,
            leg.currency.clone(),
            id(line.commission_id),
            id(line.payout_id),
        ]);
    }
}

/// The postings of a booking month, in the order of their ids. It is sent as it is read, so a month may
/// hold as much as it likes; where reading fails half-way the download breaks off, and the browser says
/// so.
async fn general_ledger(page: Page) -> PageResult {
    let zones = zones(&page).await?;
    let asked = page.param("zone");
    let zone = zones
        .iter()
        .copied()
        .find(|zone| asked.as_deref() == Some(zone.name()))
        .or(zones.first().copied().filter(|_| asked.is_none()))
        .ok_or_else(|| PageError::Invalid("Choose the zone of one of the programs.".to_owned()))?;
    let month = page
        .param("month")
        .unwrap_or_else(|| calendar::month_of(page.now(), zone));
    let (from, until) = span(&month, zone)?;
    // The first part is read before anything is answered, so that a refusal is a page.
    let (lines, next) = ledger::booked(&page.ctx, from, until, 0).await?;
    let mut file = Csv::new(&EXPORT_HEAD);
    lines.iter().for_each(|line| add_movement(&mut file, line));
    let ctx = page.ctx.clone();
    let rest = futures::stream::try_unfold(next, move |after| {
        let ctx = ctx.clone();
        async move {
            let Some(after) = after else { return Ok(None) };
            let (lines, next) = ledger::booked(&ctx, from, until, after).await?;
            let mut file = Csv::default();
            lines.iter().for_each(|line| add_movement(&mut file, line));
            Ok::<_, service::Error>(Some((file.finish(), next)))
        }
    });
    let first = futures::stream::once(async move { Ok(file.finish()) });
    let name = format!("general-ledger-{month}.csv");
    Ok(page.csv_stream(&name, axum::body::Body::from_stream(first.chain(rest))))
}

async fn narrowed(page: &Page, list: &ListQuery) -> service::Result<Vec<AccountLine>> {
    let mut rows = ledger::accounts(&page.ctx, &list.q).await?;
    rows.retain(|a| match list.filter("whose") {
        Some("partner") => a.partner_id.is_some(),
        Some("own") => a.partner_id.is_none(),
        _ => true,
    });
    if let Some(state) = list.filter("state") {
        rows.retain(|a| a.code.ends_with(&format!(":{state}")));
    }
    match list.sort.as_str() {
        "balance" => rows.sort_by_key(|a| a.balance),
        "account" => rows.sort_by(|a, b| a.label.cmp(&b.label)),
        _ => {}
    }
    if list.desc {
        rows.reverse();
    }
    Ok(rows)
}

async fn accounts(page: Page) -> PageResult {
    let list = page.list();
    let rows = narrowed(&page, &list).await?;
    let total = rows.len() as u64;
    let rows = super::cut(rows, &list);
    let head = Head::new("Accounts").text("What each account holds. Credits are positive: on a partner’s account, what it is owed.").crumb("Ledger", HERE);
    Ok(page.render(head, move || {
        let table = Table::new(rows, total, &list)
            .caption("Accounts")
            .sorted("account", "Account", |a: &AccountLine| a.label.clone())
            .col("Code", |a| view! { <code>{a.code.clone()}</code> })
            .col("Currency", |a| a.currency.clone())
            .sorted_num(
                "balance",
                "Balance",
                |a| view! { <Money minor=a.balance currency=a.currency.clone()/> },
            )
            .href(|a| format!("/finance/ledger/accounts/{}", a.id))
            .search("Partner, code or currency")
            .filter(
                "whose",
                "Whose",
                [("partner", "Partners’"), ("own", "Our own")],
            )
            .filter(
                "state",
                "State",
                domain::ledger::Bucket::ALL
                    .iter()
                    .map(|b| (b.as_str(), b.label())),
            )
            .csv("/finance/ledger/accounts.csv")
            .empty(Empty::text(
                "No accounts yet",
                "An account is opened by its first booking.",
            ))
            .view();
        view! { {tabs()} {table} }
    }))
}

async fn accounts_csv(page: Page) -> PageResult {
    let rows = narrowed(&page, &page.list()).await?;
    let mut file = Csv::new(&["Account", "Code", "Currency", "Balance"]);
    for a in rows {
        file.row([
            a.label.clone(),
            a.code.clone(),
            a.currency.clone(),
            csv::amount(a.balance, &a.currency),
        ]);
    }
    Ok(page.csv("accounts.csv", file.finish()))
}

async fn account(page: Page, Path(id): Path<i64>) -> PageResult {
    let list = page.list();
    let account = ledger::account_page(&page.ctx, id).await?;
    let asked = JournalQuery {
        account_id: Some(id),
        ..query(&page, &list)
    };
    let found = ledger::journal(&page.ctx, &asked).await?;
    let head = Head::new(account.label.clone())
        .text(account.code.clone())
        .crumb("Ledger", HERE)
        .crumb("Accounts", "/finance/ledger/accounts");
    Ok(page.render(head, move || {
        let base = format!("/finance/ledger/accounts/{id}");
        let partner = account.partner_id.map(|id| {
            let label = account.label.split(" · ").next().unwrap_or_default().to_owned();
            view! { <Figure label="Partner" href=format!("/manager/partners/{id}")>{label}</Figure> }
        });
        view! {
            <Figures>
                <Figure label="Balance" note="of everything booked"><Money minor=account.balance currency=account.currency.clone()/></Figure>
                {partner}
            </Figures>
            <div class="list">{movements(found, &list, &base)}</div>
        }
    }))
}
