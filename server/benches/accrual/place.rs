//! Databases to measure on.

use std::sync::atomic::{AtomicU32, Ordering};

use chrono::Utc;
use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, Database};
use service::{Clock, Context, Db};
use stripe_gateway::{Config, StripeGateway};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A migrated database that goes away with this.
pub struct Place {
    pub url: String,
    server: Option<(String, String)>,
    _folder: tempfile::TempDir,
}

impl Place {
    /// An empty one: a file, or a database on a server.
    pub async fn empty(server: Option<&str>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (url, server) = match server {
            None => {
                let file = folder.path().join("bench.db");
                (format!("sqlite://{}?mode=rwc", file.display()), None)
            }
            Some(server) => {
                let n = NEXT.fetch_add(1, Ordering::Relaxed);
                let name = format!("portico_accrual_{}_{n}", std::process::id());
                let admin = Database::connect(server).await.expect("PostgreSQL answers");
                admin
                    .execute_unprepared(&format!("CREATE DATABASE {name}"))
                    .await
                    .expect("may create databases");
                let mut url = url::Url::parse(server).expect("a URL");
                url.set_path(&name);
                (url.to_string(), Some((server.to_owned(), name)))
            }
        };
        let db = Db::connect_to_load(&url).await.expect("opens");
        Migrator::up(db.reader(), None).await.expect("migrates");
        db.close().await.expect("closes");
        Self {
            url,
            server,
            _folder: folder,
        }
    }

    /// One with so many partners and paid invoices.
    pub async fn seeded(server: Option<&str>, partners: u32, invoices: u32) -> Self {
        let place = Self::empty(server).await;
        let db = Db::connect_to_load(&place.url).await.expect("opens");
        let ctx = Context::system(&db, Clock::at(Utc::now()), "bench");
        server::seed::bench(&ctx, &no_stripe(), partners, invoices)
            .await
            .expect("seeded");
        let tidy = match &place.server {
            Some(_) => "VACUUM ANALYZE",
            None => "PRAGMA wal_checkpoint(TRUNCATE)",
        };
        db.reader().execute_unprepared(tidy).await.expect("tidied");
        db.close().await.expect("closes");
        place
    }

    /// Gives a server its room back.
    pub async fn remove(self) {
        if let Some((server, name)) = &self.server {
            let admin = Database::connect(server).await.expect("PostgreSQL answers");
            admin
                .execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)"))
                .await
                .expect("may drop databases");
        }
    }
}

/// Nothing listens there: everything the events speak of is in them.
pub fn no_stripe() -> StripeGateway {
    StripeGateway::new(Config {
        api_base: Some("http://127.0.0.1:9".to_owned()),
        ..Config::new("sk_test_bench")
    })
    .expect("a gateway")
}
