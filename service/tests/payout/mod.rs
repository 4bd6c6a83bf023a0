//! Payouts: who is in a run, four eyes, and that no answer of Stripe's pays twice or loses a cent.
//! Stripe is the sandbox, a server of its own.

mod accounts;
mod approval;
pub mod bank;
mod country;
mod due;
mod exclusion;
mod figures;
mod gate;
mod hands;
mod pieces;
mod restore;
mod runs;
mod sending;
mod told;
mod unclear;
mod waits;
pub use bank::Bank;
