//! Lines as a list: what is asked for, what is shown, and the file of it.

use super::{brief, words};
use crate::{
    csv,
    csv::Csv,
    page::{Page, PageResult},
    ui::*,
};
use domain::money::Bp;
use entity::commission::Model;
use leptos::prelude::*;
use service::commission::{CommissionLine, LineQuery, Total};

/// Lines that belong to something, such as a payout or a statement. `base` is the address of one
/// line without its id; `names` are customers by `account.id`.
#[must_use]
pub fn lines(
    rows: Vec<Model>,
    names: std::collections::HashMap<i64, String>,
    base: &'static str,
) -> AnyView {
    Table::plain(rows)
        .caption("Commission lines")
        .col("What", words)
        .col("Date", |c| view! { <Day at=c.earned_at/> })
        .col("Customer", move |c| {
            c.account_id.and_then(|id| names.get(&id).cloned())
        })
        .num("Basis", |c| {
            (c.basis != 0).then(|| view! { <Money minor=c.basis currency=c.currency.clone()/> })
        })
        .aside()
        .num("Rate", |c| c.rate_bp.map(|bp| view! { <Percent bp/> }))
        .num(
            "Amount",
            |c| view! { <Money minor=c.amount currency=c.currency.clone()/> },
        )
        .col("State", |c| super::state(&c.state))
        .href(move |c| format!("{base}/{}", c.id))
        .empty(Empty::text(
            "No lines",
            "Nothing was earned or taken back here.",
        ))
        .view()
}

/// What a list of lines is asked for by its address. `per` of the address counts.
#[must_use]
pub fn query(list: &ListQuery) -> LineQuery {
    let all = |name: &str| list.all(name).into_iter().map(str::to_owned).collect();
    LineQuery {
        q: list.q.clone(),
        states: all("state"),
        kinds: all("kind"),
        month: list.filter("month").map(str::to_owned),
        currency: list.filter("currency").map(str::to_owned),
        account_id: list.filter("customer").and_then(|id| id.parse().ok()),
        partner_id: list.filter("partner").and_then(|id| id.parse().ok()),
        payout_id: list.filter("payout").and_then(|id| id.parse().ok()),
        sort: list
            .sort_or(&["earned", "amount", "hold", "customer"], "")
            .to_owned(),
        desc: list.desc,
        page: list.page,
        per: list.per,
    }
}

/// Every line that is asked for as a CSV file of that name.
///
/// # Errors
/// As [`service::commission::lines`] and [`csv::Whole`].
pub async fn export(page: &Page, asked: LineQuery, name: &str) -> PageResult {
    let mut whole = csv::Whole::default();
    while let Some((offset, limit)) = whole.wanted() {
        let part = LineQuery {
            page: offset / limit + 1,
            per: limit,
            ..asked.clone()
        };
        let found = service::commission::lines(&page.ctx, &part).await?;
        whole.take((found.rows, found.total))?;
    }
    let lines = whole.rows;
    let mut file = Csv::new(&CSV_HEAD);
    for line in &lines {
        file.row(line_row(line));
    }
    Ok(page.csv(name, file.finish()))
}

/// What the lines of a list come to, a figure for each currency.
#[must_use]
pub fn totals(totals: Vec<Total>) -> Option<AnyView> {
    if totals.is_empty() {
        return None;
    }
    let figures = totals
        .into_iter()
        .map(|t| {
            let note = if t.count == 1 { "1 line".to_owned() } else { format!("{} lines", count_text(t.count)) };
            view! { <Figure label=format!("Total in {}", t.currency) note=note><Money minor=t.amount currency=t.currency/></Figure> }
        })
        .collect_view();
    Some(view! { <Figures>{figures}</Figures> }.into_any())
}

/// The head of a CSV file of lines.
const CSV_HEAD: [&str; 16] = [
    "Line",
    "Partner",
    "Kind",
    "What",
    "Date",
    "Customer",
    "Invoice",
    "Basis",
    "Rate %",
    "Amount",
    "Taken back",
    "Currency",
    "State",
    "On hold until",
    "Month",
    "Payout",
];

fn rate(bp: Option<i64>) -> String {
    bp.map(|bp| Bp(bp).to_string().trim_end_matches('%').to_owned())
        .unwrap_or_default()
}

/// A line as a row of it.
fn line_row(line: &CommissionLine) -> [String; 16] {
    [
        line.id.to_string(),
        line.partner.clone(),
        line.kind.clone(),
        brief(&line.kind, &line.rule_name, line.note.as_deref()),
        csv::moment(line.earned_at),
        line.customer.clone().unwrap_or_default(),
        line.invoice.clone().unwrap_or_default(),
        csv::amount(line.basis, &line.currency),
        rate(line.rate_bp),
        csv::amount(line.amount, &line.currency),
        csv::amount(line.reversed, &line.currency),
        line.currency.clone(),
        line.state.clone(),
        csv::moment(line.hold_until),
        line.month.clone(),
        line.payout_id.map(|id| id.to_string()).unwrap_or_default(),
    ]
}
