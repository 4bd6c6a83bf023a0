//! Everything recomputed from the journal, and the first rows that differ.
//!
//! Rows are streamed in one consistent snapshot; memory grows with accounts, partners and months,
//! not with postings.

mod attribution;
mod lines;
mod people;
mod runs;
mod sending;
mod webhooks;

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use domain::ledger::{AccountCode, Bucket};
use entity::ledger_account;
use futures::TryStreamExt;
use sea_orm::{ConnectionTrait, EntityTrait, FromQueryResult, QueryOrder, Statement, StreamTrait};
use sha2::{Digest, Sha256};

use crate::db::Db;
use crate::error::Result;

/// Findings after which the audit stops listing.
const MOST: usize = 50;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The table of the row, such as `ledger_account`.
    pub table: &'static str,
    /// Its id; 0 where a row is missing.
    pub id: i64,
    /// What is wrong, with both values.
    pub message: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.table, self.id, self.message)
    }
}

/// What was looked at and what differs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Transactions read.
    pub transactions: u64,
    /// Postings read.
    pub postings: u64,
    /// Accounts compared.
    pub accounts: u64,
    /// Commission lines read.
    pub commissions: u64,
    /// Payouts compared.
    pub payouts: u64,
    /// The differences, in the order in which they were found; at most the first 50.
    pub findings: Vec<Finding>,
    /// How many differences there were.
    pub differences: u64,
}

impl Report {
    /// Whether the books are right.
    pub fn is_clean(&self) -> bool {
        self.differences == 0
    }

    fn add(&mut self, table: &'static str, id: i64, message: impl Into<String>) {
        self.differences += 1;
        if self.findings.len() < MOST {
            self.findings.push(Finding {
                table,
                id,
                message: message.into(),
            });
        }
    }
}

/// Recomputes the books. See [`Report`].
///
/// # Errors
/// When the database cannot be read; differences are not errors.
pub async fn audit(db: &Db) -> Result<Report> {
    let mut report = Report::default();
    let tx = db.snapshot().await?;
    let books = journal(&tx, &mut report).await?;
    let balances = accounts(&tx, &books, &mut report).await?;
    let members = lines::commissions(&tx, &balances, &mut report).await?;
    lines::payouts(&tx, &books, &members, &mut report).await?;
    payments(&tx, &mut report).await?;
    people::people(&tx, &mut report).await?;
    sending::sending(&tx, &mut report).await?;
    webhooks::webhooks(&tx, &mut report).await?;
    attribution::credits(&tx, &mut report).await?;
    runs::runs(&tx, &mut report).await?;
    tx.rollback().await?;
    Ok(report)
}

/// Compares when each customer paid first, from which durations are counted, and last, by which it is
/// active, with its invoices.
async fn payments<C: ConnectionTrait + StreamTrait>(tx: &C, report: &mut Report) -> Result<()> {
    #[derive(FromQueryResult)]
    struct Customer {
        id: i64,
        says_first: Option<DateTime<Utc>>,
        says_last: Option<DateTime<Utc>>,
        first_at: Option<DateTime<Utc>>,
        last_at: Option<DateTime<Utc>>,
    }
    let statement = Statement::from_string(
        ConnectionTrait::get_database_backend(tx),
        "SELECT c.id, y.first_at AS says_first, y.last_at AS says_last, i.first_at, i.last_at \
         FROM customer c LEFT JOIN customer_paid y ON y.id = c.id LEFT JOIN ( \
           SELECT customer_id, min(CASE WHEN net > 0 THEN paid_at END) AS first_at, \
             max(paid_at) AS last_at FROM invoice GROUP BY customer_id) i ON i.customer_id = c.id \
         WHERE y.first_at IS DISTINCT FROM i.first_at OR y.last_at IS DISTINCT FROM i.last_at \
         ORDER BY c.id",
    );
    let mut rows = Customer::find_by_statement(statement).stream(tx).await?;
    while let Some(row) = rows.try_next().await? {
        let show = |at: Option<DateTime<Utc>>| at.map_or("never".to_owned(), |at| at.to_rfc3339());
        for (which, says, paid) in [
            ("first", row.says_first, row.first_at),
            ("last", row.says_last, row.last_at),
        ] {
            if says != paid {
                let (says, paid) = (show(says), show(paid));
                let message =
                    format!("says it paid {which} {says}; by its invoices that was {paid}");
                report.add("customer", row.id, message);
            }
        }
    }
    Ok(())
}

/// One posting with its transaction and account.
#[derive(FromQueryResult)]
struct Row {
    id: i64,
    reference: String,
    input_hash: String,
    payout_id: Option<i64>,
    posting_id: Option<i64>,
    amount: Option<i64>,
    account_id: Option<i64>,
    code: Option<String>,
    currency: Option<String>,
}

/// What the journal comes to.
#[derive(Default)]
struct Books {
    accounts: HashMap<i64, i128>,
    /// Per payout: what it keeps in payout, and what has left.
    payouts: HashMap<i64, (i128, i128)>,
}

