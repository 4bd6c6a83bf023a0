//! A portal of one test's own.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::Utc;
use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, Database};
use serde_json::{Value, json};
use server::config::{LogFormat, Mail, Secret, Stripe};
use server::{Config, Portal};
use service::Db;
use stripe_gateway::webhook::{Secrets, sign};
use stripe_sandbox::config::API_VERSION;
use tempfile::TempDir;
use tokio::net::TcpListener;

/// Signs the platform's events of these tests.
pub const SECRET: &str = "whsec_of_the_tests";
/// Signs the events of connected accounts.
pub const CONNECT_SECRET: &str = "whsec_of_connected_accounts";
/// Signs thin events.
pub const THIN_SECRET: &str = "whsec_of_thin_events";

/// The two databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file in a temporary folder.
    Sqlite,
    /// A database on the server that `PORTICO_TEST_POSTGRES_URL` names.
    Postgres,
}

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A folder, a database and a sandbox, over which portals are started.
pub struct Place {
    pub folder: TempDir,
    pub database_url: String,
    pub stripe: SocketAddr,
}

impl Place {
    /// A fresh one; `None`, said on standard error, where PostgreSQL was asked for and is not there.
    pub async fn new(engine: Engine) -> Option<Self> {
        server::log::init(LogFormat::Text);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database_url = match engine {
            Engine::Sqlite => format!("sqlite://{}", folder.path().join("a portal.db").display()),
            Engine::Postgres => postgres().await?,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let stripe = listener.local_addr().expect("an address");
        let config = stripe_sandbox::SandboxConfig::default();
        // Ends with the test's runtime.
        tokio::spawn(stripe_sandbox::serve(
            listener,
            config,
            std::future::pending(),
        ));
        Some(Self {
            folder,
            database_url,
            stripe,
        })
    }

    /// Settings of a production portal on this place, with the schema still to be made.
    pub fn config(&self) -> Config {
        Config {
            database_url: Secret::new(&self.database_url),
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            base_url: "http://127.0.0.1:1".parse().expect("an address"),
            demo: false,
            mail: Mail::Dir {
                dir: self.folder.path().join("mail"),
                from: "Portico <portico@example.com>".to_owned(),
            },
            stripe: Stripe {
                secret_key: Secret::new("sk_test_of_the_tests"),
                webhook_secrets: Secrets {
                    platform: vec![Secret::new("whsec_rolled_over"), Secret::new(SECRET)],
                    connect: vec![Secret::new(CONNECT_SECRET)],
                    thin: vec![Secret::new(THIN_SECRET)],
                },
                secrets_by_place: false,
                api_base: Some(
                    format!("http://{}", self.stripe)
                        .parse()
                        .expect("an address"),
                ),
            },
            site: None,
            log: LogFormat::Text,
            trusted_proxies: Vec::new(),
            workers: 1,
            claim: service::job::CLAIM,
        }
    }

    /// Gives a command that starts `portico` this place's database, and nothing of what the caller's
    /// environment sets for other portals.
    pub fn own_environment<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let kept = ["PATH", "HOME", "TMPDIR"];
        let kept = kept.map(|name| (name, std::env::var_os(name)));
        command
            .env_clear()
            .envs(
                kept.into_iter()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .env("DATABASE_URL", &self.database_url)
    }

    /// Makes the schema.
    pub async fn migrate(&self) -> Db {
        let open = || Db::connect(&self.database_url);
        let db = open().await.expect("the database opens");
        Migrator::up(db.reader(), None).await.expect("migrates");
        // Connections that are open during a step may know the tables as they were.
        db.close().await.expect("closes");
        open().await.expect("the database opens again")
    }

    /// Starts a portal.
    pub async fn start(&self) -> Running {
        self.start_with(self.config()).await
    }

    /// Starts a portal with other settings.
    pub async fn start_with(&self, config: Config) -> Running {
        let db = self.migrate().await;
        let portal = Portal::start(config).await.expect("starts");
        Running {
            base: format!("http://{}", portal.addr()),
            portal,
            db,
            client: reqwest::Client::builder()
                .no_proxy()
                .cookie_store(true)
                .redirect(reqwest::redirect::Policy::none())
                .timeout(Duration::from_secs(20))
                .build()
                .expect("a client"),
        }
    }
}

/// A database of its own on the server.
async fn postgres() -> Option<String> {
    let Some(server) = std::env::var("PORTICO_TEST_POSTGRES_URL")
        .ok()
        .filter(|u| !u.is_empty())
    else {
        eprintln!("PostgreSQL left out: PORTICO_TEST_POSTGRES_URL is not set");
        return None;
    };
    let name = format!(
        "portico_server_{}_{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    );
    let admin = Database::connect(&server)
        .await
        .expect("PostgreSQL answers");
    admin
        .execute_unprepared(&format!("CREATE DATABASE {name}"))
        .await
        .expect("may create");
    admin.close().await.expect("closes");
    let mut url = url::Url::parse(&server).expect("PORTICO_TEST_POSTGRES_URL is an address");
    url.set_path(&name);
    Some(url.to_string())
}

/// A running portal and a browser without scripts.
pub struct Running {
    pub base: String,
    pub portal: Portal,
    pub db: Db,
    pub client: reqwest::Client,
}

impl Running {
    /// Gets a path.
    pub async fn get(&self, path: &str) -> reqwest::Response {
        self.client
            .get(format!("{}{path}", self.base))
            .send()
            .await
            .expect("an answer")
    }

    /// Posts a body to the webhook endpoint as it is.
    pub async fn post_webhook(
        &self,
        body: impl Into<Vec<u8>>,
        signature: Option<&str>,
    ) -> (u16, String) {
        let mut request = self
            .client
            .post(format!("{}/webhooks/stripe", self.base))
            .header("content-type", "application/json")
            .body(body.into());
        if let Some(signature) = signature {
            request = request.header("stripe-signature", signature);
        }
        let response = request.send().await.expect("an answer");
        (
            response.status().as_u16(),
            response.text().await.expect("a text"),
        )
    }

    /// Posts an event of the platform, signed.
    pub async fn event(&self, event: &Value) -> (u16, String) {
        self.event_signed(event, SECRET).await
    }

    /// Posts an event, signed with a secret.
    pub async fn event_signed(&self, event: &Value, secret: &str) -> (u16, String) {
        let body = event.to_string();
        let signature = sign(body.as_bytes(), secret, Utc::now());
        self.post_webhook(body, Some(&signature)).await
    }

    /// Rows of a table.
    pub async fn count(&self, table: &str) -> i64 {
        let sql = format!("SELECT COUNT(*) AS n FROM {table}");
        let row = self
            .db
            .reader()
            .query_one_raw(sea_orm::Statement::from_string(self.db.backend(), sql))
            .await
            .expect("counts")
            .expect("a row");
        row.try_get::<i64>("", "n").expect("a number")
    }
}

/// A snapshot event.
pub fn snapshot(id: &str, kind: &str, object: Value) -> Value {
    json!({
        "id": id, "object": "event", "type": kind, "created": Utc::now().timestamp(),
        "livemode": false, "api_version": API_VERSION, "pending_webhooks": 1,
        "data": {"object": object},
    })
}

/// Tries until it is so, half a minute long: processes start slowly where everything runs at once.
pub async fn eventually(what: &str, so: impl AsyncFn() -> bool) {
    for _ in 0..600 {
        if so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not within half a minute: {what}");
}
