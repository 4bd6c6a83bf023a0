//! Payouts: runs, single payouts, who is included, four eyes, and the payout account in words.

pub mod account;
mod content;
pub mod evidence;
mod gate;
mod hands;
mod moved;
pub mod reach;

use chrono::{Datelike, NaiveDate};

use crate::transition::{Machine, Transition, Who, step};
pub use account::{PayoutAccountState, Requirement};
pub use content::{Content, Shown};
pub use gate::{Candidate, Claim, Freezing, Inclusion, LeftOut, Standing, include_or_reason};
pub use hands::{Did, Hands, approve};
pub use moved::Moved;

crate::text_enum! {
    /// Where a payout run stands.
    pub enum RunStatus {
        /// Being put together.
        Draft = "draft" => "Draft",
        /// Waits for another person's approval.
        Submitted = "submitted" => "Waiting for approval",
        /// Approved; waits to be sent.
        Approved = "approved" => "Approved",
        /// Approved, but Stripe's balance is too low.
        WaitingForBalance = "waiting_for_balance" => "Waiting for balance",
        /// Transfers are being made.
        Sending = "sending" => "Sending",
        /// Every payout has ended.
        Done = "done" => "Done",
        /// Given up; what was not sent by then is payable again.
        Canceled = "canceled" => "Canceled",
    }
}

use RunStatus as R;
const FINANCE: &[Who] = &[Who::Finance];
const SYSTEM: &[Who] = &[Who::System];

const RUN_TABLE: &[Transition<RunStatus>] = &[
    step(R::Draft, R::Submitted, "Submit for approval", FINANCE),
    step(R::Submitted, R::Approved, "Approve", FINANCE),
    step(R::Submitted, R::Draft, "Send back", FINANCE),
    step(
        R::Approved,
        R::Sending,
        "Send",
        &[Who::Finance, Who::System],
    ),
    step(
        R::Approved,
        R::WaitingForBalance,
        "Wait for balance",
        SYSTEM,
    ),
    step(
        R::WaitingForBalance,
        R::Sending,
        "Send",
        &[Who::Finance, Who::System],
    ),
    // Stripe refused a transfer for want of balance: the approval stands, the run goes on by itself.
    step(R::Sending, R::WaitingForBalance, "Wait for balance", SYSTEM),
    step(R::Sending, R::Done, "Finish", SYSTEM),
    step(R::Draft, R::Canceled, "Cancel", FINANCE),
    step(R::Submitted, R::Canceled, "Cancel", FINANCE),
    step(R::Approved, R::Canceled, "Cancel", FINANCE),
    step(R::WaitingForBalance, R::Canceled, "Cancel", FINANCE),
];

impl RunStatus {
    /// The allowed transitions.
    pub const MACHINE: Machine<RunStatus> = Machine {
        subject: "payout run",
        table: RUN_TABLE,
    };
}

crate::text_enum! {
    /// Where a single payout stands.
    pub enum PayoutStatus {
        /// Frozen: members, amount and currency are fixed; nothing was sent.
        Intended = "intended" => "Not sent yet",
        /// Stripe is being called.
        Sending = "sending" => "Sending",
        /// Stripe's answer is not known; it is asked, not sent again blindly.
        Unknown = "unknown" => "Being checked with Stripe",
        /// The transfer was made.
        Paid = "paid" => "Paid",
        /// It definitely failed; the amount is payable again.
        Failed = "failed" => "Failed",
        /// The transfer was made and came back in full.
        Reversed = "reversed" => "Reversed",
    }
}

use PayoutStatus as P;

const PAYOUT_TABLE: &[Transition<PayoutStatus>] = &[
    step(P::Intended, P::Sending, "Send", SYSTEM),
    step(
        P::Intended,
        P::Failed,
        "Give up",
        &[Who::Finance, Who::System],
    ),
    step(P::Sending, P::Paid, "Confirm", SYSTEM),
    step(P::Sending, P::Failed, "Fail", SYSTEM),
    step(P::Sending, P::Unknown, "Lose track", SYSTEM),
    // Stripe said that nothing was done and why: the key, the balance, too many at once.
    step(P::Sending, P::Intended, "Put back unsent", SYSTEM),
    step(P::Unknown, P::Paid, "Find", SYSTEM),
    // The passing of time proves nothing: a person says so, with what Stripe lists.
    step(P::Unknown, P::Failed, "Rule out", FINANCE),
    step(
        P::Unknown,
        P::Sending,
        "Send again with the same key",
        SYSTEM,
    ),
    step(P::Paid, P::Reversed, "Reverse", SYSTEM),
];

impl PayoutStatus {
    /// The allowed transitions.
    pub const MACHINE: Machine<PayoutStatus> = Machine {
        subject: "payout",
        table: PAYOUT_TABLE,
    };

    /// True while the amount is neither paid nor back: a partner has one such payout per currency.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Intended | Self::Sending | Self::Unknown)
    }
}

/// The next payout date of a monthly calendar on or after `today`, in the program's zone. A day
/// that a month does not have is its last one. `None` past the end of the calendar.
pub fn next_payout_date(today: NaiveDate, day_of_month: u32) -> Option<NaiveDate> {
    let in_month = |year, month| {
        (1..=day_of_month.clamp(1, 31))
            .rev()
            .find_map(|d| NaiveDate::from_ymd_opt(year, month, d))
    };
    let this = in_month(today.year(), today.month())?;
    if this >= today {
        return Some(this);
    }
    match today.month() {
        12 => in_month(today.year().checked_add(1)?, 1),
        month => in_month(today.year(), month + 1),
    }
}

#[cfg(test)]
#[path = "payout/tests.rs"]
mod tests;
