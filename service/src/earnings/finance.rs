//! What finance looks at first: what is owed, since when, and what needs a person.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use domain::ledger::{AccountCode, Bucket};
use domain::money::{Currency, Money};
use entity::{ledger_account, program};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, Statement};

use crate::context::Context;
use crate::error::{Error, Result};

/// What is payable, by how long it has been.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Age {
    /// Up to 30 days.
    pub days_30: i64,
    /// 31 to 60 days.
    pub days_60: i64,
    /// 61 to 90 days.
    pub days_90: i64,
    /// Longer.
    pub older: i64,
}

/// What the vendor owes its partners in one currency, minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// The currency.
    pub currency: Currency,
    /// On hold.
    pub pending: i64,
    /// Stopped.
    pub held: i64,
    /// May be paid, debts of partners taken off.
    pub payable: i64,
    /// On its way.
    pub in_payout: i64,
    /// What partners owe in turn; zero or negative, contained in `payable`.
    pub negative: i64,
    /// The payable part by age.
    pub age: Age,
}

impl Owed {
    fn none(currency: Currency) -> Self {
        Self {
            currency,
            pending: 0,
            held: 0,
            payable: 0,
            in_payout: 0,
            negative: 0,
            age: Age::default(),
        }
    }

    /// All of it together.
    pub fn total(&self) -> Money {
        let sum = [self.pending, self.held, self.payable, self.in_payout]
            .into_iter()
            .fold(0i64, i64::saturating_add);
        Money::new(sum, self.currency)
    }
}

/// What waits for a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromQueryResult)]
pub struct Exceptions {
    /// Paid invoices whose customer belongs to no account.
    pub unmatched_invoices: i64,
    /// Lines held by a dispute or by finance.
    pub held_lines: i64,
    /// Webhook events that could not be handled.
    pub failed_events: i64,
    /// Webhook events that wait.
    pub waiting_events: i64,
    /// Jobs that were given up.
    pub dead_jobs: i64,
    /// Differences between ledger, payouts and Stripe.
    pub discrepancies: i64,
    /// Payouts whose outcome is not known.
    pub unknown_payouts: i64,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinanceHome {
    /// By currency, the program's own first.
    pub owed: Vec<Owed>,
    /// What waits for a person.
    pub exceptions: Exceptions,
}

/// The payable lines of a currency by age.
#[derive(FromQueryResult)]
struct Aged {
    currency: String,
    days_30: i64,
    days_60: i64,
    days_90: i64,
    older: i64,
}

/// What finance looks at first, for the vendor's staff.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor.
pub async fn finance_home(ctx: &Context) -> Result<FinanceHome> {
    ctx.any_staff()?;
    let db = ctx.reader();
    let mut owed: BTreeMap<Currency, Owed> = BTreeMap::new();
    for account in ledger_account::Entity::find()
        .filter(ledger_account::Column::PartnerId.is_not_null())
        .filter(ledger_account::Column::Balance.ne(0))
        .all(db)
        .await?
    {
        let currency: Currency = account.currency.parse().map_err(Error::internal)?;
        let Ok(AccountCode::Partner { bucket, .. }) = account.code.parse() else {
            continue;
        };
        let row = owed.entry(currency).or_insert_with(|| Owed::none(currency));
        let sum = match bucket {
            Bucket::Pending => &mut row.pending,
            Bucket::Held => &mut row.held,
            Bucket::Payable => &mut row.payable,
            Bucket::InPayout => &mut row.in_payout,
        };
        *sum = sum.saturating_add(account.balance);
        if bucket == Bucket::Payable && account.balance < 0 {
            row.negative = row.negative.saturating_add(account.balance);
        }
    }
    for aged in ages(db, ctx.now()).await? {
        let currency: Currency = aged.currency.parse().map_err(Error::internal)?;
        let row = owed.entry(currency).or_insert_with(|| Owed::none(currency));
        row.age = Age {
            days_30: aged.days_30,
            days_60: aged.days_60,
            days_90: aged.days_90,
            older: aged.older,
        };
    }
    let own: HashSet<String> = program::Entity::find()
        .all(db)
        .await?
        .into_iter()
        .map(|p| p.currency)
        .collect();
    let mut owed: Vec<Owed> = owed.into_values().collect();
    owed.sort_by_key(|o| !own.contains(o.currency.code()));
    Ok(FinanceHome {
        owed,
        exceptions: exceptions(db).await?,
    })
}

/// A line is as old as the end of its hold: since then it could have been paid.
async fn ages(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<Vec<Aged>> {
    let at = |days: i64| now - TimeDelta::days(days);
    let part = |condition: &str, name: &str| {
        format!(
            "CAST(coalesce(sum(CASE WHEN {condition} THEN amount ELSE 0 END), 0) AS BIGINT) AS {name}"
        )
    };
    let statement = Statement::from_sql_and_values(
        db.get_database_backend(),
        format!(
            "SELECT currency, {}, {}, {}, {} FROM commission WHERE state = 'payable' \
             GROUP BY currency",
            part("hold_until >= $1", "days_30"),
            part("hold_until < $1 AND hold_until >= $2", "days_60"),
            part("hold_until < $2 AND hold_until >= $3", "days_90"),
            part("hold_until < $3", "older"),
        ),
        [at(30).into(), at(60).into(), at(90).into()],
    );
    Ok(Aged::find_by_statement(statement).all(db).await?)
}

async fn exceptions(db: &impl ConnectionTrait) -> Result<Exceptions> {
    let count = |table: &str, condition: &str, name: &str| {
        format!("(SELECT CAST(count(*) AS BIGINT) FROM {table} WHERE {condition}) AS {name}")
    };
    let statement = Statement::from_string(
        db.get_database_backend(),
        format!(
            "SELECT {}",
            [
                count("invoice", "outcome = 'unmatched'", "unmatched_invoices"),
                count("commission", "state = 'held'", "held_lines"),
                count("webhook_event", "status = 'failed'", "failed_events"),
                count("webhook_event", "status = 'received'", "waiting_events"),
                count("job", "status = 'dead'", "dead_jobs"),
                count("discrepancy", "settled_at IS NULL", "discrepancies"),
                count("payout", "status = 'unknown'", "unknown_payouts"),
            ]
            .join(", ")
        ),
    );
    Ok(Exceptions::find_by_statement(statement)
        .one(db)
        .await?
        .unwrap_or_default())
}
