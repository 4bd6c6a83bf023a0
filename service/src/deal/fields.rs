//! What a partner fills in: kept as typed while it is a draft, checked when it is sent.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use domain::lists::Lists;
use domain::money::{Currency, Money};
use domain::validate;
use entity::deal::{Column, Model};
use entity::product_line;
use sea_orm::sea_query::Expr;
use serde::Deserialize;

use crate::application::{Question, check_answers};
use crate::error::{FieldErrors, Result};

/// Where a draft keeps what its columns cannot hold: a value that is no number, a date that is none.
const UNREAD: [&str; 3] = ["_value", "_term_months", "_expected_close"];

/// The form, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Fields {
    /// The customer's company.
    pub customer_name: String,
    /// Its domain or web address.
    pub customer_domain: String,
    /// ISO 3166-1 alpha-2.
    pub customer_country: String,
    /// Whom the partner talks to there.
    pub contact_name: String,
    /// That person's address.
    pub contact_email: String,
    /// `product_line.id`s.
    pub product_lines: Vec<String>,
    /// What the customer needs.
    pub need: String,
    /// Estimated value of the first year, in major units.
    pub value: String,
    /// ISO 4217.
    pub currency: String,
    /// Length of the contract in months.
    pub term_months: String,
    /// `YYYY-MM-DD`.
    pub expected_close: String,
    /// Who else is asked.
    pub competitors: String,
    /// Anything else.
    pub notes: String,
    /// Which state of the registration the form showed, as [`super::DraftForm::seen`] says it; empty
    /// where there was none.
    pub seen: String,
    /// Answers to the program's own questions, by question id.
    #[serde(skip)]
    pub answers: BTreeMap<String, String>,
}

/// The form, as meant.
pub(super) struct Checked {
    /// Everything that is kept.
    pub(super) columns: Vec<(Column, Expr)>,
    /// The customer's registrable domain.
    pub(super) domain: String,
    /// The customer's name.
    pub(super) name: String,
    /// The customer's country.
    pub(super) country: String,
    /// The product lines' ids, ascending.
    pub(super) lines: Vec<i64>,
    /// The registrable domain of the contact's address, where it is the company's own.
    pub(super) contact_domain: Option<String>,
}

/// Text as typed, cut to what a form can hold: nothing typed into a draft is refused.
fn cut(text: &str, max: usize) -> String {
    text.trim()
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .take(max)
        .collect()
}

impl Fields {
    /// Takes the answers to the program's own questions out of a form's pairs.
    #[must_use]
    pub fn with_answers(mut self, pairs: &[(String, String)]) -> Self {
        for (name, value) in pairs {
            if let Some(id) = name.strip_prefix("answer_") {
                self.answers.insert(id.to_owned(), value.clone());
            }
        }
        self
    }

    /// What is kept of a registration, as the form shows it.
    pub(super) fn of(kept: &Model, lines: &[i64]) -> Self {
        let mut answers: BTreeMap<String, String> =
            serde_json::from_value(kept.answers.clone()).unwrap_or_default();
        let mut unread = |key: &str| answers.remove(key).unwrap_or_default();
        let [value, term, close] = UNREAD.map(&mut unread);
        let amount = |minor: i64| {
            let currency = kept.currency.parse::<Currency>();
            currency.map_or_else(|_| minor.to_string(), |c| Money::new(minor, c).plain())
        };
        Self {
            customer_name: kept.customer_name.clone(),
            customer_domain: domain::registrable::readable(&kept.customer_domain),
            customer_country: kept.customer_country.clone(),
            contact_name: kept.contact_name.clone(),
            contact_email: kept.contact_email.clone(),
            product_lines: lines.iter().map(i64::to_string).collect(),
            need: kept.need.clone(),
            value: kept.value.map_or(value, amount),
            currency: kept.currency.clone(),
            term_months: kept.term_months.map_or(term, |n| n.to_string()),
            expected_close: kept.expected_close.map_or(close, |d| d.to_string()),
            competitors: kept.competitors.clone(),
            notes: kept.notes.clone(),
            seen: String::new(),
            answers,
        }
    }

    fn amount(&self, currency: Currency) -> Result<i64, String> {
        match Money::parse(&self.value, currency) {
            Ok(money) if money.minor > 0 => Ok(money.minor),
            Ok(_) => Err("Enter an amount above zero.".to_owned()),
            Err(e) => Err(e.to_string()),
        }
    }

    /// The product lines that were chosen and exist, ascending.
    pub(super) fn lines(&self, offered: &[product_line::Model]) -> Vec<i64> {
        let mut lines: Vec<i64> = offered
            .iter()
            .map(|line| line.id)
            .filter(|id| {
                self.product_lines
                    .iter()
                    .any(|typed| *typed == id.to_string())
            })
            .collect();
        // In one order everywhere: two approvals that race then wait instead of blocking each other.
        lines.sort_unstable();
        lines
    }

