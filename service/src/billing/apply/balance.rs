//! What of an invoice was paid from the customer's balance, and what of it no money arrived for.

use std::collections::BTreeMap;

use domain::commission::{BalanceChange, BySource, CreditSource, taken};
use domain::money::{Money, MoneyError, ratio};
use entity::{balance_transaction, invoice_line};
use stripe_gateway::billing::{BalanceTransaction, Invoice};

use super::{Absent, Done, Trouble, Wish};
use crate::billing::returns::excess_returned;
use crate::billing::unit::{Row, Unit};

/// What of a paid invoice the customer's balance paid, and what nobody did; minor units, with tax.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BalancePart {
    /// What the balance paid.
    pub(crate) used: i64,
    /// The same by where the credit came from.
    pub(crate) sources: BySource,
    /// What became a debt of the customer's instead of being paid.
    pub(crate) unpaid: i64,
}

impl BalancePart {
    /// What of the total earns nothing.
    pub(crate) fn unearning(&self) -> i64 {
        let gifts = self.sources.iter().filter(|(source, _)| !source.earns());
        gifts.fold(self.unpaid, |sum, (_, part)| sum.saturating_add(*part))
    }

    /// Lowers the lines of an invoice to the part for which money arrived.
    pub(crate) fn scale(
        &self,
        total: i64,
        lines: &mut [invoice_line::Model],
    ) -> Result<(), MoneyError> {
        let unearning = self.unearning();
        if unearning <= 0 || total <= 0 {
            return Ok(());
        }
        let earning = total.saturating_sub(unearning).max(0);
        for line in lines {
            line.net = ratio(line.net, earning, total)?;
        }
        Ok(())
    }

    /// The same for the explanation of a commission; none where everything was paid in money now.
    pub(crate) fn explain(&self) -> Option<serde_json::Value> {
        if self.used == 0 && self.unpaid == 0 {
            return None;
        }
        let sources: BTreeMap<&str, i64> = self
            .sources
            .iter()
            .map(|(source, part)| (source.as_str(), *part))
            .collect();
        Some(serde_json::json!({
            "used": self.used, "sources": sources, "unpaid": self.unpaid,
            "unearning": self.unearning(),
        }))
    }
}

/// What of a paid invoice the customer's balance paid, by where that came from. Asks for the
/// customer's balance where it does not know about the invoice.
pub(super) fn part(
    unit: &Unit,
    customer: &str,
    said: &Invoice,
    absent: &Absent,
) -> Result<BalancePart, Trouble> {
    let used = said.credit_used().minor;
    let mut part = BalancePart {
        used,
        sources: BySource::new(),
        unpaid: said.unpaid_part().minor,
    };
    if used == 0 {
        return Ok(part);
    }
    let changes = unit.balances.get(customer).map_or(&[][..], Vec::as_slice);
    let known = changes
        .iter()
        .any(|c| c.invoice.as_ref() == Some(&said.id) && c.kind == "applied_to_invoice");
    if !known && !absent.balances.contains(customer) {
        return Err(Trouble::Needs(Wish::Balance(customer.to_owned())));
    }
    let currency = said.currency.code();
    let changes: Vec<&balance_transaction::Model> = changes
        .iter()
        .map(|c| &**c)
        .filter(|c| c.currency == currency)
        .collect();
    if !absent.paid_invoices.contains(customer) && has_unknown_credit(unit, &changes) {
        return Err(Trouble::Needs(Wish::PaidInvoices(customer.to_owned())));
    }
    let rule: Vec<BalanceChange> = changes.iter().flat_map(|c| by_source(unit, c)).collect();
    let totals = changes
        .iter()
        .filter_map(|c| c.invoice.as_ref())
        .filter_map(|id| Some((id.clone(), unit.invoices.get(id)?.row.total)))
        .collect();
    part.sources = taken(&rule, &totals, &said.id, used);
    Ok(part)
}

/// Whether credit is on the balance of an invoice below zero that nobody has told of yet.
fn has_unknown_credit(unit: &Unit, changes: &[&balance_transaction::Model]) -> bool {
    changes
        .iter()
        .filter(|c| c.kind == "applied_to_invoice" && c.amount < 0)
        .filter_map(|c| c.invoice.as_ref())
        .any(|id| !unit.invoices.contains_key(id))
}

/// A change with the source of its credit; two where only a part of it has that source.
fn by_source(unit: &Unit, change: &balance_transaction::Model) -> Vec<BalanceChange> {
    let of = |amount, source| BalanceChange {
        amount,
        kind: change.kind.clone(),
        source,
        invoice: change.invoice.clone(),
    };
    let source = change.source.parse().unwrap_or(CreditSource::Gift);
    let invoice = change.invoice.as_ref();
    let credit = -change.amount;
    let gift = match invoice.and_then(|id| unit.invoices.get(id)) {
        _ if credit <= 0 => 0,
        // An invoice below zero that has taken nothing back has given its credit.
        state if change.kind == "applied_to_invoice" => match state {
            Some(state) if state.row.outcome != "nothing" => 0,
            _ => credit,
        },
        // What was paid too much and went back to the customer is no money on the balance any more.
        Some(state) if change.kind == "invoice_overpaid" => excess_returned(state).min(credit),
        _ => 0,
    };
    [
        of(change.amount + gift, source),
        of(-gift, CreditSource::Gift),
    ]
    .into_iter()
    .filter(|part| part.amount != 0)
    .collect()
}

/// Remembers how a customer's balance came about.
pub(super) fn remember(unit: &mut Unit, customer: &str, changes: &[BalanceTransaction]) -> Done {
    let Some(customer_id) = unit.customers.get(customer).map(|row| row.id) else {
        return Done::Ignored;
    };
    let now = unit.now;
    let known = unit.balances.entry(customer.to_owned()).or_default();
    for (place, change) in (1..).zip(changes) {
        if known.iter().any(|row| row.stripe_id == change.id) {
            continue;
        }
        known.push(Row::fresh(balance_transaction::Model {
            id: 0,
            stripe_id: change.id.clone(),
            customer_id,
            place,
            amount: change.amount.minor,
            currency: change.amount.currency.code().to_owned(),
            kind: change.kind.clone(),
            source: CreditSource::of_type(&change.kind).as_str().to_owned(),
            invoice: change.invoice.clone().or(change.checkout.clone()),
            credit_note: change.credit_note.clone(),
            happened_at: change.created,
            created_at: now,
        }));
    }
    known.sort_by_key(|row| row.place);
    Done::Processed
}

/// Has finance told of what earns nothing although Stripe calls the invoice paid.
pub(super) fn tell(unit: &mut Unit, said: &Invoice, part: &BalancePart) {
    let Some(id) = unit.invoices.get(&said.id).map(|state| state.row.id) else {
        return;
    };
    let name = said.number.as_deref().unwrap_or(&said.id);
    let money = |minor| Money::new(minor, said.currency).format("en");
    let gift = part.sources.get(&CreditSource::Gift).copied().unwrap_or(0);
    if gift > 0 {
        let text = format!(
            "{} of invoice {name} were paid with credit that was given, or of unknown source",
            money(gift)
        );
        unit.effects.letters.push((text, id));
    }
    if part.unpaid > 0 {
        let text = format!(
            "{} of the paid invoice {name} were not paid",
            money(part.unpaid)
        );
        unit.effects.letters.push((text, id));
    }
}
