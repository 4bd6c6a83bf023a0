//! What time and finance do to commission lines: maturity, holds, releases, cancellations.
//!
//! Every change compares and sets the state and books the same movement in the ledger, in one
//! transaction.

use std::collections::{HashMap, HashSet};

use domain::commission::CommissionState;
use domain::ledger::{Bucket, Entry, LedgerError};
use domain::money::Money;
use domain::partner::StaffRole;
use domain::transition::Who;
use entity::{commission, customer, event, invoice, invoice_return, ledger_transaction};
use sea_orm::sea_query::{LockBehavior, LockType};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, JoinType, QueryFilter,
    QueryOrder, QuerySelect, RelationTrait, Value,
};

use super::settle::{HELD_BY_DISPUTE, HELD_BY_QUESTION};
use crate::bulk;
use crate::context::Context;
use crate::error::{Error, FieldErrors, Result};
use crate::ledger::{Links, Posted, post_many};

/// Lines that mature in one transaction.
const BATCH: u64 = 500;

/// Moves every line whose hold is over from pending to payable; returns how many.
///
/// # Errors
/// When the database is not available; what was moved before stays moved.
pub async fn mature(ctx: &Context) -> Result<u64> {
    let mut moved = 0;
    loop {
        let tx = ctx.begin().await?;
        let mut query = commission::Entity::find()
            .filter(commission::Column::State.eq("pending"))
            .filter(commission::Column::HoldUntil.lte(ctx.now()))
            .order_by_asc(commission::Column::HoldUntil)
            .limit(BATCH);
        if tx.get_database_backend() == DbBackend::Postgres {
            query = query.lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked);
        }
        let mut rows = query.all(&*tx).await?;
        if rows.is_empty() {
            return Ok(moved);
        }
        rows.sort_by_key(|c| c.id);
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let before = times(&*tx, &ids, "mature").await?;
        let steps = rows
            .iter()
            .map(|row| {
                let n = before.get(&row.id).copied().unwrap_or(0) + 1;
                let entry = Entry::mature(row.id, n, row.partner_id, money(row)?);
                Ok(Step {
                    row,
                    to: CommissionState::Payable,
                    held_from: None,
                    note: None,
                    kind: "mature",
                    entry: booked(entry)?,
                    action: "commission.payable",
                    summary: "The hold is over; the commission may be paid.".to_owned(),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        take(ctx, &*tx, steps).await?;
        tx.commit().await?;
        moved += rows.len() as u64;
        if (rows.len() as u64) < BATCH {
            return Ok(moved);
        }
    }
}

/// What became of an action on several lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bulk {
    /// Lines that were changed.
    pub done: Vec<i64>,
    /// Lines that were left as they are, with the sentence that says why.
    pub refused: Vec<(i64, String)>,
}

impl Bulk {
    /// For an action on one line: the refusal as an error.
    ///
    /// # Errors
    /// [`Error::Conflict`] with the first refusal; [`Error::NotFound`] when there was no such line.
    pub fn single(self) -> Result<()> {
        match (self.done.is_empty(), self.refused.into_iter().next()) {
            (_, Some((_, sentence))) => Err(Error::Conflict(sentence)),
            (true, None) => Err(Error::NotFound),
            (false, None) => Ok(()),
        }
    }
}

/// Stops lines until somebody releases them, with a reason that the partner reads.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`] for all but finance; [`Error::Invalid`] at `reason`.
pub async fn hold(ctx: &Context, ids: &[i64], reason: &str) -> Result<Bulk> {
    ctx.staff(StaffRole::Finance)?;
    let reason = reason_of(reason)?;
    let tx = ctx.begin().await?;
    let rows = lock(&*tx, ids).await?;
    let counts = times(&*tx, ids, "hold").await?;
    let mut bulk = Bulk::default();
    let mut steps = Vec::new();
    for row in &rows {
        let state = state_of(row)?;
        let allowed = CommissionState::MACHINE.check_by(state, CommissionState::Held, Who::Finance);
        let bucket = match (allowed, state.bucket()) {
            (Ok(()), Some(bucket)) => bucket,
            (Err(refusal), _) => {
                bulk.refused.push((row.id, refusal.sentence));
                continue;
            }
            (Ok(()), None) => continue,
        };
        let n = counts.get(&row.id).copied().unwrap_or(0) + 1;
        steps.push(Step {
            row,
            to: CommissionState::Held,
            held_from: Some(bucket),
            note: Some(reason.clone()),
            kind: "hold",
            entry: booked(Entry::hold(row.id, n, row.partner_id, bucket, money(row)?))?,
            action: "commission.held",
            summary: format!("Held: {reason}"),
        });
        bulk.done.push(row.id);
    }
    take(ctx, &*tx, steps).await?;
    tx.commit().await?;
    Ok(bulk)
}

/// Lets held lines go on from where they were stopped.
///
/// # Errors
/// As [`hold`].
pub async fn release(ctx: &Context, ids: &[i64], reason: &str) -> Result<Bulk> {
    ctx.staff(StaffRole::Finance)?;
    let reason = reason_of(reason)?;
    let tx = ctx.begin().await?;
    let rows = lock(&*tx, ids).await?;
    let mut bulk = Bulk::default();
    let mut steps = Vec::new();
    let counts = times(&*tx, ids, "hold").await?;
    let disputed = disputed(&*tx, &rows).await?;
    let asked = asked(&*tx, &rows).await?;
    for row in &rows {
        let among = |of: &HashSet<i64>| row.invoice_id.is_some_and(|id| of.contains(&id));
        let refusal = not_releasable(row)?.or_else(|| {
            let open = match (among(&disputed), among(&asked)) {
                (true, _) => {
                    "The customer’s bank has not decided on a dispute yet; release the line when it \
                     has."
                }
                (_, true) => WHOSE,
                _ => return None,
            };
            Some(open.to_owned())
        });
        if let Some(sentence) = refusal {
            bulk.refused.push((row.id, sentence));
            continue;
        }
        let n = counts.get(&row.id).copied().unwrap_or(1);
        steps.push(released(row, n, format!("Released: {reason}"))?);
        bulk.done.push(row.id);
    }
    take(ctx, &*tx, steps).await?;
    tx.commit().await?;
    Ok(bulk)
}

/// The invoices of lines on which a dispute is open. A line that finance had stopped before the
/// dispute began must not slip through when finance has seen enough.
async fn disputed(tx: &impl ConnectionTrait, rows: &[commission::Model]) -> Result<HashSet<i64>> {
    let invoices: HashSet<i64> = rows.iter().filter_map(|r| r.invoice_id).collect();
    let open: Vec<i64> = invoice_return::Entity::find()
        .select_only()
        .column(invoice_return::Column::InvoiceId)
        .filter(invoice_return::Column::InvoiceId.is_in(invoices))
        .filter(invoice_return::Column::Kind.eq("dispute"))
        .filter(invoice_return::Column::Status.eq("open"))
        .into_tuple()
        .all(tx)
        .await?;
    Ok(open.into_iter().collect())
}

/// What has to come before a line of a customer is released of whom it is asked whose it is.
const WHOSE: &str = "It is not said yet whose customer this is. Say so at the line’s invoice; the line is \
                     released when that is confirmed.";

/// The invoices of lines of whose customer it is asked whose it is.
async fn asked(tx: &impl ConnectionTrait, rows: &[commission::Model]) -> Result<HashSet<i64>> {
    let invoices: HashSet<i64> = rows.iter().filter_map(|r| r.invoice_id).collect();
    let open: Vec<i64> = invoice::Entity::find()
        .select_only()
        .column(invoice::Column::Id)
        .join(JoinType::InnerJoin, invoice::Relation::Customer.def())
        .filter(invoice::Column::Id.is_in(invoices))
        .filter(customer::Column::Question.is_not_null())
        .into_tuple()
        .all(tx)
        .await?;
    Ok(open.into_iter().collect())
}

/// Why finance cannot simply release a line.
fn not_releasable(row: &commission::Model) -> Result<Option<String>> {
    let state = state_of(row)?;
    if state != CommissionState::Held {
        return Ok(Some(format!("This line is “{}”, not held.", state.label())));
    }
    if row.note.as_deref() == Some(HELD_BY_DISPUTE) {
        return Ok(Some(
            "The customer’s bank has not decided on the dispute yet; the line is released or \
             reversed when it does."
                .to_owned(),
        ));
    }
    if row.note.as_deref() == Some(HELD_BY_QUESTION) {
        return Ok(Some(WHOSE.to_owned()));
    }
    if super::adjust::asked_by(row).is_some() {
        return Ok(Some(
            "This adjustment waits for a second person; approve or cancel it.".to_owned(),
        ));
    }
    Ok(None)
}

/// The step of a held line back to where it was.
pub(super) fn released(row: &commission::Model, n: u32, summary: String) -> Result<Step<'_>> {
    let from = row.held_from.as_deref().unwrap_or("pending");
    let to: CommissionState = from.parse().map_err(Error::internal)?;
    let bucket: Bucket = from.parse().map_err(Error::internal)?;
    Ok(Step {
        row,
        to,
        held_from: None,
        note: None,
        kind: "release",
        entry: booked(Entry::release(
            row.id,
            n,
            row.partner_id,
            bucket,
            money(row)?,
        ))?,
        action: "commission.released",
        summary,
    })
}

/// One line's way from a state to another.
pub(super) struct Step<'a> {
    pub(super) row: &'a commission::Model,
    pub(super) to: CommissionState,
    pub(super) held_from: Option<Bucket>,
    pub(super) note: Option<String>,
    pub(super) kind: &'static str,
    pub(super) entry: Entry,
    pub(super) action: &'static str,
    pub(super) summary: String,
}

