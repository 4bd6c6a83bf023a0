//! Which account a Stripe customer belongs to.
//!
//! It follows from everything that was ever said about the customer (`domain::attribution::belongs`),
//! so the order of news does not decide it, and it is decided anew with each piece of news until
//! something was earned. What a person has decided stays. What cannot be decided is a question, with
//! every hint, and goes to a person.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::attribution::{Belongs, Hints, MatchedBy, belongs};
use entity::{account_domain, customer, customer_claim, deal, invoice};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use stripe_gateway::billing::Customer;

use super::by_customer::of_customers;
use super::change::{Change, News};
use super::claims::{self, Source, Told};
use super::question::{self, Question};
use super::reference::{Named, Secret};
use super::unit::{Note, Unit};
use crate::error::Result;
use crate::lists;

/// The customers, by `customer.id`, whose invoices have to be looked at again.
#[derive(Default)]
pub(super) struct Again {
    /// Those that belong elsewhere by now: what has earned nothing.
    pub(super) moved: Vec<i64>,
    /// Those of whom it is asked whose they are, or not any more: what has earned as well.
    pub(super) asked: Vec<i64>,
}

/// Brings the customers of the news up to date and matches those that can be matched.
pub(super) async fn match_customers(
    tx: &impl ConnectionTrait,
    unit: &mut Unit,
    news: &[&News],
) -> Result<Again> {
    let told = hear(tx, unit, news).await?;
    if told.is_empty() {
        return Ok(Again::default());
    }
    let claims = claims::keep(tx, &told).await?;
    let mut said = Vec::new();
    let keys: Vec<(i64, String)> = told
        .keys()
        .filter_map(|id| Some((*id, unit.customer_keys.get(id)?.clone())))
        .collect();
    let lists = lists::current(tx).await?;
    for (id, stripe_id) in keys {
        let Some(row) = unit.customers.get(&stripe_id) else {
            continue;
        };
        // Before the customer's own object is known, the vendor's word may still be said.
        let seen = row.updated_at.is_some();
        let at = Some(&row.email).filter(|email| seen && !email.is_empty());
        said.push(Said {
            stripe_id,
            seen,
            email: row.email.clone(),
            domain: at.and_then(|email| lists.company(email).ok()),
            claims: claims.get(&id).cloned().unwrap_or_default(),
        });
    }
    let places = Places::load(tx, &said).await?;
    let decided: Vec<(Said, Belongs)> = said
        .into_iter()
        .map(|said| {
            let belongs = places.decide(&said);
            (said, belongs)
        })
        .collect();
    let earned = earned(tx, unit, &decided).await?;
    let words = question::Words::load(tx, &places, &decided, &earned).await?;
    Ok(settle(unit, decided, &earned, &words))
}

/// Everything that is known of where one customer belongs.
pub(super) struct Said {
    pub(super) stripe_id: String,
    /// Whether Stripe's own object was read.
    seen: bool,
    pub(super) email: String,
    /// The registrable domain of the address, where it is a company's own.
    pub(super) domain: Option<String>,
    pub(super) claims: Vec<customer_claim::Model>,
}

