//! `portico stripe-sandbox`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use stripe_sandbox::{Destination, Payload, SandboxConfig};
use tokio::net::TcpListener;

use super::{Failure, stop_signal};
use crate::config::LogFormat;
use crate::log;

/// A server that answers as Stripe does. Point STRIPE_API_BASE at it.
#[derive(Debug, Args)]
pub(crate) struct Sandbox {
    /// Where it listens
    #[arg(long, default_value = "127.0.0.1:12111")]
    addr: SocketAddr,
    /// File that keeps everything over a restart
    #[arg(long)]
    state: Option<PathBuf>,
    /// Where events are posted, such as http://127.0.0.1:3000/webhooks/stripe; signed with
    /// STRIPE_WEBHOOK_SECRET (the first for ordinary events, the second for thin ones)
    #[arg(long)]
    webhook_url: Option<String>,
}

impl Sandbox {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        log::init(LogFormat::Text);
        let stopped = stop_signal()?;
        let destinations = self.destinations()?;
        let config = SandboxConfig {
            destinations,
            state_file: self.state,
            ..Default::default()
        };
        let listener = TcpListener::bind(self.addr)
            .await
            .map_err(|error| format!("{} cannot be listened on: {error}", self.addr))?;
        tracing::info!(listening = %self.addr, "the Stripe sandbox is ready");
        stripe_sandbox::serve(listener, config, stopped)
            .await
            .map_err(|error| error.to_string())
    }

    fn destinations(&self) -> Result<Vec<Destination>, Failure> {
        let Some(url) = &self.webhook_url else {
            return Ok(Vec::new());
        };
        let secrets = std::env::var("STRIPE_WEBHOOK_SECRET").unwrap_or_default();
        let secrets: Vec<&str> = secrets
            .split(',')
            .map(str::trim)
            .filter(|s| !s.is_empty())
            .collect();
        let Some(snapshot) = secrets.first() else {
            return Err(
                "--webhook-url needs STRIPE_WEBHOOK_SECRET: the portal takes only signed \
                        events."
                    .to_owned(),
            );
        };
        let thin = secrets.get(1).unwrap_or(snapshot);
        Ok([(snapshot, Payload::Snapshot), (thin, Payload::Thin)]
            .map(|(secret, payload)| Destination {
                url: url.clone(),
                secret: (*secret).to_owned(),
                payload,
                enabled_events: Vec::new(),
            })
            .to_vec())
    }
}
