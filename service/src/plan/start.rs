//! The plans a draft can be started from.

use domain::money::Currency;
use domain::plan::{PlanRules, ready_made};
use entity::program;

use super::Offer;
use crate::error::{Error, Result};

/// A plan to start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadyMade {
    /// What the field is sent with.
    pub key: &'static str,
    /// What it is called.
    pub name: &'static str,
    /// Whom it suits, in a sentence.
    pub text: &'static str,
}

/// The plans most programs start with.
pub const READY_MADE: [ReadyMade; 6] = [
    ReadyMade {
        key: "referral",
        name: "Referral",
        text: "15% of what a customer pays for its first year, and nothing after.",
    },
    ReadyMade {
        key: "reseller",
        name: "Reseller",
        text: "20 to 30% by tier, for as long as the customer pays.",
    },
    ReadyMade {
        key: "agency",
        name: "Agency",
        text: "25% for 36 months, 5 points more for registered deals.",
    },
    ReadyMade {
        key: "implementation",
        name: "Implementation",
        text: "30% for as long as the partner is certified.",
    },
    ReadyMade {
        key: "bounty",
        name: "Bounty",
        text: "A fixed amount per qualified meeting, and one per first payment.",
    },
    ReadyMade {
        key: "bracketed",
        name: "Volume brackets",
        text: "15% up to 50,000, 20% up to 200,000 and 25% above, of each quarter’s volume.",
    },
];

/// The rules a draft begins with; none for an empty key.
///
/// # Errors
/// [`Error::Invalid`] at `start`.
pub(super) fn rules(key: &str, program: &program::Model, offer: &Offer) -> Result<PlanRules> {
    let currency: Currency = program.currency.parse().map_err(Error::internal)?;
    let flat = |major: i64| ready_made::amounts(major * currency.scale(), currency);
    let mut rules = match key {
        "" => PlanRules::new(Vec::new()),
        "referral" => ready_made::referral(),
        "reseller" => ready_made::reseller(),
        "agency" => ready_made::agency(),
        "implementation" => match offer.courses.first() {
            Some(course) => ready_made::implementation(course),
            None => {
                return Err(Error::field(
                    "start",
                    "This plan asks for a certificate, and the program has no course yet. Write one \
                     first, or choose another plan.",
                ));
            }
        },
        "bounty" => ready_made::bounty(flat(150), flat(500)),
        "bracketed" => ready_made::bracketed(currency),
        _ => return Err(Error::field("start", "Choose one of the plans.")),
    };
    fit(&mut rules, offer);
    Ok(rules)
}

/// Takes out the rates of tiers that the program does not have.
fn fit(rules: &mut PlanRules, offer: &Offer) {
    let known = offer.known().tiers;
    for rule in &mut rules.rules {
        if let domain::plan::Amount::ByTier { rates } = &mut rule.amount {
            rates.retain(|rank, _| known.contains(rank));
        }
    }
}
