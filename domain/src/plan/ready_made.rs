//! The plans most programs start with.

use std::collections::BTreeMap;

use super::{Amount, Amounts, Basis, BracketStep, Caps, Conditions, Duration, Period, PlanRules};
use super::{Rule, Trigger};
use crate::money::{Bp, Currency};

fn rule(id: &str, name: &str, trigger: Trigger, basis: Basis, amount: Amount) -> Rule {
    Rule {
        id: id.into(),
        name: name.into(),
        trigger,
        basis,
        amount,
        bonus_points: Bp(0),
        duration: Duration::Lifetime,
        caps: Caps::default(),
        conditions: Conditions::default(),
    }
}

/// 15 % of what a customer pays for its first year, and nothing after.
pub fn referral() -> PlanRules {
    let amount = Amount::Percent { rate: Bp(1_500) };
    PlanRules::new(vec![Rule {
        duration: Duration::Months { months: 12 },
        ..rule(
            "referral",
            "Referral",
            Trigger::InvoicePaid,
            Basis::FirstYear,
            amount,
        )
    }])
}

/// 20, 22.5, 25, 27.5 or 30 % by tier (ranks 1 to 5), for the customer's lifetime.
pub fn reseller() -> PlanRules {
    let rates = (1..)
        .zip([2_000, 2_250, 2_500, 2_750, 3_000].map(Bp))
        .collect();
    let amount = Amount::ByTier { rates };
    PlanRules::new(vec![rule(
        "reseller",
        "Reseller margin",
        Trigger::InvoicePaid,
        Basis::Net,
        amount,
    )])
}

/// 25 % for 36 months, 30 % when the customer came by a registered deal.
pub fn agency() -> PlanRules {
    let amount = Amount::Percent { rate: Bp(2_500) };
    PlanRules::new(vec![Rule {
        bonus_points: Bp(500),
        duration: Duration::Months { months: 36 },
        ..rule(
            "agency",
            "Agency commission",
            Trigger::InvoicePaid,
            Basis::Net,
            amount,
        )
    }])
}

/// 30 % as long as the partner is certified in `course`.
pub fn implementation(course: &str) -> PlanRules {
    let amount = Amount::Percent { rate: Bp(3_000) };
    PlanRules::new(vec![Rule {
        conditions: Conditions {
            certification: Some(course.into()),
            ..Conditions::default()
        },
        ..rule(
            "implementation",
            "Implementation",
            Trigger::InvoicePaid,
            Basis::Net,
            amount,
        )
    }])
}

/// A fixed amount per qualified meeting and one per first payment.
pub fn bounty(per_meeting: Amounts, per_customer: Amounts) -> PlanRules {
    let flat =
        |id, name, trigger, amounts| rule(id, name, trigger, Basis::Flat, Amount::Flat { amounts });
    PlanRules::new(vec![
        flat(
            "meeting",
            "Qualified meeting",
            Trigger::QualifiedMeeting,
            per_meeting,
        ),
        flat(
            "first-payment",
            "First payment",
            Trigger::FirstPayment,
            per_customer,
        ),
    ])
}

/// 15 % up to 50,000, 20 % up to 200,000 and 25 % above, of each quarter's volume in `currency`.
pub fn bracketed(currency: Currency) -> PlanRules {
    let units = |major: i64| Some(major * currency.scale());
    let steps = vec![
        BracketStep {
            up_to: units(50_000),
            rate: Bp(1_500),
        },
        BracketStep {
            up_to: units(200_000),
            rate: Bp(2_000),
        },
        BracketStep {
            up_to: None,
            rate: Bp(2_500),
        },
    ];
    let amount = Amount::Brackets {
        period: Period::Quarter,
        currency,
        steps,
    };
    PlanRules::new(vec![rule(
        "volume",
        "Volume commission",
        Trigger::InvoicePaid,
        Basis::Net,
        amount,
    )])
}

/// An amount in one currency.
pub fn amounts(minor: i64, currency: Currency) -> Amounts {
    BTreeMap::from([(currency, minor)])
}
