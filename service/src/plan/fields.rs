//! A rule as a form: what people type, and the rule that is meant by it.

use std::collections::BTreeMap;

use domain::money::{Bp, Money};
use domain::plan::{
    Amount, Amounts, Basis, Conditions, Duration, Known, Period, PeriodCap, PlanRules, Rule,
    Trigger,
};

use super::reader::Reader;
use crate::error::{Error, FieldErrors, Result};

/// The ways an amount is worked out: what the field `pays` is sent with, its words, and a sentence.
pub const PAYS: [(&str, &str, &str); 5] = [
    ("percent", "A percentage", "The same for every partner."),
    (
        "by_tier",
        "A percentage by tier",
        "A tier left open has the rate of the one below it.",
    ),
    ("flat", "A fixed amount", "The same for every partner."),
    (
        "flat_by_tier",
        "A fixed amount by tier",
        "A tier left open has the amount of the one below it.",
    ),
    (
        "brackets",
        "Brackets",
        "Only the part of a period’s volume above a step earns the step’s rate.",
    ),
];

/// Rows for brackets that a form shows at least.
const BRACKETS: usize = 5;
/// Rows of brackets that are read at most.
pub(super) const ROWS: usize = 100;

/// What was typed, by field; names may be sent several times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleFields(BTreeMap<String, Vec<String>>);

impl RuleFields {
    /// From the pairs of a form.
    pub fn from_pairs(pairs: &[(String, String)]) -> Self {
        let mut fields = Self::default();
        for (name, value) in pairs {
            fields.add(name, value.clone());
        }
        fields
    }

    /// What a new rule's form begins with.
    pub fn fresh(currency: &str) -> Self {
        let mut fields = Self::default();
        for (name, value) in [
            ("trigger", Trigger::InvoicePaid.as_str()),
            ("pays", "percent"),
            ("basis", Basis::Net.as_str()),
            ("duration", "lifetime"),
            ("period", Period::Quarter.as_str()),
            ("currency", currency),
            ("cap_partner_period", Period::Year.as_str()),
            ("cap_all_period", Period::Year.as_str()),
        ] {
            fields.add(name, value);
        }
        fields
    }

    /// A stored rule as it would be typed.
    pub fn of(rule: &Rule, currency: &str) -> Self {
        let mut fields = Self::default();
        fields.add("name", rule.name.clone());
        fields.add("trigger", rule.trigger.as_str());
        let basis = match rule.basis {
            Basis::Flat => Basis::Net,
            basis => basis,
        };
        fields.add("basis", basis.as_str());
        fields.amount(&rule.amount, currency);
        if rule.bonus_points != Bp(0) {
            fields.add("bonus_points", number(rule.bonus_points));
        }
        match rule.duration {
            Duration::Lifetime => fields.add("duration", "lifetime"),
            Duration::Months { months } => {
                fields.add("duration", "months");
                fields.add("months", months.to_string());
            }
        }
        fields.add("cap_customer", typed(&rule.caps.per_customer));
        fields.cap("cap_partner", rule.caps.per_partner.as_ref());
        fields.cap("cap_all", rule.caps.per_period.as_ref());
        fields.conditions(&rule.conditions);
        fields
    }

    fn amount(&mut self, amount: &Amount, currency: &str) {
        let (mut period, mut code) = (Period::Quarter, currency);
        let pays = match amount {
            Amount::Percent { rate } => {
                self.add("rate", number(*rate));
                "percent"
            }
            Amount::ByTier { rates } => {
                for (rank, rate) in rates {
                    self.add(&format!("tier_rate_{rank}"), number(*rate));
                }
                "by_tier"
            }
            Amount::Flat { amounts } => {
                self.add("amounts", typed(amounts));
                "flat"
            }
            Amount::FlatByTier { amounts } => {
                for (rank, amounts) in amounts {
                    self.add(&format!("tier_amount_{rank}"), typed(amounts));
                }
                "flat_by_tier"
            }
            Amount::Brackets {
                period: of,
                currency,
                steps,
            } => {
                (period, code) = (*of, currency.code());
                for (i, step) in steps.iter().enumerate() {
                    let end = step.up_to.map(|end| Money::new(end, *currency).plain());
                    self.add(&format!("step_{i}_up_to"), end.unwrap_or_default());
                    self.add(&format!("step_{i}_rate"), number(step.rate));
                }
                "brackets"
            }
        };
        self.add("pays", pays);
        self.add("period", period.as_str());
        self.add("currency", code);
    }

    fn cap(&mut self, name: &str, cap: Option<&PeriodCap>) {
        let period = cap.map_or(Period::Year, |cap| cap.period);
        self.add(name, cap.map(|cap| typed(&cap.amounts)).unwrap_or_default());
        self.add(&format!("{name}_period"), period.as_str());
    }

