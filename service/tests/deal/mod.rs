//! Registrations: from the draft to the customer, and everything that stands in the way.

mod access;
mod account;
mod conflict;
mod registered;
mod reward;
mod states;
mod time;
mod world;
