//! What an applicant fills in: kept as typed while it is a draft, checked when it is sent.

use std::collections::BTreeMap;

use domain::application::{CompanySize, PartnerType};
use domain::lists::Lists;
use domain::validate;
use entity::application::{Column, Model};
use sea_orm::sea_query::Expr;
use serde::Deserialize;

use super::question;
use crate::error::{FieldErrors, Result};

/// The form, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Fields {
    /// The company's name as registered.
    pub legal_name: String,
    /// The company's website.
    pub website: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// `domain::application::PartnerType`.
    pub partner_type: String,
    /// `domain::application::CompanySize`.
    pub size: String,
    /// What the company does for its customers.
    pub services: String,
    /// Where its customers are.
    pub regions: String,
    /// What business it expects to bring.
    pub expected_business: String,
    /// Whom to talk to.
    pub contact_name: String,
    /// A number to call.
    pub contact_phone: String,
    /// Anything when the current terms are accepted.
    pub accept_terms: String,
    /// The id of the terms version the form showed.
    pub terms_version_id: String,
    /// Which state of the application the form showed, as [`super::Standing::seen`] says it; empty where
    /// there was none.
    pub seen: String,
    /// Answers to the program's own questions, by question id.
    #[serde(skip)]
    pub answers: BTreeMap<String, String>,
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

    /// What is kept of an application, as the form shows it.
    pub fn of(kept: &Model) -> Self {
        Self {
            legal_name: kept.legal_name.clone(),
            website: kept.website.clone(),
            country: kept.country.clone(),
            partner_type: kept.partner_type.clone(),
            size: kept.size.clone(),
            services: kept.services.clone(),
            regions: kept.regions.clone(),
            expected_business: kept.expected_business.clone(),
            contact_name: kept.contact_name.clone(),
            contact_phone: kept.contact_phone.clone(),
            answers: serde_json::from_value(kept.answers.clone()).unwrap_or_default(),
            ..Self::default()
        }
    }

    /// The columns as typed, cut to what a form can hold: nothing typed into a draft is refused.
    pub(super) fn as_typed(&self, questions: &[question::Question]) -> Result<Vec<(Column, Expr)>> {
        let cut = |text: &str, max: usize| -> String {
            text.trim()
                .chars()
                .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
                .take(max)
                .collect()
        };
        let answers: BTreeMap<&str, String> = questions
            .iter()
            .filter_map(|q| {
                self.answers
                    .get(&q.id)
                    .map(|a| (q.id.as_str(), cut(a, 4_000)))
            })
            .collect();
        Ok(vec![
            (Column::LegalName, Expr::value(cut(&self.legal_name, 200))),
            (Column::Website, Expr::value(cut(&self.website, 500))),
            (
                Column::Country,
                Expr::value(cut(&self.country, 2).to_uppercase()),
            ),
            (
                Column::PartnerType,
                Expr::value(cut(&self.partner_type, 40)),
            ),
            (Column::Size, Expr::value(cut(&self.size, 40))),
            (Column::Services, Expr::value(cut(&self.services, 4_000))),
            (Column::Regions, Expr::value(cut(&self.regions, 1_000))),
            (
                Column::ExpectedBusiness,
                Expr::value(cut(&self.expected_business, 4_000)),
            ),
            (
                Column::ContactName,
                Expr::value(cut(&self.contact_name, 120)),
            ),
            (
                Column::ContactPhone,
                Expr::value(cut(&self.contact_phone, 40)),
            ),
            (Column::Answers, Expr::value(serde_json::to_value(answers)?)),
        ])
    }

    /// The columns as meant, and the website's registrable domain.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] by field.
    pub(super) fn checked(
        &self,
        lists: &Lists,
        questions: &[question::Question],
    ) -> Result<(Vec<(Column, Expr)>, String)> {
        let mut errors = FieldErrors::new();
        errors.check(
            "legal_name",
            validate::required(&self.legal_name, "the company’s name as registered", 200),
        );
        let website = errors.check("website", validate::url(&self.website));
        let domain = website
            .as_deref()
            .and_then(|w| errors.check("website", lists.registrable(w)));
        errors.check("country", validate::country(&self.country));
        if self.partner_type.parse::<PartnerType>().is_err() {
            errors.add("partner_type", "Choose what kind of business you are.");
        }
        if self.size.parse::<CompanySize>().is_err() {
            errors.add("size", "Choose how many people work at your company.");
        }
        errors.check(
            "services",
            validate::required(&self.services, "what you do for your customers", 4_000),
        );
        errors.check("regions", validate::optional(&self.regions, 1_000));
        errors.check(
            "expected_business",
            validate::required(
                &self.expected_business,
                "what business you expect to bring",
                4_000,
            ),
        );
        errors.check(
            "contact_name",
            validate::required(&self.contact_name, "whom we may talk to", 120),
        );
        errors.check("contact_phone", validate::optional(&self.contact_phone, 40));
        question::check(questions, &self.answers, &mut errors);
        errors.finish()?;

        let meant = Self {
            website: website.unwrap_or_default(),
            ..self.clone()
        };
        let mut columns = meant.as_typed(questions)?;
        let domain = domain.unwrap_or_default();
        columns.push((Column::Domain, Expr::value(domain.clone())));
        Ok((columns, domain))
    }
}
