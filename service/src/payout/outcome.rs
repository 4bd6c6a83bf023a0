//! What runs came to: approved, sent, failed and taken back, from the payouts themselves.

use std::collections::{BTreeMap, HashMap};

use domain::money::{Currency, Money};
use domain::payout::{Moved, PayoutStatus, RunStatus};
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};

use crate::error::{Error, Result};

/// A failed payout that somebody still has to see to, as SQL over `payout`: something is payable to the
/// partner in its currency, and no newer payout has been made since. A canceled run failed nobody: it
/// was given up before anything was sent.
pub(crate) const OPEN_FAILURE: &str = "\
    payout.status = 'failed' \
    AND EXISTS (SELECT 1 FROM payout_run r WHERE r.id = payout.run_id AND r.status <> 'canceled') \
    AND NOT EXISTS (SELECT 1 FROM payout n JOIN payout_run m ON m.id = n.run_id \
      WHERE n.partner_id = payout.partner_id AND n.currency = payout.currency \
        AND n.id > payout.id AND m.status <> 'canceled') \
    AND EXISTS (SELECT 1 FROM ledger_account a \
      WHERE a.code = 'partner:' || payout.partner_id || ':payable' \
        AND a.currency = payout.currency AND a.balance > 0)";

/// What a run came to in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The currency.
    pub currency: Currency,
    /// What became of the amounts.
    pub moved: Moved,
    /// Payouts that were sent, also those that came back.
    pub sent: i64,
    /// Payouts that failed, or were given up with their run.
    pub failed: i64,
    /// Payouts whose transfer was taken back, whole or in part.
    pub returned: i64,
    /// Payouts of which it is not known yet.
    pub open: i64,
}

/// The run's state with how many payouts did not end as it says: `Done, 2 failed`, and of a run that
/// was canceled how many had left by then: `Canceled, 5 paid`.
pub fn label(status: RunStatus, outcomes: &[Outcome]) -> String {
    let mut words = status.label().to_owned();
    let returned = (returned(outcomes), "taken back");
    let parts = match status {
        RunStatus::Done if outcomes.is_empty() => return format!("{words}, nobody paid"),
        RunStatus::Sending | RunStatus::Done => [(failed(outcomes), "failed"), returned],
        RunStatus::Canceled => [(sent(outcomes), "paid"), returned],
        _ => return words,
    };
    for (count, what) in parts {
        if count > 0 {
            words.push_str(&format!(", {count} {what}"));
        }
    }
    words
}

/// Whether a run ended with something that somebody should look at.
pub fn to_look_at(status: RunStatus, outcomes: &[Outcome]) -> bool {
    let back = returned(outcomes) > 0;
    match status {
        RunStatus::Done => outcomes.is_empty() || back || failed(outcomes) > 0,
        // Given up, and yet money left.
        RunStatus::Canceled => back || sent(outcomes) > 0,
        _ => false,
    }
}

/// What of a run stays although it is given up: what was sent before, and what may have been. None
/// where nothing was.
pub fn stays(outcomes: &[Outcome]) -> Option<String> {
    let open: i64 = outcomes.iter().map(|o| o.open).sum();
    let amounts: Vec<String> = outcomes
        .iter()
        .filter(|o| o.moved.sent > 0)
        .map(|o| Money::new(o.moved.sent, o.currency).format("en"))
        .collect();
    let amounts = amounts.join(" and ");
    let sent = match sent(outcomes) {
        0 => None,
        1 => Some(format!(
            "One payout of {amounts} was sent before and stays."
        )),
        n => Some(format!(
            "{n} payouts of {amounts} were sent before and stay."
        )),
    };
    let open = match open {
        0 => None,
        1 => Some("Of one it is not known yet whether Stripe made the transfer.".to_owned()),
        n => Some(format!(
            "Of {n} it is not known yet whether Stripe made the transfers."
        )),
    };
    let said: Vec<String> = [sent, open].into_iter().flatten().collect();
    (!said.is_empty()).then(|| said.join(" "))
}

/// Payouts that were sent, in all currencies.
pub fn sent(outcomes: &[Outcome]) -> i64 {
    outcomes.iter().map(|o| o.sent).sum()
}

/// Payouts that failed, in all currencies.
pub fn failed(outcomes: &[Outcome]) -> i64 {
    outcomes.iter().map(|o| o.failed).sum()
}

/// Payouts whose transfer was taken back, in all currencies.
pub fn returned(outcomes: &[Outcome]) -> i64 {
    outcomes.iter().map(|o| o.returned).sum()
}

#[derive(FromQueryResult)]
struct Row {
    run_id: i64,
    currency: String,
    status: String,
    amount: i64,
    reversed: i64,
    payouts: i64,
    returned: i64,
}

/// What each of these runs came to, by currency; a run without payouts is not in it.
///
/// # Errors
/// When the database cannot be read.
pub(super) async fn of_runs(
    db: &impl ConnectionTrait,
    runs: impl IntoIterator<Item = i64>,
) -> Result<HashMap<i64, Vec<Outcome>>> {
    let runs: Vec<String> = runs.into_iter().map(|id| id.to_string()).collect();
    if runs.is_empty() {
        return Ok(HashMap::new());
    }
    // Numbers, and a database takes only so many values in one statement.
    let sql = format!(
        "SELECT run_id, currency, status, CAST(sum(amount) AS BIGINT) AS amount, \
         CAST(sum(reversed) AS BIGINT) AS reversed, CAST(count(*) AS BIGINT) AS payouts, \
         CAST(sum(CASE WHEN reversed > 0 THEN 1 ELSE 0 END) AS BIGINT) AS returned \
         FROM payout WHERE run_id IN ({}) GROUP BY run_id, currency, status",
        runs.join(", ")
    );
    let rows = Row::find_by_statement(Statement::from_string(db.get_database_backend(), sql))
        .all(db)
        .await?;
    let mut found: HashMap<i64, BTreeMap<Currency, Outcome>> = HashMap::new();
    for row in rows {
        let currency: Currency = row.currency.parse().map_err(Error::internal)?;
        let status: PayoutStatus = row.status.parse().map_err(Error::internal)?;
        let outcome = found
            .entry(row.run_id)
            .or_default()
            .entry(currency)
            .or_insert(Outcome {
                currency,
                moved: Moved::default(),
                sent: 0,
                failed: 0,
                returned: 0,
                open: 0,
            });
        outcome.moved = outcome
            .moved
            .and(Moved::of(status, row.amount, row.reversed));
        outcome.returned += row.returned;
        match status {
            PayoutStatus::Paid | PayoutStatus::Reversed => outcome.sent += row.payouts,
            PayoutStatus::Failed => outcome.failed += row.payouts,
            PayoutStatus::Intended => {}
            PayoutStatus::Sending | PayoutStatus::Unknown => outcome.open += row.payouts,
        }
    }
    Ok(found
        .into_iter()
        .map(|(run, outcomes)| (run, outcomes.into_values().collect()))
        .collect())
}
