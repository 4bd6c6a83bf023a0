//! What the engine answers: an amount with its explanation, or the reasons for none.

use serde::{Deserialize, Serialize};

use super::facts::TierAt;
use super::fraction::Fraction;
use crate::money::{Bp, Money};
use crate::plan::{Basis, Trigger};

/// The engine's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The event earns.
    Earns(Box<Calculation>),
    /// The event earns nothing.
    Nothing {
        /// Why: one reason per rule, or one for all.
        reasons: Vec<Reason>,
    },
}

impl Outcome {
    /// The amount, if the event earns.
    pub fn amount(&self) -> Option<Money> {
        match self {
            Self::Earns(calculation) => Some(calculation.amount),
            Self::Nothing { .. } => None,
        }
    }
}

/// Why a rule does not pay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The rule; `None` when it is about the whole plan.
    pub rule_id: Option<String>,
    /// Why, for a person.
    pub sentence: String,
}

/// A commission with everything needed to recompute it by hand: this is what *Explain* shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calculation {
    /// The rule that pays.
    pub rule_id: String,
    /// Its name on that day.
    pub rule_name: String,
    /// The plan's version.
    pub plan_version: i64,
    /// Why this rule and no other.
    pub choice: String,
    /// The other rules and why they did not pay.
    #[serde(default)]
    pub passed_over: Vec<Reason>,
    /// What happened.
    pub trigger: Trigger,
    /// What the rate was taken of.
    pub basis: Basis,
    /// The line's net amount.
    pub net: Money,
    /// The partner's tier on that day.
    pub tier: Option<TierAt>,
    /// The rate.
    pub rate: Rate,
    /// The exact amount before rounding and caps.
    pub unrounded: Fraction,
    /// The amount after rounding, before caps.
    pub rounded_minor: i64,
    /// Caps that lowered it.
    #[serde(default)]
    pub caps: Vec<CapApplied>,
    /// The commission.
    pub amount: Money,
    /// The way from the line to the amount.
    pub steps: Vec<Step>,
}

/// The rate that was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Rate {
    /// One rate, points for a registered deal included.
    Percent {
        /// Basis points.
        rate: Bp,
    },
    /// A fixed amount.
    Flat,
    /// Parts of the line in several brackets.
    Brackets {
        /// In ascending order.
        slices: Vec<Slice>,
    },
}

/// The part of a line that falls into one bracket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    /// The period's volume where the part begins.
    pub from: i64,
    /// Where it ends.
    pub to: i64,
    /// The bracket's rate, points included.
    pub rate: Bp,
}

/// A cap that lowered an amount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapApplied {
    /// Which: `per customer`, `per partner and quarter`.
    pub name: String,
    /// The limit in minor units.
    pub limit: i64,
    /// Already used before.
    pub used: i64,
    /// The amount after the cap.
    pub amount: i64,
}

/// One line of the explanation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What it is.
    pub label: String,
    /// How it was worked out.
    pub formula: String,
    /// The result.
    pub value: String,
}

impl Step {
    pub(super) fn new(
        label: impl Into<String>,
        formula: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        Self {
            label: label.into(),
            formula: formula.into(),
            value: value.into(),
        }
    }
}
