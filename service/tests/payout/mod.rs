//! Payouts: who is in a run, four eyes, and that no answer of Stripe's pays twice or loses a cent.
//! Stripe is the sandbox, a server of its own.

mod accounts;
pub mod bank;
mod due;
mod figures;
mod restore;
mod runs;
mod sending;
mod told;
mod unclear;
mod waits;
pub use bank::Bank;
