//! From an event to an amount.

use super::calculation::{Calculation, CapApplied, Outcome, Rate, Reason, Slice, Step};
use super::facts::Facts;
use super::fraction::Fraction;
use super::matching::mismatch;
use crate::money::{Bp, Money, MoneyError};
use crate::plan::{Amount, Basis, BracketStep, PlanRules, Rule, Trigger};

/// Works out what an event earns. The rule that asks most conditions wins, among equals the
/// earlier one, and the choice is kept with the amount. One event earns by one rule.
///
/// # Errors
/// Only when an amount does not fit 64 bits.
pub fn evaluate(plan: &PlanRules, facts: &Facts) -> Result<Outcome, MoneyError> {
    let mut reasons = Vec::new();
    let mut matching: Vec<&Rule> = Vec::new();
    for rule in &plan.rules {
        match mismatch(rule, facts) {
            None => matching.push(rule),
            Some(sentence) => {
                reasons.push(Reason {
                    rule_id: Some(rule.id.clone()),
                    sentence,
                });
            }
        }
    }
    if plan.rules.is_empty() {
        reasons.push(Reason {
            rule_id: None,
            sentence: "The plan has no rules.".into(),
        });
    }
    // The earlier of equals: `max_by_key` would take the last.
    let best = matching
        .iter()
        .rev()
        .max_by_key(|rule| rule.conditions.specificity())
        .copied();
    let Some(rule) = best else {
        return Ok(Outcome::Nothing { reasons });
    };
    let choice = choice(rule, &matching);
    for other in matching.iter().filter(|other| other.id != rule.id) {
        let sentence = format!("It counts too, but “{}” goes first.", rule.name);
        reasons.push(Reason {
            rule_id: Some(other.id.clone()),
            sentence,
        });
    }
    calculate(rule, facts, choice, reasons)
}

fn choice(rule: &Rule, matching: &[&Rule]) -> String {
    if matching.len() == 1 {
        return "The only rule that counts for this event.".into();
    }
    let asks = rule.conditions.specificity();
    let equals = matching
        .iter()
        .filter(|r| r.conditions.specificity() == asks)
        .count();
    let of = matching.len();
    if equals == 1 {
        format!("The most specific of {of} rules that count: it asks most conditions ({asks}).")
    } else {
        format!("Of {of} rules that count, the first among those that ask {asks} conditions.")
    }
}

/// What a rule says about an event, before rounding.
struct Exact {
    rate: Rate,
    value: Fraction,
}

fn calculate(
    rule: &Rule,
    facts: &Facts,
    choice: String,
    passed_over: Vec<Reason>,
) -> Result<Outcome, MoneyError> {
    let money = |minor| Money::new(minor, facts.net.currency);
    let nothing = |sentence: String| {
        let mut reasons = passed_over.clone();
        reasons.insert(
            0,
            Reason {
                rule_id: Some(rule.id.clone()),
                sentence,
            },
        );
        Ok(Outcome::Nothing { reasons })
    };
    let flat = rule.basis == Basis::Flat;
    let won = facts.trigger == Trigger::DealWon;
    if facts.net.is_zero() && !flat {
        return nothing(if won {
            "The vendor has not confirmed the deal’s first-year value yet.".into()
        } else {
            "The line’s net amount is zero.".into()
        });
    }
    let mut steps = Vec::new();
    match facts.trigger {
        Trigger::InvoicePaid | Trigger::FirstPayment => steps.push(Step::new(
            if facts.trigger == Trigger::InvoicePaid {
                "Net amount of the line"
            } else {
                "Net amount of the first payment"
            },
            "after tax, discount and credit",
            show(facts.net),
        )),
        Trigger::DealWon if !flat => steps.push(Step::new(
            "First-year value of the deal",
            "as the vendor confirmed it",
            show(facts.net),
        )),
        // A fixed amount is of nothing that was paid or promised.
        Trigger::DealWon | Trigger::QualifiedMeeting => {}
    }
    if facts.net.minor < 0 && flat {
        return nothing("A fixed amount is not earned on a credited line.".into());
    }
    let share = match rule.basis {
        Basis::FirstYear => first_year_share(facts),
        Basis::Net | Basis::Flat => (1, 1),
    };
    if share.0 == 0 {
        return nothing("The line is for time after the customer’s first year.".into());
    }
    if share.0 != share.1 {
        let formula = format!("{} of {} seconds of the service period", share.0, share.1);
        let value = Fraction::whole(facts.net.minor)
            .times(share.0, share.1)?
            .round()?;
        steps.push(Step::new(
            "Part within the first year",
            formula,
            show(money(value)),
        ));
    }
    let exact = exact(rule, facts, share, &mut steps)?;
    let rounded = exact.value.round()?;
    steps.push(Step::new(
        "Rounded half-even",
        exact.value.to_string(),
        show(money(rounded)),
    ));
    let caps = apply_caps(rule, facts, rounded)?;
    let amount = caps.last().map_or(rounded, |cap| cap.amount);
    for cap in &caps {
        let room = cap.limit.saturating_sub(cap.used).max(0);
        let formula = format!(
            "{} − {} used",
            show(money(cap.limit)),
            show(money(cap.used))
        );
        let label = format!("Cap {}: {} left", cap.name, show(money(room)));
        steps.push(Step::new(label, formula, show(money(cap.amount))));
    }
    if amount == 0 {
        return nothing(match caps.last() {
            Some(cap) => format!("The cap {} is used up.", cap.name),
            None => "The commission rounds to zero.".into(),
        });
    }
    steps.push(Step::new("Commission", "", show(money(amount))));
    Ok(Outcome::Earns(Box::new(Calculation {
        rule_id: rule.id.clone(),
        rule_name: rule.name.clone(),
        plan_version: facts.plan_version,
        choice,
        passed_over,
        trigger: facts.trigger,
        basis: rule.basis,
        net: facts.net,
        tier: facts.tier.clone(),
        rate: exact.rate,
        unrounded: exact.value,
        rounded_minor: rounded,
        caps,
        amount: money(amount),
        steps,
    })))
}

