//! The chart of accounts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text_enum::UnknownValue;

crate::text_enum! {
    /// The parts of what a partner is owed.
    pub enum Bucket {
        /// Earned, on hold until a date.
        Pending = "pending" => "On hold",
        /// Stopped by a review or a dispute.
        Held = "held" => "Review hold",
        /// May be paid; negative when the partner owes.
        Payable = "payable" => "Payable",
        /// In a payout that has not ended.
        InPayout = "in_payout" => "In payout",
    }
}

/// An account of the ledger. Stored as text: `partner:7:payable`, `expense:commission`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AccountCode {
    /// What a partner is owed, by part.
    Partner {
        /// The partner's id.
        id: i64,
        /// Which part.
        bucket: Bucket,
    },
    /// Money that has left for connected accounts.
    StripeClearing,
    /// The cost of commissions.
    ExpenseCommission,
    /// The cost (or gain) of adjustments by hand.
    ExpenseAdjustment,
    /// Negative balances given up.
    ExpenseWriteOff,
}

impl AccountCode {
    /// A part of what partner `id` is owed.
    pub const fn partner(id: i64, bucket: Bucket) -> Self {
        Self::Partner { id, bucket }
    }

    /// The words a person reads; the page knows the partner's name.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Partner {
                bucket: Bucket::Pending,
                ..
            } => "Partner, on hold",
            Self::Partner {
                bucket: Bucket::Held,
                ..
            } => "Partner, review hold",
            Self::Partner {
                bucket: Bucket::Payable,
                ..
            } => "Partner, payable",
            Self::Partner {
                bucket: Bucket::InPayout,
                ..
            } => "Partner, in payout",
            Self::StripeClearing => "Stripe clearing",
            Self::ExpenseCommission => "Commission expense",
            Self::ExpenseAdjustment => "Adjustments",
            Self::ExpenseWriteOff => "Write-offs",
        }
    }
}

impl fmt::Display for AccountCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partner { id, bucket } => write!(f, "partner:{id}:{bucket}"),
            Self::StripeClearing => f.write_str("stripe:clearing"),
            Self::ExpenseCommission => f.write_str("expense:commission"),
            Self::ExpenseAdjustment => f.write_str("expense:adjustment"),
            Self::ExpenseWriteOff => f.write_str("expense:write_off"),
        }
    }
}

impl FromStr for AccountCode {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        let unknown = || UnknownValue::new("account", text);
        match text {
            "stripe:clearing" => Ok(Self::StripeClearing),
            "expense:commission" => Ok(Self::ExpenseCommission),
            "expense:adjustment" => Ok(Self::ExpenseAdjustment),
            "expense:write_off" => Ok(Self::ExpenseWriteOff),
            _ => {
                let rest = text.strip_prefix("partner:").ok_or_else(unknown)?;
                let (id, bucket) = rest.split_once(':').ok_or_else(unknown)?;
                let code = Self::Partner {
                    id: id.parse().map_err(|_| unknown())?,
                    bucket: bucket.parse().map_err(|_| unknown())?,
                };
                // `+7` and `007` would be second names of one account.
                if code.to_string() == text {
                    Ok(code)
                } else {
                    Err(unknown())
                }
            }
        }
    }
}

impl From<AccountCode> for String {
    fn from(code: AccountCode) -> String {
        code.to_string()
    }
}

impl Serialize for AccountCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AccountCode {
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
    #[case("partner:7:payable")]
    #[case("partner:7:in_payout")]
    #[case("stripe:clearing")]
    #[case("expense:commission")]
    #[case("expense:adjustment")]
    #[case("expense:write_off")]
    fn there_and_back(#[case] text: &str) {
        assert_eq!(text.parse::<AccountCode>().unwrap().to_string(), text);
    }

    #[rstest]
    #[case("partner:07:payable")]
    #[case("partner:+7:payable")]
    #[case("partner:7:")]
    #[case("partner:x:payable")]
    #[case("")]
    fn refused(#[case] text: &str) {
        assert!(text.parse::<AccountCode>().is_err());
    }
}
