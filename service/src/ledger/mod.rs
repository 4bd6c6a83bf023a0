//! The journal: append-only double entry, with each account's balance kept in step.
//!
//! [`post`] is the only way in. Transactions, postings and balances are written in the caller's
//! database transaction, so money moves together with the record that moves it or not at all.

mod audit;
mod journal;

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use domain::ledger::{AccountCode, Entry};
use domain::money::Currency;
use entity::{ledger_account, ledger_transaction, posting};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Value,
    sea_query::LockType,
};
use sha2::{Digest, Sha256};

use crate::bulk;
use crate::context::Context;
use crate::error::{Error, Result};

pub use audit::{Finding, Report, audit};
pub use journal::{
    AccountLine, JournalLine, JournalPage, JournalQuery, Leg, account_page, accounts, booked,
    journal,
};

/// What an entry belongs to, beside its legs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Links {
    /// A short word for the movement: `accrual`, `mature`, `payout_paid`.
    pub kind: &'static str,
    /// A sentence for finance.
    pub description: String,
    /// `commission.id`.
    pub commission_id: Option<i64>,
    /// `payout.id`.
    pub payout_id: Option<i64>,
    /// When the business event happened; it may be earlier than the booking.
    pub effective_at: DateTime<Utc>,
}

/// What [`post`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// Booked now.
    New,
    /// The same entry was booked before; nothing was done.
    Repeated,
}

/// Books one entry. See [`post_many`].
///
/// # Errors
/// As [`post_many`].
pub async fn post(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    entry: Entry,
    links: Links,
) -> Result<Posted> {
    let posted = post_many(ctx, tx, vec![(entry, links)]).await?;
    posted
        .into_iter()
        .next()
        .ok_or_else(|| Error::internal("an entry was not booked"))
}

/// Books entries in order, in a fixed number of statements. An entry whose reference is in the
/// journal already is left out when it is the same entry. Accounts are made when first used, and
/// locked in the order of their ids, so that two transactions never wait for each other; call it
/// once per transaction where several partners are concerned.
///
/// # Errors
/// [`Error::Internal`] when an entry is out of balance, when a reference is taken by another entry,
/// or when a balance would not fit 64 bits.
pub async fn post_many(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    entries: Vec<(Entry, Links)>,
) -> Result<Vec<Posted>> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let mut known = references(tx, &entries).await?;
    let mut outcomes = Vec::with_capacity(entries.len());
    let mut fresh = Vec::with_capacity(entries.len());
    for (entry, links) in entries {
        entry.balanced().map_err(Error::internal)?;
        let hash = hash(&entry);
        match known.get(&entry.reference) {
            Some(before) if *before == hash => outcomes.push(Posted::Repeated),
            Some(_) => {
                return Err(Error::Internal(format!(
                    "journal reference {} is taken by another entry",
                    entry.reference
                )));
            }
            None => {
                known.insert(entry.reference.clone(), hash.clone());
                outcomes.push(Posted::New);
                fresh.push((entry, links, hash));
            }
        }
    }
    write(ctx, tx, &fresh).await?;
    Ok(outcomes)
}

/// The hash that is stored with an entry: SHA-256 of its canonical text, hex.
pub fn hash(entry: &Entry) -> String {
    hex::encode(Sha256::digest(entry.canonical().as_bytes()))
}

/// The references of these entries that are in the journal, with their hashes.
async fn references(
    tx: &impl ConnectionTrait,
    entries: &[(Entry, Links)],
) -> Result<HashMap<String, String>> {
    let mut known = HashMap::new();
    for chunk in entries.chunks(500) {
        let rows: Vec<(String, String)> = ledger_transaction::Entity::find()
            .select_only()
            .column(ledger_transaction::Column::Reference)
            .column(ledger_transaction::Column::InputHash)
            .filter(
                ledger_transaction::Column::Reference
                    .is_in(chunk.iter().map(|(entry, _)| entry.reference.as_str())),
            )
            .into_tuple()
            .all(tx)
            .await?;
        known.extend(rows);
    }
    Ok(known)
}

/// Writes entries that are not in the journal yet.
async fn write(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    fresh: &[(Entry, Links, String)],
) -> Result<()> {
    if fresh.is_empty() {
        return Ok(());
    }
    let mut sums: BTreeMap<(AccountCode, Currency), i128> = BTreeMap::new();
    for leg in fresh.iter().flat_map(|(entry, ..)| &entry.legs) {
        *sums.entry((leg.account, leg.currency)).or_insert(0) += i128::from(leg.amount);
    }
    let accounts = lock_accounts(tx, sums.keys().copied().collect()).await?;

    let ids = bulk::reserve::<ledger_transaction::Entity>(tx, fresh.len()).await?;
    let legs: usize = fresh.iter().map(|(entry, ..)| entry.legs.len()).sum();
    let mut posting_ids = bulk::reserve::<posting::Entity>(tx, legs)
        .await?
        .into_iter();
    let mut transactions = Vec::with_capacity(fresh.len());
    let mut postings = Vec::with_capacity(legs);
    for ((entry, links, hash), id) in fresh.iter().zip(ids) {
        transactions.push(ledger_transaction::Model {
            id,
            reference: entry.reference.clone(),
            input_hash: hash.clone(),
            kind: links.kind.to_owned(),
            description: links.description.clone(),
            commission_id: links.commission_id,
            payout_id: links.payout_id,
            effective_at: links.effective_at,
            created_at: ctx.now(),
        });
        for (leg, id) in entry.legs.iter().zip(posting_ids.by_ref()) {
            let account = accounts
                .get(&(leg.account, leg.currency))
                .ok_or_else(|| Error::internal("a ledger account was not made"))?;
            postings.push(posting::Model {
                id,
                transaction_id: transactions[transactions.len() - 1].id,
                ledger_account_id: account.id,
                amount: leg.amount,
            });
        }
    }
    bulk::insert::<ledger_transaction::Entity>(tx, &transactions).await?;
    bulk::insert::<posting::Entity>(tx, &postings).await?;
    add_to_balances(tx, &sums, &accounts).await
}

