//! A plan in English sentences.

use super::{Amount, Amounts, Basis, Caps, Conditions, Duration, PlanRules, Rule, Trigger};
use crate::money::{Bp, Money};
use crate::transition::list;
use crate::validate::country_name;

impl PlanRules {
    /// One sentence or more per rule. `tier` gives the name of a tier rank.
    pub fn describe(&self, tier: impl Fn(i32) -> String) -> Vec<String> {
        self.rules.iter().map(|rule| rule.describe(&tier)).collect()
    }
}

impl Rule {
    /// The rule in sentences: `25% of every paid invoice, net of tax, discounts and credits, for
    /// 36 months from the customer’s first payment. 5 points more for registered deals.`
    pub fn describe(&self, tier: &dyn Fn(i32) -> String) -> String {
        let mut text = self.what(tier);
        if let (Trigger::InvoicePaid, duration) = (self.trigger, self.duration) {
            match duration {
                Duration::Lifetime => text.push_str(", for as long as the customer pays"),
                Duration::Months { months: 12 } if self.basis == Basis::FirstYear => {}
                Duration::Months { months: 1 } => text.push_str(", for one month"),
                Duration::Months { months } => text.push_str(&format!(
                    ", for {months} months from the customer’s first payment"
                )),
            }
        }
        text.push_str(&conditions(&self.conditions, tier));
        text.push('.');
        if self.bonus_points.0 != 0 {
            text.push_str(&format!(
                " {} more for registered deals.",
                points(self.bonus_points)
            ));
        }
        text.push_str(&caps(&self.caps));
        text
    }

    fn what(&self, tier: &dyn Fn(i32) -> String) -> String {
        let of = match (self.basis, self.trigger) {
            (Basis::FirstYear, Trigger::DealWon) => {
                "of the first-year value of every won deal, as the vendor confirms it".to_owned()
            }
            (Basis::FirstYear, _) => "of what the customer pays for its first year".to_owned(),
            (_, Trigger::FirstPayment) => {
                "of the first payment, net of tax, discounts and credits".to_owned()
            }
            _ => "of every paid invoice, net of tax, discounts and credits".to_owned(),
        };
        let each = match self.trigger {
            Trigger::InvoicePaid => "for every paid invoice",
            Trigger::FirstPayment => "for a customer’s first payment",
            Trigger::DealWon => "for every won deal",
            Trigger::QualifiedMeeting => "for every qualified meeting",
        };
        match &self.amount {
            Amount::Percent { rate } => format!("{rate} {of}"),
            Amount::ByTier { rates } => {
                let rates: Vec<String> = rates
                    .iter()
                    .map(|(rank, rate)| format!("{} {rate}", tier(*rank)))
                    .collect();
                format!("By tier ({}) {of}", rates.join(", "))
            }
            Amount::Flat { amounts } => format!("{} {each}", money(amounts)),
            Amount::FlatByTier { amounts } => {
                let amounts: Vec<String> = amounts
                    .iter()
                    .map(|(rank, amounts)| format!("{} {}", tier(*rank), money(amounts)))
                    .collect();
                format!("By tier ({}) {each}", amounts.join(", "))
            }
            Amount::Brackets {
                period,
                currency,
                steps,
            } => {
                let steps: Vec<String> = steps
                    .iter()
                    .map(|step| match step.up_to {
                        Some(end) => {
                            format!(
                                "{} up to {}",
                                step.rate,
                                Money::new(end, *currency).format("en")
                            )
                        }
                        None => format!("{} above", step.rate),
                    })
                    .collect();
                let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
                let steps = list(&steps, "and");
                format!("By the volume of the {}, {steps}, {of}", period.label())
            }
        }
    }
}

fn points(bonus: Bp) -> String {
    let number = Bp::to_string(&bonus);
    let number = number.trim_end_matches('%');
    if number == "1" {
        "1 point".to_owned()
    } else {
        format!("{number} points")
    }
}

fn money(amounts: &Amounts) -> String {
    let amounts: Vec<String> = amounts
        .iter()
        .map(|(currency, minor)| Money::new(*minor, *currency).format("en"))
        .collect();
    let amounts: Vec<&str> = amounts.iter().map(String::as_str).collect();
    list(&amounts, "or")
}

fn conditions(conditions: &Conditions, tier: &dyn Fn(i32) -> String) -> String {
    let mut parts: Vec<String> = Vec::new();
    let any = |words: Vec<String>| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        list(&words, "or")
    };
    if !conditions.partner_types.is_empty() {
        let types = conditions
            .partner_types
            .iter()
            .map(|t| t.label().to_lowercase())
            .collect();
        parts.push(format!("the partner is of type {}", any(types)));
    }
    if !conditions.tiers.is_empty() {
        let tiers = conditions.tiers.iter().map(|rank| tier(*rank)).collect();
        parts.push(format!("its tier is {}", any(tiers)));
    }
    if !conditions.products.is_empty() {
        let products = conditions.products.iter().cloned().collect();
        parts.push(format!("the product is {}", any(products)));
    }
    match conditions.registered_deal {
        Some(true) => parts.push("the customer came by a registered deal".into()),
        Some(false) => parts.push("the customer came without a registered deal".into()),
        None => {}
    }
    if let Some(course) = &conditions.certification {
        parts.push(format!("the partner is certified in {course}"));
    }
    if !conditions.countries.is_empty() {
        let countries = conditions
            .countries
            .iter()
            .map(|code| country_name(code).unwrap_or(code).to_owned())
            .collect();
        parts.push(format!("the customer is in {}", any(countries)));
    }
    if parts.is_empty() {
        return String::new();
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    format!(", when {}", list(&parts, "and"))
}

fn caps(caps: &Caps) -> String {
    let mut text = String::new();
    if !caps.per_customer.is_empty() {
        text.push_str(&format!(
            " At most {} per customer.",
            money(&caps.per_customer)
        ));
    }
    if let Some(cap) = &caps.per_partner {
        let (money, period) = (money(&cap.amounts), cap.period.label());
        text.push_str(&format!(" At most {money} per partner and {period}."));
    }
    if let Some(cap) = &caps.per_period {
        let (money, period) = (money(&cap.amounts), cap.period.label());
        text.push_str(&format!(
            " At most {money} per {period} for all partners together."
        ));
    }
    text
}
