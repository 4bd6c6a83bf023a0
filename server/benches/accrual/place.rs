//! Databases to measure on.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::Utc;
use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, Database};
use service::{Clock, Context, Db};
use stripe_gateway::{Config, StripeGateway};

const FILE: &str = "bench.db";

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A migrated database that goes away with this.
pub struct Place {
    pub url: String,
    server: Option<(String, String)>,
    folder: tempfile::TempDir,
}

impl Place {
    /// An empty one: a file, or a database on a server.
    pub async fn empty(server: Option<&str>) -> Self {
        Self::of(server, None).await
    }

    /// An empty one, or a copy of a file, migrated.
    async fn of(server: Option<&str>, copy: Option<&PathBuf>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        if let Some(file) = copy {
            std::fs::copy(file, folder.path().join(FILE)).expect("copied");
        }
        let (url, server) = match server {
            None => {
                let file = folder.path().join(FILE);
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
            folder,
        }
    }

    /// One with so many partners and paid invoices; a file that was kept is copied.
    pub async fn seeded(server: Option<&str>, partners: u32, invoices: u32) -> Self {
        let kept = std::env::var_os("BENCH_KEEP").filter(|_| server.is_none());
        let kept =
            kept.map(|folder| PathBuf::from(folder).join(format!("{partners}x{invoices}.db")));
        let copy = kept.as_ref().filter(|file| file.exists());
        let place = Self::of(server, copy).await;
        if copy.is_some() {
            place.settle();
            return place;
        }
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
        if let Some(file) = kept {
            std::fs::copy(place.folder.path().join(FILE), file).expect("kept");
        }
        place.settle();
        place
    }

    /// Waits until a file is on the disk, or what is measured would wait for that.
    fn settle(&self) {
        if self.server.is_none() {
            let file = std::fs::File::open(self.folder.path().join(FILE));
            file.and_then(|file| file.sync_all()).expect("on the disk");
        }
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
