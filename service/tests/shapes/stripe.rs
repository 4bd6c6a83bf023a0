//! Stripe's objects in their published form: its own samples, what is ordinary in this vendor's
//! shop, and what a shape says differs, laid over one another in this order.
//!
//! An object that is told of again keeps what was said of it before. The sums Stripe works out from
//! the lines (`subtotal`, `total`, `total_taxes`, …) are worked out here as well, so that a shape
//! only names them where it is about them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

/// The samples that Stripe publishes with the description of its API (github.com/stripe/openapi,
/// MIT licence).
static SAMPLES: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("samples.json")).expect("samples"));

/// Everything Stripe knows of at a moment of a shape.
#[derive(Default)]
pub struct Stripe {
    known: BTreeMap<String, Value>,
    currency: String,
    events: usize,
}

impl Stripe {
    /// What happens at `at`: the event Stripe sends about it, and the object on its own.
    pub fn tell(&mut self, told: &Map<String, Value>, at: i64) -> (Value, Value) {
        let kind = text(told, "is");
        let (object, prefix) = object_of(&kind);
        let id = match told.get("id") {
            Some(id) => id.as_str().expect("an id is text").to_owned(),
            None => format!("{prefix}_1"),
        };
        if let Some(currency) = told.get("currency").and_then(Value::as_str) {
            self.currency = currency.to_owned();
        } else if self.currency.is_empty() {
            self.currency = "eur".to_owned();
        }
        let mut value = match self.known.get(&id) {
            Some(known) => known.clone(),
            None => self.ordinary(object, &id, at),
        };
        let mut differs = told.clone();
        for own in ["is", "at", "id"] {
            differs.remove(own);
        }
        match object {
            "invoice" => self.invoice(&mut value, &mut differs, &kind, at),
            "credit_note" => self.credit_note(&mut value, &mut differs, &kind, at),
            "checkout.session" => self.checkout(&mut value, &mut differs),
            "charge" => {
                lay(&mut value, Value::Object(differs.clone()));
                value["refunded"] = json!(value["amount"] == value["amount_refunded"]);
            }
            "refund" if kind == "refund.failed" => {
                value["status"] = json!("failed");
                value["failure_reason"] = json!("expired_or_canceled_card");
            }
            _ => {}
        }
        lay(&mut value, Value::Object(differs));
        self.known.insert(id, value.clone());
        let whole = value.clone();
        if let (true, Some(session)) = (object == "checkout.session", value.as_object_mut()) {
            // Events come without the items.
            session.remove("line_items");
        }
        self.events += 1;
        let event = json!({
            "id": format!("evt_{}", self.events), "object": "event", "type": kind,
            "api_version": "2026-09-30.endive", "created": at, "livemode": false,
            "pending_webhooks": 1, "request": { "id": null, "idempotency_key": null },
            "data": { "object": value },
        });
        (event, whole)
    }

    /// What is sold without an invoice, where a shape names its items.
    fn checkout(&self, session: &mut Value, differs: &mut Map<String, Value>) {
        let Some(Value::Array(items)) = differs.remove("items") else {
            return;
        };
        let n = suffix(session);
        let items: Vec<Value> = items
            .into_iter()
            .zip('a'..)
            .map(|(item, letter)| {
                let mut full = SAMPLES["item"].clone();
                lay(
                    &mut full,
                    json!({ "id": format!("li_{n}{letter}"), "currency": self.currency }),
                );
                lay(&mut full, item);
                let of = |key: &str| whole(&full[key]);
                let total = of("amount_subtotal") - of("amount_discount") + of("amount_tax");
                if full["amount_total"] == 0 {
                    full["amount_total"] = json!(total);
                }
                full
            })
            .collect();
        let sum = |key: &str| items.iter().map(|item| whole(&item[key])).sum::<i64>();
        let shipping = differs
            .remove("shipping")
            .map_or(0, |amount| whole(&amount));
        lay(
            session,
            json!({
                "mode": "payment", "subscription": null, "invoice": null,
                "invoice_creation": { "enabled": false },
                "payment_intent": format!("pi_{n}"), "amount_subtotal": sum("amount_subtotal"),
                "amount_total": sum("amount_total") + shipping,
                "total_details": { "amount_discount": sum("amount_discount"),
                    "amount_shipping": shipping, "amount_tax": sum("amount_tax") },
            }),
        );
        session["line_items"] = json!({ "object": "list", "data": items, "has_more": false });
    }

