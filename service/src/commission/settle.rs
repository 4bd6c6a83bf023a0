//! What an invoice has earned and given back, brought into line with everything known about it.
//!
//! [`settle`] is run after every piece of news about an invoice. It compares what should have been
//! booked with what has been booked, and books the difference; running it again books nothing.

use chrono::{DateTime, Utc};
use domain::commission::{CommissionState, reversal_due};
use domain::money::{Currency, Money, ratio};
use entity::{commission, subscription};

use super::accrue::accrue;
use super::below_zero;
use super::month::Month;
use crate::billing::apply::Trouble;
use crate::billing::returns::{Returned, returned};
use crate::billing::unit::{Booking, InvoiceState, Movement, Note, Row, Unit};

/// Why a line that a dispute holds is held; a hold by a person says something else.
pub(crate) const HELD_BY_DISPUTE: &str = "Held while the customer’s bank decides on a dispute.";
/// Why a line is held whose customer may be somebody else's: what says so came after it was booked,
/// and the order in which news arrive must not decide who is paid.
pub(crate) const HELD_BY_QUESTION: &str = "Held until somebody has said whose customer it is.";

/// The return that makes an invoice be settled again.
#[derive(Clone, Debug)]
pub(crate) struct Cause {
    /// `re_…`, `cn_…`, `dp_…`, `ch_…`, or `sub_…` of one that ended.
    pub(crate) stripe_id: String,
    /// When the money went back.
    pub(crate) at: DateTime<Utc>,
    /// When Stripe said how it stands.
    pub(crate) told_at: DateTime<Utc>,
}

/// For people: why commission was taken back, by Stripe's name for what happened, or the portal's
/// own for what a deal earned (`won:7`, `meeting:3`).
#[must_use]
pub fn cause_words(id: &str) -> String {
    let what = match id.split(['_', ':']).next().unwrap_or_default() {
        "re" | "pyr" => "refund",
        "ch" | "py" => "refunds of the payment",
        "cn" => "credit note",
        "in" => "credit notes of the invoice",
        "dp" | "du" => "lost dispute",
        "sub" => "early end of the subscription",
        "won" => return "the deal is not won after all".to_owned(),
        "meeting" => return "the meeting does not count".to_owned(),
        _ => return id.to_owned(),
    };
    format!("{what} {id}")
}

/// See the module.
pub(crate) fn settle(unit: &mut Unit, invoice: &str, cause: Option<Cause>) -> Result<(), Trouble> {
    let Some(mut state) = unit.invoices.get(invoice).cloned() else {
        return Ok(());
    };
    let open = state.row.outcome != "earned" || below_zero::is_open(&state);
    if state.row.status == "paid" && open {
        accrue(unit, &mut state)?;
    }
    let known = returned(&state, None)?;
    state.row.returned = known.gross;
    for line in &mut state.lines {
        line.returned = known.lines.get(&line.id).copied().unwrap_or(0);
    }
    match &cause {
        Some(cause) => reverse(unit, &mut state, cause, None)?,
        None => catch_up(unit, &mut state)?,
    }
    let told_at = cause.map_or(unit.now, |cause| cause.told_at);
    stop(unit, &mut state, told_at)?;
    unit.put_invoice(state);
    Ok(())
}

/// Takes back what returns that were known before the money came ask for, one by one in the order
/// in which they happened.
fn catch_up(unit: &mut Unit, state: &mut InvoiceState) -> Result<(), Trouble> {
    if state.commissions.is_empty() {
        return Ok(());
    }
    let mut causes: Vec<Cause> = state
        .returns
        .iter()
        .map(|r| Cause {
            stripe_id: r.stripe_id.clone(),
            at: r.happened_at,
            told_at: r.happened_at,
        })
        .collect();
    causes.extend(left_early(unit, state)?);
    causes.sort_by(|a, b| (a.at, &a.stripe_id).cmp(&(b.at, &b.stripe_id)));
    let untouched = state.commissions.iter().all(|c| c.reverses_id.is_none());
    if untouched && causes.len() > 1 {
        for cause in &causes[..causes.len() - 1] {
            reverse(unit, state, cause, Some(cause.at))?;
        }
    }
    match causes.last() {
        Some(last) => reverse(unit, state, last, None),
        None => Ok(()),
    }
}