/// The accounts, made where they are missing and locked until the transaction ends.
async fn lock_accounts(
    tx: &impl ConnectionTrait,
    keys: Vec<(AccountCode, Currency)>,
) -> Result<HashMap<(AccountCode, Currency), ledger_account::Model>> {
    let mut found = find_accounts(tx, &keys).await?;
    let missing: Vec<_> = keys
        .iter()
        .filter(|key| !found.contains_key(key))
        .copied()
        .collect();
    if missing.is_empty() {
        return Ok(found);
    }
    let ids = bulk::reserve::<ledger_account::Entity>(tx, missing.len()).await?;
    let rows: Vec<_> = missing
        .iter()
        .zip(ids)
        .map(|((code, currency), id)| ledger_account::Model {
            id,
            code: code.to_string(),
            partner_id: match code {
                AccountCode::Partner { id, .. } => Some(*id),
                _ => None,
            },
            currency: currency.code().to_owned(),
            balance: 0,
        })
        .collect();
    let tail = " ON CONFLICT (code, currency) DO NOTHING";
    bulk::insert_with::<ledger_account::Entity>(tx, &rows, tail).await?;
    found.extend(find_accounts(tx, &missing).await?);
    Ok(found)
}

/// Those of the accounts that exist, locked in the order of their ids where several may write.
async fn find_accounts(
    tx: &impl ConnectionTrait,
    keys: &[(AccountCode, Currency)],
) -> Result<HashMap<(AccountCode, Currency), ledger_account::Model>> {
    let mut found = HashMap::with_capacity(keys.len());
    let mut codes: Vec<String> = keys.iter().map(|(code, _)| code.to_string()).collect();
    codes.dedup();
    let currencies: std::collections::BTreeSet<&str> =
        keys.iter().map(|(_, currency)| currency.code()).collect();
    let mut query = ledger_account::Entity::find()
        .filter(ledger_account::Column::Code.is_in(codes))
        .filter(ledger_account::Column::Currency.is_in(currencies))
        .order_by_asc(ledger_account::Column::Id);
    if tx.get_database_backend() == sea_orm::DbBackend::Postgres {
        query = query.lock(LockType::NoKeyUpdate);
    }
    for row in query.all(tx).await? {
        let code: AccountCode = row.code.parse().map_err(Error::internal)?;
        let currency: Currency = row.currency.parse().map_err(Error::internal)?;
        found.insert((code, currency), row);
    }
    Ok(found)
}

/// Adds each sum to its account's balance. SQLite would turn a sum that does not fit into a
/// floating-point number, so it is checked here first; the rows are locked.
async fn add_to_balances(
    tx: &impl ConnectionTrait,
    sums: &BTreeMap<(AccountCode, Currency), i128>,
    accounts: &HashMap<(AccountCode, Currency), ledger_account::Model>,
) -> Result<()> {
    let mut rows: Vec<Vec<Value>> = Vec::with_capacity(sums.len());
    for (key, sum) in sums {
        let Some(account) = accounts.get(key) else {
            continue;
        };
        let fits = i64::try_from(i128::from(account.balance) + sum);
        let (Ok(_), Ok(delta)) = (fits, i64::try_from(*sum)) else {
            return Err(Error::Internal(format!(
                "the balance of {} in {} would not fit 64 bits",
                key.0, key.1
            )));
        };
        if delta != 0 {
            rows.push(vec![account.id.into(), delta.into()]);
        }
    }
    bulk::update_from(
        tx,
        &[("id", "BIGINT"), ("delta", "BIGINT")],
        &rows,
        "UPDATE ledger_account SET balance = balance + v.delta FROM v \
         WHERE ledger_account.id = v.id",
    )
    .await?;
    Ok(())
}

/// The balances of a partner's buckets, by currency: one indexed read.
///
/// # Errors
/// When the database cannot be read.
pub async fn partner_balances(
    db: &impl ConnectionTrait,
    partner_id: i64,
) -> Result<Vec<ledger_account::Model>> {
    Ok(ledger_account::Entity::find()
        .filter(ledger_account::Column::PartnerId.eq(partner_id))
        .order_by_asc(ledger_account::Column::Currency)
        .order_by_asc(ledger_account::Column::Code)
        .all(db)
        .await?)
}

/// The balance of one account; nothing booked is zero.
///
/// # Errors
/// When the database cannot be read.
pub async fn balance(
    db: &impl ConnectionTrait,
    code: AccountCode,
    currency: Currency,
) -> Result<i64> {
    Ok(ledger_account::Entity::find()
        .filter(ledger_account::Column::Code.eq(code.to_string()))
        .filter(ledger_account::Column::Currency.eq(currency.code()))
        .one(db)
        .await?
        .map_or(0, |row| row.balance))
}
