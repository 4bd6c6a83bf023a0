//! Credit notes: an invoice made smaller, before or after it was paid.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::money::{Currency, Money};
use serde_json::Value;

use super::{LineAmounts, open_enum, sum};
use crate::read::{BadObject, Node};

open_enum! {
    /// Where a credit note stands.
    CreditNoteStatus {
        /// It counts.
        Issued = "issued",
        /// It was taken back.
        Void = "void",
    }
}

/// A credit note. The same money may also arrive as a refund: see [`CreditNote::refunds`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditNote {
    /// `cn_…`.
    pub id: String,
    /// The number printed on it.
    pub number: Option<String>,
    /// The invoice it makes smaller.
    pub invoice: String,
    /// `cus_…`.
    pub customer: Option<String>,
    /// Where it stands.
    pub status: CreditNoteStatus,
    /// The currency of every amount on it.
    pub currency: Currency,
    /// All of it, with tax.
    pub total: Money,
    /// All of it without tax, where Stripe says so.
    pub total_excluding_tax: Option<Money>,
    /// The part that lowered what was still to be paid.
    pub pre_payment: Option<Money>,
    /// The part that went back after payment: refunds, customer balance and out of band.
    pub post_payment: Option<Money>,
    /// Money given back outside of Stripe.
    pub out_of_band: Money,
    /// The refunds it made or was linked to.
    pub refunds: Vec<CreditNoteRefund>,
    /// `cbtxn_…`, when it was put on the customer's balance.
    pub customer_balance_transaction: Option<String>,
    /// The lines at hand.
    pub lines: Vec<CreditNoteLine>,
    /// Whether there are more lines to be listed.
    pub lines_have_more: bool,
    /// Why, in Stripe's words.
    pub reason: Option<String>,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it was taken back.
    pub voided_at: Option<DateTime<Utc>>,
    /// The vendor's own pairs.
    pub metadata: BTreeMap<String, String>,
}

/// A refund that belongs to a credit note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditNoteRefund {
    /// `re_…`; `None` for money that was refunded outside of Stripe.
    pub refund: Option<String>,
    /// How much of the refund belongs to the credit note; `None` in shapes before 2025, which name
    /// one refund and mean all of it.
    pub amount: Option<Money>,
}

/// One line of a credit note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditNoteLine {
    /// `cnli_…`.
    pub id: String,
    /// The invoice line it makes smaller; `None` for a line of its own.
    pub invoice_line: Option<String>,
    /// What it is worth and what comes off.
    pub amounts: LineAmounts,
    /// What is printed.
    pub description: Option<String>,
    /// How many.
    pub quantity: Option<i64>,
}

impl CreditNote {
    /// Reads a `credit_note`.
    ///
    /// # Errors
    /// When what is needed to book it is missing or cannot be trusted.
    pub fn parse(value: &Value) -> Result<Self, BadObject> {
        let note = Node::typed(value, "credit_note")?;
        let currency = note.currency("currency")?;
        let mut refunds = note
            .items("refunds")?
            .iter()
            .map(|refund| {
                Ok(CreditNoteRefund {
                    refund: refund.opt_id("refund"),
                    amount: refund.opt_money("amount_refunded", currency)?,
                })
            })
            .collect::<Result<Vec<_>, BadObject>>()?;
        if refunds.is_empty()
            && let Some(refund) = note.opt_id("refund")
        {
            refunds.push(CreditNoteRefund {
                refund: Some(refund),
                amount: None,
            });
        }
        Ok(Self {
            id: note.text("id")?,
            number: note.opt_text("number"),
            invoice: note.id("invoice")?,
            customer: note.opt_id("customer"),
            status: note.text("status")?.as_str().into(),
            total: match note.opt_money("total", currency)? {
                Some(total) => total,
                None => note.money("amount", currency)?,
            },
            total_excluding_tax: note.opt_money("total_excluding_tax", currency)?,
            pre_payment: note.opt_money("pre_payment_amount", currency)?,
            post_payment: note.opt_money("post_payment_amount", currency)?,
            out_of_band: note.money_or_zero("out_of_band_amount", currency)?,
            refunds,
            customer_balance_transaction: note.opt_id("customer_balance_transaction"),
            lines: note
                .items("lines")?
                .iter()
                .map(|line| CreditNoteLine::read(line, currency))
                .collect::<Result<_, _>>()?,
            lines_have_more: note.has_more("lines"),
            reason: note.opt_text("reason"),
            created: note.time("created")?,
            voided_at: note.opt_time("voided_at")?,
            metadata: note.pairs("metadata"),
            currency,
        })
    }

    /// Net of tax, discount and credit over the lines at hand.
    ///
    /// # Errors
    /// When the sum overflows.
    pub fn net(&self) -> Result<Money, BadObject> {
        let nets = self
            .lines
            .iter()
            .map(|line| line.amounts.net())
            .collect::<Result<Vec<_>, _>>()?;
        sum(nets, self.currency, "credit_note.lines")
    }
}

impl CreditNoteLine {
    /// Reads a `credit_note_line_item`, which does not name its currency.
    ///
    /// # Errors
    /// When what is needed to book it is missing or cannot be trusted.
    pub fn parse(value: &Value, currency: Currency) -> Result<Self, BadObject> {
        Self::read(&Node::typed(value, "credit_note_line_item")?, currency)
    }

    fn read(line: &Node<'_>, currency: Currency) -> Result<Self, BadObject> {
        Ok(Self {
            id: line.text("id")?,
            invoice_line: line.opt_id("invoice_line_item"),
            amounts: LineAmounts::read(line, currency)?,
            description: line.opt_text("description"),
            quantity: line.get("quantity").and_then(Value::as_i64),
        })
    }
}
