//! What the caller decides about a sandbox.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The API version that snapshot events are rendered in.
pub const API_VERSION: &str = "2026-09-30.endive";

/// Which events a destination receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payload {
    /// Ordinary events of the platform's own account, which carry the object as it was.
    Snapshot,
    /// The same of connected accounts: a webhook endpoint made with `connect`.
    Connect,
    /// v2 events that only point at an object (accounts).
    Thin,
}

/// A webhook endpoint or event destination that exists from the start.
#[derive(Clone, Debug)]
pub struct Destination {
    /// Where events are posted.
    pub url: String,
    /// The signing secret, shared with the receiver.
    pub secret: String,
    /// Which events.
    pub payload: Payload,
    /// Event types wanted; empty, or with `*` in it, means all.
    pub enabled_events: Vec<String>,
}

/// How often and how fast a delivery that was not answered with 2xx is tried again.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// Wait before the second attempt in milliseconds; doubled for each further one.
    pub base_ms: u64,
    /// Longest wait in milliseconds.
    pub max_ms: u64,
    /// Attempts in all.
    pub attempts: u32,
}

/// Everything [`serve`](crate::serve) needs to know.
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// Base address of hosted pages, without a slash at the end. `None`: the listener's address.
    pub public_url: Option<String>,
    /// Secret keys that are accepted; empty accepts every key that begins with `sk_test_` or
    /// `rk_test_`.
    pub secret_keys: Vec<String>,
    /// Where events go.
    pub destinations: Vec<Destination>,
    /// A JSON file that keeps everything over a restart.
    pub state_file: Option<PathBuf>,
    /// The platform's own available balance at the first start: minor units by lower-case
    /// currency. A currency that is not listed has none.
    pub balances: BTreeMap<String, i64>,
    /// Retries of webhook deliveries.
    pub retry: Retry,
    /// The platform's own account id.
    pub platform_account: String,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        // A thousand million units (a million million yen) of each: more than any test pays out.
        const CURRENCIES: &str = "usd eur gbp jpy chf cad aud nzd sek nok dkk pln czk huf ron \
             sgd hkd inr brl mxn zar aed kwd bhd";
        Self {
            public_url: None,
            secret_keys: Vec::new(),
            destinations: Vec::new(),
            state_file: None,
            balances: CURRENCIES
                .split_whitespace()
                .map(|currency| (currency.to_owned(), 100_000_000_000))
                .collect(),
            retry: Retry {
                base_ms: 500,
                max_ms: 10_000,
                attempts: 50,
            },
            platform_account: "acct_1PorticoSandbox0".to_owned(),
        }
    }
}
