//! What holds for any stream of news, in any order and any number of times.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::plan::ready_made;
use entity::{attribution, customer};
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use stripe_gateway::webhook::Envelope;

use super::apply::{Absent, Trouble, apply};
use super::change::{Change, News};
use super::config::Config;
use super::unit::{AccountState, Movement, Row, Unit};

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_323_200, 0).unwrap()
}

/// One customer, credited to one partner.
fn unit() -> Unit {
    let mut unit = Unit::new(start(), Config::made_up(ready_made::reseller()));
    let row = customer::Model {
        id: 1,
        stripe_id: "cus_1".to_owned(),
        account_id: Some(1),
        name: String::new(),
        email: String::new(),
        country: None,
        matched_by: None,
        match_reason: None,
        created_at: start(),
        updated_at: Some(start()),
        question: None,
    };
    unit.customer_keys.insert(1, "cus_1".to_owned());
    unit.customers.insert("cus_1".to_owned(), Row::stored(row));
    let credit = attribution::Model {
        id: 1,
        program_id: 1,
        account_id: 1,
        partner_id: 1,
        product_line_id: None,
        deal_id: None,
        part: "sold".to_owned(),
        share_bp: 10_000,
        reason: String::new(),
        starts_at: DateTime::UNIX_EPOCH,
        ends_at: None,
        created_at: start(),
    };
    let account = AccountState {
        attributions: vec![Row::stored(credit)],
        ..AccountState::default()
    };
    unit.accounts.insert(1, account);
    unit
}

/// What happens to the invoice, in shares of a thousand.
#[derive(Clone, Debug)]
enum Step {
    /// A refund; whether it fails later.
    Refund(i64, bool),
    /// A credit note over one line, with a refund or without; whether it is annulled later.
    Note(usize, i64, bool, bool),
    /// A dispute, and how it ends.
    Dispute(i64, &'static str),
}

fn step() -> impl Strategy<Value = Step> {
    let end = prop_oneof![Just("won"), Just("lost"), Just("under_review")];
    prop_oneof![
        (1..=1_000_i64, any::<bool>()).prop_map(|(share, fails)| Step::Refund(share, fails)),
        (0..3_usize, 1..=1_000_i64, any::<bool>(), any::<bool>())
            .prop_map(|(line, share, refund, void)| Step::Note(line, share, refund, void)),
        (1..=1_000_i64, end).prop_map(|(share, end)| Step::Dispute(share, end)),
    ]
}

/// The events of a paid invoice and of what goes back, one a minute.
struct Told {
    news: Vec<News>,
    net: Vec<i64>,
    gross: i64,
    refunded: i64,
    noted: i64,
}

impl Told {
    fn of(net: Vec<i64>, steps: &[Step]) -> Self {
        let gross = net.iter().map(|n| n + n / 5).sum();
        let mut told = Self {
            news: Vec::new(),
            net,
            gross,
            refunded: 0,
            noted: 0,
        };
        told.say("invoice.paid", told.invoice());
        told.say(
            "invoice_payment.paid",
            json!({ "id": "inpay_1", "object": "invoice_payment", "invoice": "in_1",
                "amount_paid": gross, "amount_requested": gross, "currency": "eur",
                "status": "paid", "payment": { "payment_intent": "pi_1" } }),
        );
        for (n, step) in steps.iter().enumerate() {
            told.step(n, step);
        }
        told
    }

    fn at(&self) -> i64 {
        start().timestamp() + 60 * self.news.len() as i64
    }

    fn say(&mut self, kind: &str, object: Value) {
        let id = format!("evt_{}", self.news.len());
        let event = json!({ "id": id, "object": "event", "type": kind, "created": self.at(),
            "livemode": false, "data": { "object": object } });
        let envelope = Envelope::parse(event.to_string().as_bytes()).unwrap();
        self.news.push(News {
            event: id,
            at: envelope.created,
            change: Change::read(&envelope).unwrap().unwrap(),
        });
    }

    fn invoice(&self) -> Value {
        let lines: Vec<Value> = (self.net.iter().enumerate())
            .map(|(i, net)| {
                json!({ "id": format!("il_{i}"), "object": "line_item", "amount": net,
                    "currency": "eur",
                    "taxes": [{ "amount": net / 5, "tax_behavior": "exclusive" }] })
            })
            .collect();
        json!({ "id": "in_1", "object": "invoice", "customer": "cus_1", "status": "paid",
            "currency": "eur", "created": start().timestamp(),
            "status_transitions": { "paid_at": start().timestamp() },
            "subtotal": self.net.iter().sum::<i64>(), "total": self.gross,
            "amount_paid": self.gross, "post_payment_credit_notes_amount": self.noted,
            "lines": { "data": lines, "has_more": false } })
    }

    fn refund(&mut self, id: &str, amount: i64, fails: bool) {
        let object = |status: &str, at: i64| {
            json!({ "id": id, "object": "refund", "amount": amount, "currency": "eur",
                "status": status, "payment_intent": "pi_1", "charge": "ch_1", "created": at })
        };
        let at = self.at();
        self.refunded += amount;
        self.say("refund.created", object("succeeded", at));
        let charge = json!({ "id": "ch_1", "object": "charge", "amount": self.gross,
            "amount_refunded": self.refunded, "currency": "eur", "status": "succeeded",
            "payment_intent": "pi_1", "created": at });
        self.say("charge.refunded", charge);
        if fails {
            self.refunded -= amount;
            self.say("refund.failed", object("failed", at));
        }
    }

