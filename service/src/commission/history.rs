//! What partners have earned before, for plans whose amounts depend on it: brackets and caps.
//!
//! It is read from sums per partner, rule and month, and for caps per customer from the lines of the
//! accounts concerned: what a batch costs grows with the months there were, not with the lines.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use domain::calendar;
use domain::commission::CapUse;
use domain::money::Currency;
use domain::plan::{Period, Rule};
use entity::{commission, partner, rule_month};
use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::month::Month;
use crate::billing::config::{Config, Version};
use crate::error::Result;

/// What a rule has earned a partner with one account.
#[derive(FromQueryResult)]
struct OfCustomer {
    partner_id: i64,
    account_id: i64,
    currency: String,
    rule: Option<String>,
    amount: i64,
}

/// Partner, currency and rule.
type RuleKey = (i64, String, String);

/// What a rule has earned a partner in a month; wide, because batches are undone in memory.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    basis: i128,
    amount: i128,
}

/// What was earned so far, as far as a batch's plans ask for it, what the batch itself adds
/// included.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// By month.
    rules: BTreeMap<RuleKey, BTreeMap<String, Sum>>,
    /// By account.
    customers: HashMap<(i64, RuleKey), i128>,
    added: Vec<Month>,
}

impl History {
    /// Reads what was earned, where a plan asks for it. The partners are locked for that, so that
    /// two processes never fill the same bracket or cap.
    pub(crate) async fn locked(
        tx: &impl ConnectionTrait,
        config: &Config,
        accounts: &BTreeSet<i64>,
    ) -> Result<Self> {
        let needs = config.needs_history();
        if !needs.partners.is_empty() && tx.get_database_backend() == DbBackend::Postgres {
            let mut query = partner::Entity::find()
                .select_only()
                .column(partner::Column::Id)
                .order_by_asc(partner::Column::Id)
                .lock(LockType::NoKeyUpdate);
            if !needs.everybody {
                query = query.filter(partner::Column::Id.is_in(needs.partners.iter().copied()));
            }
            query.into_tuple::<i64>().all(tx).await?;
        }
        Self::load(tx, config, accounts).await
    }

    /// Reads what was earned, where a plan asks for it, with these accounts and in all.
    pub(crate) async fn load(
        db: &impl ConnectionTrait,
        config: &Config,
        accounts: &BTreeSet<i64>,
    ) -> Result<Self> {
        let needs = config.needs_history();
        let mut history = Self::default();
        if needs.partners.is_empty() {
            return Ok(history);
        }
        let mut query = rule_month::Entity::find();
        if !needs.everybody {
            query = query.filter(rule_month::Column::PartnerId.is_in(needs.partners));
        }
        history.take_months(query.all(db).await?);
        if needs.customers && !accounts.is_empty() {
            let query = of_customers()
                .filter(commission::Column::AccountId.is_in(accounts.iter().copied()));
            history.take_customers(query.into_model().all(db).await?);
        }
        Ok(history)
    }

    /// Reads what everybody earned in the months before one.
    pub(crate) async fn load_before(db: &impl ConnectionTrait, month: &str) -> Result<Self> {
        let mut history = Self::default();
        let months = rule_month::Entity::find().filter(rule_month::Column::Month.lt(month));
        history.take_months(months.all(db).await?);
        let customers = of_customers().filter(commission::Column::Month.lt(month));
        history.take_customers(customers.into_model().all(db).await?);
        Ok(history)
    }

    fn take_months(&mut self, rows: Vec<rule_month::Model>) {
        for row in rows {
            let sum = Sum {
                basis: row.basis.into(),
                amount: row.amount.into(),
            };
            let key = (row.partner_id, row.currency, row.rule);
            self.rules.entry(key).or_default().insert(row.month, sum);
        }
    }

    fn take_customers(&mut self, rows: Vec<OfCustomer>) {
        for row in rows {
            let Some(rule) = row.rule else { continue };
            let key = (row.partner_id, row.currency, rule);
            self.customers
                .insert((row.account_id, key), row.amount.into());
        }
    }

    /// Adds what this batch books.
    pub(crate) fn add(&mut self, month: Month) {
        self.count(&month, 1);
        self.added.push(month);
    }

