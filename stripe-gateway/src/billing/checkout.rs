//! Checkouts: what a customer bought once, on a page of Stripe's, without an invoice.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::money::{Currency, Money};
use serde_json::Value;

use super::{
    Customer, Invoice, InvoiceLine, InvoicePayment, InvoiceStatus, LineAmounts, PaymentStatus, sum,
};
use crate::read::{BadObject, Node};

/// A checkout that a customer has finished or is busy with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutSession {
    /// `cs_…`.
    pub id: String,
    /// `cus_…`; guests have none.
    pub customer: Option<String>,
    /// What the customer typed.
    pub buyer: Buyer,
    /// What the vendor's page passed along (`client_reference_id`).
    pub reference: Option<String>,
    /// `pi_…`, of a payment.
    pub payment_intent: Option<String>,
    /// `in_…`, where Stripe wrote an invoice for it.
    pub invoice: Option<String>,
    /// When it was begun.
    pub created: DateTime<Utc>,
    /// When the money arrived, where Stripe was asked for it: a bank debit takes days.
    pub paid_at: Option<DateTime<Utc>>,
    /// What is bought once and without an invoice, once it is paid.
    pub sale: Option<Sale>,
    /// The vendor's own pairs.
    pub metadata: BTreeMap<String, String>,
    /// Whether it is about real money.
    pub livemode: bool,
}

/// Who bought, as typed at the checkout.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Buyer {
    /// The e-mail address.
    pub email: Option<String>,
    /// The company's or person's name.
    pub name: Option<String>,
    /// ISO 3166-1 alpha-2 country of the address.
    pub country: Option<String>,
}

/// What was paid at a checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sale {
    /// What was paid, with tax and shipping.
    pub total: Money,
    /// Tax of it.
    pub tax: Money,
    /// Discounts that were taken off.
    pub discount: Money,
    /// The items; `None` until they were asked for, because events come without.
    pub items: Option<Vec<CheckoutItem>>,
}

/// One item of a checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutItem {
    /// `li_…`.
    pub id: String,
    /// What it is called.
    pub description: Option<String>,
    /// How many.
    pub quantity: Option<i64>,
    /// `price_…`.
    pub price: Option<String>,
    /// `prod_…`.
    pub product: Option<String>,
    /// What it cost, discounts and taxes considered.
    pub total: Money,
    /// Tax of it.
    pub tax: Money,
    /// Discounts that were taken off.
    pub discount: Money,
}

impl CheckoutSession {
    /// Reads a `checkout.session`.
    ///
    /// # Errors
    /// When it is paid and what is needed to book it is missing or cannot be trusted.
    pub fn parse(value: &Value) -> Result<Self, BadObject> {
        let session = Node::typed(value, "checkout.session")?;
        let details = session.child("customer_details");
        let typed = |key: &str| details.as_ref().and_then(|node| node.opt_text(key));
        let invoice = session.opt_id("invoice");
        let paid = matches!(
            session.opt_text("payment_status").as_deref(),
            Some("paid" | "no_payment_required")
        );
        let once = session.opt_text("mode").as_deref() == Some("payment");
        // Stripe writes it after the payment: the session may not name it yet.
        let invoiced = invoice.is_some()
            || session
                .child("invoice_creation")
                .is_some_and(|creation| creation.flag("enabled"));
        Ok(Self {
            id: session.text("id")?,
            customer: session.opt_id("customer"),
            buyer: Buyer {
                email: typed("email").or_else(|| session.opt_text("customer_email")),
                name: typed("business_name").or_else(|| typed("name")),
                country: details
                    .as_ref()
                    .and_then(|node| node.child("address"))
                    .and_then(|address| address.opt_text("country")),
            },
            reference: session.opt_text("client_reference_id"),
            payment_intent: session.opt_id("payment_intent"),
            created: session.time("created")?,
            paid_at: session
                .child("payment_intent")
                .and_then(|intent| intent.child("latest_charge"))
                .and_then(|charge| charge.child("balance_transaction"))
                .map(|transaction| transaction.time("created"))
                .transpose()?,
            sale: if once && paid && !invoiced {
                Some(sale(&session)?)
            } else {
                None
            },
            invoice,
            metadata: session.pairs("metadata"),
            livemode: session.flag("livemode"),
        })
    }

    /// The customer's name at Stripe; a guest goes by the checkout's own.
    #[must_use]
    pub fn customer_key(&self) -> &str {
        self.customer.as_deref().unwrap_or(&self.id)
    }

    /// A guest, as far as the checkout describes it; `None` where Stripe keeps a customer.
    #[must_use]
    pub fn guest(&self) -> Option<Customer> {
        if self.customer.is_some() {
            return None;
        }
        Some(Customer {
            id: self.id.clone(),
            email: self.buyer.email.clone(),
            name: self.buyer.name.clone().or_else(|| self.buyer.email.clone()),
            country: self.buyer.country.clone(),
            currency: None,
            created: Some(self.created),
            deleted: false,
            metadata: self.metadata.clone(),
        })
    }

