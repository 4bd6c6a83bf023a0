//! Stripe's events about customers and invoices, as Stripe words them today.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use stripe_sandbox::config::API_VERSION;

/// An event around an object.
pub(super) fn event(id: &str, kind: &str, at: DateTime<Utc>, object: Value) -> Value {
    json!({
        "id": format!("evt_{id}"), "object": "event", "api_version": API_VERSION,
        "created": at.timestamp(), "livemode": false, "pending_webhooks": 1,
        "request": {"id": null, "idempotency_key": null}, "type": kind,
        "data": {"object": object},
    })
}

/// A customer.
pub(super) fn customer(
    id: &str,
    name: &str,
    domain: &str,
    country: &str,
    at: DateTime<Utc>,
) -> Value {
    json!({
        "id": id, "object": "customer", "created": at.timestamp(), "name": name,
        "email": format!("billing@{domain}"), "address": {"country": country},
        "livemode": false, "metadata": {},
    })
}

/// A line of an invoice to be.
pub(super) struct Line<'a> {
    pub(super) product: &'a str,
    pub(super) code: &'a str,
    pub(super) description: String,
    /// Before discount and tax, minor units.
    pub(super) amount: i64,
    pub(super) discount: i64,
    pub(super) tax: i64,
}

/// A paid invoice.
pub(super) struct Paid<'a> {
    pub(super) id: &'a str,
    pub(super) number: &'a str,
    pub(super) customer: &'a str,
    pub(super) subscription: &'a str,
    pub(super) currency: &'a str,
    pub(super) lines: Vec<Line<'a>>,
    pub(super) months: u32,
    pub(super) at: DateTime<Utc>,
}

impl Paid<'_> {
    /// What was paid, with tax.
    pub(super) fn total(&self) -> i64 {
        self.lines
            .iter()
            .map(|l| l.amount - l.discount + l.tax)
            .sum()
    }

    /// Stripe's invoice object.
    pub(super) fn object(&self) -> Value {
        let total = self.total();
        let end = self
            .at
            .checked_add_months(chrono::Months::new(self.months))
            .unwrap_or(self.at)
            .timestamp();
        let start = self.at.timestamp();
        let lines: Vec<Value> = self
            .lines
            .iter()
            .enumerate()
            .map(|(n, line)| {
                json!({
                    "id": format!("il_{}_{n}", self.id), "object": "line_item",
                    "invoice": format!("in_{}", self.id), "amount": line.amount,
                    "currency": self.currency, "description": line.description,
                    "discount_amounts": discounts(line.discount), "pretax_credit_amounts": [],
                    "metadata": {"product_line": line.code}, "quantity": 1,
                    "parent": {"type": "subscription_item_details", "subscription_item_details": {
                        "subscription": self.subscription, "proration": false,
                        "subscription_item": format!("si_{}_{n}", self.id)}},
                    "pricing": {"type": "price_details", "price_details": {
                        "product": line.product, "price": format!("price_{}", line.code)}},
                    "taxes": taxes(line.tax, line.amount - line.discount),
                    "period": {"start": start, "end": end},
                })
            })
            .collect();
        let tax: i64 = self.lines.iter().map(|l| l.tax).sum();
        json!({
            "id": format!("in_{}", self.id), "object": "invoice", "number": self.number,
            "customer": self.customer, "currency": self.currency, "status": "paid",
            "billing_reason": "subscription_cycle", "collection_method": "charge_automatically",
            "created": start, "period_start": start, "period_end": end,
            "status_transitions": {"finalized_at": start, "paid_at": start},
            "subtotal": total - tax, "total": total, "amount_due": total, "amount_paid": total,
            "amount_remaining": 0, "starting_balance": 0, "ending_balance": 0,
            "total_taxes": taxes(tax, total - tax), "total_discount_amounts": [],
            "parent": {"type": "subscription_details", "subscription_details": {
                "subscription": self.subscription, "metadata": {}}},
            "lines": {"object": "list", "has_more": false, "data": lines},
            "payments": {"object": "list", "has_more": false, "data": [self.payment(total)]},
            "metadata": {}, "livemode": false,
        })
    }
}

impl Paid<'_> {
    /// The link from the invoice to what paid it.
    fn payment(&self, total: i64) -> Value {
        json!({
            "id": format!("inpay_{}", self.id), "object": "invoice_payment",
            "invoice": format!("in_{}", self.id), "amount_paid": total,
            "amount_requested": total, "currency": self.currency,
            "created": self.at.timestamp(), "is_default": true, "livemode": false,
            "status": "paid",
            "status_transitions": {"paid_at": self.at.timestamp(), "canceled_at": null},
            "payment": {"type": "payment_intent", "payment_intent": format!("pi_{}", self.id)},
        })
    }
}

fn discounts(amount: i64) -> Value {
    if amount == 0 {
        json!([])
    } else {
        json!([{"amount": amount, "discount": "di_demo"}])
    }
}

fn taxes(amount: i64, of: i64) -> Value {
    if amount == 0 {
        return json!([]);
    }
    json!([{"amount": amount, "tax_behavior": "exclusive", "taxability_reason": "standard_rated",
            "taxable_amount": of, "type": "tax_rate_details"}])
}

/// A refund of a part of an invoice's payment.
pub(super) fn refund(invoice: &str, currency: &str, amount: i64, at: DateTime<Utc>) -> Value {
    json!({
        "id": format!("re_{invoice}"), "object": "refund", "amount": amount,
        "charge": format!("ch_{invoice}"), "created": at.timestamp(), "currency": currency,
        "metadata": {}, "payment_intent": format!("pi_{invoice}"),
        "reason": "requested_by_customer", "status": "succeeded",
    })
}

/// A dispute about an invoice's payment.
pub(super) fn dispute(
    invoice: &str,
    currency: &str,
    amount: i64,
    status: &str,
    at: DateTime<Utc>,
) -> Value {
    json!({
        "id": format!("dp_{invoice}"), "object": "dispute", "amount": amount,
        "balance_transactions": [], "charge": format!("ch_{invoice}"),
        "created": at.timestamp(), "currency": currency, "is_charge_refundable": false,
        "livemode": false, "metadata": {}, "payment_intent": format!("pi_{invoice}"),
        "reason": "product_not_received", "status": status,
    })
}
