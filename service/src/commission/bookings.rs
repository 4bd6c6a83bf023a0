//! What one transaction books, kept together until its end.

use domain::ledger::Entry;
use sea_orm::ConnectionTrait;

use super::month::{self, Month};
use crate::context::Context;
use crate::error::Result;
use crate::ledger::{Links, post_many};

/// What lines that are written already mean for months and ledger. A part of a use case hands it to
/// whoever began the transaction, who books everything at once: see the order of locks in
/// [`crate::db`].
#[derive(Debug, Default)]
#[must_use = "what is not booked is missing in the months and in the ledger"]
pub(crate) struct Bookings {
    pub(crate) months: Vec<Month>,
    pub(crate) entries: Vec<(Entry, Links)>,
}

impl Bookings {
    /// Adds what another part of the use case has to book.
    pub(crate) fn add(&mut self, other: Self) {
        self.months.extend(other.months);
        self.entries.extend(other.entries);
    }

    /// Books it; the last thing a transaction does, because the accounts are shared by everyone.
    pub(crate) async fn book(self, ctx: &Context, tx: &impl ConnectionTrait) -> Result<()> {
        month::add(tx, &self.months).await?;
        post_many(ctx, tx, self.entries).await?;
        Ok(())
    }
}