    /// An object of which nothing has been said yet.
    fn ordinary(&self, object: &str, id: &str, at: i64) -> Value {
        let n = id.rsplit_once('_').map_or("1", |(_, n)| n);
        let invoice = self
            .known
            .get(&format!("in_{n}"))
            .or(self.known.get("in_1"));
        let paid = invoice.map_or(json!(0), |i| i["amount_paid"].clone());
        let mut value = SAMPLES[object].clone();
        lay(
            &mut value,
            json!({ "id": id, "created": at, "currency": self.currency }),
        );
        let usual = match object {
            "customer" => json!({
                "email": "ap@acme.com", "name": "Acme", "address": { "country": "DE" },
                "discount": null,
            }),
            "subscription" => json!({
                "customer": "cus_1", "start_date": at, "billing_cycle_anchor": at, "ended_at": null,
                "cancel_at": null, "canceled_at": null, "cancel_at_period_end": false,
                "trial_start": null, "trial_end": null, "pause_collection": null,
                "pending_update": null, "transfer_data": null, "billing_schedules": [],
            }),
            "checkout.session" => json!({
                "customer": "cus_1", "status": "complete", "payment_status": "paid",
                "mode": "subscription", "subscription": "sub_1", "payment_intent": null,
                "invoice": "in_1", "shipping_cost": null, "currency_conversion": null,
                "total_details": { "amount_discount": 0, "amount_shipping": 0, "amount_tax": 0 },
            }),
            "invoice" => json!({
                "number": format!("ACME-{n}"), "customer": "cus_1", "created": at - 3_600,
                "customer_email": "ap@acme.com", "customer_name": "Acme",
                "customer_address": { "country": "DE" }, "billing_reason": "subscription_cycle",
                "amount_overpaid": 0, "from_invoice": null, "last_finalization_error": null,
                "shipping_cost": null, "shipping_details": null, "customer_shipping": null,
                "due_date": null, "next_payment_attempt": null,
                "parent": { "type": "subscription_details", "quote_details": null,
                    "subscription_details": { "subscription": "sub_1", "metadata": {} } },
                "total_taxes": [], "total_pretax_credit_amounts": [],
            }),
            "invoice_payment" => json!({
                "invoice": format!("in_{n}"), "status": "paid", "livemode": false,
                "amount_paid": paid, "amount_requested": paid,
                "payment": { "type": "payment_intent", "payment_intent": format!("pi_{n}") },
                "status_transitions": { "paid_at": at },
            }),
            "credit_note" => json!({
                "number": format!("ACME-CN-{n}"), "customer": "cus_1", "invoice": "in_1",
                "voided_at": null, "shipping_cost": null, "refunds": [],
                "pretax_credit_amounts": [], "total_taxes": [],
            }),
            "charge" => json!({
                "amount": paid, "amount_captured": paid, "captured": true, "customer": "cus_1",
                "payment_intent": format!("pi_{n}"), "source": null, "transfer_data": null,
            }),
            "refund" => json!({
                "payment_intent": "pi_1", "charge": "ch_1", "reason": "requested_by_customer",
            }),
            "dispute" => json!({
                "payment_intent": "pi_1", "charge": "ch_1", "reason": "fraudulent",
                "status": "needs_response", "amount": paid, "is_charge_refundable": false,
                "payment_method_details": { "card": { "case_type": "chargeback" } },
            }),
            other => panic!("no ordinary {other}"),
        };
        lay(&mut value, usual);
        value
    }

