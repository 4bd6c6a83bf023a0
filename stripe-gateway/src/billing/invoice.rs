//! Invoices and their lines.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::money::{Currency, Money};
use serde_json::Value;

use super::{InvoicePayment, LineAmounts, open_enum, sum};
use crate::read::{BadObject, Node};

open_enum! {
    /// Where an invoice stands.
    InvoiceStatus {
        /// Still being written.
        Draft = "draft",
        /// Final, not yet paid in full.
        Open = "open",
        /// Paid.
        Paid = "paid",
        /// Given up.
        Uncollectible = "uncollectible",
        /// Annulled.
        Void = "void",
    }
}

/// What time an invoice or a line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// First instant.
    pub start: DateTime<Utc>,
    /// First instant after it.
    pub end: DateTime<Utc>,
}

/// An invoice to one of the vendor's customers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// `in_…`.
    pub id: String,
    /// The number printed on it.
    pub number: Option<String>,
    /// Whom it went to, `cus_…`.
    pub customer: Option<String>,
    /// The customer's e-mail address at that time.
    pub customer_email: Option<String>,
    /// The customer's name at that time.
    pub customer_name: Option<String>,
    /// Country of the customer's address, as Stripe has it (ISO 3166-1 alpha-2).
    pub customer_country: Option<String>,
    /// `sub_…`, when a subscription made it.
    pub subscription: Option<String>,
    /// The subscription's metadata at that time.
    pub subscription_metadata: BTreeMap<String, String>,
    /// Where it stands.
    pub status: InvoiceStatus,
    /// Why it was made, such as `subscription_create` or `subscription_cycle`.
    pub billing_reason: Option<String>,
    /// `charge_automatically` or `send_invoice`.
    pub collection_method: Option<String>,
    /// The currency of every amount on it.
    pub currency: Currency,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it was paid in full.
    pub paid_at: Option<DateTime<Utc>>,
    /// The time it looks back on.
    pub period: Option<Period>,
    /// Before discounts on the whole invoice and exclusive tax.
    pub subtotal: Money,
    /// All tax, inclusive and exclusive.
    pub tax: Money,
    /// All discounts.
    pub discount: Money,
    /// After discounts, with tax.
    pub total: Money,
    /// What was to be paid after the customer's balance was applied.
    pub amount_due: Money,
    /// What was paid, through Stripe and otherwise.
    pub amount_paid: Money,
    /// What of it was paid outside of Stripe.
    pub amount_paid_off_stripe: Money,
    /// Marked as paid outside of Stripe (invoices before 2025).
    pub paid_out_of_band: bool,
    /// The customer's balance before; negative is credit.
    pub starting_balance: Money,
    /// The customer's balance afterwards; `None` until it is final.
    pub ending_balance: Option<Money>,
    /// Credit notes issued before payment; they lowered what was to be paid.
    pub pre_payment_credit_notes: Money,
    /// Credit notes issued after payment.
    pub post_payment_credit_notes: Money,
    /// The lines that came along, at most the first few.
    pub lines: Vec<InvoiceLine>,
    /// Whether there are more lines to be listed.
    pub lines_have_more: bool,
    /// The payments that came along; often none.
    pub payments: Vec<InvoicePayment>,
    /// The vendor's own pairs.
    pub metadata: BTreeMap<String, String>,
    /// Whether it is about real money.
    pub livemode: bool,
}

