//! What is meant by the fields of a rule.

use domain::money::{Bp, Currency, Money};
use domain::plan::{
    Amount, Amounts, Basis, BracketStep, Caps, Conditions, Duration, Period, PeriodCap, Rule,
    Trigger,
};

use super::fields::{ROWS, RuleFields};
use crate::error::FieldErrors;

/// Reads the fields, and notes what cannot be read.
pub(super) struct Reader<'a> {
    pub(super) fields: &'a RuleFields,
    pub(super) errors: FieldErrors,
    /// The row each bracket was typed in: empty rows are left out.
    pub(super) rows: Vec<usize>,
}

impl Reader<'_> {
    pub(super) fn rule(&mut self, id: &str) -> Rule {
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
        let names = self.fields.names();
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
pub(crate) fn money(text: &str) -> std::result::Result<Money, String> {
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