    fn step(&mut self, n: usize, step: &Step) {
        let part = |amount: i64, share: i64| amount * share / 1_000;
        match step {
            Step::Refund(share, fails) => {
                let amount = part(self.gross - self.refunded, *share);
                if amount > 0 {
                    self.refund(&format!("re_{n}"), amount, *fails);
                }
            }
            Step::Note(line, share, refund, void) => {
                let line = line % self.net.len();
                let net = part(self.net[line], *share);
                let total = net + net / 5;
                let refunds = if *refund && total > 0 && self.refunded + total <= self.gross {
                    self.refund(&format!("re_{n}"), total, false);
                    json!([{ "refund": format!("re_{n}"), "amount_refunded": total }])
                } else {
                    json!([])
                };
                let at = self.at();
                let object = |status: &str| {
                    json!({ "id": format!("cn_{n}"), "object": "credit_note", "invoice": "in_1",
                        "status": status, "currency": "eur", "total": total, "created": at,
                        "voided_at": (status == "void").then_some(at + 120), "refunds": refunds,
                        "lines": { "has_more": false, "data": [{ "id": "cnli_1", "amount": net,
                            "object": "credit_note_line_item",
                            "invoice_line_item": format!("il_{line}") }] } })
                };
                self.noted += total;
                self.say("credit_note.created", object("issued"));
                self.say("invoice.updated", self.invoice());
                if *void {
                    self.noted -= total;
                    self.say("credit_note.voided", object("void"));
                    self.say("invoice.updated", self.invoice());
                }
            }
            Step::Dispute(share, end) => {
                let (at, amount) = (self.at(), part(self.gross, *share));
                for status in ["needs_response", end] {
                    let dispute = json!({ "id": format!("dp_{n}"), "object": "dispute",
                        "amount": amount, "currency": "eur", "status": status, "charge": "ch_1",
                        "payment_intent": "pi_1", "created": at });
                    self.say("charge.dispute.updated", dispute);
                }
            }
        }
    }
}

/// Handles news in this order; what refers to something that is still to come is tried again, as
/// the inbox does.
fn take(unit: &mut Unit, news: Vec<&News>) {
    let mut open = news;
    for _ in 0..10 {
        open.retain(
            |news| match unit.attempt(|unit| apply(unit, news, &Absent::default())) {
                Ok(_) => false,
                Err(Trouble::Needs(_) | Trouble::Waits(_)) => true,
                Err(Trouble::Bad(why)) => panic!("{}: {why}", news.event),
            },
        );
        if open.is_empty() {
            return;
        }
    }
    panic!("something is never there");
}

/// What is left of each line and where, and what of it was booked.
fn state(unit: &Unit) -> Vec<String> {
    let invoice = &unit.invoices["in_1"];
    let mut left: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for row in &invoice.commissions {
        let family = row.reverses_id.unwrap_or(row.id);
        let of = invoice.commissions.iter().find(|c| c.id == family).unwrap();
        *left.entry((&of.reference, &row.state)).or_default() += row.amount;
    }
    left.retain(|_, sum| *sum != 0);
    let mut lines: Vec<String> = left.iter().map(|line| format!("{line:?}")).collect();
    lines.push(format!("{} {}", invoice.row.returned, invoice.row.disputed));
    lines
}

/// What bookings come to: of the expense, and of what is held.
fn booked(unit: &Unit) -> (i64, i64) {
    let (mut expense, mut held) = (0, 0);
    for booking in &unit.effects.bookings {
        let amount = booking.amount.minor;
        match &booking.movement {
            Movement::Accrue => expense += amount,
            Movement::Reverse { from, .. } => {
                expense -= amount;
                held -= if from.as_str() == "held" { amount } else { 0 };
            }
            Movement::Hold { .. } => held += amount,
            Movement::Release { .. } => held -= amount,
        }
    }
    (expense, held)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn any_order_and_any_number_of_times_is_the_same(
        net in prop::collection::vec(1..100_000_i64, 1..4),
        steps in prop::collection::vec(step(), 1..5),
        seed: u64,
    ) {
        let told = Told::of(net, &steps);
        let mut orderly = unit();
        take(&mut orderly, told.news.iter().collect());

        let mut dice = StdRng::seed_from_u64(seed);
        let mut news: Vec<&News> = told.news.iter().collect();
        let again: Vec<&News> = news.iter().filter(|_| dice.random_bool(0.4)).copied().collect();
        news.extend(again);
        news.shuffle(&mut dice);
        let mut wild = unit();
        take(&mut wild, news);
        prop_assert_eq!(state(&wild), state(&orderly));
        prop_assert_eq!(booked(&wild), booked(&orderly));

        // Every unit that was booked is on a line, and the whole stream again books nothing.
        let rows = &wild.invoices["in_1"].commissions;
        prop_assert_eq!(booked(&wild).0, rows.iter().map(|c| c.amount).sum::<i64>());
        let before = wild.effects.bookings.len();
        take(&mut wild, told.news.iter().collect());
        prop_assert_eq!(wild.effects.bookings.len(), before);
        prop_assert!(told.at() < (start() + TimeDelta::days(1)).timestamp());
    }
}
