//! An invoice, from draft to paid.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::money::MoneyError;
use entity::{invoice, invoice_line};
use stripe_gateway::billing::{CheckoutSession, Invoice, InvoiceStatus};

use super::back::{Total, say_total};
use super::{Done, Trouble, Wish, add_payment};
use crate::billing::unit::{InvoiceState, Row, Unit};
use crate::commission::settle::settle;

/// How far an invoice has come; it never goes back.
fn progress(status: &str) -> u8 {
    match status {
        "draft" => 0,
        "open" => 1,
        "uncollectible" => 2,
        _ => 3,
    }
}

/// The largest amount that is believed, in minor units: a million times what Stripe can charge, and
/// thousands of times less than what fits 64 bits, so that sums of real invoices always fit.
const LARGEST: u64 = 1_000_000_000_000_000;

/// Refuses amounts that no invoice has.
fn believable(said: &Invoice) -> Result<(), Trouble> {
    let totals = [said.total, said.amount_paid, said.subtotal];
    let lines = said.lines.iter().flat_map(|line| {
        let a = &line.amounts;
        [
            a.amount,
            a.discount,
            a.credit,
            a.tax_inclusive,
            a.tax_exclusive,
        ]
    });
    match totals
        .into_iter()
        .chain(lines)
        .find(|m| m.minor.unsigned_abs() > LARGEST)
    {
        None => Ok(()),
        Some(money) => Err(Trouble::Bad(format!(
            "invoice {} has an amount of {} minor units, which no invoice can have",
            said.id, money.minor
        ))),
    }
}

/// Stores what was sold at a checkout as the invoice it stands for. Whom it names was matched while
/// the batch was read.
pub(super) fn checkout(
    unit: &mut Unit,
    at: DateTime<Utc>,
    said: &CheckoutSession,
) -> Result<Done, Trouble> {
    let known = unit.invoices.contains_key(&said.id);
    match said.as_invoice(at)? {
        Some(sold) => invoice(unit, at, &sold),
        None if said.sale.is_some() && !known => {
            Err(Trouble::Needs(Wish::Checkout(said.id.clone())))
        }
        None => Ok(Done::Processed),
    }
}

