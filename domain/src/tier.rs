//! Tiers: requirements, where a partner stands, and when it moves.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use crate::money::{Currency, Money};
use crate::transition::list;

/// What a tier asks. What is zero is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Requirements {
    /// Revenue of the partner's customers in the trailing twelve months, minor units of the
    /// program's currency.
    #[serde(default)]
    pub revenue_minor: i64,
    /// Customers who pay.
    #[serde(default)]
    pub customers: i64,
    /// Deals won in the trailing twelve months.
    #[serde(default)]
    pub won_deals: i64,
    /// People with a certificate that counts.
    #[serde(default)]
    pub certified: i64,
}

/// A tier of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// Larger is higher; unique in the program.
    pub rank: i32,
    /// What people call it.
    pub name: String,
    /// What it asks; all of it has to be met.
    pub requirements: Requirements,
}

/// Where a partner stands: the same measures.
pub type Metrics = Requirements;

/// One measure of a tier beside what the partner has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Which.
    pub measure: Measure,
    /// What the partner has.
    pub have: i64,
    /// What the tier asks.
    pub need: i64,
}

crate::text_enum! {
    /// What tiers are measured by.
    pub enum Measure {
        /// Trailing twelve months, money.
        Revenue = "revenue" => "Revenue in the last 12 months",
        /// Count.
        Customers = "customers" => "Active customers",
        /// Count.
        WonDeals = "won_deals" => "Won deals",
        /// Count.
        Certified = "certified" => "Certified people",
    }
}

impl Progress {
    /// What is missing; zero when met.
    pub fn missing(&self) -> i64 {
        self.need.saturating_sub(self.have).max(0)
    }

    /// Progress in whole percent, at most 100, rounded down.
    pub fn percent(&self) -> i64 {
        if self.have >= self.need {
            return 100;
        }
        // Here `need` is above `have`; a negative `have` is no progress.
        let part = i128::from(self.have.max(0)) * 100 / i128::from(self.need.max(1));
        i64::try_from(part).unwrap_or(100)
    }

    /// `€12,000.00 more revenue`, `2 more won deals`.
    pub fn missing_words(&self, currency: Currency) -> String {
        let n = self.missing();
        let s = if n == 1 { "" } else { "s" };
        match self.measure {
            Measure::Revenue => format!("{} more revenue", Money::new(n, currency).format("en")),
            Measure::Customers => format!("{n} more active customer{s}"),
            Measure::WonDeals => format!("{n} more won deal{s}"),
            Measure::Certified if n == 1 => "1 more certified person".into(),
            Measure::Certified => format!("{n} more certified people"),
        }
    }
}

impl Tier {
    /// The tier's measures beside the partner's; only what is asked.
    pub fn progress(&self, metrics: &Metrics) -> Vec<Progress> {
        let r = &self.requirements;
        [
            (Measure::Revenue, metrics.revenue_minor, r.revenue_minor),
            (Measure::Customers, metrics.customers, r.customers),
            (Measure::WonDeals, metrics.won_deals, r.won_deals),
            (Measure::Certified, metrics.certified, r.certified),
        ]
        .into_iter()
        .filter(|(_, _, need)| *need > 0)
        .map(|(measure, have, need)| Progress {
            measure,
            have,
            need,
        })
        .collect()
    }

    /// True when everything it asks is met.
    pub fn is_met(&self, metrics: &Metrics) -> bool {
        self.progress(metrics).iter().all(|p| p.missing() == 0)
    }

    /// What is missing, in words: `2 more won deals and 1 more certified person`. Empty when met.
    pub fn missing_words(&self, metrics: &Metrics, currency: Currency) -> String {
        let missing: Vec<String> = self
            .progress(metrics)
            .iter()
            .filter(|p| p.missing() > 0)
            .map(|p| p.missing_words(currency))
            .collect();
        let missing: Vec<&str> = missing.iter().map(String::as_str).collect();
        list(&missing, "and")
    }
}