    fn invoice(&self, invoice: &mut Value, differs: &mut Map<String, Value>, kind: &str, at: i64) {
        let n = suffix(invoice);
        if let Some(Value::Array(lines)) = differs.remove("lines") {
            let lines: Vec<Value> = lines
                .into_iter()
                .zip('a'..)
                .map(|(line, letter)| {
                    let mut full = SAMPLES["line_item"].clone();
                    lay(
                        &mut full,
                        json!({
                            "id": format!("il_{n}{letter}"), "invoice": format!("in_{n}"),
                            "currency": self.currency, "description": "Suite", "taxes": [],
                            "pretax_credit_amounts": [],
                            "period": { "start": at, "end": at + 30 * 86_400 },
                            "parent": { "type": "subscription_item_details",
                                "invoice_item_details": null,
                                "subscription_item_details": { "subscription": "sub_1",
                                    "subscription_item": "si_1", "proration": false,
                                    "proration_details": null } },
                            "pricing": { "price_details": { "price": "price_suite",
                                "product": "prod_suite" } },
                        }),
                    );
                    let line = parts(line);
                    lay(&mut full, json!({ "subtotal": line["amount"] }));
                    lay(&mut full, line);
                    if full["parent"]["type"] == "invoice_item_details" {
                        full["parent"]["subscription_item_details"] = Value::Null;
                    }
                    full
                })
                .collect();
            let sums = Sums::of(&lines);
            lay(
                invoice,
                json!({
                    "lines": { "data": lines },
                    "currency": self.currency, "subtotal": sums.amount,
                    "subtotal_excluding_tax": sums.amount - sums.inclusive,
                    "total": sums.total(), "total_excluding_tax": sums.total() - sums.tax(),
                    "amount_due": sums.total().max(0), "amount_remaining": sums.total().max(0),
                    "total_taxes": sums.taxes(), "total_discount_amounts": sums.discounts(),
                    "total_pretax_credit_amounts": sums.credits(),
                }),
            );
            invoice["lines"]["url"] = json!(format!("/v1/invoices/in_{n}/lines"));
        }
        lay(invoice, Value::Object(differs.clone()));
        let (status, moment) = match kind {
            "invoice.finalized" => ("open", "finalized_at"),
            "invoice.paid" | "invoice.payment_succeeded" => ("paid", "paid_at"),
            "invoice.voided" => ("void", "voided_at"),
            "invoice.marked_uncollectible" => ("uncollectible", "marked_uncollectible_at"),
            _ => return,
        };
        invoice["status"] = json!(status);
        invoice["status_transitions"][moment] = json!(at);
        if status == "paid" {
            invoice["attempted"] = json!(true);
            let before = whole(&invoice["pre_payment_credit_notes_amount"]);
            invoice["amount_paid"] = json!(whole(&invoice["amount_due"]) - before);
            invoice["amount_remaining"] = json!(0);
            if invoice["ending_balance"].is_null() {
                invoice["ending_balance"] = json!(0);
            }
        }
    }

    fn credit_note(&self, note: &mut Value, differs: &mut Map<String, Value>, kind: &str, at: i64) {
        let n = suffix(note);
        if let Some(Value::Array(lines)) = differs.remove("lines") {
            let lines: Vec<Value> = lines
                .into_iter()
                .zip('a'..)
                .map(|(line, letter)| {
                    let mut full = SAMPLES["credit_note_line_item"].clone();
                    let custom = line.get("invoice_line_item").is_none();
                    lay(
                        &mut full,
                        json!({
                            "id": format!("cnli_{n}{letter}"), "description": "Suite", "taxes": [],
                            "pretax_credit_amounts": [], "metadata": {},
                            "type": if custom { "custom_line_item" } else { "invoice_line_item" },
                        }),
                    );
                    if custom {
                        full.as_object_mut()
                            .expect("a line")
                            .remove("invoice_line_item");
                    }
                    lay(&mut full, parts(line));
                    full
                })
                .collect();
            let sums = Sums::of(&lines);
            lay(
                note,
                json!({
                    "lines": { "data": lines }, "subtotal": sums.amount,
                    "subtotal_excluding_tax": sums.amount - sums.inclusive,
                    "discount_amount": sums.discount, "discount_amounts": sums.discounts(),
                    "total": sums.total(), "amount": sums.total(),
                    "total_excluding_tax": sums.total() - sums.tax(), "total_taxes": sums.taxes(),
                    "pretax_credit_amounts": sums.credits(),
                }),
            );
        }
        let total = note["total"].clone();
        let invoice = differs.get("invoice").unwrap_or(&note["invoice"]).as_str();
        let paid = invoice
            .and_then(|id| self.known.get(id))
            .is_some_and(|i| i["status"] == "paid");
        let parts = if paid {
            json!({ "type": "post_payment", "post_payment_amount": total, "pre_payment_amount": 0 })
        } else {
            json!({ "type": "pre_payment", "pre_payment_amount": total, "post_payment_amount": 0 })
        };
        if kind == "credit_note.created" {
            lay(note, parts);
        } else if kind == "credit_note.voided" {
            lay(note, json!({ "status": "void", "voided_at": at }));
        }
        if let Some(Value::Array(refunds)) = differs.get_mut("refunds") {
            for refund in refunds {
                let said = std::mem::take(refund);
                *refund = json!({ "type": "refund", "amount_refunded": total,
                    "payment_record_refund": null });
                lay(refund, said);
            }
        }
    }
}