/// The part of the line's service period that lies in the customer's first year, in seconds. A
/// line without a period counts when it was paid in the first year.
fn first_year_share(facts: &Facts) -> (i128, i128) {
    let Some(age) = facts.age else { return (1, 1) };
    match facts.service {
        Some(service) if service.end > service.start => {
            let end = service.end.min(age.first_year_ends_at);
            let inside = (end - service.start).num_seconds().max(0);
            let whole = (service.end - service.start).num_seconds().max(1);
            (i128::from(inside.min(whole)), i128::from(whole))
        }
        _ => (i128::from(facts.paid_at < age.first_year_ends_at), 1),
    }
}

fn exact(
    rule: &Rule,
    facts: &Facts,
    share: (i128, i128),
    steps: &mut Vec<Step>,
) -> Result<Exact, MoneyError> {
    let rank = facts.tier.as_ref().map_or(i32::MIN, |tier| tier.rank);
    let bonus = if facts.registered_deal {
        rule.bonus_points
    } else {
        Bp(0)
    };
    let base = match &rule.amount {
        Amount::Flat { amounts } => return flat(amounts, facts, steps),
        Amount::FlatByTier { amounts } => {
            let amounts = Amount::for_rank(amounts, rank).ok_or(MoneyError::Overflow)?;
            return flat(amounts, facts, steps);
        }
        Amount::Brackets {
            period,
            steps: brackets,
            ..
        } => {
            let before = facts.volume.get(period).copied().unwrap_or(0);
            let volume = Money::new(before, facts.net.currency);
            let label = format!("Volume of the {} before", period.label());
            steps.push(Step::new(label, "", show(volume)));
            return bracketed(brackets, before, bonus, facts, share, steps);
        }
        Amount::Percent { rate } => *rate,
        // A rank without a rate was sorted out by `mismatch`.
        Amount::ByTier { rates } => *Amount::for_rank(rates, rank).ok_or(MoneyError::Overflow)?,
    };
    let rate = base.checked_add(bonus)?;
    if let (Amount::ByTier { .. }, Some(tier)) = (&rule.amount, &facts.tier) {
        steps.push(Step::new(
            "Rate by tier",
            format!("tier {}", tier.name),
            base.to_string(),
        ));
    }
    if bonus != Bp(0) {
        let formula = format!("{base} + {bonus} for a registered deal");
        steps.push(Step::new("Rate", formula, rate.to_string()));
    }
    let value = Fraction::whole(facts.net.minor)
        .times(i128::from(rate.0), i128::from(Bp::WHOLE.0))?
        .times(share.0, share.1)?;
    let formula = format!("{} × {rate}", show(facts.net));
    let formula = if share.0 == share.1 {
        formula
    } else {
        format!("{formula} × {}/{}", share.0, share.1)
    };
    steps.push(Step::new(
        "Rate × amount",
        formula,
        decimal(value, facts.net),
    ));
    Ok(Exact {
        rate: Rate::Percent { rate },
        value,
    })
}

fn flat(
    amounts: &crate::plan::Amounts,
    facts: &Facts,
    steps: &mut Vec<Step>,
) -> Result<Exact, MoneyError> {
    let currency = facts.net.currency;
    // A missing currency was sorted out by `mismatch`.
    let minor = *amounts.get(&currency).ok_or(MoneyError::Overflow)?;
    steps.push(Step::new(
        "Fixed amount",
        "",
        show(Money::new(minor, currency)),
    ));
    let part = facts.credit.of(minor)?;
    if let Some(share) = facts.credit.share() {
        steps.push(Step::new(
            "Part of the credit",
            format!("{} × {share}", show(Money::new(minor, currency))),
            show(Money::new(part, currency)),
        ));
    }
    Ok(Exact {
        rate: Rate::Flat,
        value: Fraction::whole(part),
    })
}

