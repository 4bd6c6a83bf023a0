//! The way from the event to the amount.

use super::{cause, kind_label, words};
use crate::ui::*;
use chrono::{DateTime, Utc};
use domain::commission::{Calculation, CreditSource, Rate};
use domain::money::Bp;
use domain::payout::PayoutStatus;
use domain::plan::{Basis, Trigger};
use entity::commission::Model;
use leptos::prelude::*;
use service::commission::{Explained, cause_words};

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
    balance(rows, row);
    if c.basis == Basis::FirstYear && paid {
        rows.push(ExplainRow::new(
            "Basis",
            c.basis.label(),
            "only what falls into the customer’s first year counts",
        ));
    }
    let known = c
        .steps
        .iter()
        .any(|s| s.label == "Rate" || s.label == "Rate by tier");
    for step in c.steps.iter().filter(|s| s.label != "Commission") {
        if let (Rate::Percent { rate }, false, "Rate × amount") = (&c.rate, known, &*step.label) {
            rows.push(ExplainRow::new(
                "Rate",
                percent_text(rate.0),
                "the same for every tier",
            ));
        }
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
}

/// What of the invoice was not paid in money now, by where it came from.
fn balance(rows: &mut Vec<ExplainRow>, row: &Model) {
    let money = |minor: i64| money_text(minor, &row.currency);
    let number = |key: &str| {
        let path = format!("/balance/{key}");
        row.explain
            .pointer(&path)
            .and_then(serde_json::Value::as_i64)
    };
    let sources = row.explain.pointer("/balance/sources");
    for (name, part) in sources.and_then(|s| s.as_object()).into_iter().flatten() {
        let (Ok(source), Some(part)) = (name.parse::<CreditSource>(), part.as_i64()) else {
            continue;
        };
        let why = match source.earns() {
            true => "it earns like money",
            false => "it earns nothing; the line counts for the rest of the invoice",
        };
        rows.push(ExplainRow::new(
            "Paid by the customer’s balance",
            money(part),
            format!("{}: {why}", source.label()),
        ));
    }
    if let Some(unpaid) = number("unpaid").filter(|unpaid| *unpaid != 0) {
        rows.push(ExplainRow::new(
            "Not paid",
            money(unpaid),
            "it became a debt of the customer’s and earns nothing",
        ));
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
    let day = |key: &str| {
        let early = row.explain.get("left_early")?;
        let day: DateTime<Utc> = early.get(key)?.as_str()?.parse().ok()?;
        Some(day_text(day))
    };
    let left_early = day("ended_at").zip(day("started_at"));
    if let Some((ended, started)) = &left_early {
        rows.push(ExplainRow::new(
            "Left early",
            ended.clone(),
            format!(
                "the subscription of {started} ended sooner than the program’s policy asks, which \
                 takes back all of it"
            ),
        ));
    }
    rows.push(ExplainRow::new(
        "Commission on the line",
        money(commission),
        "what was earned",
    ));
    let target = already + number("due").unwrap_or(-row.amount);
    rows.push(ExplainRow::new(
        "To be taken back in all",
        money(target),
        if left_early.is_some() {
            "all that the line earned".to_owned()
        } else {
            format!(
                "{} × {} ÷ {}, rounded half-even",
                money(commission),
                money(back),
                money(paid)
            )
        },
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
            "Review hold",
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
