//! Webhooks: stored raw once per event id, answered at once, worked off later.
//!
//! Receiving is a group commit: one task writes everything that is waiting in one transaction and
//! answers only after it is committed, so an answered event is never lost and a thousand events a
//! second do not mean a thousand disk flushes. Working off is safe to repeat, in any order and by
//! several processes.

pub(crate) mod fetch;
mod foreign;
mod item;
mod kept;
mod process;
mod writer;

/// That an event waits to be handled, in SQL; those that are kept until something appears at Stripe do
/// not.
pub(crate) const WAITING: &str = "status = 'received' AND waits_for IS NULL";

pub use process::{Worked, process_batch};
pub use writer::{Inbox, Receipt};
