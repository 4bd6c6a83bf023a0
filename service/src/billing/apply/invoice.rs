//! An invoice, from draft to paid.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::money::MoneyError;
use entity::{customer, invoice, invoice_line};
use stripe_gateway::billing::{CheckoutSession, Invoice, InvoiceLine, InvoiceStatus};

use super::back::{Total, say_total};
use super::balance::{self, BalancePart};
use super::{Absent, Done, Trouble, Wish, add_payment};
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
    let totals = [
        said.total,
        said.amount_paid,
        said.subtotal,
        said.starting_balance,
        said.ending_balance.unwrap_or(said.starting_balance),
        said.pre_payment_credit_notes,
    ];
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
    absent: &Absent,
) -> Result<Done, Trouble> {
    let known = unit.invoices.contains_key(&said.id);
    match said.as_invoice(at)? {
        Some(sold) => invoice(unit, at, &sold, absent),
        None if said.sale.is_some() && !known => {
            Err(Trouble::Needs(Wish::Checkout(said.id.clone())))
        }
        None => Ok(Done::Processed),
    }
}

/// Stores what is new about an invoice and settles it.
pub(super) fn invoice(
    unit: &mut Unit,
    at: DateTime<Utc>,
    said: &Invoice,
    absent: &Absent,
) -> Result<Done, Trouble> {
    believable(said)?;
    let Some(customer_key) = &said.customer else {
        return Ok(Done::Ignored);
    };
    let customer_id = ready(unit, customer_key, said, absent)?;
    if !unit.invoices.contains_key(&said.id) {
        begin(unit, customer_id, said);
    }
    let state = unit.invoices.get(&said.id);
    let known = state.is_some_and(|state| !state.lines.is_empty());
    let paid = said.status == InvoiceStatus::Paid;
    let mut part = None;
    if paid && !known {
        part = Some(balance::part(unit, customer_key, said, absent)?);
    }
    let mut lines = Vec::new();
    if paid {
        lines = new_lines(unit, said)?;
    }
    if let Some(part) = &part {
        part.scale(said.total.minor, &mut lines)?;
    }
    let Some(state) = unit.invoice_mut(&said.id) else {
        return Err(Trouble::Bad(format!("invoice {} is not there", said.id)));
    };
    write(&mut state.row, at, said, part.as_ref(), &lines)?;
    for line in &mut lines {
        line.invoice_id = state.row.id;
    }
    state.lines.extend(lines.into_iter().map(Row::fresh));
    for payment in &said.payments {
        add_payment(unit, &said.id, payment)?;
    }
    say_credited(unit, at, said)?;
    if let Some(part) = part {
        balance::tell(unit, said, &part);
    }
    settle(unit, &said.id, None)?;
    Ok(Done::Processed)
}

