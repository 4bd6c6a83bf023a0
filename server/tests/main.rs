//! The portal from outside: started whole in this process, on a free port, with the sandbox as
//! Stripe; on SQLite, and on PostgreSQL where `PORTICO_TEST_POSTGRES_URL` names a server.

mod admin;
mod demo;
mod drain;
mod durable;
mod edge;
mod figures;
mod files;
mod health;
mod hidden;
mod kept;
mod lists;
mod matrix;
mod money;
mod replay;
mod routes;
mod runs;
mod sending;
mod session;
mod stage;
mod support;
mod webhook;
mod worker;
