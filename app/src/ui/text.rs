//! Values as they appear in sentences and cells.

use super::{Icon, format, ui};
use crate::flash::Tone;
use chrono::{DateTime, SecondsFormat, Utc};
use leptos::prelude::*;

/// Money as text in the reader's locale, for places that take no markup.
#[must_use]
pub fn money_text(minor: i64, currency: &str) -> String {
    ui().locale.money(minor, currency)
}

/// Basis points as text.
#[must_use]
pub fn percent_text(bp: i64) -> String {
    ui().locale.percent(bp)
}

/// A whole number as text.
#[must_use]
pub fn count_text(value: i64) -> String {
    ui().locale.count(value)
}

/// A day as text, in the reader's zone.
#[must_use]
pub fn day_text(at: DateTime<Utc>) -> String {
    ui().locale.day(at)
}

/// A moment as text, with its zone.
#[must_use]
pub fn moment_text(at: DateTime<Utc>) -> String {
    ui().locale.moment(at)
}

fn machine(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Money with its currency. Negative amounts are said in words to screen readers, because most of
/// them skip the minus sign.
#[component]
pub fn Money(
    /// Minor units.
    minor: i64,
    /// ISO 4217 code.
    #[prop(into)]
    currency: String,
) -> impl IntoView {
    let text = ui().locale.money(minor, &currency);
    if minor < 0 {
        let words = format::money_words(minor, &currency);
        view! {
            <span class="money neg">
                <span aria-hidden="true">{text}</span>
                <span class="sr">{words}</span>
            </span>
        }
        .into_any()
    } else {
        view! { <span class="money">{text}</span> }.into_any()
    }
}

/// A rate in basis points as a percentage.
#[component]
pub fn Percent(
    /// Basis points: 2000 is 20%.
    #[prop(into)]
    bp: i64,
) -> impl IntoView {
    view! { <span class="num">{ui().locale.percent(bp)}</span> }
}

/// A day; the exact moment on hover.
#[component]
pub fn Day(
    /// The moment.
    at: DateTime<Utc>,
) -> impl IntoView {
    let locale = &ui().locale;
    view! { <time datetime=machine(at) title=locale.moment(at)>{locale.day(at)}</time> }
}

/// A moment with its zone.
#[component]
pub fn Moment(
    /// The moment.
    at: DateTime<Utc>,
) -> impl IntoView {
    view! { <time datetime=machine(at)>{ui().locale.moment(at)}</time> }
}

/// How long ago something was; the exact moment on hover.
#[component]
pub fn Ago(
    /// The moment.
    at: DateTime<Utc>,
) -> impl IntoView {
    let ui = ui();
    let seconds = (ui.now - at).num_seconds();
    let text = match seconds {
        0..60 => "just now".to_owned(),
        s if s < 0 => format!("in {}", format::span(s)),
        s if s < 30 * 86_400 => format!("{} ago", format::span(s)),
        _ => ui.locale.day(at),
    };
    view! { <time datetime=machine(at) title=ui.locale.moment(at)>{text}</time> }
}

/// Time left until something is due: amber near the end, red after it, with words beside the
/// colour, and the exact time on hover and for screen readers. Ticks where scripts run.
#[component]
pub fn Clock(
    /// When it is due.
    due: DateTime<Utc>,
    /// From how many hours before the end it is amber; 12 by default.
    #[prop(default = 12)]
    warn_hours: i64,
    /// What is said before the time left, such as "Answer due".
    #[prop(optional, into)]
    what: String,
) -> impl IntoView {
    let ui = ui();
    let left = (due - ui.now).num_seconds();
    let (tone, text) = clock_text(left, warn_hours * 3600);
    let exact = ui.locale.moment(due);
    view! {
        <time
            class=format!("clock {tone}")
            datetime=machine(due)
            title=exact.clone()
            data-due=due.timestamp()
            data-warn=warn_hours * 3600
        >
            <Icon name="clock"/>
            {(!what.is_empty()).then(|| view! { <span class="what">{what} " "</span> })}
            <span class="left">{text}</span>
            <span class="sr">", " {exact.clone()}</span>
        </time>
    }
}

fn clock_text(left: i64, warn: i64) -> (&'static str, String) {
    if left < 0 {
        ("bad", format!("{} overdue", format::span(left)))
    } else if left < warn {
        ("warn", format!("{} left", format::span(left)))
    } else {
        ("neutral", format!("{} left", format::span(left)))
    }
}

/// A status in words with its icon and colour.
#[component]
pub fn Status(
    /// The stored value, such as `in_review`; its words and tone come from [`label_of`] and
    /// [`tone_of`].
    #[prop(into)]
    of: String,
    /// Other words.
    #[prop(optional, into)]
    label: Option<String>,
    /// Another tone.
    #[prop(optional)]
    tone: Option<Tone>,
) -> impl IntoView {
    let tone = tone.unwrap_or_else(|| tone_of(&of));
    let label = label.unwrap_or_else(|| label_of(&of));
    view! {
        <span class=format!("status {}", tone.class())>
            <Icon name=tone.icon()/>
            {label}
        </span>
    }
}

/// A stored value in words: `in_review` → `In review`.
#[must_use]
pub fn label_of(value: &str) -> String {
    let words = value.replace(['_', '.'], " ");
    let mut chars = words.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// How a stored status is judged. One list, so that the same status has the same colour everywhere.
#[must_use]
pub fn tone_of(value: &str) -> Tone {
    match value {
        "approved" | "won" | "paid" | "active" | "passed" | "issued" | "published"
        | "completed" | "complete" | "delivered" | "done" | "sent" | "settled" | "verified"
        | "ready" | "succeeded" | "matched" | "resolved" | "accepted" | "signed" | "ok"
        | "valid" | "good" | "processed" | "enabled" => Tone::Good,
        "submitted" | "in_review" | "payable" | "in_payout" | "running" | "sending" | "open"
        | "in_progress" | "started" | "approving" | "queued" | "processing" | "offered"
        | "negotiation" | "proposal" | "qualified" | "onboarding" | "confirmed"
        | "processing_run" => Tone::Info,
        "info_requested"
        | "information_requested"
        | "held"
        | "unknown"
        | "restricted"
        | "expiring"
        | "grace"
        | "pending_approval"
        | "awaiting_approval"
        | "second_approval"
        | "waiting"
        | "retrying"
        | "conflict"
        | "duplicate"
        | "in_grace"
        | "unmatched"
        | "warning"
        | "requirements_due"
        | "waiting_for_balance"
        | "disputed"
        | "review" => Tone::Warn,
        "rejected" | "lost" | "revoked" | "failed" | "reversed" | "banned" | "overdue" | "dead"
        | "bounced" | "lapsed" | "suspended" | "difference" | "error" | "bad" => Tone::Bad,
        _ => Tone::Neutral,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_says_what_its_colour_says() {
        assert_eq!(
            clock_text(50 * 3600, 12 * 3600),
            ("neutral", "2 d 2 h left".to_owned())
        );
        assert_eq!(clock_text(3600, 12 * 3600), ("warn", "1 h left".to_owned()));
        assert_eq!(
            clock_text(-7200, 12 * 3600),
            ("bad", "2 h overdue".to_owned())
        );
    }

    #[test]
    fn negative_money_is_spoken() {
        let html = Owner::new().with(|| view! { <Money minor=-305 currency="EUR"/> }.to_html());
        assert!(html.contains("minus 3.05 euros"), "{html}");
        assert!(html.contains(r#"aria-hidden="true""#), "{html}");
    }

    #[test]
    fn values_become_words() {
        assert_eq!(label_of("in_review"), "In review");
        assert_eq!(tone_of("in_review"), Tone::Info);
        assert_eq!(tone_of("whatever"), Tone::Neutral);
    }
}
