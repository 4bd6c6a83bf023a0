//! `portico clock`.

use std::time::Duration;

use chrono::TimeDelta;
use clap::Subcommand;
use serde_json::json;
use url::Url;

use super::{Failure, context, demo_only, said, span};
use crate::config::is_loopback_host;

/// How long the sandbox may take.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Subcommand)]
pub(crate) enum ClockCommand {
    /// Moves the demonstration's clock forward, so that holds, expiries and payouts come due
    Advance {
        /// How far: 31d, 12h, 2w or 90m
        #[arg(value_parser = span::parse)]
        by: TimeDelta,
    },
}

impl ClockCommand {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let Self::Advance { by } = self;
        demo_only("Moving the clock")?;
        let ctx = context().await?;
        let tx = ctx.begin().await.map_err(said)?;
        let total = service::clock::advance(&*tx, by).await.map_err(said)?;
        tx.commit().await.map_err(|e| e.to_string())?;
        let now = service::Clock::demo(ctx.reader())
            .await
            .map_err(said)?
            .now();
        follow(total).await;
        println!(
            "The portal's time is now {}.",
            now.format("%A, %-d %B %Y, %H:%M UTC")
        );
        Ok(())
    }
}

/// Lets the sandbox's clock go along, so that what it makes from now on is as late as the portal.
/// Only a server on this machine is asked; Stripe itself has no such thing.
async fn follow(offset: TimeDelta) {
    let base = std::env::var("STRIPE_API_BASE").unwrap_or_default();
    let Ok(base) = Url::parse(&base) else { return };
    if !is_loopback_host(&base) {
        return;
    }
    let ask = async {
        stripe_gateway::install_crypto();
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(PATIENCE)
            .build()?;
        let clock = base.join("_sandbox/clock").unwrap_or(base);
        let body = json!({"offset_seconds": offset.num_seconds()});
        client
            .post(clock)
            .json(&body)
            .send()
            .await?
            .error_for_status()
    };
    if let Err(error) = ask.await {
        eprintln!("The sandbox's clock stays where it was: {error}.");
    }
}
