//! What is known about an event when commission is worked out.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::credit::Part;
use crate::application::PartnerType;
use crate::money::Money;
use crate::plan::{Period, Trigger};

/// The partner's tier on the day of the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierAt {
    /// Rank, larger is higher.
    pub rank: i32,
    /// Name, for the explanation.
    pub name: String,
}

/// How long the customer has been paying, by calendar dates in the program's zone. Made by
/// `calendar::customer_age`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerAge {
    /// When it paid first.
    pub first_payment_at: DateTime<Utc>,
    /// Whole calendar months from then to the event; 0 in the first month.
    pub months: u32,
    /// When its first year ends.
    pub first_year_ends_at: DateTime<Utc>,
}

/// The time an invoice line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicePeriod {
    /// The first instant.
    pub start: DateTime<Utc>,
    /// The first instant after.
    pub end: DateTime<Utc>,
}

/// What a rule has paid so far, in minor units of the line's currency, for its caps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CapUse {
    /// For this customer over all time, to whomever.
    #[serde(default)]
    pub customer: i64,
    /// Of that, to this partner.
    #[serde(default)]
    pub customer_own: i64,
    /// For this partner in the cap's period.
    #[serde(default)]
    pub partner: i64,
    /// For all partners in the cap's period.
    #[serde(default)]
    pub all: i64,
}

/// Everything the engine looks at for one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// What happened.
    pub trigger: Trigger,
    /// When the money arrived, or the event happened.
    pub paid_at: DateTime<Utc>,
    /// The line's amount after tax, discount and credit; this partner's share of it when credit is
    /// split. Negative for a credited line. For a won deal the first-year value the vendor
    /// confirmed. Zero for events without money, with the currency in which a fixed amount is
    /// wanted.
    pub net: Money,
    /// The partner's part of the credit: a fixed amount is divided by it.
    #[serde(default = "Part::whole")]
    pub credit: Part,
    /// The product's key.
    pub product: Option<String>,
    /// The customer's country.
    pub country: Option<String>,
    /// The partner's type.
    pub partner_type: PartnerType,
    /// The partner's tier on the day; `None` before it has one.
    pub tier: Option<TierAt>,
    /// The customer came by a registered deal.
    pub registered_deal: bool,
    /// Keys of the courses that count for the partner on the day.
    #[serde(default)]
    pub certified: BTreeSet<String>,
    /// How long the customer has been paying; `None` before its first payment.
    pub age: Option<CustomerAge>,
    /// What the line is for, when the invoice says so.
    pub service: Option<ServicePeriod>,
    /// The partner's volume so far in each calendar period, in the line's currency, without this
    /// line.
    #[serde(default)]
    pub volume: BTreeMap<Period, i64>,
    /// What each rule (by id) has paid so far; missing is nothing.
    #[serde(default)]
    pub used: BTreeMap<String, CapUse>,
    /// The plan's version, for the record.
    pub plan_version: i64,
}
