//! A partner's sums per month, and those of each rule by partner and by customer, kept in step with
//! the lines.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entity::{commission, partner_month, plan_version, rule_customer, rule_month};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::bulk;
use crate::error::{Error, Result};

/// What a line adds to its partner's month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Month {
    /// `partner.id`.
    pub partner_id: i64,
    /// The currency.
    pub currency: String,
    /// `YYYY-MM` in the program's zone.
    pub month: String,
    /// See [`month_effect`].
    pub parts: Parts,
    /// Of an accrual: what paid it.
    pub by: Option<ByRule>,
}

/// The rule that paid an accrual, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByRule {
    /// `plan_version.id`. Sums are kept by plan: a new version goes on where the last one was.
    pub version_id: i64,
    /// The rule's id in the plan.
    pub rule: String,
    /// `account.id` of the customer.
    pub account_id: Option<i64>,
}

/// What is added up of a line, in minor units: earned, given back, revenue, written off, returned.
pub type Parts = [i64; 5];

/// What a commission line means for its partner's month. Every line that is not canceled is in one of
/// the parts beside revenue, so that these and what was paid come to the partner's balance. The lines
/// that payouts make are in the last: transfers taken back, and the two by which a rest is carried over,
/// which come to nothing together.
pub fn month_effect(kind: &str, state: &str, reference: &str, amount: i64, basis: i64) -> Parts {
    if state == "canceled" {
        return [0; 5];
    }
    if reference.starts_with("payout:") {
        return [0, 0, 0, 0, amount];
    }
    match kind {
        "accrual" | "bonus" => [amount, 0, basis, 0, 0],
        "reversal" | "clawback" => [0, amount, basis, 0, 0],
        "adjustment" if amount >= 0 => [amount, 0, 0, 0, 0],
        "adjustment" => [0, amount, 0, 0, 0],
        "write_off" => [0, 0, 0, amount, 0],
        _ => [0; 5],
    }
}

impl Month {
    /// What a line means for its partner's month.
    pub fn of(row: &commission::Model) -> Self {
        let rule = row.explain.get("rule_id").and_then(|id| id.as_str());
        let rule = rule.zip(row.plan_version_id);
        Self {
            partner_id: row.partner_id,
            currency: row.currency.clone(),
            month: row.month.clone(),
            parts: month_effect(&row.kind, &row.state, &row.reference, row.amount, row.basis),
            by: rule
                .filter(|_| row.kind == "accrual")
                .map(|(rule, version_id)| ByRule {
                    version_id,
                    rule: rule.to_owned(),
                    account_id: row.account_id,
                }),
        }
    }

    /// What it means that the line does not count any more.
    #[must_use]
    pub fn undone(mut self) -> Self {
        self.parts = self.parts.map(i64::saturating_neg);
        self
    }
}

/// Sums of amounts in minor units.
type Sums<K, const N: usize> = BTreeMap<K, [i64; N]>;

/// A rule as sums are kept of it: currency, `plan.id` and its id there.
type OfRule = (String, i64, String);

/// Adds to one of the sums.
fn count<K: Ord, const N: usize>(sums: &mut Sums<K, N>, key: K, parts: [i64; N]) -> Result<()> {
    for (sum, part) in sums.entry(key).or_insert([0; N]).iter_mut().zip(parts) {
        *sum = sum
            .checked_add(part)
            .ok_or_else(|| Error::internal("a month’s sum would not fit 64 bits"))?;
    }
    Ok(())
}

/// Adds to the months, in one order for every process.
///
/// # Errors
/// When the database refuses, or a sum would not fit.
pub async fn add<'a>(
    tx: &impl ConnectionTrait,
    months: impl IntoIterator<Item = &'a Month>,
) -> Result<()> {
    let months: Vec<&Month> = months.into_iter().collect();
    let plans = plans(tx, &months).await?;
    let mut partners = Sums::new();
    let mut rules = Sums::new();
    let mut customers = Sums::new();
    for m in months {
        let (partner, currency, month) = (m.partner_id, &m.currency, &m.month);
        count(&mut partners, (partner, currency, month), m.parts)?;
        let Some(by) = &m.by else { continue };
        let plan = plans.get(&by.version_id).copied();
        let plan = plan.ok_or_else(|| Error::internal("a commission’s plan is not there"))?;
        let [amount, _, basis, ..] = m.parts;
        let rule: OfRule = (currency.clone(), plan, by.rule.clone());
        if let Some(account) = by.account_id {
            count(&mut customers, (account, rule.clone(), partner), [amount])?;
        }
        count(&mut rules, (partner, rule, month), [basis, amount])?;
    }
    add_to_partners(tx, partners).await?;
    add_to_rules(tx, rules).await?;
    add_to_customers(tx, customers).await
}