/// Asks for what is missing; the customer's id where nothing is.
fn ready(unit: &Unit, customer_key: &str, said: &Invoice, absent: &Absent) -> Result<i64, Trouble> {
    let Some(customer) = unit.customers.get(customer_key) else {
        return Err(Trouble::Bad(format!(
            "customer {customer_key} is not there"
        )));
    };
    let unseen = customer.updated_at.is_none() && customer.account_id.is_none();
    let paid = said.status == InvoiceStatus::Paid;
    if paid && unseen {
        return Err(Trouble::Needs(Wish::Customer(customer_key.to_owned())));
    }
    if paid && let Some(subscription) = unasked(customer, said, absent) {
        return Err(Trouble::Needs(Wish::Origin(subscription)));
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
    Ok(customer.id)
}

/// A row for an invoice of which nothing is known yet.
fn begin(unit: &mut Unit, customer_id: i64, said: &Invoice) {
    let row = invoice::Model {
        id: unit.fresh_id(),
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
        due: None,
        from_balance: 0,
        unearning: 0,
        balance: None,
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

/// Writes what an invoice says of itself, where that is not older than what is known. `part` is there
/// when its lines are new.
fn write(
    row: &mut invoice::Model,
    at: DateTime<Utc>,
    said: &Invoice,
    part: Option<&BalancePart>,
    lines: &[invoice_line::Model],
) -> Result<(), Trouble> {
    if progress(said.status.as_str()) < progress(&row.status) {
        return Ok(());
    }
    row.status = said.status.as_str().to_owned();
    row.number = said.number.clone().or(row.number.take());
    row.subscription_stripe_id = said
        .subscription
        .clone()
        .or(row.subscription_stripe_id.take());
    row.total = said.total.minor;
    row.amount_paid = match said.paid_out_of_band {
        true => said.amount_paid.minor.max(said.to_pay().minor),
        false => said.amount_paid.minor,
    };
    row.due = Some(said.to_pay().minor);
    if let Some(part) = part {
        row.from_balance = part.used;
        row.unearning = part.unearning();
        row.balance = part.explain().map(|balance| balance.to_string());
    }
    // Credited in full before anybody paid: Stripe calls that paid, but no money came.
    let unpaid = said.total.minor > 0 && said.pre_payment_credit_notes.minor >= said.total.minor;
    if !said.lines_have_more && (row.unearning == 0 || part.is_some()) {
        row.net = match (unpaid, row.unearning) {
            (true, _) => 0,
            (false, 0) => said.net()?.minor,
            _ => lines
                .iter()
                .try_fold(0i64, |sum, line| sum.checked_add(line.net))
                .ok_or(MoneyError::Overflow)?,
        };
    }
    if said.status == InvoiceStatus::Paid {
        row.paid_at = row.paid_at.or(Some(said.paid_at.unwrap_or(at)));
    }
    Ok(())
}

/// Stores what the invoice says was credited in all.
fn say_credited(unit: &mut Unit, at: DateTime<Utc>, said: &Invoice) -> Result<(), Trouble> {
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
    Ok(())
}

/// Which of the lines with its name each line is, from 1. Lists come in one order and events in
/// another, so lines of one name are told apart by what they say.
fn occurrences(lines: &[InvoiceLine]) -> Vec<i64> {
    let says = |line: &InvoiceLine| {
        let period = line.period.map(|p| (p.start, p.end));
        let amounts = (line.amounts.amount.minor, line.amounts.discount.minor);
        (
            period,
            amounts,
            line.product.clone(),
            line.description.clone(),
        )
    };
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_cached_key(|i| says(&lines[*i]));
    let mut seen: HashMap<&str, i64> = HashMap::new();
    let mut places = vec![0; lines.len()];
    for i in order {
        let place = seen.entry(&lines[i].id).or_insert(0);
        *place += 1;
        places[i] = *place;
    }
    places
}

/// The subscription of a first invoice, where its customer is known by nothing better than the mail
/// domain: what the vendor or a checkout says goes before that, and may be told only later.
fn unasked(customer: &customer::Model, said: &Invoice, absent: &Absent) -> Option<String> {
    let first = said.billing_reason.as_deref() == Some("subscription_create");
    let weak = matches!(customer.matched_by.as_deref(), None | Some("domain"));
    let subscription = said.subscription.as_ref().filter(|_| first && weak)?;
    (!absent.origins.contains(subscription)).then(|| subscription.clone())
}

/// The invoice's lines that are not known yet.
fn new_lines(unit: &mut Unit, said: &Invoice) -> Result<Vec<invoice_line::Model>, Trouble> {
    let known: std::collections::HashSet<(String, i64)> = unit
        .invoices
        .get(&said.id)
        .map(|s| {
            s.lines
                .iter()
                .map(|l| (l.line_id.clone(), l.occurrence))
                .collect()
        })
        .unwrap_or_default();
    let mut lines = Vec::new();
    for (line, occurrence) in said.lines.iter().zip(occurrences(&said.lines)) {
        if known.contains(&(line.id.clone(), occurrence)) {
            continue;
        }
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
            stripe_id: unit.line_name(&said.id, &line.id, occurrence),
            line_id: line.id.clone(),
            occurrence,
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
