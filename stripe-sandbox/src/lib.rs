//! A local stand-in that speaks Stripe's API.
//!
//! A real HTTP server with its own memory, for the demonstration and the tests. The portal talks
//! to it exactly as it talks to Stripe; only the base address differs.
//!
//! # What it speaks
//!
//! * **v2** (JSON, `Stripe-Version` header needed): `/v2/core/accounts` (create, list, retrieve
//!   with `include`, update, close), `/v2/core/account_links`, `/v2/core/events`.
//! * **v1** (forms): transfers and their reversals, balance, balance transactions, accounts with
//!   login links, customers, products, prices, subscriptions, invoices with items, lines, finalize,
//!   pay and void, invoice payments, payment intents, charges, one-off checkout sessions with
//!   their line items, refunds, credit notes, disputes, events, webhook endpoints, payouts.
//! * **Pages**: `/onboarding/{token}` (hosted onboarding: finish, leave something missing, review,
//!   reject) and `/express/{token}` (balance, transfers and payouts of an account). No JavaScript.
//! * **Webhooks**: signed snapshot events to endpoints, signed thin events to event destinations,
//!   each with its own secret; retries with growing waits; a log.
//!
//! Every v1 object carries every field of Stripe's published sample in `fixtures/`.
//!
//! # Idempotency
//!
//! See [`idempotency`]: same key and request → the same answer with `Idempotent-Replayed: true`;
//! same key, other request → 400 `idempotency_error`; key in use → 409. Definite refusals are
//! replayed. Failed validation, 401, 409 and 429 are not kept, as with Stripe.
//!
//! # Control
//!
//! `/_sandbox/…` takes JSON from this machine only. See [`control`] for the list: faults, delivery
//! modes, clock, balances, `billing/…`, which makes what Stripe Billing would make (an invoice
//! with lines, discounts, taxes and credits, its payment, the charge) with the events in order, and
//! `checkout/…`, which pays a checkout session in the buyer's place and answers for the bank.
//!
//! # What it leaves out
//!
//! A subscription makes no invoices by itself; a checkout session has no page, and when its time is
//! over it cannot be paid, but only the API's own call makes it expire; card numbers, 3-D Secure,
//! fees and currency conversion do not exist; tax and discount amounts are what the caller says. A
//! request is one step under a lock, which Stripe does not promise: concurrency is for faults to
//! show.

pub mod api;
pub mod billing;
pub mod checkout;
pub mod clock;
pub mod config;
pub mod context;
pub mod control;
pub mod events;
pub mod express;
pub mod faults;
pub mod fixtures;
pub mod form;
pub mod html;
pub mod idempotency;
pub mod money;
pub mod onboarding;
pub mod peer;
pub mod persist;
pub mod respond;
pub mod state;
pub mod v1;
pub mod v2;
pub mod webhooks;

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::{any, get};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};

pub use config::{Destination, Payload, Retry, SandboxConfig};
use context::{Cause, Ctx, Settings};
use peer::{CuttableListener, Peer};
use persist::Saver;
use respond::ApiError;
use state::State;