impl Invoice {
    /// Reads an `invoice`.
    ///
    /// # Errors
    /// When what is needed to book it is missing or cannot be trusted.
    pub fn parse(value: &Value) -> Result<Self, BadObject> {
        let invoice = Node::typed(value, "invoice")?;
        let currency = invoice.currency("currency")?;
        let parent = invoice
            .child("parent")
            .and_then(|node| node.child("subscription_details"));
        let transitions = invoice.child("status_transitions");
        let status = InvoiceStatus::from(invoice.text("status")?.as_str());
        let lines = invoice
            .items("lines")?
            .iter()
            .map(|line| InvoiceLine::read(line, Some(currency)))
            .collect::<Result<Vec<_>, _>>()?;
        let all = |_: &Node<'_>| true;
        let tax = match invoice.opt_sum("total_taxes", "amount", all)? {
            Some(sum) => sum,
            None => match invoice.opt_sum("total_tax_amounts", "amount", all)? {
                Some(sum) => sum,
                None => invoice.opt_whole("tax")?.unwrap_or(0),
            },
        };
        let discount = invoice
            .opt_sum("total_discount_amounts", "amount", all)?
            .unwrap_or(0);
        Ok(Self {
            id: invoice.text("id")?,
            number: invoice.opt_text("number"),
            customer: invoice.opt_id("customer"),
            customer_email: invoice.opt_text("customer_email"),
            customer_name: invoice.opt_text("customer_name"),
            customer_country: invoice
                .child("customer_address")
                .and_then(|address| address.opt_text("country")),
            subscription: parent
                .as_ref()
                .and_then(|node| node.opt_id("subscription"))
                .or_else(|| invoice.opt_id("subscription")),
            subscription_metadata: match &parent {
                Some(node) => node.pairs("metadata"),
                None => invoice
                    .child("subscription_details")
                    .map(|node| node.pairs("metadata"))
                    .unwrap_or_default(),
            },
            paid_at: match &transitions {
                None => None,
                Some(node) => node.opt_time("paid_at")?,
            },
            status,
            billing_reason: invoice.opt_text("billing_reason"),
            collection_method: invoice.opt_text("collection_method"),
            created: invoice.time("created")?,
            period: period(&invoice, "period_start", "period_end")?,
            subtotal: invoice.money("subtotal", currency)?,
            tax: Money::new(tax, currency),
            discount: Money::new(discount, currency),
            total: invoice.money("total", currency)?,
            amount_due: invoice.money_or_zero("amount_due", currency)?,
            amount_paid: invoice.money("amount_paid", currency)?,
            amount_paid_off_stripe: invoice.money_or_zero("amount_paid_off_stripe", currency)?,
            paid_out_of_band: invoice.flag("paid_out_of_band"),
            starting_balance: invoice.money_or_zero("starting_balance", currency)?,
            ending_balance: invoice.opt_money("ending_balance", currency)?,
            pre_payment_credit_notes: invoice
                .money_or_zero("pre_payment_credit_notes_amount", currency)?,
            post_payment_credit_notes: invoice
                .money_or_zero("post_payment_credit_notes_amount", currency)?,
            lines,
            lines_have_more: invoice.has_more("lines"),
            payments: invoice
                .items("payments")?
                .iter()
                .map(InvoicePayment::read)
                .collect::<Result<_, _>>()?,
            metadata: invoice.pairs("metadata"),
            livemode: invoice.flag("livemode"),
            currency,
        })
    }

    /// Net of tax, discount and credit over the lines at hand. Only right once all lines are there:
    /// see [`Invoice::lines_have_more`].
    ///
    /// # Errors
    /// When the sum overflows.
    pub fn net(&self) -> Result<Money, BadObject> {
        let nets = self
            .lines
            .iter()
            .map(InvoiceLine::net)
            .collect::<Result<Vec<_>, _>>()?;
        sum(nets, self.currency, "invoice.lines")
    }

    /// What of the customer's credit this invoice used up. Where Stripe does not say what was left,
    /// it is what nobody paid.
    #[must_use]
    pub fn credit_used(&self) -> Money {
        let credit = |balance: i64| balance.saturating_neg().max(0);
        let before = credit(self.starting_balance.minor);
        let used = match self.ending_balance {
            Some(ending) => before.saturating_sub(credit(ending.minor)).max(0),
            None => before.min(self.open_part(0)),
        };
        Money::new(used, self.currency)
    }

    /// What was to be paid for it: what is left of the total after credit notes before payment and
    /// the customer's credit, and what the customer owed from before.
    #[must_use]
    pub fn to_pay(&self) -> Money {
        let owed = |balance: i64| balance.max(0);
        let ending = self.ending_balance.map_or(0, |ending| ending.minor);
        let moved = owed(self.starting_balance.minor).saturating_sub(owed(ending));
        let left = [
            self.pre_payment_credit_notes.minor,
            self.credit_used().minor,
        ]
        .iter()
        .fold(self.total.minor, |left, off| left.saturating_sub(*off));
        Money::new(left.saturating_add(moved).max(0), self.currency)
    }

    /// What of the total was neither paid nor credited: Stripe calls an invoice paid as well when its
    /// amount is too small or too large to be charged and becomes a debt of the customer's.
    #[must_use]
    pub fn unpaid_part(&self) -> Money {
        let open = match self.paid_out_of_band {
            true => 0,
            false => self.open_part(self.credit_used().minor),
        };
        Money::new(open, self.currency)
    }

