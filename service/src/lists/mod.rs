//! Which domains stand for one company: the lists that came with this version or a newer one that an
//! operator has loaded, and what administrators have decided about single domains.
//!
//! Whoever keys an account, registers a company or matches a customer asks [`current`].

mod edit;
mod update;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use domain::lists::{ListKind, Lists, Names, SHIPPED, parse_names};
use domain::registrable::Suffixes;
use entity::{domain_decision, domain_list};
use sea_orm::{ConnectionTrait, EntityTrait, QuerySelect};

use crate::error::{Error, Result};

pub use edit::{Decision, DecisionForm, decide, decisions, looked_up, withdraw};
pub use update::{Updated, kinds, load, shown};

/// A list that was read.
#[derive(Clone)]
enum Part {
    Suffixes(Arc<Suffixes>),
    Names(Arc<Names>),
}

/// Lists that were loaded, by kind and content: reading one takes a moment, and it is the same in
/// every database.
static READ: Mutex<BTreeMap<(String, String), Part>> = Mutex::new(BTreeMap::new());

/// What holds now.
///
/// # Errors
/// When the database cannot be read, or what it keeps is no list.
pub(crate) async fn current(db: &impl ConnectionTrait) -> Result<Lists> {
    let mut lists = Lists::shipped().clone();
    let loaded: Vec<(String, String)> = domain_list::Entity::find()
        .select_only()
        .column(domain_list::Column::Id)
        .column(domain_list::Column::Sha256)
        .into_tuple()
        .all(db)
        .await?;
    for (kind, sha256) in loaded {
        let part = match known(&kind, &sha256) {
            Some(part) => part,
            None => {
                let Some(row) = domain_list::Entity::find_by_id(kind.clone())
                    .one(db)
                    .await?
                else {
                    continue;
                };
                let part = read(&kind, &row.content).map_err(Error::internal)?;
                remember(&kind, &row.sha256, &part);
                part
            }
        };
        put(&mut lists, &kind, part);
    }
    for row in domain_decision::Entity::find().all(db).await? {
        let kind = row.kind.as_deref().map(str::parse).transpose();
        lists.decided.insert(row.id, kind.map_err(Error::internal)?);
    }
    Ok(lists)
}

fn known(kind: &str, sha256: &str) -> Option<Part> {
    let read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    read.get(&(kind.to_owned(), sha256.to_owned())).cloned()
}

fn remember(kind: &str, sha256: &str, part: &Part) {
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    // Those of before are of no use to anybody.
    read.retain(|(of, _), _| of != kind);
    read.insert((kind.to_owned(), sha256.to_owned()), part.clone());
}

/// Reads a list of a kind.
fn read(kind: &str, text: &str) -> std::result::Result<Part, String> {
    Ok(match kind {
        "public_suffix" => Part::Suffixes(Arc::new(Suffixes::parse(text)?)),
        _ => Part::Names(Arc::new(parse_names(text)?)),
    })
}

impl Part {
    fn len(&self) -> usize {
        match self {
            Self::Suffixes(suffixes) => suffixes.len(),
            Self::Names(names) => names.len(),
        }
    }
}

fn put(lists: &mut Lists, kind: &str, part: Part) {
    match part {
        Part::Suffixes(suffixes) => lists.suffixes = suffixes,
        Part::Names(names) => match kind.parse::<ListKind>() {
            Ok(ListKind::Mailbox) => lists.mailboxes = names,
            Ok(ListKind::Disposable) => lists.disposable = names,
            Ok(ListKind::SharedHost) => lists.shared_hosts = names,
            Err(_) => {}
        },
    }
}

/// One of the lists, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// `mailbox`, `disposable`, `shared_host` or `public_suffix`.
    pub kind: String,
    /// How many entries it has.
    pub entries: usize,
    /// Where it came from; none is “with this version”.
    pub source: Option<String>,
    /// When it was loaded; none is “with this version”.
    pub loaded_at: Option<DateTime<Utc>>,
}

/// All lists that hold now.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor.
pub async fn all(ctx: &crate::Context) -> Result<Vec<List>> {
    ctx.any_staff()?;
    of(ctx.reader()).await
}

/// The same for the command line.
async fn of(db: &impl ConnectionTrait) -> Result<Vec<List>> {
    let lists = current(db).await?;
    let mut loaded: HashMap<String, (String, DateTime<Utc>)> = domain_list::Entity::find()
        .select_only()
        .column(domain_list::Column::Id)
        .column(domain_list::Column::Source)
        .column(domain_list::Column::LoadedAt)
        .into_tuple::<(String, String, DateTime<Utc>)>()
        .all(db)
        .await?
        .into_iter()
        .map(|(kind, source, at)| (kind, (source, at)))
        .collect();
    Ok(SHIPPED
        .iter()
        .map(|(kind, _)| {
            let (source, loaded_at) = loaded.remove(*kind).unzip();
            List {
                kind: (*kind).to_owned(),
                entries: entries(&lists, kind),
                source,
                loaded_at,
            }
        })
        .collect())
}

fn entries(lists: &Lists, kind: &str) -> usize {
    match kind.parse::<ListKind>() {
        Ok(ListKind::Mailbox) => lists.mailboxes.len(),
        Ok(ListKind::Disposable) => lists.disposable.len(),
        Ok(ListKind::SharedHost) => lists.shared_hosts.len(),
        Err(_) => lists.suffixes.len(),
    }
}
