//! Plans as the portal keeps them.

use domain::money::{Bp, Currency};
use domain::plan::{
    Amount, Basis, BracketStep, Caps, Conditions, Duration, Period, PeriodCap, PlanRules, Rule,
    Trigger, ready_made,
};

use crate::model::ops::Plan;

/// The rules of a plan as the portal keeps them.
pub fn rules(plan: &Plan) -> PlanRules {
    let rule = |id: &str, amount| Rule {
        id: id.to_owned(),
        name: id.to_owned(),
        trigger: Trigger::InvoicePaid,
        basis: Basis::Net,
        amount,
        bonus_points: Bp(0),
        duration: Duration::Lifetime,
        caps: Caps::default(),
        conditions: Conditions::default(),
    };
    let percent = |rate: i64| Amount::Percent { rate: Bp(rate) };
    let euros = |minor| ready_made::amounts(minor, Currency::EUR);
    let quarterly = |minor| {
        Some(PeriodCap {
            period: Period::Quarter,
            amounts: euros(minor),
        })
    };
    let mut rules = match plan {
        Plan::ByTier(rates, _) => {
            let rates = (1..).zip(rates.iter().map(|r| Bp(*r))).collect();
            vec![rule("plain", Amount::ByTier { rates })]
        }
        Plan::Percent(rate, _) => vec![rule("plain", percent(*rate))],
        Plan::Brackets(steps, above) => {
            let mut steps: Vec<BracketStep> = steps
                .iter()
                .map(|(up_to, rate)| BracketStep {
                    up_to: Some(*up_to),
                    rate: Bp(*rate),
                })
                .collect();
            steps.push(BracketStep {
                up_to: None,
                rate: Bp(*above),
            });
            vec![rule(
                "brackets",
                Amount::Brackets {
                    period: Period::Quarter,
                    currency: Currency::EUR,
                    steps,
                },
            )]
        }
        Plan::Capped(rate, customer, partner, all) => {
            let caps = Caps {
                per_customer: euros(*customer),
                per_partner: quarterly(*partner),
                per_period: all.and_then(quarterly),
            };
            vec![Rule {
                caps,
                ..rule("capped", percent(*rate))
            }]
        }
        Plan::First(rate, flat) => {
            let first = rule(
                "first",
                Amount::Flat {
                    amounts: euros(*flat),
                },
            );
            vec![
                rule("plain", percent(*rate)),
                Rule {
                    trigger: Trigger::FirstPayment,
                    basis: Basis::Flat,
                    ..first
                },
            ]
        }
    };
    if let Plan::ByTier(_, Some(rate)) | Plan::Percent(_, Some(rate)) = plan {
        let conditions = Conditions {
            products: ["suite".to_owned()].into(),
            ..Conditions::default()
        };
        rules.push(Rule {
            conditions,
            ..rule("suite", percent(*rate))
        });
    }
    PlanRules::new(rules)
}