/// Which object an event is about, and how its id begins.
fn object_of(kind: &str) -> (&'static str, &'static str) {
    const OBJECTS: [(&str, &str, &str); 10] = [
        ("customer.subscription.", "subscription", "sub"),
        ("customer.", "customer", "cus"),
        ("checkout.session.", "checkout.session", "cs"),
        ("invoice_payment.", "invoice_payment", "inpay"),
        ("invoice.", "invoice", "in"),
        ("credit_note.", "credit_note", "cn"),
        ("charge.dispute.", "dispute", "dp"),
        ("charge.refund.", "refund", "re"),
        ("charge.", "charge", "ch"),
        ("refund.", "refund", "re"),
    ];
    let found = OBJECTS.iter().find(|(begins, ..)| kind.starts_with(begins));
    let (_, object, prefix) = found.unwrap_or_else(|| panic!("no such event: {kind}"));
    (object, prefix)
}

/// Lays what differs over a value: objects by key, everything else as it stands.
pub fn lay(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                lay(under.entry(key).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over,
    }
}

/// A line with its taxes, discounts and credits in full.
fn parts(mut line: Value) -> Value {
    let full = [
        (
            "taxes",
            json!({ "tax_behavior": "exclusive", "taxability_reason": "standard_rated",
            "taxable_amount": null, "type": "tax_rate_details",
            "tax_rate_details": { "tax_rate": "txr_vat" } }),
        ),
        ("discount_amounts", json!({ "discount": "di_1" })),
        (
            "pretax_credit_amounts",
            json!({ "type": "credit_balance_transaction",
            "credit_balance_transaction": "cbtxn_1" }),
        ),
    ];
    for (key, usual) in full {
        if let Some(Value::Array(items)) = line.get_mut(key) {
            for item in items {
                let said = std::mem::replace(item, usual.clone());
                lay(item, said);
            }
        }
    }
    line
}

/// What lines come to.
#[derive(Default)]
struct Sums {
    amount: i64,
    discount: i64,
    credit: i64,
    inclusive: i64,
    exclusive: i64,
}

impl Sums {
    fn of(lines: &[Value]) -> Self {
        let mut sums = Self::default();
        for line in lines {
            sums.amount += whole(&line["amount"]);
            let items = |key: &str| line[key].as_array().cloned().unwrap_or_default();
            for item in items("discount_amounts") {
                sums.discount += whole(&item["amount"]);
            }
            for item in items("pretax_credit_amounts") {
                if item["type"] != "discount" {
                    sums.credit += whole(&item["amount"]);
                }
            }
            for tax in items("taxes") {
                match tax["tax_behavior"].as_str() {
                    Some("inclusive") => sums.inclusive += whole(&tax["amount"]),
                    _ => sums.exclusive += whole(&tax["amount"]),
                }
            }
        }
        sums
    }

    fn total(&self) -> i64 {
        self.amount - self.discount - self.credit + self.exclusive
    }

    fn tax(&self) -> i64 {
        self.inclusive + self.exclusive
    }

    fn taxes(&self) -> Value {
        let tax = |amount: i64, how: &str| {
            parts(json!({ "taxes": [{ "amount": amount, "tax_behavior": how }] }))["taxes"][0]
                .take()
        };
        let mut taxes = Vec::new();
        if self.exclusive != 0 {
            taxes.push(tax(self.exclusive, "exclusive"));
        }
        if self.inclusive != 0 {
            taxes.push(tax(self.inclusive, "inclusive"));
        }
        Value::Array(taxes)
    }

    fn discounts(&self) -> Value {
        match self.discount {
            0 => json!([]),
            amount => json!([{ "amount": amount, "discount": "di_1" }]),
        }
    }

    fn credits(&self) -> Value {
        match self.credit {
            0 => json!([]),
            amount => json!([{ "amount": amount, "type": "credit_balance_transaction",
                "credit_balance_transaction": "cbtxn_1" }]),
        }
    }
}

fn whole(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

fn text(told: &Map<String, Value>, key: &str) -> String {
    told[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key} is text"))
        .to_owned()
}

fn suffix(object: &Value) -> String {
    let id = object["id"].as_str().expect("an id");
    id.rsplit_once('_').map_or(id, |(_, n)| n).to_owned()
}
