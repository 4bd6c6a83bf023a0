//! Money: integer minor units with their currency, exact arithmetic, half-even rounding.

mod bp;
mod currency;
mod format;
mod parse;
mod split;

use serde::{Deserialize, Serialize};

pub use bp::{Bp, half_even, ratio};
pub use currency::Currency;
pub use format::grouped;
pub use split::split_largest_remainder;

/// Why a calculation or a typed amount was refused. The text is for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The result does not fit 64 bits.
    #[error("the amount is too large to be calculated with")]
    Overflow,
    /// Two currencies met in one sum.
    #[error("{left} and {right} cannot be added together")]
    CurrencyMismatch {
        /// The first currency.
        left: Currency,
        /// The second currency.
        right: Currency,
    },
    /// A share of nothing was asked for.
    #[error("an amount cannot be divided by zero")]
    DivisionByZero,
    /// Not an ISO 4217 code that money is paid in.
    #[error("“{0}” is not a currency; use a three-letter code such as EUR")]
    UnknownCurrency(String),
    /// A typed amount that cannot be read; the sentence says how to write it.
    #[error("{0}")]
    Unreadable(String),
}

/// An amount in minor units of its currency (cents for EUR, yen for JPY).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// The amount in minor units; negative for what is owed back.
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

impl Money {
    /// `minor` units of `currency`.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in `currency`.
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// True for an amount of exactly nothing.
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// The sum.
    ///
    /// # Errors
    /// When the currencies differ or the sum does not fit.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same(other)?;
        self.with(self.minor.checked_add(other.minor))
    }

    /// The difference.
    ///
    /// # Errors
    /// When the currencies differ or the difference does not fit.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.same(other)?;
        self.with(self.minor.checked_sub(other.minor))
    }

    /// The opposite amount.
    ///
    /// # Errors
    /// For the one amount whose opposite does not fit.
    pub fn checked_neg(self) -> Result<Self, MoneyError> {
        self.with(self.minor.checked_neg())
    }

    fn same(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::CurrencyMismatch {
                left: self.currency,
                right: other.currency,
            })
        }
    }

    fn with(self, minor: Option<i64>) -> Result<Self, MoneyError> {
        minor
            .map(|minor| Self { minor, ..self })
            .ok_or(MoneyError::Overflow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_keep_their_currency() {
        let one = Money::new(100, Currency::EUR);
        assert_eq!(one.checked_add(one), Ok(Money::new(200, Currency::EUR)));
        assert_eq!(one.checked_sub(one), Ok(Money::zero(Currency::EUR)));
        let error = one.checked_add(Money::new(1, Currency::USD)).unwrap_err();
        assert_eq!(error.to_string(), "EUR and USD cannot be added together");
        let most = Money::new(i64::MAX, Currency::EUR);
        assert_eq!(most.checked_add(one), Err(MoneyError::Overflow));
        assert_eq!(
            Money::new(i64::MIN, Currency::EUR).checked_neg(),
            Err(MoneyError::Overflow)
        );
    }

    #[test]
    fn json_is_plain() {
        let json = serde_json::to_string(&Money::new(-5, Currency::JPY)).unwrap();
        assert_eq!(json, r#"{"minor":-5,"currency":"JPY"}"#);
        assert_eq!(
            serde_json::from_str::<Money>(r#"{"minor":7,"currency":"eur"}"#).unwrap(),
            Money::new(7, Currency::EUR)
        );
        assert!(serde_json::from_str::<Money>(r#"{"minor":7,"currency":"xxx"}"#).is_err());
        assert!(serde_json::from_str::<Money>(r#"{"minor":"7","currency":"EUR"}"#).is_err());
    }
}
