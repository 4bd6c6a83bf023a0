//! Commissions, months and payouts held against the journal.

use std::collections::{BTreeMap, HashMap};

use domain::ledger::Bucket;
use entity::{commission, partner_month, payout};
use futures::TryStreamExt;
use sea_orm::{
    ConnectionTrait, EntityTrait, FromQueryResult, QueryOrder, QuerySelect, StreamTrait,
};

use super::{Books, Key, Report};
use crate::commission::month_effect;
use crate::error::{Error, Result};

/// The columns of a commission that the books depend on.
#[derive(FromQueryResult)]
struct Line {
    id: i64,
    partner_id: i64,
    kind: String,
    reference: String,
    reverses_id: Option<i64>,
    basis: i64,
    amount: i64,
    reversed: i64,
    currency: String,
    state: String,
    month: String,
    payout_id: Option<i64>,
}

/// Compares commissions with the partners' accounts, their months and their reversals; returns what
/// each payout's members come to.
pub(super) async fn commissions<C: ConnectionTrait + StreamTrait>(
    tx: &C,
    buckets: &HashMap<Key, i128>,
    report: &mut Report,
) -> Result<HashMap<i64, i128>> {
    let mut sums: HashMap<Key, i128> = HashMap::new();
    let mut months: BTreeMap<(i64, String, String), [i128; 3]> = BTreeMap::new();
    let mut members: HashMap<i64, i128> = HashMap::new();
    // The lines that were reversed: amount, cumulative, and what the reversals come to.
    let mut reversed: BTreeMap<i64, (i64, i64, i128)> = BTreeMap::new();
    let query = commission::Entity::find()
        .select_only()
        .columns([
            commission::Column::Id,
            commission::Column::PartnerId,
            commission::Column::Kind,
            commission::Column::Reference,
            commission::Column::ReversesId,
            commission::Column::Basis,
            commission::Column::Amount,
            commission::Column::Reversed,
            commission::Column::Currency,
            commission::Column::State,
            commission::Column::Month,
            commission::Column::PayoutId,
        ])
        .order_by_asc(commission::Column::Id)
        .into_model::<Line>();
    let mut rows = query.stream(tx).await?;
    while let Some(row) = rows.try_next().await? {
        report.commissions += 1;
        let amount = i128::from(row.amount);
        if let Ok(bucket) = row.state.parse::<Bucket>() {
            *sums
                .entry((row.partner_id, row.currency.clone(), bucket))
                .or_insert(0) += amount;
        }
        let effect = month_effect(&row.kind, &row.state, &row.reference, row.amount, row.basis);
        if effect != [0; 3] {
            let month = months
                .entry((row.partner_id, row.currency, row.month))
                .or_insert([0; 3]);
            for (sum, part) in month.iter_mut().zip(effect) {
                *sum += i128::from(part);
            }
        }
        if let Some(payout) = row
            .payout_id
            .filter(|_| matches!(&*row.state, "in_payout" | "paid"))
        {
            *members.entry(payout).or_insert(0) += amount;
        }
        if let Some(original) = row.reverses_id {
            reversed.entry(original).or_insert((0, 0, 0)).2 -= amount;
        }
        if row.reversed != 0 || reversed.contains_key(&row.id) {
            let entry = reversed.entry(row.id).or_insert((0, 0, 0));
            (entry.0, entry.1) = (row.amount, row.reversed);
        }
    }
    drop(rows);
    for (id, (amount, cumulative, sum)) in reversed {
        let size = i128::from(amount).abs();
        let sum = if amount < 0 { -sum } else { sum };
        if sum != i128::from(cumulative) {
            report.add(
                "commission",
                id,
                format!("says {cumulative} was reversed, its reversals come to {sum}"),
            );
        }
        if sum > size || sum < 0 {
            report.add(
                "commission",
                id,
                format!("of {amount} was reversed by {sum}"),
            );
        }
    }
    compare_buckets(&sums, buckets, report);
    compare_months(tx, months, report).await?;
    Ok(members)
}

fn compare_buckets(sums: &HashMap<Key, i128>, buckets: &HashMap<Key, i128>, report: &mut Report) {
    let keys: std::collections::BTreeSet<&Key> = sums.keys().chain(buckets.keys()).collect();
    for key in keys {
        let lines = sums.get(key).copied().unwrap_or(0);
        let ledger = buckets.get(key).copied().unwrap_or(0);
        if lines != ledger {
            let (partner, currency, bucket) = key;
            report.add(
                "partner",
                *partner,
                format!("has commissions of {lines} {currency} {bucket}, the ledger says {ledger}"),
            );
        }
    }
}

async fn compare_months<C: ConnectionTrait + StreamTrait>(
    tx: &C,
    mut months: BTreeMap<(i64, String, String), [i128; 3]>,
    report: &mut Report,
) -> Result<()> {
    let query = partner_month::Entity::find().order_by_asc(partner_month::Column::Id);
    let mut rows = query.stream(tx).await?;
    while let Some(row) = rows.try_next().await? {
        let stored = [row.earned, row.given_back, row.revenue].map(i128::from);
        let key = (row.partner_id, row.currency, row.month);
        let sums = months.remove(&key).unwrap_or([0; 3]);
        if stored != sums {
            report.add(
                "partner_month",
                row.id,
                format!(
                    "(partner {}, {} {}) says {stored:?} earned, given back and revenue; the \
                     commissions come to {sums:?}",
                    key.0, key.2, key.1
                ),
            );
        }
    }
    for ((partner, currency, month), sums) in months {
        if sums != [0; 3] {
            report.add(
                "partner_month",
                0,
                format!("is missing for partner {partner}, {month} {currency}: {sums:?}"),
            );
        }
    }
    Ok(())
}

/// Compares each payout with its members and with the journal.
pub(super) async fn payouts<C: ConnectionTrait + StreamTrait>(
    tx: &C,
    books: &Books,
    members: &HashMap<i64, i128>,
    report: &mut Report,
) -> Result<()> {
    let mut rows = payout::Entity::find()
        .order_by_asc(payout::Column::Id)
        .stream(tx)
        .await?;
    while let Some(row) = rows.try_next().await? {
        report.payouts += 1;
        let amount = i128::from(row.amount);
        let left = amount - i128::from(row.reversed);
        let (in_payout, clearing, holds_members) = match row.status.as_str() {
            "intended" | "sending" | "unknown" => (amount, 0, true),
            // What came back is a line of its own; the members stay paid.
            "paid" | "reversed" => (0, left, true),
            "failed" => (0, 0, false),
            other => return Err(Error::Internal(format!("payout {} is “{other}”", row.id))),
        };
        let found = books.payouts.get(&row.id).copied().unwrap_or((0, 0));
        if found != (in_payout, clearing) {
            report.add(
                "payout",
                row.id,
                format!(
                    "({}, {} {}) should have {in_payout} in payout and {clearing} sent; the \
                     journal says {} and {}",
                    row.status, row.amount, row.currency, found.0, found.1
                ),
            );
        }
        let of_members = members.get(&row.id).copied().unwrap_or(0);
        if holds_members && of_members != amount {
            report.add(
                "payout",
                row.id,
                format!(
                    "of {amount} has commissions of {of_members} {}",
                    row.currency
                ),
            );
        }
    }
    Ok(())
}
