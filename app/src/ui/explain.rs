//! How a number came about, and what changed between versions.

use leptos::prelude::*;

/// One step of a calculation or decision.
#[derive(Clone, Debug)]
pub struct ExplainRow {
    /// What this step is about: "Rate", "Basis", "Rounding".
    pub label: String,
    /// Its value: "25%", "€1,200.00".
    pub value: String,
    /// Where it comes from: "Gold on 3 Mar 2026, plan version 4, rule 2".
    pub why: String,
}

impl ExplainRow {
    /// One step.
    #[must_use]
    pub fn new(label: impl Into<String>, value: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            value: value.into(),
            why: why.into(),
        }
    }
}

/// The steps from an event to an amount, so that a reader can recompute it by hand.
#[component]
pub fn Explain(
    /// Steps in order; the last one is the result.
    rows: Vec<ExplainRow>,
    /// Starts closed, behind the question.
    #[prop(optional)]
    folded: bool,
) -> impl IntoView {
    let rows = rows
        .into_iter()
        .map(|row| {
            view! {
                <tr>
                    <th scope="row">{row.label}</th>
                    <td class="n">{row.value}</td>
                    <td class="why">{row.why}</td>
                </tr>
            }
        })
        .collect_view();
    let table = view! {
        <table class="explain">
            <thead class="sr">
                <tr>
                    <th scope="col">"Step"</th>
                    <th scope="col">"Value"</th>
                    <th scope="col">"Why"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    };
    if folded {
        view! {
            <details class="explain-box">
                <summary>"How was this worked out?"</summary>
                {table}
            </details>
        }
        .into_any()
    } else {
        table.into_any()
    }
}

/// What changed between two versions, field by field: (name, before, after). Equal fields are left
/// out.
#[component]
pub fn Diff(
    /// (name, before, after).
    fields: Vec<(String, String, String)>,
) -> impl IntoView {
    let rows = fields
        .into_iter()
        .filter(|(_, before, after)| before != after)
        .map(|(name, before, after)| {
            view! {
                <tr>
                    <th scope="row">{name}</th>
                    <td>{(!before.is_empty()).then(|| view! { <del>{before}</del> })}</td>
                    <td>{(!after.is_empty()).then(|| view! { <ins>{after}</ins> })}</td>
                </tr>
            }
        })
        .collect::<Vec<_>>();
    if rows.is_empty() {
        return view! { <p class="muted">"Nothing changed."</p> }.into_any();
    }
    view! {
        <table class="diff">
            <thead>
                <tr>
                    <th scope="col">"Field"</th>
                    <th scope="col">"Before"</th>
                    <th scope="col">"After"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}
