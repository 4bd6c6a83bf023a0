//! What partner managers work with.

pub mod account;
pub mod applications;
pub mod course;
pub mod deal;
mod home;
pub mod partners;
pub(crate) mod tiers;

use crate::routes::Routes;

/// Adds this area's addresses.
#[must_use]
pub fn routes() -> Routes {
    Routes::new()
        .merge(home::routes())
        .merge(account::routes())
        .merge(applications::routes())
        .merge(course::routes())
        .merge(deal::routes())
        .merge(partners::routes())
        .merge(tiers::routes())
}
