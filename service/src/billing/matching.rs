//! Which account a Stripe customer belongs to.
//!
//! In this order: the vendor's metadata (`portico_deal`, `portico_account`), a link that somebody
//! made beforehand, a checkout's client reference, the domain of the e-mail address. What is left is
//! matched by hand, with a reason.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::application::{MailHint, mail_hint};
use domain::registrable::registrable_domain;
use entity::{account, account_domain, deal};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use stripe_gateway::billing::Customer;

use super::change::{Change, News};
use super::unit::{Note, Unit};
use crate::error::Result;

/// What the news say about where a customer belongs.
#[derive(Debug, Default)]
struct Hints {
    /// From metadata: weaker ones are not looked at when there is one.
    metadata: Vec<Named>,
    reference: Option<Named>,
    email: Option<String>,
}

/// What the vendor named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Deal(i64),
    Account(i64),
}

/// Brings the customers of the news up to date and matches those that can be matched; returns the
/// ids of those that had no account before.
pub(super) async fn match_customers(
    tx: &impl ConnectionTrait,
    unit: &mut Unit,
    news: &[&News],
) -> Result<Vec<i64>> {
    let mut hints: BTreeMap<String, Hints> = BTreeMap::new();
    for n in news {
        match &n.change {
            Change::Customer(c) => {
                update(unit, n, c);
                hints
                    .entry(c.id.clone())
                    .or_default()
                    .metadata
                    .extend(named(&c.metadata));
            }
            Change::Subscription(s) => {
                hints
                    .entry(s.customer.clone())
                    .or_default()
                    .metadata
                    .extend(named(&s.metadata));
            }
            Change::Invoice(i) => {
                if let Some(customer) = &i.customer {
                    let hint = hints.entry(customer.clone()).or_default();
                    hint.metadata.extend(named(&i.metadata));
                    hint.metadata.extend(named(&i.subscription_metadata));
                }
            }
            Change::Checkout(session) => {
                if let Some(guest) = session.guest() {
                    update(unit, n, &guest);
                }
                let key = session.customer_key().to_owned();
                let hint = hints.entry(key).or_default();
                hint.metadata.extend(named(&session.metadata));
                let reference = session.reference.as_deref().and_then(read_reference);
                hint.reference = reference.or(hint.reference);
            }
            _ => {}
        }
    }
    // Those that belong somewhere already stay there.
    hints.retain(|id, _| {
        unit.customers
            .get(id)
            .is_some_and(|c| c.account_id.is_none())
    });
    for (id, hint) in &mut hints {
        // Before the customer's own object is known, its metadata may still say something better.
        hint.email = unit
            .customers
            .get(id)
            .filter(|c| c.updated_at.is_some() && !c.email.is_empty())
            .filter(|c| mail_hint(&c.email, None) != Some(MailHint::FreeMail))
            .and_then(|c| registrable_domain(&c.email).ok());
    }
    if hints.is_empty() {
        return Ok(Vec::new());
    }
    let places = Places::load(tx, &hints).await?;
    Ok(settle(unit, hints, &places))
}

/// Writes down what Stripe says of a customer, unless something newer is known.
fn update(unit: &mut Unit, news: &News, said: &Customer) {
    let Some(row) = unit.customers.get_mut(&said.id) else {
        return;
    };
    if row.updated_at.is_some_and(|known| known > news.at) {
        return;
    }
    row.updated_at = Some(news.at);
    if said.deleted {
        return;
    }
    row.name = said.name.clone().unwrap_or_default();
    row.email = said
        .email
        .as_deref()
        .unwrap_or_default()
        .trim()
        .to_lowercase();
    row.country = said.country.as_ref().map(|c| c.to_ascii_uppercase());
}

fn named(metadata: &BTreeMap<String, String>) -> Vec<Named> {
    let number = |key: &str| metadata.get(key)?.trim().parse::<i64>().ok();
    let deal = number("portico_deal").map(Named::Deal);
    deal.into_iter()
        .chain(number("portico_account").map(Named::Account))
        .collect()
}

/// `portico_deal_12`, `portico_account_7`.
fn read_reference(text: &str) -> Option<Named> {
    let text = text.trim();
    if let Some(id) = text.strip_prefix("portico_deal_") {
        return id.parse().ok().map(Named::Deal);
    }
    text.strip_prefix("portico_account_")?
        .parse()
        .ok()
        .map(Named::Account)
}

