//! The Stripe calls and webhook checks the portal needs, behind one trait.
//!
//! [`Gateway`] is what the portal asks; [`StripeGateway`] asks Stripe, or anything that speaks its
//! API at another address. [`webhook`] says whether an event is from Stripe, [`billing`] reads what
//! events and replies carry.

pub mod billing;
mod error;
mod gateway;
mod read;
mod recipient;
mod stripe_gateway;
mod v1;
mod v2;
pub mod webhook;

pub use error::{CallError, TransferError};
pub use gateway::{Gateway, Link, NewRecipient, NewTransfer, Page, Platform};
pub use read::BadObject;
pub use recipient::{
    AwaitingFrom, CapabilityStatus, Deadline, EntityType, RecipientAccount, Requirement,
};
pub use stripe_gateway::{Config, ConfigError, StripeGateway, is_live};

/// Chooses ring for TLS, once per process. Building a client without it panics as soon as another
/// crate brings a second provider; calling it again does nothing.
pub fn install_crypto() {
    // An error only says that a provider was installed before, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
