//! What a batch of news speaks of.

use std::collections::BTreeSet;

use stripe_gateway::billing::InvoiceStatus;

use super::change::{Change, News};
use crate::program::MOST_CHURN_DAYS;

/// The ids that a batch of news speaks of.
#[derive(Debug, Default)]
pub(super) struct Keys {
    pub(super) customers: BTreeSet<String>,
    pub(super) subscriptions: BTreeSet<String>,
    /// Those of them that may have ended early, whatever the policy says.
    pub(super) ended: BTreeSet<String>,
    /// The subscriptions that invoices are for.
    pub(super) paying: BTreeSet<String>,
    pub(super) invoices: BTreeSet<String>,
    pub(super) intents: BTreeSet<String>,
    pub(super) charges: BTreeSet<String>,
    pub(super) products: BTreeSet<String>,
    /// The lines of paid invoices and of sales, by Stripe's names.
    pub(super) lines: BTreeSet<String>,
    /// Customers whose balance may have paid for something.
    pub(super) balances: BTreeSet<String>,
    /// Customers with a paid invoice below zero.
    pub(super) below_zero: BTreeSet<String>,
}

impl Keys {
    pub(super) fn of(news: &[&News]) -> Self {
        let mut keys = Self::default();
        for n in news {
            match &n.change {
                Change::Customer(c) => {
                    keys.customers.insert(c.id.clone());
                }
                Change::Checkout(session) => {
                    keys.customers.insert(session.customer_key().to_owned());
                    if let Some(sale) = &session.sale {
                        keys.invoices.insert(session.id.clone());
                        let items = sale.items.iter().flatten();
                        keys.lines.extend(items.map(|item| item.id.clone()));
                        keys.products.extend(
                            sale.items
                                .iter()
                                .flatten()
                                .filter_map(|item| item.product.clone()),
                        );
                    }
                }
                Change::Subscription(s) => {
                    keys.customers.insert(s.customer.clone());
                    keys.subscriptions.insert(s.id.clone());
                    let started = s.started_at.unwrap_or(s.created);
                    if s.ended_at
                        .is_some_and(|at| (at - started).num_days() <= MOST_CHURN_DAYS)
                    {
                        keys.ended.insert(s.id.clone());
                    }
                }
                Change::Invoice(i) => {
                    keys.customers.extend(i.customer.clone());
                    keys.invoices.insert(i.id.clone());
                    keys.paying.extend(i.subscription.clone());
                    if i.status == InvoiceStatus::Paid {
                        keys.lines
                            .extend(i.lines.iter().map(|line| line.id.clone()));
                        if i.credit_used().minor > 0 {
                            keys.balances.extend(i.customer.clone());
                        }
                        if i.total.minor < 0 {
                            keys.below_zero.extend(i.customer.clone());
                        }
                    }
                    keys.products
                        .extend(i.lines.iter().filter_map(|l| l.product.clone()));
                }
                Change::Payment(p) => {
                    keys.invoices.insert(p.invoice.clone());
                    keys.intents.extend(p.payment_intent.clone());
                    keys.charges.extend(p.charge.clone());
                }
                Change::CreditNote(c) => {
                    keys.invoices.insert(c.invoice.clone());
                }
                Change::Refund(r) => {
                    keys.intents.extend(r.payment_intent.clone());
                    keys.charges.extend(r.charge.clone());
                }
                Change::Charge(c) => {
                    keys.invoices.extend(c.invoice.clone());
                    keys.intents.extend(c.payment_intent.clone());
                    keys.charges.insert(c.id.clone());
                }
                Change::Dispute(d) => {
                    keys.intents.extend(d.payment_intent.clone());
                    keys.charges.insert(d.charge.clone());
                }
                Change::Balance { customer, changes } => {
                    keys.customers.insert(customer.clone());
                    keys.balances.insert(customer.clone());
                    keys.invoices
                        .extend(changes.iter().filter_map(|c| c.invoice.clone()));
                }
                Change::Job { .. } => {}
            }
        }
        keys
    }
}