/// Why a sandbox does not start or ends.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The state file cannot be read or is not a state.
    #[error("the state file {path} cannot be used: {source}")]
    StateFile {
        /// The file.
        path: String,
        /// The reason.
        source: std::io::Error,
    },
    /// The client that posts webhooks cannot be made.
    #[error("no HTTP client for webhooks: {0}")]
    Client(#[from] reqwest::Error),
    /// The listener does not work.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// What all requests share.
pub struct Shared {
    state: Mutex<State>,
    settings: Settings,
    secret_keys: Vec<String>,
    retry: Retry,
    saver: Saver,
    wake: Notify,
    closing: watch::Sender<bool>,
    client: reqwest::Client,
}

impl Shared {
    fn new(config: &SandboxConfig, public_url: String) -> Result<Arc<Self>, Error> {
        // Building the client needs a process-wide provider; whoever was first is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let stored = match &config.state_file {
            Some(path) => persist::load(path).map_err(|source| Error::StateFile {
                path: path.display().to_string(),
                source,
            })?,
            None => None,
        };
        let fresh = stored.is_none();
        let mut state = stored.unwrap_or_default();
        state.prepare(config, fresh);
        state.version = 1;
        Ok(Arc::new(Self {
            state: Mutex::new(state),
            settings: Settings {
                public_url: public_url.trim_end_matches('/').to_owned(),
                platform_account: config.platform_account.clone(),
            },
            secret_keys: config.secret_keys.clone(),
            retry: config.retry,
            saver: Saver::new(config.state_file.clone()),
            wake: Notify::new(),
            closing: watch::Sender::new(false),
            client: reqwest::Client::builder()
                .no_proxy()
                .timeout(Duration::from_secs(15))
                .redirect(reqwest::redirect::Policy::none())
                .build()?,
        }))
    }

    /// The memory. A panic elsewhere does not lock everybody out.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sandbox's time in milliseconds: the machine's and the offset.
    pub fn now_ms(&self, state: &State) -> i64 {
        clock::wall_ms().saturating_add(state.clock_offset.saturating_mul(1000))
    }

    /// Something changed: deliver and save.
    pub fn changed(&self) {
        self.wake.notify_one();
        self.saver.touch();
    }

    /// Runs one step of a page or of the control interface.
    pub fn step<T>(
        &self,
        work: impl FnOnce(&mut Ctx<'_>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let mut state = self.lock();
        let now_ms = self.now_ms(&state);
        let result = work(&mut Ctx {
            state: &mut state,
            settings: &self.settings,
            now_ms,
            at: now_ms.div_euclid(1000),
            silent: false,
            account: None,
            cause: Cause::default(),
        });
        state.version += 1;
        drop(state);
        self.changed();
        result
    }
}

/// The routes of a sandbox whose hosted pages have addresses below `public_url`, with the tasks
/// that deliver and save behind it; needs a running tokio runtime.
///
/// Without [`serve`] there is no connection that a fault could cut and no caller's address, so
/// that `/_sandbox` refuses everything.
///
/// # Errors
/// When the state file cannot be used.
pub fn router(config: &SandboxConfig, public_url: &str) -> Result<Router, Error> {
    let shared = Shared::new(config, public_url.to_owned())?;
    tokio::spawn(Saver::run(Arc::clone(&shared)));
    tokio::spawn(webhooks::run(Arc::clone(&shared)));
    Ok(routes(shared))
}

fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/{*rest}", any(api::handle))
        .route("/v2/{*rest}", any(api::handle))
        .route("/_sandbox/{*rest}", any(control::handle))
        .route(
            "/onboarding/{token}",
            get(onboarding::show).post(onboarding::submit),
        )
        .route("/express/{token}", get(express::show))
        .route("/", get(html::front_page))
        .fallback(html::not_found)
        .with_state(shared)
}

/// Answers on the listener until `shutdown` resolves, then saves and returns.
///
/// # Errors
/// When the state file cannot be used or the listener fails.
pub async fn serve(
    listener: TcpListener,
    config: SandboxConfig,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let public_url = match &config.public_url {
        Some(url) => url.clone(),
        None => format!("http://{}", listener.local_addr()?),
    };
    let shared = Shared::new(&config, public_url)?;
    let saver = tokio::spawn(Saver::run(Arc::clone(&shared)));
    let poster = tokio::spawn(webhooks::run(Arc::clone(&shared)));
    let app = routes(Arc::clone(&shared)).into_make_service_with_connect_info::<Peer>();
    let closing = Arc::clone(&shared);
    let result = axum::serve(CuttableListener(listener), app)
        .with_graceful_shutdown(async move {
            shutdown.await;
            closing.closing.send_replace(true);
        })
        .await;
    poster.abort();
    saver.abort();
    shared.saver.pause(false);
    shared.lock().version += 1;
    shared.saver.write(&shared).await;
    result.map_err(Error::from)
}

/// Whether the caller is on this machine.
fn is_local(info: Option<&ConnectInfo<Peer>>) -> bool {
    info.is_some_and(|info| info.0.address.ip().to_canonical().is_loopback())
}