/// Takes steps: states, ledger and timeline.
pub(super) async fn take(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    steps: Vec<Step<'_>>,
) -> Result<()> {
    take_with(ctx, tx, steps, Vec::new()).await
}

/// The same, with other entries of the same use case: the journal is written once, because that is
/// what keeps the order in which its accounts are locked.
pub(super) async fn take_with(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    steps: Vec<Step<'_>>,
    others: Vec<(Entry, Links)>,
) -> Result<()> {
    let values: Vec<Vec<Value>> = steps
        .iter()
        .map(|s| {
            vec![
                s.row.id.into(),
                s.row.state.clone().into(),
                s.to.as_str().into(),
                s.held_from.map(|b| b.as_str()).into(),
                s.note.clone().into(),
            ]
        })
        .collect();
    let changed = bulk::update_from(
        tx,
        &[
            ("id", "BIGINT"),
            ("old_state", "TEXT"),
            ("state", "TEXT"),
            ("held_from", "TEXT"),
            ("note", "TEXT"),
        ],
        &values,
        "UPDATE commission SET state = v.state, held_from = v.held_from, \
         note = coalesce(v.note, CASE WHEN commission.kind IN ('accrual', 'reversal') \
           THEN NULL ELSE commission.note END) \
         FROM v WHERE commission.id = v.id AND commission.state = v.old_state",
    )
    .await?;
    if changed != values.len() as u64 {
        return Err(Error::conflict(
            "One of the lines has just changed. Reload the page to see how it stands.",
        ));
    }
    let event_ids = bulk::reserve::<event::Entity>(tx, steps.len()).await?;
    let mut events = Vec::with_capacity(steps.len());
    let mut entries = Vec::with_capacity(steps.len());
    for (s, id) in steps.into_iter().zip(event_ids) {
        events.push(event::Model {
            id,
            at: ctx.now(),
            actor_id: ctx.actor.person_id(),
            action: s.action.to_owned(),
            subject_type: "commission".to_owned(),
            subject_id: s.row.id,
            partner_id: Some(s.row.partner_id),
            internal: false,
            summary: s.summary.clone(),
            detail: serde_json::json!({ "before": s.row.state, "after": s.to.as_str() }),
            request_id: ctx.request_id.clone(),
        });
        let links = Links {
            kind: s.kind,
            description: s.summary,
            commission_id: Some(s.row.id),
            payout_id: None,
            effective_at: ctx.now(),
        };
        entries.push((s.entry, links));
    }
    bulk::insert::<event::Entity>(tx, &events).await?;
    let own = entries.len();
    entries.extend(others);
    let posted = post_many(ctx, tx, entries).await?;
    // The lines have just moved: were the journal to know a movement already, they would part.
    if posted.iter().take(own).any(|p| *p == Posted::Repeated) {
        return Err(Error::internal(
            "a line moves in a way the journal has already",
        ));
    }
    Ok(())
}

