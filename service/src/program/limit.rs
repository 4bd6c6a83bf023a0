//! A policy's limits in every currency. Portico converts no currencies: a limit is an amount of the
//! program's currency, with a figure of its own for each other one. Where a currency has no figure,
//! the minimum of a payout is the same number of major units, which at worst lets an amount wait;
//! and a second person has to approve everything, because the same number of another currency's units
//! may be worth a thousand times as much or as little.
//!
//! A limit that was loosened counts only after the time that new roles wait too
//! ([`crate::identity::wait`]), so that nobody raises it just before they use it. One that was
//! tightened counts at once.

use chrono::{DateTime, TimeDelta, Utc};
use domain::money::{Currency, Money};
use domain::plan::Amounts;
use entity::{policy_version, program};
use sea_orm::sea_query::LockType;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::identity;
use crate::mail::Letter;
use crate::notice::{FINANCE, tell_staff};
use crate::payout::same_major;

/// The exceptions of a limit as they are stored; what cannot be read is none.
fn exceptions(stored: &serde_json::Value) -> Amounts {
    serde_json::from_value(stored.clone()).unwrap_or_default()
}

/// The least a payout in a currency is of, in its minor units: its own figure, or the same number of
/// major units as at home.
pub(crate) fn payout_minimum(
    policy: &policy_version::Model,
    home: Currency,
    currency: Currency,
) -> i64 {
    minimum(
        policy.payout_minimum,
        &policy.payout_minimums,
        home,
        currency,
    )
}

/// The same of a policy’s two columns.
pub(crate) fn minimum(
    minor: i64,
    others: &serde_json::Value,
    home: Currency,
    currency: Currency,
) -> i64 {
    if currency == home {
        return minor;
    }
    exceptions(others)
        .get(&currency)
        .copied()
        .unwrap_or_else(|| same_major(minor, home, currency))
}

/// What a second person has to approve from, in minor units of a currency: nothing above zero passes
/// in one that has no figure.
fn second_approval(policy: &policy_version::Model, home: Currency, currency: Currency) -> i64 {
    if currency == home {
        return policy.second_approval_above;
    }
    exceptions(&policy.second_approvals)
        .get(&currency)
        .copied()
        .unwrap_or_default()
}

/// The limits that count at a moment: those of the policy of that moment, and of those that it
/// replaced too short a time ago.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// The program's currency.
    home: Currency,
    versions: Vec<policy_version::Model>,
}

impl Limits {
    /// The limits of a program now.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) async fn now(
        ctx: &Context,
        db: &impl ConnectionTrait,
        program: &program::Model,
    ) -> Result<Self> {
        let newest_first = policy_version::Entity::find()
            .filter(policy_version::Column::ProgramId.eq(program.id))
            .order_by_desc(policy_version::Column::Version)
            .all(db)
            .await?;
        let wait = identity::wait(db).await?;
        let home = program.currency.parse().map_err(Error::internal)?;
        Ok(Self::at(ctx.now(), wait, home, &newest_first))
    }

    /// The limits of a moment, from a program’s policies, the newest first.
    pub(crate) fn at(
        moment: DateTime<Utc>,
        wait: TimeDelta,
        home: Currency,
        newest_first: &[policy_version::Model],
    ) -> Self {
        let mut versions = Vec::new();
        for version in newest_first {
            if version.effective_from > moment {
                continue;
            }
            versions.push(version.clone());
            if version.created_at <= moment - wait {
                break;
            }
        }
        Self { home, versions }
    }

    /// The same, held to a further policy too, such as the one of the day a run was drafted.
    pub(crate) fn and(mut self, version: policy_version::Model) -> Self {
        self.versions.push(version);
        self
    }

    /// Above how many minor units of a currency a second person has to approve.
    pub(crate) fn second_approval(&self, currency: Currency) -> i64 {
        let limits = self.versions.iter();
        limits
            .map(|version| second_approval(version, self.home, currency))
            .min()
            .unwrap_or_default()
    }

    /// How long a new payout account waits for its first payout.
    pub(crate) fn account_wait(&self) -> TimeDelta {
        let days = self.versions.iter().map(|v| v.account_wait_days).max();
        TimeDelta::days(days.unwrap_or_default())
    }
}

/// Makes those wait for each other who compare what adds up with a limit in one program, so that two
/// amounts that are booked at once do not each pass without the other. Taken before lines.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn one_at_a_time(tx: &impl ConnectionTrait, program_id: i64) -> Result<()> {
    if tx.get_database_backend() == DbBackend::Postgres {
        program::Entity::find_by_id(program_id)
            .lock(LockType::NoKeyUpdate)
            .one(tx)
            .await?;
    }
    Ok(())
}

