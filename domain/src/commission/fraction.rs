//! Exact amounts before they are rounded.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::money::{MoneyError, half_even};
use crate::text_enum::UnknownValue;

/// An exact number of minor units, `num ÷ den`. JSON: `"123450/10000"`, because 128-bit numbers are
/// not safe as JSON numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fraction {
    /// Above the line.
    pub num: i128,
    /// Below the line; above zero.
    pub den: i128,
}

impl Fraction {
    /// A whole number.
    pub const fn whole(number: i64) -> Self {
        Self {
            num: number as i128,
            den: 1,
        }
    }

    /// The product with `num ÷ den`.
    ///
    /// # Errors
    /// When it does not fit or `den` is not above zero.
    pub fn times(self, num: i128, den: i128) -> Result<Self, MoneyError> {
        if den <= 0 {
            return Err(MoneyError::DivisionByZero);
        }
        Ok(Self {
            num: self.num.checked_mul(num).ok_or(MoneyError::Overflow)?,
            den: self.den.checked_mul(den).ok_or(MoneyError::Overflow)?,
        })
    }

    /// The whole number it rounds to, half-even.
    ///
    /// # Errors
    /// When it does not fit 64 bits.
    pub fn round(self) -> Result<i64, MoneyError> {
        half_even(self.num, self.den)
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}

impl FromStr for Fraction {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        let unknown = || UnknownValue::new("fraction", text);
        let (num, den) = text.split_once('/').ok_or_else(unknown)?;
        let num = num.parse().map_err(|_| unknown())?;
        let den = den.parse().map_err(|_| unknown())?;
        if den > 0 {
            Ok(Self { num, den })
        } else {
            Err(unknown())
        }
    }
}

impl Serialize for Fraction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fraction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
