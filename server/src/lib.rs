//! The portal as a process: configuration, router, sessions, webhooks, workers, command line.
//!
//! It is a library so that tests start the whole portal in their own process: see
//! [`portal::Portal`].

// The largest `json!` objects of the demonstration's data.
#![recursion_limit = "256"]

pub mod calendar;
pub mod cli;
pub mod config;
pub mod edge;
pub mod engine;
pub mod files;
pub mod health;
pub mod jobs;
pub mod kept;
pub mod listen;
pub mod log;
pub mod portal;
pub mod schema;
pub mod seed;
pub mod session;
pub mod webhook;
pub mod worker;

pub use config::Config;
pub use portal::{Portal, StartError};
