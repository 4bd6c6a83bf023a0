//! What Stripe's objects say about where a customer belongs, kept so that it counts whenever the rest
//! becomes known: of each object the newest word, whatever came first.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use entity::customer_claim::{Column, Entity, Model};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use super::change::{Change, News};
use super::reference::{self, Named, Secret};
use crate::bulk;
use crate::error::Result;

/// What says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    Metadata,
    Signed,
    Unsigned,
}

impl Source {
    fn word(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Signed => "signed",
            Self::Unsigned => "unsigned",
        }
    }

    pub(super) fn of(row: &Model) -> Self {
        match row.source.as_str() {
            "metadata" => Self::Metadata,
            "signed" => Self::Signed,
            _ => Self::Unsigned,
        }
    }
}

/// One object's word, as it was just told.
#[derive(Clone, Debug)]
pub(super) struct Told {
    object: String,
    source: Source,
    /// None where the object says nothing any more.
    named: Option<Named>,
    at: DateTime<Utc>,
}

/// What a claim names.
pub(super) fn named(row: &Model) -> Option<Named> {
    let deal = row.deal_id.map(Named::Deal);
    deal.or(row.account_id.map(Named::Account))
}

/// What news say, by Stripe's id of the customer.
pub(super) fn told(news: &[&News], secret: Option<&Secret>) -> BTreeMap<String, Vec<Told>> {
    let mut all: BTreeMap<String, Vec<Told>> = BTreeMap::new();
    let mut say = |customer: &str, object: &str, source, named, at| {
        all.entry(customer.to_owned()).or_default().push(Told {
            object: object.to_owned(),
            source,
            named,
            at,
        });
    };
    for n in news {
        match &n.change {
            Change::Customer(c) => {
                say(
                    &c.id,
                    &c.id,
                    Source::Metadata,
                    in_metadata(&c.metadata),
                    n.at,
                );
            }
            Change::Subscription(s) => {
                say(
                    &s.customer,
                    &s.id,
                    Source::Metadata,
                    in_metadata(&s.metadata),
                    n.at,
                );
            }
            Change::Invoice(i) => {
                let Some(customer) = &i.customer else {
                    continue;
                };
                say(
                    customer,
                    &i.id,
                    Source::Metadata,
                    in_metadata(&i.metadata),
                    n.at,
                );
                // What the subscription said when the invoice was made.
                if let (Some(id), Some(named)) =
                    (&i.subscription, in_metadata(&i.subscription_metadata))
                {
                    say(customer, id, Source::Metadata, Some(named), i.created);
                }
            }
            Change::Checkout(session) => {
                let customer = session.customer_key();
                say(
                    customer,
                    &session.id,
                    Source::Metadata,
                    in_metadata(&session.metadata),
                    n.at,
                );
                let read = session.reference.as_deref();
                if let Some(read) = read.and_then(|text| reference::read(text, secret)) {
                    let source = match read.signed {
                        true => Source::Signed,
                        false => Source::Unsigned,
                    };
                    say(customer, &session.id, source, Some(read.named), n.at);
                }
            }
            _ => {}
        }
    }
    all
}

/// `portico_deal` goes before `portico_account`.
fn in_metadata(metadata: &BTreeMap<String, String>) -> Option<Named> {
    let number = |key: &str| metadata.get(key)?.trim().parse::<i64>().ok();
    let deal = number("portico_deal").map(Named::Deal);
    deal.or_else(|| number("portico_account").map(Named::Account))
}

/// Keeps what was told of these customers (by `customer.id`), and returns all that is known of them.
pub(super) async fn keep(
    tx: &impl ConnectionTrait,
    told: &BTreeMap<i64, Vec<Told>>,
) -> Result<HashMap<i64, Vec<Model>>> {
    let mut known: BTreeMap<(i64, String, &str), Model> = BTreeMap::new();
    for row in Entity::find()
        .filter(Column::CustomerId.is_in(told.keys().copied()))
        .order_by_asc(Column::Id)
        .all(tx)
        .await?
    {
        let word = Source::of(&row).word();
        known.insert((row.customer_id, row.object.clone(), word), row);
    }
    let mut changed = BTreeSet::new();
    for (customer, claims) in told {
        for claim in claims {
            let key = (*customer, claim.object.clone(), claim.source.word());
            let row = claim.row(*customer);
            match known.get(&key) {
                // Nothing was said before either.
                None if claim.named.is_none() => continue,
                Some(before) if !newer(&row, before) => continue,
                _ => {}
            }
            changed.insert(key.clone());
            known.insert(key, row);
        }
    }
    let rows: Vec<Model> = changed
        .into_iter()
        .filter_map(|key| known.get(&key).cloned())
        .collect();
    write(tx, rows).await?;
    let mut all: HashMap<i64, Vec<Model>> = HashMap::new();
    for ((customer, ..), row) in known {
        all.entry(customer).or_default().push(row);
    }
    Ok(all)
}

/// Whether a word takes the place of another; of two in one second the larger number, so that it is
/// the same in any order.
fn newer(row: &Model, before: &Model) -> bool {
    let key = |m: &Model| (m.told_at, m.deal_id, m.account_id);
    key(row) > key(before)
}

async fn write(tx: &impl ConnectionTrait, mut rows: Vec<Model>) -> Result<()> {
    let ids = bulk::reserve::<Entity>(tx, rows.len()).await?;
    for (row, id) in rows.iter_mut().zip(ids) {
        row.id = id;
    }
    bulk::insert_with::<Entity>(
        tx,
        &rows,
        " ON CONFLICT (customer_id, object, source) DO UPDATE SET deal_id = excluded.deal_id, \
         account_id = excluded.account_id, told_at = excluded.told_at",
    )
    .await?;
    Ok(())
}

impl Told {
    fn row(&self, customer_id: i64) -> Model {
        let (deal_id, account_id) = match self.named {
            Some(Named::Deal(id)) => (Some(id), None),
            Some(Named::Account(id)) => (None, Some(id)),
            None => (None, None),
        };
        Model {
            id: 0,
            customer_id,
            object: self.object.clone(),
            source: self.source.word().to_owned(),
            deal_id,
            account_id,
            told_at: self.at,
        }
    }

    /// Whether it names anything.
    pub(super) fn names(&self) -> bool {
        self.named.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deal_goes_before_an_account() {
        let metadata = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect()
        };
        let both = metadata(&[("portico_account", "3"), ("portico_deal", "4")]);
        assert_eq!(in_metadata(&both), Some(Named::Deal(4)));
        let account = metadata(&[("portico_account", "3"), ("portico_deal", "four")]);
        assert_eq!(in_metadata(&account), Some(Named::Account(3)));
        assert_eq!(in_metadata(&metadata(&[("portico_deal", "four")])), None);
    }
}