/// The transaction whose postings are being read.
struct Open {
    id: i64,
    reference: String,
    input_hash: String,
    lines: Vec<String>,
    sums: BTreeMap<String, i128>,
}

impl Open {
    fn close(mut self, report: &mut Report) {
        if self.lines.is_empty() {
            report.add("ledger_transaction", self.id, "has no postings");
            return;
        }
        for (currency, sum) in &self.sums {
            if *sum != 0 {
                report.add(
                    "ledger_transaction",
                    self.id,
                    format!("({}) is out of balance by {sum} {currency}", self.reference),
                );
            }
        }
        // The text of domain::ledger::Entry::canonical.
        self.lines.sort_unstable();
        let text = format!("entry/1\n{}\n{}\n", self.reference, self.lines.join("\n"));
        if hex::encode(Sha256::digest(text.as_bytes())) != self.input_hash {
            report.add(
                "ledger_transaction",
                self.id,
                format!(
                    "({}) does not have the hash of its postings",
                    self.reference
                ),
            );
        }
    }
}

async fn journal<C: ConnectionTrait + StreamTrait>(tx: &C, report: &mut Report) -> Result<Books> {
    let statement = Statement::from_string(
        ConnectionTrait::get_database_backend(tx),
        "SELECT t.id, t.reference, t.input_hash, t.payout_id, p.id AS posting_id, p.amount, \
           a.id AS account_id, a.code, a.currency \
         FROM ledger_transaction t \
         LEFT JOIN posting p ON p.transaction_id = t.id \
         LEFT JOIN ledger_account a ON a.id = p.ledger_account_id \
         ORDER BY t.id, p.id",
    );
    let mut books = Books::default();
    let mut open: Option<Open> = None;
    let mut rows = Row::find_by_statement(statement).stream(tx).await?;
    while let Some(row) = rows.try_next().await? {
        if open.as_ref().is_none_or(|o| o.id != row.id) {
            if let Some(done) = open.take() {
                done.close(report);
            }
            report.transactions += 1;
            open = Some(Open {
                id: row.id,
                reference: row.reference,
                input_hash: row.input_hash,
                lines: Vec::new(),
                sums: BTreeMap::new(),
            });
        }
        let (Some(amount), Some(account), Some(code), Some(currency), Some(open)) = (
            row.amount,
            row.account_id,
            row.code,
            row.currency,
            open.as_mut(),
        ) else {
            if let Some(posting) = row.posting_id {
                report.add(
                    "posting",
                    posting,
                    "points at an account that does not exist",
                );
            }
            continue;
        };
        report.postings += 1;
        *books.accounts.entry(account).or_insert(0) += i128::from(amount);
        if let Some(payout) = row.payout_id {
            let kept = books.payouts.entry(payout).or_insert((0, 0));
            match code.parse::<AccountCode>() {
                Ok(AccountCode::Partner {
                    bucket: Bucket::InPayout,
                    ..
                }) => {
                    kept.0 += i128::from(amount);
                }
                Ok(AccountCode::StripeClearing) => kept.1 += i128::from(amount),
                _ => {}
            }
        }
        open.lines.push(format!("{code}|{currency}|{amount}"));
        *open.sums.entry(currency).or_insert(0) += i128::from(amount);
    }
    if let Some(done) = open {
        done.close(report);
    }
    Ok(books)
}

/// A partner's bucket in one currency.
type Key = (i64, String, Bucket);

/// Compares the stored balances with the postings, and returns the partners' buckets.
async fn accounts<C: ConnectionTrait + StreamTrait>(
    tx: &C,
    books: &Books,
    report: &mut Report,
) -> Result<HashMap<Key, i128>> {
    let mut buckets = HashMap::new();
    let mut whole: BTreeMap<String, i128> = BTreeMap::new();
    let query = ledger_account::Entity::find().order_by_asc(ledger_account::Column::Id);
    let mut rows = query.stream(tx).await?;
    while let Some(row) = rows.try_next().await? {
        report.accounts += 1;
        let sum = books.accounts.get(&row.id).copied().unwrap_or(0);
        if i128::from(row.balance) != sum {
            report.add(
                "ledger_account",
                row.id,
                format!(
                    "({} {}) says {}, its postings come to {sum}",
                    row.code, row.currency, row.balance
                ),
            );
        }
        *whole.entry(row.currency.clone()).or_insert(0) += sum;
        match row.code.parse() {
            Ok(AccountCode::Partner { id, bucket }) => {
                if row.partner_id != Some(id) {
                    report.add(
                        "ledger_account",
                        row.id,
                        format!("({}) belongs to nobody", row.code),
                    );
                }
                buckets.insert((id, row.currency, bucket), sum);
            }
            Ok(_) => {}
            Err(error) => report.add("ledger_account", row.id, format!("{error}")),
        }
    }
    for (currency, sum) in whole {
        if sum != 0 {
            report.add(
                "ledger_account",
                0,
                format!("all accounts in {currency} come to {sum}"),
            );
        }
    }
    Ok(buckets)
}
