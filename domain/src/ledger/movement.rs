//! The movements money makes, each with its own accounts.

use super::{AccountCode as Code, Bucket, Entry, LedgerError};
use crate::money::Money;

/// The references of entries: one business event, one reference, so that a repeated event is
/// caught by the journal's unique index.
pub mod reference {
    /// A commission was earned.
    pub fn accrued(commission: i64) -> String {
        format!("commission:{commission}:accrued")
    }

    /// A commission's hold ended for the `n`-th time: one that was taken back whole and is given
    /// back waits again.
    pub fn matured(commission: i64, n: u32) -> String {
        match n {
            1 => format!("commission:{commission}:matured"),
            n => format!("commission:{commission}:matured:{n}"),
        }
    }

    /// A commission was put on hold for the `n`-th time.
    pub fn held(commission: i64, n: u32) -> String {
        format!("commission:{commission}:held:{n}")
    }

    /// A commission's `n`-th hold was lifted.
    pub fn released(commission: i64, n: u32) -> String {
        format!("commission:{commission}:released:{n}")
    }

    /// A commission was reversed because of `cause`, a Stripe id such as `re_123`.
    pub fn reversed(commission: i64, cause: &str) -> String {
        format!("commission:{commission}:reversed:{cause}")
    }

    /// A payout took its amount out of the payable balance.
    pub fn payout_entered(payout: i64) -> String {
        format!("payout:{payout}:entered")
    }

    /// A payout's transfer was made.
    pub fn payout_paid(payout: i64) -> String {
        format!("payout:{payout}:paid")
    }

    /// A payout definitely failed.
    pub fn payout_failed(payout: i64) -> String {
        format!("payout:{payout}:failed")
    }

    /// A payout's transfer was reversed by `cause`, the reversal's Stripe id.
    pub fn payout_reversed(payout: i64, cause: &str) -> String {
        format!("payout:{payout}:reversed:{cause}")
    }

    /// An adjustment by hand.
    pub fn adjusted(adjustment: i64) -> String {
        format!("adjustment:{adjustment}")
    }

    /// A negative balance was given up.
    pub fn written_off(adjustment: i64) -> String {
        format!("write_off:{adjustment}")
    }
}

fn positive(amount: Money, what: &'static str) -> Result<Money, LedgerError> {
    if amount.minor > 0 {
        Ok(amount)
    } else {
        Err(LedgerError::NotPositive(what))
    }
}

/// Each constructor fails when the amount is zero, or not positive where the direction is the
/// movement's own.
impl Entry {
    /// A commission was earned: expense → pending. Negative for a credited invoice line.
    ///
    /// # Errors
    /// See [`Entry::transfer`].
    pub fn accrue(commission: i64, partner: i64, amount: Money) -> Result<Self, LedgerError> {
        let to = Code::partner(partner, Bucket::Pending);
        Self::transfer(
            reference::accrued(commission),
            Code::ExpenseCommission,
            to,
            amount,
        )
    }

    /// The hold ended for the `n`-th time, from 1: pending → payable. `amount` is what is left of the
    /// commission.
    ///
    /// # Errors
    /// See [`Entry::transfer`].
    pub fn mature(
        commission: i64,
        n: u32,
        partner: i64,
        amount: Money,
    ) -> Result<Self, LedgerError> {
        let (from, to) = pair(partner, Bucket::Pending, Bucket::Payable);
        Self::transfer(reference::matured(commission, n), from, to, amount)
    }

    /// A review or a dispute stops the commission: pending or payable → held.
    ///
    /// # Errors
    /// See [`Entry::transfer`].
    pub fn hold(
        commission: i64,
        n: u32,
        partner: i64,
        from: Bucket,
        amount: Money,
    ) -> Result<Self, LedgerError> {
        let (from, to) = pair(partner, from, Bucket::Held);
        Self::transfer(reference::held(commission, n), from, to, amount)
    }

    /// The review or dispute is over: held → pending or payable.
    ///
    /// # Errors
    /// See [`Entry::transfer`].
    pub fn release(
        commission: i64,
        n: u32,
        partner: i64,
        to: Bucket,
        amount: Money,
    ) -> Result<Self, LedgerError> {
        let (from, to) = pair(partner, Bucket::Held, to);
        Self::transfer(reference::released(commission, n), from, to, amount)
    }

    /// A refund, credit note or lost dispute takes `amount` back: the bucket → expense. Before
    /// payout the bucket is where the commission is; during and after payout it is
    /// [`Bucket::Payable`], which may become negative and is absorbed by later earnings. A
    /// negative amount gives back what a reversal took, as when a refund fails.
    ///
    /// # Errors
    /// See [`Entry::transfer`].
    pub fn reverse(
        commission: i64,
        cause: &str,
        partner: i64,
        from: Bucket,
        amount: Money,
    ) -> Result<Self, LedgerError> {
        let from = Code::partner(partner, from);
        let reference = reference::reversed(commission, cause);
        Self::transfer(reference, from, Code::ExpenseCommission, amount)
    }

    /// A payout's intent is frozen: payable → in payout.
    ///
    /// # Errors
    /// When the amount is not above zero.
    pub fn enter_payout(payout: i64, partner: i64, amount: Money) -> Result<Self, LedgerError> {
        let (from, to) = pair(partner, Bucket::Payable, Bucket::InPayout);
        let amount = positive(amount, "payout")?;
        Self::transfer(reference::payout_entered(payout), from, to, amount)
    }

