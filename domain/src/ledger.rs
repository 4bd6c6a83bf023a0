//! The double-entry ledger: account names, entries and the movements money makes.
//!
//! A leg is signed: positive is what an account receives, negative what it gives, so a partner's
//! positive balance is what the vendor owes. An entry's legs add up to nothing in each currency.
//! Nothing is changed later; a correction is another entry.

mod account;
mod movement;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use account::{AccountCode, Bucket};
pub use movement::reference;

use crate::money::{Currency, Money};

/// One posting of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// Where it is booked.
    pub account: AccountCode,
    /// Minor units; positive is received, negative is given.
    pub amount: i64,
    /// The currency.
    pub currency: Currency,
}

/// A balanced transaction, ready to be written to the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Unique in the journal: the same business event always makes the same one.
    pub reference: String,
    /// The postings.
    pub legs: Vec<Leg>,
}

/// Why an entry cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The legs of one currency do not add up to nothing.
    #[error("entry {reference} is out of balance by {difference} minor units of {currency}")]
    Unbalanced {
        /// The entry.
        reference: String,
        /// The currency that is off.
        currency: Currency,
        /// What the legs add up to.
        difference: i128,
    },
    /// An entry that moves nothing.
    #[error("entry {0} moves nothing")]
    Empty(String),
    /// A reference must be one line of visible ASCII, at most 200 characters.
    #[error("an entry needs a reference of one line")]
    BadReference,
    /// A movement needs an amount above zero; the direction is the movement's.
    #[error("a {0} needs an amount above zero")]
    NotPositive(&'static str),
    /// An amount whose opposite does not fit 64 bits.
    #[error("the amount is too large to be booked")]
    Overflow,
}

impl Entry {
    /// An entry of these legs; legs of zero are left out.
    ///
    /// # Errors
    /// When it is empty, out of balance or its reference is not one line.
    pub fn new(reference: impl Into<String>, legs: Vec<Leg>) -> Result<Self, LedgerError> {
        let reference = reference.into();
        let legs: Vec<Leg> = legs.into_iter().filter(|leg| leg.amount != 0).collect();
        let entry = Self { reference, legs };
        entry.balanced()?;
        Ok(entry)
    }

    /// Moves `amount` from one account to another.
    ///
    /// # Errors
    /// When the amount is zero or its opposite does not fit.
    pub fn transfer(
        reference: impl Into<String>,
        from: AccountCode,
        to: AccountCode,
        amount: Money,
    ) -> Result<Self, LedgerError> {
        let gives = amount.minor.checked_neg().ok_or(LedgerError::Overflow)?;
        let leg = |account, amount_minor| Leg {
            account,
            amount: amount_minor,
            currency: amount.currency,
        };
        Self::new(reference, vec![leg(from, gives), leg(to, amount.minor)])
    }

    /// Checks that the entry may be written.
    ///
    /// # Errors
    /// When it is empty, out of balance or its reference is not one line.
    pub fn balanced(&self) -> Result<(), LedgerError> {
        let visible = self.reference.bytes().all(|b| b.is_ascii_graphic());
        if self.reference.is_empty() || self.reference.len() > 200 || !visible {
            return Err(LedgerError::BadReference);
        }
        if self.legs.is_empty() {
            return Err(LedgerError::Empty(self.reference.clone()));
        }
        for (currency, difference) in self.sums() {
            if difference != 0 {
                let reference = self.reference.clone();
                return Err(LedgerError::Unbalanced {
                    reference,
                    currency,
                    difference,
                });
            }
        }
        Ok(())
    }

    fn sums(&self) -> BTreeMap<Currency, i128> {
        let mut sums = BTreeMap::new();
        for leg in &self.legs {
            *sums.entry(leg.currency).or_insert(0) += i128::from(leg.amount);
        }
        sums
    }

