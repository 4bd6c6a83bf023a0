//! Everything the service promises, asked from outside, on SQLite and on PostgreSQL.

mod support;

mod adding_up;
mod application;
mod audit_webhooks;
mod billing;
mod books;
mod claims;
mod commission;
mod currencies;
mod deal;
mod durable;
mod earnings;
mod identity;
mod inbox;
mod learning;
mod ledger;
mod limits;
mod model;
mod partner;
mod payout;
mod people;
mod plan;
mod plan_move;
mod program;
mod returns;
mod roles;
mod rows;
mod schema;
mod sent_form;
mod shapes;
mod shelf;
mod tier_review;
mod why;
mod world;
