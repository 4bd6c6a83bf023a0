//! What became of a payout's amount: the one place that says what was transferred.

use super::PayoutStatus;

/// What became of payouts' amounts, in minor units of their currency. All but `returned` add up to
/// what was approved; what was returned was sent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moved {
    /// Frozen at approval.
    pub approved: i64,
    /// Stripe made the transfer.
    pub sent: i64,
    /// No transfer was made; the amount is payable again.
    pub failed: i64,
    /// Of what was sent: taken back at Stripe, and payable again.
    pub returned: i64,
    /// Neither sent nor failed yet.
    pub open: i64,
}

impl Moved {
    /// Of payouts in a status that come to `amount`, of which `reversed` was taken back at Stripe.
    pub const fn of(status: PayoutStatus, amount: i64, reversed: i64) -> Self {
        let mut moved = Self {
            approved: amount,
            sent: 0,
            failed: 0,
            returned: 0,
            open: 0,
        };
        match status {
            PayoutStatus::Paid | PayoutStatus::Reversed => {
                moved.sent = amount;
                moved.returned = reversed;
            }
            PayoutStatus::Failed => moved.failed = amount,
            PayoutStatus::Intended | PayoutStatus::Sending | PayoutStatus::Unknown => {
                moved.open = amount;
            }
        }
        moved
    }

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            approved: self.approved.saturating_add(other.approved),
            sent: self.sent.saturating_add(other.sent),
            failed: self.failed.saturating_add(other.failed),
            returned: self.returned.saturating_add(other.returned),
            open: self.open.saturating_add(other.open),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stripe_made_is_sent() {
        for status in PayoutStatus::ALL {
            let moved = Moved::of(*status, 500, 0);
            assert_eq!(moved.sent + moved.failed + moved.open, moved.approved);
            let made = matches!(status, PayoutStatus::Paid | PayoutStatus::Reversed);
            assert_eq!(moved.sent == 500, made, "{status:?}");
        }
        let back = Moved::of(PayoutStatus::Reversed, 500, 500);
        assert_eq!((back.sent, back.returned), (500, 500));
    }
}
