//! Pieces of deal pages that partners and managers share.

use crate::ui::*;
use chrono::{DateTime, Utc};
use domain::deal::{DealStatus as D, SalesStage};
use leptos::prelude::*;
use service::deal::{Board, DealRow, Extension, File, Guarded, Happened, Shown};

/// Amber from two weeks before a protection ends.
const ENDS_SOON: i64 = 14 * 24;

/// The company with its domain.
pub(crate) fn customer(row: &DealRow) -> AnyView {
    let name = match row.customer.as_str() {
        "" => "Unnamed draft".to_owned(),
        name => name.to_owned(),
    };
    view! { {name} <div class="muted">{row.domain.clone()}</div> }.into_any()
}

/// An estimated value, where there is one.
pub(crate) fn value(minor: Option<i64>, currency: &str) -> Option<AnyView> {
    let currency = currency.to_owned();
    minor.map(|minor| view! { <Money minor=minor currency=currency/> }.into_any())
}

/// What runs: the answer, or the protection.
pub(crate) fn clock(row: &DealRow) -> AnyView {
    match (row.due_at, row.protected_until, row.waiting_since) {
        (Some(due), ..) => view! { <Clock due=due what="Answer"/> }.into_any(),
        (_, Some(until), _) => {
            view! { <Clock due=until warn_hours=ENDS_SOON what="Protected"/> }.into_any()
        }
        (.., Some(since)) => view! { "Waiting since " <Day at=since/> }.into_any(),
        _ => ().into_any(),
    }
}

/// The end of a protection.
pub(crate) fn protected(until: DateTime<Utc>) -> AnyView {
    view! { <Clock due=until warn_hours=ENDS_SOON what="Protected"/> }.into_any()
}

/// Registrations in columns by stage; with `moves`, each can go on to the next one.
pub(crate) fn board(board: Board, base: &str, moves: bool) -> AnyView {
    let columns = board
        .into_iter()
        .map(|(stage, rows)| {
            let count = rows.len();
            let next = SalesStage::ALL
                .get(stage.position() + 1)
                .copied()
                .filter(|_| moves);
            let cards = rows
                .into_iter()
                .map(|row| card(&row, base, next))
                .collect_view();
            view! {
                <section class="board-column" aria-label=stage.label()>
                    <h2>{stage.label()} " " <span class="count">{count}</span></h2>
                    <ul>{cards}</ul>
                </section>
            }
        })
        .collect_view();
    view! { <div class="board">{columns}</div> }.into_any()
}

fn card(row: &DealRow, base: &str, next: Option<SalesStage>) -> AnyView {
    let href = format!("{base}/{}", row.id);
    let to = next.map(|next| {
        let fields = vec![("stage", next.to_string()), ("back", "board".to_owned())];
        view! {
            <PostButton action=format!("{base}/{}/stage", row.id) label=format!("To {}", next.label().to_lowercase()) fields=fields quiet=true/>
        }
    });
    // Partners see their own deals only.
    let partner = base.starts_with("/manager").then(|| {
        let name = row.partner.clone();
        view! { <p class="muted">{name}</p> }
    });
    view! {
        <li class="card">
            <a class="cover" href=href>{row.customer.clone()}</a>
            <p>{value(row.value, &row.currency)}</p>
            {partner}
            <p class="muted">{row.lines.join(", ")}</p>
            <p><Status of=row.status.as_str() label=row.status.label()/></p>
            <p>{clock(row)}</p>
            {to}
        </li>
    }
    .into_any()
}

/// Everything that was filled in, to read.
pub(crate) fn facts(shown: &Shown) -> AnyView {
    let f = &shown.fields;
    let fact = |label: &str, value: &str| {
        let (label, value) = (label.to_owned(), value.to_owned());
        (!value.is_empty()).then(|| view! { <Fact label=label>{value}</Fact> }.into_any())
    };
    let close = shown
        .expected_close
        .map(|d| ui().locale.date(d))
        .unwrap_or_default();
    let first_year = value(shown.value, &shown.currency)
        .map(|v| view! { <Fact label="Estimated first year">{v}</Fact> }.into_any());
    let mut rows = vec![
        fact("Company", &f.customer_name),
        fact("Domain", &f.customer_domain),
        fact("Country", country_name(&f.customer_country)),
        fact(
            "Contact",
            &format!("{} · {}", f.contact_name, f.contact_email),
        ),
        fact("Products", &shown.lines.join(", ")),
        first_year,
        fact("Term", &format!("{} months", f.term_months)),
        fact("Expected close", &close),
        fact("Need", &f.need),
        fact("Competitors", &f.competitors),
        fact("Notes", &f.notes),
    ];
    for q in &shown.questions {
        rows.push(fact(
            &q.label,
            f.answers.get(&q.id).map_or("", String::as_str),
        ));
    }
    view! { <Facts>{rows}</Facts> }.into_any()
}

