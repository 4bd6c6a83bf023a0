//! Asks the Stripe sandbox for a past: accounts that are connected, a clock that stands earlier.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::Client;
use serde_json::{Value, json};
use service::{Error, Result};
use url::Url;

/// The sandbox's control address.
#[derive(Clone, Debug)]
pub struct Sandbox {
    client: Client,
    base: Url,
}

impl Sandbox {
    /// The sandbox at `base`, if one answers there. Stripe itself has no control address.
    pub async fn find(base: &Url) -> Option<Self> {
        stripe_gateway::install_crypto();
        let client = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(20))
            .build()
            .ok()?;
        let found = Self {
            client,
            base: base.clone(),
        };
        let state = found.base.join("_sandbox/state").ok()?;
        found
            .client
            .get(state)
            .send()
            .await
            .ok()?
            .error_for_status()
            .ok()?;
        Some(found)
    }

    /// One control call.
    pub(super) async fn ask(&self, path: &str, body: &Value) -> Result<Value> {
        let failed = |cause: String| Error::Unavailable {
            message: format!("The Stripe sandbox refused {path}: {cause}"),
            cause: path.to_owned(),
        };
        let address = self
            .base
            .join(&format!("_sandbox/{path}"))
            .map_err(|e| failed(e.to_string()))?;
        let reply = self
            .client
            .post(address)
            .json(body)
            .send()
            .await
            .map_err(|e| failed(e.to_string()))?;
        let good = reply.status().is_success();
        let text = reply.text().await.map_err(|e| failed(e.to_string()))?;
        if !good {
            return Err(failed(text));
        }
        serde_json::from_str(&text).map_err(|e| failed(e.to_string()))
    }

    /// Whether webhooks are thrown away, because the past is told otherwise, and nothing is written
    /// to its state file before the end.
    pub(super) async fn quiet(&self, quiet: bool) -> Result<()> {
        self.ask("saving", &json!({ "paused": quiet })).await?;
        self.ask(
            "webhooks",
            &json!({ "drop": if quiet { u32::MAX } else { 0 } }),
        )
        .await?;
        Ok(())
    }

    /// What time it is there.
    pub(super) async fn clock(&self, at: DateTime<Utc>) -> Result<()> {
        let offset = (at - Utc::now()).num_seconds();
        self.ask("clock", &json!({ "offset_seconds": offset }))
            .await?;
        Ok(())
    }
}
