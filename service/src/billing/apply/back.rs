//! What goes back: credit notes, refunds, disputes.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::money::{MoneyError, split_largest_remainder};
use entity::invoice_return;
use stripe_gateway::billing::{
    Charge, CreditNote, CreditNoteStatus, Dispute, DisputeStatus, Refund,
};

use super::{Absent, Done, Trouble, Wish};
use crate::billing::returns::Detail;
use crate::billing::unit::{Row, Unit};
use crate::commission::settle::{Cause, settle};

pub(super) fn credit_note(
    unit: &mut Unit,
    at: DateTime<Utc>,
    said: &CreditNote,
) -> Result<Done, Trouble> {
    if !unit.invoices.contains_key(&said.invoice) {
        return Err(Trouble::Needs(Wish::Invoice(said.invoice.clone())));
    }
    if said.lines_have_more {
        return Err(Trouble::Needs(Wish::CreditNote(said.id.clone())));
    }
    let mut detail = Detail {
        reason: said.reason.clone(),
        ..Detail::default()
    };
    for line in &said.lines {
        // A line of its own belongs to no invoice line: the note is then spread over all of them.
        let Some(name) = &line.invoice_line else {
            detail.lines.clear();
            break;
        };
        let sum = detail.lines.entry(name.clone()).or_insert(0);
        *sum = sum
            .checked_add(line.amounts.net()?.minor)
            .ok_or(MoneyError::Overflow)?;
    }
    for refund in &said.refunds {
        if let Some(id) = &refund.refund {
            let amount = refund.amount.map_or(said.total.minor, |a| a.minor);
            detail.refunds.insert(id.clone(), Some(amount));
        }
    }
    let void = said.status == CreditNoteStatus::Void;
    detail.voided_at = said.voided_at;
    put_return(
        unit,
        &said.invoice,
        &Return {
            stripe_id: said.id.clone(),
            kind: "credit_note",
            amount: said.total.minor,
            status: if void { "void" } else { "final" },
            detail,
            happened_at: said.created,
            told_at: at,
        },
    )?;
    Ok(Done::Processed)
}

/// The invoices a payment paid, with the part of `amount` that falls to each.
fn shares(
    unit: &Unit,
    intent: Option<&str>,
    charge: Option<&str>,
    amount: i64,
    absent: &Absent,
) -> Result<Vec<(String, i64)>, Trouble> {
    let keys = || intent.into_iter().chain(charge);
    let invoices: Option<&BTreeMap<String, i64>> = keys()
        .filter_map(|key| unit.paid_with.get(key))
        .find(|paid| paid.keys().any(|id| unit.invoices.contains_key(id)));
    let Some(invoices) = invoices else {
        if let Some(name) = keys().find_map(|key| absent.payments.get(key)) {
            return Err(Trouble::Waits(name.clone()));
        }
        return Err(Trouble::Needs(Wish::Payments {
            intent: intent.map(str::to_owned),
            charge: charge.map(str::to_owned),
        }));
    };
    let weights: Vec<u64> = invoices.values().map(|a| a.unsigned_abs()).collect();
    let parts = match split_largest_remainder(amount, &weights) {
        Ok(parts) => parts,
        Err(_) => split_largest_remainder(amount, &vec![1; weights.len()])?,
    };
    Ok(invoices.keys().cloned().zip(parts).collect())
}

/// The row's name: the second invoice of one refund needs a name of its own.
fn row_name(id: &str, index: usize, invoice: &str) -> String {
    if index == 0 {
        id.to_owned()
    } else {
        format!("{id}/{invoice}")
    }
}

pub(super) fn refund(
    unit: &mut Unit,
    at: DateTime<Utc>,
    said: &Refund,
    absent: &Absent,
) -> Result<Done, Trouble> {
    let parts = shares(
        unit,
        said.payment_intent.as_deref(),
        said.charge.as_deref(),
        said.amount.minor,
        absent,
    )?;
    for (index, (invoice, amount)) in parts.into_iter().enumerate() {
        let void = !said.counts();
        put_return(
            unit,
            &invoice,
            &Return {
                stripe_id: row_name(&said.id, index, &invoice),
                kind: "refund",
                amount,
                status: if void { "void" } else { "final" },
                detail: Detail {
                    reason: said.reason.clone(),
                    charge: said.charge.clone(),
                    voided_at: void.then_some(at),
                    ..Detail::default()
                },
                happened_at: said.created,
                told_at: at,
            },
        )?;
    }
    Ok(Done::Processed)
}

pub(super) fn charge(
    unit: &mut Unit,
    at: DateTime<Utc>,
    said: &Charge,
    absent: &Absent,
) -> Result<Done, Trouble> {
    // Shapes before 2025 name the invoice themselves.
    let parts = match &said.invoice {
        Some(invoice) if unit.invoices.contains_key(invoice) => {
            vec![(invoice.clone(), said.amount_refunded.minor)]
        }
        Some(invoice) => return Err(Trouble::Needs(Wish::Invoice(invoice.clone()))),
        None => shares(
            unit,
            said.payment_intent.as_deref(),
            Some(&said.id),
            said.amount_refunded.minor,
            absent,
        )?,
    };
    for (index, (invoice, total)) in parts.into_iter().enumerate() {
        let name = row_name(&said.id, index, &invoice);
        say_total(
            unit,
            &invoice,
            &Total {
                stripe_id: &name,
                kind: "refund",
                at,
                total,
            },
        )?;
        settle(
            unit,
            &invoice,
            Some(Cause {
                stripe_id: said.id.clone(),
                at,
                told_at: at,
            }),
        )?;
    }
    for refund in &said.refunds {
        let refund = Refund {
            charge: Some(said.id.clone()),
            payment_intent: refund
                .payment_intent
                .clone()
                .or(said.payment_intent.clone()),
            ..refund.clone()
        };
        self::refund(unit, at, &refund, absent)?;
    }
    Ok(Done::Processed)
}

