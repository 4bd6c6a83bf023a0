//! A rule as a form: what people type, and the rule that is meant by it.

use std::collections::BTreeMap;

use domain::money::{Bp, Currency, Money};
use domain::plan::{
    Amount, Amounts, Basis, BracketStep, Caps, Conditions, Duration, Known, Period, PeriodCap,
    PlanRules, Rule, Trigger,
};

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
const ROWS: usize = 100;

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

/// Reads the fields, and notes what cannot be read.
struct Reader<'a> {
    fields: &'a RuleFields,
    errors: FieldErrors,
    /// The row each bracket was typed in: empty rows are left out.
    rows: Vec<usize>,
}

impl Reader<'_> {
    fn rule(&mut self, id: &str) -> Rule {
        let amount = self.amount();
        let flat = matches!(amount, Amount::Flat { .. } | Amount::FlatByTier { .. });
        let percent = matches!(amount, Amount::Percent { .. } | Amount::ByTier { .. });
        let basis = if flat {
            Basis::Flat
        } else {
            let basis = self.choice("basis", "Choose what the percentage is of.");
            // The form offers two; the third is for fixed amounts.
            basis.filter(|b| *b != Basis::Flat).unwrap_or(Basis::Net)
        };
        let bonus_points = if percent || matches!(amount, Amount::Brackets { .. }) {
            self.rate("bonus_points").unwrap_or_default()
        } else {
            Bp(0)
        };
        let name = domain::validate::required(self.fields.text("name"), "a name", 120);
        Rule {
            id: id.to_owned(),
            name: self.errors.check("name", name).unwrap_or_default(),
            trigger: self
                .choice("trigger", "Choose what makes the rule pay.")
                .unwrap_or(Trigger::InvoicePaid),
            basis,
            amount,
            bonus_points,
            duration: self.duration(),
            caps: Caps {
                per_customer: self.amounts("cap_customer"),
                per_partner: self.cap("cap_partner"),
                per_period: self.cap("cap_all"),
            },
            conditions: self.conditions(),
        }
    }

    fn choice<T: std::str::FromStr>(&mut self, field: &str, sentence: &str) -> Option<T> {
        let found = self.fields.text(field).parse().ok();
        if found.is_none() {
            self.errors.add(field, sentence);
        }
        found
    }

    /// A percentage; none where nothing is typed.
    fn rate(&mut self, field: &str) -> Option<Bp> {
        let text = self.fields.text(field).trim();
        if text.is_empty() {
            return None;
        }
        self.errors.check(field, text.parse::<Bp>())
    }

    /// Amounts in several currencies: `150 EUR; 160 USD`, or one a line.
    fn amounts(&mut self, field: &str) -> Amounts {
        let mut amounts = Amounts::new();
        for part in self.fields.text(field).split([';', '\n']) {
            let part = part.trim();
            if part.is_empty() {
                continue;
            }
            match money(part) {
                Ok(money) if amounts.contains_key(&money.currency) => {
                    let twice = format!("{} is there twice.", money.currency);
                    self.errors.add(field, twice);
                }
                Ok(money) => {
                    amounts.insert(money.currency, money.minor);
                }
                Err(sentence) => self.errors.add(field, sentence),
            }
        }
        amounts
    }

    fn amount(&mut self) -> Amount {
        match self.fields.text("pays") {
            "percent" => {
                let rate = self.rate("rate");
                if rate.is_none() {
                    self.errors.add("rate", "Enter a percentage, such as 15.");
                }
                Amount::Percent {
                    rate: rate.unwrap_or_default(),
                }
            }
            "by_tier" => {
                let rates = self
                    .ranks("tier_rate_")
                    .into_iter()
                    .filter_map(|(rank, field)| Some((rank, self.rate(&field)?)))
                    .collect();
                Amount::ByTier { rates }
            }
            "flat" => Amount::Flat {
                amounts: self.amounts("amounts"),
            },
            "flat_by_tier" => {
                let amounts = self
                    .ranks("tier_amount_")
                    .into_iter()
                    .map(|(rank, field)| (rank, self.amounts(&field)))
                    .filter(|(_, amounts)| !amounts.is_empty())
                    .collect();
                Amount::FlatByTier { amounts }
            }
            "brackets" => self.brackets(),
            _ => {
                self.errors.add("pays", "Choose how much the rule pays.");
                Amount::Percent { rate: Bp(0) }
            }
        }
    }

    /// The tier ranks a field was sent for.
    fn ranks(&self, prefix: &str) -> Vec<(i32, String)> {
        let names = self.fields.0.keys();
        names
            .filter_map(|name| Some((name.strip_prefix(prefix)?.parse().ok()?, name.clone())))
            .collect()
    }

    fn brackets(&mut self) -> Amount {
        let period = self
            .choice("period", "Choose the period whose volume counts.")
            .unwrap_or(Period::Quarter);
        let code = self.fields.text("currency").parse::<Currency>();
        let currency = self.errors.check("currency", code).unwrap_or(Currency::EUR);
        let mut steps = Vec::new();
        for row in 0..ROWS {
            let (end, rate) = (format!("step_{row}_up_to"), format!("step_{row}_rate"));
            let text = self.fields.text(&end).trim();
            if text.is_empty() && self.fields.text(&rate).trim().is_empty() {
                continue;
            }
            let up_to = if text.is_empty() {
                None
            } else {
                let read = Money::parse(text, currency).map(|m| m.minor);
                // Not read is not open: a later step would be called wrong for it.
                Some(self.errors.check(&end, read).unwrap_or(i64::MAX - 1))
            };
            let typed = self.rate(&rate);
            if typed.is_none() {
                self.errors.add(&rate, "Enter the bracket’s percentage.");
            }
            self.rows.push(row);
            steps.push(BracketStep {
                up_to,
                rate: typed.unwrap_or_default(),
            });
        }
        Amount::Brackets {
            period,
            currency,
            steps,
        }
    }

    fn duration(&mut self) -> Duration {
        match self.fields.text("duration") {
            "lifetime" => Duration::Lifetime,
            "months" => {
                let months = domain::validate::whole_number(self.fields.text("months"), 1, 1_200);
                let months = self.errors.check("months", months).unwrap_or(1);
                Duration::Months {
                    months: u32::try_from(months).unwrap_or(1),
                }
            }
            _ => {
                self.errors
                    .add("duration", "Choose how long a customer earns.");
                Duration::Months { months: 1 }
            }
        }
    }

    fn cap(&mut self, field: &str) -> Option<PeriodCap> {
        if self.fields.text(field).trim().is_empty() {
            return None;
        }
        let amounts = self.amounts(field);
        let period = self
            .choice(&format!("{field}_period"), "Choose the period.")
            .unwrap_or(Period::Year);
        (!amounts.is_empty()).then_some(PeriodCap { period, amounts })
    }

    fn conditions(&mut self) -> Conditions {
        let partner_types = self.fields.all("partner_types").iter();
        let partner_types = partner_types.filter_map(|t| t.parse().ok()).collect();
        let tiers = self.fields.all("tiers").iter();
        let countries = self.fields.text("countries").split([',', ';', ' ', '\n']);
        let some = |text: &str| {
            let text = text.trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        Conditions {
            partner_types,
            tiers: tiers.filter_map(|t| t.parse().ok()).collect(),
            products: self.fields.all("products").iter().cloned().collect(),
            registered_deal: match self.fields.text("registered_deal") {
                "yes" => Some(true),
                "no" => Some(false),
                _ => None,
            },
            certification: some(self.fields.text("certification")),
            countries: countries
                .filter_map(some)
                .map(|code| code.to_uppercase())
                .collect(),
        }
    }
}