/// Progressive rates: the difference between what the volume earns with and without this line, so
/// that the order and size of the lines do not matter and a credited line gives back exactly what
/// its volume earned. Volume below zero is taken at the first rate.
fn bracketed(
    brackets: &[BracketStep],
    before: i64,
    bonus: Bp,
    facts: &Facts,
    share: (i128, i128),
    steps: &mut Vec<Step>,
) -> Result<Exact, MoneyError> {
    let currency = facts.net.currency;
    let after = before
        .checked_add(facts.net.minor)
        .ok_or(MoneyError::Overflow)?;
    let (low, high) = (before.min(after), before.max(after));
    let mut slices = Vec::new();
    let mut sum: i128 = 0;
    let mut floor = i64::MIN;
    for step in brackets {
        let ceiling = step.up_to.unwrap_or(i64::MAX);
        let (from, to) = (low.max(floor), high.min(ceiling));
        if from < to {
            let rate = step.rate.checked_add(bonus)?;
            let part = i128::from(to) - i128::from(from);
            let earned = part
                .checked_mul(i128::from(rate.0))
                .ok_or(MoneyError::Overflow)?;
            sum = sum.checked_add(earned).ok_or(MoneyError::Overflow)?;
            let show_at = |minor| show(Money::new(minor, currency));
            let formula = format!("from {} to {} × {rate}", show_at(from), show_at(to));
            let value = Fraction {
                num: earned,
                den: i128::from(Bp::WHOLE.0),
            };
            steps.push(Step::new("Bracket", formula, decimal(value, facts.net)));
            slices.push(Slice { from, to, rate });
        }
        floor = floor.max(ceiling);
    }
    let signed = if facts.net.minor < 0 { -sum } else { sum };
    let value = Fraction {
        num: signed,
        den: i128::from(Bp::WHOLE.0),
    }
    .times(share.0, share.1)?;
    Ok(Exact {
        rate: Rate::Brackets { slices },
        value,
    })
}

/// The caps that lower `amount`, each on what the one before left. A negative amount is not capped.
fn apply_caps(rule: &Rule, facts: &Facts, amount: i64) -> Result<Vec<CapApplied>, MoneyError> {
    let currency = facts.net.currency;
    let used = facts.used.get(&rule.id).copied().unwrap_or_default();
    let caps = &rule.caps;
    let mut limits: Vec<(String, i64, i64)> = Vec::new();
    if let Some(limit) = caps.per_customer.get(&currency) {
        limits.push(("per customer".into(), *limit, used.customer));
        if let Some(share) = facts.credit.share() {
            let name = format!("per customer, {share} of it");
            limits.push((name, facts.credit.of(*limit)?, used.customer_own));
        }
    }
    for (cap, name, used) in [
        (&caps.per_partner, "per partner and", used.partner),
        (&caps.per_period, "for all partners per", used.all),
    ] {
        if let Some(cap) = cap
            && let Some(limit) = cap.amounts.get(&currency)
        {
            limits.push((format!("{name} {}", cap.period.label()), *limit, used));
        }
    }
    let mut left = amount;
    let mut applied = Vec::new();
    for (name, limit, used) in limits {
        let room = limit.saturating_sub(used).max(0);
        if left > room {
            left = room;
            applied.push(CapApplied {
                name,
                limit,
                used,
                amount: left,
            });
        }
    }
    Ok(applied)
}

fn show(money: Money) -> String {
    format!("{} {}", money.plain(), money.currency)
}

/// An exact value with up to four more digits than its currency has: enough to see the rounding.
fn decimal(value: Fraction, like: Money) -> String {
    const EXTRA: i128 = 10_000;
    let currency = like.currency;
    let Some(fine) = value.num.checked_mul(EXTRA).map(|num| num / value.den) else {
        return format!("{value} minor units of {currency}");
    };
    let scale = i128::from(currency.scale()) * EXTRA;
    let (whole, rest) = (
        fine.unsigned_abs() / scale.unsigned_abs(),
        fine.unsigned_abs() % scale.unsigned_abs(),
    );
    let exponent = currency.exponent() as usize;
    let mut digits = format!("{rest:0width$}", width = exponent + 4);
    let idle = digits.len() - digits.trim_end_matches('0').len();
    digits.truncate(digits.len() - idle.min(4));
    let point = if digits.is_empty() { "" } else { "." };
    let sign = if fine < 0 { "-" } else { "" };
    format!("{sign}{whole}{point}{digits} {currency}")
}
