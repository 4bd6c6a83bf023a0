use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration as Span, TimeZone, Utc};
use rstest::rstest;

use super::*;
use crate::application::PartnerType;
use crate::money::{Bp, Currency, Money};
use crate::plan::ready_made::*;
use crate::plan::{Amount, Basis, Conditions, Period, PeriodCap, PlanRules, Rule, Trigger};

#[path = "properties.rs"]
mod properties;

fn at(day: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap() + Span::days(day)
}

fn facts(minor: i64) -> Facts {
    Facts {
        trigger: Trigger::InvoicePaid,
        paid_at: at(10),
        net: Money::new(minor, Currency::EUR),
        credit: Part::whole(),
        product: Some("suite".into()),
        country: Some("DE".into()),
        partner_type: PartnerType::Agency,
        tier: Some(TierAt {
            rank: 2,
            name: "Silver".into(),
        }),
        registered_deal: false,
        certified: BTreeSet::new(),
        age: Some(CustomerAge {
            first_payment_at: at(0),
            months: 0,
            first_year_ends_at: at(365),
        }),
        service: None,
        volume: BTreeMap::new(),
        used: BTreeMap::new(),
        plan_version: 3,
    }
}

fn earned(plan: &PlanRules, facts: &Facts) -> Calculation {
    match evaluate(plan, facts).unwrap() {
        Outcome::Earns(calculation) => *calculation,
        Outcome::Nothing { reasons } => panic!("earned nothing: {reasons:?}"),
    }
}

fn reasons(plan: &PlanRules, facts: &Facts) -> String {
    match evaluate(plan, facts).unwrap() {
        Outcome::Earns(calculation) => panic!("earned {:?}", calculation.amount),
        Outcome::Nothing { reasons } => reasons
            .into_iter()
            .map(|r| r.sentence)
            .collect::<Vec<_>>()
            .join(" "),
    }
}

#[test]
fn the_table_is_closed() {
    crate::transition::testing::assert_closed(CommissionState::MACHINE, &[C::Pending]);
}

#[rstest]
#[case(1, 20_00)]
#[case(2, 22_50)]
#[case(3, 25_00)]
#[case(5, 30_00)]
#[case(9, 30_00)]
fn reseller_earns_by_tier(#[case] rank: i32, #[case] expected: i64) {
    let tier = Some(TierAt {
        rank,
        name: "T".into(),
    });
    assert_eq!(
        earned(
            &reseller(),
            &Facts {
                tier,
                ..facts(10_000)
            }
        )
        .amount
        .minor,
        expected
    );
}

#[test]
fn a_tier_below_the_lowest_rate_earns_nothing() {
    let low = Facts {
        tier: Some(TierAt {
            rank: 0,
            name: "New".into(),
        }),
        ..facts(100)
    };
    assert_eq!(
        reasons(&reseller(), &low),
        "It has no rate for tier New or below."
    );
    assert!(
        reasons(
            &reseller(),
            &Facts {
                tier: None,
                ..facts(100)
            }
        )
        .contains("had none")
    );
}

#[rstest]
#[case(0, false, Some(2_500))]
#[case(35, false, Some(2_500))]
#[case(36, false, None)]
#[case(0, true, Some(3_000))]
fn agency_earns_36_months(#[case] months: u32, #[case] deal: bool, #[case] minor: Option<i64>) {
    let mut facts = Facts {
        registered_deal: deal,
        ..facts(10_000)
    };
    facts.age = facts.age.map(|age| CustomerAge { months, ..age });
    let outcome = evaluate(&agency(), &facts).unwrap();
    assert_eq!(outcome.amount().map(|a| a.minor), minor);
    if minor.is_none() {
        let text = reasons(&agency(), &facts);
        assert_eq!(text, "The customer earns for 36 months; this is month 37.");
    }
}

#[test]
fn referral_earns_the_first_year_of_a_prepayment_only() {
    let service = Some(ServicePeriod {
        start: at(0),
        end: at(730),
    });
    let calculation = earned(
        &referral(),
        &Facts {
            service,
            ..facts(240_000)
        },
    );
    assert_eq!(calculation.amount.minor, 18_000);
    let later = Some(ServicePeriod {
        start: at(365),
        end: at(730),
    });
    let text = reasons(
        &referral(),
        &Facts {
            service: later,
            ..facts(240_000)
        },
    );
    assert!(text.contains("after the customer’s first year"));
}

