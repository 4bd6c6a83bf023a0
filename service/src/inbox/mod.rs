//! Webhooks: stored raw once per event id, answered at once, worked off later.
//!
//! Receiving is a group commit: one task writes everything that is waiting in one transaction and
//! answers only after it is committed, so an answered event is never lost and a thousand events a
//! second do not mean a thousand disk flushes. Working off is safe to repeat, in any order and by
//! several processes.

pub(crate) mod fetch;
mod foreign;
mod process;
mod writer;

pub use process::{Worked, process_batch};
pub use writer::{Inbox, Receipt};