pub(super) fn dispute(
    unit: &mut Unit,
    at: DateTime<Utc>,
    said: &Dispute,
    absent: &Absent,
) -> Result<Done, Trouble> {
    let parts = shares(
        unit,
        said.payment_intent.as_deref(),
        Some(&said.charge),
        said.amount.minor,
        absent,
    )?;
    let status = if said.is_open() {
        "open"
    } else if said.status == DisputeStatus::Lost {
        "final"
    } else {
        "void"
    };
    for (index, (invoice, amount)) in parts.into_iter().enumerate() {
        put_return(
            unit,
            &invoice,
            &Return {
                stripe_id: row_name(&said.id, index, &invoice),
                kind: "dispute",
                amount,
                status,
                detail: Detail {
                    reason: said.reason.clone(),
                    said_at: Some(at),
                    ..Detail::default()
                },
                happened_at: said.created,
                told_at: at,
            },
        )?;
    }
    Ok(Done::Processed)
}

/// A refund, credit note or dispute as it is to be stored.
struct Return {
    stripe_id: String,
    kind: &'static str,
    amount: i64,
    status: &'static str,
    detail: Detail,
    happened_at: DateTime<Utc>,
    /// When Stripe said it like this.
    told_at: DateTime<Utc>,
}

/// Stores a return and settles its invoice. What is over stays over: an older "open" or "final"
/// that comes late does not bring it back. Of a dispute's two ends, the one told last counts.
fn put_return(unit: &mut Unit, invoice: &str, said: &Return) -> Result<(), Trouble> {
    if said.amount < 0 {
        return Err(Trouble::Bad(format!(
            "{} has a negative amount",
            said.stripe_id
        )));
    }
    let (id, now) = (unit.fresh_id(), unit.now);
    let Some(state) = unit.invoice_mut(invoice) else {
        return Ok(());
    };
    let known = state.returns.iter().find(|r| r.stripe_id == said.stripe_id);
    let voided = known.and_then(|row| Detail::of(row).voided_at);
    let mut detail = said.detail.clone();
    // It was over when that was said first; who says it again does not make it later.
    detail.voided_at = detail.voided_at.map(|at| voided.map_or(at, |v| v.min(at)));
    let detail = serde_json::to_value(&detail).map_err(|e| Trouble::Bad(e.to_string()))?;
    match state
        .returns
        .iter_mut()
        .find(|r| r.stripe_id == said.stripe_id)
    {
        Some(row) => {
            let older = Detail::of(row)
                .said_at
                .zip(said.detail.said_at)
                .is_some_and(|(known, now)| now < known);
            if older || finality(said.kind, said.status) < finality(said.kind, &row.status) {
                return Ok(());
            }
            row.amount = said.amount;
            row.status = said.status.to_owned();
            row.detail = detail;
        }
        None => state.returns.push(Row::fresh(invoice_return::Model {
            id,
            stripe_id: said.stripe_id.clone(),
            kind: said.kind.to_owned(),
            invoice_id: state.row.id,
            amount: said.amount,
            status: said.status.to_owned(),
            detail,
            happened_at: said.happened_at,
            created_at: now,
        })),
    }
    let cause = Cause {
        stripe_id: said.stripe_id.clone(),
        at: said.happened_at,
        told_at: said.told_at,
    };
    settle(unit, invoice, Some(cause))
}

/// The order in which a return's states follow each other.
fn finality(kind: &str, status: &str) -> u8 {
    match (kind, status) {
        (_, "open") => 0,
        // A dispute ends as won or as lost; refunds and credit notes may be taken back later.
        ("dispute", _) => 1,
        (_, "final") => 1,
        _ => 2,
    }
}

/// What a charge or an invoice says in all.
pub(super) struct Total<'a> {
    pub(super) stripe_id: &'a str,
    pub(super) kind: &'static str,
    pub(super) at: DateTime<Utc>,
    pub(super) total: i64,
}

/// Stores what was said in all.
pub(super) fn say_total(unit: &mut Unit, invoice: &str, said: &Total<'_>) -> Result<(), Trouble> {
    if said.total < 0 {
        return Err(Trouble::Bad(format!(
            "{} has a negative total",
            said.stripe_id
        )));
    }
    let (id, now) = (unit.fresh_id(), unit.now);
    let Some(state) = unit.invoice_mut(invoice) else {
        return Ok(());
    };
    let json =
        |detail: &Detail| serde_json::to_value(detail).map_err(|e| Trouble::Bad(e.to_string()));
    match state
        .returns
        .iter_mut()
        .find(|r| r.stripe_id == said.stripe_id)
    {
        Some(row) => {
            let mut detail = Detail::of(row);
            detail.say(said.at, said.total);
            row.amount = detail.totals.last().map_or(said.total, |(_, total)| *total);
            row.detail = json(&detail)?;
        }
        None => {
            let mut detail = Detail::default();
            detail.say(said.at, said.total);
            state.returns.push(Row::fresh(invoice_return::Model {
                id,
                stripe_id: said.stripe_id.to_owned(),
                kind: said.kind.to_owned(),
                invoice_id: state.row.id,
                amount: said.total,
                status: "final".to_owned(),
                detail: json(&detail)?,
                happened_at: said.at,
                created_at: now,
            }));
        }
    }
    Ok(())
}
