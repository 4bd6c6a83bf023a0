//! What makes a plan unfit for publication, by field.

use std::collections::BTreeSet;

use super::{Amount, Amounts, Basis, BracketStep, Duration, PlanRules, Rule, Trigger};
use crate::money::Bp;
use crate::validate::country_name;

/// A problem at one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where: `rules.0.amount.rate`.
    pub field: String,
    /// What is wrong and what to do.
    pub sentence: String,
}

/// What the program has, to check names against.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// Product keys.
    pub products: BTreeSet<String>,
    /// Course keys.
    pub courses: BTreeSet<String>,
    /// Tier ranks.
    pub tiers: BTreeSet<i32>,
}

struct Findings(Vec<Problem>);

impl Findings {
    fn add(&mut self, field: impl Into<String>, sentence: impl Into<String>) {
        self.0.push(Problem {
            field: field.into(),
            sentence: sentence.into(),
        });
    }
}

impl PlanRules {
    /// Everything that is wrong with the plan, each at its field; empty when it may be published.
    pub fn validate(&self, known: &Known) -> Vec<Problem> {
        let mut found = Findings(Vec::new());
        if self.format != 1 {
            found.add(
                "format",
                "This plan was written by a newer version of Portico.",
            );
        }
        if self.rules.is_empty() {
            found.add("rules", "A plan needs at least one rule.");
        }
        let mut ids = BTreeSet::new();
        for (i, rule) in self.rules.iter().enumerate() {
            let at = format!("rules.{i}");
            if !ids.insert(rule.id.as_str()) {
                found.add(
                    format!("{at}.id"),
                    "Another rule has this key. Choose a different one.",
                );
            }
            check_rule(rule, &at, known, &mut found);
        }
        found.0
    }
}

fn check_rule(rule: &Rule, at: &str, known: &Known, found: &mut Findings) {
    if crate::slug::check(&rule.id).is_err() {
        found.add(
            format!("{at}.id"),
            "Use lower-case letters, digits and dashes.",
        );
    }
    if rule.name.trim().is_empty() {
        found.add(format!("{at}.name"), "Give the rule a name.");
    }
    let flat = matches!(rule.amount, Amount::Flat { .. } | Amount::FlatByTier { .. });
    if flat != (rule.basis == Basis::Flat) {
        let sentence = if flat {
            "A fixed amount is not a share of anything; choose “Fixed amount” as the basis."
        } else {
            "A percentage needs a basis: the net amount or the first-year value."
        };
        found.add(format!("{at}.basis"), sentence);
    }
    let has_money = match rule.trigger {
        Trigger::InvoicePaid | Trigger::FirstPayment => true,
        // The value the vendor confirmed when the deal was won.
        Trigger::DealWon => rule.basis == Basis::FirstYear,
        Trigger::QualifiedMeeting => false,
    };
    if !flat && !has_money {
        let sentence = "Nothing has been paid at this moment, so a percentage would be of nothing. \
                        Choose a fixed amount, “Invoice paid”, or for won deals the first-year \
                        value.";
        found.add(format!("{at}.amount"), sentence);
    }
    if has_money
        && rule.trigger == Trigger::DealWon
        && matches!(rule.amount, Amount::Brackets { .. })
    {
        let sentence = "Brackets go by what was paid, and nothing has been paid at this moment. \
                        Choose one percentage, or one by tier.";
        found.add(format!("{at}.amount"), sentence);
    }
    if flat && rule.trigger == Trigger::InvoicePaid && rule.duration == Duration::Lifetime {
        let none = rule.caps.per_customer.is_empty();
        if none {
            let sentence = "A fixed amount for every invoice needs an end or a cap per customer.";
            found.add(format!("{at}.duration"), sentence);
        }
    }
    check_amount(rule, at, known, found);
    if matches!(rule.duration, Duration::Months { months: 0 }) {
        found.add(format!("{at}.duration.months"), "Give at least one month.");
    }
    if matches!(rule.duration, Duration::Months { months } if months > 1_200) {
        found.add(
            format!("{at}.duration.months"),
            "That is more than a hundred years.",
        );
    }
    check_caps(rule, at, found);
    check_conditions(rule, at, known, found);
}