/// The lines, locked where several may write.
pub(super) async fn lock(tx: &impl ConnectionTrait, ids: &[i64]) -> Result<Vec<commission::Model>> {
    let mut query = commission::Entity::find()
        .filter(commission::Column::Id.is_in(ids.iter().copied()))
        .order_by_asc(commission::Column::Id);
    if tx.get_database_backend() == DbBackend::Postgres {
        query = query.lock(LockType::NoKeyUpdate);
    }
    Ok(query.all(tx).await?)
}

/// Keeps others from these lines, in one order for every process. What changes several in one
/// statement does this first: the statement itself takes them in whatever order it finds them.
pub(crate) async fn hold_lines(tx: &impl ConnectionTrait, which: Condition) -> Result<()> {
    if tx.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    commission::Entity::find()
        .select_only()
        .column(commission::Column::Id)
        .filter(which)
        .order_by_asc(commission::Column::Id)
        .lock(LockType::NoKeyUpdate)
        .into_tuple::<i64>()
        .all(tx)
        .await?;
    Ok(())
}

/// How often each line was moved so far in one way: `hold`, `mature`.
pub(super) async fn times(
    tx: &impl ConnectionTrait,
    ids: &[i64],
    kind: &str,
) -> Result<HashMap<i64, u32>> {
    let rows: Vec<Option<i64>> = ledger_transaction::Entity::find()
        .select_only()
        .column(ledger_transaction::Column::CommissionId)
        .filter(ledger_transaction::Column::CommissionId.is_in(ids.iter().copied()))
        .filter(ledger_transaction::Column::Kind.eq(kind))
        .into_tuple()
        .all(tx)
        .await?;
    let mut counts = HashMap::new();
    for id in rows.into_iter().flatten() {
        *counts.entry(id).or_insert(0) += 1;
    }
    Ok(counts)
}

pub(super) fn state_of(row: &commission::Model) -> Result<CommissionState> {
    row.state.parse().map_err(Error::internal)
}

pub(super) fn money(row: &commission::Model) -> Result<Money> {
    Ok(Money::new(
        row.amount,
        row.currency.parse().map_err(Error::internal)?,
    ))
}

pub(super) fn booked(entry: std::result::Result<Entry, LedgerError>) -> Result<Entry> {
    entry.map_err(Error::internal)
}

pub(super) fn reason_of(text: &str) -> Result<String> {
    let mut errors = FieldErrors::new();
    let reason = errors.check(
        "reason",
        domain::validate::required(text, "the reason", 500),
    );
    errors.finish()?;
    reason.ok_or_else(|| Error::field("reason", "Enter the reason."))
}
