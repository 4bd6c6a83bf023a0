//! Taking commission back in proportion, and sharing credit.

use crate::money::{MoneyError, ratio};

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