/// Stores what is new about an invoice and settles it.
pub(super) fn invoice(unit: &mut Unit, at: DateTime<Utc>, said: &Invoice) -> Result<Done, Trouble> {
    believable(said)?;
    let Some(customer_key) = &said.customer else {
        return Ok(Done::Ignored);
    };
    let Some(customer) = unit.customers.get(customer_key) else {
        return Err(Trouble::Bad(format!(
            "customer {customer_key} is not there"
        )));
    };
    let (customer_id, unseen) = (
        customer.id,
        customer.updated_at.is_none() && customer.account_id.is_none(),
    );
    let paid = said.status == InvoiceStatus::Paid;
    if paid && unseen {
        return Err(Trouble::Needs(Wish::Customer(customer_key.clone())));
    }
    if let InvoiceStatus::Other(status) = &said.status {
        return Err(Trouble::Bad(format!(
            "invoice {} has the unknown status {status}",
            said.id
        )));
    }
    if paid && said.lines_have_more {
        let known = unit
            .invoices
            .get(&said.id)
            .is_some_and(|s| !s.lines.is_empty());
        if !known {
            return Err(Trouble::Needs(Wish::Invoice(said.id.clone())));
        }
    }
    if !unit.invoices.contains_key(&said.id) {
        let id = unit.fresh_id();
        let row = invoice::Model {
            id,
            stripe_id: said.id.clone(),
            customer_id,
            subscription_stripe_id: None,
            number: None,
            status: "draft".to_owned(),
            currency: said.currency.code().to_owned(),
            total: 0,
            net: 0,
            amount_paid: 0,
            returned: 0,
            disputed: false,
            outcome: "open".to_owned(),
            outcome_reason: None,
            issued_at: said.created,
            paid_at: None,
            created_at: unit.now,
        };
        unit.add_invoice(InvoiceState {
            row: Row::fresh(row),
            lines: Vec::new(),
            payments: Vec::new(),
            returns: Vec::new(),
            commissions: Vec::new(),
            holds: HashMap::new(),
        });
    }
    let mut lines = Vec::new();
    // Credited in full before anybody paid: Stripe calls that paid, but no money came.
    let unpaid = said.total.minor > 0 && said.pre_payment_credit_notes.minor >= said.total.minor;
    let net = if unpaid { 0 } else { said.net()?.minor };
    if paid {
        lines = new_lines(unit, said)?;
    }
    let Some(state) = unit.invoice_mut(&said.id) else {
        return Err(Trouble::Bad(format!("invoice {} is not there", said.id)));
    };
    let row = &mut state.row;
    if progress(said.status.as_str()) >= progress(&row.status) {
        row.status = said.status.as_str().to_owned();
        row.number = said.number.clone().or(row.number.take());
        row.subscription_stripe_id = said
            .subscription
            .clone()
            .or(row.subscription_stripe_id.take());
        row.total = said.total.minor;
        row.amount_paid = said.amount_paid.minor;
        if !said.lines_have_more {
            row.net = net;
        }
        if paid {
            row.paid_at = row.paid_at.or(Some(said.paid_at.unwrap_or(at)));
        }
    }
    let invoice_id = state.row.id;
    for line in &mut lines {
        line.invoice_id = invoice_id;
    }
    state.lines.extend(lines.into_iter().map(Row::fresh));
    for payment in &said.payments {
        add_payment(unit, &said.id, payment)?;
    }
    let credited = said
        .pre_payment_credit_notes
        .minor
        .checked_add(said.post_payment_credit_notes.minor)
        .ok_or(MoneyError::Overflow)?;
    // Nothing is worth saying only where something else was said before: a note was annulled.
    let said_before = |state: &InvoiceState| state.returns.iter().any(|r| r.stripe_id == said.id);
    if credited != 0 || unit.invoices.get(&said.id).is_some_and(said_before) {
        let total = Total {
            stripe_id: &said.id,
            kind: "credit_note",
            at,
            total: credited,
        };
        say_total(unit, &said.id, &total)?;
    }
    settle(unit, &said.id, None)?;
    Ok(Done::Processed)
}

/// The invoice's lines that are not known yet.
fn new_lines(unit: &mut Unit, said: &Invoice) -> Result<Vec<invoice_line::Model>, Trouble> {
    let known: std::collections::HashSet<String> = unit
        .invoices
        .get(&said.id)
        .map(|s| s.lines.iter().map(|l| l.stripe_id.clone()).collect())
        .unwrap_or_default();
    let mut lines = Vec::new();
    for line in said.lines.iter().filter(|l| !known.contains(&l.id)) {
        let code = line
            .metadata
            .get("product_line")
            .or_else(|| said.subscription_metadata.get("product_line"))
            .or_else(|| said.metadata.get("product_line"));
        let product_line_id = unit
            .config
            .product_line(line.product.as_deref(), code.map(String::as_str));
        let a = &line.amounts;
        let off = a
            .discount
            .minor
            .checked_add(a.credit.minor)
            .ok_or(MoneyError::Overflow)?;
        let tax = a.tax_inclusive.minor.checked_add(a.tax_exclusive.minor);
        lines.push(invoice_line::Model {
            id: unit.fresh_id(),
            stripe_id: line.id.clone(),
            invoice_id: 0,
            product_line_id,
            description: line.description.clone().unwrap_or_default(),
            amount: a.amount.minor,
            discount: off,
            tax: tax.ok_or(MoneyError::Overflow)?,
            net: line.net()?.minor,
            returned: 0,
            proration: line.proration,
            period_start: line.period.map(|p| p.start),
            period_end: line.period.map(|p| p.end),
        });
    }
    Ok(lines)
}
