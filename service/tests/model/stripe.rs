//! What happens at Stripe: the objects as they are, and the events that tell of them.

mod notes;
mod objects;
mod subscriptions;

use serde_json::{Value, json};

use super::ops::{LineSpec, Op};
use crate::world::event_at;
use objects::{charge_object, dispute_object, refund_object};
use subscriptions::Subscription;

pub const CURRENCIES: [&str; 6] = ["EUR", "EUR", "EUR", "JPY", "KWD", "USD"];

pub struct Customer {
    /// Where it belongs, as soon as anybody can know.
    pub home: Option<usize>,
    /// The last one runs.
    pub subscriptions: Vec<Subscription>,
}

pub struct Line {
    pub id: String,
    pub spec: LineSpec,
    pub discount: i64,
    pub credit: i64,
    pub tax: i64,
    pub suite: bool,
    /// After tax, discount and credit.
    pub net: i64,
    /// What credit notes have named so far: net and tax.
    noted: (i64, i64),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    Open,
    Uncollectible,
    Void,
    /// Since when.
    Paid(i64),
}

pub struct Payment {
    pub intent: String,
    pub amount: i64,
    refunded: i64,
    disputed: bool,
}

pub struct Refund {
    pub id: String,
    pub amount: i64,
    pub at: i64,
    pub failed: bool,
    payment: usize,
    told: u8,
}

pub struct Note {
    pub total: i64,
    /// Net by line; empty when it is about the whole invoice.
    pub lines: Vec<(usize, i64)>,
    /// The refund whose money it is, and how much of it.
    pub refund: Option<(usize, i64)>,
    pub at: i64,
    pub void: bool,
    before_payment: bool,
    object: Value,
}

pub struct Dispute {
    pub amount: i64,
    pub at: i64,
    pub status: &'static str,
    id: String,
    payment: usize,
}

pub struct Invoice {
    pub id: String,
    pub customer: usize,
    /// Which of the customer's.
    pub subscription: usize,
    pub currency: &'static str,
    pub lines: Vec<Line>,
    pub total: i64,
    pub standing: Standing,
    pub payments: Vec<Payment>,
    pub refunds: Vec<Refund>,
    pub notes: Vec<Note>,
    pub disputes: Vec<Dispute>,
    /// Finance has stopped a line of it: nothing of it is taken back and given again from then on,
    /// because a line that was over comes back without its hold.
    pub by_hand: bool,
    /// Something of it was taken back and given again.
    pub shaky: bool,
    created: i64,
    short: bool,
}

#[derive(Default)]
pub struct Stripe {
    pub customers: Vec<Customer>,
    pub invoices: Vec<Invoice>,
    /// Events that were not taken yet.
    pub told: Vec<Value>,
    /// Objects that changed and were not taken yet.
    pub shelf: Vec<Value>,
    events: usize,
}

impl Invoice {
    /// What is left to pay.
    fn left(&self) -> i64 {
        let notes: i64 = self
            .notes
            .iter()
            .filter(|n| n.before_payment && !n.void)
            .map(|n| n.total)
            .sum();
        let paid: i64 = self.payments.iter().map(|p| p.amount).sum();
        (self.total - notes - paid).max(0)
    }

    pub fn paid_at(&self) -> Option<i64> {
        match self.standing {
            Standing::Paid(at) => Some(at),
            _ => None,
        }
    }

    pub fn net(&self) -> i64 {
        self.lines.iter().map(|l| l.net).sum()
    }

    /// What was credited in full before anybody paid is paid in name only.
    pub fn brought_money(&self) -> bool {
        self.total <= 0 || !self.payments.is_empty()
    }

    fn is_paid(&self) -> bool {
        self.paid_at().is_some()
    }

    fn awaits(&self) -> bool {
        matches!(self.standing, Standing::Open | Standing::Uncollectible)
    }
}

impl Line {
    fn new(id: String, spec: &LineSpec) -> Self {
        let discount = spec.amount * spec.discount_percent / 100;
        let credit = (spec.amount - discount) * spec.credit_percent / 100;
        let rest = spec.amount - discount - credit;
        let tax = if spec.tax_inclusive {
            rest - rest * 100 / (100 + spec.tax_percent)
        } else {
            rest * spec.tax_percent / 100
        };
        let net = if spec.tax_inclusive { rest - tax } else { rest };
        let (spec, suite) = (spec.clone(), spec.suite);
        Self {
            id,
            discount,
            credit,
            tax,
            suite,
            net,
            spec,
            noted: (0, 0),
        }
    }

    fn gross(&self) -> i64 {
        let on_top = if self.spec.tax_inclusive { 0 } else { self.tax };
        self.spec.amount - self.discount - self.credit + on_top
    }

    fn behavior(&self) -> &'static str {
        if self.spec.tax_inclusive {
            "inclusive"
        } else {
            "exclusive"
        }
    }
}

impl Stripe {
    fn tell(&mut self, at: i64, kind: &str, object: Value) {
        self.events += 1;
        let id = format!("evt_{:05}", self.events);
        self.told.push(event_at(&id, kind, at, object));
    }

