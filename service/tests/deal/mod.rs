//! Registrations: from the draft to the customer, and everything that stands in the way.

mod access;
mod account;
mod conflict;
mod line;
mod paid;
mod payer;
mod product;
mod registered;
mod reward;
mod shared;
mod states;
mod time;
mod whose;
mod world;