    /// What is left of the total after credit notes before payment, payments, and so much credit.
    fn open_part(&self, credit: i64) -> i64 {
        [
            self.pre_payment_credit_notes.minor,
            self.amount_paid.minor,
            credit,
        ]
        .iter()
        .fold(self.total.minor, |left, off| left.saturating_sub(*off))
        .max(0)
    }
}

fn period(node: &Node<'_>, start: &str, end: &str) -> Result<Option<Period>, BadObject> {
    Ok(match (node.opt_time(start)?, node.opt_time(end)?) {
        (Some(start), Some(end)) => Some(Period { start, end }),
        _ => None,
    })
}

/// One line of an invoice: the unit that earns commission, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceLine {
    /// `il_…`.
    pub id: String,
    /// The invoice it stands on.
    pub invoice: Option<String>,
    /// What it is worth and what comes off.
    pub amounts: LineAmounts,
    /// Whether it settles a change within a period.
    pub proration: bool,
    /// `sub_…`.
    pub subscription: Option<String>,
    /// `si_…`.
    pub subscription_item: Option<String>,
    /// `prod_…`.
    pub product: Option<String>,
    /// `price_…`.
    pub price: Option<String>,
    /// What is printed.
    pub description: Option<String>,
    /// How many; `None` where it has none or is not whole.
    pub quantity: Option<i64>,
    /// The time it is for.
    pub period: Option<Period>,
    /// The vendor's own pairs.
    pub metadata: BTreeMap<String, String>,
}

impl InvoiceLine {
    /// Reads a `line_item`.
    ///
    /// # Errors
    /// When what is needed to book it is missing or cannot be trusted.
    pub fn parse(value: &Value) -> Result<Self, BadObject> {
        Self::read(&Node::typed(value, "line_item")?, None)
    }

    /// Net of tax, discount and credit.
    ///
    /// # Errors
    /// When the amounts are so large that taking them off overflows.
    pub fn net(&self) -> Result<Money, BadObject> {
        self.amounts.net()
    }

    /// The line's currency.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.amounts.amount.currency
    }

    pub(crate) fn read(line: &Node<'_>, expected: Option<Currency>) -> Result<Self, BadObject> {
        let currency = match (line.opt_currency("currency")?, expected) {
            (Some(own), Some(expected)) if own != expected => {
                return Err(line.bad("currency", "is not the currency of the invoice"));
            }
            (Some(own), _) => own,
            (None, Some(expected)) => expected,
            (None, None) => line.currency("currency")?,
        };
        // Since 2025 what made the line is under `parent`, and its type says which part counts.
        let parent = line.child("parent");
        let details = parent.as_ref().and_then(|node| {
            node.opt_text("type")
                .and_then(|kind| node.child(&kind))
                .or_else(|| node.child("subscription_item_details"))
                .or_else(|| node.child("invoice_item_details"))
        });
        let price = line
            .child("pricing")
            .and_then(|node| node.child("price_details"));
        let old_price = line.child("price").or_else(|| line.child("plan"));
        let from_details = |key: &str| {
            details
                .as_ref()
                .and_then(|node| node.opt_id(key))
                .or_else(|| line.opt_id(key))
        };
        Ok(Self {
            id: line.text("id")?,
            invoice: line.opt_id("invoice"),
            amounts: LineAmounts::read(line, currency)?,
            proration: match &details {
                Some(node) => node.flag("proration"),
                None => line.flag("proration"),
            },
            subscription: from_details("subscription"),
            subscription_item: from_details("subscription_item"),
            product: price
                .as_ref()
                .and_then(|node| node.opt_id("product"))
                .or_else(|| old_price.as_ref().and_then(|node| node.opt_id("product"))),
            price: price
                .as_ref()
                .and_then(|node| node.opt_id("price"))
                .or_else(|| old_price.as_ref().and_then(|node| node.opt_text("id"))),
            description: line.opt_text("description"),
            quantity: line.get("quantity").and_then(Value::as_i64),
            period: match line.child("period") {
                None => None,
                Some(node) => period(&node, "start", "end")?,
            },
            metadata: line.pairs("metadata"),
        })
    }
}
