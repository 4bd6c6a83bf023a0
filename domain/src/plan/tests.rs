use super::ready_made::*;
use super::*;
use rstest::rstest;

fn known() -> Known {
    Known {
        products: ["suite".to_owned()].into(),
        courses: ["implementation".to_owned()].into(),
        tiers: (1..=5).collect(),
    }
}

fn tier(rank: i32) -> String {
    ["Registered", "Silver", "Gold", "Platinum", "Diamond"][rank as usize - 1].to_owned()
}

fn all() -> Vec<PlanRules> {
    let flat = |minor| amounts(minor, Currency::EUR);
    vec![
        referral(),
        reseller(),
        agency(),
        implementation("implementation"),
        bounty(flat(15_000), flat(50_000)),
        bracketed(Currency::EUR),
    ]
}

#[test]
fn ready_made_plans_are_sound_and_survive_json() {
    for plan in all() {
        assert_eq!(plan.validate(&known()), vec![]);
        let json = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<PlanRules>(&json).unwrap(), plan);
    }
}

#[test]
fn ready_made_plans_read_as_sentences() {
    let sentences: Vec<String> = all().iter().flat_map(|plan| plan.describe(tier)).collect();
    assert_eq!(
        sentences,
        [
            "15% of what the customer pays for its first year.",
            "By tier (Registered 20%, Silver 22.5%, Gold 25%, Platinum 27.5%, Diamond 30%) of \
             every paid invoice, net of tax, discounts and credits, for as long as the customer \
             pays.",
            "25% of every paid invoice, net of tax, discounts and credits, for 36 months from the \
             customer’s first payment. 5 points more for registered deals.",
            "30% of every paid invoice, net of tax, discounts and credits, for as long as the \
             customer pays, when the partner is certified in implementation.",
            "€150.00 for every qualified meeting.",
            "€500.00 for a customer’s first payment.",
            "By the volume of the quarter, 15% up to €50,000.00, 20% up to €200,000.00 and 25% \
             above, of every paid invoice, net of tax, discounts and credits, for as long as the \
             customer pays.",
        ]
    );
}

fn broken(change: impl Fn(&mut Rule)) -> Vec<Problem> {
    let mut plan = agency();
    change(&mut plan.rules[0]);
    plan.validate(&known())
}

#[rstest]
#[case(|r: &mut Rule| r.amount = Amount::Percent { rate: Bp(10_001) }, "amount.rate", "100%")]
#[case(|r: &mut Rule| r.amount = Amount::Percent { rate: Bp(9_900) }, "amount.rate", "points")]
#[case(|r: &mut Rule| r.amount = Amount::Percent { rate: Bp(-1) }, "amount.rate", "negative")]
#[case(|r: &mut Rule| r.amount = Amount::Percent { rate: Bp(i64::MAX) }, "amount.rate", "100%")]
#[case(|r: &mut Rule| r.amount = Amount::ByTier { rates: [].into() }, "amount.rates", "at least")]
#[case(|r: &mut Rule| r.amount = Amount::ByTier { rates: [(9, Bp(1))].into() },
    "amount.rates.9", "no such tier")]
#[case(|r: &mut Rule| r.bonus_points = Bp(-1), "bonus_points", "negative")]
#[case(|r: &mut Rule| r.basis = Basis::Flat, "basis", "percentage needs a basis")]
#[case(|r: &mut Rule| r.trigger = Trigger::DealWon, "amount", "of nothing")]
#[case(|r: &mut Rule| r.duration = Duration::Months { months: 0 }, "duration.months", "one month")]
#[case(|r: &mut Rule| r.name = " ".into(), "name", "name")]
#[case(|r: &mut Rule| r.id = "Ä".into(), "id", "lower-case")]
#[case(|r: &mut Rule| { r.conditions.products.insert("nope".into()); },
    "conditions.products", "“nope” is not a product")]
#[case(|r: &mut Rule| r.conditions.certification = Some("x".into()),
    "conditions.certification", "not a course")]
#[case(|r: &mut Rule| { r.conditions.countries.insert("XX".into()); },
    "conditions.countries", "country code")]
#[case(|r: &mut Rule| { r.caps.per_customer.insert(Currency::EUR, 0); },
    "caps.per_customer.EUR", "above zero")]
fn bad_rules_are_refused_at_the_field(
    #[case] change: fn(&mut Rule),
    #[case] field: &str,
    #[case] part: &str,
) {
    let problems = broken(change);
    let field = format!("rules.0.{field}");
    let hit = problems
        .iter()
        .any(|p| p.field == field && p.sentence.contains(part));
    assert!(hit, "{problems:?}");
}

#[rstest]
#[case(&[(None, 100), (None, 200)], "steps.0.up_to")]
#[case(&[(Some(100), 100), (Some(100), 200), (None, 300)], "steps.1.up_to")]
#[case(&[(Some(100), 100)], "steps.0.up_to")]
#[case(&[(Some(-5), 100), (None, 1)], "steps.0.up_to")]
#[case(&[], "steps")]
fn bracket_gaps_are_found(#[case] steps: &[(Option<i64>, i64)], #[case] field: &str) {
    let steps = steps.iter().map(|(up_to, rate)| BracketStep {
        up_to: *up_to,
        rate: Bp(*rate),
    });
    let amount = Amount::Brackets {
        period: Period::Quarter,
        currency: Currency::EUR,
        steps: steps.collect(),
    };
    let problems = broken(|rule| rule.amount = amount.clone());
    assert!(
        problems
            .iter()
            .any(|p| p.field == format!("rules.0.amount.{field}")),
        "{problems:?}"
    );
}

#[test]
fn an_empty_plan_and_twin_rules_are_refused() {
    assert_eq!(PlanRules::new(vec![]).validate(&known())[0].field, "rules");
    let mut twins = agency();
    twins.rules.push(twins.rules[0].clone());
    assert_eq!(twins.validate(&known())[0].field, "rules.1.id");
    let newer = PlanRules {
        format: 2,
        ..agency()
    };
    assert_eq!(newer.validate(&known())[0].field, "format");
}

#[test]
fn a_won_deal_pays_a_share_of_its_first_year_or_a_fixed_amount() {
    let mut plan = agency();
    let rule = &mut plan.rules[0];
    rule.trigger = Trigger::DealWon;
    rule.basis = Basis::FirstYear;
    assert_eq!(plan.validate(&known()), vec![]);
    assert_eq!(
        plan.describe(tier)[0],
        "25% of the first-year value of every won deal, as the vendor confirms it. 5 points more \
         for registered deals."
    );
    plan.rules[0].amount = bracketed(Currency::EUR).rules[0].amount.clone();
    let problems = plan.validate(&known());
    assert!(
        problems
            .iter()
            .any(|p| p.sentence.contains("Brackets go by what was paid")),
        "{problems:?}"
    );
    // A meeting has no value at all.
    plan.rules[0].amount = Amount::Percent { rate: Bp(100) };
    plan.rules[0].trigger = Trigger::QualifiedMeeting;
    let problems = plan.validate(&known());
    assert!(
        problems.iter().any(|p| p.sentence.contains("of nothing")),
        "{problems:?}"
    );
}