    /// The text whose hash is stored with the entry: the same movement gives the same text,
    /// whatever the order of its legs; any difference in reference, account, currency or amount
    /// gives another.
    pub fn canonical(&self) -> String {
        let mut lines: Vec<String> = self
            .legs
            .iter()
            .map(|leg| format!("{}|{}|{}", leg.account, leg.currency, leg.amount))
            .collect();
        lines.sort_unstable();
        format!("entry/1\n{}\n{}\n", self.reference, lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn leg(amount: i64, currency: Currency) -> Leg {
        Leg {
            account: AccountCode::StripeClearing,
            amount,
            currency,
        }
    }

    #[test]
    fn each_currency_balances_by_itself() {
        let crossed = vec![leg(5, Currency::EUR), leg(-5, Currency::USD)];
        assert!(matches!(
            Entry::new("a", crossed),
            Err(LedgerError::Unbalanced { .. })
        ));
        let both = vec![
            leg(5, Currency::EUR),
            leg(-5, Currency::EUR),
            leg(7, Currency::USD),
            leg(-7, Currency::USD),
        ];
        assert!(Entry::new("a", both).is_ok());
    }

    #[test]
    fn nothing_is_not_an_entry() {
        assert!(matches!(
            Entry::new("a", vec![]),
            Err(LedgerError::Empty(_))
        ));
        let zero = vec![leg(0, Currency::EUR), leg(0, Currency::EUR)];
        assert!(matches!(Entry::new("a", zero), Err(LedgerError::Empty(_))));
        for bad in ["", "two\nlines", "a b", "é"] {
            let legs = vec![leg(1, Currency::EUR), leg(-1, Currency::EUR)];
            assert_eq!(Entry::new(bad, legs), Err(LedgerError::BadReference));
        }
    }

    #[test]
    fn the_canonical_text_ignores_the_order_only() {
        let a = Entry::new("r", vec![leg(1, Currency::EUR), leg(-1, Currency::EUR)]).unwrap();
        let b = Entry::new("r", vec![leg(-1, Currency::EUR), leg(1, Currency::EUR)]).unwrap();
        let c = Entry::new("r", vec![leg(-2, Currency::EUR), leg(2, Currency::EUR)]).unwrap();
        assert_eq!(a.canonical(), b.canonical());
        assert_ne!(a.canonical(), c.canonical());
        assert_eq!(
            a.canonical(),
            "entry/1\nr\nstripe:clearing|EUR|-1\nstripe:clearing|EUR|1\n"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn a_transfer_balances_or_is_refused(minor: i64) {
            let made = Entry::transfer(
                "r",
                AccountCode::partner(1, Bucket::Payable),
                AccountCode::StripeClearing,
                Money::new(minor, Currency::EUR),
            );
            match made {
                Ok(entry) => prop_assert_eq!(entry.balanced(), Ok(())),
                Err(_) => prop_assert!(minor == 0 || minor == i64::MIN),
            }
        }

        #[test]
        fn all_accounts_together_are_nothing(
            moves in prop::collection::vec((0..11_usize, any::<i64>(), 1..4_i64, 0..3_usize), 1..40),
        ) {
            use Bucket::{Held, Payable, Pending};
            let mut whole: BTreeMap<Currency, i128> = BTreeMap::new();
            let mut accounts: BTreeMap<(AccountCode, Currency), i128> = BTreeMap::new();
            for (n, (kind, minor, partner, currency)) in (1..).zip(moves) {
                let currency = [Currency::EUR, Currency::JPY, Currency::KWD][currency];
                let amount = Money::new(minor, currency);
                let made = match kind {
                    0 => Entry::accrue(n, partner, amount),
                    1 => Entry::mature(n, 1, partner, amount),
                    2 => Entry::hold(n, 1, partner, Pending, amount),
                    3 => Entry::release(n, 1, partner, Payable, amount),
                    4 => Entry::reverse(n, "re_1", partner, Held, amount),
                    5 => Entry::enter_payout(n, partner, amount),
                    6 => Entry::payout_paid(n, partner, amount),
                    7 => Entry::payout_failed(n, partner, amount),
                    8 => Entry::payout_reversed(n, "trr_1", partner, amount),
                    9 => Entry::adjust(n, partner, amount),
                    _ => Entry::write_off(n, partner, amount),
                };
                // What cannot be booked is refused as a whole.
                for leg in made.map(|entry| entry.legs).unwrap_or_default() {
                    *whole.entry(leg.currency).or_default() += i128::from(leg.amount);
                    *accounts.entry((leg.account, leg.currency)).or_default() +=
                        i128::from(leg.amount);
                }
            }
            prop_assert!(whole.values().all(|sum| *sum == 0));
            prop_assert_eq!(accounts.values().sum::<i128>(), 0);
        }
    }
}
