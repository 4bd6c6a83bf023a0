//! The commission engine: which rule pays for an event, how much, and why.
//!
//! [`evaluate`] is a pure function of a plan and the [`Facts`] of one event. Everything that went
//! into an amount is kept with it, so that it can be recomputed by hand.

mod balance;
mod calculation;
mod credit;
mod evaluate;
mod facts;
mod fraction;
mod matching;
mod reversal;

pub use balance::{BalanceChange, BySource, CreditSource, taken};
pub use calculation::{Calculation, CapApplied, Outcome, Rate, Reason, Slice, Step};
pub use credit::{Part, Shares};
pub use evaluate::evaluate;
pub use facts::{CapUse, CustomerAge, Facts, ServicePeriod, TierAt};
pub use fraction::Fraction;
pub use reversal::reversal_due;

use crate::transition::{Machine, Transition, Who, step};

crate::text_enum! {
    /// Where a commission stands.
    pub enum CommissionState {
        /// Earned, on hold until a date.
        Pending = "pending" => "On hold",
        /// May be paid.
        Payable = "payable" => "Payable",
        /// In a payout that has not ended.
        InPayout = "in_payout" => "In payout",
        /// Paid.
        Paid = "paid" => "Paid",
        /// Taken back before it became payable for a reason that is not a refund.
        Canceled = "canceled" => "Canceled",
        /// Taken back in full because the money went back.
        Reversed = "reversed" => "Taken back",
        /// Stopped by a review or a dispute.
        Held = "held" => "Review hold",
    }
}

use CommissionState as C;
const SYSTEM: &[Who] = &[Who::System];
const BOTH: &[Who] = &[Who::Finance, Who::System];

const COMMISSION_TABLE: &[Transition<CommissionState>] = &[
    step(C::Pending, C::Payable, "Release from hold", SYSTEM),
    step(C::Payable, C::InPayout, "Enter payout", SYSTEM),
    step(C::InPayout, C::Paid, "Pay", SYSTEM),
    step(C::InPayout, C::Payable, "Return to balance", SYSTEM),
    step(C::Paid, C::Payable, "Return to balance", SYSTEM),
    step(C::Pending, C::Held, "Hold", BOTH),
    step(C::Payable, C::Held, "Hold", BOTH),
    step(C::Held, C::Pending, "Release", BOTH),
    step(C::Held, C::Payable, "Release", BOTH),
    step(C::Pending, C::Canceled, "Cancel", BOTH),
    step(C::Held, C::Canceled, "Cancel", BOTH),
    step(C::Payable, C::Canceled, "Cancel", BOTH),
    step(C::Pending, C::Reversed, "Reverse", SYSTEM),
    step(C::Held, C::Reversed, "Reverse", SYSTEM),
    step(C::Payable, C::Reversed, "Reverse", SYSTEM),
    step(C::Paid, C::Reversed, "Reverse", SYSTEM),
    step(C::Reversed, C::Pending, "Restore", SYSTEM),
];

impl CommissionState {
    /// The allowed transitions. A commission in a payout is not reversed itself: the payout ends
    /// first, meanwhile a negative entry takes the money back. A reversal is undone when the
    /// refund behind it fails. The system cancels what a deal earned by itself when that is undone.
    pub const MACHINE: Machine<CommissionState> = Machine {
        subject: "commission",
        table: COMMISSION_TABLE,
    };

    /// The part of the partner's balance in which it is, if it is in one.
    pub const fn bucket(self) -> Option<crate::ledger::Bucket> {
        use crate::ledger::Bucket;
        match self {
            Self::Pending => Some(Bucket::Pending),
            Self::Held => Some(Bucket::Held),
            Self::Payable => Some(Bucket::Payable),
            Self::InPayout => Some(Bucket::InPayout),
            Self::Paid | Self::Canceled | Self::Reversed => None,
        }
    }

    /// The part of the balance a reversal takes from: where the commission is, or the payable
    /// balance during and after payout.
    pub const fn reversal_bucket(self) -> crate::ledger::Bucket {
        use crate::ledger::Bucket;
        match self {
            Self::Pending => Bucket::Pending,
            Self::Held => Bucket::Held,
            _ => Bucket::Payable,
        }
    }
}

#[cfg(test)]
#[path = "commission/tests.rs"]
mod tests;
