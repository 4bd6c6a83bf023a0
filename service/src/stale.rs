//! Two tabs with one form: what is typed over another state than the form showed is not kept without
//! a word.

use chrono::{DateTime, Utc};

use crate::error::{Error, Result};

/// Which state of a record this is: each save makes another. A form carries it along.
pub(crate) fn version(updated_at: DateTime<Utc>) -> String {
    updated_at.timestamp_micros().to_string()
}

/// Refuses a form that showed another state of `what` than there is now. One that does not say what it
/// showed is taken.
///
/// # Errors
/// [`Error::Conflict`] with what the person can do.
pub(crate) fn check(seen: &str, updated_at: DateTime<Utc>, what: &str) -> Result<()> {
    if seen.is_empty() || seen == version(updated_at) {
        return Ok(());
    }
    Err(Error::Conflict(format!(
        "This {what} was saved in another tab, or by a colleague, after you opened this page. Nothing \
         was saved now, and what you typed is still here. Open the {what} in another tab to see what \
         it says; what you send from here takes its place."
    )))
}
