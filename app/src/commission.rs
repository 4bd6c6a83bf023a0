//! A commission line as people read it, for partners and for the vendor's staff alike.

mod explain;
mod list;

use crate::ui::{Status, label_of};
use domain::commission::CommissionState;
use entity::commission::Model;
use leptos::prelude::*;
use service::commission::cause_words;

pub use explain::{Around, explain, passed_over};
pub use list::{export, lines, query, totals};

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
    CommissionState::ALL
        .iter()
        .map(|s| (s.as_str(), s.label()))
        .collect()
}

/// The words of a state.
#[must_use]
pub fn state_label(state: &str) -> String {
    state
        .parse::<CommissionState>()
        .map_or_else(|_| label_of(state), |s| s.label().to_owned())
}

/// A state as a label with its colour.
#[must_use]
pub fn state(state: &str) -> AnyView {
    view! { <Status of=state label=state_label(state)/> }.into_any()
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
