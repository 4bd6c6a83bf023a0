//! A statement as a column of movements, each with the balance after it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::commission::CommissionState;

use super::Statement;
use crate::error::{Error, Result};

/// One movement of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// When; none for the balance at the beginning.
    pub at: Option<DateTime<Utc>>,
    /// What it was.
    pub what: String,
    /// The customer's name, where it is about one.
    pub customer: String,
    /// `commission.id`.
    pub line_id: Option<i64>,
    /// `payout.id`.
    pub payout_id: Option<i64>,
    /// What it added to what the partner is owed, in minor units.
    pub amount: i64,
    /// The balance after it.
    pub balance: i64,
}

/// The statement from its opening balance to its closing one, oldest first; canceled lines do not
/// count and are left out. `customers` are names by `account.id`.
///
/// # Errors
/// When the movements do not come to the closing balance: then the books are wrong, and a statement
/// that hides it would be too.
pub fn movements(
    statement: &Statement,
    customers: &HashMap<i64, String>,
    what: impl Fn(&entity::commission::Model) -> String,
) -> Result<Vec<Movement>> {
    let canceled = CommissionState::Canceled.as_str();
    let lines = statement.lines.iter().filter(|l| l.state != canceled);
    let mut all: Vec<Movement> = lines
        .map(|line| Movement {
            at: Some(line.earned_at),
            what: what(line),
            customer: line
                .account_id
                .and_then(|id| customers.get(&id).cloned())
                .unwrap_or_default(),
            line_id: Some(line.id),
            payout_id: line.payout_id,
            amount: line.amount,
            balance: 0,
        })
        .collect();
    all.extend(statement.transfers.iter().map(|t| Movement {
        at: Some(t.at),
        what: if t.amount < 0 {
            "Transfer taken back".to_owned()
        } else {
            "Transferred".to_owned()
        },
        customer: String::new(),
        line_id: None,
        payout_id: Some(t.payout_id),
        amount: -t.amount,
        balance: 0,
    }));
    all.sort_by_key(|m| m.at);
    let mut balance = statement.sums.opening;
    for movement in &mut all {
        balance = super::add(balance, movement.amount)?;
        movement.balance = balance;
    }
    if balance != statement.sums.closing {
        return Err(Error::internal(format!(
            "the movements of {} in {} come to {balance}, the month says {}",
            statement.sums.month, statement.sums.currency, statement.sums.closing
        )));
    }
    let opening = Movement {
        at: None,
        what: "Opening balance".to_owned(),
        customer: String::new(),
        line_id: None,
        payout_id: None,
        amount: 0,
        balance: statement.sums.opening,
    };
    all.insert(0, opening);
    Ok(all)
}