#[test]
fn implementation_needs_the_certificate() {
    let plan = implementation("setup");
    assert!(reasons(&plan, &facts(10_000)).contains("not certified in setup"));
    let certified = ["setup".to_owned()].into();
    assert_eq!(
        earned(
            &plan,
            &Facts {
                certified,
                ..facts(10_000)
            }
        )
        .amount
        .minor,
        3_000
    );
}

#[test]
fn bounty_pays_fixed_amounts_in_its_currencies() {
    let plan = bounty(
        amounts(15_000, Currency::EUR),
        amounts(50_000, Currency::EUR),
    );
    let meeting = Facts {
        trigger: Trigger::QualifiedMeeting,
        ..facts(0)
    };
    assert_eq!(earned(&plan, &meeting).amount.minor, 15_000);
    let first = Facts {
        trigger: Trigger::FirstPayment,
        ..facts(99)
    };
    assert_eq!(earned(&plan, &first).amount.minor, 50_000);
    let dollars = Facts {
        net: Money::new(99, Currency::USD),
        ..first.clone()
    };
    assert!(reasons(&plan, &dollars).contains("no amount in USD"));
    let credit = Facts {
        net: Money::new(-99, Currency::EUR),
        ..first
    };
    assert!(reasons(&plan, &credit).contains("credited line"));
}

#[rstest]
#[case(0, 1_000_000, 150_000)]
#[case(0, 6_000_000, 950_000)]
#[case(4_900_000, 200_000, 35_000)]
#[case(19_000_000, 2_000_000, 450_000)]
#[case(30_000_000, 100, 25)]
#[case(5_100_000, -200_000, -35_000)]
fn brackets_are_marginal(#[case] before: i64, #[case] net: i64, #[case] expected: i64) {
    let facts = Facts {
        volume: [(Period::Quarter, before)].into(),
        ..facts(net)
    };
    let calculation = earned(&bracketed(Currency::EUR), &facts);
    assert_eq!(calculation.amount.minor, expected);
    let Rate::Brackets { slices } = calculation.rate else {
        panic!()
    };
    let covered: i64 = slices.iter().map(|s| s.to - s.from).sum();
    assert_eq!(covered, net.abs());
}

fn named(id: &str, bp: i64, conditions: Conditions) -> Rule {
    Rule {
        id: id.into(),
        name: id.into(),
        amount: Amount::Percent { rate: Bp(bp) },
        conditions,
        ..reseller().rules[0].clone()
    }
}

#[test]
fn the_most_specific_rule_wins_and_says_so() {
    let german = Conditions {
        countries: ["DE".to_owned()].into(),
        ..Conditions::default()
    };
    let agencies = Conditions {
        partner_types: [PartnerType::Agency].into(),
        countries: ["DE".to_owned()].into(),
        ..Conditions::default()
    };
    let mut plan = PlanRules::new(vec![
        named("all", 1_000, Conditions::default()),
        named("german", 1_100, german.clone()),
        named("agencies", 1_200, agencies),
        named("german-2", 1_300, german),
    ]);
    let won = earned(&plan, &facts(10_000));
    assert_eq!(
        (won.rule_id.as_str(), won.amount.minor),
        ("agencies", 1_200)
    );
    assert!(won.choice.contains("most specific of 4"));
    assert_eq!(won.passed_over.len(), 3);
    plan.rules.remove(2);
    let won = earned(&plan, &facts(10_000));
    assert_eq!(won.rule_id, "german");
    assert!(won.choice.contains("the first among"));
    let abroad = Facts {
        country: Some("FR".into()),
        ..facts(10_000)
    };
    let won = earned(&plan, &abroad);
    assert_eq!(won.rule_id, "all");
    assert!(won.passed_over[0].sentence.contains("customers in France"));
}

fn capped() -> PlanRules {
    let mut plan = agency();
    plan.rules[0].caps.per_customer = amounts(1_000, Currency::EUR);
    plan.rules[0].caps.per_partner = Some(PeriodCap {
        period: Period::Month,
        amounts: amounts(600, Currency::EUR),
    });
    plan
}

