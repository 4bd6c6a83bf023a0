//! The picture a batch of news is worked out in.
//!
//! Everything a batch may touch is read in a fixed number of statements, changed in memory, and
//! written in a fixed number of statements. New rows have negative ids until they are written. News
//! that cannot be handled is undone in memory without disturbing its neighbours.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::{Deref, DerefMut};

use chrono::{DateTime, Utc};
use domain::ledger::Bucket;
use domain::money::Money;
use entity::{
    attribution, balance_transaction, commission, customer, deal, invoice, invoice_line,
    invoice_payment, invoice_return, protection, subscription,
};
use sea_orm::FromQueryResult;
use serde_json::Value;

use super::config::Config;
use super::question::Question;
use crate::commission::history::History;

/// A row with what it was when it was read.
#[derive(Clone, Debug)]
pub(crate) struct Row<T> {
    now: T,
    before: Option<Box<T>>,
}

impl<T: Clone + PartialEq> Row<T> {
    /// A row that is in the database.
    pub(crate) fn stored(row: T) -> Self {
        Self {
            before: Some(Box::new(row.clone())),
            now: row,
        }
    }

    /// A row that is to be inserted.
    pub(crate) fn fresh(row: T) -> Self {
        Self {
            now: row,
            before: None,
        }
    }

    /// What it was, if it is in the database and has changed.
    pub(crate) fn changed_from(&self) -> Option<&T> {
        self.before.as_deref().filter(|before| **before != self.now)
    }

    /// Whether it is to be inserted.
    pub(crate) fn is_fresh(&self) -> bool {
        self.before.is_none()
    }
}

impl<T> Deref for Row<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.now
    }
}

impl<T> DerefMut for Row<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.now
    }
}

/// An invoice with everything that hangs on it.
#[derive(Clone, Debug)]
pub(crate) struct InvoiceState {
    pub(crate) row: Row<invoice::Model>,
    pub(crate) lines: Vec<Row<invoice_line::Model>>,
    pub(crate) payments: Vec<Row<invoice_payment::Model>>,
    pub(crate) returns: Vec<Row<invoice_return::Model>>,
    pub(crate) commissions: Vec<Row<commission::Model>>,
    /// How often each commission was held so far.
    pub(crate) holds: HashMap<i64, u32>,
}

/// That a partner has earned something with a customer.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct Earned {
    pub(crate) customer_id: i64,
    pub(crate) partner_id: i64,
    pub(crate) currency: String,
    pub(crate) paid_at: Option<DateTime<Utc>>,
}

/// Who is credited for an account, or will be when it pays.
#[derive(Clone, Debug, Default)]
pub(crate) struct AccountState {
    pub(crate) attributions: Vec<Row<attribution::Model>>,
    /// What registrations protect and protected, with their deals, as far as no credit has come of
    /// it: a payment may have arrived before it ended.
    pub(crate) protections: Vec<(protection::Model, deal::Model)>,
    /// When a customer of the account paid first.
    pub(crate) first_paid_at: Option<DateTime<Utc>>,
    /// The partners who were paid for the account's first payment.
    pub(crate) first_paid_to: BTreeSet<i64>,
}

/// A movement of money that is booked when the batch is written.
#[derive(Clone, Debug)]
pub(crate) struct Booking {
    /// `commission.id` of the row that moves; negative while it is new.
    pub(crate) commission_id: i64,
    pub(crate) partner_id: i64,
    pub(crate) amount: Money,
    pub(crate) movement: Movement,
    pub(crate) description: String,
    pub(crate) effective_at: DateTime<Utc>,
}

/// What a booking does; see the constructors of `domain::ledger::Entry`.
#[derive(Clone, Debug)]
pub(crate) enum Movement {
    Accrue,
    /// Takes back of the named commission, because of something.
    Reverse {
        original: i64,
        cause: String,
        from: Bucket,
    },
    Hold {
        n: u32,
        from: Bucket,
    },
    Release {
        n: u32,
        to: Bucket,
    },
}

