//! What to look at before a payout run is approved.

use crate::ui::*;
use entity::payout_run;
use leptos::prelude::*;

/// Why two people have to approve, and whose first payout to an account is in the run.
pub(super) fn before_approval(run: &payout_run::Model, first: Vec<String>) -> AnyView {
    if !matches!(run.status.as_str(), "draft" | "submitted") {
        return ().into_any();
    }
    let second = run.second_reason.clone().filter(|_| run.needs_second).map(
        |why| view! { <Notice title="Two people have to approve this run"><p>{why}</p></Notice> },
    );
    let first = (!first.is_empty()).then(|| {
        let names = first.join(", ");
        view! {
            <Notice tone=Tone::Warn title="First payout to a new account">
                <p>{names}</p>
                <p>"Nothing was ever paid to the account that this partner has now. If you doubt that the partner connected it, take it out of the run and call an owner at a number you know from before."</p>
            </Notice>
        }
    });
    view! { {second}{first} }.into_any()
}
