//! What a transfer at Stripe proves about a payout.
//!
//! A payout's transfer is found by its group, but a group alone proves nothing: ids come again after a
//! backup was put back, two portals may use one Stripe account, and groups can be typed by anybody. A
//! transfer is believed only when everything fits that was fixed before the money moved, and only
//! when there is exactly one.

use std::fmt::Write as _;

use crate::money::Money;

/// Metadata: `payout.id`.
pub const PAYOUT: &str = "portico_payout";
/// Metadata: the payout's own random key, which no other payout has, also not one of the same id in
/// another life of the database.
pub const KEY: &str = "portico_key";
/// Metadata: the random name of the installation that sent it.
pub const INSTALLATION: &str = "portico_installation";

/// What was fixed before a payout's money moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frozen<'a> {
    /// `payout.id`.
    pub id: i64,
    /// What was to be sent.
    pub amount: Money,
    /// The account it was to go to, `acct_…`.
    pub destination: &'a str,
    /// The transfer group it was or will be sent with.
    pub group: &'a str,
    /// The payout's own key; `None` for those sent before transfers carried it.
    pub key: Option<&'a str>,
    /// The installation; `None` for those sent before transfers carried it.
    pub installation: Option<&'a str>,
}

/// A transfer as Stripe lists it, as far as it proves something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// `tr_…`.
    pub id: String,
    /// What was sent.
    pub amount: Money,
    /// What of it was taken back since, minor units.
    pub reversed: i64,
    /// `acct_…`.
    pub destination: Option<String>,
    /// The transfer group.
    pub group: Option<String>,
    /// Metadata [`PAYOUT`].
    pub payout: Option<String>,
    /// Metadata [`KEY`].
    pub key: Option<String>,
    /// Metadata [`INSTALLATION`].
    pub installation: Option<String>,
}

/// What Stripe's list says about a payout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// Exactly one transfer fits in everything, and nothing else stands in the payout's group.
    Paid {
        /// Its place in the list.
        at: usize,
    },
    /// Nothing stands in the payout's group. That proves nothing about a request on its way.
    NotThere,
    /// Something stands there that cannot be believed; a person has to look.
    Contradiction {
        /// In words.
        why: String,
    },
}

/// The group of a payout's transfer. With the installation's random part two databases at one
/// Stripe account cannot take each other's transfers for their own.
pub fn group(installation: &str, payout: i64) -> String {
    format!("portico-{installation}-payout-{payout}")
}

/// The group as it was before it had the installation's part.
pub fn legacy_group(payout: i64) -> String {
    format!("portico-payout-{payout}")
}

/// What of a transfer does not fit a payout, in words; `None` when everything fits.
pub fn misfit(payout: &Frozen<'_>, transfer: &Listed) -> Option<String> {
    let mut why = String::new();
    let mut differs = |what: &str, is: &str, wanted: &str| {
        let comma = if why.is_empty() { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(why, "{comma}{what} {is} instead of {wanted}");
    };
    if transfer.amount != payout.amount {
        let (is, wanted) = (transfer.amount.format("en"), payout.amount.format("en"));
        differs("amount", &is, &wanted);
    }
    let text = |given: &Option<String>| given.clone().unwrap_or_else(|| "none".to_owned());
    if transfer.destination.as_deref() != Some(payout.destination) {
        differs("account", &text(&transfer.destination), payout.destination);
    }
    if transfer.group.as_deref() != Some(payout.group) {
        differs("group", &text(&transfer.group), payout.group);
    }
    if transfer.payout.as_deref() != Some(payout.id.to_string().as_str()) {
        differs("payout", &text(&transfer.payout), &payout.id.to_string());
    }
    if let Some(key) = payout
        .key
        .filter(|key| transfer.key.as_deref() != Some(key))
    {
        differs("key", &text(&transfer.key), key);
    }
    if let Some(ours) = payout
        .installation
        .filter(|ours| transfer.installation.as_deref() != Some(ours))
    {
        differs("installation", &text(&transfer.installation), ours);
    }
    (!why.is_empty()).then_some(why)
}

/// Weighs what Stripe lists in a payout's group. What stands in another group is passed over.
pub fn weigh(payout: &Frozen<'_>, listed: &[Listed]) -> Evidence {
    let mut fitting = Vec::new();
    let mut strange = Vec::new();
    let here = |t: &&Listed| t.group.as_deref() == Some(payout.group);
    for transfer in listed.iter().filter(here) {
        match misfit(payout, transfer) {
            None => fitting.push(transfer),
            Some(why) => strange.push(format!("{} ({why})", transfer.id)),
        }
    }
    let ids = |all: &[&Listed]| {
        all.iter()
            .map(|t| t.id.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    match (fitting.as_slice(), strange.is_empty()) {
        ([], true) => Evidence::NotThere,
        ([one], true) => Evidence::Paid {
            at: listed
                .iter()
                .position(|t| t.id == one.id)
                .unwrap_or_default(),
        },
        ([], false) => Evidence::Contradiction {
            why: format!(
                "Stripe lists what does not fit this payout: {}.",
                strange.join("; ")
            ),
        },
        (some, true) => Evidence::Contradiction {
            why: format!("Stripe lists several transfers that fit: {}.", ids(some)),
        },
        (some, false) => Evidence::Contradiction {
            why: format!(
                "Stripe lists {} and beside it what does not fit: {}.",
                ids(some),
                strange.join("; ")
            ),
        },
    }
}

/// The payout of this installation that a transfer says it is for; `None` for one that says nothing
/// of the kind. A transfer from before groups had the installation's part has to name the payout
/// twice, in its group and in its metadata.
pub fn claims(installation: &str, transfer: &Listed) -> Option<i64> {
    let named = transfer
        .payout
        .as_deref()
        .and_then(|id| id.parse::<i64>().ok());
    let group = transfer.group.as_deref().unwrap_or_default();
    let own = group
        .strip_prefix("portico-")
        .and_then(|rest| rest.strip_prefix(installation))
        .and_then(|rest| rest.strip_prefix("-payout-"));
    if transfer.installation.as_deref() == Some(installation) || own.is_some() {
        let from_group = own.and_then(|id| id.parse().ok());
        return Some(named.or(from_group).unwrap_or_default());
    }
    named.filter(|id| group == legacy_group(*id))
}

#[cfg(test)]
#[path = "evidence/tests.rs"]
mod tests;
