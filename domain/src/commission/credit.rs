//! How the credit for a customer is divided over partners.

use serde::{Deserialize, Serialize};

use crate::money::{Bp, MoneyError, split_largest_remainder};

/// The parts of all who are credited for something. What nobody is credited with stays with the
/// vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shares {
    /// The vendor's is the last.
    weights: Vec<u64>,
}

impl Shares {
    /// Parts of a whole, one for each partner.
    pub fn new(parts: impl IntoIterator<Item = u64>, whole: u64) -> Self {
        let mut weights: Vec<u64> = parts.into_iter().collect();
        let given = weights.iter().fold(0u64, |sum, w| sum.saturating_add(*w));
        weights.push(whole.saturating_sub(given));
        Self { weights }
    }

    /// Divides an amount in minor units by the largest remainder: one for each partner, in the
    /// order in which their parts were given. With the vendor's they add up to the amount.
    ///
    /// # Errors
    /// When nothing is credited and there is no whole.
    pub fn split(&self, amount: i64) -> Result<Vec<i64>, MoneyError> {
        let mut amounts = split_largest_remainder(amount, &self.weights)?;
        amounts.pop();
        Ok(amounts)
    }

    /// The part at a place, counted from 0 in the order in which they were given.
    pub fn part(&self, place: usize) -> Part {
        Part {
            weights: self.weights.clone(),
            place,
        }
    }
}

/// One partner's part of the credit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    weights: Vec<u64>,
    place: usize,
}

impl Part {
    /// All of it.
    pub fn whole() -> Self {
        Self {
            weights: vec![1],
            place: 0,
        }
    }

    /// The partner's part of an amount in minor units; see [`Shares::split`].
    ///
    /// # Errors
    /// When nothing is credited.
    pub fn of(&self, amount: i64) -> Result<i64, MoneyError> {
        let amounts = split_largest_remainder(amount, &self.weights)?;
        Ok(amounts.get(self.place).copied().unwrap_or_default())
    }

    /// The part as a percentage or a fraction; `None` when it is all.
    pub fn share(&self) -> Option<String> {
        let own = self.weights.get(self.place).copied().unwrap_or_default();
        let whole: u128 = self.weights.iter().map(|w| u128::from(*w)).sum();
        if u128::from(own) == whole {
            return None;
        }
        let percent = i64::try_from(own)
            .ok()
            .filter(|_| whole == u128::from(Bp::WHOLE.0.unsigned_abs()));
        Some(percent.map_or_else(|| format!("{own}/{whole}"), |bp| Bp(bp).to_string()))
    }
}