    /// The transfer was made: in payout → Stripe clearing.
    ///
    /// # Errors
    /// When the amount is not above zero.
    pub fn payout_paid(payout: i64, partner: i64, amount: Money) -> Result<Self, LedgerError> {
        let from = Code::partner(partner, Bucket::InPayout);
        let amount = positive(amount, "payout")?;
        Self::transfer(
            reference::payout_paid(payout),
            from,
            Code::StripeClearing,
            amount,
        )
    }

    /// The transfer definitely failed: in payout → payable.
    ///
    /// # Errors
    /// When the amount is not above zero.
    pub fn payout_failed(payout: i64, partner: i64, amount: Money) -> Result<Self, LedgerError> {
        let (from, to) = pair(partner, Bucket::InPayout, Bucket::Payable);
        let amount = positive(amount, "payout")?;
        Self::transfer(reference::payout_failed(payout), from, to, amount)
    }

    /// A made transfer came back, wholly or in part: Stripe clearing → payable.
    ///
    /// # Errors
    /// When the amount is not above zero.
    pub fn payout_reversed(
        payout: i64,
        cause: &str,
        partner: i64,
        amount: Money,
    ) -> Result<Self, LedgerError> {
        let to = Code::partner(partner, Bucket::Payable);
        let amount = positive(amount, "reversal")?;
        let reference = reference::payout_reversed(payout, cause);
        Self::transfer(reference, Code::StripeClearing, to, amount)
    }

    /// A bonus (positive) or clawback (negative) by hand: adjustments → payable.
    ///
    /// # Errors
    /// See [`Entry::transfer`].
    pub fn adjust(adjustment: i64, partner: i64, amount: Money) -> Result<Self, LedgerError> {
        let to = Code::partner(partner, Bucket::Payable);
        Self::transfer(
            reference::adjusted(adjustment),
            Code::ExpenseAdjustment,
            to,
            amount,
        )
    }

    /// A negative balance is given up: write-offs → payable. `amount` is the debt, above zero.
    ///
    /// # Errors
    /// When the amount is not above zero.
    pub fn write_off(adjustment: i64, partner: i64, amount: Money) -> Result<Self, LedgerError> {
        let to = Code::partner(partner, Bucket::Payable);
        let amount = positive(amount, "write-off")?;
        Self::transfer(
            reference::written_off(adjustment),
            Code::ExpenseWriteOff,
            to,
            amount,
        )
    }
}

fn pair(partner: i64, from: Bucket, to: Bucket) -> (Code, Code) {
    (Code::partner(partner, from), Code::partner(partner, to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;
    use std::collections::BTreeMap;

    fn book(entries: &[Entry]) -> BTreeMap<String, i64> {
        let mut balances = BTreeMap::new();
        for leg in entries.iter().flat_map(|e| &e.legs) {
            *balances.entry(leg.account.to_string()).or_insert(0) += leg.amount;
        }
        balances.retain(|_, balance| *balance != 0);
        balances
    }

    fn eur(minor: i64) -> Money {
        Money::new(minor, Currency::EUR)
    }

    #[test]
    fn a_commission_from_earning_to_the_bank_and_back() {
        let entries = [
            Entry::accrue(1, 7, eur(500)).unwrap(),
            Entry::hold(1, 1, 7, Bucket::Pending, eur(500)).unwrap(),
            Entry::release(1, 1, 7, Bucket::Pending, eur(500)).unwrap(),
            Entry::mature(1, 1, 7, eur(500)).unwrap(),
            Entry::enter_payout(3, 7, eur(500)).unwrap(),
            Entry::payout_failed(3, 7, eur(500)).unwrap(),
            Entry::enter_payout(4, 7, eur(500)).unwrap(),
            Entry::payout_paid(4, 7, eur(500)).unwrap(),
            Entry::reverse(1, "re_1", 7, Bucket::Payable, eur(200)).unwrap(),
        ];
        let expected = [
            ("expense:commission", -300),
            ("partner:7:payable", -200),
            ("stripe:clearing", 500),
        ];
        let expected: BTreeMap<String, i64> = expected
            .iter()
            .map(|(a, b)| ((*a).to_owned(), *b))
            .collect();
        assert_eq!(book(&entries), expected);
        let references: std::collections::BTreeSet<_> =
            entries.iter().map(|e| e.reference.clone()).collect();
        assert_eq!(references.len(), entries.len());
    }

    #[test]
    fn debts_are_written_off_and_adjusted() {
        let entries = [
            Entry::adjust(1, 7, eur(-200)).unwrap(),
            Entry::write_off(2, 7, eur(200)).unwrap(),
        ];
        let balances = book(&entries);
        assert_eq!(balances.get("partner:7:payable"), None);
        assert_eq!(balances["expense:write_off"], -200);
        assert_eq!(balances["expense:adjustment"], 200);
        assert!(Entry::write_off(2, 7, eur(-1)).is_err());
        assert!(Entry::enter_payout(2, 7, eur(0)).is_err());
        assert!(Entry::payout_reversed(2, "trr_1", 7, eur(-1)).is_err());
    }
}
