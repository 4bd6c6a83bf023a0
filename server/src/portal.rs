//! The whole portal in one value: started, running, stopped.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use app::state::{AppState, MailWay, Setup, SigningSecrets, Site};
use axum::Router;
use axum::http::StatusCode;
use axum::middleware;
use axum::response::Response;
use axum::routing::{get, post};
use service::Db;
use service::inbox::Inbox;
use service::mail::{Folder, Mailer, PostOffice, Smtp};
use stripe_gateway::StripeGateway;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::csrf::CsrfLayer;

use crate::config::{Config, Mail};
use crate::edge::{self, Edge};
use crate::engine::Engine;
use crate::kept::{self, Kept};
use crate::schema::{self, Schema};
use crate::webhook::{self, Webhooks};
use crate::{files, health, listen, session, worker};

/// The longest time between being asked to stop and having stopped.
const DRAIN: Duration = Duration::from_secs(20);
/// How long one call to Stripe may take.
const STRIPE_TIMEOUT: Duration = Duration::from_secs(20);

/// Why the portal does not start. The sentence says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be opened.
    #[error("The database cannot be opened: {0}. Check DATABASE_URL, and that its server runs.")]
    Database(sea_orm::DbErr),
    /// The schema is older than this version's.
    #[error(
        "The database is older than this version of Portico ({0} missing): run `portico migrate` first."
    )]
    OldSchema(String),
    /// The schema is newer than this version's.
    #[error("The database was migrated by a newer Portico ({0}): start that version.")]
    NewSchema(String),
    /// The address cannot be listened on.
    #[error("{addr} cannot be listened on: {cause}. Set PORTICO_ADDR to a free address.")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// The system's reason.
        cause: std::io::Error,
    },
    /// Mail cannot be set up.
    #[error("Mail cannot be set up: {0}. Check PORTICO_MAIL_DIR, SMTP_URL and PORTICO_MAIL_FROM.")]
    Mail(String),
    /// The Stripe client cannot be set up.
    #[error("Stripe cannot be set up: {0}.")]
    Stripe(#[from] stripe_gateway::ConfigError),
    /// The built site cannot be read.
    #[error("The site cannot be read: {0}. Check PORTICO_SITE.")]
    Site(std::io::Error),
    /// The base address does not work as an origin.
    #[error("PORTICO_BASE_URL does not work as an origin: {0}.")]
    Origin(#[from] tower_http::csrf::ConfigError),
}

/// A running portal.
#[derive(Debug)]
pub struct Portal {
    addr: SocketAddr,
    stop: CancellationToken,
    web: JoinHandle<()>,
    workers: TaskTracker,
    db: Db,
}

impl Portal {
    /// Starts on the configured address.
    ///
    /// # Errors
    /// [`StartError`]; nothing runs then.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let listener =
            TcpListener::bind(config.addr)
                .await
                .map_err(|cause| StartError::Listen {
                    addr: config.addr,
                    cause,
                })?;
        Self::start_on(config, listener).await
    }

    /// Starts on a listener.
    ///
    /// # Errors
    /// [`StartError`]; nothing runs then.
    pub async fn start_on(config: Config, listener: TcpListener) -> Result<Self, StartError> {
        // Before anything builds a TLS client.
        stripe_gateway::install_crypto();
        let addr = listener.local_addr().map_err(|cause| StartError::Listen {
            addr: config.addr,
            cause,
        })?;
        let db = open(&config).await?;
        let engine = engine(&config, &db)?;
        let stop = CancellationToken::new();
        let router = router(&config, &engine)?;
        let web = tokio::spawn(listen::listen(listener, router, stop.clone(), DRAIN));
        let workers = worker::start(&engine, config.workers, &stop);
        Ok(Self {
            addr,
            stop,
            web,
            workers,
            db,
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its database.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Takes no more requests, finishes those under way and what the workers have in hand, and
    /// closes the database; at the latest after 20 seconds.
    pub async fn stop(self) {
        self.stop.cancel();
        let work = async {
            let _ = self.web.await;
            self.workers.wait().await;
        };
        if tokio::time::timeout(DRAIN, work).await.is_err() {
            tracing::warn!(
                "stopped before everything was finished; the rest is done after a start"
            );
        }
        if let Err(error) = self.db.close().await {
            tracing::warn!(%error, "the database was not closed in order");
        }
    }
}

/// Opens the database and makes sure of its schema; a demonstration migrates by itself.
async fn open(config: &Config) -> Result<Db, StartError> {
    let connect = || Db::connect(config.database_url.reveal());
    if config.demo {
        // On connections of its own: one of SQLite's that was open before a step may take a new
        // column's quoted name for a text.
        let db = connect().await.map_err(StartError::Database)?;
        schema::migrate(&db).await.map_err(StartError::Database)?;
        db.close().await.map_err(StartError::Database)?;
    }
    let db = connect().await.map_err(StartError::Database)?;
    match schema::state(&db).await.map_err(StartError::Database)? {
        Schema::Current => Ok(db),
        Schema::Older(missing) => Err(StartError::OldSchema(missing.join(", "))),
        Schema::Newer(unknown) => Err(StartError::NewSchema(unknown.join(", "))),
    }
}

fn engine(config: &Config, db: &Db) -> Result<Engine, StartError> {
    let (mailer, from): (Box<dyn Mailer>, &str) = match &config.mail {
        Mail::Dir { dir, from } => (
            Box::new(Folder::new(dir).map_err(|e| StartError::Mail(e.to_string()))?),
            from,
        ),
        Mail::Smtp { url, from } => (
            Box::new(Smtp::new(url.reveal()).map_err(StartError::Mail)?),
            from,
        ),
    };
    let office = PostOffice::new(mailer, &config.origin(), from).map_err(StartError::Mail)?;
    let mut stripe = stripe_gateway::Config::new(config.stripe.secret_key.reveal());
    stripe.api_base = config
        .stripe
        .api_base
        .as_ref()
        .map(|url| url.as_str().to_owned());
    stripe.timeout = STRIPE_TIMEOUT;
    let gateway = Arc::new(StripeGateway::new(stripe)?);
    Ok(Engine::new(
        db.clone(),
        gateway,
        Arc::new(office),
        config.demo,
        config.claim,
    ))
}

fn router(config: &Config, engine: &Engine) -> Result<Router, StartError> {
    let state = AppState::new(engine.db.clone(), site(config)?)
        .with_gateway(engine.gateway.clone())
        .with_setup(setup(config));
    let routes = app::routes::all();
    let kept = Kept::new(&engine.db, routes.table());
    let pages = routes
        .into_router(state)
        .layer(session::layer(&engine.db, config.https()))
        .layer(middleware::from_fn_with_state(Arc::new(kept), kept::run))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest));
    let inbox = Webhooks {
        secrets: Arc::new(config.stripe.webhook_secrets.clone()),
        inbox: Inbox::start(&engine.db),
        engine: engine.clone(),
        noted: Arc::default(),
    };
    let files = match &config.site {
        Some(site) => files::router(site).map_err(StartError::Site)?,
        None => Router::new(),
    };
    let edge = Arc::new(Edge {
        trusted_proxies: config.trusted_proxies.clone(),
        https: config.https(),
        wake: engine.wake.clone(),
    });
    // Webhooks carry neither cookies nor an Origin, and so pass.
    let csrf = CsrfLayer::new()
        .add_trusted_origin(config.origin())?
        .with_rejection_response(|_| foreign_form());
    Ok(Router::new()
        .merge(pages)
        .merge(files)
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz).with_state(engine.clone()))
        .route("/webhooks/stripe", post(webhook::stripe).with_state(inbox))
        .layer(csrf)
        .layer(middleware::from_fn_with_state(edge, edge::run)))
}

