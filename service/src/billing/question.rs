//! What a person has to decide about a customer, with every hint in one sentence.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::attribution::Belongs;
use domain::partner::StaffRole;
use domain::registrable::readable;
use entity::{account, partner};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use super::claims::{self, Source};
use super::matching::{Places, Said};
use super::reference::Named;
use crate::context::Context;
use crate::error::Result;
use crate::mail::Letter;
use crate::notice::tell_staff;

/// Who knows the customers and decides whose they are.
const MANAGERS: &[StaffRole] = &[StaffRole::Manager, StaffRole::Admin];

/// One that has just come up.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// `cus_…`.
    pub(crate) stripe_id: String,
    pub(crate) sentence: String,
}

impl Question {
    /// Tells those who can answer it.
    pub(super) async fn tell(&self, ctx: &Context, tx: &impl ConnectionTrait) -> Result<()> {
        let letter = Letter::new(format!("Whose customer is {}?", self.stripe_id))
            .text(self.sentence.as_str());
        let path = format!("/finance/invoices?q={}", self.stripe_id);
        tell_staff(ctx, tx, MANAGERS, letter, &path).await
    }
}

/// The names that questions speak of.
pub(super) struct Words {
    /// Deals with their partner's name.
    deals: BTreeMap<i64, String>,
    accounts: HashMap<i64, String>,
    /// The account of each domain.
    domains: HashMap<String, i64>,
}

impl Words {
    /// Reads the names for those customers whose matter is a question.
    pub(super) async fn load(
        tx: &impl ConnectionTrait,
        places: &Places,
        decided: &[(Said, Belongs)],
        earned: &BTreeSet<i64>,
    ) -> Result<Self> {
        let mut words = Self {
            deals: BTreeMap::new(),
            accounts: HashMap::new(),
            domains: HashMap::new(),
        };
        let asks = decided.iter().any(|(_, belongs)| *belongs == Belongs::Ask);
        if !asks && earned.is_empty() {
            return Ok(words);
        }
        let mut partners = BTreeMap::new();
        let mut accounts = BTreeSet::new();
        for (said, _) in decided {
            for claim in &said.claims {
                let Some(named) = claims::named(claim) else {
                    continue;
                };
                accounts.extend(places.of(named));
                if let Named::Deal(id) = named
                    && let Some((_, partner)) = places.deals.get(&id)
                {
                    partners.insert(id, *partner);
                }
            }
            if let (Some(domain), Some(account)) =
                (&said.domain, places.of_domain(said.domain.as_ref()))
            {
                accounts.insert(account);
                words.domains.insert(domain.clone(), account);
            }
        }
        let names: HashMap<i64, String> = partner::Entity::find()
            .select_only()
            .column(partner::Column::Id)
            .column(partner::Column::Name)
            .filter(partner::Column::Id.is_in(partners.values().copied()))
            .into_tuple::<(i64, String)>()
            .all(tx)
            .await?
            .into_iter()
            .collect();
        words.deals = partners
            .into_iter()
            .filter_map(|(deal, partner)| Some((deal, names.get(&partner)?.clone())))
            .collect();
        words.accounts = account::Entity::find()
            .select_only()
            .column(account::Column::Id)
            .column(account::Column::Name)
            .filter(account::Column::Id.is_in(accounts))
            .into_tuple::<(i64, String)>()
            .all(tx)
            .await?
            .into_iter()
            .collect();
        Ok(words)
    }

    /// Everything that is said of the customer, and what follows.
    pub(super) fn sentence(&self, said: &Said, earned: bool) -> String {
        let mut hints: BTreeSet<String> = BTreeSet::new();
        for claim in &said.claims {
            let Some(place) = claims::named(claim).and_then(|named| self.place(named)) else {
                continue;
            };
            hints.insert(match Source::of(claim) {
                Source::Metadata => format!("the metadata of {} says {place}", claim.object),
                Source::Signed => format!("the signed reference says {place}"),
                Source::Unsigned => format!("the reference, which a buyer can type, says {place}"),
            });
        }
        let mut hints: Vec<String> = hints.into_iter().collect();
        hints.push(self.of_mail(said));
        let next = match earned {
            true => {
                "Commission was booked before the two were known to differ: decide whose customer \
                 it is, and cancel those lines if they are wrong."
            }
            false => "Nobody is credited until somebody decides.",
        };
        let mut text = hints.join("; ");
        // The first letter of a sentence.
        if let Some(first) = text.get(..1).map(str::to_uppercase) {
            text.replace_range(..1, &first);
        }
        format!("{text}. {next}")
    }

    fn place(&self, named: Named) -> Option<String> {
        match named {
            Named::Deal(id) => Some(format!("deal {id} of {}", self.deals.get(&id)?)),
            Named::Account(id) => Some(format!("the account {}", self.accounts.get(&id)?)),
        }
    }

    fn of_mail(&self, said: &Said) -> String {
        let Some(domain) = &said.domain else {
            return match said.email.is_empty() {
                true => "there is no mail address".to_owned(),
                false => format!("the mail address {} says nothing of a company", said.email),
            };
        };
        let name = self
            .domains
            .get(domain)
            .and_then(|id| self.accounts.get(id));
        let domain = readable(domain);
        match name {
            Some(name) => format!("the mail domain {domain} says {name}"),
            None => format!("the mail domain {domain} belongs to no account"),
        }
    }
}
