//! Customers and what they subscribe to.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::money::{Currency, Money};
use serde_json::Value;

use super::open_enum;
use crate::read::{BadObject, Node};

/// One of the vendor's customers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// `cus_…`.
    pub id: String,
    /// Where invoices go.
    pub email: Option<String>,
    /// The company's or person's name.
    pub name: Option<String>,
    /// Country of the address, as Stripe has it (ISO 3166-1 alpha-2).
    pub country: Option<String>,
    /// What it is billed in.
    pub currency: Option<Currency>,
    /// When it was made; a deleted customer does not say.
    pub created: Option<DateTime<Utc>>,
    /// Whether it was deleted; nearly everything else is gone then.
    pub deleted: bool,
    /// The vendor's own pairs.
    pub metadata: BTreeMap<String, String>,
}

impl Customer {
    /// Reads a `customer`, deleted or not.
    ///
    /// # Errors
    /// When it has no id or an unknown currency.
    pub fn parse(value: &Value) -> Result<Self, BadObject> {
        let customer = Node::typed(value, "customer")?;
        Ok(Self {
            id: customer.text("id")?,
            email: customer.opt_text("email"),
            name: customer.opt_text("name"),
            country: customer
                .child("address")
                .and_then(|address| address.opt_text("country")),
            currency: customer.opt_currency("currency")?,
            created: customer.opt_time("created")?,
            deleted: customer.flag("deleted"),
            metadata: customer.pairs("metadata"),
        })
    }
}

open_enum! {
    /// Where a subscription stands.
    SubscriptionStatus {
        /// In trial.
        Trialing = "trialing",
        /// Running.
        Active = "active",
        /// The first payment is outstanding.
        Incomplete = "incomplete",
        /// The first payment never came.
        IncompleteExpired = "incomplete_expired",
        /// A payment is late.
        PastDue = "past_due",
        /// Payment was given up, the subscription goes on.
        Unpaid = "unpaid",
        /// Ended.
        Canceled = "canceled",
        /// Paused after a trial.
        Paused = "paused",
    }
}

/// What a customer subscribes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// `sub_…`.
    pub id: String,
    /// `cus_…`.
    pub customer: String,
    /// Where it stands.
    pub status: SubscriptionStatus,
    /// What it is billed in.
    pub currency: Currency,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// Whether it ends with the current period.
    pub cancel_at_period_end: bool,
    /// When its end was asked for.
    pub canceled_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// When the trial ends or ended.
    pub trial_end: Option<DateTime<Utc>>,
    /// When the current period ends: the latest of its items'.
    pub current_period_end: Option<DateTime<Utc>>,
    /// The products in it.
    pub items: Vec<SubscriptionItem>,
    /// The vendor's own pairs.
    pub metadata: BTreeMap<String, String>,
}

/// One product of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionItem {
    /// `si_…`.
    pub id: String,
    /// `price_…`.
    pub price: Option<String>,
    /// `prod_…`.
    pub product: Option<String>,
    /// How many.
    pub quantity: Option<i64>,
    /// What one costs per interval, where it is a whole amount and not tiered.
    pub unit_amount: Option<Money>,
    /// `day`, `week`, `month` or `year`.
    pub interval: Option<String>,
    /// How many of these make a period.
    pub interval_count: Option<i64>,
}

impl Subscription {
    /// Reads a `subscription`.
    ///
    /// # Errors
    /// When what is needed is missing or an amount cannot be trusted.
    pub fn parse(value: &Value) -> Result<Self, BadObject> {
        let subscription = Node::typed(value, "subscription")?;
        let currency = subscription.currency("currency")?;
        let items = subscription.items("items")?;
        // Since 2025 each item has its own period.
        let mut current_period_end = subscription.opt_time("current_period_end")?;
        for item in &items {
            current_period_end = current_period_end.max(item.opt_time("current_period_end")?);
        }
        Ok(Self {
            id: subscription.text("id")?,
            customer: subscription.id("customer")?,
            status: subscription.text("status")?.as_str().into(),
            created: subscription.time("created")?,
            started_at: subscription.opt_time("start_date")?,
            cancel_at_period_end: subscription.flag("cancel_at_period_end"),
            canceled_at: subscription.opt_time("canceled_at")?,
            ended_at: subscription.opt_time("ended_at")?,
            trial_end: subscription.opt_time("trial_end")?,
            current_period_end,
            items: items.iter().map(item).collect::<Result<_, _>>()?,
            metadata: subscription.pairs("metadata"),
            currency,
        })
    }
}

fn item(item: &Node<'_>) -> Result<SubscriptionItem, BadObject> {
    let price = item.child("price");
    let recurring = price.as_ref().and_then(|price| price.child("recurring"));
    Ok(SubscriptionItem {
        id: item.text("id")?,
        price: item.opt_id("price"),
        product: price.as_ref().and_then(|price| price.opt_id("product")),
        quantity: item.get("quantity").and_then(Value::as_i64),
        unit_amount: match &price {
            Some(price) if price.get("unit_amount").is_some() => {
                price.opt_money("unit_amount", price.currency("currency")?)?
            }
            _ => None,
        },
        interval: recurring
            .as_ref()
            .and_then(|node| node.opt_text("interval")),
        interval_count: recurring
            .as_ref()
            .and_then(|node| node.get("interval_count"))
            .and_then(Value::as_i64),
    })
}
