//! What should have been booked, worked out again from what happened at Stripe and from what people
//! did, with fractions and nothing of the portal's own arithmetic.

mod fractions;
mod plans;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::facts::{Booked, Fact, Names};
use super::ops::Plan;
use super::stripe::{Invoice, Stripe};
use fractions::{hold_until, parts_of, shares, times};

/// A commission as it is worked out.
struct Row {
    booked: Booked,
    invoice: usize,
    line: Option<usize>,
    rule: &'static str,
    canceled: bool,
    held: bool,
}

/// The books as far as they are worked out.
struct Books<'a> {
    stripe: &'a Stripe,
    names: &'a Names,
    rows: BTreeMap<String, Row>,
    /// Customers of whom it is known where they belong.
    known: Vec<bool>,
}

/// The books as they should be now, by the commission's reference.
pub fn expected(
    stripe: &Stripe,
    facts: &[Fact],
    now: DateTime<Utc>,
    names: &Names,
) -> BTreeMap<String, Booked> {
    let known = vec![false; stripe.customers.len()];
    let mut books = Books {
        stripe,
        names,
        rows: BTreeMap::new(),
        known,
    };
    for (i, fact) in facts.iter().enumerate() {
        let before = &facts[..i];
        match fact {
            Fact::Paid(invoice) => books.accrue(before, *invoice),
            Fact::Matched(customer) => {
                books.known[*customer] = true;
                let of = |i: &usize| stripe.invoices[*i].customer == *customer;
                let mut paid: Vec<usize> = (0..stripe.invoices.len())
                    .filter(|i| of(i) && was_paid(before, *i))
                    .collect();
                paid.sort_by_key(|i| stripe.invoices[*i].paid_at());
                for i in paid {
                    books.accrue(before, i);
                }
            }
            Fact::Hold(key) => books.rows.get_mut(key).expect("known").held = true,
            Fact::Release(key) => books.rows.get_mut(key).expect("known").held = false,
            Fact::Cancel(key) => books.rows.get_mut(key).expect("known").canceled = true,
            Fact::Tier(..) | Fact::Credit(..) | Fact::Plan(..) | Fact::Stay(..) => {}
        }
    }
    let stay = |fact: &Fact| match fact {
        Fact::Stay(days) => Some(*days),
        _ => None,
    };
    let stay = facts.iter().find_map(stay).expect("one from the beginning");
    let closed = books
        .rows
        .into_iter()
        .map(|(key, row)| (key, close(stripe, row, stay, now)));
    closed.collect()
}

/// What is left of a commission, and where it stands.
fn close(stripe: &Stripe, row: Row, stay: i64, now: DateTime<Utc>) -> Booked {
    let mut booked = row.booked;
    let invoice = &stripe.invoices[row.invoice];
    let paid_at = invoice.paid_at().expect("paid");
    let back = returned(invoice, paid_at + 90 * 86_400);
    let (net, back) = match row.line {
        Some(line) => (invoice.lines[line].net, back[line]),
        None => (invoice.net(), back.iter().sum()),
    };
    booked.left = booked.amount - times(booked.amount, back, net);
    let of = &stripe.customers[invoice.customer].subscriptions[invoice.subscription];
    if of.was_short(stay) {
        booked.left = 0;
    }
    let disputed = invoice
        .disputes
        .iter()
        .any(|d| d.status == "needs_response");
    booked.bucket = if row.canceled {
        booked.left = 0;
        "canceled"
    } else if row.held || disputed {
        "held"
    } else if now >= hold_until(paid_at) {
        "payable"
    } else {
        "pending"
    };
    booked
}

fn was_paid(before: &[Fact], invoice: usize) -> bool {
    before
        .iter()
        .any(|f| matches!(f, Fact::Paid(i) if *i == invoice))
}

/// What was said last up to an instant.
fn newest<T>(before: &[Fact], said: impl Fn(&Fact) -> Option<(i64, T)>, at: i64) -> Option<T> {
    before
        .iter()
        .rev()
        .filter_map(said)
        .find(|(from, _)| *from <= at)
        .map(|(_, what)| what)
}

/// Who is credited for a line, in basis points.
fn credited(before: &[Fact], home: usize, suite: bool, at: i64) -> Vec<(usize, i64)> {
    let credits = |for_suite: bool| {
        let said = |f: &Fact| match f {
            Fact::Credit(from, of, only, list) if *of == home && *only == for_suite => {
                Some((*from, list.clone()))
            }
            _ => None,
        };
        newest(before, said, at).unwrap_or_default()
    };
    let (special, general) = (credits(true), credits(false));
    // A line of no known product goes to whoever alone has the customer.
    if special.is_empty() || (!suite && !general.is_empty()) {
        general
    } else {
        special
    }
}