    /// The paid invoice that Stripe would have written for the sale: an invoice and a payment under
    /// the checkout's and the payment's names, with the items as lines. Shipping earns nothing and
    /// is on no line. `None` where nothing was sold, or its items are not known. Where nobody asked
    /// when it was paid, it was when it was told.
    ///
    /// # Errors
    /// When amounts overflow.
    pub fn as_invoice(&self, told_at: DateTime<Utc>) -> Result<Option<Invoice>, BadObject> {
        let Some(Sale {
            total,
            tax,
            discount,
            items: Some(items),
        }) = &self.sale
        else {
            return Ok(None);
        };
        let paid_at = self.paid_at.unwrap_or(told_at);
        let currency = total.currency;
        let zero = Money::new(0, currency);
        let payment = self.payment_intent.as_ref().map(|intent| InvoicePayment {
            id: intent.clone(),
            invoice: self.id.clone(),
            amount_paid: Some(*total),
            amount_requested: *total,
            status: PaymentStatus::Paid,
            kind: Some("payment_intent".to_owned()),
            payment_intent: Some(intent.clone()),
            charge: None,
            payment_record: None,
            created: None,
            paid_at: Some(paid_at),
        });
        let lines = items.iter().map(|item| item.as_line(&self.id));
        let lines: Vec<InvoiceLine> = lines.collect::<Result<_, _>>()?;
        let amounts = lines.iter().map(|line| line.amounts.amount);
        Ok(Some(Invoice {
            id: self.id.clone(),
            number: None,
            customer: Some(self.customer_key().to_owned()),
            customer_email: self.buyer.email.clone(),
            customer_name: self.buyer.name.clone(),
            customer_country: self.buyer.country.clone(),
            subscription: None,
            subscription_metadata: BTreeMap::new(),
            status: InvoiceStatus::Paid,
            billing_reason: None,
            collection_method: None,
            currency,
            created: self.created,
            paid_at: Some(paid_at),
            period: None,
            subtotal: sum(amounts, currency, "checkout.session.line_items")?,
            tax: *tax,
            discount: *discount,
            total: *total,
            amount_due: *total,
            amount_paid: *total,
            amount_paid_off_stripe: zero,
            paid_out_of_band: false,
            starting_balance: zero,
            ending_balance: None,
            pre_payment_credit_notes: zero,
            post_payment_credit_notes: zero,
            lines,
            lines_have_more: false,
            payments: payment.into_iter().collect(),
            metadata: self.metadata.clone(),
            livemode: self.livemode,
        }))
    }
}

fn sale(session: &Node<'_>) -> Result<Sale, BadObject> {
    let currency = session.currency("currency")?;
    let details = session.child("total_details");
    let of = |key: &str| match &details {
        Some(node) => node.money_or_zero(key, currency),
        None => Ok(Money::new(0, currency)),
    };
    Ok(Sale {
        total: session.money("amount_total", currency)?,
        tax: of("amount_tax")?,
        discount: of("amount_discount")?,
        items: None,
    })
}

impl CheckoutItem {
    /// Reads an `item`.
    ///
    /// # Errors
    /// When an amount is missing or cannot be trusted.
    pub fn parse(value: &Value) -> Result<Self, BadObject> {
        let item = Node::typed(value, "item")?;
        let currency: Currency = item.currency("currency")?;
        let price = item.child("price");
        Ok(Self {
            id: item.text("id")?,
            description: item.opt_text("description"),
            quantity: item.get("quantity").and_then(Value::as_i64),
            price: item.opt_id("price"),
            product: price.as_ref().and_then(|price| price.opt_id("product")),
            total: item.money("amount_total", currency)?,
            tax: item.money_or_zero("amount_tax", currency)?,
            discount: item.money_or_zero("amount_discount", currency)?,
        })
    }

    fn as_line(&self, session: &str) -> Result<InvoiceLine, BadObject> {
        let currency = self.total.currency;
        let too_large = || BadObject::new("item.amount_total", "is too large");
        // Whether tax was contained or came on top, the total has it.
        let before = self.total.minor.checked_sub(self.tax.minor);
        let amount = before
            .and_then(|net| net.checked_add(self.discount.minor))
            .ok_or_else(too_large)?;
        Ok(InvoiceLine {
            id: self.id.clone(),
            invoice: Some(session.to_owned()),
            amounts: LineAmounts {
                amount: Money::new(amount, currency),
                discount: self.discount,
                tax_inclusive: Money::new(0, currency),
                tax_exclusive: self.tax,
                credit: Money::new(0, currency),
            },
            proration: false,
            subscription: None,
            subscription_item: None,
            product: self.product.clone(),
            price: self.price.clone(),
            description: self.description.clone(),
            quantity: self.quantity,
            period: None,
            metadata: BTreeMap::new(),
        })
    }
}
