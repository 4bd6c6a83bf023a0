//! A fresh, migrated database for each test, on SQLite and on PostgreSQL.
//!
//! PostgreSQL is used where `PORTICO_TEST_POSTGRES_URL` names a server and a maintenance database
//! (`postgres://user@host:port/postgres`); `make test` starts one. Each test clones its database
//! from a migrated template, and drops it at the end.

use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, TimeZone, Utc};
use domain::partner::{MemberRole, StaffRole};
use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};
use service::{Actor, Clock, Context, Db, Error, FieldErrors};
use tokio::sync::OnceCell;

/// The two databases every test of the service runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file in a temporary folder.
    Sqlite,
    /// A database on the server that `PORTICO_TEST_POSTGRES_URL` names.
    Postgres,
}

/// A database of one test's own.
pub struct TestDb {
    /// Connected and migrated.
    pub db: Db,
    /// The address, for a second process or pool.
    pub url: String,
    folder: Option<tempfile::TempDir>,
}

static TEMPLATE: OnceCell<String> = OnceCell::const_new();
static NEXT: AtomicU32 = AtomicU32::new(0);

/// The server tests may use, if there is one.
fn server() -> Option<String> {
    std::env::var("PORTICO_TEST_POSTGRES_URL")
        .ok()
        .filter(|url| !url.is_empty())
}

/// The same server, another database.
fn with_database(url: &str, name: &str) -> String {
    let mut url = url::Url::parse(url).expect("PORTICO_TEST_POSTGRES_URL is a URL");
    url.set_path(name);
    url.to_string()
}

impl TestDb {
    /// A fresh database, or none (said on stderr) where PostgreSQL was asked for and there is no
    /// server.
    pub async fn new(engine: Engine) -> Option<Self> {
        match engine {
            Engine::Sqlite => {
                let folder = tempfile::tempdir().expect("a temporary folder");
                let url = format!(
                    "sqlite://{}?mode=rwc",
                    folder.path().join("test.db").display()
                );
                // Nobody pulls the plug on a test: the disk need not be waited for.
                let open = || Db::connect_to_load(&url);
                let db = open().await.expect("SQLite opens");
                Migrator::up(db.reader(), None).await.expect("migrates");
                // Connections that are open during a step may know the tables as they were.
                db.close().await.expect("closes");
                let db = open().await.expect("SQLite opens again");
                Some(Self {
                    db,
                    url,
                    folder: Some(folder),
                })
            }
            Engine::Postgres => {
                let Some(server) = server() else {
                    eprintln!("PostgreSQL left out: PORTICO_TEST_POSTGRES_URL is not set");
                    return None;
                };
                let template = TEMPLATE
                    .get_or_init(|| async {
                        let name = format!("portico_template_{}", std::process::id());
                        let admin = Database::connect(&server)
                            .await
                            .expect("PostgreSQL answers");
                        admin
                            .execute_unprepared(&format!("CREATE DATABASE {name}"))
                            .await
                            .expect("may create databases");
                        let db = Database::connect(with_database(&server, &name))
                            .await
                            .expect("the template opens");
                        Migrator::up(&db, None).await.expect("migrates");
                        db.close().await.expect("closes");
                        name
                    })
                    .await;
                let name = format!(
                    "portico_test_{}_{}",
                    std::process::id(),
                    NEXT.fetch_add(1, Ordering::Relaxed)
                );
                let admin = Database::connect(&server)
                    .await
                    .expect("PostgreSQL answers");
                admin
                    .execute_unprepared(&format!("CREATE DATABASE {name} TEMPLATE {template}"))
                    .await
                    .expect("may create databases");
                admin.close().await.expect("closes");
                let url = with_database(&server, &name);
                let db = Db::connect(&url).await.expect("the test's database opens");
                Some(Self {
                    db,
                    url,
                    folder: None,
                })
            }
        }
    }

