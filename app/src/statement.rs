//! A month's statement on a page, for the partner and for finance.

use crate::{
    commission, csv,
    csv::Csv,
    page::{Head, Page, PageResult},
    ui::*,
};
use leptos::prelude::*;
use service::payout::{
    browse,
    statement::{self, Month, Statement, Transfer},
};

/// Which months of a list are shown.
fn narrowed(months: Vec<Month>, list: &ListQuery) -> Vec<Month> {
    let year = list.filter("year").unwrap_or("");
    let currency = list.filter("currency").unwrap_or("");
    let mut rows: Vec<_> = months
        .into_iter()
        .filter(|m| {
            m.month.starts_with(year) && (currency.is_empty() || m.currency.code() == currency)
        })
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
        "paid" => rows.sort_by_key(Month::paid),
        "closing" => rows.sort_by_key(|m| m.closing),
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
    let mut currencies: Vec<String> = all.iter().map(|m| m.currency.code().to_owned()).collect();
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
        let pairs = |values: Vec<String>| {
            values
                .into_iter()
                .map(|v| (v.clone(), v))
                .collect::<Vec<_>>()
        };
        let money = |minor: i64, m: &Month| view! { <Money minor currency=m.currency.code()/> };
        Table::new(rows, total, &list)
            .caption("Statements")
            .sorted("month", "Month", |m: &Month| month_words(&m.month))
            .col("Currency", |m| m.currency.code())
            .num("Opening balance", move |m| money(m.opening, m))
            .aside()
            .sorted_num("earned", "Earned", move |m| money(m.earned, m))
            .sorted_num("given_back", "Taken back", move |m| money(m.given_back, m))
            .sorted_num("paid", "Paid", move |m| money(m.paid(), m))
            .sorted_num("closing", "Closing balance", move |m| money(m.closing, m))
            .href(move |m| format!("{base}/{}/{}", m.month, m.currency))
            .search("Month")
            .filter("year", "Year", pairs(years))
            .filter("currency", "Currency", pairs(currencies))
            .csv(csv)
            .empty(Empty::text(
                "No statements yet",
                "There is one for each month in which something was earned, taken back or paid.",
            ))
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
        "Opening balance",
        "Earned",
        "Taken back",
        "Given up",
        "Transferred",
        "Transfers taken back",
        "Closing balance",
        "Customer revenue",
    ]);
    for m in rows {
        let amount = |minor| csv::amount(minor, m.currency.code());
        file.row([
            m.month.clone(),
            m.currency.code().to_owned(),
            amount(m.opening),
            amount(m.earned),
            amount(m.given_back),
            amount(m.written_off),
            amount(m.sent),
            amount(m.returned),
            amount(m.closing),
            amount(m.revenue),
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
    let csv = format!("{}/statement.csv", place.here);
    let of_lines = format!("{}/lines.csv", place.here);
    let head = place
        .head()
        .text("What was earned, taken back and paid in the month. Print it with your browser; menus stay off the paper.")
        .actions(move || view! { <ButtonLink href=csv label="CSV" icon="download"/> });
    Ok(page.render(head, move || {
        let Statement { sums, lines: rows, transfers } = statement;
        let code = sums.currency.code();
        let canceled = rows.iter().any(|l| l.state == "canceled");
        let text = if canceled { "Canceled lines are here for the record and do not count." } else { "" };
        view! {
            {figures(&sums)}
            <Panel title="Lines" text=text actions=move || view! { <ButtonLink href=of_lines label="CSV of the lines" icon="download"/> }>
                {commission::lines(rows, names, lines)}
            </Panel>
            <Panel title="Payouts">{transferred(transfers, code, payouts)}</Panel>
        }
    }))
}

/// The balance at the beginning, what moved it, and the balance at the end.
fn figures(sums: &Month) -> AnyView {
    let code = sums.currency.code();
    let of_returned = if sums.returned == 0 {
        String::new()
    } else {
        let (sent, back) = (money_text(sums.sent, code), money_text(sums.returned, code));
        format!("{sent} transferred, {back} of transfers taken back")
    };
    let given_up = (sums.written_off != 0).then(|| {
        let minor = sums.written_off;
        view! { <Figure label="Given up" note="what was owed to the program"><Money minor currency=code/></Figure> }
    });
    let (opening, earned, given_back) = (sums.opening, sums.earned, sums.given_back);
    let (paid, closing) = (sums.paid(), sums.closing);
    view! {
        <Figures>
            <Figure label="Opening balance"><Money minor=opening currency=code/></Figure>
            <Figure label="Earned"><Money minor=earned currency=code/></Figure>
            <Figure label="Taken back" note="refunds, credit notes, lost disputes and negative adjustments"><Money minor=given_back currency=code/></Figure>
            {given_up}
            <Figure label="Paid in the month" note=of_returned><Money minor=paid currency=code/></Figure>
            <Figure label="Closing balance" note="owed, on hold or on its way"><Money minor=closing currency=code/></Figure>
        </Figures>
    }
    .into_any()
}

/// What was transferred, and what of it came back.
fn transferred(rows: Vec<Transfer>, code: &'static str, payouts: &'static str) -> AnyView {
    Table::plain(rows)
        .caption("Payouts of the month")
        .col("Payout", |t: &Transfer| format!("Payout {}", t.payout_id))
        .col("What", |t| {
            if t.amount < 0 {
                "Transfer taken back"
            } else {
                "Transferred"
            }
        })
        .col("Date", |t| view! { <Day at=t.at/> })
        .num(
            "Amount",
            move |t| view! { <Money minor=t.amount currency=code/> },
        )
        .href(move |t| format!("{payouts}/{}", t.payout_id))
        .empty(Empty::text(
            "Nothing was paid",
            "No transfer was made in this month and currency.",
        ))
        .view()
}

/// One statement as a CSV file: every movement from the opening balance to the closing one.
///
/// # Errors
/// As [`statement::show`].
pub async fn show_csv(
    page: &Page,
    partner_id: Option<i64>,
    month: &str,
    currency: &str,
) -> PageResult {
    let statement = statement::show(&page.ctx, partner_id, month, currency).await?;
    let names = browse::customers(&page.ctx, &statement.lines).await?;
    let rows = statement::movements(&statement, &names, |line| {
        commission::brief(&line.kind, &line.rule_name, line.note.as_deref())
    })?;
    let mut file = Csv::new(&[
        "Date", "What", "Customer", "Line", "Payout", "Amount", "Balance", "Currency",
    ]);
    let code = statement.sums.currency.code();
    let id = |id: Option<i64>| id.map(|id| id.to_string()).unwrap_or_default();
    for m in rows {
        file.row([
            csv::moment_or_none(m.at),
            m.what,
            m.customer,
            id(m.line_id),
            id(m.payout_id),
            csv::amount(m.amount, code),
            csv::amount(m.balance, code),
            code.to_owned(),
        ]);
    }
    Ok(page.csv(&format!("statement-{month}-{code}.csv"), file.finish()))
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
    commission::export(
        page,
        asked,
        &format!("statement-lines-{month}-{currency}.csv"),
    )
    .await
}
