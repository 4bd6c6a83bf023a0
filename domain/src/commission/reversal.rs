//! Taking commission back in proportion, and sharing credit.

use crate::money::{Bp, MoneyError, ratio, split_largest_remainder};

/// What has still to be taken back of a commission, in minor units.
///
/// `line_paid` is what was paid for the invoice line, `cumulative_returned` everything of it that
/// has gone back so far (refunds, credit notes, lost disputes together), `already_reversed` what
/// earlier reversals took. Because it works on the totals, the order and size of the steps do not
/// matter, repeating one takes nothing twice, and a fully returned line takes back exactly the
/// whole commission. A negative result gives back, as when a refund has failed.
///
/// # Errors
/// When an amount does not fit.
pub fn reversal_due(
    line_paid: i64,
    cumulative_returned: i64,
    commission: i64,
    already_reversed: i64,
) -> Result<i64, MoneyError> {
    // More than was paid cannot go back; Stripe's totals of an invoice can exceed a line's.
    let returned = cumulative_returned.clamp(line_paid.min(0), line_paid.max(0));
    let target = if line_paid == 0 {
        0
    } else {
        ratio(commission, returned, line_paid)?
    };
    target
        .checked_sub(already_reversed)
        .ok_or(MoneyError::Overflow)
}

/// Splits a line's net amount over the partners who share the credit for a customer. The parts add
/// up to the whole.
///
/// # Errors
/// A sentence when the shares are not above zero or do not add up to 100 %.
pub fn split_credit(net: i64, shares: &[Bp]) -> Result<Vec<i64>, String> {
    let weights: Option<Vec<u64>> = shares
        .iter()
        .map(|share| u64::try_from(share.0).ok().filter(|w| *w > 0))
        .collect();
    let weights = weights.ok_or("Each share has to be above 0%.")?;
    let total: u128 = weights.iter().map(|w| u128::from(*w)).sum();
    if total != u128::from(Bp::WHOLE.0.unsigned_abs()) {
        return Err("The shares have to add up to 100%.".into());
    }
    split_largest_remainder(net, &weights).map_err(|error| error.to_string())
}
