//! The rules of a partner program: pure types and functions, no I/O, no clock.
//!
//! Everything here compiles for the server and for the browser; what needs the time zone database,
//! the public suffix list or name similarity is behind the feature `server`.
//!
//! | Part of the product | Modules |
//! |---|---|
//! | People: partners and their members, the vendor's staff | [`partner`] |
//! | Programs: kinds and calendars | [`partner`], [`calendar`](#feature-server) |
//! | Applying and onboarding: status, hints, checklist | [`application`], [`partner`] |
//! | Certification: courses, exams, grading, certificates | [`exam`] |
//! | Deal registration: status, protection, conflicts | [`deal`], [`registrable`](#feature-server) |
//! | Commission: plans as data, the engine, its explanation, reversal | [`plan`], [`commission`] |
//! | Tiers: requirements, distance, reviews | [`tier`] |
//! | Ledger: accounts, entries, movements | [`ledger`] |
//! | Payouts: runs, inclusion, four eyes, payout accounts | [`payout`] |
//! | Referrals: windows, touches, what goes first | [`attribution`] |
//! | What people look at: money, clocks, field checks | [`money`], [`clock`], [`validate`], [`slug`] |
//! | State machines and status values, used by all of them | [`transition`], [`text_enum`] |
//!
//! ## Feature `server`
//!
//! `calendar` does month and business-hour arithmetic in a time zone; `registrable` finds the
//! registrable domain of an address and compares company names; `lists` knows the domains that say
//! nothing about a company.

pub mod application;
pub mod attribution;
#[cfg(feature = "server")]
pub mod calendar;
pub mod clock;
pub mod commission;
pub mod deal;
pub mod exam;
pub mod fold;
pub mod ledger;
#[cfg(feature = "server")]
pub mod lists;
pub mod money;
pub mod partner;
pub mod payout;
pub mod plan;
#[cfg(feature = "server")]
pub mod registrable;
pub mod slug;
pub mod text_enum;
pub mod tier;
pub mod transition;
pub mod validate;
