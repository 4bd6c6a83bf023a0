//! Does what the news say, in memory.

mod back;
mod balance;
mod invoice;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::money::MoneyError;
use entity::{invoice_payment, subscription};
use stripe_gateway::BadObject;
use stripe_gateway::billing::{InvoicePayment, PaymentStatus, Subscription};

use super::change::{Change, News};
use super::unit::{Job, Row, Unit};
use crate::commission::settle::{Cause, left_early, settle};

/// Something the portal has to ask Stripe for before it can handle the news.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wish {
    /// A customer of whom only the id is known.
    Customer(String),
    /// An invoice with all lines.
    Invoice(String),
    /// A checkout with all items.
    Checkout(String),
    /// What a new subscription and the checkout it was bought at say of whose customer it is. Their
    /// events come in the same second as the first invoice, in any order.
    Origin(String),
    /// A credit note with all lines.
    CreditNote(String),
    /// How the balance of a customer came about.
    Balance(String),
    /// What a customer has paid: of an invoice below zero, that says whether its credit was given.
    PaidInvoices(String),
    /// Which invoices a payment paid.
    Payments {
        /// `pi_…`.
        intent: Option<String>,
        /// `ch_…`.
        charge: Option<String>,
    },
}

impl Wish {
    /// Stripe's name of what is wished for.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Customer(id)
            | Self::Invoice(id)
            | Self::Checkout(id)
            | Self::Origin(id)
            | Self::CreditNote(id)
            | Self::Balance(id)
            | Self::PaidInvoices(id) => Some(id),
            Self::Payments { intent, charge } => intent.as_deref().or(charge.as_deref()),
        }
    }
}

/// Why news could not be handled now.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Something has to be fetched first.
    Needs(Wish),
    /// It was fetched, and Stripe does not list it yet: the name of what it waits for.
    Waits(String),
    /// It never can; the sentence is for the log.
    Bad(String),
}

impl From<BadObject> for Trouble {
    fn from(bad: BadObject) -> Self {
        Self::Bad(bad.to_string())
    }
}

impl From<MoneyError> for Trouble {
    fn from(error: MoneyError) -> Self {
        Self::Bad(error.to_string())
    }
}

/// Whether the news meant anything to the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// They were acted on.
    Processed,
    /// They are about something the portal does not keep.
    Ignored,
}

/// What was asked of Stripe and found not to be there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Absent {
    /// Payment intents and charges that paid no invoice so far, with the name by which such a payment
    /// would become known.
    pub(crate) payments: BTreeMap<String, String>,
    /// Customers of whose balance everything is known that Stripe lists.
    pub(crate) balances: BTreeSet<String>,
    /// Customers whose paid invoices were asked for, whatever was there.
    pub(crate) paid_invoices: BTreeSet<String>,
    /// Subscriptions whose origin was asked for, whatever was there.
    pub(crate) origins: BTreeSet<String>,
}

/// Handles one piece of news.
pub(crate) fn apply(unit: &mut Unit, news: &News, absent: &Absent) -> Result<Done, Trouble> {
    match &news.change {
        // Done while the batch was read, because matching decides what else has to be read.
        Change::Customer(_) => Ok(Done::Processed),
        Change::Checkout(session) => invoice::checkout(unit, news.at, session, absent),
        Change::Subscription(s) => subscription(unit, news.at, s),
        Change::Invoice(i) => invoice::invoice(unit, news.at, i, absent),
        Change::Balance { customer, changes } => Ok(balance::remember(unit, customer, changes)),
        Change::Payment(p) => payment(unit, p),
        Change::CreditNote(c) => back::credit_note(unit, news.at, c),
        Change::Refund(r) => back::refund(unit, news.at, r, absent),
        Change::Charge(c) => back::charge(unit, news.at, c, absent),
        Change::Dispute(d) => back::dispute(unit, news.at, d, absent),
        Change::Job { kind, stripe_id } => {
            unit.effects.jobs.push(Job {
                kind,
                stripe_id: stripe_id.clone(),
                dedupe_key: format!("{kind}:{}", news.event),
            });
            Ok(Done::Processed)
        }
    }
}

fn subscription(unit: &mut Unit, at: DateTime<Utc>, said: &Subscription) -> Result<Done, Trouble> {
    let Some(customer_id) = unit.customers.get(&said.customer).map(|c| c.id) else {
        return Err(Trouble::Bad(format!(
            "customer {} is not there",
            said.customer
        )));
    };
    let row = subscription::Model {
        id: 0,
        stripe_id: said.id.clone(),
        customer_id,
        status: said.status.as_str().to_owned(),
        started_at: said.started_at.unwrap_or(said.created),
        ended_at: said.ended_at,
        updated_at: at,
    };
    let row = match unit.subscriptions.get(&said.id) {
        Some(known) if known.updated_at > at => return Ok(Done::Processed),
        // Of two things told in one second, the end came last: it is final.
        Some(known)
            if known.updated_at == at && known.ended_at.is_some() && said.ended_at.is_none() =>
        {
            return Ok(Done::Processed);
        }
        Some(known) => {
            let mut known = known.clone();
            let id = known.id;
            *known = subscription::Model { id, ..row };
            known
        }
        None => Row::fresh(subscription::Model {
            id: unit.fresh_id(),
            ..row
        }),
    };
    unit.put_subscription(row);
    let mut early = BTreeMap::new();
    for state in unit.invoices.values() {
        if state.row.subscription_stripe_id.as_ref() == Some(&said.id)
            && let Some(cause) = left_early(unit, state)?
        {
            let told_at = at;
            early.insert(state.row.stripe_id.clone(), Cause { told_at, ..cause });
        }
    }
    for invoice in unit.as_paid(early.keys().cloned()) {
        settle(unit, &invoice, early.remove(&invoice))?;
    }
    Ok(Done::Processed)
}

fn payment(unit: &mut Unit, said: &InvoicePayment) -> Result<Done, Trouble> {
    if !unit.invoices.contains_key(&said.invoice) {
        return Err(Trouble::Needs(Wish::Invoice(said.invoice.clone())));
    }
    add_payment(unit, &said.invoice, said)?;
    // What was paid beyond the invoice may go back without touching the sale.
    let state = unit.invoices.get(&said.invoice);
    if state.is_some_and(|state| !state.returns.is_empty()) {
        settle(unit, &said.invoice, None)?;
    }
    Ok(Done::Processed)
}

fn add_payment(unit: &mut Unit, invoice: &str, said: &InvoicePayment) -> Result<(), Trouble> {
    if said.status != PaymentStatus::Paid {
        return Ok(());
    }
    let id = unit.fresh_id();
    let Some(state) = unit.invoice_mut(invoice) else {
        return Ok(());
    };
    if let Some(known) = state.payments.iter_mut().find(|p| p.stripe_id == said.id) {
        // The same payment under one more name, which is kept: what is told of it by that name
        // alone need not be asked for again.
        if known.charge.is_none() {
            known.charge.clone_from(&said.charge);
        }
        let known = (**known).clone();
        unit.remember_payment(&known, invoice);
        return Ok(());
    }
    let row = invoice_payment::Model {
        id,
        stripe_id: said.id.clone(),
        invoice_id: state.row.id,
        payment_intent: said.payment_intent.clone(),
        charge: said.charge.clone(),
        amount: said.amount_paid.unwrap_or(said.amount_requested).minor,
    };
    state.payments.push(Row::fresh(row.clone()));
    unit.remember_payment(&row, invoice);
    Ok(())
}
