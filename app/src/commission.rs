//! A commission line as people read it, for partners and for the vendor's staff alike: its words,
//! and the way from the event to the amount.

use crate::{
    csv,
    csv::Csv,
    page::{Page, PageResult},
    ui::*,
};
use domain::commission::{Calculation, Rate};
use domain::money::Bp;
use domain::payout::PayoutStatus;
use domain::plan::{Basis, Trigger};
use entity::commission::Model;
use leptos::prelude::*;
use service::commission::{CommissionLine, Explained, LineQuery, Total};

/// What a kind of line is called.
#[must_use]
pub fn kind_label(kind: &str) -> &'static str {
    match kind {
        "accrual" => "Commission",
        "reversal" => "Taken back",
        "adjustment" => "Adjustment",
        "bonus" => "Bonus",
        "clawback" => "Clawback",
        "write_off" => "Written off",
        _ => "Line",
    }
}

/// The kinds with their words, for filters.
#[must_use]
pub fn kinds() -> Vec<(&'static str, &'static str)> {
    [
        "accrual",
        "reversal",
        "adjustment",
        "bonus",
        "clawback",
        "write_off",
    ]
    .into_iter()
    .map(|kind| (kind, kind_label(kind)))
    .collect()
}

/// The states with their words, for filters.
#[must_use]
pub fn states() -> Vec<(&'static str, &'static str)> {
    domain::commission::CommissionState::ALL
        .iter()
        .map(|s| (s.as_str(), s.label()))
        .collect()
}

/// The line in a few words: the rule that paid, or why it is there.
#[must_use]
pub fn words(row: &Model) -> String {
    match (row.kind.as_str(), cause(row)) {
        ("reversal", Some(cause)) => format!("Taken back: {}", cause_words(&cause)),
        _ => brief(&row.kind, &row.rule_name, row.note.as_deref()),
    }
}

/// The same from what a list knows.
#[must_use]
pub fn brief(kind: &str, rule: &str, note: Option<&str>) -> String {
    match (kind, note) {
        ("accrual" | "bonus", _) if !rule.is_empty() => rule.to_owned(),
        ("accrual" | "reversal", _) | (_, None) => kind_label(kind).to_owned(),
        (_, Some(note)) => format!("{}: {note}", kind_label(kind)),
    }
}

fn cause(row: &Model) -> Option<String> {
    row.explain
        .get("cause")
        .and_then(|c| c.as_str())
        .map(str::to_owned)
}

/// What a Stripe id stands for: `re_…` is a refund.
fn cause_words(id: &str) -> String {
    let what = match id.split('_').next() {
        Some("re" | "pyr" | "ch") => "refund",
        Some("cn") => "credit note",
        Some("dp" | "du") => "lost dispute",
        _ if id.starts_with("won:") => return "the deal is not won after all".to_owned(),
        _ if id.starts_with("meeting:") => return "the meeting does not count".to_owned(),
        _ => return id.to_owned(),
    };
    format!("{what} {id}")
}

/// What is known around a line besides its own row.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// The customer's name.
    pub customer: Option<String>,
    /// The invoice's number.
    pub invoice: Option<String>,
    /// The payout it is or was in, in words.
    pub payout: Option<String>,
    /// The line this one takes back from, in words.
    pub original: Option<String>,
}

impl From<&Explained> for Around {
    fn from(e: &Explained) -> Self {
        Self {
            customer: e.customer.clone(),
            invoice: e
                .invoice
                .as_ref()
                .map(|i| i.number.clone().unwrap_or_else(|| i.stripe_id.clone())),
            payout: e.payout.as_ref().map(|p| {
                let status = p
                    .status
                    .parse::<PayoutStatus>()
                    .map_or("", PayoutStatus::label);
                format!("Payout {}: {}", p.id, status.to_lowercase())
            }),
            original: e
                .original
                .as_ref()
                .map(|o| format!("{} of {}", words(o), day_text(o.earned_at))),
        }
    }
}

/// The way from the event to the amount, every step of it, so that anybody who may see the line can
/// recompute it by hand. Call it while a page is rendered.
#[must_use]
pub fn explain(row: &Model, around: &Around) -> Vec<ExplainRow> {
    let mut rows = Vec::new();
    match row.kind.as_str() {
        "accrual" | "bonus" => match serde_json::from_value::<Calculation>(row.explain.clone()) {
            Ok(calculation) => accrual(&mut rows, row, &calculation, around),
            Err(_) => plain(&mut rows, row, around),
        },
        "reversal" => reversal(&mut rows, row, around),
        _ => plain(&mut rows, row, around),
    }
    rows.push(ExplainRow::new(
        "Amount",
        money_text(row.amount, &row.currency),
        "the line itself",
    ));
    if row.reversed != 0 {
        let back = if row.amount < 0 {
            row.reversed
        } else {
            -row.reversed
        };
        rows.push(ExplainRow::new(
            "Taken back since",
            money_text(back, &row.currency),
            "by lines of their own, listed below",
        ));
    }
    standing(&mut rows, row, around);
    rows
}

