//! What people read while they wait for the demonstration.

use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Says on standard error where the work stands, once a second at most; what is done within the
/// first second is not spoken of.
pub(super) struct Progress {
    began: Instant,
    /// The second, counted from the beginning, of the last word.
    said: AtomicU64,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            said: AtomicU64::new(0),
        }
    }

    /// `what` begins now.
    pub(super) fn step(&self, what: impl Display) {
        let second = self.began.elapsed().as_secs();
        if self.said.swap(second, Ordering::Relaxed) < second {
            eprintln!("  {second:>3} s  {what}");
        }
    }
}