/// The subscription that the invoice was for.
fn subscription_of<'a>(unit: &'a Unit, state: &InvoiceState) -> Option<&'a subscription::Model> {
    Some(
        unit.subscriptions
            .get(state.row.subscription_stripe_id.as_ref()?)?,
    )
}

/// The early end of the invoice's subscription, where a program takes commission back for it.
pub(crate) fn left_early(unit: &Unit, state: &InvoiceState) -> Result<Option<Cause>, Trouble> {
    let row = subscription_of(unit, state);
    let Some((row, paid_at)) = row.zip(state.row.paid_at) else {
        return Ok(None);
    };
    let Some(at) = row.ended_at else {
        return Ok(None);
    };
    for line in &state.commissions {
        let early = unit.config.left_early(line.program_id, paid_at, row);
        if early.map_err(bad)? {
            let stripe_id = row.stripe_id.clone();
            return Ok(Some(Cause {
                stripe_id,
                at,
                told_at: at,
            }));
        }
    }
    Ok(None)
}

/// Books the difference between what should have been taken back and what was. `until` looks at the
/// returns up to an instant only.
fn reverse(
    unit: &mut Unit,
    state: &mut InvoiceState,
    cause: &Cause,
    until: Option<DateTime<Utc>>,
) -> Result<(), Trouble> {
    let Some(paid_at) = state.row.paid_at else {
        return Ok(());
    };
    let originals: Vec<usize> = (0..state.commissions.len())
        .filter(|i| {
            let c = &state.commissions[*i];
            c.reverses_id.is_none() && c.kind == "accrual" && c.state != "canceled"
        })
        .collect();
    let ended = subscription_of(unit, state)
        .filter(|row| {
            row.ended_at
                .is_some_and(|at| until.is_none_or(|until| at <= until))
        })
        .cloned();
    let mut seen: Option<(DateTime<Utc>, Returned)> = None;
    for index in originals {
        let program_id = state.commissions[index].program_id;
        let days = unit
            .config
            .policy(program_id, paid_at)
            .map_err(bad)?
            .clawback_days;
        let window = paid_at + chrono::TimeDelta::days(days.clamp(0, 36_500));
        // What goes back after the clawback window leaves the commission.
        let until = until.map_or(window, |until| until.min(window));
        let returned = match &seen {
            Some((at, known)) if *at == until => known.clone(),
            _ => returned(state, Some(until))?,
        };
        seen = Some((until, returned.clone()));
        let early = match &ended {
            Some(row)
                if unit
                    .config
                    .left_early(program_id, paid_at, row)
                    .map_err(bad)? =>
            {
                Some(row)
            }
            _ => None,
        };
        let back = Back {
            returned: &returned,
            early,
        };
        reverse_one(unit, state, index, &back, cause, paid_at)?;
    }
    Ok(())
}

/// What is to be taken back.
struct Back<'a> {
    /// The money that went back; in proportion to it.
    returned: &'a Returned,
    /// The subscription that ended early; then all of it, whatever went back.
    early: Option<&'a subscription::Model>,
}

