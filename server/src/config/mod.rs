//! Configuration by environment: read once, checked as a whole, and every problem said at once.

mod net;
mod read;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use chrono::TimeDelta;
use stripe_gateway::webhook::Secrets;
use url::Url;

pub use net::{AddressRange, is_loopback_host};
pub use read::{address_from_env, database_url, demo_from_env};

/// Every variable the portal reads, in the order `--help` shows them, with what it means.
pub const VARIABLES: &[(&str, &str)] = &[
    (
        "DATABASE_URL",
        "sqlite://path/to/file.db or postgres://user:password@host/name",
    ),
    (
        "PORTICO_ADDR",
        "address to listen on [default: 127.0.0.1:3000]",
    ),
    (
        "PORTICO_BASE_URL",
        "what people type to get here, such as https://partners.example.com \
         [default: http:// and PORTICO_ADDR, on loopback only]",
    ),
    (
        "PORTICO_DEMO",
        "1: demonstration, with a clock that can be moved [default: 0]",
    ),
    (
        "PORTICO_MAIL_DIR",
        "write mail into this folder instead of sending it",
    ),
    (
        "SMTP_URL",
        "smtps://user:password@host, or smtp://…?tls=required",
    ),
    (
        "PORTICO_MAIL_FROM",
        "sender of mail, such as \"Acme partners <partners@example.com>\"",
    ),
    (
        "STRIPE_SECRET_KEY",
        "sk_test_…, rk_test_…, sk_live_… or rk_live_…",
    ),
    (
        "STRIPE_WEBHOOK_SECRET",
        "whsec_… of the webhook endpoint for your own account; old and new with a comma while rolling",
    ),
    (
        "STRIPE_CONNECT_WEBHOOK_SECRET",
        "whsec_… of the webhook endpoint for connected accounts; likewise",
    ),
    (
        "STRIPE_THIN_WEBHOOK_SECRET",
        "whsec_… of the event destination for thin events; likewise",
    ),
    (
        "STRIPE_API_BASE",
        "another address that speaks Stripe's API, such as the sandbox's",
    ),
    (
        "PORTICO_SITE",
        "folder of the built site (styles, scripts, icons) [default: site]",
    ),
    (
        "PORTICO_LOG",
        "json or text; RUST_LOG sets the levels [default: text]",
    ),
    (
        "PORTICO_TRUSTED_PROXY",
        "addresses or ranges whose X-Forwarded-For is believed, with commas, such as 10.0.0.0/8",
    ),
    (
        "PORTICO_WORKERS",
        "background workers in this process; 0 only serves pages [default: 2]",
    ),
    (
        "PORTICO_CLAIM_SECONDS",
        "for tests: how long a worker keeps a job it has taken; below 60 in a demonstration only \
         [default: 120]",
    ),
];

/// A value that must not appear in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Secret {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

/// Where mail goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mail {
    /// One file per mail in a folder: demonstration and tests.
    Dir {
        /// The folder; made when it is missing.
        dir: PathBuf,
        /// The sender.
        from: String,
    },
    /// A mail server.
    Smtp {
        /// With user and password in it.
        url: Secret,
        /// The sender.
        from: String,
    },
}

/// How to reach Stripe and how to know its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stripe {
    /// The platform's secret or restricted key.
    pub secret_key: Secret,
    /// The signing secrets of the destinations that post here, each for its own kind of event.
    pub webhook_secrets: Secrets<Secret>,
    /// Whether [`Self::webhook_secrets`] were told apart by their places in `STRIPE_WEBHOOK_SECRET`,
    /// as before each kind had a setting of its own.
    pub secrets_by_place: bool,
    /// Another server than Stripe's own; `None` is Stripe.
    pub api_base: Option<Url>,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line, for machines.
    Json,
    /// For people.
    Text,
}

/// Everything `portico serve` needs to know, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `sqlite://…` or `postgres://…`.
    pub database_url: Secret,
    /// Where to listen.
    pub addr: SocketAddr,
    /// What people type; no path, no slash at the end of its text form is assumed.
    pub base_url: Url,
    /// Whether this is a demonstration.
    pub demo: bool,
    /// Where mail goes.
    pub mail: Mail,
    /// Stripe.
    pub stripe: Stripe,
    /// The built site; `None` where there is none yet.
    pub site: Option<PathBuf>,
    /// How log lines are written.
    pub log: LogFormat,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<AddressRange>,
    /// Background workers in this process.
    pub workers: usize,
    /// How long a worker keeps a job that it has taken.
    pub claim: TimeDelta,
}

impl Config {
    /// Reads and checks the process's environment.
    ///
    /// # Errors
    /// [`Problems`] with a sentence for each thing to change.
    pub fn from_env() -> Result<Self, Problems> {
        Self::from_lookup(|name| std::env::var_os(name).map(|v| v.to_string_lossy().into_owned()))
    }

    /// Whether people reach the portal over TLS.
    pub fn https(&self) -> bool {
        self.base_url.scheme() == "https"
    }

    /// The base address as browsers send it in `Origin`: scheme, host and port, no slash.
    pub fn origin(&self) -> String {
        self.base_url.origin().ascii_serialization()
    }
}

/// Why the portal does not start: one sentence per setting that has to change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => write!(f, "{one}"),
            many => {
                writeln!(f, "{} settings have to change:", many.len())?;
                for sentence in many {
                    writeln!(f, "  - {sentence}")?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests;
