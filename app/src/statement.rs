//! A month's statement on a page, for the partner and for finance.

use crate::{
    commission, csv,
    csv::Csv,
    page::{Head, Page, PageResult},
    ui::*,
};
use entity::partner_month;
use leptos::prelude::*;
use service::payout::{
    browse,
    statement::{self, Statement},
};

/// Which months of a list are shown.
fn narrowed(months: Vec<partner_month::Model>, list: &ListQuery) -> Vec<partner_month::Model> {
    let year = list.filter("year").unwrap_or("");
    let currency = list.filter("currency").unwrap_or("");
    let mut rows: Vec<_> = months
        .into_iter()
        .filter(|m| m.month.starts_with(year) && (currency.is_empty() || m.currency == currency))
        .filter(|m| {
            list.q.is_empty()
                || m.month.contains(&list.q)
                || month_words(&m.month)
                    .to_lowercase()
                    .contains(&list.q.to_lowercase())
        })
        .collect();
    match list.sort.as_str() {
        "earned" => rows.sort_by_key(|m| m.earned),
        "given_back" => rows.sort_by_key(|m| m.given_back),
        "month" => rows.sort_by(|a, b| a.month.cmp(&b.month)),
        _ => return rows,
    }
    if list.desc {
        rows.reverse();
    }
    rows
}

/// `2026-03` as `March 2026`.
#[must_use]
pub fn month_words(month: &str) -> String {
    chrono::NaiveDate::parse_from_str(&format!("{month}-01"), "%Y-%m-%d")
        .map_or_else(|_| month.to_owned(), |day| day.format("%B %Y").to_string())
}

/// Where a page stands: its title, what is said below it, and the way to it.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// Title.
    pub title: String,
    /// One line below it; a statement has its own.
    pub text: &'static str,
    /// Steps on the way, outermost first.
    pub crumbs: Vec<(String, String)>,
    /// Its own address.
    pub here: String,
    /// The address of the same as a file.
    pub csv: String,
}

impl Place {
    fn head(&self) -> Head {
        let head = Head::new(self.title.clone()).text(self.text);
        self.crumbs.iter().fold(head, |head, (label, href)| {
            head.crumb(label.clone(), href.clone())
        })
    }
}

/// The list of months.
///
/// # Errors
/// As [`statement::months`].
pub async fn months(page: &Page, partner_id: Option<i64>, place: Place) -> PageResult {
    let list = page.list();
    let all = statement::months(&page.ctx, partner_id).await?;
    let mut years: Vec<String> = all
        .iter()
        .filter_map(|m| m.month.get(..4))
        .map(str::to_owned)
        .collect();
    years.dedup();
    let mut currencies: Vec<String> = all.iter().map(|m| m.currency.clone()).collect();
    currencies.sort();
    currencies.dedup();
    let rows = narrowed(all, &list);
    let total = rows.len() as u64;
    let rows: Vec<_> = rows
        .into_iter()
        .skip(usize::try_from(list.offset()).unwrap_or(usize::MAX))
        .take(usize::try_from(list.per).unwrap_or(usize::MAX))
        .collect();
    let head = place.head();
    let Place {
        here: base, csv, ..
    } = place;
    Ok(page.render(head, move || {
        let pairs = |values: Vec<String>| values.into_iter().map(|v| (v.clone(), v)).collect::<Vec<_>>();
        Table::new(rows, total, &list)
            .caption("Statements")
            .sorted("month", "Month", |m: &partner_month::Model| month_words(&m.month))
            .col("Currency", |m| m.currency.clone())
            .sorted_num("earned", "Earned", |m| view! { <Money minor=m.earned currency=m.currency.clone()/> })
            .sorted_num("given_back", "Taken back", |m| view! { <Money minor=m.given_back currency=m.currency.clone()/> })
            .num("Total", |m| view! { <Money minor=m.earned.saturating_add(m.given_back) currency=m.currency.clone()/> })
            .href(move |m| format!("{base}/{}/{}", m.month, m.currency))
            .search("Month")
            .filter("year", "Year", pairs(years))
            .filter("currency", "Currency", pairs(currencies))
            .csv(csv)
            .empty(Empty::text("No statements yet", "There is one for each month in which something was earned, taken back or paid."))
            .view()
    }))
}