fn check_amount(rule: &Rule, at: &str, known: &Known, found: &mut Findings) {
    let field = format!("{at}.amount");
    let bonus = rule.bonus_points;
    if bonus.0 < 0 {
        found.add(format!("{at}.bonus_points"), "Points cannot be negative.");
    }
    let flat = rule.basis == Basis::Flat;
    if flat && bonus.0 != 0 {
        found.add(
            format!("{at}.bonus_points"),
            "Points can be added to a percentage only.",
        );
    }
    match &rule.amount {
        Amount::Percent { rate } => check_rate(*rate, bonus, &format!("{field}.rate"), found),
        Amount::ByTier { rates } => {
            if rates.is_empty() {
                found.add(
                    format!("{field}.rates"),
                    "Give a rate for at least one tier.",
                );
            }
            for (rank, rate) in rates {
                let field = format!("{field}.rates.{rank}");
                check_tier(*rank, known, &field, found);
                check_rate(*rate, bonus, &field, found);
            }
        }
        Amount::Flat { amounts } => check_amounts(amounts, &format!("{field}.amounts"), found),
        Amount::FlatByTier { amounts } => {
            if amounts.is_empty() {
                found.add(
                    format!("{field}.amounts"),
                    "Give an amount for at least one tier.",
                );
            }
            for (rank, amounts) in amounts {
                let field = format!("{field}.amounts.{rank}");
                check_tier(*rank, known, &field, found);
                check_amounts(amounts, &field, found);
            }
        }
        Amount::Brackets { steps, .. } => check_steps(steps, bonus, &field, found),
    }
}

fn check_steps(steps: &[BracketStep], bonus: Bp, at: &str, found: &mut Findings) {
    if steps.is_empty() {
        found.add(format!("{at}.steps"), "Give at least one bracket.");
    }
    let mut reached = 0;
    for (i, step) in steps.iter().enumerate() {
        let last = i + 1 == steps.len();
        check_rate(step.rate, bonus, &format!("{at}.steps.{i}.rate"), found);
        let field = format!("{at}.steps.{i}.up_to");
        match step.up_to {
            Some(_) if last => found.add(
                field,
                "Nothing is said about what is above. Leave the end of the last bracket open.",
            ),
            None if !last => found.add(field, "Only the last bracket can be open. Give an end."),
            Some(end) if end <= reached => {
                found.add(field, "Each bracket has to end above the one before.");
            }
            Some(end) => reached = end,
            None => {}
        }
    }
}

fn check_rate(rate: Bp, bonus: Bp, field: &str, found: &mut Findings) {
    if rate.0 < 0 {
        found.add(field, "A rate cannot be negative.");
    } else if rate.0 > Bp::WHOLE.0 {
        found.add(field, "A rate cannot be more than 100%.");
    } else if rate.0.saturating_add(bonus.0.max(0)) > Bp::WHOLE.0 {
        found.add(
            field,
            "With the points for registered deals this is more than 100%.",
        );
    }
}

fn check_tier(rank: i32, known: &Known, field: &str, found: &mut Findings) {
    if !known.tiers.contains(&rank) {
        found.add(
            field,
            "The program has no such tier. Choose one of its tiers.",
        );
    }
}

fn check_amounts(amounts: &Amounts, field: &str, found: &mut Findings) {
    if amounts.is_empty() {
        found.add(field, "Give an amount in at least one currency.");
    }
    for (currency, minor) in amounts {
        if *minor <= 0 {
            found.add(format!("{field}.{currency}"), "Give an amount above zero.");
        }
    }
}

fn check_caps(rule: &Rule, at: &str, found: &mut Findings) {
    let caps = &rule.caps;
    if !caps.per_customer.is_empty() {
        check_amounts(
            &caps.per_customer,
            &format!("{at}.caps.per_customer"),
            found,
        );
    }
    for (name, cap) in [
        ("per_partner", &caps.per_partner),
        ("per_period", &caps.per_period),
    ] {
        if let Some(cap) = cap {
            check_amounts(&cap.amounts, &format!("{at}.caps.{name}.amounts"), found);
        }
    }
}

fn check_conditions(rule: &Rule, at: &str, known: &Known, found: &mut Findings) {
    let conditions = &rule.conditions;
    for product in conditions.products.difference(&known.products) {
        let sentence = format!("“{product}” is not a product of this program.");
        found.add(format!("{at}.conditions.products"), sentence);
    }
    if let Some(course) = &conditions.certification
        && !known.courses.contains(course)
    {
        let sentence = format!("“{course}” is not a course of this program.");
        found.add(format!("{at}.conditions.certification"), sentence);
    }
    for rank in &conditions.tiers {
        check_tier(*rank, known, &format!("{at}.conditions.tiers"), found);
    }
    for code in conditions
        .countries
        .iter()
        .filter(|code| country_name(code).is_none())
    {
        let sentence = format!("“{code}” is not a country code; use two letters such as DE.");
        found.add(format!("{at}.conditions.countries"), sentence);
    }
}
