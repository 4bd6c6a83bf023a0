//! What an amount would earn, while it is typed.

use leptos::prelude::*;

/// Says what the amount in a field would earn at a rate; empty where no scripts run. The server
/// decides later with the real invoice; this is an estimate and says so.
#[component]
pub fn Estimate(
    /// `id` of the input with the amount in major units.
    input: String,
    /// Basis points.
    bp: i64,
    /// ISO 4217 code.
    currency: String,
    /// Words around the amount; `{}` stands for it.
    words: String,
) -> impl IntoView {
    view! {
        <output
            class="estimate"
            aria-live="polite"
            data-estimate=input
            data-bp=bp
            data-currency=currency
            data-words=words
        ></output>
    }
}
