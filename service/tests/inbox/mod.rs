//! Webhooks: stored once, worked off in any order, by any number of workers.

mod backlog;
mod foreign;
mod kept;
mod kinds;
mod lines;
mod order;