/// What makes a second person necessary, in words with its sums; none where nothing does. `alone` is
/// the amount itself, `sums` what it comes to with the day's others, and with whose.
pub(crate) fn second_reason(
    limit: i64,
    alone: Money,
    sums: &[(Money, &'static str)],
) -> Option<String> {
    let limit_money = Money::new(limit, alone.currency);
    let above = match limit {
        0 => format!(
            "the policy names no amount in {} that one person may approve",
            alone.currency
        ),
        _ => format!("one person may approve up to {}", limit_money.format("en")),
    };
    if alone.minor.unsigned_abs() > limit.unsigned_abs() {
        return Some(format!("{}; {above}.", alone.format("en")));
    }
    let (sum, whose) = sums.iter().find(|(sum, _)| sum.minor > limit)?;
    Some(format!(
        "{} {whose} come to {} today; {above}.",
        alone.format("en"),
        sum.format("en")
    ))
}

/// What of a policy says how money is let out, by the names of its values.
const LETS_MONEY_OUT: [&str; 3] = [
    "Second approval above",
    "Second approval in other currencies",
    "Wait for a new payout account",
];

/// Tells the other administrators and finance that the limits of payouts become others, and who made
/// them so.
pub(super) async fn told(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    program: &program::Model,
    next: &policy_version::Model,
    changed: &[&str],
) -> Result<()> {
    let limits: Vec<&str> = changed
        .iter()
        .copied()
        .filter(|name| LETS_MONEY_OUT.contains(name))
        .collect();
    if limits.is_empty() {
        return Ok(());
    }
    let who = match ctx.actor.person_id() {
        Some(id) => crate::partner::names(tx, [id])
            .await?
            .remove(&id)
            .unwrap_or_default(),
        None => "The operator".to_owned(),
    };
    let zone = super::zone(program);
    let from = domain::calendar::local_date(next.effective_from, zone);
    let home: Currency = program.currency.parse().map_err(Error::internal)?;
    let letter = Letter::new(format!("{who} changed the limits of payouts"))
        .text(format!(
            "{}: {} from {} on. One person may now approve up to {}, in other currencies: {}. A new \
             payout account waits {} days.",
            program.name,
            limits.join(", "),
            from.format("%-d %B %Y"),
            Money::new(next.second_approval_above, home).format("en"),
            seconds_in_words(&next.second_approvals),
            next.account_wait_days
        ))
        .text(
            "A limit that was loosened counts only after the time that new roles wait too. If this \
             should not be, an administrator can make another version of the policy; a tighter \
             limit counts at once.",
        );
    let path = format!("/admin/programs/{}/policies", program.id);
    tell_staff(ctx, tx, FINANCE, letter, &path).await
}

/// The exceptions as a field takes them: `60.00 USD; 5000 JPY`.
pub fn typed(stored: &serde_json::Value) -> String {
    let amounts = exceptions(stored);
    let amounts: Vec<String> = amounts
        .iter()
        .map(|(currency, minor)| format!("{} {currency}", Money::new(*minor, *currency).plain()))
        .collect();
    amounts.join("; ")
}

/// The least payouts in other currencies in words, with what counts elsewhere.
pub(super) fn minimums_in_words(stored: &serde_json::Value) -> String {
    match typed(stored).as_str() {
        "" => "The same number of each currency’s units".to_owned(),
        some => format!("{some}; elsewhere the same number of units"),
    }
}

/// The limits of a second approval in other currencies in words, with what counts elsewhere.
pub fn seconds_in_words(stored: &serde_json::Value) -> String {
    match typed(stored).as_str() {
        "" => "Every amount: no figure is set".to_owned(),
        some => format!("{some}; elsewhere every amount"),
    }
}

/// Reads what was typed.
///
/// # Errors
/// A sentence for the field.
pub(super) fn read(text: &str, home: Currency) -> Result<serde_json::Value, String> {
    let mut amounts = Amounts::new();
    for part in text.split([';', '\n']).map(str::trim) {
        if part.is_empty() {
            continue;
        }
        let money = crate::plan::money(part)?;
        if money.currency == home {
            return Err(format!(
                "{home} is the program’s own currency; its amount stands in the field before."
            ));
        }
        if money.minor < 0 {
            return Err(format!(
                "The amount in {} cannot be negative.",
                money.currency
            ));
        }
        if amounts.insert(money.currency, money.minor).is_some() {
            return Err(format!("{} is there twice.", money.currency));
        }
    }
    serde_json::to_value(amounts).map_err(|e| e.to_string())
}