fn reverse_one(
    unit: &mut Unit,
    state: &mut InvoiceState,
    index: usize,
    back: &Back<'_>,
    cause: &Cause,
    paid_at: DateTime<Utc>,
) -> Result<(), Trouble> {
    let original = &state.commissions[index];
    let line = original.invoice_line_id;
    // Without a line it is a commission on the invoice as a whole.
    let paid = match line {
        Some(id) => state.lines.iter().find(|l| l.id == id).map_or(0, |l| l.net),
        None => state.row.net,
    };
    let parts = &back.returned.lines;
    let returned = match line {
        Some(id) => parts.get(&id).copied().unwrap_or(0),
        None => parts
            .values()
            .try_fold(0i64, |sum, part| sum.checked_add(*part))
            .ok_or(domain::money::MoneyError::Overflow)?,
    };
    let gone = if back.early.is_some() { paid } else { returned };
    let already = if original.amount < 0 {
        -original.reversed
    } else {
        original.reversed
    };
    let due = reversal_due(paid, gone, original.amount, already)?;
    if due == 0 {
        return Ok(());
    }
    reopen(state, index);
    let original = &state.commissions[index];
    let earlier: Vec<&Row<commission::Model>> = state
        .commissions
        .iter()
        .filter(|c| c.reverses_id == Some(original.id))
        .collect();
    let basis_before: i64 = earlier.iter().map(|c| c.basis).sum();
    // By what is taken back, not by what went back at Stripe: a step that takes back nothing writes
    // no line, and the month's revenue must not depend on which steps those were.
    let taken = already
        .checked_add(due)
        .ok_or(domain::money::MoneyError::Overflow)?;
    let basis_target = ratio(original.basis, taken, original.amount)?;
    let basis = -(basis_target + basis_before);
    let n = earlier.len() + 1;
    let standing: CommissionState = original
        .state
        .parse()
        .map_err(|e| Trouble::Bad(format!("{e}")))?;
    let row_state = match standing {
        CommissionState::Pending | CommissionState::Held => standing,
        _ => CommissionState::Payable,
    };
    let at = cause.at.max(paid_at);
    let zone = unit.config.zone(original.program_id);
    let currency: Currency = original.currency.parse()?;
    let amount = due
        .checked_neg()
        .ok_or(domain::money::MoneyError::Overflow)?;
    let row = commission::Model {
        id: unit.fresh_id(),
        kind: "reversal".to_owned(),
        reverses_id: Some(original.id),
        reference: format!("{}:{}:{n}", original.reference, cause.stripe_id),
        basis,
        amount,
        reversed: 0,
        state: row_state.as_str().to_owned(),
        held_from: original
            .held_from
            .clone()
            .filter(|_| row_state == CommissionState::Held),
        month: domain::calendar::month_of(at, zone),
        payout_id: None,
        explain: serde_json::json!({
            "cause": cause.stripe_id,
            "line_paid": paid,
            "line_returned": returned,
            "left_early": back.early.map(|s| serde_json::json!({
                "subscription": s.stripe_id,
                "started_at": s.started_at,
                "ended_at": s.ended_at,
            })),
            "commission": original.amount,
            "already_reversed": already,
            "due": due,
        }),
        note: if row_state == CommissionState::Held {
            original.note.clone()
        } else {
            None
        },
        earned_at: at,
        created_at: unit.now,
        ..(**original).clone()
    };
    unit.effects.bookings.push(Booking {
        commission_id: row.id,
        partner_id: row.partner_id,
        amount: Money::new(due, currency),
        movement: Movement::Reverse {
            original: original.id,
            cause: format!("{}:{n}", cause.stripe_id),
            from: standing.reversal_bucket(),
        },
        description: format!("Taken back: {}", cause_words(&cause.stripe_id)),
        effective_at: at,
    });
    unit.history.add(Month::of(&row));
    let verb = if due.signum() == original.amount.signum() {
        "taken back"
    } else {
        "given back"
    };
    unit.effects.notes.push(Note {
        action: "commission.reversed",
        subject_type: "commission",
        subject_id: original.id,
        partner_id: Some(row.partner_id),
        internal: false,
        summary: format!(
            "{} {verb} because of {}.",
            Money::new(due.checked_abs().unwrap_or(i64::MAX), currency).format("en"),
            cause_words(&cause.stripe_id)
        ),
        detail: row.explain.clone(),
    });
    let original = &mut state.commissions[index];
    original.reversed = already
        .checked_add(due)
        .and_then(i64::checked_abs)
        .ok_or(domain::money::MoneyError::Overflow)?;
    let id = original.id;
    state.commissions.push(Row::fresh(row));
    close_if_nothing_left(state, id);
    Ok(())
}

/// A line that was taken back whole waits again when something is given back, as when a refund
/// fails, and so do its reversals: together still nothing. Whether the hold is over is the calendar's
/// to say, so that what is booked does not depend on when it is booked.
fn reopen(state: &mut InvoiceState, index: usize) {
    let original = &state.commissions[index];
    if original.state != "reversed" {
        return;
    }
    let id = original.id;
    for c in state
        .commissions
        .iter_mut()
        .filter(|c| (c.id == id || c.reverses_id == Some(id)) && c.state == "reversed")
    {
        c.state = "pending".to_owned();
    }
}