/// Takes the news in, and says what they claim of those customers that are not a person's decision
/// and of whom something may have changed.
async fn hear(
    tx: &impl ConnectionTrait,
    unit: &mut Unit,
    news: &[&News],
) -> Result<BTreeMap<i64, Vec<Told>>> {
    let mut changed: BTreeSet<&str> = BTreeSet::new();
    let mut references = false;
    for n in news {
        match &n.change {
            Change::Customer(c) => {
                update(unit, n, c);
                changed.insert(&c.id);
            }
            Change::Subscription(s) => {
                changed.insert(&s.customer);
            }
            Change::Checkout(session) => {
                references |= session.reference.is_some();
                if let Some(guest) = session.guest() {
                    update(unit, n, &guest);
                }
            }
            _ => {}
        }
    }
    let secret = match references {
        true => Secret::kept(tx).await?,
        false => None,
    };
    let told = claims::told(news, secret.as_ref());
    Ok(told
        .into_iter()
        .filter_map(|(stripe_id, claims)| {
            let row = unit.customers.get(&stripe_id)?;
            let by: Option<MatchedBy> = row.matched_by.as_deref().and_then(|by| by.parse().ok());
            let open = row.account_id.is_none()
                || changed.contains(stripe_id.as_str())
                || claims.iter().any(Told::names);
            let persons = by.is_some_and(MatchedBy::is_a_persons);
            (open && !persons).then(|| (row.id, claims))
        })
        .collect())
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

/// The accounts that deals, ids and domains stand for.
pub(super) struct Places {
    /// Deals with account and partner.
    pub(super) deals: HashMap<i64, (i64, i64)>,
    accounts: BTreeSet<i64>,
    domains: HashMap<String, i64>,
}

impl Places {
    async fn load(tx: &impl ConnectionTrait, said: &[Said]) -> Result<Self> {
        let mut deals = BTreeSet::new();
        let mut accounts = BTreeSet::new();
        for claim in said.iter().flat_map(|s| &s.claims) {
            deals.extend(claim.deal_id);
            accounts.extend(claim.account_id);
        }
        let domains: BTreeSet<&String> = said.iter().filter_map(|s| s.domain.as_ref()).collect();
        let mut places = Self {
            deals: HashMap::new(),
            accounts: BTreeSet::new(),
            domains: HashMap::new(),
        };
        if !deals.is_empty() {
            let rows: Vec<(i64, Option<i64>, i64)> = deal::Entity::find()
                .select_only()
                .column(deal::Column::Id)
                .column(deal::Column::AccountId)
                .column(deal::Column::PartnerId)
                .filter(deal::Column::Id.is_in(deals))
                .into_tuple()
                .all(tx)
                .await?;
            let rows = rows.into_iter();
            places.deals = rows
                .filter_map(|(id, account, partner)| Some((id, (account?, partner))))
                .collect();
        }
        if !accounts.is_empty() {
            let rows: Vec<i64> = entity::account::Entity::find()
                .select_only()
                .column(entity::account::Column::Id)
                .filter(entity::account::Column::Id.is_in(accounts))
                .into_tuple()
                .all(tx)
                .await?;
            places.accounts = rows.into_iter().collect();
        }
        if !domains.is_empty() {
            let rows = account_domain::Entity::find()
                .filter(account_domain::Column::Id.is_in(domains.into_iter().cloned()))
                .all(tx)
                .await?;
            places.domains = rows.into_iter().map(|d| (d.id, d.account_id)).collect();
        }
        Ok(places)
    }

    /// The account of a name, if there is one.
    pub(super) fn of(&self, named: Named) -> Option<i64> {
        match named {
            Named::Deal(id) => self.deals.get(&id).map(|(account, _)| *account),
            Named::Account(id) => self.accounts.get(&id).copied(),
        }
    }

    /// The account that has a domain.
    pub(super) fn of_domain(&self, domain: Option<&String>) -> Option<i64> {
        self.domains.get(domain?).copied()
    }

    fn decide(&self, said: &Said) -> Belongs {
        let mut hints = Hints {
            domain: self.of_domain(said.domain.as_ref()),
            ..Hints::default()
        };
        for claim in &said.claims {
            let Some(account) = claims::named(claim).and_then(|named| self.of(named)) else {
                continue;
            };
            match Source::of(claim) {
                Source::Metadata if claim.object == said.stripe_id => {
                    hints.own_metadata = Some(account);
                }
                Source::Metadata => {
                    hints.metadata.insert(account);
                }
                // Whether they contradict the domain is not known before the address is.
                Source::Signed if said.seen => {
                    hints.signed.insert(account);
                }
                Source::Unsigned if said.seen => {
                    hints.unsigned.insert(account);
                }
                _ => {}
            }
        }
        belongs(&hints)
    }
}

/// Those of the customers that belong to another account by now although their invoices have earned.
async fn earned(
    tx: &impl ConnectionTrait,
    unit: &Unit,
    decided: &[(Said, Belongs)],
) -> Result<BTreeSet<i64>> {
    let moved: Vec<i64> = decided
        .iter()
        .filter_map(|(said, belongs)| {
            let row = unit.customers.get(&said.stripe_id)?;
            let account = row.account_id?;
            let stays = match belongs {
                Belongs::To(to, _) => *to == account,
                Belongs::Nowhere => true,
                Belongs::Ask => false,
            };
            (!stays).then_some(row.id)
        })
        .collect();
    if moved.is_empty() {
        return Ok(BTreeSet::new());
    }
    let rows: Vec<i64> = invoice::Entity::find()
        .select_only()
        .column(invoice::Column::CustomerId)
        .distinct()
        .filter(of_customers(moved))
        .filter(invoice::Column::Outcome.eq("earned"))
        .into_tuple()
        .all(tx)
        .await?;
    Ok(rows.into_iter().collect())
}

fn settle(
    unit: &mut Unit,
    decided: Vec<(Said, Belongs)>,
    earned: &BTreeSet<i64>,
    words: &question::Words,
) -> Again {
    let mut again = Again::default();
    for (said, belongs) in decided {
        let Some(row) = unit.customers.get_mut(&said.stripe_id) else {
            continue;
        };
        let by: Option<MatchedBy> = row.matched_by.as_deref().and_then(|by| by.parse().ok());
        if weaker(&said, belongs, by) {
            continue;
        }
        let fixed = earned.contains(&row.id);
        let asked = (belongs == Belongs::Ask || fixed).then(|| words.sentence(&said, fixed));
        let moves = match belongs {
            Belongs::Nowhere => None,
            _ if fixed => None,
            Belongs::To(account, by) => Some((Some(account), Some(by))),
            Belongs::Ask => Some((None, None)),
        };
        let before = (row.account_id, row.question.clone());
        if let Some((account, by)) = moves {
            row.account_id = account;
            row.matched_by = by.map(|by| by.as_str().to_owned());
            row.match_reason = by.map(|by| reason(by, said.domain.as_deref()));
        }
        if belongs != Belongs::Nowhere {
            row.question.clone_from(&asked);
        }
        if (row.account_id, row.question.clone()) == before {
            continue;
        }
        again.moved.push(row.id);
        if row.question.is_some() != before.1.is_some() {
            again.asked.push(row.id);
        }
        note(unit, &said.stripe_id, before);
    }
    again
}

/// Whether it is only a weaker word than the one the customer was matched by, as where that was
/// matched before words were kept.
fn weaker(said: &Said, belongs: Belongs, by: Option<MatchedBy>) -> bool {
    let vendors = said
        .claims
        .iter()
        .any(|c| Source::of(c) == Source::Metadata);
    match (belongs, by) {
        (Belongs::To(_, MatchedBy::Domain), Some(by)) => by != MatchedBy::Domain,
        (Belongs::To(_, MatchedBy::ClientReference) | Belongs::Ask, Some(MatchedBy::Metadata)) => {
            !vendors
        }
        _ => false,
    }
}

fn reason(by: MatchedBy, domain: Option<&str>) -> String {
    match (by, domain) {
        (MatchedBy::Domain, Some(domain)) => format!("The e-mail address is at {domain}."),
        (MatchedBy::Metadata, _) => "Named in the metadata at Stripe.".to_owned(),
        _ => "Named by the checkout’s signed reference.".to_owned(),
    }
}

/// What became of a customer, for its timeline, and the question that somebody has to be told of.
fn note(unit: &mut Unit, stripe_id: &str, before: (Option<i64>, Option<String>)) {
    let Some(row) = unit.customers.get(stripe_id) else {
        return;
    };
    let row: &customer::Model = row;
    let (action, summary) = match (&row.question, row.account_id, &row.match_reason) {
        (Some(question), ..) => ("customer.asked", question.clone()),
        (None, Some(_), reason) => {
            let reason = reason.as_deref().unwrap_or_default();
            let words = format!("Customer {stripe_id} matched to its account. {reason}");
            ("customer.matched", words)
        }
        (None, None, _) => (
            "customer.unmatched",
            format!("Customer {stripe_id} belongs to no account."),
        ),
    };
    if let Some(sentence) = &row.question
        && before.1.as_ref() != Some(sentence)
    {
        unit.effects.questions.push(Question {
            stripe_id: stripe_id.to_owned(),
            sentence: sentence.clone(),
        });
    }
    let note = Note {
        action,
        subject_type: "customer",
        subject_id: row.id,
        partner_id: None,
        internal: true,
        summary,
        detail: serde_json::json!({
            "before": before.0, "account_id": row.account_id, "by": row.matched_by,
        }),
    };
    unit.effects.notes.push(note);
}