/// What is and was protected; for staff with whom.
pub(crate) fn guarded(rows: Vec<Guarded>, staff: bool) -> AnyView {
    if rows.is_empty() {
        return view! { <p class="muted">"Nothing is or was protected."</p> }.into_any();
    }
    let table = Table::plain(rows)
        .caption("Protection")
        .col("Product", |g: &Guarded| g.line.clone());
    let table = if staff {
        table.col("For", |g| {
            view! { <a href=format!("/manager/deals/{}", g.deal_id)>{g.partner.clone()}</a> }
        })
    } else {
        table
    };
    table
        .col("From", |g| view! { <Day at=g.starts_at/> })
        .col("Until", |g| match (g.released_at, g.expires_at) {
            (Some(at), _) => view! { "Released " <Day at=at/> }.into_any(),
            (None, Some(until)) => protected(until),
            (None, None) => view! { <Status of="won" label="Without end"/> }.into_any(),
        })
        .view()
}

/// Files with their downloads; where `remove` is given, a button that posts to it.
pub(crate) fn files(files: &[File], base: &str, remove: bool) -> AnyView {
    if files.is_empty() {
        return view! { <p class="muted">"No files."</p> }.into_any();
    }
    let rows = files
        .iter()
        .map(|file| {
            let href = format!("{base}/files/{}", file.id);
            let gone = remove.then(|| {
                view! { <PostButton action=format!("{href}/remove") label="Remove" quiet=true/> }
            });
            view! {
                <li>
                    <a href=href.clone() download="">{file.name.clone()}</a>
                    <span class="muted">{format!(" {} · {} · ", size(file.size), file.who)} <Day at=file.at/></span>
                    {gone}
                </li>
            }
        })
        .collect_view();
    view! { <ul class="files">{rows}</ul> }.into_any()
}

fn size(bytes: i64) -> String {
    match bytes {
        ..1_024 => format!("{bytes} bytes"),
        1_024..1_048_576 => format!("{} kB", bytes / 1_024),
        _ => format!(
            "{}.{} MB",
            bytes / 1_048_576,
            bytes % 1_048_576 * 10 / 1_048_576
        ),
    }
}

/// Requests for more time.
pub(crate) fn extensions(requests: &[Extension]) -> AnyView {
    let rows = requests
        .iter()
        .map(|r| {
            let reason = r
                .reason
                .clone()
                .map(|reason| view! { <p class="muted">{reason}</p> });
            view! {
                <li class="comment">
                    <p class="muted"><Status of=r.status.clone()/> " asked " <Ago at=r.at/></p>
                    <p class="text">{r.evidence.clone()}</p>
                    {reason}
                </li>
            }
        })
        .collect_view();
    view! { <ol class="comments">{rows}</ol> }.into_any()
}

/// What happened, with what was protected at that moment.
pub(crate) fn events(timeline: Vec<Happened>) -> Vec<Event> {
    timeline
        .into_iter()
        .map(|line| {
            let tone = match line.action.as_str() {
                "deal.approved"
                | "deal.won"
                | "deal.extended"
                | "deal.offered"
                | "deal.meeting_qualified"
                | "deal.value_confirmed" => Tone::Good,
                "deal.rejected" | "deal.revoked" | "deal.lost" => Tone::Bad,
                "deal.asked"
                | "deal.duplicate"
                | "deal.expired"
                | "deal.escalated"
                | "deal.meeting_undone"
                | "deal.earned_nothing" => Tone::Warn,
                _ => Tone::Neutral,
            };
            let detail = match line.protection {
                None => String::new(),
                Some(p) => {
                    let until = match p.until {
                        // The last day that is protected, not the midnight after it.
                        Some(until) => {
                            format!("until {}", day_text(until - chrono::TimeDelta::seconds(1)))
                        }
                        None => "without end".to_owned(),
                    };
                    format!("Protected then: {}, {until}", p.lines.join(", "))
                }
            };
            Event {
                at: line.at,
                who: line.who,
                what: format!("· {}", line.summary),
                detail,
                tone,
                internal: line.internal,
            }
        })
        .collect()
}

/// A sentence about where a registration stands, for its partner.
pub(crate) fn meaning(status: D) -> &'static str {
    match status {
        D::Draft => "Not sent yet.",
        D::Submitted => "Sent. A manager looks at it soon.",
        D::InReview => "A manager is looking at it.",
        D::InformationRequested => {
            "There is a question for you; the review goes on with your answer."
        }
        D::Approved => "The company is kept for you.",
        D::Rejected => "It was not approved.",
        D::Duplicate => "Somebody else has registered this company.",
        D::Won => "The company is your customer.",
        D::Lost => "The company did not buy.",
        D::Expired => "The protection has run out.",
        D::Withdrawn => "You have taken it back.",
        D::Revoked => "The protection was taken away.",
    }
}
