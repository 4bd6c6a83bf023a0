//! Writes what a batch has worked out.

mod rows;

use std::collections::HashMap;

use domain::ledger::Entry;
use entity::{
    attribution, commission, event, invoice, invoice_line, invoice_payment, invoice_return,
    subscription,
};
use sea_orm::sea_query::IntoCondition;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ModelTrait, Value};

use super::unit::{Booking, Movement, Row, Unit};
use crate::bulk;
use crate::commission::bookings::Bookings;
use crate::commission::deal::Batch;
use crate::commission::hold_lines;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::ledger::Links;
use crate::mail::Letter;
use crate::notice;

/// The real ids of rows that had none.
#[derive(Debug, Default)]
struct Ids(HashMap<i64, i64>);

impl Ids {
    fn real(&self, id: i64) -> i64 {
        if id < 0 {
            self.0.get(&id).copied().unwrap_or(id)
        } else {
            id
        }
    }

    /// Puts the real id in, and returns it.
    fn set(&self, id: &mut i64) -> i64 {
        *id = self.real(*id);
        *id
    }

    /// Reserves ids for these rows.
    async fn reserve<E: EntityTrait>(
        &mut self,
        tx: &impl ConnectionTrait,
        fresh: &[i64],
    ) -> Result<()> {
        let ids = bulk::reserve::<E>(tx, fresh.len()).await?;
        self.0.extend(fresh.iter().copied().zip(ids));
        Ok(())
    }
}

/// The rows to insert, with real ids put in by `fix`, which returns their own. They come in the order
/// of their ids: a row may point at an earlier one, and a table only grows at its end.
fn fresh<'a, M: ModelTrait + PartialEq + 'a>(
    rows: impl Iterator<Item = &'a Row<M>>,
    fix: impl Fn(&mut M) -> i64,
) -> Vec<M> {
    let rows = rows.filter(|row| row.is_fresh());
    let mut fresh: Vec<(i64, M)> = rows
        .map(|row| {
            let mut row = (**row).clone();
            (fix(&mut row), row)
        })
        .collect();
    fresh.sort_unstable_by_key(|(id, _)| *id);
    fresh.into_iter().map(|(_, row)| row).collect()
}

/// Writes everything but months and ledger, which are the caller's to book last. Rows that somebody
/// else has changed meanwhile make it fail as a whole.
pub(super) async fn flush(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    unit: Unit,
) -> Result<Bookings> {
    let mut ids = Ids::default();
    reserve(tx, &unit, &mut ids).await?;
    rows::customers(tx, &unit).await?;
    rows::write_subscriptions(tx, &unit, &ids).await?;
    let attributions: Vec<attribution::Model> = fresh(
        unit.accounts.values().flat_map(|a| &a.attributions),
        |a: &mut attribution::Model| ids.set(&mut a.id),
    );
    bulk::insert::<attribution::Entity>(tx, &attributions).await?;
    rows::write_invoices(tx, &unit, &ids).await?;
    rows::write_returns(tx, &unit, &ids).await?;
    rows::write_balances(tx, &unit).await?;
    write_commissions(tx, &unit, &ids).await?;
    let mut bookings = Bookings {
        months: unit.history.added().to_vec(),
        entries: unit
            .effects
            .bookings
            .iter()
            .map(|b| entry(b, &ids))
            .collect::<Result<_>>()?,
    };
    for won in &unit.effects.won {
        let batch = Batch {
            config: Some(&unit.config),
            earned: &bookings.months,
        };
        let reward = super::won::win(ctx, tx, &batch, won).await?;
        bookings.add(reward);
    }
    write_notes(ctx, tx, &unit, &ids).await?;
    for (text, invoice_id) in &unit.effects.letters {
        let letter = Letter::new(text.clone()).text(
            "What nobody paid for with money earns no commission. If it was money, book the \
             commission by hand.",
        );
        let path = format!("/finance/invoices/{}", ids.real(*invoice_id));
        notice::tell_staff(ctx, tx, notice::FINANCE, letter, &path).await?;
    }
    for question in &unit.effects.questions {
        question.tell(ctx, tx).await?;
    }
    for job in &unit.effects.jobs {
        let payload = crate::payout::jobs::StripeObject {
            stripe_id: job.stripe_id.clone(),
        };
        crate::job::enqueue(
            ctx,
            tx,
            job.kind,
            &payload,
            Some(job.dedupe_key.clone()),
            ctx.now(),
        )
        .await?;
    }
    Ok(bookings)
}

