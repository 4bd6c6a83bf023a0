//! What partners have earned before, for plans whose amounts depend on it: brackets and caps.
//!
//! It is read from sums per partner, rule and month, and per customer and rule: what a batch costs
//! grows with the months there were, not with the lines.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use domain::calendar;
use domain::commission::CapUse;
use domain::money::Currency;
use domain::plan::{Period, Rule};
use entity::{commission, partner, plan_version, rule_customer, rule_month};
use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, ExprTrait, FromQueryResult, JoinType,
    QueryFilter, QueryOrder, QuerySelect, RelationTrait,
};

use super::month::Month;
use crate::billing::config::{Config, Version};
use crate::billing::hold_accounts;
use crate::error::Result;

/// What a rule has earned a partner with one account.
#[derive(FromQueryResult)]
struct OfCustomer {
    partner_id: i64,
    account_id: i64,
    currency: String,
    plan_id: i64,
    rule: String,
    amount: i64,
}

/// `plan.id` and the rule's id in it.
type RuleKey = (i64, String);

/// Partner and currency.
type Earner = (i64, String);

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
    /// The plans of the versions that the batch may book by.
    plans: HashMap<i64, i64>,
    /// By month.
    rules: HashMap<Earner, HashMap<RuleKey, BTreeMap<String, Sum>>>,
    /// By account and currency, then by partner.
    customers: HashMap<(i64, String), HashMap<RuleKey, BTreeMap<i64, i128>>>,
    added: Vec<Month>,
}

impl History {
    /// Reads what was earned, where a plan asks for it. Accounts and partners are locked for that, so
    /// that two processes never fill the same bracket or cap.
    pub(crate) async fn locked(
        tx: &impl ConnectionTrait,
        config: &Config,
        accounts: &BTreeSet<i64>,
    ) -> Result<Self> {
        let needs = config.needs_history();
        if needs.customers {
            hold_accounts(tx, accounts).await?;
        }
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
        let mut history = Self::of_plans(config);
        if needs.partners.is_empty() {
            return Ok(history);
        }
        let mut query = rule_month::Entity::find();
        if !needs.everybody {
            query = query.filter(rule_month::Column::PartnerId.is_in(needs.partners));
        }
        history.take_months(query.all(db).await?);
        if needs.customers && !accounts.is_empty() {
            let rows = rule_customer::Entity::find()
                .filter(rule_customer::Column::AccountId.is_in(accounts.iter().copied()))
                .into_model()
                .all(db)
                .await?;
            history.take_customers(rows);
        }
        Ok(history)
    }

    /// Reads what everybody earned in the months before one.
    pub(crate) async fn load_before(
        db: &impl ConnectionTrait,
        config: &Config,
        month: &str,
    ) -> Result<Self> {
        let mut history = Self::of_plans(config);
        let months = rule_month::Entity::find().filter(rule_month::Column::Month.lt(month));
        history.take_months(months.all(db).await?);
        // The sums of customers are not kept by month.
        let rule = || Expr::cust("explain ->> 'rule_id'");
        let mut customers = commission::Entity::find()
            .select_only()
            .join(JoinType::InnerJoin, commission::Relation::PlanVersion.def())
            .filter(commission::Column::Kind.eq("accrual"))
            .filter(commission::Column::State.ne("canceled"))
            .filter(commission::Column::AccountId.is_not_null())
            .filter(commission::Column::Month.lt(month))
            .filter(rule().is_not_null())
            .column(plan_version::Column::PlanId)
            .group_by(plan_version::Column::PlanId);
        for column in [
            commission::Column::PartnerId,
            commission::Column::AccountId,
            commission::Column::Currency,
        ] {
            customers = customers.column(column).group_by(column);
        }
        let rows = customers
            .column_as(rule(), "rule")
            .group_by(rule())
            .column_as(Expr::cust("CAST(sum(amount) AS BIGINT)"), "amount")
            .into_model()
            .all(db)
            .await?;
        history.take_customers(rows);
        Ok(history)
    }

    fn of_plans(config: &Config) -> Self {
        Self {
            plans: config.plans_of_versions(),
            ..Self::default()
        }
    }