#[test]
fn caps_apply_in_turn() {
    let mut facts = facts(10_000);
    assert_eq!(earned(&capped(), &facts).amount.minor, 600);
    let used = CapUse {
        customer: 900,
        partner: 550,
        ..CapUse::default()
    };
    facts.used = [("agency".to_owned(), used)].into();
    let calculation = earned(&capped(), &facts);
    assert_eq!(calculation.amount.minor, 50);
    assert_eq!(calculation.rounded_minor, 2_500);
    assert_eq!(calculation.caps.len(), 2);
    let used = CapUse {
        customer: 1_000,
        ..used
    };
    facts.used = [("agency".to_owned(), used)].into();
    assert!(reasons(&capped(), &facts).contains("used up"));
    facts.net.currency = Currency::USD;
    assert!(reasons(&capped(), &facts).contains("cap has no amount in USD"));
}

#[test]
fn who_shares_the_credit_shares_the_customers_cap() {
    let mut plan = capped();
    plan.rules[0].caps.per_partner = None;
    let shares = Shares::new([7_000, 3_000], 10_000);
    let mut facts = Facts {
        credit: shares.part(1),
        ..facts(10_000)
    };
    let calculation = earned(&plan, &facts);
    assert_eq!(calculation.amount.minor, 300);
    assert_eq!(calculation.caps[1].name, "per customer, 30% of it");
    // Somebody else was credited alone before: what is left of the whole is less than the part.
    let used = CapUse {
        customer: 900,
        ..CapUse::default()
    };
    facts.used = [("agency".to_owned(), used)].into();
    assert_eq!(earned(&plan, &facts).amount.minor, 100);
    facts.credit = Part::whole();
    assert_eq!(earned(&plan, &facts).caps.len(), 1);
}

#[test]
fn the_explanation_is_complete_and_survives_json() {
    let facts = Facts {
        registered_deal: true,
        ..facts(3_335)
    };
    let outcome = evaluate(&agency(), &facts).unwrap();
    let json = serde_json::to_string(&outcome).unwrap();
    assert_eq!(serde_json::from_str::<Outcome>(&json).unwrap(), outcome);
    let calculation = earned(&agency(), &facts);
    let steps: Vec<String> = calculation
        .steps
        .iter()
        .map(|s| format!("{}: {} = {}", s.label, s.formula, s.value))
        .collect();
    assert_eq!(
        steps,
        [
            "Net amount of the line: after tax, discount and credit = 33.35 EUR",
            "Rate: 25% + 5% for a registered deal = 30%",
            "Rate × amount: 33.35 EUR × 30% = 10.005 EUR",
            "Rounded half-even: 10005000/10000 = 10.00 EUR",
            "Commission:  = 10.00 EUR",
        ]
    );
    let json = serde_json::to_string(&facts).unwrap();
    assert_eq!(serde_json::from_str::<Facts>(&json).unwrap(), facts);
}

#[rstest]
#[case(1_000, 333, 100, 0, 33)]
#[case(1_000, 1_000, 100, 33, 67)]
#[case(1_000, 2_000, 100, 0, 100)]
#[case(1_000, 1_000, 100, 100, 0)]
#[case(1_000, 0, 100, 50, -50)]
#[case(0, 5, 100, 0, 0)]
#[case(-1_000, -1_000, -100, 0, -100)]
#[case(1_000, -5, 100, 0, 0)]
fn reversals(
    #[case] paid: i64,
    #[case] returned: i64,
    #[case] commission: i64,
    #[case] already: i64,
    #[case] due: i64,
) {
    assert_eq!(reversal_due(paid, returned, commission, already), Ok(due));
}

