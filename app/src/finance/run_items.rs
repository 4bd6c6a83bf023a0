//! Who is in a payout run, and who is left out and why.

use std::collections::HashMap;

use crate::ui::*;
use domain::payout::Moved;
use leptos::prelude::*;
use service::payout::list::Item;

use super::run::address;

/// Rows of one table; more is in the file.
const ROWS: usize = 500;

pub(super) fn included(id: i64, items: Vec<Item>, draft: bool) -> AnyView {
    let frozen = items.iter().any(|i| i.payout.is_some());
    let (items, more) = largest(items);
    let table = Table::plain(items)
        .caption("In the run")
        .col("Partner", |i: &Item| i.partner.clone())
        .col("Currency", |i| i.item.currency.clone())
        .num(
            "Payable",
            |i| view! { <Money minor=i.amount.minor currency=i.amount.currency.code()/> },
        )
        .empty(Empty::text(
            "Nobody is in this run",
            "Nobody has a payable balance that can be paid. The reasons stand below.",
        ));
    let table = if frozen {
        table
            .col("Payout", |i| {
                i.payout.as_ref().map(|p| {
                    let href = format!("/finance/payouts/{}", p.id);
                    view! { <a href=href>{format!("Payout {}", p.id)}</a> }
                })
            })
            .aside()
            .col("Status", |i| {
                i.payout.as_ref().map(|p| {
                    let label = p
                        .status
                        .parse::<domain::payout::PayoutStatus>()
                        .map_or_else(|_| label_of(&p.status), |s| s.label().to_owned());
                    view! { <Status of=p.status.clone() label=label/> }
                })
            })
            .num("Sent", |i| part(i, |m| m.sent))
            .num("Failed", |i| part(i, |m| m.failed))
            .aside()
            .num("Taken back", |i| part(i, |m| m.returned))
            .aside()
    } else {
        table.col("", |i| {
            let href = format!(
                "/finance/commissions?partner={}&state=payable&currency={}",
                i.item.partner_id, i.item.currency
            );
            view! { <a href=href>"Lines"</a> }
        })
    };
    if !draft {
        return view! { {table.view()} {more} }.into_any();
    }
    let table = table
        .bulk(
            format!("{}/exclude", address(id)),
            |i| i.item.id.to_string(),
            view! {
                <TextField name="reason" label="Reason" required=true max=500/>
                <button type="submit" class="button">"Leave out"</button>
            },
        )
        .view();
    view! { {table} {more} }.into_any()
}

pub(super) fn left_out(
    id: i64,
    items: Vec<Item>,
    draft: bool,
    people: &HashMap<i64, String>,
) -> AnyView {
    let people = people.clone();
    let (items, more) = largest(items);
    let table = Table::plain(items)
        .caption("Left out")
        .col("Partner", |i: &Item| i.partner.clone())
        .col("Currency", |i| i.item.currency.clone())
        .num(
            "Balance",
            |i| view! { <Money minor=i.amount.minor currency=i.amount.currency.code()/> },
        )
        .col("Why", move |i| reasons(i, &people))
        .empty(Empty::text(
            "Nobody is left out",
            "Everybody with a balance is in the run.",
        ));
    if !draft {
        return view! { {table.view()} {more} }.into_any();
    }
    // What a rule left out cannot be put back by hand; what a person took out stays out until then.
    let table = table
        .menu(move |i| {
            i.item.decided_by.map(|_| {
                let fields = vec![("item", i.item.id.to_string())];
                view! { <PostButton action=format!("{}/include", address(id)) label="Put back" fields=fields quiet=true/> }
            })
        })
        .view();
    view! { {table} {more} }.into_any()
}

/// One part of what became of an item's payout; nothing where it is nothing.
fn part(item: &Item, of: fn(&Moved) -> i64) -> Option<AnyView> {
    let moved = item.moved()?;
    let (minor, code) = (of(&moved), item.amount.currency.code());
    (minor != 0).then(|| view! { <Money minor currency=code/> }.into_any())
}

/// The first of them, largest first, and a sentence where that is not all.
fn largest(mut items: Vec<Item>) -> (Vec<Item>, Option<AnyView>) {
    let all = items.len();
    items.truncate(ROWS);
    let count = |n: usize| count_text(i64::try_from(n).unwrap_or(i64::MAX));
    let more = (all > ROWS).then(|| {
        let said = format!(
            "The {} largest of {} are shown. The CSV has every one.",
            count(ROWS),
            count(all)
        );
        view! { <p class="muted">{said}</p> }.into_any()
    });
    (items, more)
}

/// Why an item is not paid: what a person decided, and beside it what the rules say.
fn reasons(item: &Item, people: &HashMap<i64, String>) -> AnyView {
    let person = item.exclusion.as_ref().map(|e| {
        let who = people.get(&e.excluded_by).cloned();
        let who = who.unwrap_or_else(|| "finance".to_owned());
        view! { <div>{format!("Left out by {who}: {}", e.reason)}</div> }
    });
    let rule = rule(item).map(|rule| view! { <div>{rule}</div> });
    view! { {person} {rule} }.into_any()
}

/// The rule's reason, with when it was found so late.
fn rule(item: &Item) -> Option<String> {
    let reason = item.item.reason.clone()?;
    Some(match item.item.stage.as_deref() {
        Some("approval") => format!("{reason} (found at the approval)"),
        Some("sending") => format!("{reason} (found before sending, nothing was sent)"),
        _ => reason,
    })
}

/// The same as one text, for a file.
pub(super) fn why(item: &Item) -> String {
    let person = item.exclusion.as_ref().map(|e| e.reason.clone());
    let parts = [person, rule(item)].into_iter().flatten();
    parts.collect::<Vec<_>>().join("; ")
}