/// A line that was taken back whole before it was paid is over, and so are its reversals: together
/// they come to nothing, wherever they stand.
fn close_if_nothing_left(state: &mut InvoiceState, original: i64) {
    let family = |c: &Row<commission::Model>| {
        (c.id == original || c.reverses_id == Some(original)) && c.state != "reversed"
    };
    let members: Vec<&Row<commission::Model>> =
        state.commissions.iter().filter(|c| family(c)).collect();
    let sum: i128 = members.iter().map(|c| i128::from(c.amount)).sum();
    let Some(first) = members.first() else { return };
    let together = members.iter().all(|c| c.state == first.state);
    if sum != 0 || !together || !matches!(first.state.as_str(), "pending" | "held" | "payable") {
        return;
    }
    for c in state.commissions.iter_mut().filter(|c| family(c)) {
        c.state = "reversed".to_owned();
        c.held_from = None;
        c.note = None;
    }
}

/// Holds what is not paid yet while a dispute is open, since it began, or while it is asked whose
/// customer it is; releases it when neither is, since that was said.
fn stop(unit: &mut Unit, state: &mut InvoiceState, told_at: DateTime<Utc>) -> Result<(), Trouble> {
    let since = |status: &str| {
        let those = state
            .returns
            .iter()
            .filter(|r| r.kind == "dispute" && r.status == status);
        those.map(|r| r.happened_at).min()
    };
    let began = since("open");
    state.row.disputed = began.is_some() || since("final").is_some();
    let key = unit.customer_keys.get(&state.row.customer_id);
    let customer = key.and_then(|key| unit.customers.get(key));
    let asked = customer.is_some_and(|customer| customer.question.is_some());
    let why = match (began, asked) {
        (Some(_), _) => Some(HELD_BY_DISPUTE),
        (None, true) => Some(HELD_BY_QUESTION),
        (None, false) => None,
    };
    let InvoiceState {
        commissions, holds, ..
    } = state;
    for c in commissions.iter_mut() {
        let count = holds.entry(c.id).or_insert(0);
        let Some((movement, summary)) = stop_or_release(c, why, count)? else {
            continue;
        };
        let action = match movement {
            Movement::Hold { .. } => "commission.held",
            _ => "commission.released",
        };
        unit.effects.bookings.push(Booking {
            commission_id: c.id,
            partner_id: c.partner_id,
            amount: Money::new(c.amount, c.currency.parse()?),
            movement,
            description: summary.to_owned(),
            effective_at: began.unwrap_or(told_at).max(c.earned_at),
        });
        unit.effects.notes.push(Note {
            action,
            subject_type: "commission",
            subject_id: c.id,
            partner_id: Some(c.partner_id),
            internal: false,
            summary: summary.to_owned(),
            detail: serde_json::json!({}),
        });
    }
    Ok(())
}

/// Brings one line in step with why it is to be held, if anything but a person holds it; says what
/// that moves. `count` is how often it was held.
fn stop_or_release(
    c: &mut Row<commission::Model>,
    why: Option<&'static str>,
    count: &mut u32,
) -> Result<Option<(Movement, &'static str)>, Trouble> {
    let standing: CommissionState = c.state.parse().map_err(bad)?;
    let free = matches!(
        standing,
        CommissionState::Pending | CommissionState::Payable
    );
    let held = standing == CommissionState::Held;
    let before = [HELD_BY_DISPUTE, HELD_BY_QUESTION]
        .into_iter()
        .find(|reason| held && c.note.as_deref() == Some(reason));
    Ok(match (why, before) {
        (Some(why), None) if free => {
            let Some(from) = standing.bucket() else {
                return Ok(None);
            };
            *count += 1;
            c.held_from = Some(std::mem::replace(&mut c.state, "held".to_owned()));
            c.note = Some(why.to_owned());
            Some((Movement::Hold { n: *count, from }, why))
        }
        (Some(why), Some(before)) => {
            if why != before {
                c.note = Some(why.to_owned());
            }
            None
        }
        (None, Some(before)) => {
            let back = c.held_from.take().unwrap_or_else(|| "pending".to_owned());
            let to = back.parse().map_err(bad)?;
            c.state = back;
            c.note = None;
            let over = match before {
                HELD_BY_DISPUTE => "Released: the dispute is over.",
                _ => "Released: it is said whose customer it is.",
            };
            Some((Movement::Release { n: *count, to }, over))
        }
        _ => None,
    })
}

pub(super) fn bad(error: impl std::fmt::Display) -> Trouble {
    Trouble::Bad(error.to_string())
}
