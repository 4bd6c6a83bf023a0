//! The sandbox from outside: a real HTTP client, a real receiver for webhooks, and async-stripe.

mod billing;
mod checkout;
mod faults;
mod fields;
mod idempotency;
mod onboarding;
mod paging;
mod restart;
mod support;
mod transfers;
mod typed;
mod webhooks;
