//! Whether what was booked is what Stripe told the program of, and money arrived for it.

use futures::TryStreamExt;
use sea_orm::{ConnectionTrait, FromQueryResult, Statement, StreamTrait};
use stripe_gateway::webhook::Envelope;

use super::Report;
use crate::error::Result;

/// Compares events, invoices and what they earned.
pub(super) async fn webhooks<C: ConnectionTrait + StreamTrait>(
    tx: &C,
    report: &mut Report,
) -> Result<()> {
    foreign(tx, report).await?;
    for (table, message, sql) in CHECKS {
        let backend = ConnectionTrait::get_database_backend(tx);
        let found = Found::find_by_statement(Statement::from_string(backend, *sql));
        let mut rows = found.stream(tx).await?;
        while let Some(row) = rows.try_next().await? {
            let message = message
                .replace("{name}", &row.name)
                .replace("{found}", &row.found.to_string())
                .replace("{wanted}", &row.wanted.to_string());
            report.add(table, row.id, message);
        }
    }
    Ok(())
}

#[derive(FromQueryResult)]
struct Found {
    id: i64,
    name: String,
    found: i64,
    wanted: i64,
}

/// Table, sentence, and the rows for which it is true: `id`, `name`, and two figures.
const CHECKS: &[(&str, &str, &str)] = &[
    (
        "webhook_event",
        "({name}) was acted on in the other mode than most: {found} events of its mode, {wanted} of the \
         other",
        "SELECT max(id) AS id, max(event_id) AS name, CAST(count(*) AS BIGINT) AS found, \
           CAST((SELECT count(*) FROM webhook_event w WHERE w.status = 'processed' \
             AND w.livemode <> e.livemode) AS BIGINT) AS wanted \
         FROM webhook_event e WHERE status = 'processed' GROUP BY livemode \
         HAVING count(*) <= (SELECT count(*) FROM webhook_event w WHERE w.status = 'processed' \
             AND w.livemode <> e.livemode)",
    ),
    (
        "webhook_event",
        "({name}) was tried {found} times and refused as a duplicate of something that it is not",
        "SELECT id, event_id AS name, attempts AS found, CAST(0 AS BIGINT) AS wanted \
         FROM webhook_event WHERE status IN ('received', 'failed') AND attempts >= 3 \
           AND (error LIKE '%just done the same%' OR error LIKE '%is there already%')",
    ),
    (
        "invoice",
        "({name}) has lines of {found} net, and says {wanted}: a line is missing or changed",
        "SELECT i.id, i.stripe_id AS name, CAST(coalesce(sum(l.net), 0) AS BIGINT) AS found, \
           i.net AS wanted \
         FROM invoice i LEFT JOIN invoice_line l ON l.invoice_id = i.id \
         WHERE i.outcome IN ('earned', 'unmatched') AND i.net <> 0 \
         GROUP BY i.id, i.stripe_id, i.net HAVING coalesce(sum(l.net), 0) <> i.net",
    ),
    (
        "invoice",
        "({name}) has earned on {wanted} with tax, of which {found} arrived or were credited",
        "SELECT i.id, i.stripe_id AS name, \
           i.amount_paid + i.from_balance + coalesce(n.noted, 0) AS found, \
           i.total - i.unearning AS wanted \
         FROM invoice i LEFT JOIN (SELECT invoice_id, CAST(sum(amount) AS BIGINT) AS noted \
             FROM invoice_return WHERE kind = 'credit_note' GROUP BY invoice_id) n \
           ON n.invoice_id = i.id \
         WHERE i.outcome = 'earned' AND i.total > 0 \
           AND i.amount_paid + i.from_balance + coalesce(n.noted, 0) < i.total - i.unearning",
    ),
    (
        "invoice",
        "({name}) has taken {found} back, although what was kept of its payments, {wanted}, covers it",
        "SELECT i.id, i.stripe_id AS name, i.returned AS found, \
           CAST(p.paid - r.back AS BIGINT) AS wanted \
         FROM invoice i \
         JOIN (SELECT invoice_id, sum(amount) AS paid FROM invoice_payment GROUP BY invoice_id) p \
           ON p.invoice_id = i.id \
         JOIN (SELECT invoice_id, sum(amount) AS back FROM invoice_return WHERE status = 'final' \
             GROUP BY invoice_id) r ON r.invoice_id = i.id \
         WHERE i.returned > 0 AND i.total > 0 AND p.paid - r.back >= coalesce(i.due, i.total - i.from_balance) \
           AND NOT EXISTS (SELECT 1 FROM invoice_return n WHERE n.invoice_id = i.id \
             AND n.kind <> 'refund')",
    ),
    (
        "commission",
        "({name}) is a debt of {found}, although its partner had earned nothing with the customer before",
        "SELECT c.id, c.reference AS name, c.amount AS found, CAST(0 AS BIGINT) AS wanted \
         FROM commission c JOIN invoice i ON i.id = c.invoice_id \
         WHERE c.kind = 'accrual' AND c.amount < 0 AND i.net < 0 \
           AND c.state NOT IN ('canceled', 'reversed') \
           AND NOT EXISTS (SELECT 1 FROM commission b WHERE b.partner_id = c.partner_id \
             AND b.kind = 'accrual' AND b.amount > 0 AND b.account_id = c.account_id AND b.currency = c.currency \
             AND b.earned_at <= c.earned_at)",
    ),
];

#[derive(FromQueryResult)]
struct Event {
    id: i64,
    event_id: String,
    payload: String,
}

/// Events of connected accounts that were acted on, though they were about the account's own
/// business.
async fn foreign<C: ConnectionTrait + StreamTrait>(tx: &C, report: &mut Report) -> Result<()> {
    let statement = Statement::from_string(
        ConnectionTrait::get_database_backend(tx),
        "SELECT id, event_id, payload FROM webhook_event WHERE status = 'processed' \
           AND type NOT LIKE 'payout.%' AND type NOT LIKE 'account.%' \
           AND type NOT LIKE 'v2.core.account%' AND payload LIKE '%\"account\"%acct_%' ORDER BY id",
    );
    let mut rows = Event::find_by_statement(statement).stream(tx).await?;
    while let Some(row) = rows.try_next().await? {
        // The objects themselves may name accounts; only the event's own counts.
        let Ok(envelope) = Envelope::parse(row.payload.as_bytes()) else {
            continue;
        };
        if let Some(account) = envelope.account.as_ref().filter(|_| envelope.is_foreign()) {
            let message = format!(
                "({}) happened on the connected account {account} and was acted on",
                row.event_id
            );
            report.add("webhook_event", row.id, message);
        }
    }
    Ok(())
}
