//! A disk that is full, and has room again: nothing is acknowledged that is not there.
//!
//! The portal is a process of its own here, because the room is taken from it by a limit on the size
//! of its files, which a process has as a whole.

use std::collections::BTreeSet;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chrono::Utc;
use domain::partner::StaffRole;
use reqwest::StatusCode;
use sea_orm::{EntityTrait, QuerySelect};
use serde_json::{Value, json};
use service::{Clock, Context, Db, identity};
use stripe_gateway::webhook::sign;

use crate::support::{Engine, Place, SECRET, eventually, snapshot};

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "a long enough passphrase 42";
/// How many bytes the write-ahead log may still grow by.
const ROOM: u64 = 200_000;

/// A portal in a process of its own.
struct Process {
    child: Child,
    base: String,
    client: reqwest::Client,
    file: PathBuf,
}

impl Process {
    async fn start(place: &Place) -> Self {
        let log = place.folder.path().join("portico.log");
        // Writing beyond the limit ends a process that does not ignore the signal, and whether it is
        // ignored is inherited.
        let child = place
            .own_environment(&mut Command::new("sh"))
            .args(["-c", "trap '' XFSZ; exec \"$0\" serve"])
            .arg(env!("CARGO_BIN_EXE_portico"))
            .env("PORTICO_ADDR", "127.0.0.1:0")
            .env("PORTICO_MAIL_DIR", place.folder.path().join("mail"))
            .env("STRIPE_SECRET_KEY", "sk_test_of_the_tests")
            .env("STRIPE_WEBHOOK_SECRET", SECRET)
            .env("STRIPE_API_BASE", format!("http://{}", place.stripe))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a log"))
            .spawn()
            .expect("starts");
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(40))
            .build()
            .expect("a client");
        let mut portal = Self {
            child,
            base: String::new(),
            client,
            file: place.folder.path().join("a portal.db-wal"),
        };
        portal.base = format!("http://{}", portal.listening(&log).await);
        eventually("it is ready", async || {
            portal.ready().await.is_some_and(|r| r.0)
        })
        .await;
        portal
    }

    /// The address that it found free, as its log tells.
    async fn listening(&mut self, log: &Path) -> SocketAddr {
        for _ in 0..600 {
            let said = std::fs::read_to_string(log).expect("a log");
            let found = said.split_once("listening=").and_then(|(_, rest)| {
                let (address, _) = rest.split_once(char::is_whitespace)?;
                address.parse().ok()
            });
            if let Some(address) = found {
                return address;
            }
            let ended = self.child.try_wait().expect("looks");
            assert_eq!(ended, None, "it ended: {said}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let said = std::fs::read_to_string(log).expect("a log");
        panic!("not within half a minute: it listens: {said}");
    }

    /// Whether it is ready, and what it says of its database.
    async fn ready(&self) -> Option<(bool, String)> {
        let path = format!("{}/readyz", self.base);
        let answer = self.client.get(path).send().await.ok()?;
        let said: Value = answer.json().await.ok()?;
        let database = said["database"].as_str()?.to_owned();
        Some((said["ready"] == true, database))
    }

    /// The largest size a file of the process may have; without one, any.
    fn limit(&self, bytes: Option<u64>) {
        let size = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
        let set = Command::new("prlimit")
            .args(["--pid", &self.child.id().to_string()])
            .arg(format!("--fsize={size}:"))
            .status();
        assert!(set.expect("prlimit runs").success());
    }

    /// Leaves next to no room.
    fn fill(&self) {
        let length = std::fs::metadata(&self.file).map_or(0, |found| found.len());
        self.limit(Some(length + ROOM));
    }

    /// Posts events, some at a time, and gives the ids of those that were acknowledged.
    async fn events(&self, name: &str, count: usize) -> (BTreeSet<String>, usize) {
        let mut acknowledged = BTreeSet::new();
        let numbers: Vec<usize> = (0..count).collect();
        for some in numbers.chunks(8) {
            let posts = some.iter().map(|n| async move {
                let id = format!("evt_{name}_{n}");
                let object = json!({"id": "x_1", "object": "x", "filler": "x".repeat(6_000)});
                let body = snapshot(&id, "some.later.type", object).to_string();
                let posted = self
                    .client
                    .post(format!("{}/webhooks/stripe", self.base))
                    .header(
                        "stripe-signature",
                        sign(body.as_bytes(), SECRET, Utc::now()),
                    )
                    .body(body)
                    .send();
                (id, posted.await.expect("an answer").status())
            });
            for (id, status) in futures::future::join_all(posts).await {
                match status {
                    StatusCode::OK => assert!(acknowledged.insert(id)),
                    other => assert_eq!(other, StatusCode::SERVICE_UNAVAILABLE),
                }
            }
        }
        let refused = count - acknowledged.len();
        (acknowledged, refused)
    }

    /// Signs in; where that is acknowledged, the session has to be there.
    async fn sign_in(&self) -> bool {
        let form = [("email", EMAIL), ("password", PASSWORD), ("next", "")];
        let posted = self
            .client
            .post(format!("{}/sign-in", self.base))
            .form(&form);
        let answer = posted.send().await.expect("an answer");
        let header = |name: &str| {
            let value = answer.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let to = header("location").filter(|to| !to.starts_with("/sign-in"));
        let Some(to) = to.filter(|_| answer.status() == StatusCode::SEE_OTHER) else {
            return false;
        };
        let cookie = header("set-cookie").expect("a session");
        let cookie = cookie.split(';').next().expect("a pair").to_owned();
        let page = self.client.get(format!("{}{to}", self.base));
        let page = page.header("cookie", cookie).send().await.expect("a page");
        assert_eq!(page.status(), StatusCode::OK, "signed in at {to}");
        true
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn stored(db: &Db) -> BTreeSet<String> {
    let ids: Vec<String> = entity::webhook_event::Entity::find()
        .select_only()
        .column(entity::webhook_event::Column::EventId)
        .into_tuple()
        .all(db.reader())
        .await
        .expect("reads");
    ids.into_iter().collect()
}

#[tokio::test]
async fn nothing_is_acknowledged_that_a_full_disk_did_not_take() {
    if Command::new("prlimit").arg("--version").output().is_err() {
        eprintln!("The full disk is left out: prlimit is not installed");
        return;
    }
    let place = Place::new(Engine::Sqlite).await.expect("SQLite is there");
    let db = place.migrate().await;
    let ctx = Context::system(&db, Clock::system(), "test");
    identity::add_staff(&ctx, "Ada", EMAIL, StaffRole::Admin, Some(PASSWORD))
        .await
        .expect("added");
    db.close().await.expect("closes");

    let portal = Process::start(&place).await;
    let (mut acknowledged, refused) = portal.events("before", 16).await;
    assert_eq!(refused, 0);
    assert!(portal.sign_in().await);

    portal.fill();
    let (some, refused) = portal.events("full", 96).await;
    assert!(refused > 0, "the disk is full");
    acknowledged.extend(some);
    eventually("it says so", async || {
        // A small write may still fit: what is left has to be taken too.
        portal
            .events(&format!("more_{}", Utc::now().timestamp_micros()), 8)
            .await
            .1
            == 8
            && portal.ready().await.is_some_and(|(ready, database)| {
                !ready && database.starts_with("cannot be written")
            })
    })
    .await;
    for _ in 0..3 {
        portal.sign_in().await;
    }
    let log = std::fs::read_to_string(place.folder.path().join("portico.log"));
    assert!(
        log.expect("a log")
            .contains("the database cannot be written")
    );
    // Nobody holds the write lock, and what was acknowledged is there now.
    let other = Db::connect(&place.database_url).await.expect("opens");
    let begun = tokio::time::timeout(Duration::from_secs(5), other.begin()).await;
    drop(begun.expect("no lock is held").expect("begins"));
    let missing: Vec<_> = acknowledged
        .difference(&stored(&other).await)
        .cloned()
        .collect();
    assert_eq!(missing, [""; 0], "acknowledged and not there");

    portal.limit(None);
    eventually("it works again by itself", async || {
        portal.ready().await.is_some_and(|(ready, _)| ready)
    })
    .await;
    let (some, refused) = portal.events("after", 32).await;
    assert_eq!(refused, 0, "there is room");
    acknowledged.extend(some);
    assert!(portal.sign_in().await);
    drop(portal);
    let missing: Vec<_> = acknowledged
        .difference(&stored(&other).await)
        .cloned()
        .collect();
    assert_eq!(missing, [""; 0], "gone with the process");
    other.close().await.expect("closes");
}
