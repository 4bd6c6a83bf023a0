//! What requests and workers of this process share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use service::mail::PostOffice;
use service::{Clock, Context, Db};
use stripe_gateway::Gateway;
use tokio::sync::Notify;

/// Everything the portal needs beside a request. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    /// Where things are kept.
    pub db: Db,
    /// Stripe.
    pub gateway: Arc<dyn Gateway>,
    /// The way out for mail.
    pub post_office: Arc<PostOffice>,
    /// Whether the clock can be moved.
    pub demo: bool,
    /// How long a worker keeps a job that it has claimed.
    pub claim: TimeDelta,
    /// Wakes the workers: there may be something to do.
    pub wake: Arc<Notify>,
    started: Instant,
    /// Milliseconds from the start to the last sign of life of a worker; `u64::MAX` without workers.
    heartbeat: Arc<AtomicU64>,
}

impl Engine {
    /// An engine without workers yet.
    pub fn new(
        db: Db,
        gateway: Arc<dyn Gateway>,
        post_office: Arc<PostOffice>,
        demo: bool,
        claim: TimeDelta,
    ) -> Self {
        Self {
            db,
            gateway,
            post_office,
            demo,
            claim,
            wake: Arc::default(),
            started: Instant::now(),
            heartbeat: Arc::new(AtomicU64::new(u64::MAX)),
        }
    }

    /// The time: the machine's, or the demonstration's.
    ///
    /// # Errors
    /// When the demonstration's offset cannot be read.
    pub async fn clock(&self) -> service::Result<Clock> {
        if self.demo {
            Clock::demo(self.db.reader()).await
        } else {
            Ok(Clock::system())
        }
    }

    /// A context for the portal's own work.
    ///
    /// # Errors
    /// When the clock cannot be read.
    pub async fn context(&self, request_id: impl Into<String>) -> service::Result<Context> {
        Ok(Context::system(&self.db, self.clock().await?, request_id))
    }

    /// A worker is alive.
    pub fn beat(&self) {
        let since = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
        self.heartbeat.store(since, Ordering::Relaxed);
    }

    /// How long ago a worker of this process was last heard of; `None` where there are none.
    pub fn heartbeat_age(&self) -> Option<Duration> {
        match self.heartbeat.load(Ordering::Relaxed) {
            u64::MAX => None,
            at => Some(
                self.started
                    .elapsed()
                    .saturating_sub(Duration::from_millis(at)),
            ),
        }
    }
}
