//! Eighteen months of invoices, refunds and disputes, as Stripe tells them.

use chrono::{DateTime, Months, TimeDelta, Utc};
use serde_json::Value;

use super::billing::{Line, Paid, customer as stripe_customer, dispute, event, refund};
use super::customers::{Customer, price};
use super::program::PRODUCTS;
use super::{About, Stage, days};

/// An event with its time.
pub(super) struct Happened {
    pub(super) at: DateTime<Utc>,
    pub(super) body: Value,
}

/// A paid invoice from which nothing has gone back.
struct Billed {
    id: String,
    currency: String,
    total: i64,
    at: DateTime<Utc>,
    partner: Option<usize>,
}

/// Everything that Stripe tells, and how many invoices are in it.
#[derive(Default)]
pub(super) struct Story {
    /// The earliest first.
    pub(super) events: Vec<Happened>,
    pub(super) invoices: usize,
    whole: Vec<Billed>,
}

impl Story {
    fn add(&mut self, id: &str, kind: &str, at: DateTime<Utc>, object: Value) {
        let body = event(id, kind, at, object);
        self.events.push(Happened { at, body });
    }
}

/// What happens to all customers up to now.
pub(super) fn write(stage: &mut Stage<'_>, customers: &[Customer]) -> Story {
    let mut story = Story::default();
    for (n, customer) in customers.iter().enumerate() {
        bill(stage, &mut story, n, customer);
    }
    lately(stage, &mut story);
    let now = stage.ctx.now();
    story.events.retain(|e| e.at <= now);
    story.events.sort_by_key(|e| e.at);
    story
}

fn bill(stage: &mut Stage<'_>, story: &mut Story, n: usize, customer: &Customer) {
    stage.take_dice(About::Bills, n);
    let id = format!("cus_demo{n:03}");
    let subscription = format!("sub_demo{n:03}");
    let since = customer.since + customer.billed;
    let made = stripe_customer(
        &id,
        &customer.name,
        &customer.domain,
        customer.country,
        since,
    );
    story.add(&format!("{id}_made"), "customer.created", since, made);
    let step = if customer.yearly { 12 } else { 1 };
    let discount = if stage.chance(15) { 10 } else { 0 };
    let mut seats = customer.seats;
    for turn in 0.. {
        let Some(at) = since.checked_add_months(Months::new(turn * step)) else {
            break;
        };
        if at > stage.ctx.now() || customer.until.is_some_and(|until| at > until) {
            break;
        }
        // Teams grow, and now and then one shrinks.
        if turn > 0 {
            match stage.dice(100) {
                0..=8 => seats += 1 + i64::from(stage.dice(4)),
                9..=10 => seats = (seats - 2).max(3),
                _ => {}
            }
        }
        let invoice = format!("demo{n:03}x{turn:02}");
        let number = format!("LUMEN-{n:04}-{:03}", turn + 1);
        let paid = Paid {
            id: &invoice,
            number: &number,
            customer: &id,
            subscription: &subscription,
            currency: &customer.currency.to_lowercase(),
            lines: lines(customer, seats, discount, step),
            months: step,
            at,
        };
        let billed = Billed {
            id: invoice.clone(),
            currency: paid.currency.to_owned(),
            total: paid.total(),
            at,
            partner: customer.partner,
        };
        story.add(&invoice, "invoice.paid", at, paid.object());
        story.invoices += 1;
        if !go_back(stage, story, &billed) {
            story.whole.push(billed);
        }
    }
}

fn lines(customer: &Customer, seats: i64, discount: i64, months: u32) -> Vec<Line<'static>> {
    let tax = if customer.country == "DE" { 19 } else { 0 };
    customer
        .products
        .iter()
        .map(|place| {
            let (code, name, product, euros) = PRODUCTS[*place];
            let full = price(euros, customer.currency) * seats / 10 * i64::from(months);
            let off = full * discount / 100;
            Line {
                product,
                code,
                description: format!("{name}, {seats} seats"),
                amount: full,
                discount: off,
                tax: (full - off) * tax / 100,
            }
        })
        .collect()
}

/// One payment in forty goes back, wholly or in part; a few are disputed.
fn go_back(stage: &mut Stage<'_>, story: &mut Story, paid: &Billed) -> bool {
    let luck = stage.dice(400);
    let at = days(paid.at, 5 + u64::from(stage.dice(40)))
        + TimeDelta::minutes(i64::from(stage.dice(700)));
    match luck {
        0..=3 => give_back(story, paid, paid.total, at),
        4..=9 => give_back(story, paid, paid.total / 4, at),
        10 => {
            dispute_it(story, paid, at);
            let lost = dispute(&paid.id, &paid.currency, paid.total, "lost", at);
            close(story, paid, days(at, 20), lost);
        }
        11 => {
            dispute_it(story, paid, at);
            let won = dispute(&paid.id, &paid.currency, paid.total, "won", at);
            close(story, paid, days(at, 15), won);
        }
        _ => return false,
    }
    true
}

fn give_back(story: &mut Story, paid: &Billed, amount: i64, at: DateTime<Utc>) {
    let object = refund(&paid.id, &paid.currency, amount, at);
    story.add(&format!("{}_refund", paid.id), "refund.created", at, object);
}

fn dispute_it(story: &mut Story, paid: &Billed, at: DateTime<Utc>) {
    let object = dispute(&paid.id, &paid.currency, paid.total, "needs_response", at);
    let id = format!("{}_disputed", paid.id);
    story.add(&id, "charge.dispute.created", at, object);
}

fn close(story: &mut Story, paid: &Billed, at: DateTime<Utc>, object: Value) {
    let id = format!("{}_decided", paid.id);
    story.add(&id, "charge.dispute.closed", at, object);
}

/// What luck alone might leave out of the last weeks: an open dispute and a refund before payout
/// and after it, Brightpath's among them.
fn lately(stage: &Stage<'_>, story: &mut Story) {
    let ago = |n, hour| stage.today - TimeDelta::days(n) + TimeDelta::hours(hour);
    for partner in [0, 4] {
        if let Some(paid) = take(stage, story, partner, 9, 27) {
            dispute_it(story, &paid, ago(4, 11));
        }
        if let Some(paid) = take(stage, story, partner, 9, 27) {
            give_back(story, &paid, paid.total, ago(6, 14));
        }
        if let Some(paid) = take(stage, story, partner, 66, 85) {
            give_back(story, &paid, paid.total / 2, ago(5, 9));
        }
    }
}

/// An invoice of a partner's customer, paid between `newest` and `oldest` days ago.
fn take(
    stage: &Stage<'_>,
    story: &mut Story,
    partner: usize,
    newest: i64,
    oldest: i64,
) -> Option<Billed> {
    let from = stage.today - TimeDelta::days(oldest);
    let to = stage.today - TimeDelta::days(newest);
    let fits = |b: &Billed| b.partner == Some(partner) && b.at >= from && b.at < to;
    let place = story.whole.iter().position(fits)?;
    Some(story.whole.remove(place))
}
