//! What the portal does: one module per capability, and each call takes a [`Context`] first.
//!
//! Looking a record up and checking the right to it are one operation; a foreign record and a
//! missing one give the same [`Error::NotFound`]. A use case is one database transaction that writes
//! the change, its [`event`] row and its outbox [`job`]s. Money moves only through the ledger.

pub mod account;
pub mod application;
pub mod billing;
pub mod bulk;
pub mod clock;
pub mod commission;
pub mod context;
pub mod db;
pub mod deal;
pub mod desk;
pub mod earnings;
pub mod error;
pub mod event;
pub mod identity;
pub mod inbox;
pub mod job;
pub mod learning;
pub mod ledger;
pub mod lists;
pub mod mail;
pub mod markdown;
pub mod notice;
pub mod partner;
pub mod payout;
pub mod plan;
pub mod program;
pub mod search;
pub mod sent_form;
mod stale;
pub mod system;
pub mod tier;

pub use clock::Clock;
pub use context::{Actor, Context};
pub use db::{Db, Tx, Writes};
pub use error::{Error, FieldErrors, Result};
