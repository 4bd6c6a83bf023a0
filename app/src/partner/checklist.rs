//! What a new partner does first: a panel for the partner's home.

use crate::{page::Page, ui::*};
use domain::partner::{OnboardingStep, onboarding_progress};
use leptos::prelude::*;
use service::partner::{self, Step};

/// Where a step is done.
fn href(step: OnboardingStep) -> &'static str {
    match step {
        OnboardingStep::Profile => "/partner/organisation",
        OnboardingStep::Members => "/partner/organisation/members",
        OnboardingStep::Agreement => "/partner/organisation/agreement",
        OnboardingStep::Certification => "/partner/learning",
        OnboardingStep::PayoutAccount => "/partner/payout-account",
        OnboardingStep::FirstDeal => "/partner/deals/new",
    }
}

/// The steps as the checklist shows them; staff get no links.
#[must_use]
pub fn items(steps: &[Step], links: bool) -> Vec<ChecklistItem> {
    steps
        .iter()
        .map(|s| ChecklistItem {
            label: s.step.label().to_owned(),
            note: if s.done {
                String::new()
            } else {
                s.step.why().to_owned()
            },
            href: if links {
                href(s.step).to_owned()
            } else {
                String::new()
            },
            done: s.done,
        })
        .collect()
}

/// The steps of the actor's own organisation.
///
/// # Errors
/// As [`partner::checklist`].
pub async fn load(page: &Page) -> service::Result<Vec<Step>> {
    let (partner_id, ..) = page.ctx.partner()?;
    partner::checklist(&page.ctx, partner_id).await
}

/// The panel; nothing once everything that counts is done.
#[must_use]
pub fn panel(steps: &[Step]) -> Option<AnyView> {
    let (_, next) = onboarding_progress(|step| steps.iter().any(|s| s.step == step && s.done));
    let next = next.filter(|step| !step.is_optional())?;
    let items = items(steps, true);
    Some(
        view! {
            <Panel title="Getting started" text=format!("Next: {}.", next.label().to_lowercase())>
                <Checklist items=items/>
            </Panel>
        }
        .into_any(),
    )
}
