//! A partner's sums per month, and those of each rule, kept in step with the lines.

use std::collections::BTreeMap;

use entity::{commission, partner_month, rule_month};
use sea_orm::ConnectionTrait;

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
    /// Earned, given back, revenue; see [`month_effect`].
    pub parts: [i64; 3],
    /// Of an accrual: the rule that paid, by its id in the plan.
    pub rule: Option<String>,
    /// `account.id` of the customer.
    pub account_id: Option<i64>,
}

/// What a commission line means for its partner's month: earned, given back, revenue, all in minor
/// units. Canceled lines and the lines by which a payout moves its own rest mean nothing; neither
/// does a debt that is given up.
pub fn month_effect(kind: &str, state: &str, reference: &str, amount: i64, basis: i64) -> [i64; 3] {
    if state == "canceled" || reference.starts_with("payout:") {
        return [0; 3];
    }
    match kind {
        "accrual" | "bonus" => [amount, 0, basis],
        "reversal" | "clawback" => [0, amount, basis],
        "adjustment" if amount >= 0 => [amount, 0, 0],
        "adjustment" => [0, amount, 0],
        _ => [0; 3],
    }
}

impl Month {
    /// What a line means for its partner's month.
    pub fn of(row: &commission::Model) -> Self {
        let rule = row.explain.get("rule_id").filter(|_| row.kind == "accrual");
        Self {
            partner_id: row.partner_id,
            currency: row.currency.clone(),
            month: row.month.clone(),
            parts: month_effect(&row.kind, &row.state, &row.reference, row.amount, row.basis),
            rule: rule.and_then(|id| id.as_str()).map(str::to_owned),
            account_id: row.account_id,
        }
    }

    /// What it means that the line does not count any more.
    #[must_use]
    pub fn undone(mut self) -> Self {
        self.parts = self.parts.map(i64::saturating_neg);
        self
    }
}

/// Sums by partner, currency, month and one thing more.
type Sums<K, const N: usize> = BTreeMap<(i64, String, String, K), [i64; N]>;

/// Adds to one of the sums.
fn count<K: Ord, const N: usize>(
    sums: &mut Sums<K, N>,
    month: &Month,
    of: K,
    parts: [i64; N],
) -> Result<()> {
    let key = (
        month.partner_id,
        month.currency.clone(),
        month.month.clone(),
        of,
    );
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
    let mut partners = Sums::new();
    let mut rules = Sums::new();
    for m in months {
        count(&mut partners, m, (), m.parts)?;
        if let Some(rule) = &m.rule {
            let [amount, _, basis] = m.parts;
            count(&mut rules, m, rule.clone(), [basis, amount])?;
        }
    }
    add_to_partners(tx, partners).await?;
    add_to_rules(tx, rules).await
}

async fn add_to_partners(tx: &impl ConnectionTrait, mut sums: Sums<(), 3>) -> Result<()> {
    sums.retain(|_, parts| *parts != [0; 3]);
    let ids = bulk::reserve::<partner_month::Entity>(tx, sums.len()).await?;
    let rows: Vec<partner_month::Model> = sums
        .into_iter()
        .zip(ids)
        .map(|(((partner_id, currency, month, ()), parts), id)| {
            let [earned, given_back, revenue] = parts;
            partner_month::Model {
                id,
                partner_id,
                month,
                currency,
                earned,
                given_back,
                revenue,
            }
        })
        .collect();
    bulk::insert_with::<partner_month::Entity>(
        tx,
        &rows,
        " ON CONFLICT (partner_id, currency, month) DO UPDATE SET \
         earned = partner_month.earned + excluded.earned, \
         given_back = partner_month.given_back + excluded.given_back, \
         revenue = partner_month.revenue + excluded.revenue",
    )
    .await?;
    Ok(())
}

async fn add_to_rules(tx: &impl ConnectionTrait, mut sums: Sums<String, 2>) -> Result<()> {
    sums.retain(|_, parts| *parts != [0; 2]);
    let ids = bulk::reserve::<rule_month::Entity>(tx, sums.len()).await?;
    let rows: Vec<rule_month::Model> = sums
        .into_iter()
        .zip(ids)
        .map(|(((partner_id, currency, month, rule), parts), id)| {
            let [basis, amount] = parts;
            rule_month::Model {
                id,
                partner_id,
                currency,
                month,
                rule,
                basis,
                amount,
            }
        })
        .collect();
    bulk::insert_with::<rule_month::Entity>(
        tx,
        &rows,
        " ON CONFLICT (partner_id, currency, month, rule) DO UPDATE SET \
         basis = rule_month.basis + excluded.basis, \
         amount = rule_month.amount + excluded.amount",
    )
    .await?;
    Ok(())
}
