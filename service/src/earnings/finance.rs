//! What finance looks at first: what is owed, since when, and what needs a person.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use domain::ledger::Bucket;
use domain::money::{Currency, Money};
use entity::program;
use sea_orm::{ConnectionTrait, EntityTrait, FromQueryResult, Statement};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::payout::outcome::OPEN_FAILURE;

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
    /// Customers of whom it is asked whose they are.
    pub asked_customers: i64,
    /// Lines held by a dispute, by finance or by such a question.
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
    /// Payouts that failed and whose amount is still to be paid.
    pub failed_payouts: i64,
    /// Runs that wait for approval.
    pub submitted_runs: i64,
    /// Runs that wait for Stripe's balance.
    pub short_runs: i64,
    /// Payouts of which a person has to say whether they were made.
    pub questions: i64,
    /// What stops all sending.
    pub stops: i64,
    /// Approved runs that wait for Stripe or for a person.
    pub waiting_runs: i64,
    /// Refused payouts to a partner's bank, until a later one has arrived.
    pub bank_failures: i64,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinanceHome {
    /// By currency, the program's own first.
    pub owed: Vec<Owed>,
    /// What waits for a person.
    pub exceptions: Exceptions,
}

/// A currency as the database adds it up.
#[derive(FromQueryResult)]
struct Sums {
    currency: String,
    pending: i64,
    held: i64,
    payable: i64,
    in_payout: i64,
    negative: i64,
    days_30: i64,
    days_60: i64,
    days_90: i64,
}

impl Sums {
    fn owed(&self) -> Result<Owed> {
        let newer = [self.days_30, self.days_60, self.days_90];
        let older = newer.into_iter().fold(self.payable, i64::saturating_sub);
        Ok(Owed {
            currency: self.currency.parse().map_err(Error::internal)?,
            pending: self.pending,
            held: self.held,
            payable: self.payable,
            in_payout: self.in_payout,
            negative: self.negative,
            age: Age {
                days_30: self.days_30,
                days_60: self.days_60,
                days_90: self.days_90,
                older,
            },
        })
    }
}

/// What finance looks at first, for the vendor's staff.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor.
pub async fn finance_home(ctx: &Context) -> Result<FinanceHome> {
    ctx.any_staff()?;
    let db = ctx.reader();
    let mut owed = sums(db, ctx.now())
        .await?
        .iter()
        .map(Sums::owed)
        .collect::<Result<Vec<_>>>()?;
    let own: HashSet<String> = program::Entity::find()
        .all(db)
        .await?
        .into_iter()
        .map(|p| p.currency)
        .collect();
    owed.sort_by_key(|o| (!own.contains(o.currency.code()), o.currency));
    Ok(FinanceHome {
        owed,
        exceptions: exceptions(db).await?,
    })
}

/// What is owed, from the ledger's accounts, and how much of the payable part is new: a line is as
/// old as the end of its hold, since then it could have been paid.
///
/// The payable lines of a partner come to its account's balance, so the old ones are what the newer
/// ones leave of it: only the lines of the last 90 days are read, however many there ever were. One
/// statement asks for all of it, so that balances and lines are of one moment.
async fn sums(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<Vec<Sums>> {
    let at = |days: i64| now - TimeDelta::days(days);
    let sum = |what: &str| format!("CAST(coalesce(sum({what}), 0) AS BIGINT)");
    let bucket = |name: Bucket, what: &str| {
        let code = format!("'partner:' || partner_id || ':{}'", name.as_str());
        sum(&format!("CASE WHEN code = {code} THEN {what} ELSE 0 END"))
    };
    let lines = "FROM commission c WHERE c.state = 'payable' AND c.currency = a.currency";
    let newer = |when: &str| format!("(SELECT {} {lines} AND {when})", sum("c.amount"));
    let statement = Statement::from_sql_and_values(
        db.get_database_backend(),
        format!(
            "SELECT currency, pending, held, payable, in_payout, negative, {} AS days_30, \
             {} AS days_60, {} AS days_90 FROM (SELECT currency, {} AS pending, {} AS held, \
             {} AS payable, {} AS in_payout, {} AS negative, \
             max(CASE WHEN balance <> 0 THEN 1 ELSE 0 END) AS any_balance \
             FROM ledger_account WHERE partner_id IS NOT NULL GROUP BY currency) a \
             WHERE any_balance = 1 OR EXISTS (SELECT 1 {lines})",
            newer("c.hold_until >= $1"),
            newer("c.hold_until < $1 AND c.hold_until >= $2"),
            newer("c.hold_until < $2 AND c.hold_until >= $3"),
            bucket(Bucket::Pending, "balance"),
            bucket(Bucket::Held, "balance"),
            bucket(Bucket::Payable, "balance"),
            bucket(Bucket::InPayout, "balance"),
            bucket(
                Bucket::Payable,
                "(CASE WHEN balance < 0 THEN balance ELSE 0 END)"
            ),
        ),
        [at(30).into(), at(60).into(), at(90).into()],
    );
    Ok(Sums::find_by_statement(statement).all(db).await?)
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
                count("customer", "question IS NOT NULL", "asked_customers"),
                count("commission", "state = 'held'", "held_lines"),
                count("webhook_event", "status = 'failed'", "failed_events"),
                count("webhook_event", "status = 'received'", "waiting_events"),
                count("job", "status = 'dead'", "dead_jobs"),
                count("discrepancy", "settled_at IS NULL", "discrepancies"),
                // As the index of open payouts says it, which is how that is found.
                count(
                    "payout",
                    "status IN ('intended', 'sending', 'unknown') AND status = 'unknown'",
                    "unknown_payouts"
                ),
                count("payout", OPEN_FAILURE, "failed_payouts"),
                count("payout_run", "status = 'submitted'", "submitted_runs"),
                count("payout_run", "status = 'waiting_for_balance'", "short_runs"),
                count("payout_question", "answered_at IS NULL", "questions"),
                count("sending_stop", "released_at IS NULL", "stops"),
                count(
                    "payout_run",
                    "status IN ('approved', 'sending') AND waits_for IS NOT NULL",
                    "waiting_runs"
                ),
                count(
                    "bank_payout b",
                    "b.status = 'failed' AND NOT EXISTS (SELECT 1 FROM bank_payout l \
                     WHERE l.partner_id = b.partner_id AND l.currency = b.currency \
                     AND l.status = 'paid' AND l.id > b.id)",
                    "bank_failures"
                ),
            ]
            .join(", ")
        ),
    );
    Ok(Exceptions::find_by_statement(statement)
        .one(db)
        .await?
        .unwrap_or_default())
}
