//! What partners have earned before, for plans whose amounts depend on it: brackets and caps.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use domain::calendar;
use domain::commission::CapUse;
use domain::money::Currency;
use domain::plan::{Period, Rule};
use entity::commission;
use sea_orm::{ConnectionTrait, FromQueryResult, Statement, Value};

use crate::bulk;
use crate::error::Result;

/// Sums of accruals, by partner, account, currency, month and rule.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
struct Sum {
    partner_id: i64,
    account_id: Option<i64>,
    currency: String,
    month: String,
    rule: Option<String>,
    basis: i64,
    amount: i64,
}

/// Everything earned so far that a batch has to know of.
#[derive(Debug, Default)]
pub(crate) struct History(Vec<Sum>);

impl History {
    /// Reads what was earned: by these partners, or by all where a cap counts them together.
    pub(crate) async fn load(
        db: &impl ConnectionTrait,
        partners: &BTreeSet<i64>,
        everybody: bool,
    ) -> Result<Self> {
        if partners.is_empty() && !everybody {
            return Ok(Self::default());
        }
        let list = bulk::marks(db.get_database_backend(), 0, partners.len());
        let filter = if everybody {
            String::new()
        } else {
            format!("AND partner_id IN ({list})")
        };
        let values: Vec<Value> = if everybody {
            Vec::new()
        } else {
            partners.iter().map(|id| Value::from(*id)).collect()
        };
        let statement = Statement::from_sql_and_values(
            db.get_database_backend(),
            format!(
                "SELECT partner_id, account_id, currency, month, explain ->> 'rule_id' AS rule, \
                   CAST(sum(basis) AS BIGINT) AS basis, CAST(sum(amount) AS BIGINT) AS amount \
                 FROM commission WHERE kind = 'accrual' AND state <> 'canceled' {filter} \
                 GROUP BY partner_id, account_id, currency, month, explain ->> 'rule_id'"
            ),
            values,
        );
        Ok(Self(Sum::find_by_statement(statement).all(db).await?))
    }

    /// Reads what everybody earned in the months before one.
    pub(crate) async fn load_before(db: &impl ConnectionTrait, month: &str) -> Result<Self> {
        let statement = Statement::from_sql_and_values(
            db.get_database_backend(),
            "SELECT partner_id, account_id, currency, month, explain ->> 'rule_id' AS rule, \
               CAST(sum(basis) AS BIGINT) AS basis, CAST(sum(amount) AS BIGINT) AS amount \
             FROM commission WHERE kind = 'accrual' AND state <> 'canceled' AND month < $1 \
             GROUP BY partner_id, account_id, currency, month, explain ->> 'rule_id'",
            [Value::from(month)],
        );
        Ok(Self(Sum::find_by_statement(statement).all(db).await?))
    }

    /// Adds what this batch books.
    pub(crate) fn add(&mut self, row: &commission::Model, rule_id: &str) {
        self.0.push(Sum {
            partner_id: row.partner_id,
            account_id: row.account_id,
            currency: row.currency.clone(),
            month: row.month.clone(),
            rule: Some(rule_id.to_owned()),
            basis: row.basis,
            amount: row.amount,
        });
    }

    /// How far the batch had come, and back to it.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets what was added after.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    /// What one partner has earned, seen from one payment.
    pub(crate) fn of(
        &self,
        partner_id: i64,
        account_id: i64,
        currency: Currency,
        at: DateTime<Utc>,
        zone: Tz,
    ) -> Past<'_> {
        Past {
            history: self,
            partner_id,
            account_id,
            currency,
            at,
            zone,
        }
    }
}

/// See [`History::of`].
pub(crate) struct Past<'a> {
    history: &'a History,
    partner_id: i64,
    account_id: i64,
    currency: Currency,
    at: DateTime<Utc>,
    zone: Tz,
}

impl Past<'_> {
    /// The sums in the payment's currency.
    fn sums(&self) -> impl Iterator<Item = &Sum> {
        let code = self.currency.code();
        self.history.0.iter().filter(move |s| s.currency == code)
    }

    /// The first month of the period the payment lies in, and the first after it.
    fn months(&self, period: Period) -> (String, String) {
        let (start, end) = calendar::period_of(self.at, period, self.zone);
        (
            calendar::month_of(start, self.zone),
            calendar::month_of(end, self.zone),
        )
    }

    /// The partner's volume in each period.
    pub(crate) fn volume(&self) -> BTreeMap<Period, i64> {
        if self.history.0.is_empty() {
            return BTreeMap::new();
        }
        Period::ALL
            .iter()
            .map(|period| {
                let (from, to) = self.months(*period);
                let volume = self
                    .sums()
                    .filter(|s| s.partner_id == self.partner_id && s.month >= from && s.month < to)
                    .fold(0i64, |sum, s| sum.saturating_add(s.basis));
                (*period, volume)
            })
            .collect()
    }

    /// What a rule has paid, for its caps.
    pub(crate) fn used(&self, rule: &Rule) -> CapUse {
        let of_rule = || self.sums().filter(|s| s.rule.as_deref() == Some(&rule.id));
        let add = |sum: i64, s: &Sum| sum.saturating_add(s.amount);
        let in_period = |period: Option<Period>, s: &Sum| {
            period.is_some_and(|period| {
                let (from, to) = self.months(period);
                s.month >= from && s.month < to
            })
        };
        let partner_period = rule.caps.per_partner.as_ref().map(|c| c.period);
        let all_period = rule.caps.per_period.as_ref().map(|c| c.period);
        CapUse {
            customer: of_rule()
                .filter(|_| !rule.caps.per_customer.is_empty())
                .filter(|s| s.partner_id == self.partner_id)
                .filter(|s| s.account_id == Some(self.account_id))
                .fold(0, add),
            partner: of_rule()
                .filter(|s| s.partner_id == self.partner_id && in_period(partner_period, s))
                .fold(0, add),
            all: of_rule().filter(|s| in_period(all_period, s)).fold(0, add),
        }
    }
}
