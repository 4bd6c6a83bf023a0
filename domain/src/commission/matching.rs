//! Whether a rule counts for an event, and in words why not.

use super::facts::Facts;
use crate::plan::{Amount, Amounts, Duration, PeriodCap, Rule};
use crate::validate::country_name;

/// The reasons, ready for a person, why `rule` does not count for `facts`; the first one found.
pub(super) fn mismatch(rule: &Rule, facts: &Facts) -> Option<String> {
    conditions(rule, facts)
        .or_else(|| duration(rule, facts))
        .or_else(|| currency(rule, facts))
}

fn conditions(rule: &Rule, facts: &Facts) -> Option<String> {
    let wanted = &rule.conditions;
    if rule.trigger != facts.trigger {
        let (rule, event) = (rule.trigger.label(), facts.trigger.label());
        return Some(format!("It is for “{rule}”; this is “{event}”."));
    }
    if !wanted.partner_types.is_empty() && !wanted.partner_types.contains(&facts.partner_type) {
        let kind = facts.partner_type.label().to_lowercase();
        return Some(format!("It is not for partners of type {kind}."));
    }
    if !wanted.tiers.is_empty() {
        match &facts.tier {
            Some(tier) if wanted.tiers.contains(&tier.rank) => {}
            Some(tier) => return Some(format!("It is not for tier {}.", tier.name)),
            None => return Some("It needs a tier, and the partner had none on that day.".into()),
        }
    }
    if !wanted.products.is_empty() {
        match &facts.product {
            Some(product) if wanted.products.contains(product) => {}
            Some(product) => return Some(format!("It is not for the product {product}.")),
            None => return Some("It is for certain products; the line names none.".into()),
        }
    }
    match (wanted.registered_deal, facts.registered_deal) {
        (Some(true), false) => {
            return Some("The customer did not come by a registered deal.".into());
        }
        (Some(false), true) => {
            return Some("It is for customers without a registered deal.".into());
        }
        _ => {}
    }
    if let Some(course) = &wanted.certification
        && !facts.certified.contains(course)
    {
        return Some(format!(
            "The partner was not certified in {course} on that day."
        ));
    }
    if !wanted.countries.is_empty() {
        match &facts.country {
            Some(code) if wanted.countries.contains(code) => {}
            Some(code) => {
                let name = country_name(code).unwrap_or(code);
                return Some(format!("It is not for customers in {name}."));
            }
            None => return Some("It is for certain countries; the customer’s is unknown.".into()),
        }
    }
    None
}

fn duration(rule: &Rule, facts: &Facts) -> Option<String> {
    let Duration::Months { months } = rule.duration else {
        return None;
    };
    // Before the first payment no month has passed.
    let passed = facts.age.map_or(0, |age| age.months);
    (passed >= months).then(|| {
        format!(
            "The customer earns for {months} months; this is month {}.",
            u64::from(passed) + 1
        )
    })
}

fn currency(rule: &Rule, facts: &Facts) -> Option<String> {
    let currency = facts.net.currency;
    let missing = |amounts: &Amounts| !amounts.contains_key(&currency);
    let has_amount = match &rule.amount {
        Amount::Flat { amounts } => !missing(amounts),
        Amount::Brackets {
            currency: steps, ..
        } => *steps == currency,
        Amount::FlatByTier { amounts } => match &facts.tier {
            Some(tier) => Amount::for_rank(amounts, tier.rank).is_none_or(|a| !missing(a)),
            None => true,
        },
        Amount::ByTier { .. } | Amount::Percent { .. } => true,
    };
    if !has_amount {
        return Some(format!("It has no amount in {currency}."));
    }
    let caps = &rule.caps;
    let uncapped = |cap: &Option<PeriodCap>| cap.as_ref().is_some_and(|c| missing(&c.amounts));
    if (!caps.per_customer.is_empty() && missing(&caps.per_customer))
        || uncapped(&caps.per_partner)
        || uncapped(&caps.per_period)
    {
        return Some(format!("Its cap has no amount in {currency}."));
    }
    let rank = facts.tier.as_ref().map(|tier| tier.rank);
    let no_rate = match (&rule.amount, rank) {
        (Amount::ByTier { .. } | Amount::FlatByTier { .. }, None) => true,
        (Amount::ByTier { rates }, Some(rank)) => Amount::for_rank(rates, rank).is_none(),
        (Amount::FlatByTier { amounts }, Some(rank)) => Amount::for_rank(amounts, rank).is_none(),
        _ => false,
    };
    if no_rate {
        return Some(match &facts.tier {
            Some(tier) => format!("It has no rate for tier {} or below.", tier.name),
            None => "It pays by tier, and the partner had none on that day.".into(),
        });
    }
    None
}