/// A line for the timeline.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub(crate) action: &'static str,
    pub(crate) subject_type: &'static str,
    /// Negative while the subject is new.
    pub(crate) subject_id: i64,
    pub(crate) partner_id: Option<i64>,
    pub(crate) internal: bool,
    pub(crate) summary: String,
    pub(crate) detail: Value,
}

/// A deal that its customer's money has won.
#[derive(Clone, Debug)]
pub(crate) struct WonDeal {
    pub(crate) deal_id: i64,
    /// The customer's name.
    pub(crate) company: String,
    pub(crate) partner_id: i64,
    /// Where it stood.
    pub(crate) status: String,
    pub(crate) at: DateTime<Utc>,
}

/// Asks for a job when the batch is written.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) kind: &'static str,
    pub(crate) stripe_id: String,
    pub(crate) dedupe_key: String,
}

/// What the batch does beside changing rows.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) bookings: Vec<Booking>,
    pub(crate) notes: Vec<Note>,
    pub(crate) won: Vec<WonDeal>,
    pub(crate) jobs: Vec<Job>,
    /// What finance is told, with where to look.
    pub(crate) letters: Vec<(String, i64)>,
    /// Whose customers somebody has to decide; they come up before any piece of news is handled.
    pub(crate) questions: Vec<Question>,
}

/// See the module.
pub(crate) struct Unit {
    pub(crate) now: DateTime<Utc>,
    pub(crate) config: Config,
    pub(crate) history: History,
    pub(crate) customers: HashMap<String, Row<customer::Model>>,
    pub(crate) customer_keys: HashMap<i64, String>,
    pub(crate) subscriptions: BTreeMap<String, Row<subscription::Model>>,
    pub(crate) invoices: BTreeMap<String, InvoiceState>,
    pub(crate) accounts: HashMap<i64, AccountState>,
    /// Payment intents and charges with the invoices they paid, and how much of each.
    pub(crate) paid_with: HashMap<String, BTreeMap<String, i64>>,
    pub(crate) effects: Effects,
    /// Invoices of customers that were matched in this batch.
    pub(crate) catch_up: BTreeSet<String>,
    /// Lines that carry Stripe's own name, with the invoices they are on.
    pub(crate) line_names: HashMap<String, String>,
    /// Who has earned something with customers who have an invoice below zero.
    pub(crate) earned: Vec<Earned>,
    /// How the customers' balances came about, the oldest change first.
    pub(crate) balances: HashMap<String, Vec<Row<balance_transaction::Model>>>,
    last_id: i64,
    undo: Vec<Undo>,
}

/// What a piece of news has changed so far.
enum Undo {
    Subscription(String, Option<Row<subscription::Model>>),
    Invoice(String, Option<Box<InvoiceState>>),
    Account(i64, AccountState),
}

/// How far the effects had come when a piece of news began.
struct Mark([usize; 6]);

impl Unit {
    pub(crate) fn new(now: DateTime<Utc>, config: Config) -> Self {
        Self {
            now,
            config,
            history: History::default(),
            customers: HashMap::new(),
            customer_keys: HashMap::new(),
            subscriptions: BTreeMap::new(),
            invoices: BTreeMap::new(),
            accounts: HashMap::new(),
            paid_with: HashMap::new(),
            effects: Effects::default(),
            catch_up: BTreeSet::new(),
            line_names: HashMap::new(),
            earned: Vec::new(),
            balances: HashMap::new(),
            last_id: 0,
            undo: Vec::new(),
        }
    }

    /// An id for a row that is not written yet.
    pub(crate) fn fresh_id(&mut self) -> i64 {
        self.last_id -= 1;
        self.last_id
    }

