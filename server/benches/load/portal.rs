//! The portal as people run it: the release binary, a process of its own.

use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement};
use tokio::process::{Child, Command};

/// Signs the webhooks.
pub const SECRET: &str = "whsec_of_the_benchmark";

/// A running portal with its database.
pub struct Portal {
    pub addr: SocketAddr,
    url: String,
    process: Child,
    folder: tempfile::TempDir,
}

impl Portal {
    /// Makes a database, fills it and starts a portal on it. `server` is a PostgreSQL maintenance
    /// address; without it the database is a file.
    pub async fn seeded(server: Option<&str>, partners: u32, invoices: u32) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = match server {
            None => format!(
                "sqlite://{}?mode=rwc",
                folder.path().join("bench.db").display()
            ),
            Some(server) => {
                let name = format!("portico_bench_{}", std::process::id());
                let admin = Database::connect(server).await.expect("PostgreSQL answers");
                admin
                    .execute_unprepared(&format!("CREATE DATABASE {name}"))
                    .await
                    .expect("may create databases");
                let mut url = url::Url::parse(server).expect("a URL");
                url.set_path(&name);
                url.to_string()
            }
        };
        run(&url, &["migrate"]).await;
        let began = Instant::now();
        let (p, i) = (partners.to_string(), invoices.to_string());
        run(&url, &["seed", "bench", "--partners", &p, "--invoices", &i]).await;
        println!(
            "seeded {invoices} invoices through the inbox in {:.0} s ({:.0} a second)",
            began.elapsed().as_secs_f64(),
            f64::from(invoices) / began.elapsed().as_secs_f64()
        );
        let addr = TcpListener::bind("127.0.0.1:0")
            .and_then(|l| l.local_addr())
            .expect("a port");
        let process = Command::new(env!("CARGO_BIN_EXE_portico"))
            .arg("serve")
            .env("DATABASE_URL", &url)
            .env("PORTICO_ADDR", addr.to_string())
            .env("PORTICO_MAIL_DIR", folder.path())
            .env("STRIPE_SECRET_KEY", "sk_test_bench")
            .env("STRIPE_WEBHOOK_SECRET", SECRET)
            // Nothing listens there: everything the events speak of is in them.
            .env("STRIPE_API_BASE", "http://127.0.0.1:9")
            .env("RUST_LOG", "error")
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the portal starts");
        let portal = Self {
            addr,
            url,
            process,
            folder,
        };
        portal.ready().await;
        portal
    }

    async fn ready(&self) {
        let end = Instant::now() + Duration::from_secs(60);
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client");
        while Instant::now() < end {
            let reply = client
                .get(format!("http://{}/readyz", self.addr))
                .send()
                .await;
            if reply.is_ok_and(|r| r.status().is_success()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the portal did not get ready");
    }

    /// Signs in and gives the `Cookie` header.
    pub async fn sign_in(&self, email: &str) -> String {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        let reply = client
            .post(format!("http://{}/sign-in", self.addr))
            .header("Origin", format!("http://{}", self.addr))
            .header("Sec-Fetch-Site", "same-origin")
            .form(&[("email", email), ("password", server::seed::PASSWORD)])
            .send()
            .await
            .expect("answers");
        let cookies: Vec<String> = reply
            .headers()
            .get_all("set-cookie")
            .iter()
            .filter_map(|c| c.to_str().ok()?.split(';').next().map(str::to_owned))
            .collect();
        assert!(
            !cookies.is_empty(),
            "signed in as {email}: {}",
            reply.status()
        );
        cookies.join("; ")
    }

    /// The database itself.
    pub async fn database(&self) -> DatabaseConnection {
        Database::connect(&self.url)
            .await
            .expect("the database opens")
    }

    /// A folder that goes away with the portal.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Whether the database is a server.
    pub fn is_server(&self) -> bool {
        self.url.starts_with("postgres")
    }

    /// How many postings the journal has.
    pub async fn postings(&self) -> i64 {
        count(&self.database().await, "SELECT COUNT(*) FROM posting").await
    }

    /// What the process takes of memory.
    pub fn memory(&self) -> String {
        let Some(pid) = self.process.id() else {
            return "nothing".to_owned();
        };
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let kib: f64 = status
            .lines()
            .find_map(|l| l.strip_prefix("VmRSS:"))
            .and_then(|l| l.split_whitespace().next()?.parse().ok())
            .unwrap_or(0.0);
        format!("{:.0} MB", kib / 1_024.0)
    }

    /// Ends it.
    pub async fn stop(mut self) {
        self.process.kill().await.expect("stops");
    }
}

/// A number.
pub async fn count(db: &DatabaseConnection, sql: &str) -> i64 {
    let row = db
        .query_one_raw(Statement::from_string(db.get_database_backend(), sql))
        .await
        .expect("counted")
        .expect("a row");
    row.try_get_by_index(0).expect("a number")
}

async fn run(url: &str, words: &[&str]) {
    let status = Command::new(env!("CARGO_BIN_EXE_portico"))
        .args(words)
        .env("DATABASE_URL", url)
        .env("PORTICO_DEMO", "1")
        .env("STRIPE_API_BASE", "http://127.0.0.1:9")
        .stdout(Stdio::null())
        .status()
        .await
        .expect("runs");
    assert!(status.success(), "portico {} failed", words.join(" "));
}