fn accrual(rows: &mut Vec<ExplainRow>, row: &Model, c: &Calculation, around: &Around) {
    let invoice = around
        .invoice
        .as_ref()
        .map(|n| format!("Invoice {n}"))
        .unwrap_or_default();
    let customer = around.customer.clone().unwrap_or_default();
    let paid = matches!(c.trigger, Trigger::InvoicePaid | Trigger::FirstPayment);
    let deal = match row.explain.get("for").and_then(|f| f.as_str()) {
        Some(words) => words.to_owned(),
        None => String::new(),
    };
    let why = [c.trigger.label().to_owned(), deal, invoice, customer]
        .into_iter()
        .filter(|s| !s.is_empty())
        .collect::<Vec<_>>()
        .join(", ");
    rows.push(ExplainRow::new("Event", day_text(row.earned_at), why));
    rows.push(ExplainRow::new(
        "Rule",
        c.rule_name.clone(),
        format!("Version {} of the plan. {}", c.plan_version, c.choice),
    ));
    if let Some(tier) = &c.tier {
        rows.push(ExplainRow::new(
            "Tier on that day",
            tier.name.clone(),
            if paid {
                "what counts is the day the money arrived"
            } else {
                "what counts is the day of the event"
            },
        ));
    }
    let share = row
        .explain
        .pointer("/credit/share_bp")
        .and_then(serde_json::Value::as_i64);
    let line = row
        .explain
        .pointer("/credit/line_net")
        .and_then(serde_json::Value::as_i64);
    if let Some(share) = share.filter(|bp| *bp != Bp::WHOLE.0) {
        let where_from = if paid { "on the line" } else { "for the deal" };
        let of = line.map(|net| format!("of {} {where_from}", money_text(net, &row.currency)));
        rows.push(ExplainRow::new(
            "Your share of the credit",
            percent_text(share),
            of.unwrap_or_else(|| "the credit for this customer is shared".to_owned()),
        ));
    }
    if c.basis == Basis::FirstYear && paid {
        rows.push(ExplainRow::new(
            "Basis",
            c.basis.label(),
            "only what falls into the customer’s first year counts",
        ));
    }
    for step in c.steps.iter().filter(|s| s.label != "Commission") {
        // The exact amount before rounding is a fraction of minor units.
        let why = match step.formula.split_once('/') {
            Some((over, under)) if step.label.starts_with("Rounded") => {
                format!(
                    "{over} ÷ {under} in the currency’s smallest unit; a half goes to the even neighbour"
                )
            }
            _ => step.formula.clone(),
        };
        rows.push(ExplainRow::new(step.label.clone(), step.value.clone(), why));
    }
    if let Rate::Percent { rate } = &c.rate {
        let known = c
            .steps
            .iter()
            .any(|s| s.label == "Rate" || s.label == "Rate by tier");
        if !known {
            rows.push(ExplainRow::new(
                "Rate",
                percent_text(rate.0),
                "the same for every tier",
            ));
        }
    }
}

fn reversal(rows: &mut Vec<ExplainRow>, row: &Model, around: &Around) {
    let number = |key: &str| row.explain.get(key).and_then(serde_json::Value::as_i64);
    let money = |minor: i64| money_text(minor, &row.currency);
    let cause = cause(row).map_or_else(|| "money went back".to_owned(), |c| cause_words(&c));
    let invoice = around
        .invoice
        .as_ref()
        .map(|n| format!(" on invoice {n}"))
        .unwrap_or_default();
    rows.push(ExplainRow::new(
        "Event",
        day_text(row.earned_at),
        format!("{cause}{invoice}"),
    ));
    if let Some(original) = &around.original {
        rows.push(ExplainRow::new(
            "Takes back from",
            original.clone(),
            "the line that was earned",
        ));
    }
    if row.invoice_id.is_none() {
        rows.push(ExplainRow::new(
            "Earned by the line",
            number("commission").map(money).unwrap_or_default(),
            "what it was earned for is undone, so all of it goes back",
        ));
        rows.push(ExplainRow::new(
            "Taken back before",
            number("already_reversed").map(money).unwrap_or_default(),
            "by earlier lines",
        ));
        return;
    }
    let (Some(paid), Some(back), Some(commission), Some(already)) = (
        number("line_paid"),
        number("line_returned"),
        number("commission"),
        number("already_reversed"),
    ) else {
        return;
    };
    rows.push(ExplainRow::new(
        "Paid for the line",
        money(paid),
        "after tax, discount and credit",
    ));
    rows.push(ExplainRow::new(
        "Gone back so far",
        money(back),
        "refunds, credit notes and lost disputes together",
    ));
    rows.push(ExplainRow::new(
        "Commission on the line",
        money(commission),
        "what was earned",
    ));
    let target = already + number("due").unwrap_or(-row.amount);
    rows.push(ExplainRow::new(
        "To be taken back in all",
        money(target),
        format!(
            "{} × {} ÷ {}, rounded half-even",
            money(commission),
            money(back),
            money(paid)
        ),
    ));
    rows.push(ExplainRow::new(
        "Taken back before",
        money(already),
        "by earlier lines",
    ));
}