/// Ids for every new row.
async fn reserve(tx: &impl ConnectionTrait, unit: &Unit, ids: &mut Ids) -> Result<()> {
    fn new<'a, M: Clone + PartialEq + 'a>(
        rows: impl Iterator<Item = &'a Row<M>>,
        id: impl Fn(&M) -> i64,
    ) -> Vec<i64> {
        let mut fresh: Vec<i64> = rows.filter(|r| r.is_fresh()).map(|r| id(r)).collect();
        // Descending negative ids are ascending in time.
        fresh.sort_unstable_by(|a, b| b.cmp(a));
        fresh
    }
    let states = || unit.invoices.values();
    ids.reserve::<subscription::Entity>(tx, &new(unit.subscriptions.values(), |r| r.id))
        .await?;
    let attributions = unit.accounts.values().flat_map(|a| &a.attributions);
    ids.reserve::<attribution::Entity>(tx, &new(attributions, |r| r.id))
        .await?;
    ids.reserve::<invoice::Entity>(tx, &new(states().map(|s| &s.row), |r| r.id))
        .await?;
    ids.reserve::<invoice_line::Entity>(tx, &new(states().flat_map(|s| &s.lines), |r| r.id))
        .await?;
    ids.reserve::<invoice_payment::Entity>(tx, &new(states().flat_map(|s| &s.payments), |r| r.id))
        .await?;
    ids.reserve::<invoice_return::Entity>(tx, &new(states().flat_map(|s| &s.returns), |r| r.id))
        .await?;
    ids.reserve::<commission::Entity>(tx, &new(states().flat_map(|s| &s.commissions), |r| r.id))
        .await
}

async fn write_commissions(tx: &impl ConnectionTrait, unit: &Unit, ids: &Ids) -> Result<()> {
    let rows = || unit.invoices.values().flat_map(|s| &s.commissions);
    let inserted: Vec<commission::Model> = fresh(rows(), |c: &mut commission::Model| {
        c.invoice_id = c.invoice_id.map(|id| ids.real(id));
        c.invoice_line_id = c.invoice_line_id.map(|id| ids.real(id));
        c.reverses_id = c.reverses_id.map(|id| ids.real(id));
        ids.set(&mut c.id)
    });
    bulk::insert::<commission::Entity>(tx, &inserted).await?;
    let mut changed: Vec<(&commission::Model, &commission::Model)> = rows()
        .filter_map(|c| Some((&**c, c.changed_from()?)))
        .collect();
    changed.sort_by_key(|(now, _)| now.id);
    if !changed.is_empty() {
        let ids = changed.iter().map(|(now, _)| now.id);
        hold_lines(tx, commission::Column::Id.is_in(ids).into_condition()).await?;
    }
    let values: Vec<Vec<Value>> = changed
        .iter()
        .map(|(now, before)| {
            vec![
                now.id.into(),
                before.state.clone().into(),
                before.reversed.into(),
                now.state.clone().into(),
                now.held_from.clone().into(),
                now.note.clone().into(),
                now.reversed.into(),
            ]
        })
        .collect();
    let written = bulk::update_from(
        tx,
        &[
            ("id", "BIGINT"),
            ("old_state", "TEXT"),
            ("old_reversed", "BIGINT"),
            ("state", "TEXT"),
            ("held_from", "TEXT"),
            ("note", "TEXT"),
            ("reversed", "BIGINT"),
        ],
        &values,
        "UPDATE commission SET state = v.state, held_from = v.held_from, note = v.note, \
         reversed = v.reversed FROM v WHERE commission.id = v.id \
         AND commission.state = v.old_state AND commission.reversed = v.old_reversed",
    )
    .await?;
    if written != values.len() as u64 {
        return Err(Error::conflict("A commission changed at the same moment."));
    }
    Ok(())
}

/// A booking as a journal entry, now that ids are known.
fn entry(booking: &Booking, ids: &Ids) -> Result<(Entry, Links)> {
    let id = ids.real(booking.commission_id);
    let (partner, amount) = (booking.partner_id, booking.amount);
    let (kind, entry) = match &booking.movement {
        Movement::Accrue => ("accrual", Entry::accrue(id, partner, amount)),
        Movement::Reverse {
            original,
            cause,
            from,
        } => (
            "reversal",
            Entry::reverse(ids.real(*original), cause, partner, *from, amount),
        ),
        Movement::Hold { n, from } => ("hold", Entry::hold(id, *n, partner, *from, amount)),
        Movement::Release { n, to } => ("release", Entry::release(id, *n, partner, *to, amount)),
    };
    let links = Links {
        kind,
        description: booking.description.clone(),
        commission_id: Some(id),
        payout_id: None,
        effective_at: booking.effective_at,
    };
    Ok((entry.map_err(Error::internal)?, links))
}

async fn write_notes(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    unit: &Unit,
    ids: &Ids,
) -> Result<()> {
    let event_ids = bulk::reserve::<event::Entity>(tx, unit.effects.notes.len()).await?;
    let rows: Vec<event::Model> = unit
        .effects
        .notes
        .iter()
        .zip(event_ids)
        .map(|(note, id)| event::Model {
            id,
            at: ctx.now(),
            actor_id: ctx.actor.person_id(),
            action: note.action.to_owned(),
            subject_type: note.subject_type.to_owned(),
            subject_id: ids.real(note.subject_id),
            partner_id: note.partner_id,
            internal: note.internal,
            summary: note.summary.clone(),
            detail: note.detail.clone(),
            request_id: ctx.request_id.clone(),
        })
        .collect();
    bulk::insert::<event::Entity>(tx, &rows).await?;
    Ok(())
}
