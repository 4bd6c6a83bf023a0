//! `cargo bench -p server --bench payouts`: a large payout run from its draft to its last transfer, on
//! SQLite and PostgreSQL, against the sandbox over HTTP; beside floors measured in the same run: as
//! many bare inserts and updates of rows, and as many bare requests for a transfer.
//!
//! | setting | meaning | default |
//! |---|---|---|
//! | `BENCH_PARTNERS` | partners in the run, each with one line | 20000 |
//! | `BENCH_AT_ONCE` | payouts sent beside each other | 16 |
//! | `PORTICO_TEST_POSTGRES_URL` | a PostgreSQL server; without it only SQLite is measured | |

mod floor;
mod many;
#[path = "../accrual/place.rs"]
#[allow(
    dead_code,
    reason = "shared with another measurement, which uses more of it"
)]
mod place;

use std::time::{Duration, Instant};

use chrono::Utc;
use domain::partner::StaffRole;
use entity::{payout, payout_run};
use futures::{StreamExt, TryStreamExt, stream};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use service::payout::{Next, list, run, send};
use service::{Actor, Clock, Context, Db, ledger};
use stripe_gateway::{Config, StripeGateway};
use stripe_sandbox::SandboxConfig;
use tokio::net::TcpListener;

use place::Place;

/// As the portal has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name)
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(default)
}

fn main() {
    // reqwest is built to be given one.
    stripe_gateway::install_crypto();
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    runtime.block_on(async {
        let mut servers = vec![("SQLite", None)];
        match std::env::var("PORTICO_TEST_POSTGRES_URL") {
            Ok(url) if !url.is_empty() => servers.push(("PostgreSQL", Some(url))),
            _ => println!("PostgreSQL is left out: PORTICO_TEST_POSTGRES_URL is not set."),
        }
        for (name, server) in servers {
            measure(name, server.as_deref(), setting("BENCH_PARTNERS", 20_000)).await;
        }
    });
}

/// The sandbox on a port of its own, and the address.
async fn sandbox() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(stripe_sandbox::serve(
        listener,
        SandboxConfig::default(),
        std::future::pending(),
    ));
    base
}

async fn measure(name: &str, server: Option<&str>, partners: usize) {
    println!("\n== {name}, a run of {partners} partners");
    let place = Place::seeded(server, 1, 0).await;
    let db = Db::connect(&place.url).await.expect("opens");
    let base = sandbox().await;
    let mut config = Config::new("sk_test_bench");
    config.api_base = Some(base.clone());
    let gateway = StripeGateway::new(config).expect("a client");
    let made = many::make(&db, &base, partners).await;
    let actor = |which: usize| Actor::Staff {
        person_id: made.finance[which],
        role: StaffRole::Finance,
    };
    let ctx = |actor: Actor| Context {
        actor,
        db: db.clone(),
        clock: Clock::at(Utc::now()),
        request_id: "bench".to_owned(),
    };
    let (felix, ines, system) = (ctx(actor(0)), ctx(actor(1)), ctx(Actor::System));

    let (inserts, updates) = floor::rows(&db, partners).await;
    say("floor: as many bare inserts", inserts);
    say("floor: as many bare updates", updates);
    let rows = inserts + updates;

    let new = run::NewRun {
        program_id: made.program,
        cutoff_at: felix.now(),
        note: String::new(),
    };
    let (run_id, took) = timed(async { run::draft(&felix, new).await.expect("drafted") }).await;
    beside("drafted", took, rows);
    let ((), took) = timed(async {
        run::submit(&felix, run_id, None).await.expect("submitted");
    })
    .await;
    beside("submitted", took, rows);
    let (view, took) = timed(async { list::run(&ines, run_id).await.expect("shown") }).await;
    beside("its page is read", took, rows);
    let shown = view.run.fingerprint.expect("counted");
    let (done, took) =
        timed(async { run::approve(&ines, run_id, &shown).await.expect("approved") }).await;
    assert!(done, "one approval is enough");
    beside("approved (what the person waits for)", took, rows);
    let ((), took) = timed(async {
        while let Next::Again(_) = run::freeze(&system, run_id).await.expect("frozen") {}
    })
    .await;
    beside("frozen, by a job", took, rows);
    let (started, took) = timed(async { send::start_run(&system, &gateway, run_id).await }).await;
    assert_eq!(started.expect("started"), Next::Done);
    beside("started", took, rows);

    let at_once = setting("BENCH_AT_ONCE", 16);
    let posts = floor::posts(&gateway, &made.accounts, partners, at_once).await;
    say("floor: as many bare requests", posts);
    let ((), took) = timed(send_all(&system, &gateway, run_id, at_once)).await;
    beside("sent", took, posts);
    check(&db, run_id, partners).await;
    db.close().await.expect("closes");
    place.remove().await;
}

async fn send_all(ctx: &Context, gateway: &StripeGateway, run_id: i64, at_once: usize) {
    let ids: Vec<i64> = payout::Entity::find()
        .select_only()
        .column(payout::Column::Id)
        .filter(payout::Column::RunId.eq(run_id))
        .order_by_asc(payout::Column::Id)
        .into_tuple()
        .all(ctx.reader())
        .await
        .expect("reads");
    stream::iter(ids)
        .map(|id| async move { send::work(ctx, gateway, id).await })
        .buffer_unordered(at_once)
        .try_for_each(|next| async move {
            assert_eq!(next, Next::Done, "paid at the first try");
            Ok(())
        })
        .await
        .expect("sent");
}

/// Everybody is paid, the run is done, and the books are right.
async fn check(db: &Db, run_id: i64, partners: usize) {
    let paid = payout::Entity::find()
        .filter(payout::Column::Status.eq("paid"))
        .count(db.reader())
        .await
        .expect("counts");
    assert_eq!(paid, partners as u64);
    let run = payout_run::Entity::find_by_id(run_id)
        .one(db.reader())
        .await
        .expect("reads")
        .expect("there");
    assert_eq!(run.status, "done");
    let (report, took) = timed(async { ledger::audit(db).await.expect("reads") }).await;
    assert!(report.is_clean(), "{:?}", report.findings);
    say("the books are right, says the audit", took);
}

async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let began = Instant::now();
    let done = work.await;
    (done, began.elapsed())
}

fn say(what: &str, took: Duration) {
    println!("{what:<40} {:>8.2} s", took.as_secs_f64());
}

fn beside(what: &str, took: Duration, floor: Duration) {
    let times = took.as_secs_f64() / floor.as_secs_f64().max(1e-9);
    println!(
        "{what:<40} {:>8.2} s   {times:.1} times the floor",
        took.as_secs_f64()
    );
}
