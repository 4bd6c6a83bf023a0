//! The gateway from outside: signatures, Stripe's own samples, the sandbox, and Stripe's own mock.
#![allow(clippy::unwrap_used)]

mod amounts;
mod contract;
mod journeys;
mod outcomes;
mod samples;
mod sandbox;
mod signatures;