    /// Does `work`, and undoes it in memory when it fails.
    pub(crate) fn attempt<R, E>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<R, E>,
    ) -> Result<R, E> {
        let mark = self.mark();
        self.undo.clear();
        let result = work(self);
        if result.is_err() {
            self.roll_back(&mark);
        }
        result
    }

    fn mark(&self) -> Mark {
        let e = &self.effects;
        Mark([
            e.bookings.len(),
            e.notes.len(),
            e.won.len(),
            e.jobs.len(),
            self.history.added().len(),
            e.letters.len(),
        ])
    }

    fn roll_back(&mut self, mark: &Mark) {
        let e = &mut self.effects;
        e.bookings.truncate(mark.0[0]);
        e.notes.truncate(mark.0[1]);
        e.won.truncate(mark.0[2]);
        e.jobs.truncate(mark.0[3]);
        e.letters.truncate(mark.0[5]);
        self.history.truncate(mark.0[4]);
        while let Some(undo) = self.undo.pop() {
            match undo {
                Undo::Subscription(key, Some(row)) => {
                    self.subscriptions.insert(key, row);
                }
                Undo::Subscription(key, None) => {
                    self.subscriptions.remove(&key);
                }
                Undo::Invoice(key, Some(state)) => {
                    self.invoices.insert(key, *state);
                }
                Undo::Invoice(key, None) => {
                    self.invoices.remove(&key);
                }
                Undo::Account(id, state) => {
                    self.accounts.insert(id, state);
                }
            }
        }
    }

    /// An invoice for changing, if it is known.
    pub(crate) fn invoice_mut(&mut self, stripe_id: &str) -> Option<&mut InvoiceState> {
        let state = self.invoices.get_mut(stripe_id)?;
        self.undo.push(Undo::Invoice(
            stripe_id.to_owned(),
            Some(Box::new(state.clone())),
        ));
        Some(state)
    }

    /// Adds an invoice.
    pub(crate) fn add_invoice(&mut self, state: InvoiceState) {
        let key = state.row.stripe_id.clone();
        self.undo.push(Undo::Invoice(key.clone(), None));
        self.invoices.insert(key, state);
    }

    /// Puts an invoice back that was taken out as a copy and worked on.
    pub(crate) fn put_invoice(&mut self, state: InvoiceState) {
        let key = state.row.stripe_id.clone();
        let before = self.invoices.insert(key.clone(), state);
        self.undo.push(Undo::Invoice(key, before.map(Box::new)));
    }

    /// Sets a subscription.
    pub(crate) fn put_subscription(&mut self, row: Row<subscription::Model>) {
        let key = row.stripe_id.clone();
        let before = self.subscriptions.insert(key.clone(), row);
        self.undo.push(Undo::Subscription(key, before));
    }

    /// An account for changing.
    pub(crate) fn account_mut(&mut self, id: i64) -> &mut AccountState {
        let state = self.accounts.entry(id).or_default();
        self.undo.push(Undo::Account(id, state.clone()));
        state
    }

    /// Invoices in the order in which they were paid: first payments, months, brackets and caps
    /// look at what came before. Stripe's ids say nothing about time.
    pub(crate) fn as_paid(&self, names: impl IntoIterator<Item = String>) -> Vec<String> {
        let mut names: Vec<String> = names.into_iter().collect();
        names.sort_by_key(|name| self.invoices.get(name).and_then(|state| state.row.paid_at));
        names
    }

    /// The customer of an invoice.
    pub(crate) fn customer_of(&self, row: &invoice::Model) -> Option<&Row<customer::Model>> {
        self.customers
            .get(self.customer_keys.get(&row.customer_id)?)
    }

    /// The name of a line's row. Stripe's own name is used for one line only, except where the API of
    /// old gives the name of the subscription to every month's line; then the name says which.
    pub(crate) fn line_name(&mut self, invoice: &str, line: &str, occurrence: i64) -> String {
        let own = line.starts_with("il_") || line.starts_with("li_");
        if own && occurrence == 1 {
            let of = self.line_names.entry(line.to_owned());
            if of.or_insert_with(|| invoice.to_owned()) == invoice {
                return line.to_owned();
            }
        }
        match occurrence {
            1 => format!("{line}/{invoice}"),
            n => format!("{line}/{invoice}/{n}"),
        }
    }

    /// Remembers which invoice a payment intent or a charge paid.
    pub(crate) fn remember_payment(&mut self, payment: &invoice_payment::Model, invoice: &str) {
        for key in [&payment.payment_intent, &payment.charge]
            .into_iter()
            .flatten()
        {
            self.paid_with
                .entry(key.clone())
                .or_default()
                .insert(invoice.to_owned(), payment.amount);
        }
    }
}
