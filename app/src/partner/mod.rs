//! What partners work with.

pub mod checklist;
mod customers;
pub(crate) mod deal;
pub(crate) mod earnings;
mod home;
pub(crate) mod invoices;
pub mod learning;
pub mod organisation;
pub(crate) mod payout_account;
pub(crate) mod payouts;
mod statements;
mod tier;

use crate::routes::Routes;

/// Adds this area's addresses.
#[must_use]
pub fn routes() -> Routes {
    Routes::new()
        .merge(home::routes())
        .merge(earnings::routes())
        .merge(invoices::routes())
        .merge(payouts::routes())
        .merge(payout_account::routes())
        .merge(statements::routes())
        .merge(customers::routes())
        .merge(deal::routes())
        .merge(tier::routes())
        .merge(learning::routes())
        .merge(organisation::routes())
}
