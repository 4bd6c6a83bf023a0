//! `portico stripe-sandbox`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use stripe_gateway::webhook::Destination as Kind;
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
    /// STRIPE_WEBHOOK_SECRET, STRIPE_CONNECT_WEBHOOK_SECRET and STRIPE_THIN_WEBHOOK_SECRET
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
        let of = |kind: Kind| -> Vec<String> {
            let text = std::env::var(kind.setting()).unwrap_or_default();
            let parts = text.split(',').map(str::trim).filter(|s| !s.is_empty());
            parts.map(str::to_owned).collect()
        };
        let platform = of(Kind::Platform);
        let Some(own) = platform.first() else {
            return Err(
                "--webhook-url needs STRIPE_WEBHOOK_SECRET: the portal takes only signed \
                        events."
                    .to_owned(),
            );
        };
        // As the portal reads them where the other settings are missing.
        let connect = of(Kind::Connect);
        let thin = of(Kind::Thin);
        let thin = thin.first().or(platform.get(1));
        Ok([
            (Some(own), Payload::Snapshot),
            (connect.first().or(Some(own)), Payload::Connect),
            (thin, Payload::Thin),
        ]
        .into_iter()
        .filter_map(|(secret, payload)| {
            Some(Destination {
                url: url.clone(),
                secret: secret?.clone(),
                payload,
                enabled_events: Vec::new(),
            })
        })
        .collect())
    }
}
