//! What Stripe bills: customers, subscriptions, invoices, payments, and what goes back.
//!
//! News come from webhooks, from asking Stripe, or from a sweep for what was missed; they are all
//! handled here in the same way. Handling the same news again changes nothing, and the order does
//! not matter.

mod accounts;
pub(crate) mod apply;
pub(crate) mod by_customer;
mod by_hand;
pub(crate) mod change;
mod claims;
pub(crate) mod config;
mod flush;
mod hold;
pub mod invoice;
mod keys;
mod load;
mod matching;
mod own;
mod product;
#[cfg(test)]
mod properties;
mod question;
mod reference;
pub(crate) mod returns;
pub mod sweep;
pub(crate) mod unit;
pub mod unmatched;
mod why;
mod won;

use sea_orm::ConnectionTrait;

use crate::commission::below_zero;
use crate::commission::bookings::Bookings;
use crate::commission::settle::settle;
use crate::context::Context;
use crate::error::Result;
use apply::{Absent, Done, Trouble, apply};
use change::News;

pub(crate) use by_customer::has_paid_since;
pub use by_hand::{Proposal, confirm_match, decline_match, proposal, propose_match};
pub(crate) use hold::{hold, hold_accounts};
pub use own::{OwnInvoice, OwnQuery, OwnView, own, own_list};
pub use product::{ProductForm, say_product};
pub(crate) use reference::of_deal as reference_of_deal;
pub(crate) use unmatched::reconsider;
pub use unmatched::{MatchForm, UnmatchedInvoice, unmatched, why_nothing};
pub use why::Why;

/// Handles news in one go inside the caller's transaction; the answers are in the order of the news.
/// The first `fetched` of them were asked for because the others refer to them, and come first. The
/// others are taken in the order in which they happened, so that what is booked does not depend on
/// where one batch ends and the next begins.
///
/// # Errors
/// When the database refuses: nothing must be committed then.
pub(crate) async fn handle(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    news: &[&News],
    fetched: usize,
    absent: &Absent,
) -> Result<Vec<Result<Done, Trouble>>> {
    let mut order: Vec<usize> = (0..news.len()).collect();
    order.sort_by_key(|i| {
        let happened = (*i >= fetched).then(|| news[*i].at);
        (happened, news[*i].change.rank(), *i)
    });
    let sorted: Vec<&News> = order.iter().map(|i| news[*i]).collect();
    let mut unit = load::unit(ctx, tx, &sorted).await?;
    // What was missed was paid before the news were told.
    let missed = std::mem::take(&mut unit.catch_up);
    for invoice in unit.as_paid(missed) {
        if let Err(trouble) = unit.attempt(|unit| settle(unit, &invoice, None)) {
            tracing::error!(%invoice, ?trouble, "a matched invoice could not be booked");
        }
    }
    let mut answers: Vec<Option<Result<Done, Trouble>>> = Vec::new();
    answers.resize_with(news.len(), || None);
    for (place, n) in order.into_iter().zip(sorted) {
        answers[place] = Some(unit.attempt(|unit| apply(unit, n, absent)));
    }
    settle_below_zero(&mut unit);
    flush::flush(ctx, tx, unit).await?.book(ctx, tx).await?;
    Ok(answers.into_iter().flatten().collect())
}

/// Looks again at invoices below zero, now that others of their customers have earned.
fn settle_below_zero(unit: &mut unit::Unit) {
    for invoice in below_zero::open(unit) {
        if let Err(trouble) = unit.attempt(|unit| settle(unit, &invoice, None)) {
            tracing::error!(%invoice, ?trouble, "an invoice below zero could not be booked");
        }
    }
}

/// Reads invoices with what hangs on them, for looking only: nothing is locked, and plans and
/// history are left out.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn unit_for_reading(
    db: &impl ConnectionTrait,
    now: chrono::DateTime<chrono::Utc>,
    ids: std::collections::BTreeSet<i64>,
) -> Result<unit::Unit> {
    load::unit_for_reading(db, now, ids).await
}

/// Settles invoices again without news, as when an account was credited to somebody late. What comes
/// of it is the caller's to book.
///
/// # Errors
/// When the database refuses, or a figure cannot be booked.
async fn settle_invoices(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    ids: std::collections::BTreeSet<i64>,
) -> Result<Bookings> {
    if ids.is_empty() {
        return Ok(Bookings::default());
    }
    let mut unit = load::unit_of_invoices(ctx, tx, ids).await?;
    let keys: Vec<String> = unit.invoices.keys().cloned().collect();
    for key in unit.as_paid(keys) {
        unit.attempt(|unit| settle(unit, &key, None))
            .map_err(|trouble| {
                crate::Error::Internal(format!("invoice {key} cannot be booked: {trouble:?}"))
            })?;
    }
    settle_below_zero(&mut unit);
    flush::flush(ctx, tx, unit).await
}