    /// The columns as typed.
    pub(super) fn as_typed(
        &self,
        questions: &[Question],
        program_currency: &str,
    ) -> Result<Vec<(Column, Expr)>> {
        let currency = self.currency.parse::<Currency>().ok();
        let value = currency.and_then(|c| self.amount(c).ok());
        let term = validate::whole_number(&self.term_months, 1, 120).ok();
        let close = validate::date(&self.expected_close).ok();
        let mut answers: BTreeMap<&str, String> = questions
            .iter()
            .filter_map(|q| {
                self.answers
                    .get(&q.id)
                    .map(|a| (q.id.as_str(), cut(a, 4_000)))
            })
            .collect();
        let unread = [
            (value.is_none(), &self.value),
            (term.is_none(), &self.term_months),
            (close.is_none(), &self.expected_close),
        ];
        for (key, (missing, typed)) in UNREAD.into_iter().zip(unread) {
            if missing && !typed.trim().is_empty() {
                answers.insert(key, cut(typed, 60));
            }
        }
        let code = currency.map_or(program_currency, |c| c.code()).to_owned();
        Ok(vec![
            (
                Column::CustomerName,
                Expr::value(cut(&self.customer_name, 200)),
            ),
            (
                Column::CustomerDomain,
                Expr::value(cut(&self.customer_domain, 500)),
            ),
            (
                Column::CustomerCountry,
                Expr::value(cut(&self.customer_country, 2).to_uppercase()),
            ),
            (
                Column::ContactName,
                Expr::value(cut(&self.contact_name, 120)),
            ),
            (
                Column::ContactEmail,
                Expr::value(cut(&self.contact_email, 254)),
            ),
            (Column::Need, Expr::value(cut(&self.need, 4_000))),
            (
                Column::Competitors,
                Expr::value(cut(&self.competitors, 1_000)),
            ),
            (Column::Notes, Expr::value(cut(&self.notes, 4_000))),
            (Column::Value, Expr::value(value)),
            (Column::Currency, Expr::value(code)),
            (Column::TermMonths, Expr::value(term)),
            (Column::ExpectedClose, Expr::value(close)),
            (Column::Answers, Expr::value(serde_json::to_value(answers)?)),
        ])
    }

    /// The form as meant; `lists` know which domains stand for a company, `today` is the date in the
    /// program's zone.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] by field.
    pub(super) fn checked(
        &self,
        lists: &Lists,
        questions: &[Question],
        offered: &[product_line::Model],
        today: NaiveDate,
        program_currency: &str,
    ) -> Result<Checked> {
        let mut errors = FieldErrors::new();
        let name = errors.check(
            "customer_name",
            validate::required(&self.customer_name, "the customer’s company", 200),
        );
        let domain = errors.check("customer_domain", lists.company(&self.customer_domain));
        let country = errors.check(
            "customer_country",
            validate::country(&self.customer_country),
        );
        errors.check(
            "contact_name",
            validate::required(&self.contact_name, "whom you talk to there", 120),
        );
        let email = errors.check("contact_email", validate::email(&self.contact_email));
        let lines = self.lines(offered);
        if lines.is_empty() {
            errors.add("product_lines", "Choose at least one product line.");
        }
        errors.check(
            "need",
            validate::required(&self.need, "what the customer needs", 4_000),
        );
        match self.currency.parse::<Currency>() {
            Ok(currency) => {
                errors.check("value", self.amount(currency));
            }
            Err(e) => errors.add("currency", e.to_string()),
        }
        errors.check(
            "term_months",
            validate::whole_number(&self.term_months, 1, 120),
        );
        match validate::date(&self.expected_close) {
            Ok(date) if date < today => {
                errors.add("expected_close", "Choose a day that is still to come.")
            }
            Ok(_) => {}
            Err(sentence) => errors.add("expected_close", sentence),
        }
        errors.check("competitors", validate::optional(&self.competitors, 1_000));
        errors.check("notes", validate::optional(&self.notes, 4_000));
        check_answers(questions, &self.answers, &mut errors);
        errors.finish()?;

        let domain = domain.unwrap_or_default();
        let contact = email.unwrap_or_default();
        let meant = Self {
            customer_domain: domain.clone(),
            contact_email: contact.clone(),
            ..self.clone()
        };
        let columns = meant.as_typed(questions, program_currency)?;
        let contact_domain = lists.company(&contact).ok();
        Ok(Checked {
            columns,
            domain,
            name: name.unwrap_or_default(),
            country: country.unwrap_or_default(),
            lines,
            contact_domain,
        })
    }
}