/// The accounts that deals, ids and domains stand for.
struct Places {
    deals: HashMap<i64, i64>,
    accounts: BTreeSet<i64>,
    domains: HashMap<String, i64>,
}

impl Places {
    async fn load(tx: &impl ConnectionTrait, hints: &BTreeMap<String, Hints>) -> Result<Self> {
        let mut deals = BTreeSet::new();
        let mut accounts = BTreeSet::new();
        let mut domains = BTreeSet::new();
        for hint in hints.values() {
            for named in hint.metadata.iter().chain(&hint.reference) {
                match named {
                    Named::Deal(id) => deals.insert(*id),
                    Named::Account(id) => accounts.insert(*id),
                };
            }
            domains.extend(hint.email.clone());
        }
        let mut places = Self {
            deals: HashMap::new(),
            accounts: BTreeSet::new(),
            domains: HashMap::new(),
        };
        if !deals.is_empty() {
            let rows: Vec<(i64, Option<i64>)> = deal::Entity::find()
                .select_only()
                .column(deal::Column::Id)
                .column(deal::Column::AccountId)
                .filter(deal::Column::Id.is_in(deals))
                .into_tuple()
                .all(tx)
                .await?;
            places.deals = rows
                .into_iter()
                .filter_map(|(id, a)| Some((id, a?)))
                .collect();
        }
        if !accounts.is_empty() {
            let rows: Vec<i64> = account::Entity::find()
                .select_only()
                .column(account::Column::Id)
                .filter(account::Column::Id.is_in(accounts))
                .into_tuple()
                .all(tx)
                .await?;
            places.accounts = rows.into_iter().collect();
        }
        if !domains.is_empty() {
            let rows = account_domain::Entity::find()
                .filter(account_domain::Column::Id.is_in(domains))
                .all(tx)
                .await?;
            places.domains = rows.into_iter().map(|d| (d.id, d.account_id)).collect();
        }
        Ok(places)
    }

    fn of(&self, named: Named) -> Option<i64> {
        match named {
            Named::Deal(id) => self.deals.get(&id).copied(),
            Named::Account(id) => self.accounts.get(&id).copied(),
        }
    }
}

fn settle(unit: &mut Unit, hints: BTreeMap<String, Hints>, places: &Places) -> Vec<i64> {
    let mut matched = Vec::new();
    for (stripe_id, hint) in hints {
        let by_metadata = hint
            .metadata
            .iter()
            .find_map(|n| places.of(*n))
            .map(|a| (a, "metadata"));
        let by_reference = || Some((places.of(hint.reference?)?, "client_reference"));
        let by_domain = || Some((*places.domains.get(hint.email.as_ref()?)?, "domain"));
        let Some((account_id, by)) = by_metadata.or_else(by_reference).or_else(by_domain) else {
            continue;
        };
        let reason = match (by, &hint.email) {
            ("domain", Some(domain)) => format!("The e-mail address is at {domain}."),
            ("metadata", _) => "Named in the metadata at Stripe.".to_owned(),
            _ => "Named by the checkout’s client reference.".to_owned(),
        };
        let Some(row) = unit.customers.get_mut(&stripe_id) else {
            continue;
        };
        row.account_id = Some(account_id);
        row.matched_by = Some(by.to_owned());
        row.match_reason = Some(reason.clone());
        matched.push(row.id);
        let note = Note {
            action: "customer.matched",
            subject_type: "customer",
            subject_id: row.id,
            partner_id: None,
            internal: true,
            summary: format!("Customer {stripe_id} matched to its account. {reason}"),
            detail: serde_json::json!({ "account_id": account_id, "by": by }),
        };
        unit.effects.notes.push(note);
    }
    matched
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read() {
        assert_eq!(read_reference("portico_deal_12"), Some(Named::Deal(12)));
        assert_eq!(
            read_reference(" portico_account_7 "),
            Some(Named::Account(7))
        );
        for bad in ["", "12", "portico_deal_", "portico_deal_x", "deal_12"] {
            assert_eq!(read_reference(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_deal_goes_before_an_account() {
        let metadata = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect()
        };
        let both = metadata(&[("portico_account", "3"), ("portico_deal", "4")]);
        assert_eq!(named(&both), [Named::Deal(4), Named::Account(3)]);
        assert_eq!(named(&metadata(&[("portico_deal", "four")])), []);
    }
}
