//! When an answer is due.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use domain::calendar::add_business_hours;

/// The end of `hours` business hours in the program's zone.
pub(super) fn due(from: DateTime<Utc>, hours: i64, zone: Tz) -> DateTime<Utc> {
    add_business_hours(from, u32::try_from(hours).unwrap_or(u32::MAX), zone)
}
