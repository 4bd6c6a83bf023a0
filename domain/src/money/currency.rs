//! ISO 4217 currencies as Stripe counts them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::MoneyError;

/// A currency that money is paid in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// Euro.
    pub const EUR: Self = Self(iso_currency::Currency::EUR);
    /// US dollar.
    pub const USD: Self = Self(iso_currency::Currency::USD);
    /// Pound sterling.
    pub const GBP: Self = Self(iso_currency::Currency::GBP);
    /// Yen, which has no minor unit.
    pub const JPY: Self = Self(iso_currency::Currency::JPY);
    /// Swiss franc.
    pub const CHF: Self = Self(iso_currency::Currency::CHF);
    /// Swedish krona.
    pub const SEK: Self = Self(iso_currency::Currency::SEK);
    /// Kuwaiti dinar, which has a thousand fils.
    pub const KWD: Self = Self(iso_currency::Currency::KWD);

    /// The code as people write it: `EUR`.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// The code as Stripe writes it: `eur`.
    pub fn stripe_code(self) -> String {
        self.code().to_ascii_lowercase()
    }

    /// The English name: `Euro`.
    pub fn name(self) -> String {
        self.0.name().to_owned()
    }

    /// Decimal digits of one minor unit: 0, 2 or 3.
    ///
    /// A minor unit here is the unit of Stripe's amounts, so that amounts pass between Stripe and
    /// the ledger unchanged. It is the one of ISO 4217 except where Stripe keeps another for
    /// historical reasons: ISK and UGX are counted in hundredths, MGA in whole ariary
    /// (docs.stripe.com/currencies, "zero-decimal currencies" and "special cases").
    pub fn exponent(self) -> u32 {
        match self.code() {
            "ISK" | "UGX" => 2,
            "MGA" => 0,
            _ => self.0.exponent().map_or(2, u32::from),
        }
    }

    /// Minor units in one major unit: 1, 100 or 1000.
    pub fn scale(self) -> i64 {
        10_i64.pow(self.exponent())
    }

    /// A symbol that names one currency in every language; others show their code.
    pub fn symbol(self) -> Option<&'static str> {
        Some(match self.code() {
            "EUR" => "€",
            "USD" => "$",
            "GBP" => "£",
            "JPY" => "¥",
            "CAD" => "CA$",
            "AUD" => "A$",
            "INR" => "₹",
            "KRW" => "₩",
            "BRL" => "R$",
            _ => return None,
        })
    }

    /// The smallest amount that is transferred, in minor units: otherwise 1.
    ///
    /// - 100 for ISK and UGX, whose hundredths are always 00, and for HUF and TWD, which Stripe
    ///   charges in hundredths and pays out whole only: a fraction would stay in the partner's
    ///   balance at Stripe, out of reach (docs.stripe.com/currencies, "special cases").
    /// - 10 for currencies with three decimals, whose last digit must be 0.
    pub fn transfer_step(self) -> i64 {
        match (self.code(), self.exponent()) {
            ("ISK" | "UGX" | "HUF" | "TWD", _) => 100,
            (_, 3) => 10,
            _ => 1,
        }
    }

    /// The largest part of `minor` that is transferred; the rest stays in the balance.
    pub fn transferable(self, minor: i64) -> i64 {
        minor - minor % self.transfer_step()
    }

    /// True when people know no fraction although amounts are counted in hundredths.
    pub(crate) fn hides_fraction(self) -> bool {
        matches!(self.code(), "ISK" | "UGX")
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    /// Reads `EUR` and `eur`. Funds, metals and test codes are refused: nobody is paid in them.
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let unknown = || MoneyError::UnknownCurrency(text.chars().take(20).collect());
        let trimmed = text.trim();
        if trimmed.len() != 3 {
            return Err(unknown());
        }
        let found = iso_currency::Currency::from_code(&trimmed.to_ascii_uppercase())
            .filter(|c| !c.is_fund() && !c.is_special())
            .filter(|c| matches!(c.exponent(), Some(0 | 2 | 3)));
        found.map(Self).ok_or_else(unknown)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> String {
        currency.code().to_owned()
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("eur", "EUR", 2, 1)]
    #[case("JPY", "JPY", 0, 1)]
    #[case("kwd", "KWD", 3, 10)]
    #[case("ISK", "ISK", 2, 100)]
    #[case("ugx", "UGX", 2, 100)]
    #[case("MGA", "MGA", 0, 1)]
    #[case("CLP", "CLP", 0, 1)]
    #[case("HUF", "HUF", 2, 100)]
    #[case("TWD", "TWD", 2, 100)]
    #[case(" chf ", "CHF", 2, 1)]
    fn known(#[case] text: &str, #[case] code: &str, #[case] exponent: u32, #[case] step: i64) {
        let currency: Currency = text.parse().unwrap();
        assert_eq!(currency.code(), code);
        assert_eq!(currency.stripe_code(), code.to_ascii_lowercase());
        assert_eq!(currency.exponent(), exponent);
        assert_eq!(currency.transfer_step(), step);
    }

    #[rstest]
    #[case("")]
    #[case("euro")]
    #[case("XXX")]
    #[case("XAU")]
    #[case("CLF")]
    #[case("ZZZ")]
    #[case("é1")]
    fn unknown(#[case] text: &str) {
        assert!(text.parse::<Currency>().is_err());
    }

    #[test]
    fn what_cannot_be_moved_stays() {
        assert_eq!(Currency::KWD.transferable(12_345), 12_340);
        assert_eq!(Currency::EUR.transferable(12_345), 12_345);
        assert_eq!(Currency::KWD.transferable(i64::MIN), i64::MIN + 8);
    }
}
