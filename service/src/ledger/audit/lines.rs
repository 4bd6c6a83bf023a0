//! Commissions, months and payouts held against the journal.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use domain::ledger::Bucket;
use entity::{commission, partner_month, payout, plan_version, rule_customer, rule_month};
use futures::{Stream, TryStreamExt};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, FromQueryResult, JoinType, QueryOrder, QuerySelect,
    RelationTrait, StreamTrait,
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
    account_id: Option<i64>,
    plan_id: Option<i64>,
    rule: Option<String>,
}

/// Compares commissions with the partners' accounts, their months and their reversals; returns what
/// each payout's members come to.
pub(super) async fn commissions<C: ConnectionTrait + StreamTrait>(
    tx: &C,
    buckets: &HashMap<Key, i128>,
    report: &mut Report,
) -> Result<HashMap<i64, i128>> {
    let mut sums: HashMap<Key, i128> = HashMap::new();
    let mut months = Sums::new();
    let mut rules = Sums::new();
    let mut customers = Sums::new();
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
            commission::Column::AccountId,
        ])
        .join(JoinType::LeftJoin, commission::Relation::PlanVersion.def())
        .column(plan_version::Column::PlanId)
        .column_as(Expr::cust("explain ->> 'rule_id'"), "rule")
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
        let of = Of {
            account: None,
            partner: row.partner_id,
            month: Some(row.month),
            currency: row.currency,
            rule: None,
        };
        let rule = row.plan_id.zip(row.rule);
        if rule.is_some() && row.kind == "accrual" {
            let [amount, _, basis, ..] = effect;
            let of = Of { rule, ..of.clone() };
            if row.account_id.is_some() {
                let (account, month) = (row.account_id, None);
                let with = Of {
                    account,
                    month,
                    ..of.clone()
                };
                count(&mut customers, with, [amount]);
            }
            count(&mut rules, of, [basis, amount]);
        }
        count(&mut months, of, effect);
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
    let stored = partner_month::Entity::find()
        .order_by_asc(partner_month::Column::Id)
        .stream(tx)
        .await?
        .map_ok(|row| {
            let of = Of {
                account: None,
                partner: row.partner_id,
                month: Some(row.month),
                currency: row.currency,
                rule: None,
            };
            let kept = [
                row.earned,
                row.given_back,
                row.revenue,
                row.written_off,
                row.returned,
            ];
            (row.id, of, kept)
        });
    let words = "earned, given back, revenue, written off and returned";
    compare("partner_month", words, stored, months, report).await?;
    let stored = rule_month::Entity::find()
        .order_by_asc(rule_month::Column::Id)
        .stream(tx)
        .await?
        .map_ok(|row| {
            let of = Of {
                account: None,
                partner: row.partner_id,
                month: Some(row.month),
                currency: row.currency,
                rule: Some((row.plan_id, row.rule)),
            };
            (row.id, of, [row.basis, row.amount])
        });
    compare("rule_month", "basis and amount", stored, rules, report).await?;
    let stored = rule_customer::Entity::find()
        .order_by_asc(rule_customer::Column::Id)
        .stream(tx)
        .await?
        .map_ok(|row| {
            let of = Of {
                account: Some(row.account_id),
                partner: row.partner_id,
                month: None,
                currency: row.currency,
                rule: Some((row.plan_id, row.rule)),
            };
            (row.id, of, [row.amount])
        });
    compare("rule_customer", "amount", stored, customers, report).await?;
    Ok(members)
}

/// What a sum is kept of: a partner's month, what a rule paid in it, or what a rule paid for a
/// customer.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Of {
    account: Option<i64>,
    partner: i64,
    month: Option<String>,
    currency: String,
    /// `plan.id` and the rule's id there.
    rule: Option<(i64, String)>,
}

impl fmt::Display for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(account) = self.account {
            write!(f, "account {account}, ")?;
        }
        write!(f, "partner {}, ", self.partner)?;
        if let Some(month) = &self.month {
            write!(f, "{month}, ")?;
        }
        f.write_str(&self.currency)?;
        if let Some((plan, rule)) = &self.rule {
            write!(f, ", plan {plan}, rule {rule}")?;
        }
        Ok(())
    }
}

/// What the commissions come to.
type Sums<const N: usize> = BTreeMap<Of, [i128; N]>;

fn count<const N: usize>(sums: &mut Sums<N>, of: Of, parts: [i64; N]) {
    if parts == [0; N] {
        return;
    }
    for (sum, part) in sums.entry(of).or_insert([0; N]).iter_mut().zip(parts) {
        *sum += i128::from(part);
    }
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

/// Holds sums that are kept in a table against those of the commissions.
async fn compare<const N: usize>(
    table: &'static str,
    words: &str,
    stored: impl Stream<Item = Result<(i64, Of, [i64; N]), DbErr>>,
    mut sums: Sums<N>,
    report: &mut Report,
) -> Result<()> {
    let mut stored = std::pin::pin!(stored);
    while let Some((id, of, kept)) = stored.try_next().await? {
        let kept = kept.map(i128::from);
        let come_to = sums.remove(&of).unwrap_or([0; N]);
        if kept != come_to {
            report.add(
                table,
                id,
                format!("({of}) says {kept:?} {words}; the commissions come to {come_to:?}"),
            );
        }
    }
    for (of, sums) in sums.into_iter().filter(|(_, sums)| *sums != [0; N]) {
        let problem = format!("is missing for {of}: {sums:?} {words}");
        report.add(table, 0, problem);
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