fn plain(rows: &mut Vec<ExplainRow>, row: &Model, around: &Around) {
    let why = row
        .note
        .clone()
        .unwrap_or_else(|| "entered by the vendor’s finance team".to_owned());
    rows.push(ExplainRow::new(
        "Event",
        day_text(row.earned_at),
        kind_label(&row.kind),
    ));
    rows.push(ExplainRow::new("Reason", "", why));
    if let Some(customer) = &around.customer {
        rows.push(ExplainRow::new("Customer", customer.clone(), ""));
    }
}

fn standing(rows: &mut Vec<ExplainRow>, row: &Model, around: &Around) {
    let hold = if row.invoice_id.is_some() {
        "until then a refund takes it back before it is paid"
    } else {
        "until then it can be taken back before it is paid"
    };
    match row.state.as_str() {
        "pending" => rows.push(ExplainRow::new(
            "On hold until",
            day_text(row.hold_until),
            hold,
        )),
        "held" => rows.push(ExplainRow::new(
            "Held",
            day_text(row.hold_until),
            row.note
                .clone()
                .unwrap_or_else(|| "stopped by a review".to_owned()),
        )),
        _ if row.kind == "accrual" => {
            rows.push(ExplainRow::new(
                "Was on hold until",
                day_text(row.hold_until),
                hold,
            ));
        }
        _ => {}
    }
    let payout = match (&around.payout, row.state.as_str()) {
        (Some(words), _) => words.clone(),
        (None, "payable") => "in the next payout".to_owned(),
        (None, "pending" | "held") => "after the hold".to_owned(),
        (None, "canceled") => {
            let why = row.note.clone().unwrap_or_default();
            rows.push(ExplainRow::new("Canceled", "", why));
            return;
        }
        (None, "reversed") => "none: it was taken back whole before it was paid".to_owned(),
        (None, _) => return,
    };
    rows.push(ExplainRow::new("Payout", "", payout));
}

/// The rules that did not pay, with the reason; nothing where there is none to tell.
#[must_use]
pub fn passed_over(row: &Model) -> Option<AnyView> {
    let calculation: Calculation = serde_json::from_value(row.explain.clone()).ok()?;
    if calculation.passed_over.is_empty() {
        return None;
    }
    let reasons = calculation
        .passed_over
        .into_iter()
        .map(|r| view! { <li>{r.sentence}</li> })
        .collect_view();
    Some(
        view! {
            <details>
                <summary>"Why no other rule?"</summary>
                <ul>{reasons}</ul>
            </details>
        }
        .into_any(),
    )
}

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
        .num("Rate", |c| c.rate_bp.map(|bp| view! { <Percent bp/> }))
        .num(
            "Amount",
            |c| view! { <Money minor=c.amount currency=c.currency.clone()/> },
        )
        .col("State", |c| view! { <Status of=c.state.clone()/> })
        .href(move |c| format!("{base}/{}", c.id))
        .empty(Empty::text(
            "No lines",
            "Nothing was earned or given back here.",
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

/// Every line that is asked for as a CSV file, at most 100,000.
///
/// # Errors
/// As [`service::commission::lines`].
pub async fn export(page: &Page, asked: LineQuery) -> PageResult {
    let mut asked = LineQuery {
        page: 1,
        per: 1_000,
        ..asked
    };
    let mut file = Csv::new(&CSV_HEAD);
    while asked.page <= 100 {
        let found = service::commission::lines(&page.ctx, &asked).await?;
        for line in &found.rows {
            file.row(line_row(line));
        }
        if found.rows.len() < 1_000 {
            break;
        }
        asked.page += 1;
    }
    Ok(page.csv("commissions.csv", file.finish()))
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
            view! { <Figure label=format!("Together in {}", t.currency) note=note><Money minor=t.amount currency=t.currency/></Figure> }
        })
        .collect_view();
    Some(view! { <Figures>{figures}</Figures> }.into_any())
}

/// The head of a CSV file of lines.
pub const CSV_HEAD: [&str; 16] = [
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

/// A line as a row of a CSV file.
#[must_use]
pub fn csv_row(row: &Model, partner: &str, customer: &str) -> [String; 16] {
    [
        row.id.to_string(),
        partner.to_owned(),
        row.kind.clone(),
        words(row),
        csv::moment(row.earned_at),
        customer.to_owned(),
        String::new(),
        csv::amount(row.basis, &row.currency),
        rate(row.rate_bp),
        csv::amount(row.amount, &row.currency),
        csv::amount(row.reversed, &row.currency),
        row.currency.clone(),
        row.state.clone(),
        csv::moment(row.hold_until),
        row.month.clone(),
        row.payout_id.map(|id| id.to_string()).unwrap_or_default(),
    ]
}

/// The same from a list.
#[must_use]
pub fn line_row(line: &CommissionLine) -> [String; 16] {
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