/// The highest tier whose requirements are met; the lowest tier asks nothing of anybody.
pub fn deserved<'a>(tiers: &'a [Tier], metrics: &Metrics) -> Option<&'a Tier> {
    let lowest = tiers.iter().min_by_key(|tier| tier.rank);
    tiers
        .iter()
        .filter(|tier| tier.is_met(metrics))
        .max_by_key(|tier| tier.rank)
        .or(lowest)
}

/// The tier above `rank`.
pub fn next_above(tiers: &[Tier], rank: i32) -> Option<&Tier> {
    tiers
        .iter()
        .filter(|tier| tier.rank > rank)
        .min_by_key(|tier| tier.rank)
}

/// What a review of a partner's tier leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Review {
    /// It stays; a notice, if one was given, is taken back.
    Stay,
    /// It moves up at once.
    Up {
        /// To which rank.
        to: i32,
    },
    /// It is told that it will move down unless it recovers.
    Notice {
        /// To which rank.
        to: i32,
        /// When, unless it recovers.
        effective_at: DateTime<Utc>,
    },
    /// A notice was given and its time is not over.
    Waiting {
        /// When it moves down.
        effective_at: DateTime<Utc>,
    },
    /// It moves down now.
    Down {
        /// To which rank.
        to: i32,
    },
    /// A person decides whether it moves down: part of its revenue is in other currencies, which is not
    /// counted and would be if it were converted. Nothing happens by itself, and a notice that was
    /// given is taken back.
    Decide {
        /// To which rank by what is counted.
        to: i32,
    },
}

/// Reviews a tier: up at once, down only after a notice and `grace_days`. `notice` is when the
/// running notice takes effect, if one was given. `elsewhere` says that the partner has revenue in
/// other currencies than the one that counts: then it is never moved down by itself.
pub fn review(
    tiers: &[Tier],
    current: i32,
    metrics: &Metrics,
    elsewhere: bool,
    notice: Option<DateTime<Utc>>,
    grace_days: u32,
    now: DateTime<Utc>,
) -> Review {
    let Some(deserved) = deserved(tiers, metrics) else {
        return Review::Stay;
    };
    let to = deserved.rank;
    match (to.cmp(&current), notice) {
        (std::cmp::Ordering::Greater, _) => Review::Up { to },
        (std::cmp::Ordering::Equal, _) => Review::Stay,
        (std::cmp::Ordering::Less, _) if elsewhere => Review::Decide { to },
        (std::cmp::Ordering::Less, Some(effective_at)) if now < effective_at => {
            Review::Waiting { effective_at }
        }
        (std::cmp::Ordering::Less, Some(_)) => Review::Down { to },
        (std::cmp::Ordering::Less, None) => {
            let effective_at = now
                .checked_add_signed(Duration::days(i64::from(grace_days)))
                .unwrap_or(DateTime::<Utc>::MAX_UTC);
            Review::Notice { to, effective_at }
        }
    }
}

/// Why a partner is where it is, in sentences for its dashboard and the history.
pub fn explain(tiers: &[Tier], current: i32, metrics: &Metrics, currency: Currency) -> String {
    let name = |rank: i32| {
        tiers
            .iter()
            .find(|t| t.rank == rank)
            .map_or("no tier", |t| &t.name)
    };
    let mut text = format!("You are {}.", name(current));
    if let Some(tier) = tiers.iter().find(|t| t.rank == current)
        && !tier.is_met(metrics)
    {
        let missing = tier.missing_words(metrics, currency);
        text.push_str(&format!(" To keep it you need {missing}."));
    }
    match next_above(tiers, current) {
        Some(next) if next.is_met(metrics) => {
            text.push_str(&format!(" You meet everything for {}.", next.name));
        }
        Some(next) => {
            let missing = next.missing_words(metrics, currency);
            text.push_str(&format!(" {} needs {missing}.", next.name));
        }
        None => text.push_str(" It is the highest tier."),
    }
    text
}

#[cfg(test)]
#[path = "tier/tests.rs"]
mod tests;
