//! The one place that asks the machine for the time.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970 by the machine's clock.
pub fn wall_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}
