//! Commission plans as data: an ordered list of rules, stored as JSON, versioned by whoever keeps
//! them, readable as sentences.

mod by_rank;
mod describe;
mod differences;
pub mod ready_made;
mod status;
mod validate;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::application::PartnerType;
use crate::money::{Bp, Currency};
pub use differences::Difference;
pub use status::PlanStatus;
pub use validate::{Known, Problem};

crate::text_enum! {
    /// What makes a rule look.
    pub enum Trigger {
        /// An invoice was paid, each time.
        InvoicePaid = "invoice_paid" => "Invoice paid",
        /// A customer's first payment.
        FirstPayment = "first_payment" => "First payment",
        /// A registered deal was won.
        DealWon = "deal_won" => "Deal won",
        /// A meeting that met the quality criteria.
        QualifiedMeeting = "qualified_meeting" => "Qualified meeting",
    }
}

crate::text_enum! {
    /// What a percentage is taken of.
    pub enum Basis {
        /// What was paid, after tax, discount and credit.
        Net = "net" => "Net amount paid",
        /// The part of it that falls into the customer's first year.
        FirstYear = "first_year" => "First-year value",
        /// Nothing: the amount is fixed.
        Flat = "flat" => "Fixed amount",
    }
}

crate::text_enum! {
    /// A period of the program's calendar.
    pub enum Period {
        /// A month.
        Month = "month" => "month",
        /// A quarter.
        Quarter = "quarter" => "quarter",
        /// A year.
        Year = "year" => "year",
    }
}

/// Amounts in minor units by currency.
pub type Amounts = BTreeMap<Currency, i64>;

/// How much a rule pays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Amount {
    /// A rate by tier rank; a tier without its own rate has that of the next lower one.
    ByTier {
        /// Tier rank → basis points.
        #[serde(with = "by_rank")]
        rates: BTreeMap<i32, Bp>,
    },
    /// One rate for all.
    Percent {
        /// Basis points.
        rate: Bp,
    },
    /// A fixed amount. The rule counts only in the currencies it names.
    Flat {
        /// Minor units by currency.
        amounts: Amounts,
    },
    /// A fixed amount by tier rank; as with rates, a tier without its own has the next lower one.
    FlatByTier {
        /// Tier rank → minor units by currency.
        #[serde(with = "by_rank")]
        amounts: BTreeMap<i32, Amounts>,
    },
    /// Progressive rates over the partner's volume in a period: only the part above a step earns
    /// the higher rate. The rule counts only in its currency.
    Brackets {
        /// When the volume starts again at nothing.
        period: Period,
        /// The currency of the steps.
        currency: Currency,
        /// Ascending; the last has no end.
        steps: Vec<BracketStep>,
    },
}

/// A step of progressive rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BracketStep {
    /// Where the step ends, in minor units of the period's volume; `None` for the last.
    pub up_to: Option<i64>,
    /// The rate inside the step.
    pub rate: Bp,
}

/// How long a customer earns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Duration {
    /// As long as it pays.
    #[default]
    Lifetime,
    /// Calendar months from its first payment, in the program's zone.
    Months {
        /// How many, at least one.
        months: u32,
    },
}

/// Upper limits. A cap that names no amount in a line's currency keeps the rule from paying in
/// that currency, so that a cap cannot be got round by another currency.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Caps {
    /// For one customer over all time, all partners together. Who shares the credit for it shares the
    /// cap in the same parts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub per_customer: Amounts,
    /// For one partner in a period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_partner: Option<PeriodCap>,
    /// For the whole rule in a period, all partners together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_period: Option<PeriodCap>,
}

/// A limit that starts again with each period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeriodCap {
    /// The period.
    pub period: Period,
    /// Minor units by currency.
    pub amounts: Amounts,
}

/// When a rule counts. What is empty is not asked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Conditions {
    /// Any of these partner types.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub partner_types: BTreeSet<PartnerType>,
    /// Any of these tier ranks.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tiers: BTreeSet<i32>,
    /// Any of these products, by key.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub products: BTreeSet<String>,
    /// The customer came (or did not come) by a registered deal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_deal: Option<bool>,
    /// The partner is certified in this course, by key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certification: Option<String>,
    /// The customer is in any of these countries (ISO 3166-1 alpha-2).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub countries: BTreeSet<String>,
}

impl Conditions {
    /// How many things are asked: the rule that asks most is the most specific.
    pub fn specificity(&self) -> u32 {
        u32::from(!self.partner_types.is_empty())
            + u32::from(!self.tiers.is_empty())
            + u32::from(!self.products.is_empty())
            + u32::from(self.registered_deal.is_some())
            + u32::from(self.certification.is_some())
            + u32::from(!self.countries.is_empty())
    }
}

/// One rule of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Stays the same over versions; lower case, digits, dashes.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What makes it look.
    pub trigger: Trigger,
    /// What a percentage is taken of.
    pub basis: Basis,
    /// How much.
    pub amount: Amount,
    /// Added to the rate when the customer came by a registered deal.
    #[serde(default)]
    pub bonus_points: Bp,
    /// How long a customer earns.
    #[serde(default)]
    pub duration: Duration,
    /// Upper limits.
    #[serde(default)]
    pub caps: Caps,
    /// When it counts.
    #[serde(default)]
    pub conditions: Conditions,
}

/// The rules of one version of a plan. Of the rules that count for an event, the one that asks
/// most conditions pays; among equals, the earlier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRules {
    /// The version of this JSON form; 1.
    pub format: u32,
    /// In order.
    pub rules: Vec<Rule>,
}

impl PlanRules {
    /// Rules in the present format.
    pub fn new(rules: Vec<Rule>) -> Self {
        Self { format: 1, rules }
    }

    /// The rule with this id.
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }
}

impl Amount {
    /// What belongs to a tier rank: its own entry or that of the next lower rank.
    pub(crate) fn for_rank<T>(entries: &BTreeMap<i32, T>, rank: i32) -> Option<&T> {
        entries.range(..=rank).next_back().map(|(_, value)| value)
    }
}

#[cfg(test)]
#[path = "plan/tests.rs"]
mod tests;
