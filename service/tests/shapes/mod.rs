//! Invoice shapes: what Stripe's billing events come to, with the postings written out by hand.
//!
//! Each file beside this one is a subject, each `[[shape]]` in it a title in words, what happens,
//! and what the books must say at the end. A shape names only what differs:
//!
//! - `plan` is one of the ready-made plans or one that the file brings along under `[plans]`;
//!   without it, `reseller`: 22.5 % of the net amount for a partner of tier Silver.
//! - `given` is what is different before anything happens. Without it, the account acme.com is
//!   credited to the partner north alone.
//! - `events` are Stripe's events (`is`) in the order in which they happen, a minute apart where
//!   nothing is said (`at`), with the fields of Stripe's objects. Everything else about an object is
//!   as in Stripe's own samples (`samples.json`) and as is usual; see [`stripe`]. Between them
//!   stands what people and the calendar do: `until` a day, `match` and `link` a customer, a
//!   `payout` that begins or arrives. The customer of acme.com is there without being mentioned.
//! - `postings` are the balances of the ledger's accounts, `commissions` what each invoice line has
//!   earned, how much of it went `back`, and where it stands. An invoice that earns nothing says
//!   why. Amounts are minor units, and the comment above says how to get to them with a pencil.
//!
//! Every shape is played on SQLite and on PostgreSQL, and three times on each: as written, with the
//! events between two actions reversed, and with each event twice and all of them once more at the
//! end. All of it has to come to the same.

mod play;
mod read;
mod stripe;

use rstest::rstest;

use self::play::{Delivery, Outcome, play};
use self::read::{Shape, subject};
use crate::support::Engine;

/// The files beside this one.
const SUBJECTS: [&str; 11] = [
    "lines",
    "changes",
    "currencies",
    "payments",
    "notes",
    "refunds",
    "disputes",
    "customers",
    "checkouts",
    "plans",
    "payouts",
];

#[rstest]
#[case::lines("lines")]
#[case::changes("changes")]
#[case::currencies("currencies")]
#[case::payments("payments")]
#[case::notes("notes")]
#[case::refunds("refunds")]
#[case::disputes("disputes")]
#[case::customers("customers")]
#[case::checkouts("checkouts")]
#[case::plans("plans")]
#[case::payouts("payouts")]
#[tokio::test]
async fn shapes_come_to_what_is_written(
    #[case] name: &str,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let subject = subject(name);
    let mut wrong = Vec::new();
    // One shape while something is looked into: PORTICO_SHAPE="part of its title".
    let only = std::env::var("PORTICO_SHAPE").unwrap_or_default();
    for shape in subject.shapes.iter().filter(|s| s.title.contains(&only)) {
        let mut first: Option<Outcome> = None;
        for delivery in [Delivery::AsWritten, Delivery::Reversed, Delivery::Twice] {
            let Some(outcome) = play(shape, &subject.plans, engine, delivery).await else {
                return;
            };
            if let Some(difference) = compare(shape, delivery, &outcome, first.as_ref()) {
                let Shape { title, place, .. } = shape;
                wrong.push(format!(
                    "{title} ({place}), {engine:?}, {delivery:?}\n{difference}"
                ));
            }
            first.get_or_insert(outcome);
        }
    }
    assert!(wrong.is_empty(), "\n\n{}\n", wrong.join("\n\n"));
}

#[test]
fn there_are_enough_shapes_and_each_has_its_own_title() {
    let mut titles: Vec<String> = SUBJECTS
        .iter()
        .flat_map(|name| subject(name).shapes)
        .map(|shape| shape.title)
        .collect();
    let count = titles.len();
    assert!(count >= 60, "{count} shapes");
    titles.sort();
    titles.dedup();
    assert_eq!(titles.len(), count, "a title is used twice");
}

/// What differs from what is written, side by side; none where nothing does.
fn compare(
    shape: &Shape,
    delivery: Delivery,
    outcome: &Outcome,
    first: Option<&Outcome>,
) -> Option<String> {
    let commissions = match (&shape.commissions_reversed, delivery) {
        (Some(reversed), Delivery::Reversed) => reversed,
        _ => &shape.commissions,
    };
    let mut expected = lines(&shape.postings);
    expected.extend(lines(commissions));
    let mut actual: Vec<String> = outcome.postings.clone();
    actual.sort();
    let mut earned = outcome.commissions.clone();
    earned.sort();
    actual.extend(earned);
    if expected != actual {
        return Some(beside(&expected, &actual));
    }
    let first = first.filter(|_| shape.commissions_reversed.is_none())?;
    (first.state != outcome.state).then(|| beside(&first.state, &outcome.state))
}

/// The lines of a text, in one form and order.
fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text
        .lines()
        .map(|line| {
            let words = line
                .split_whitespace()
                .map(|word| match word.replace('_', "").parse() {
                    Ok(amount) => i64::to_string(&amount),
                    Err(_) => word.to_owned(),
                });
            words.collect::<Vec<_>>().join(" ")
        })
        .filter(|line| !line.is_empty())
        .collect();
    lines.sort();
    lines
}

/// Two lists beside each other; what is only in one of them is marked.
fn beside(expected: &[String], actual: &[String]) -> String {
    let width = expected.iter().map(String::len).max().unwrap_or(0).max(8);
    let mark = |line: &str, other: &[String]| {
        if line.is_empty() || other.iter().any(|o| o == line) {
            ' '
        } else {
            '*'
        }
    };
    let mut rows = vec![format!("    {:width$}     actual", "expected")];
    for i in 0..expected.len().max(actual.len()) {
        let left = expected.get(i).map_or("", String::as_str);
        let right = actual.get(i).map_or("", String::as_str);
        let (l, r) = (mark(left, actual), mark(right, expected));
        rows.push(format!("  {l} {left:width$}   {r} {right}"));
    }
    rows.join("\n")
}