    fn conditions(&mut self, conditions: &Conditions) {
        for partner_type in &conditions.partner_types {
            self.add("partner_types", partner_type.as_str());
        }
        for rank in &conditions.tiers {
            self.add("tiers", rank.to_string());
        }
        for product in &conditions.products {
            self.add("products", product.clone());
        }
        let registered = match conditions.registered_deal {
            Some(true) => "yes",
            Some(false) => "no",
            None => "",
        };
        self.add("registered_deal", registered);
        self.add(
            "certification",
            conditions.certification.clone().unwrap_or_default(),
        );
        let countries: Vec<&str> = conditions.countries.iter().map(String::as_str).collect();
        self.add("countries", countries.join(", "));
    }

    fn add(&mut self, name: &str, value: impl Into<String>) {
        self.0
            .entry(name.to_owned())
            .or_default()
            .push(value.into());
    }

    /// The first value of a field; empty where there is none.
    pub fn text(&self, name: &str) -> &str {
        self.all(name).first().map_or("", String::as_str)
    }

    /// All values of a field.
    pub fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// The names that were sent.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    /// How many rows of brackets a form needs, an empty one at the end included.
    pub fn bracket_rows(&self) -> usize {
        let used = (0..ROWS).filter(|i| !self.text(&format!("step_{i}_rate")).trim().is_empty());
        BRACKETS.max(used.max().map_or(0, |last| last + 2))
    }

    /// The rule that is meant, under the key `id`.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything that is wrong, each at its field.
    pub fn read(&self, id: &str, known: &Known) -> Result<Rule> {
        let mut reader = Reader {
            fields: self,
            errors: FieldErrors::new(),
            rows: Vec::new(),
        };
        let rule = reader.rule(id);
        let Reader {
            mut errors, rows, ..
        } = reader;
        // What is typed wrong was left out of the rule, and is not to be called missing as well.
        for problem in PlanRules::new(vec![rule.clone()]).validate(known) {
            let path = problem
                .field
                .strip_prefix("rules.0.")
                .unwrap_or(&problem.field);
            let field = field_of(path, &rule, &rows);
            errors.add(&field, problem.sentence);
        }
        errors.finish()?;
        Ok(rule)
    }
}

/// The form's field for a path in the rule.
fn field_of(path: &str, rule: &Rule, rows: &[usize]) -> String {
    let parts: Vec<&str> = path.split('.').collect();
    match parts.as_slice() {
        ["id" | "name"] => "name".to_owned(),
        ["amount", "rate"] => "rate".to_owned(),
        ["amount", "rates", rank] => format!("tier_rate_{rank}"),
        ["amount", "amounts", rank, ..] if matches!(rule.amount, Amount::FlatByTier { .. }) => {
            format!("tier_amount_{rank}")
        }
        ["amount", "amounts", _] => "amounts".to_owned(),
        ["amount", "amounts"] if matches!(rule.amount, Amount::Flat { .. }) => "amounts".to_owned(),
        ["amount", "steps"] => "step_0_rate".to_owned(),
        ["amount", "steps", place, what] => {
            let place: usize = place.parse().unwrap_or(0);
            format!("step_{}_{what}", rows.get(place).copied().unwrap_or(place))
        }
        ["amount", ..] => "pays".to_owned(),
        ["duration", "months"] => "months".to_owned(),
        ["caps", "per_customer", ..] => "cap_customer".to_owned(),
        ["caps", "per_partner", ..] => "cap_partner".to_owned(),
        ["caps", "per_period", ..] => "cap_all".to_owned(),
        ["conditions", what, ..] => (*what).to_owned(),
        [first, ..] => (*first).to_owned(),
        [] => String::new(),
    }
}

fn typed(amounts: &Amounts) -> String {
    let amounts: Vec<String> = amounts
        .iter()
        .map(|(currency, minor)| format!("{} {currency}", Money::new(*minor, *currency).plain()))
        .collect();
    amounts.join("; ")
}

fn number(rate: Bp) -> String {
    rate.to_string().trim_end_matches('%').to_owned()
}

/// The key of a new rule: its name as a short word, that no rule has yet.
pub(super) fn fresh_id(name: &str, rules: &PlanRules) -> String {
    let base = match domain::slug::slugify(name) {
        empty if empty.is_empty() => "rule".to_owned(),
        base => base.chars().take(50).collect::<String>(),
    };
    let base = base.trim_end_matches('-').to_owned();
    let mut id = base.clone();
    let mut n = 2;
    while rules.rule(&id).is_some() {
        id = format!("{base}-{n}");
        n += 1;
    }
    id
}

/// Sentences of a whole plan as the error of one form.
pub(super) fn refuse(problems: Vec<domain::plan::Problem>) -> Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    let sentences: Vec<String> = problems.into_iter().map(|p| p.sentence).collect();
    Err(Error::field("", sentences.join(" ")))
}

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;