    fn count(&mut self, month: &Month, sign: i128) {
        let Some(rule) = &month.rule else { return };
        let [amount, _, basis] = month.parts.map(|part| sign * i128::from(part));
        let key = (month.partner_id, month.currency.clone(), rule.clone());
        if let Some(account) = month.account_id {
            *self.customers.entry((account, key.clone())).or_default() += amount;
        }
        let months = self.rules.entry(key).or_default();
        let sum = months.entry(month.month.clone()).or_default();
        sum.basis += basis;
        sum.amount += amount;
    }

    /// What this batch has booked so far.
    pub(crate) fn added(&self) -> &[Month] {
        &self.added
    }

    /// Takes back what was added after the first `len`.
    pub(crate) fn truncate(&mut self, len: usize) {
        for month in self.added.split_off(len.min(self.added.len())) {
            self.count(&month, -1);
        }
    }

    /// Nothing of what was added will be written or taken back.
    pub(crate) fn keep(&mut self) {
        self.added.clear();
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

/// Sums of accruals by partner, account, currency and rule.
fn of_customers() -> sea_orm::Select<commission::Entity> {
    let rule = || Expr::cust("explain ->> 'rule_id'");
    commission::Entity::find()
        .select_only()
        .columns([
            commission::Column::PartnerId,
            commission::Column::AccountId,
            commission::Column::Currency,
        ])
        .column_as(rule(), "rule")
        .column_as(Expr::cust("CAST(sum(amount) AS BIGINT)"), "amount")
        .filter(commission::Column::Kind.eq("accrual"))
        .filter(commission::Column::State.ne("canceled"))
        .filter(commission::Column::AccountId.is_not_null())
        .group_by(commission::Column::PartnerId)
        .group_by(commission::Column::AccountId)
        .group_by(commission::Column::Currency)
        .group_by(rule())
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
    /// The partner's volume in each period, and what each rule has paid, as far as the plan asks.
    pub(crate) fn for_plan(
        &self,
        version: &Version,
    ) -> (BTreeMap<Period, i64>, BTreeMap<String, CapUse>) {
        if !version.needs_history {
            return (BTreeMap::new(), BTreeMap::new());
        }
        let rules = version.rules.rules.iter();
        (
            self.volume(),
            rules.map(|r| (r.id.clone(), self.used(r))).collect(),
        )
    }

    /// The months of the period the payment lies in.
    fn months(&self, period: Period) -> Range<String> {
        let (start, end) = calendar::period_of(self.at, period, self.zone);
        calendar::month_of(start, self.zone)..calendar::month_of(end, self.zone)
    }

    fn volume(&self) -> BTreeMap<Period, i64> {
        let code = self.currency.code().to_owned();
        let first = (self.partner_id, code.clone(), String::new());
        let of_partner = || {
            let rules = self.history.rules.range(first.clone()..);
            rules.take_while(|((id, currency, _), _)| *id == self.partner_id && *currency == code)
        };
        Period::ALL
            .iter()
            .map(|period| {
                let months = self.months(*period);
                let sums = of_partner().flat_map(|(_, sums)| sums.range(months.clone()));
                (*period, narrow(sums.map(|(_, sum)| sum.basis).sum()))
            })
            .collect()
    }

    /// What a rule has paid, for its caps.
    fn used(&self, rule: &Rule) -> CapUse {
        let (history, code) = (self.history, self.currency.code());
        let key = (self.partner_id, code.to_owned(), rule.id.clone());
        let within = |sums: &BTreeMap<String, Sum>, period: Period| -> i128 {
            let sums = sums.range(self.months(period));
            sums.map(|(_, sum)| sum.amount).sum()
        };
        let partner = rule.caps.per_partner.as_ref().map_or(0, |cap| {
            let sums = history.rules.get(&key);
            sums.map_or(0, |sums| within(sums, cap.period))
        });
        let all = rule.caps.per_period.as_ref().map_or(0, |cap| {
            let of_rule = history
                .rules
                .iter()
                .filter(|((_, currency, id), _)| currency == code && *id == rule.id);
            of_rule.map(|(_, sums)| within(sums, cap.period)).sum()
        });
        let customer = history.customers.get(&(self.account_id, key));
        CapUse {
            customer: customer.map_or(0, |sum| narrow(*sum)),
            partner: narrow(partner),
            all: narrow(all),
        }
    }
}

/// A cap or a bracket that is passed by more than 64 bits is passed.
fn narrow(sum: i128) -> i64 {
    let most = if sum < 0 { i64::MIN } else { i64::MAX };
    i64::try_from(sum).unwrap_or(most)
}