/// The plans of the versions that paid.
async fn plans(tx: &impl ConnectionTrait, months: &[&Month]) -> Result<HashMap<i64, i64>> {
    let versions = months
        .iter()
        .filter_map(|m| Some(m.by.as_ref()?.version_id));
    let versions: BTreeSet<i64> = versions.collect();
    if versions.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(i64, i64)> = plan_version::Entity::find()
        .select_only()
        .columns([plan_version::Column::Id, plan_version::Column::PlanId])
        .filter(plan_version::Column::Id.is_in(versions))
        .into_tuple()
        .all(tx)
        .await?;
    Ok(rows.into_iter().collect())
}

async fn add_to_partners(
    tx: &impl ConnectionTrait,
    mut sums: Sums<(i64, &String, &String), 5>,
) -> Result<()> {
    sums.retain(|_, parts| *parts != [0; 5]);
    let ids = bulk::reserve::<partner_month::Entity>(tx, sums.len()).await?;
    let rows: Vec<partner_month::Model> = sums
        .into_iter()
        .zip(ids)
        .map(|(((partner_id, currency, month), parts), id)| {
            let [earned, given_back, revenue, written_off, returned] = parts;
            partner_month::Model {
                id,
                partner_id,
                month: month.clone(),
                currency: currency.clone(),
                earned,
                given_back,
                revenue,
                written_off,
                returned,
            }
        })
        .collect();
    bulk::insert_with::<partner_month::Entity>(
        tx,
        &rows,
        " ON CONFLICT (partner_id, currency, month) DO UPDATE SET \
         earned = partner_month.earned + excluded.earned, \
         given_back = partner_month.given_back + excluded.given_back, \
         revenue = partner_month.revenue + excluded.revenue, \
         written_off = partner_month.written_off + excluded.written_off, \
         returned = partner_month.returned + excluded.returned",
    )
    .await?;
    Ok(())
}

async fn add_to_rules(
    tx: &impl ConnectionTrait,
    mut sums: Sums<(i64, OfRule, &String), 2>,
) -> Result<()> {
    sums.retain(|_, parts| *parts != [0; 2]);
    let ids = bulk::reserve::<rule_month::Entity>(tx, sums.len()).await?;
    let rows: Vec<rule_month::Model> = sums
        .into_iter()
        .zip(ids)
        .map(|((key, [basis, amount]), id)| {
            let (partner_id, (currency, plan_id, rule), month) = key;
            rule_month::Model {
                id,
                partner_id,
                currency,
                plan_id,
                rule,
                month: month.clone(),
                basis,
                amount,
            }
        })
        .collect();
    bulk::insert_with::<rule_month::Entity>(
        tx,
        &rows,
        " ON CONFLICT (partner_id, currency, plan_id, rule, month) DO UPDATE SET \
         basis = rule_month.basis + excluded.basis, \
         amount = rule_month.amount + excluded.amount",
    )
    .await?;
    Ok(())
}

async fn add_to_customers(
    tx: &impl ConnectionTrait,
    mut sums: Sums<(i64, OfRule, i64), 1>,
) -> Result<()> {
    sums.retain(|_, parts| *parts != [0]);
    let ids = bulk::reserve::<rule_customer::Entity>(tx, sums.len()).await?;
    let rows: Vec<rule_customer::Model> = sums
        .into_iter()
        .zip(ids)
        .map(|((key, [amount]), id)| {
            let (account_id, (currency, plan_id, rule), partner_id) = key;
            rule_customer::Model {
                id,
                account_id,
                currency,
                plan_id,
                rule,
                partner_id,
                amount,
            }
        })
        .collect();
    bulk::insert_with::<rule_customer::Entity>(
        tx,
        &rows,
        " ON CONFLICT (account_id, currency, plan_id, rule, partner_id) DO UPDATE SET \
         amount = rule_customer.amount + excluded.amount",
    )
    .await?;
    Ok(())
}
