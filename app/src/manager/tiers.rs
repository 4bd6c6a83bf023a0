//! Tier reviews: what the next one does with every partner, and why.

use crate::{
    csv,
    csv::Csv,
    page::{Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use leptos::prelude::*;
use service::tier::{self, Candidate, Outcome};

const HERE: &str = "/manager/tiers";

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new().get(HERE, Access::Manager, index).get(
        "/manager/tiers.csv",
        Access::Manager,
        export,
    )
}

const OUTCOMES: [(&str, &str); 6] = [
    ("decide", "A person decides"),
    ("up", "Moves up"),
    ("notice", "Gets a notice"),
    ("waits", "Notice is running"),
    ("down", "Moves down"),
    ("stays", "Stays"),
];

/// What becomes of a partner, in words.
pub(crate) fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Stays => "Stays".to_owned(),
        Outcome::Up(to) => format!("Moves up to {to}"),
        Outcome::Notice(to, at) => {
            format!(
                "Gets a notice: {to} from {} unless it recovers",
                day_text(*at)
            )
        }
        Outcome::Waits(to, at) => format!("Notice until {}, then {to}", day_text(*at)),
        Outcome::Down(to) => format!("Moves down to {to}"),
        Outcome::Decide(to) => format!(
            "A person decides whether it becomes {to}: part of its revenue is in other currencies"
        ),
    }
}

/// The same as a label and what is to be said of it, for a column.
fn in_two(outcome: &Outcome) -> (String, Option<String>) {
    match outcome {
        Outcome::Notice(to, at) => (
            "Gets a notice".to_owned(),
            Some(format!("{to} from {}", day_text(*at))),
        ),
        Outcome::Waits(to, at) => (
            "Notice is running".to_owned(),
            Some(format!("{to} from {}", day_text(*at))),
        ),
        Outcome::Decide(to) => (
            "A person decides".to_owned(),
            Some(format!("{to} by what is counted; look at both figures")),
        ),
        other => (words(other), None),
    }
}

fn tone(outcome: &Outcome) -> Tone {
    match outcome {
        Outcome::Stays => Tone::Neutral,
        Outcome::Up(_) => Tone::Good,
        Outcome::Notice(..) | Outcome::Waits(..) | Outcome::Decide(_) => Tone::Warn,
        Outcome::Down(_) => Tone::Bad,
    }
}

/// The candidates an address asks for, in its order.
async fn wanted(page: &Page, list: &ListQuery) -> Result<Vec<Candidate>, service::Error> {
    let q = list.q.trim().to_lowercase();
    let outcomes = list.all("outcome");
    let mut rows: Vec<Candidate> = tier::next_review(&page.ctx)
        .await?
        .into_iter()
        .filter(|c| q.is_empty() || c.partner.to_lowercase().contains(&q))
        .filter(|c| outcomes.is_empty() || outcomes.contains(&c.outcome.key()))
        .collect();
    match list.sort_or(&["partner", "tier", "revenue", "customers"], "") {
        "tier" => rows.sort_by_key(|c| c.rank),
        "revenue" => rows.sort_by_key(|c| c.metrics.revenue_minor),
        "customers" => rows.sort_by_key(|c| c.metrics.customers),
        "partner" => rows.sort_by_key(|c| c.partner.to_lowercase()),
        // What needs a look comes first.
        _ => rows.sort_by_key(|c| OUTCOMES.iter().position(|(key, _)| *key == c.outcome.key())),
    }
    if list.desc && !list.sort.is_empty() {
        rows.reverse();
    }
    Ok(rows)
}

async fn index(page: Page) -> PageResult {
    let list = page.list();
    let rows = wanted(&page, &list).await?;
    let head = Head::new("Tier reviews")
        .text("What the next quarterly review does with every partner. Up counts at once, down after a notice and a grace period.");
    Ok(page.render(head, move || {
        let total = rows.len() as u64;
        let offset = usize::try_from(list.offset()).unwrap_or(usize::MAX);
        let per = usize::try_from(list.per).unwrap_or(usize::MAX);
        let rows: Vec<Candidate> = rows.into_iter().skip(offset).take(per).collect();
        let table = Table::new(rows, total, &list)
            .caption("Partners in the next review")
            .sorted("partner", "Partner", |c: &Candidate| c.partner.clone())
            .sorted("tier", "Tier", |c| c.tier.clone())
            .col("Next review", |c| {
                let (short, more) = in_two(&c.outcome);
                view! {
                    <div>
                        <Status of=c.outcome.key() label=short tone=tone(&c.outcome)/>
                        {more.map(|more| view! { <div class="muted">{more}</div> })}
                    </div>
                }
            })
            .col("Missing for its tier", |c| c.missing.clone())
            .sorted_num("revenue", "Revenue of 12 months", |c| {
                view! { <Money minor=c.metrics.revenue_minor currency=c.currency.code()/> }
            })
            .num("Not counted, in other currencies", |c| {
                c.uncounted
                    .iter()
                    .map(|m| view! { <div><Money minor=m.minor currency=m.currency.code()/></div> })
                    .collect_view()
            })
            .sorted_num("customers", "Active customers", |c| count_text(c.metrics.customers))
            .aside()
            .num("Won deals", |c| count_text(c.metrics.won_deals))
            .aside()
            .num("Certified", |c| count_text(c.metrics.certified))
            .aside()
            .href(|c| format!("/manager/partners/{}", c.partner_id))
            .search("Partner")
            .filter("outcome", "Next review", OUTCOMES)
            .csv("/manager/tiers.csv")
            .empty(Empty::text("No partner is judged", "Active partners appear here."))
            .view();
        view! {
            <p class="muted">"Revenue counts what was paid in the program’s own currency; Portico converts no currencies. A partner that also has revenue in others is never moved down by itself: open its record and set its tier, or leave it."</p>
            {table}
        }
    }))
}

/// What is not counted, such as `1200.00 USD; 9000 JPY`.
fn uncounted(c: &Candidate) -> String {
    let amounts = c.uncounted.iter();
    let amounts: Vec<String> = amounts
        .map(|m| format!("{} {}", csv::amount(m.minor, m.currency.code()), m.currency))
        .collect();
    amounts.join("; ")
}

async fn export(page: Page) -> PageResult {
    let rows = wanted(&page, &page.list()).await?;
    let mut file = Csv::new(&[
        "Partner",
        "Program",
        "Tier",
        "Next review",
        "Missing",
        "Revenue",
        "Currency",
        "Not counted",
        "Active customers",
        "Won deals",
        "Certified people",
    ]);
    for c in &rows {
        let until = match &c.outcome {
            Outcome::Notice(to, at) | Outcome::Waits(to, at) => {
                format!("{} {to} {}", c.outcome.key(), csv::moment(*at))
            }
            Outcome::Up(to) | Outcome::Down(to) | Outcome::Decide(to) => {
                format!("{} {to}", c.outcome.key())
            }
            Outcome::Stays => c.outcome.key().to_owned(),
        };
        file.row([
            c.partner.clone(),
            c.program.clone(),
            c.tier.clone(),
            until,
            c.missing.clone(),
            csv::amount(c.metrics.revenue_minor, c.currency.code()),
            c.currency.code().to_owned(),
            uncounted(c),
            c.metrics.customers.to_string(),
            c.metrics.won_deals.to_string(),
            c.metrics.certified.to_string(),
        ]);
    }
    Ok(page.csv("tier-reviews.csv", file.finish()))
}
