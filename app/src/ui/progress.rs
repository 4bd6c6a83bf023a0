//! How far somebody is: steps, checklists, tiers, meters.

use super::Icon;
use leptos::prelude::*;

/// One step of a process.
#[derive(Clone, Debug)]
pub struct Step {
    /// Words.
    pub label: String,
    /// When it happened, or what is waited for.
    pub note: String,
}

impl Step {
    /// A step with a note.
    #[must_use]
    pub fn new(label: impl Into<String>, note: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            note: note.into(),
        }
    }
}

/// The steps of a process, of which `current` (from 0) is the one people are at. Beyond the last
/// step the list only explains: nothing is marked as done.
#[component]
pub fn Stepper(
    /// All steps in order.
    steps: Vec<Step>,
    /// The one people are at; equal to the number of steps when all are done; `usize::MAX` to
    /// explain a process that nobody is in.
    current: usize,
) -> impl IntoView {
    let explains = current > steps.len();
    let items = steps
        .into_iter()
        .enumerate()
        .map(|(index, step)| {
            let (class, mark) = match index.cmp(&current) {
                _ if explains => ("plain", ""),
                std::cmp::Ordering::Less => ("done", "Done: "),
                std::cmp::Ordering::Equal => ("current", "Now: "),
                std::cmp::Ordering::Greater => ("", "Later: "),
            };
            let now = (index == current).then_some("step");
            view! {
                <li class=class aria-current=now>
                    <span class="sr">{mark}</span>
                    <strong>{step.label}</strong>
                    {(!step.note.is_empty()).then(|| view! { <span class="muted">{step.note}</span> })}
                </li>
            }
        })
        .collect_view();
    view! { <ol class="stepper">{items}</ol> }
}

/// Something to do, with where.
#[derive(Clone, Debug)]
pub struct ChecklistItem {
    /// What to do.
    pub label: String,
    /// Why, or what is missing.
    pub note: String,
    /// Where it is done.
    pub href: String,
    /// Whether it is done.
    pub done: bool,
}

/// A list of things to do with its progress.
#[component]
pub fn Checklist(
    /// The things.
    items: Vec<ChecklistItem>,
) -> impl IntoView {
    let total = items.len() as i64;
    let done = items.iter().filter(|i| i.done).count() as i64;
    let items = items
        .into_iter()
        .map(|item| {
            let (class, icon, mark) =
                if item.done { ("done", "check", "Done: ") } else { ("", "circle", "To do: ") };
            let label = if item.done || item.href.is_empty() {
                view! { <span>{item.label}</span> }.into_any()
            } else {
                view! { <a href=item.href>{item.label}</a> }.into_any()
            };
            view! {
                <li class=class>
                    <Icon name=icon/>
                    <span class="sr">{mark}</span>
                    <div>
                        {label}
                        {(!item.note.is_empty()).then(|| view! { <p class="muted">{item.note}</p> })}
                    </div>
                </li>
            }
        })
        .collect_view();
    view! {
        <div class="checklist">
            <Meter value=done max=total label=format!("{done} of {total} done")/>
            <ul>{items}</ul>
        </div>
    }
}

/// A bar of how much of something there is, with the same in words.
#[component]
pub fn Meter(
    /// How much there is.
    value: i64,
    /// How much there can or must be.
    max: i64,
    /// The same in words.
    #[prop(into)]
    label: String,
) -> impl IntoView {
    let max = max.max(1);
    view! {
        <div class="meter">
            <progress max=max value=value.clamp(0, max) aria-label=label.clone()></progress>
            <span class="num">{label}</span>
        </div>
    }
}

/// One tier of a program.
#[derive(Clone, Debug)]
pub struct Tier {
    /// Name.
    pub name: String,
    /// What it earns, such as "25% for 24 months".
    pub earns: String,
    /// What it needs, one sentence each.
    pub needs: Vec<String>,
}

/// The tiers of a program from the lowest; `current` (from 0) is the partner's own.
#[component]
pub fn TierLadder(
    /// From the lowest to the highest.
    tiers: Vec<Tier>,
    /// The partner's own; none on the public page.
    #[prop(optional)]
    current: Option<usize>,
) -> impl IntoView {
    let items = tiers
        .into_iter()
        .enumerate()
        .map(|(index, tier)| {
            let here = current == Some(index);
            let class = match current {
                Some(now) if index < now => "reached",
                Some(now) if index == now => "current",
                _ => "",
            };
            let needs = tier
                .needs
                .into_iter()
                .map(|n| view! { <li>{n}</li> })
                .collect_view();
            view! {
                <li class=class aria-current=here.then_some("true")>
                    <strong>{tier.name}</strong>
                    {here.then(|| view! { <span class="tag">"You are here"</span> })}
                    <span class="earns num">{tier.earns}</span>
                    <ul>{needs}</ul>
                </li>
            }
        })
        .collect_view();
    view! { <ol class="tiers">{items}</ol> }
}
