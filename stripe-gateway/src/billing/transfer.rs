//! Money to partners: transfers to their accounts, payouts from there to their banks.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::money::Money;
use serde_json::Value;

use super::open_enum;
use crate::read::{BadObject, Node};
use crate::webhook::Envelope;

/// Money sent from the platform to a connected account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// `tr_…`.
    pub id: String,
    /// What was sent.
    pub amount: Money,
    /// What of it was taken back so far; a part is possible.
    pub amount_reversed: Money,
    /// Whether all of it was taken back.
    pub reversed: bool,
    /// `acct_…`.
    pub destination: Option<String>,
    /// `py_…` at the connected account.
    pub destination_payment: Option<String>,
    /// Our own name for it.
    pub transfer_group: Option<String>,
    /// What the partner sees.
    pub description: Option<String>,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// Our own pairs.
    pub metadata: BTreeMap<String, String>,
}

impl Transfer {
    /// Reads a `transfer`.
    ///
    /// # Errors
    /// When what is needed to book it is missing or cannot be trusted.
    pub fn parse(value: &Value) -> Result<Self, BadObject> {
        let transfer = Node::typed(value, "transfer")?;
        let currency = transfer.currency("currency")?;
        Ok(Self {
            id: transfer.text("id")?,
            amount: transfer.money("amount", currency)?,
            amount_reversed: transfer.money_or_zero("amount_reversed", currency)?,
            reversed: transfer.flag("reversed"),
            destination: transfer.opt_id("destination"),
            destination_payment: transfer.opt_id("destination_payment"),
            transfer_group: transfer.opt_text("transfer_group"),
            description: transfer.opt_text("description"),
            created: transfer.time("created")?,
            metadata: transfer.pairs("metadata"),
        })
    }
}

open_enum! {
    /// Where a payout to a bank stands.
    PayoutStatus {
        /// Not handed to the bank yet.
        Pending = "pending",
        /// Handed to the bank.
        InTransit = "in_transit",
        /// It should be there; it may still fail within some days.
        Paid = "paid",
        /// It came back.
        Failed = "failed",
        /// Called off.
        Canceled = "canceled",
    }
}

/// Money sent from a connected account to its bank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payout {
    /// `po_…`.
    pub id: String,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub status: PayoutStatus,
    /// When the bank should have it.
    pub arrival_date: Option<DateTime<Utc>>,
    /// Why it failed, as Stripe's code.
    pub failure_code: Option<String>,
    /// Why it failed, in Stripe's words.
    pub failure_message: Option<String>,
    /// Whether it follows the account's schedule.
    pub automatic: bool,
    /// When it was made.
    pub created: DateTime<Utc>,
}

impl Payout {
    /// Reads a `payout`.
    ///
    /// # Errors
    /// When what is needed is missing or an amount cannot be trusted.
    pub fn parse(value: &Value) -> Result<Self, BadObject> {
        let payout = Node::typed(value, "payout")?;
        let currency = payout.currency("currency")?;
        Ok(Self {
            id: payout.text("id")?,
            amount: payout.money("amount", currency)?,
            status: payout.text("status")?.as_str().into(),
            arrival_date: payout.opt_time("arrival_date")?,
            failure_code: payout.opt_text("failure_code"),
            failure_message: payout.opt_text("failure_message"),
            automatic: payout.flag("automatic"),
            created: payout.time("created")?,
        })
    }
}

/// A `payout.*` event, which happens on a connected account or on the platform itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayoutEvent {
    /// `acct_…`; `None` for the platform's own payouts.
    pub account: Option<String>,
    /// The payout as it was then.
    pub payout: Payout,
}

impl PayoutEvent {
    /// Reads the payout an event carries.
    ///
    /// # Errors
    /// When it carries none, or one that cannot be trusted.
    pub fn parse(event: &Envelope) -> Result<Self, BadObject> {
        Ok(Self {
            account: event.account.clone(),
            payout: Payout::parse(event.require_object()?)?,
        })
    }
}