/// The list of months as a CSV file.
///
/// # Errors
/// As [`statement::months`].
pub async fn months_csv(page: &Page, partner_id: Option<i64>) -> PageResult {
    let rows = narrowed(
        statement::months(&page.ctx, partner_id).await?,
        &page.list(),
    );
    let mut file = Csv::new(&[
        "Month",
        "Currency",
        "Earned",
        "Taken back",
        "Customer revenue",
    ]);
    for m in rows {
        file.row([
            m.month.clone(),
            m.currency.clone(),
            csv::amount(m.earned, &m.currency),
            csv::amount(m.given_back, &m.currency),
            csv::amount(m.revenue, &m.currency),
        ]);
    }
    Ok(page.csv("statements.csv", file.finish()))
}

/// One statement; `lines` and `payouts` are the addresses of one line and one payout without their
/// ids.
///
/// # Errors
/// As [`statement::show`].
pub async fn show(
    page: &Page,
    partner_id: Option<i64>,
    month: &str,
    currency: &str,
    place: Place,
    (lines, payouts): (&'static str, &'static str),
) -> PageResult {
    let statement = statement::show(&page.ctx, partner_id, month, currency).await?;
    let names = browse::customers(&page.ctx, &statement.lines).await?;
    let csv = format!("{}/lines.csv", place.here);
    let head = place
        .head()
        .text("What was earned, taken back and paid in the month. Print it with your browser; menus stay off the paper.")
        .actions(move || view! { <ButtonLink href=csv label="CSV" icon="download" download=true/> });
    Ok(page.render(head, move || {
        let Statement { earned, given_back, paid, lines: rows, payouts: sent, .. } = statement;
        let code = earned.currency.code();
        let canceled = rows.iter().any(|l| l.state == "canceled");
        let text = if canceled { "Canceled lines are here for the record and do not count." } else { "" };
        let together = earned.minor.saturating_add(given_back.minor);
        let sent = Table::plain(sent)
            .caption("Payouts of the month")
            .col("Payout", |p: &entity::payout::Model| format!("Payout {}", p.id))
            .col("Status", |p| view! { <Status of=p.status.clone()/> })
            .col("Transferred", |p| p.settled_at.map(|at| view! { <Day at/> }))
            .num("Amount", |p| view! { <Money minor=p.amount currency=p.currency.clone()/> })
            .href(move |p| format!("{payouts}/{}", p.id))
            .empty(Empty::text("Nothing was paid", "No transfer was made in this month and currency."))
            .view();
        view! {
            <Figures>
                <Figure label="Earned"><Money minor=earned.minor currency=code/></Figure>
                <Figure label="Taken back" note="refunds, credit notes, lost disputes and negative adjustments"><Money minor=given_back.minor currency=code/></Figure>
                <Figure label="Total"><Money minor=together currency=code/></Figure>
                <Figure label="Paid in the month"><Money minor=paid.minor currency=code/></Figure>
            </Figures>
            <Panel title="Lines" text=text>{commission::lines(rows, names, lines)}</Panel>
            <Panel title="Payouts">{sent}</Panel>
        }
    }))
}

/// A statement's lines as a CSV file.
///
/// # Errors
/// As [`statement::query`].
pub async fn lines_csv(
    page: &Page,
    partner_id: Option<i64>,
    month: &str,
    currency: &str,
) -> PageResult {
    let asked = statement::query(&page.ctx, partner_id, month, currency).await?;
    commission::export(page, asked, &format!("statement-{month}-{currency}.csv")).await
}
