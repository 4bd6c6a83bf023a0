//! Basis points, shares and the one rounding rule.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::MoneyError;

/// A rate in basis points: 2 250 is 22.5 %.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Bp(pub i64);

impl Bp {
    /// The whole: 100 %.
    pub const WHOLE: Self = Self(10_000);

    /// A rate of whole percent.
    pub const fn percent(percent: i64) -> Self {
        Self(percent.saturating_mul(100))
    }

    /// This rate of `amount` minor units, rounded half-even.
    ///
    /// # Errors
    /// When the result does not fit.
    pub fn of(self, amount: i64) -> Result<i64, MoneyError> {
        ratio(amount, self.0, Self::WHOLE.0)
    }

    /// The sum of two rates, in basis points.
    ///
    /// # Errors
    /// When the sum does not fit.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.0
            .checked_add(other.0)
            .map(Self)
            .ok_or(MoneyError::Overflow)
    }
}

impl std::str::FromStr for Bp {
    type Err = MoneyError;

    /// Reads a typed percentage: `22.5`, `22,5 %`, `-3`. More than two decimals are refused.
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let unreadable =
            || MoneyError::Unreadable("Write a percentage as a number, such as 22.5.".into());
        let text = text.trim();
        let text = text.strip_suffix('%').unwrap_or(text).trim();
        let (negative, text) = match text.strip_prefix(['-', '−']) {
            Some(rest) => (true, rest.trim()),
            None => (false, text),
        };
        let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
        let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
        if whole.is_empty() || fraction.is_empty() || !digits(whole) || !digits(fraction) {
            return Err(unreadable());
        }
        if fraction.len() > 2 {
            return Err(MoneyError::Unreadable(
                "Use at most two decimals, such as 22.25.".into(),
            ));
        }
        let minor: i64 = format!("{whole}{fraction:0<2}")
            .parse()
            .map_err(|_| unreadable())?;
        Ok(Self(if negative { -minor } else { minor }))
    }
}

impl fmt::Display for Bp {
    /// `22.5%`, without needless zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, rest) = (self.0.unsigned_abs() / 100, self.0.unsigned_abs() % 100);
        match (rest, rest % 10) {
            (0, _) => write!(f, "{sign}{whole}%"),
            (_, 0) => write!(f, "{sign}{whole}.{}%", rest / 10),
            _ => write!(f, "{sign}{whole}.{rest:02}%"),
        }
    }
}

/// `amount × num ÷ den`, rounded half-even.
///
/// # Errors
/// When `den` is zero or the result does not fit.
pub fn ratio(amount: i64, num: i64, den: i64) -> Result<i64, MoneyError> {
    // Two 64-bit factors always fit 128 bits.
    half_even(i128::from(amount) * i128::from(num), i128::from(den))
}

/// `num ÷ den`, rounded to the nearest integer, ties to the even one (ISO 80000-1, rule A), so that
/// many roundings do not lean to one side.
///
/// # Errors
/// When `den` is zero or the result does not fit 64 bits.
pub fn half_even(num: i128, den: i128) -> Result<i64, MoneyError> {
    if den == 0 {
        return Err(MoneyError::DivisionByZero);
    }
    let negative = (num < 0) != (den < 0);
    let (num, den) = (num.unsigned_abs(), den.unsigned_abs());
    let (mut quotient, rest) = (num / den, num % den);
    // `den - rest` instead of doubling `rest`, which could overflow.
    match rest.cmp(&(den - rest)) {
        std::cmp::Ordering::Greater => quotient += 1,
        std::cmp::Ordering::Equal if rest != 0 && quotient % 2 == 1 => quotient += 1,
        _ => {}
    }
    let signed = i128::try_from(quotient).map_err(|_| MoneyError::Overflow)?;
    i64::try_from(if negative { -signed } else { signed }).map_err(|_| MoneyError::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("22.5", Some(2_250))]
    #[case(" 22,25 % ", Some(2_225))]
    #[case("0", Some(0))]
    #[case("-3", Some(-300))]
    #[case("150", Some(15_000))]
    #[case("1.005", None)]
    #[case("1.", None)]
    #[case("", None)]
    #[case("a fifth", None)]
    #[case("99999999999999999999", None)]
    fn percentages_are_read(#[case] text: &str, #[case] meant: Option<i64>) {
        assert_eq!(text.parse::<Bp>().ok(), meant.map(Bp));
    }

    #[rstest]
    #[case(5, 10, 0)]
    #[case(15, 10, 2)]
    #[case(25, 10, 2)]
    #[case(-5, 10, 0)]
    #[case(-15, 10, -2)]
    #[case(-25, 10, -2)]
    #[case(26, 10, 3)]
    #[case(24, 10, 2)]
    #[case(15, -10, -2)]
    #[case(0, 7, 0)]
    #[case(1, 3, 0)]
    #[case(2, 3, 1)]
    fn ties_go_to_even(#[case] num: i128, #[case] den: i128, #[case] expected: i64) {
        assert_eq!(half_even(num, den), Ok(expected));
    }

    #[rstest]
    #[case(1_500, 10_000, 1_500)]
    #[case(1_500, 333, 50)]
    #[case(2_250, 999, 225)]
    #[case(10_000, i64::MIN, i64::MIN)]
    fn rates(#[case] bp: i64, #[case] amount: i64, #[case] expected: i64) {
        assert_eq!(Bp(bp).of(amount), Ok(expected));
    }

    #[rstest]
    #[case(2_250, "22.5%")]
    #[case(1_500, "15%")]
    #[case(5, "0.05%")]
    #[case(-1_234, "-12.34%")]
    fn shown(#[case] bp: i64, #[case] text: &str) {
        assert_eq!(Bp(bp).to_string(), text);
    }

    #[test]
    fn impossible_is_an_error() {
        assert_eq!(ratio(1, 1, 0), Err(MoneyError::DivisionByZero));
        assert_eq!(ratio(i64::MAX, 2, 1), Err(MoneyError::Overflow));
        assert_eq!(ratio(i64::MIN, -1, 1), Err(MoneyError::Overflow));
        assert_eq!(half_even(i128::MIN, 1), Err(MoneyError::Overflow));
        assert_eq!(half_even(i128::MIN, i128::MIN), Ok(1));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn rounding_is_within_half_a_unit(amount: i64, num: i64, den: i64) {
            if let Ok(rounded) = ratio(amount, num, den) {
                let exact = i128::from(amount) * i128::from(num);
                let error = exact - i128::from(rounded) * i128::from(den);
                prop_assert!(2 * error.unsigned_abs() <= u128::from(den.unsigned_abs()));
            }
        }

        #[test]
        fn rounding_is_symmetric(amount in -i64::MAX..=i64::MAX, bp in 0_i64..=10_000) {
            prop_assert_eq!(Bp(bp).of(-amount).unwrap(), -Bp(bp).of(amount).unwrap());
        }
    }
}
