//! Whether a payout may leave: one rule, asked when a run is counted, when it is approved, and again
//! in the claim that sends each payout. Between any two of these days may pass.

use serde::{Deserialize, Serialize};

use super::PayoutAccountState;
use crate::money::Money;

crate::text_enum! {
    /// Why a partner and currency is not paid.
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
        /// Stripe said that it does not pay to the partner's country.
        CountryNotPaid = "country_not_paid" => "Stripe does not pay to this country",
        /// The account is another one than the payout was approved for.
        AccountReplaced = "account_replaced" => "Payout account was replaced after the approval",
        /// Finance holds the partner's payouts.
        Held = "held" => "Held by finance",
        /// An earlier payout has not ended.
        OpenPayout = "open_payout" => "An earlier payout is still open",
        /// The partner is deactivated or banned.
        PartnerInactive = "partner_inactive" => "Partner is not active",
        /// Nobody who owns the organisation has access any more.
        NoOwner = "no_owner" => "No owner has access",
        /// The terms that apply now are not signed.
        NotSigned = "not_signed" => "The agreement is not signed",
        /// A refund, a return or a hold changed what the partner is owed after the run was submitted.
        Changed = "changed" => "What it is owed changed after the run was submitted",
        /// Finance took it out of this run.
        Excluded = "excluded" => "Excluded by finance",
    }
}

/// What is known about a partner itself, whatever it is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The partner is active: neither deactivated nor banned.
    pub active: bool,
    /// Somebody who owns the organisation has access.
    pub owned: bool,
    /// Finance holds the partner's payouts.
    pub held: bool,
    /// The terms that apply now are signed.
    pub signed: bool,
    /// The payout account.
    pub account: PayoutAccountState,
    /// The payout account is too new for its first payout.
    pub account_waits: bool,
    /// Stripe has not said that it does not pay to the country.
    pub country_paid: bool,
}

impl Standing {
    /// What stands against paying this partner at all.
    pub const fn refusal(&self) -> Option<LeftOut> {
        match self.of_partner() {
            None => self.of_account(),
            some => some,
        }
    }

    const fn of_partner(&self) -> Option<LeftOut> {
        if !self.active {
            Some(LeftOut::PartnerInactive)
        } else if !self.owned {
            Some(LeftOut::NoOwner)
        } else if self.held {
            Some(LeftOut::Held)
        } else if !self.signed {
            Some(LeftOut::NotSigned)
        } else {
            None
        }
    }

    const fn of_account(&self) -> Option<LeftOut> {
        if !self.country_paid {
            return Some(LeftOut::CountryNotPaid);
        }
        match self.account {
            PayoutAccountState::None | PayoutAccountState::Closed => Some(LeftOut::NoAccount),
            PayoutAccountState::Incomplete | PayoutAccountState::UnderReview => {
                Some(LeftOut::AccountIncomplete)
            }
            PayoutAccountState::Restricted => Some(LeftOut::AccountRestricted),
            PayoutAccountState::Ready if self.account_waits => Some(LeftOut::NewAccount),
            PayoutAccountState::Ready => None,
        }
    }
}

/// What is known about a partner and currency when a run is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Payable up to the cut-off.
    pub balance: Money,
    /// The program's minimum in minor units of the same currency.
    pub minimum_minor: i64,
    /// The partner.
    pub standing: Standing,
    /// An earlier payout of this partner and currency is open.
    pub open_payout: bool,
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
/// comes first. What people took out of a run is kept beside this and not asked here, so that a
/// rule never takes the place of what a person decided.
pub fn include_or_reason(candidate: &Candidate) -> Inclusion {
    let payable = candidate
        .balance
        .currency
        .transferable(candidate.balance.minor);
    let reason = if candidate.balance.minor < 0 {
        Some(LeftOut::NegativeBalance)
    } else if payable == 0 {
        Some(LeftOut::Nothing)
    } else if let Some(reason) = candidate.standing.of_partner() {
        Some(reason)
    } else if candidate.open_payout {
        Some(LeftOut::OpenPayout)
    } else if candidate.balance.minor < candidate.minimum_minor {
        Some(LeftOut::BelowMinimum)
    } else {
        candidate.standing.of_account()
    };
    match reason {
        Some(reason) => Inclusion::LeftOut { reason },
        None => Inclusion::Included {
            amount: Money::new(payable, candidate.balance.currency),
        },
    }
}

/// What is known about a partner and currency of a submitted run when it is frozen. Minimum and
/// limits were judged on the submitted figures, which only a person changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freezing {
    /// The partner.
    pub standing: Standing,
    /// A person took it out.
    pub excluded: bool,
    /// Another payout of this partner and currency is open.
    pub open_payout: bool,
    /// Its lines are those that were submitted, and no refund came after them.
    pub as_submitted: bool,
}

impl Freezing {
    /// Why it is left out of what the approval freezes.
    pub const fn refusal(&self) -> Option<LeftOut> {
        if self.excluded {
            return Some(LeftOut::Excluded);
        }
        match self.standing.refusal() {
            None if self.open_payout => Some(LeftOut::OpenPayout),
            None if !self.as_submitted => Some(LeftOut::Changed),
            other => other,
        }
    }
}

/// What is known about a frozen payout when it is about to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The partner.
    pub standing: Standing,
    /// A person took it out.
    pub excluded: bool,
    /// The partner's account is the one that was frozen.
    pub same_account: bool,
}

impl Claim {
    /// Why it is not sent.
    pub const fn refusal(&self) -> Option<LeftOut> {
        if self.excluded {
            return Some(LeftOut::Excluded);
        }
        match self.standing.refusal() {
            None if !self.same_account => Some(LeftOut::AccountReplaced),
            other => other,
        }
    }
}