    fn tell_invoice(&mut self, at: i64, kind: &str, index: usize) {
        let invoice = &self.invoices[index];
        let full = invoice.object();
        let mut event = full.clone();
        if invoice.short && invoice.lines.len() > 1 {
            event["lines"]["data"] = json!([full["lines"]["data"][0]]);
            event["lines"]["has_more"] = json!(true);
        }
        self.shelf.push(full);
        self.tell(at, kind, event);
    }

    /// One of the invoices for which something is possible.
    fn pick(&self, n: usize, possible: impl Fn(&Invoice) -> bool) -> Option<usize> {
        let those: Vec<usize> = (0..self.invoices.len())
            .filter(|i| possible(&self.invoices[*i]))
            .collect();
        those.get(n % those.len().max(1)).copied()
    }

    /// Tells of a customer; its domain or its metadata may say where it belongs.
    pub fn tell_customer(&mut self, at: i64, customer: usize, domain: &str, account: Option<i64>) {
        let mut metadata = json!({});
        if let Some(id) = account {
            metadata["portico_account"] = json!(id.to_string());
        }
        let object = json!({
            "id": format!("cus_{customer}"), "object": "customer", "email": format!("ap@{domain}"),
            "name": "A customer", "created": at, "livemode": false, "metadata": metadata,
        });
        self.shelf.push(object.clone());
        self.tell(at, "customer.updated", object);
    }

    /// Does what a step does at Stripe; says which invoice was paid by it.
    pub fn apply(&mut self, at: i64, op: &Op) -> Option<usize> {
        match op {
            Op::Invoice {
                customer,
                currency,
                lines,
                short,
            } if !self.customers.is_empty() => {
                let index = self.invoices.len();
                let id = format!("in_{index:04}");
                let customer = customer % self.customers.len();
                let lines: Vec<Line> = lines
                    .iter()
                    .enumerate()
                    .map(|(i, spec)| Line::new(format!("il_{index:04}_{i}"), spec))
                    .collect();
                self.invoices.push(Invoice {
                    id,
                    customer,
                    subscription: self.customers[customer].subscriptions.len() - 1,
                    currency: CURRENCIES[*currency],
                    total: lines.iter().map(Line::gross).sum(),
                    lines,
                    standing: Standing::Open,
                    payments: Vec::new(),
                    refunds: Vec::new(),
                    notes: Vec::new(),
                    disputes: Vec::new(),
                    by_hand: false,
                    shaky: false,
                    created: at,
                    short: *short,
                });
                self.tell_invoice(at, "invoice.finalized", index);
                if self.invoices[index].total <= 0 {
                    return self.finish(at, index);
                }
                None
            }
            Op::Pay { invoice, share } => {
                let index = self.pick(*invoice, Invoice::awaits)?;
                self.pay(at, index, *share)
            }
            Op::Refund {
                invoice,
                share,
                told,
            } => {
                let index = self.pick(*invoice, |i| {
                    i.payments.iter().any(|p| p.amount > p.refunded)
                })?;
                let payment = self.refundable(index)?;
                let p = &self.invoices[index].payments[payment];
                let amount = part(p.amount - p.refunded, *share);
                self.refund(at, index, payment, amount, *told);
                None
            }
            Op::RefundFails { invoice } => {
                let stands = |r: &Refund| !r.failed && r.at < at;
                let index = self.pick(*invoice, |i| !i.by_hand && i.refunds.iter().any(stands))?;
                let invoice = &mut self.invoices[index];
                invoice.shaky = true;
                let which = invoice.refunds.iter().position(stands)?;
                let r = &mut invoice.refunds[which];
                r.failed = true;
                invoice.payments[r.payment].refunded -= r.amount;
                let object = refund_object(invoice, which);
                self.shelf.push(object.clone());
                self.shelf.push(charge_object(
                    &self.invoices[index],
                    self.invoices[index].refunds[which].payment,
                ));
                self.tell(at, "refund.failed", object);
                None
            }
            Op::Note {
                invoice,
                share,
                by_line,
                money,
                short,
            } => {
                let can = |i: &Invoice| {
                    !i.by_hand && (i.is_paid() || i.standing == Standing::Open) && i.total > 0
                };
                let index = self.pick(*invoice, can)?;
                self.note(at, index, *share, *by_line, *money, *short)
            }
            Op::NoteVoid { invoice } => {
                let can = |i: &Invoice, n: &Note| {
                    !n.void && n.at < at && (!n.before_payment || !i.is_paid())
                };
                let index = self.pick(*invoice, |i| {
                    !i.by_hand && i.notes.iter().any(|n| can(i, n))
                })?;
                let invoice = &mut self.invoices[index];
                let which = invoice.notes.iter().position(|n| {
                    !n.void
                        && n.at < at
                        && (!n.before_payment || !matches!(invoice.standing, Standing::Paid(_)))
                })?;
                invoice.shaky = true;
                let note = &mut invoice.notes[which];
                note.void = true;
                note.object["status"] = json!("void");
                note.object["voided_at"] = json!(at);
                let object = note.object.clone();
                self.shelf.push(object.clone());
                self.tell(at, "credit_note.voided", object);
                self.tell_invoice(at, "invoice.updated", index);
                None
            }
            Op::Dispute { invoice, share } => {
                let index = self.pick(*invoice, |i| i.payments.iter().any(|p| !p.disputed))?;
                let invoice = &mut self.invoices[index];
                let payment = invoice.payments.iter().position(|p| !p.disputed)?;
                invoice.payments[payment].disputed = true;
                let amount = part(invoice.payments[payment].amount, *share);
                let id = format!("dp_{}_{}", invoice.id, invoice.disputes.len());
                invoice.disputes.push(Dispute {
                    amount,
                    at,
                    status: "needs_response",
                    id,
                    payment,
                });
                let object = dispute_object(invoice, invoice.disputes.len() - 1);
                self.tell(at, "charge.dispute.created", object.clone());
                self.tell(at, "charge.dispute.funds_withdrawn", object);
                None
            }
            Op::DisputeEnds { invoice, end } => {
                let open = |d: &Dispute| d.status == "needs_response";
                let index = self.pick(*invoice, |i| i.disputes.iter().any(open))?;
                let invoice = &mut self.invoices[index];
                let which = invoice.disputes.iter().position(open)?;
                invoice.disputes[which].status = ["won", "lost", "lost", "warning_closed"][*end];
                let object = dispute_object(invoice, which);
                self.tell(at, "charge.dispute.closed", object);
                None
            }
            Op::Void { invoice } => {
                let can = |i: &Invoice| i.awaits() && i.payments.is_empty() && i.notes.is_empty();
                let index = self.pick(*invoice, can)?;
                self.invoices[index].standing = Standing::Void;
                self.tell_invoice(at, "invoice.voided", index);
                None
            }
            Op::Leaves { invoice } => {
                let runs = |i: &Invoice| {
                    i.is_paid()
                        && i.subscription + 1 == self.customers[i.customer].subscriptions.len()
                };
                let Invoice {
                    customer,
                    subscription,
                    ..
                } = self.invoices[self.pick(*invoice, runs)?];
                self.customers[customer].subscriptions[subscription].ended = Some(at);
                self.tell_subscription(at, customer, subscription, "customer.subscription.deleted");
                self.subscribe(at, customer);
                None
            }
            Op::Uncollectible { invoice } => {
                let index = self.pick(*invoice, |i| i.standing == Standing::Open)?;
                self.invoices[index].standing = Standing::Uncollectible;
                self.tell_invoice(at, "invoice.marked_uncollectible", index);
                None
            }
            _ => None,
        }
    }

