//! Stripe’s objects as its events and its API show them.

use serde_json::{Value, json};

use super::subscriptions::subscription_id;
use super::{Invoice, Line, Standing};

impl Invoice {
    pub(super) fn object(&self) -> Value {
        let (status, paid_at) = match self.standing {
            Standing::Open => ("open", None),
            Standing::Uncollectible => ("uncollectible", None),
            Standing::Void => ("void", None),
            Standing::Paid(at) => ("paid", Some(at)),
        };
        let lower = self.currency.to_lowercase();
        let lines: Vec<Value> = self.lines.iter().map(|l| l.object(&lower)).collect();
        let notes = |before: bool| -> i64 {
            let those = self
                .notes
                .iter()
                .filter(|n| n.before_payment == before && !n.void);
            those.map(|n| n.total).sum()
        };
        json!({
            "id": self.id, "object": "invoice", "customer": format!("cus_{}", self.customer),
            "number": format!("N-{}", self.id), "status": status, "currency": lower,
            "created": self.created, "livemode": false,
            "status_transitions": { "paid_at": paid_at },
            "subtotal": self.lines.iter().map(|l| l.spec.amount).sum::<i64>(),
            "total": self.total, "amount_due": self.total.max(0),
            "amount_paid": self.payments.iter().map(|p| p.amount).sum::<i64>(),
            "pre_payment_credit_notes_amount": notes(true),
            "post_payment_credit_notes_amount": notes(false),
            "lines": { "object": "list", "data": lines, "has_more": false }, "metadata": {},
            "parent": { "type": "subscription_details", "subscription_details": {
                "subscription": subscription_id(self.customer, self.subscription), "metadata": {},
            } },
        })
    }
}

impl Line {
    fn object(&self, currency: &str) -> Value {
        let product = if self.suite {
            "prod_suite"
        } else {
            "prod_other"
        };
        json!({
            "id": self.id, "object": "line_item", "amount": self.spec.amount, "currency": currency,
            "description": "A line", "quantity": 1,
            "discount_amounts": [{ "amount": self.discount, "discount": "di_1" }],
            "pretax_credit_amounts": [
                { "amount": self.discount, "type": "discount", "discount": "di_1" },
                { "amount": self.credit, "type": "credit_balance_transaction" },
            ],
            "pricing": { "type": "price_details", "price_details": { "price": "p", "product": product } },
            "taxes": [{ "amount": self.tax, "tax_behavior": self.behavior() }], "metadata": {},
        })
    }
}

pub(super) fn refund_object(invoice: &Invoice, which: usize) -> Value {
    let r = &invoice.refunds[which];
    let intent = &invoice.payments[r.payment].intent;
    json!({
        "id": r.id, "object": "refund", "amount": r.amount, "created": r.at, "metadata": {},
        "currency": invoice.currency.to_lowercase(), "payment_intent": intent,
        "charge": format!("ch_{intent}"), "status": if r.failed { "failed" } else { "succeeded" },
    })
}

pub(super) fn charge_object(invoice: &Invoice, payment: usize) -> Value {
    let p = &invoice.payments[payment];
    let inside: Vec<Value> = (0..invoice.refunds.len())
        .filter(|r| invoice.refunds[*r].payment == payment && invoice.refunds[*r].told == 3)
        .map(|r| refund_object(invoice, r))
        .collect();
    json!({
        "id": format!("ch_{}", p.intent), "object": "charge", "amount": p.amount,
        "amount_refunded": p.refunded, "currency": invoice.currency.to_lowercase(),
        "refunded": p.amount == p.refunded, "disputed": p.disputed, "status": "succeeded",
        "payment_intent": p.intent, "created": invoice.created, "metadata": {},
        "refunds": { "object": "list", "data": inside, "has_more": false },
    })
}

pub(super) fn dispute_object(invoice: &Invoice, which: usize) -> Value {
    let d = &invoice.disputes[which];
    let intent = &invoice.payments[d.payment].intent;
    json!({
        "id": d.id, "object": "dispute", "amount": d.amount, "status": d.status, "created": d.at,
        "currency": invoice.currency.to_lowercase(), "payment_intent": intent,
        "charge": format!("ch_{intent}"), "reason": "general",
    })
}