#[test]
fn a_fixed_amount_is_divided_like_the_credit() {
    let plan = bounty(
        amounts(15_000, Currency::EUR),
        amounts(10_001, Currency::EUR),
    );
    let all = Shares::new([5_000, 5_000], 10_000);
    let paid = |place| {
        let first = Facts {
            trigger: Trigger::FirstPayment,
            credit: all.part(place),
            ..facts(99)
        };
        earned(&plan, &first)
    };
    assert_eq!([0, 1].map(|place| paid(place).amount.minor), [5_001, 5_000]);
    let step = |c: Calculation| {
        c.steps
            .into_iter()
            .find(|s| s.label == "Part of the credit")
    };
    let step = step(paid(1)).expect("explained");
    assert_eq!(
        [step.formula, step.value],
        ["100.01 EUR × 50%", "50.00 EUR"]
    );
    // What nobody is credited with is paid to nobody.
    let some = Shares::new([3_000], 10_000);
    assert_eq!(some.split(100), Ok(vec![30]));
    assert_eq!(some.part(0).of(10_001), Ok(3_000));
}

#[test]
fn zero_and_tiny_lines_say_why_they_earn_nothing() {
    assert!(reasons(&agency(), &facts(0)).contains("net amount is zero"));
    assert!(reasons(&agency(), &facts(1)).contains("rounds to zero"));
    assert!(reasons(&PlanRules::new(vec![]), &facts(1)).contains("no rules"));
    let other = Facts {
        trigger: Trigger::DealWon,
        ..facts(1)
    };
    assert!(reasons(&agency(), &other).contains("It is for “Invoice paid”; this is “Deal won”."));
    assert_eq!(agency().rules[0].basis, Basis::Net);
}

#[test]
fn fixed_amounts_by_tier_and_the_cap_for_all() {
    let mut plan = bounty(amounts(100, Currency::EUR), amounts(100, Currency::EUR));
    let rule = &mut plan.rules[1];
    rule.amount = Amount::FlatByTier {
        amounts: [
            (1, amounts(10_000, Currency::EUR)),
            (3, amounts(30_000, Currency::EUR)),
        ]
        .into(),
    };
    rule.caps.per_period = Some(PeriodCap {
        period: Period::Year,
        amounts: amounts(50_000, Currency::EUR),
    });
    let json = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<PlanRules>(&json).unwrap(), plan);

    let mut first = Facts {
        trigger: Trigger::FirstPayment,
        ..facts(99)
    };
    assert_eq!(earned(&plan, &first).amount.minor, 10_000);
    first.tier = Some(TierAt {
        rank: 4,
        name: "Platinum".into(),
    });
    assert_eq!(earned(&plan, &first).amount.minor, 30_000);
    let used = CapUse {
        all: 45_000,
        ..CapUse::default()
    };
    first.used = [("first-payment".to_owned(), used)].into();
    let calculation = earned(&plan, &first);
    assert_eq!(calculation.amount.minor, 5_000);
    assert_eq!(calculation.caps[0].name, "for all partners per year");
    first.tier = None;
    assert!(reasons(&plan, &first).contains("pays by tier"));
}

#[test]
fn a_tier_listed_twice_in_json_is_refused() {
    let json = serde_json::to_string(&reseller()).unwrap();
    let twice = json.replace("\"2\":", "\"01\":");
    assert_ne!(twice, json);
    assert!(serde_json::from_str::<PlanRules>(&twice).is_err());
}

#[test]
fn a_won_deal_is_worth_what_the_vendor_confirmed() {
    let mut plan = agency();
    let rule = &mut plan.rules[0];
    rule.trigger = Trigger::DealWon;
    rule.basis = Basis::FirstYear;
    let won = |net: i64| Facts {
        trigger: Trigger::DealWon,
        registered_deal: true,
        age: None,
        ..facts(net)
    };
    assert!(reasons(&plan, &won(0)).contains("not confirmed the deal’s first-year value"));
    let calculation = earned(&plan, &won(10_000));
    // 25 % and 5 points for the registered deal.
    assert_eq!(calculation.amount.minor, 3_000);
    assert_eq!(calculation.steps[0].label, "First-year value of the deal");
    // A fixed amount is of nothing, so its explanation begins with itself.
    let flat = bounty(
        amounts(15_000, Currency::EUR),
        amounts(50_000, Currency::EUR),
    );
    let meeting = Facts {
        trigger: Trigger::QualifiedMeeting,
        ..facts(0)
    };
    assert_eq!(earned(&flat, &meeting).steps[0].label, "Fixed amount");
}