    fn pay(&mut self, at: i64, index: usize, share: i64) -> Option<usize> {
        let invoice = &mut self.invoices[index];
        let amount = part(invoice.left(), share);
        let n = invoice.payments.len();
        let intent = format!("pi_{}_{n}", invoice.id);
        let object = json!({
            "id": format!("inpay_{}_{n}", invoice.id), "object": "invoice_payment",
            "invoice": invoice.id, "amount_paid": amount, "amount_requested": amount,
            "currency": invoice.currency.to_lowercase(), "status": "paid", "created": at,
            "payment": { "type": "payment_intent", "payment_intent": intent },
        });
        invoice.payments.push(Payment {
            intent,
            amount,
            refunded: 0,
            disputed: false,
        });
        self.shelf.push(object.clone());
        self.shelf.push(charge_object(&self.invoices[index], n));
        self.tell(at, "invoice_payment.paid", object);
        if self.invoices[index].left() == 0 {
            return self.finish(at, index);
        }
        self.tell_invoice(at, "invoice.updated", index);
        None
    }

    fn finish(&mut self, at: i64, index: usize) -> Option<usize> {
        self.invoices[index].standing = Standing::Paid(at);
        self.tell_invoice(at, "invoice.paid", index);
        self.tell_invoice(at, "invoice.payment_succeeded", index);
        Some(index)
    }

    fn refundable(&self, index: usize) -> Option<usize> {
        self.invoices[index]
            .payments
            .iter()
            .position(|p| p.amount > p.refunded)
    }

    fn refund(&mut self, at: i64, index: usize, payment: usize, amount: i64, told: u8) -> usize {
        let invoice = &mut self.invoices[index];
        let which = invoice.refunds.len();
        let id = format!("re_{}_{which}", invoice.id);
        invoice.refunds.push(Refund {
            id,
            amount,
            at,
            failed: false,
            payment,
            told,
        });
        invoice.payments[payment].refunded += amount;
        let object = refund_object(&self.invoices[index], which);
        let charge = charge_object(&self.invoices[index], payment);
        self.shelf.push(object.clone());
        self.shelf.push(charge.clone());
        if told < 2 {
            self.tell(at, "refund.created", object);
        }
        if told != 1 {
            self.tell(at, "charge.refunded", charge);
        }
        which
    }
}

/// So many thousandths, at least one unit.
fn part(amount: i64, share: i64) -> i64 {
    i64::try_from(i128::from(amount) * i128::from(share) / 1_000)
        .expect("smaller")
        .max(1)
        .min(amount)
}
