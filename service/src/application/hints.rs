//! What a reviewer should know before deciding. Hints for a person, never a decision.

use domain::application::{ApplicationStatus as A, MailHint};
use entity::application::{Column, Entity, Model};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::status;
use crate::error::{Error, Result};
use crate::lists;

/// How much a hint weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HintLevel {
    /// Good to know.
    Info,
    /// Look before deciding.
    Warn,
    /// Speaks against approving.
    Bad,
}

/// One hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// How much it weighs.
    pub level: HintLevel,
    /// What was found, a sentence.
    pub text: String,
    /// The record it is about, a path in the portal.
    pub link: Option<String>,
}

impl Hint {
    fn new(level: HintLevel, text: impl Into<String>, link: Option<String>) -> Self {
        Self {
            level,
            text: text.into(),
            link,
        }
    }
}

/// Everything that was found, the weightiest first.
pub(super) async fn find(
    db: &impl ConnectionTrait,
    application: &Model,
    email: &str,
    policy: &entity::policy_version::Model,
) -> Result<Vec<Hint>> {
    let mut hints = Vec::new();
    let lists = lists::current(db).await?;
    let shared = lists.kind(&application.domain);
    if let Some(kind) = shared {
        let words = format!(
            "{} is no domain of its own: {}.",
            application.domain,
            kind.label().to_lowercase()
        );
        hints.push(Hint::new(HintLevel::Warn, words, None));
    } else if !application.domain.is_empty() {
        same_domain(db, application, &mut hints).await?;
    }
    let company = (!application.domain.is_empty()).then_some(application.domain.as_str());
    match lists.mail_hint(email, company) {
        Some(MailHint::Disposable) => hints.push(Hint::new(
            HintLevel::Bad,
            format!("The address {email} is from a service for throw-away addresses."),
            None,
        )),
        Some(MailHint::FreeMail) => hints.push(Hint::new(
            HintLevel::Warn,
            format!("The address {email} is a free mailbox: it does not show that the applicant works at {}.", application.legal_name),
            None,
        )),
        Some(MailHint::OtherDomain) => hints.push(Hint::new(
            HintLevel::Info,
            format!("The address {email} is not at {}.", application.domain),
            None,
        )),
        None => {}
    }
    let allowed: Vec<String> =
        serde_json::from_value(policy.countries.clone()).map_err(Error::from)?;
    if !allowed.is_empty() && !allowed.contains(&application.country) {
        let name = domain::validate::country_name(&application.country).unwrap_or("This country");
        hints.push(Hint::new(
            HintLevel::Bad,
            format!(
                "{name} is not among the countries of the program’s policy {}.",
                policy.version
            ),
            None,
        ));
    }
    if let Some(said) = crate::payout::country::beforehand(&application.country) {
        hints.push(Hint::new(HintLevel::Warn, said, None));
    }
    hints.sort_by_key(|h| std::cmp::Reverse(h.level));
    Ok(hints)
}

/// Who else is known under the same registrable domain.
async fn same_domain(
    db: &impl ConnectionTrait,
    application: &Model,
    hints: &mut Vec<Hint>,
) -> Result<()> {
    let domain = &application.domain;
    let partners = entity::partner::Entity::find()
        .filter(entity::partner::Column::Domain.eq(domain))
        .all(db)
        .await?;
    for partner in partners
        .iter()
        .filter(|p| Some(p.id) != application.partner_id)
    {
        hints.push(Hint::new(
            HintLevel::Bad,
            format!(
                "{domain} belongs to the partner {} ({}).",
                partner.name, partner.status
            ),
            Some(format!("/manager/partners/{}", partner.id)),
        ));
    }
    let others = Entity::find()
        .filter(Column::Domain.eq(domain))
        .filter(Column::Id.ne(application.id))
        .filter(Column::SubmittedAt.is_not_null())
        .order_by_desc(Column::Id)
        .limit(5)
        .all(db)
        .await?;
    for other in others {
        let state = status(&other)?;
        let level = match state {
            A::Rejected => HintLevel::Warn,
            _ if state.is_open() => HintLevel::Warn,
            _ => HintLevel::Info,
        };
        hints.push(Hint::new(
            level,
            format!(
                "{} also applied for {domain}: {}.",
                other.contact_name,
                state.label().to_lowercase()
            ),
            Some(format!("/manager/applications/{}", other.id)),
        ));
    }
    let account = entity::account_domain::Entity::find_by_id(domain.clone())
        .one(db)
        .await?;
    if let Some(account_domain) = account
        && let Some(account) = entity::account::Entity::find_by_id(account_domain.account_id)
            .one(db)
            .await?
    {
        let link = Some(format!("/manager/accounts/{}", account.id));
        let customer = entity::customer::Entity::find()
            .filter(entity::customer::Column::AccountId.eq(account.id))
            .limit(1)
            .one(db)
            .await?;
        let text = if customer.is_some() {
            format!("{domain} is a customer: {}.", account.name)
        } else if account.house {
            format!("{domain} is a house account: {}.", account.name)
        } else {
            format!("{domain} is known as the account {}.", account.name)
        };
        hints.push(Hint::new(HintLevel::Warn, text, link));
    }
    Ok(())
}