    /// A copy of everything as it is now, as a backup is one.
    pub async fn copy(&mut self) -> Self {
        if let Some(folder) = &self.folder {
            let copy = tempfile::tempdir().expect("a temporary folder");
            let file = copy.path().join("test.db");
            let sql = format!("VACUUM INTO '{}'", file.display());
            let writes = self.db.reader().execute_unprepared(&sql).await;
            writes.expect("copies");
            let here = folder.path().display().to_string();
            let url = self.url.replace(&here, &copy.path().display().to_string());
            return Self {
                db: Db::connect_to_load(&url).await.expect("the copy opens"),
                url,
                folder: Some(copy),
            };
        }
        let server = server().expect("it was there");
        let of = url::Url::parse(&self.url).expect("a URL");
        let of = of.path().trim_start_matches('/').to_owned();
        let name = format!("{of}_copy");
        // A database is copied while nobody is connected to it.
        self.db.clone().close().await.expect("closes");
        let admin = Database::connect(&server).await.expect("answers");
        let copies = format!("CREATE DATABASE {name} TEMPLATE {of}");
        let mut tries = 0;
        while let Err(error) = admin.execute_unprepared(&copies).await {
            tries += 1;
            assert!(tries < 50, "{error}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        admin.close().await.expect("closes");
        self.db = Db::connect(&self.url).await.expect("opens again");
        let url = with_database(&server, &name);
        Self {
            db: Db::connect(&url).await.expect("the copy opens"),
            url,
            folder: None,
        }
    }

    /// How often PostgreSQL had to break off a transaction because two waited for each other. It
    /// counts when connections end, so this closes them.
    pub async fn deadlocks(&self) -> i64 {
        if self.folder.is_some() {
            return 0;
        }
        self.db.clone().close().await.expect("closes");
        let db = Database::connect(&self.url).await.expect("opens again");
        let number = async |sql: &str| {
            let row = db
                .query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
                .await
                .expect("reads")
                .expect("a row");
            row.try_get_by_index::<i64>(0).expect("a number")
        };
        let here = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()";
        while number(here).await > 1 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        number("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").await
    }

    /// A context for `actor` at `at`.
    pub fn context(&self, actor: Actor, at: DateTime<Utc>) -> Context {
        Context {
            actor,
            db: self.db.clone(),
            clock: Clock::at(at),
            request_id: "test".to_owned(),
        }
    }

    /// The portal's own context at `at`.
    pub fn system(&self, at: DateTime<Utc>) -> Context {
        self.context(Actor::System, at)
    }

    /// Somebody of the staff at `at`.
    pub fn staff(&self, person_id: i64, role: StaffRole, at: DateTime<Utc>) -> Context {
        self.context(Actor::Staff { person_id, role }, at)
    }

    /// Somebody of a partner at `at`.
    pub fn of_partner(
        &self,
        person_id: i64,
        partner_id: i64,
        role: MemberRole,
        at: DateTime<Utc>,
    ) -> Context {
        let actor = Actor::Partner {
            person_id,
            partner_id,
            role,
        };
        self.context(actor, at)
    }
}

/// Gives the server its room back: what is dropped soon never reaches the disk.
impl Drop for TestDb {
    fn drop(&mut self) {
        let Some(server) = server().filter(|_| self.folder.is_none()) else {
            return;
        };
        let name = url::Url::parse(&self.url).expect("a URL");
        let name = name.path().trim_start_matches('/').to_owned();
        // The test's own runtime may be the one that drops this.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let admin = Database::connect(&server).await?;
                admin
                    .execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)"))
                    .await?;
                admin.close().await
            })
        });
        if !std::thread::panicking() {
            let dropped = dropping.join().expect("does not panic");
            dropped.expect("may drop databases");
        }
    }
}

/// Midnight UTC of a day.
pub fn day(year: i32, month: u32, day: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(year, month, day, 0, 0, 0)
        .single()
        .expect("a real day")
}

/// The fields a form was refused for.
pub fn errors<T: std::fmt::Debug>(result: Result<T, Error>) -> FieldErrors {
    match result {
        Err(Error::Invalid(errors)) => errors,
        other => panic!("fields were expected: {other:?}"),
    }
}

/// The sentence that says why something cannot be done now.
pub fn conflict<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result {
        Err(Error::Conflict(sentence)) => sentence,
        other => panic!("a conflict was expected: {other:?}"),
    }
}

/// What a form sends: what it usually says, with some of it changed or added.
pub fn typed(usual: &[(&str, &str)], changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let changed = |name: &str| changes.iter().any(|(n, _)| *n == name);
    usual
        .iter()
        .filter(|(name, _)| !changed(name))
        .chain(changes)
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
        .collect()
}
