//! Invoices below zero: what is left over of something that was paid before.
//!
//! They take back of what was earned. Where a customer has earned a partner nothing yet, there is
//! nothing to take back, and the partner does not begin with a debt. Because invoices arrive in any
//! order, they are looked at again whenever an earlier one of the customer has earned.

use chrono::{DateTime, Utc};

use crate::billing::unit::{InvoiceState, Unit};

/// Why such an invoice books nothing.
pub(super) const WHY: &str = "It is below zero, and nothing was earned with this customer before that \
                              could be taken back.";

/// Whether an invoice that the customer paid before has earned the partner something.
pub(super) fn has_earned_before(unit: &Unit, state: &InvoiceState, partner_id: i64) -> bool {
    let Some(at) = state.row.paid_at else {
        return false;
    };
    let (customer, currency) = (state.row.customer_id, &state.row.currency);
    let before = |paid_at: Option<DateTime<Utc>>| paid_at.is_some_and(|before| before <= at);
    let known = unit.earned.iter().any(|earned| {
        earned.customer_id == customer
            && earned.partner_id == partner_id
            && earned.currency == *currency
            && before(earned.paid_at)
    });
    // And what this batch has booked so far.
    known
        || unit.invoices.values().any(|other| {
            other.row.id != state.row.id
                && other.row.customer_id == customer
                && other.row.currency == *currency
                && before(other.row.paid_at)
                && other
                    .commissions
                    .iter()
                    .any(|c| c.partner_id == partner_id && c.kind == "accrual" && c.amount > 0)
        })
}

/// Whether it has taken nothing back of somebody so far.
pub(super) fn is_open(state: &InvoiceState) -> bool {
    let reason = state.row.outcome_reason.as_deref();
    state.row.status == "paid" && reason.is_some_and(|reason| reason.contains(WHY))
}

/// The paid invoices below zero that have taken nothing back of somebody so far.
pub(crate) fn open(unit: &Unit) -> Vec<String> {
    let open = unit.invoices.iter().filter(|(_, state)| is_open(state));
    unit.as_paid(open.map(|(key, _)| key.clone()))
}
