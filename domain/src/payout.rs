//! Payouts: runs, single payouts, who is included, four eyes, and the payout account in words.

pub mod account;
pub mod evidence;
mod moved;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::money::Money;
use crate::transition::{Machine, Transition, Who, step};
pub use account::{PayoutAccountState, Requirement};
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
        /// Given up before anything was sent.
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

crate::text_enum! {
    /// Why a partner and currency is not in a run.
    pub enum LeftOut {
        /// Nothing to pay.
        Nothing = "nothing" => "Nothing to pay",
        /// The partner owes more than it earned.
        NegativeBalance = "negative_balance" => "Balance is negative",
        /// Less than the program's minimum.
        BelowMinimum = "below_minimum" => "Below the minimum payout",
        /// No payout account yet.
        NoAccount = "no_account" => "No payout account",
        /// Stripe still needs something.
        AccountIncomplete = "account_incomplete" => "Payout account is not complete",
        /// Stripe does not let the account receive.
        AccountRestricted = "account_restricted" => "Payout account is restricted",
        /// The account was connected or replaced a short time ago.
        NewAccount = "new_account" => "Payout account is new",
        /// Finance holds the partner's payouts.
        Held = "held" => "Held by finance",
        /// An earlier payout has not ended.
        OpenPayout = "open_payout" => "An earlier payout is still open",
        /// The partner is deactivated or banned.
        PartnerInactive = "partner_inactive" => "Partner is not active",
        /// Finance took it out of this run.
        Excluded = "excluded" => "Excluded by finance",
    }
}

/// What is known about a partner and currency when a run is drafted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Payable up to the cut-off.
    pub balance: Money,
    /// The program's minimum in minor units of the same currency.
    pub minimum_minor: i64,
    /// The payout account.
    pub account: PayoutAccountState,
    /// Finance holds the partner's payouts.
    pub held: bool,
    /// An earlier payout of this partner and currency is open.
    pub open_payout: bool,
    /// The partner is active.
    pub active: bool,
    /// The payout account is too new for its first payout.
    pub account_waits: bool,
}

/// A line of a draft run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Inclusion {
    /// Paid by the run: what Stripe can move of the balance.
    Included {
        /// The amount of the payout.
        amount: Money,
    },
    /// Not paid by the run.
    LeftOut {
        /// Why not.
        reason: LeftOut,
    },
}

/// Decides whether a partner and currency is in a run. The reason a person can do least about
/// comes first.
pub fn include_or_reason(candidate: &Candidate) -> Inclusion {
    let payable = candidate
        .balance
        .currency
        .transferable(candidate.balance.minor);
    let reason = match candidate.account {
        _ if candidate.balance.minor < 0 => LeftOut::NegativeBalance,
        _ if payable == 0 => LeftOut::Nothing,
        _ if !candidate.active => LeftOut::PartnerInactive,
        _ if candidate.held => LeftOut::Held,
        _ if candidate.open_payout => LeftOut::OpenPayout,
        _ if candidate.balance.minor < candidate.minimum_minor => LeftOut::BelowMinimum,
        PayoutAccountState::None | PayoutAccountState::Closed => LeftOut::NoAccount,
        PayoutAccountState::Incomplete | PayoutAccountState::UnderReview => {
            LeftOut::AccountIncomplete
        }
        PayoutAccountState::Restricted => LeftOut::AccountRestricted,
        PayoutAccountState::Ready if candidate.account_waits => LeftOut::NewAccount,
        PayoutAccountState::Ready => {
            let amount = Money::new(payable, candidate.balance.currency);
            return Inclusion::Included { amount };
        }
    };
    Inclusion::LeftOut { reason }
}

/// Who has had a hand in a run, by user id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hands<'a> {
    /// Who drafted it; nobody where the calendar did.
    pub creator: Option<i64>,
    /// Who submitted it, if it was.
    pub submitter: Option<i64>,
    /// Who has approved it so far.
    pub approvers: &'a [i64],
}

/// Four eyes: `approver` must have had no hand in the run. Gives back whether the run is then
/// fully approved. A total above `second_above_minor` needs two different approvers.
///
/// # Errors
/// A sentence that says why this person cannot approve.
pub fn approve(
    hands: &Hands<'_>,
    approver: i64,
    total_minor: i64,
    second_above_minor: Option<i64>,
) -> Result<bool, &'static str> {
    if hands.creator == Some(approver) {
        return Err("You drafted this run. Somebody else in finance has to approve it.");
    }
    if hands.submitter == Some(approver) {
        return Err("You submitted this run. Somebody else in finance has to approve it.");
    }
    if hands.approvers.contains(&approver) {
        return Err("You have already approved this run. A second person has to approve it too.");
    }
    let needed = match second_above_minor {
        Some(limit) if total_minor > limit => 2,
        _ => 1,
    };
    Ok(hands.approvers.len() + 1 >= needed)
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