/// The answer to a form that another site has sent in somebody's name.
fn foreign_form() -> Response {
    tracing::warn!("a form of another site was refused");
    let text = "Nothing was changed. Open the page here, and send the form from there.";
    edge::plain_page(
        StatusCode::FORBIDDEN,
        "This form came from another site",
        text,
        "",
    )
}

/// What the admin's pages say about the settings; no secret is among it.
fn setup(config: &Config) -> Setup {
    let key = config.stripe.secret_key.reveal();
    Setup {
        version: env!("CARGO_PKG_VERSION"),
        steps: schema::steps(),
        workers: config.workers,
        stripe_live: stripe_gateway::is_live(key),
        stripe_restricted: key.starts_with("rk_"),
        stripe_api: config
            .stripe
            .api_base
            .as_ref()
            .map(|url| url.origin().ascii_serialization()),
        webhook_secrets: config
            .stripe
            .webhook_secrets
            .kinds()
            .map(|(kind, secrets)| SigningSecrets {
                setting: kind.setting(),
                events: kind.events(),
                count: secrets.len(),
            })
            .to_vec(),
        mail: match &config.mail {
            Mail::Dir { dir, from } => MailWay {
                folder: true,
                to: dir.display().to_string(),
                from: from.clone(),
            },
            Mail::Smtp { url, from } => MailWay {
                folder: false,
                // Host and port only: user and password are in the address as well.
                to: url::Url::parse(url.reveal())
                    .ok()
                    .and_then(|url| Some((url.host_str()?.to_owned(), url.port())))
                    .map(|(host, port)| match port {
                        Some(port) => format!("{host}:{port}"),
                        None => host,
                    })
                    .unwrap_or_default(),
                from: from.clone(),
            },
        },
    }
}

fn site(config: &Config) -> Result<Site, StartError> {
    let mut site = Site {
        demo: config.demo,
        base_url: config.origin(),
        ..Site::default()
    };
    // Onboarding forms lead to where the API is: Stripe's pages, or the sandbox's.
    if let Some(base) = &config.stripe.api_base {
        site.form_origins.push(base.origin().ascii_serialization());
    }
    match &config.site {
        Some(dir) => site.with_files(dir).map_err(StartError::Site),
        None => Ok(site),
    }
}
