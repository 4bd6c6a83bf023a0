//! What happened and what it should come to, in the words both sides of the comparison use.

use super::ops::Plan;

/// The portal's ids of what programs number from zero.
pub struct Names {
    pub partners: [i64; 2],
    pub accounts: Vec<i64>,
}

/// What happened, in order.
#[derive(Clone, Debug)]
pub enum Fact {
    /// How many days a subscription has to last; zero: any.
    Stay(i64),
    /// An invoice was paid.
    Paid(usize),
    /// It became known where a customer belongs.
    Matched(usize),
    Hold(String),
    Release(String),
    Cancel(String),
    /// From when a partner is of what rank.
    Tier(i64, usize, usize),
    /// From when who is credited for an account, in basis points; `true` is for the suite only.
    Credit(i64, usize, bool, Vec<(usize, i64)>),
    /// From when a plan counts.
    Plan(i64, Plan),
}

/// A commission with its reversals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booked {
    pub partner: usize,
    pub currency: String,
    pub basis: i64,
    pub amount: i64,
    /// What is left of it.
    pub left: i64,
    pub bucket: &'static str,
}