impl Books<'_> {
    fn home(&self, invoice: usize) -> Option<usize> {
        let customer = self.stripe.invoices[invoice].customer;
        self.stripe.customers[customer]
            .home
            .filter(|_| self.known[customer])
    }

    /// Whether the customer has earned the partner something that an invoice below zero can take back.
    fn has_earned_before(&self, index: usize, partner: usize) -> bool {
        let this = &self.stripe.invoices[index];
        self.rows.values().any(|row| {
            let other = &self.stripe.invoices[row.invoice];
            row.invoice != index
                && row.booked.partner == partner
                && other.customer == this.customer
                && other.currency == this.currency
                && other.paid_at() <= this.paid_at()
                && row.booked.amount > 0
        })
    }

    fn accrue(&mut self, before: &[Fact], index: usize) {
        let Some(home) = self.home(index) else { return };
        let invoice = &self.stripe.invoices[index];
        if !invoice.brought_money() {
            return;
        }
        let at = invoice.paid_at().expect("paid");
        let plan = newest(
            before,
            |f| {
                if let Fact::Plan(from, plan) = f {
                    Some((*from, plan.clone()))
                } else {
                    None
                }
            },
            at,
        );
        let plan = plan.expect("one from the beginning");
        let (mut whole, mut credited_net) = ([0; 2], 0);
        for (i, line) in invoice.lines.iter().enumerate() {
            let credits = credited(before, home, line.suite, at);
            if !credits.is_empty() {
                credited_net += line.net;
            }
            for (partner, net) in shares(line.net, &credits) {
                if invoice.net() < 0 && !self.has_earned_before(index, partner) {
                    continue;
                }
                whole[partner] += net;
                let tier = |f: &Fact| match f {
                    Fact::Tier(from, who, rank) if *who == partner => Some((*from, *rank)),
                    _ => None,
                };
                let rank = newest(before, tier, at).expect("one from the beginning");
                let key = format!("line:{}:partner:{}", line.id, self.names.partners[partner]);
                let of = (index, partner, home);
                let part = |whole| {
                    let mut parts = shares(whole, &credits).into_iter();
                    parts
                        .find(|(p, _)| *p == partner)
                        .map_or(0, |(_, part)| part)
                };
                let (rule, amount) = self.earns(&plan, of, &part, line.suite, net, rank);
                self.book(key, partner, (index, Some(i)), rule, net, amount);
            }
        }
        let Plan::First(_, flat) = plan else { return };
        let later = (0..self.stripe.invoices.len()).any(|i| {
            let other = &self.stripe.invoices[i];
            self.home(i) == Some(home)
                && was_paid(before, i)
                && other.paid_at() < Some(at)
                && other.net() > 0
                && other.brought_money()
        });
        let nets = whole.map(|net| net.max(0));
        if nets == [0; 2] {
            return;
        }
        // Paid once for all lines, and divided like the money on them.
        let flats = parts_of(flat, &nets, credited_net.max(0));
        for partner in [0, 1] {
            if whole[partner] > 0 && !later && invoice.currency == "EUR" {
                let key = format!(
                    "first:{}:partner:{}",
                    self.names.accounts[home], self.names.partners[partner]
                );
                self.book(key, partner, (index, None), "first", 0, flats[partner]);
            }
        }
    }

    fn book(
        &mut self,
        key: String,
        partner: usize,
        of: (usize, Option<usize>),
        rule: &'static str,
        basis: i64,
        amount: i64,
    ) {
        if amount != 0 {
            let currency = self.stripe.invoices[of.0].currency.to_owned();
            let booked = Booked {
                partner,
                currency,
                basis,
                amount,
                left: amount,
                bucket: "",
            };
            let row = Row {
                booked,
                invoice: of.0,
                line: of.1,
                rule,
                canceled: false,
                held: false,
            };
            self.rows.entry(key).or_insert(row);
        }
    }
}

/// How much of each line's net has gone back, of what went back up to `until`.
fn returned(invoice: &Invoice, until: i64) -> Vec<i64> {
    let notes = || invoice.notes.iter().filter(|n| !n.void && n.at <= until);
    let by_line: i64 = notes()
        .filter(|n| !n.lines.is_empty())
        .map(|n| n.total)
        .sum();
    let mut rest: i64 = notes()
        .filter(|n| n.lines.is_empty())
        .map(|n| n.total)
        .sum();
    for (i, refund) in invoice.refunds.iter().enumerate() {
        if !refund.failed && refund.at <= until {
            let noted = notes()
                .filter_map(|n| n.refund)
                .filter(|(of, _)| *of == i)
                .map(|(_, part)| part);
            rest += (refund.amount - noted.sum::<i64>()).max(0);
        }
    }
    let lost = invoice
        .disputes
        .iter()
        .filter(|d| d.status == "lost" && d.at <= until);
    rest += lost.map(|d| d.amount).sum::<i64>();
    let lines = invoice.lines.iter().enumerate().map(|(i, line)| {
        let named = notes()
            .flat_map(|n| &n.lines)
            .filter(|(of, _)| *of == i)
            .map(|(_, net)| net);
        let named: i64 = named.sum();
        match invoice.total {
            ..=0 => 0,
            total if by_line + rest >= total => line.net,
            total => named + times(line.net - named, rest, total - by_line),
        }
    });
    lines.collect()
}