    fn take_months(&mut self, rows: Vec<rule_month::Model>) {
        for row in rows {
            let sum = Sum {
                basis: row.basis.into(),
                amount: row.amount.into(),
            };
            let rules = self.rules.entry((row.partner_id, row.currency));
            let months = rules.or_default().entry((row.plan_id, row.rule));
            months.or_default().insert(row.month, sum);
        }
    }

    fn take_customers(&mut self, rows: Vec<OfCustomer>) {
        for row in rows {
            let rules = self.customers.entry((row.account_id, row.currency));
            let partners = rules.or_default().entry((row.plan_id, row.rule));
            partners
                .or_default()
                .insert(row.partner_id, row.amount.into());
        }
    }

    /// Adds what this batch books.
    pub(crate) fn add(&mut self, month: Month) {
        self.count(&month, 1);
        self.added.push(month);
    }

    fn count(&mut self, month: &Month, sign: i128) {
        let Some(by) = &month.by else { return };
        // Nobody in this batch is on a plan that it does not know.
        let Some(plan) = self.plans.get(&by.version_id) else {
            return;
        };
        let [amount, _, basis, ..] = month.parts.map(|part| sign * i128::from(part));
        let rule = (*plan, by.rule.clone());
        if let Some(account) = by.account_id {
            let rules = self.customers.entry((account, month.currency.clone()));
            let partners = rules.or_default().entry(rule.clone()).or_default();
            *partners.entry(month.partner_id).or_default() += amount;
        }
        let rules = self
            .rules
            .entry((month.partner_id, month.currency.clone()))
            .or_default();
        let months = rules.entry(rule).or_default();
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
        let used = |rule: &Rule| (rule.id.clone(), self.used(version.plan_id, rule));
        (self.volume(), rules.map(used).collect())
    }

    /// The months of the period the payment lies in.
    fn months(&self, period: Period) -> Range<String> {
        let (start, end) = calendar::period_of(self.at, period, self.zone);
        calendar::month_of(start, self.zone)..calendar::month_of(end, self.zone)
    }

    /// What the partner sold, by whatever plan it earned.
    fn volume(&self) -> BTreeMap<Period, i64> {
        let earner = (self.partner_id, self.currency.code().to_owned());
        let rules = self.history.rules.get(&earner);
        Period::ALL
            .iter()
            .map(|period| {
                let months = self.months(*period);
                let sums = rules.into_iter().flat_map(HashMap::values);
                let sums = sums.flat_map(|sums| sums.range(months.clone()));
                (*period, narrow(sums.map(|(_, sum)| sum.basis).sum()))
            })
            .collect()
    }

    /// What a rule of a plan has paid, for its caps.
    fn used(&self, plan_id: i64, rule: &Rule) -> CapUse {
        let (history, code) = (self.history, self.currency.code());
        let key = (plan_id, rule.id.clone());
        let within = |sums: &BTreeMap<String, Sum>, period: Period| -> i128 {
            let sums = sums.range(self.months(period));
            sums.map(|(_, sum)| sum.amount).sum()
        };
        let partner = rule.caps.per_partner.as_ref().map_or(0, |cap| {
            let earner = (self.partner_id, code.to_owned());
            let sums = history.rules.get(&earner).and_then(|rules| rules.get(&key));
            sums.map_or(0, |sums| within(sums, cap.period))
        });
        let all = rule.caps.per_period.as_ref().map_or(0, |cap| {
            let earners = history.rules.iter().filter(|((_, c), _)| c == code);
            let of_rule = earners.filter_map(|(_, rules)| rules.get(&key));
            of_rule.map(|sums| within(sums, cap.period)).sum()
        });
        let customer = history
            .customers
            .get(&(self.account_id, code.to_owned()))
            .and_then(|rules| rules.get(&key));
        let own = customer.and_then(|partners| partners.get(&self.partner_id));
        CapUse {
            customer: customer.map_or(0, |partners| narrow(partners.values().sum())),
            customer_own: own.map_or(0, |sum| narrow(*sum)),
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
