//! What was sent, held against what was fixed before and against what Stripe said.
//!
//! The books of a payout may be right and the payout wrong: believed to be paid by a transfer of
//! another amount or to somebody else, paid by one that paid another, or open with nobody who takes
//! it further.

use futures::TryStreamExt;
use sea_orm::{ConnectionTrait, FromQueryResult, Statement, StreamTrait};

use super::Report;
use crate::error::Result;
use crate::payout::sweep::WITHOUT_JOB;

/// One thing that must not be, with its words.
#[derive(FromQueryResult)]
struct Wrong {
    id: i64,
    said: String,
}

/// Each statement lists payouts that are wrong, and says how.
const CHECKS: &[&str] = &[
    "SELECT id, 'is of ' || CAST(amount AS TEXT) || ' ' || currency || ' to ' || destination || \
     ' and believed to be paid by a transfer of ' || CAST(transfer_amount AS TEXT) || ' ' || \
     COALESCE(transfer_currency, '?') || ' to ' || COALESCE(transfer_destination, 'nobody') AS said \
     FROM payout WHERE status IN ('paid', 'reversed') AND transfer_amount IS NOT NULL \
     AND (transfer_amount <> amount OR transfer_currency IS DISTINCT FROM currency \
       OR transfer_destination IS DISTINCT FROM destination) ORDER BY id",
    "SELECT id, 'is ' || status || ' without a transfer' AS said FROM payout \
     WHERE status IN ('paid', 'reversed') AND transfer_id IS NULL ORDER BY id",
    // What has a group of its own was confirmed with the transfer's own facts.
    "SELECT id, 'is ' || status || ' and nothing is kept of what Stripe transferred' AS said \
     FROM payout WHERE status IN ('paid', 'reversed') AND transfer_group IS NOT NULL \
     AND transfer_amount IS NULL ORDER BY id",
    "SELECT p.id, 'was sent with ' || p.platform || ', others with ' || s.value AS said \
     FROM payout p JOIN setting s ON s.id = 'sending:platform' \
     WHERE p.platform IS NOT NULL AND p.livemode IS NOT NULL AND p.status <> 'failed' \
     AND s.value <> p.platform || CASE WHEN p.livemode THEN ' (live mode)' ELSE ' (test mode)' END \
     AND p.status IN ('sending', 'unknown') ORDER BY p.id",
    "SELECT p.id, 'was given up without a person, though it had been sent and its outcome was not \
     known' AS said FROM payout p WHERE p.status = 'failed' AND p.sent_at IS NOT NULL \
     AND p.failure = 'Stripe never received the transfer.' \
     AND NOT EXISTS (SELECT 1 FROM payout_question q WHERE q.payout_id = p.id) ORDER BY p.id",
    "SELECT q.payout_id AS id, 'is ' || p.status || ', and a question about it is still open' AS said \
     FROM payout_question q JOIN payout p ON p.id = q.payout_id \
     WHERE q.answered_at IS NULL AND p.status NOT IN ('sending', 'unknown') ORDER BY q.payout_id",
    "SELECT p.id, 'is ' || p.status || ' in a run that is ' || r.status AS said \
     FROM payout p JOIN payout_run r ON r.id = p.run_id \
     WHERE p.status IN ('intended', 'sending', 'unknown') AND r.status = 'done' ORDER BY p.id",
];

/// Compares what was sent; see the module.
pub(super) async fn sending<C: ConnectionTrait + StreamTrait>(
    tx: &C,
    report: &mut Report,
) -> Result<()> {
    let backend = ConnectionTrait::get_database_backend(tx);
    for sql in CHECKS {
        let statement = Statement::from_string(backend, (*sql).to_owned());
        let mut rows = Wrong::find_by_statement(statement).stream(tx).await?;
        while let Some(row) = rows.try_next().await? {
            report.add("payout", row.id, row.said);
        }
    }
    // A worker that has it in hand has a job that waits, until it is done.
    let lost = format!(
        "SELECT w.id, 'is open and has neither a job that waits nor a question to a person' AS said \
         FROM ({WITHOUT_JOB}) w WHERE NOT EXISTS \
         (SELECT 1 FROM payout_question q WHERE q.payout_id = w.id AND q.answered_at IS NULL)"
    );
    let statement = Statement::from_string(backend, lost);
    let mut rows = Wrong::find_by_statement(statement).stream(tx).await?;
    while let Some(row) = rows.try_next().await? {
        report.add("payout", row.id, row.said);
    }
    Ok(())
}