/// `150 EUR`, `EUR 150`, `€150`.
fn money(text: &str) -> std::result::Result<Money, String> {
    let code: String = text.chars().filter(|c| c.is_alphabetic()).collect();
    let currency = match (code.as_str(), text) {
        ("", t) if t.contains('€') => Currency::EUR,
        ("", t) if t.contains('£') => Currency::GBP,
        ("", _) => {
            return Err("Write each amount with its currency, such as 150 EUR.".to_owned());
        }
        (code, _) => code.parse::<Currency>().map_err(|e| e.to_string())?,
    };
    Money::parse(text, currency).map_err(|e| e.to_string())
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
mod tests {
    use super::*;
    use domain::plan::ready_made::*;

    fn known() -> Known {
        Known {
            products: ["suite".to_owned()].into(),
            courses: ["implementation".to_owned()].into(),
            tiers: (1..=5).collect(),
        }
    }

    fn pairs(pairs: &[(&str, &str)]) -> RuleFields {
        let mut fields = RuleFields::fresh("EUR").0;
        for (name, value) in pairs {
            fields.insert((*name).to_owned(), vec![(*value).to_owned()]);
        }
        RuleFields(fields)
    }

    fn wrong(fields: &[(&str, &str)]) -> BTreeMap<String, String> {
        match pairs(fields).read("x", &known()) {
            Err(Error::Invalid(errors)) => errors.0,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_ready_made_rule_survives_its_form() {
        let flat = |minor| amounts(minor, Currency::EUR);
        let mut capped = agency();
        capped.rules[0].caps.per_customer = flat(500_050);
        capped.rules[0].caps.per_partner = Some(PeriodCap {
            period: Period::Month,
            amounts: flat(1_000),
        });
        capped.rules[0].conditions = Conditions {
            partner_types: [domain::application::PartnerType::Agency].into(),
            tiers: [2, 3].into(),
            products: ["suite".to_owned()].into(),
            registered_deal: Some(false),
            certification: Some("implementation".to_owned()),
            countries: ["DE".to_owned(), "AT".to_owned()].into(),
        };
        for plan in [
            referral(),
            reseller(),
            agency(),
            implementation("implementation"),
            bounty(flat(15_000), flat(50_000)),
            bracketed(Currency::USD),
            capped,
        ] {
            for rule in plan.rules {
                let again = RuleFields::of(&rule, "EUR").read(&rule.id, &known());
                assert_eq!(again.expect("readable"), rule);
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said_at_its_field() {
        let base = ("name", "A rule");
        for (fields, field, part) in [
            (vec![base, ("rate", "101")], "rate", "100%"),
            (vec![base, ("rate", "-1")], "rate", "negative"),
            (vec![base, ("rate", "")], "rate", "percentage"),
            (vec![("rate", "10")], "name", "name"),
            (
                vec![base, ("rate", "99"), ("bonus_points", "5")],
                "rate",
                "points",
            ),
            (
                vec![base, ("pays", "by_tier"), ("tier_rate_9", "10")],
                "tier_rate_9",
                "no such tier",
            ),
            (vec![base, ("pays", "by_tier")], "pays", "at least one tier"),
            (
                vec![base, ("pays", "flat"), ("amounts", "150")],
                "amounts",
                "currency",
            ),
            (
                vec![
                    base,
                    ("pays", "flat"),
                    ("trigger", "first_payment"),
                    ("amounts", "-5 EUR"),
                ],
                "amounts",
                "above zero",
            ),
            (
                vec![base, ("pays", "flat"), ("amounts", "10 EUR; 20 EUR")],
                "amounts",
                "twice",
            ),
            (
                vec![base, ("pays", "flat"), ("amounts", "10 EUR")],
                "duration",
                "cap",
            ),
            (
                vec![base, ("rate", "5"), ("trigger", "deal_won")],
                "pays",
                "of nothing",
            ),
            (
                vec![base, ("rate", "5"), ("duration", "months"), ("months", "0")],
                "months",
                "number",
            ),
            (
                vec![base, ("rate", "5"), ("products", "nope")],
                "products",
                "not a product",
            ),
            (
                vec![base, ("rate", "5"), ("countries", "DE, Atlantis")],
                "countries",
                "country code",
            ),
            (
                vec![base, ("rate", "5"), ("certification", "nope")],
                "certification",
                "not a course",
            ),
            (
                vec![base, ("rate", "5"), ("cap_all", "0 EUR")],
                "cap_all",
                "above zero",
            ),
        ] {
            let errors = wrong(&fields);
            let said = errors.get(field).unwrap_or_else(|| panic!("{errors:?}"));
            assert!(said.contains(part), "{errors:?}");
        }
    }

    #[test]
    fn gaps_between_brackets_are_said_at_the_row() {
        let base = [("name", "A rule"), ("pays", "brackets")];
        let with = |rows: &[(&'static str, &'static str)]| wrong(&[&base[..], rows].concat());
        // Row 1 is left empty, row 2 ends below row 0.
        let errors = with(&[
            ("step_0_up_to", "50000"),
            ("step_0_rate", "15"),
            ("step_2_up_to", "40000"),
            ("step_2_rate", "20"),
            ("step_3_rate", "25"),
        ]);
        assert!(errors["step_2_up_to"].contains("above the one before"));
        let errors = with(&[("step_0_up_to", "50000"), ("step_0_rate", "15")]);
        assert!(errors["step_0_up_to"].contains("above"));
        let errors = with(&[("step_0_rate", "15"), ("step_1_rate", "20")]);
        assert!(errors["step_0_up_to"].contains("Only the last"));
        let errors = with(&[("step_0_up_to", "50000"), ("step_1_rate", "20")]);
        assert!(errors["step_0_rate"].contains("percentage"));
        assert!(with(&[])["step_0_rate"].contains("at least one bracket"));
    }

    #[test]
    fn keys_are_made_of_names_and_are_new() {
        let plan = agency();
        assert_eq!(fresh_id("Größe & mehr", &plan), "groesse-mehr");
        assert_eq!(fresh_id("Agency", &plan), "agency-2");
        assert_eq!(fresh_id("株式会社", &plan), "rule");
    }
}
