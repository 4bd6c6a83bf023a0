//! `cargo bench -p server --bench accrual`: what it costs to turn a paid invoice into commission,
//! beside bare inserts of the very rows it becomes, with few and with many postings there already;
//! and what a partner's earnings cost then.
//!
//! | setting | meaning | default |
//! |---|---|---|
//! | `BENCH_POSTINGS` | postings that are there before, one measurement each | 10000,300000 |
//! | `BENCH_EVENTS` | paid invoices worked off | 4000 |
//! | `BENCH_AT_ONCE` | events in one transaction; the portal's worker takes 256 | 256 |
//! | `PORTICO_TEST_POSTGRES_URL` | a PostgreSQL server; without it only SQLite is measured | |

mod floor;
#[path = "../paid.rs"]
mod paid;
mod place;

use std::time::{Duration, Instant};

use chrono::Utc;
use domain::partner::StaffRole;
use entity::partner;
use futures::future::join_all;
use sea_orm::{EntityTrait, PaginatorTrait, QueryOrder};
use service::inbox::{Inbox, process_batch};
use service::{Actor, Clock, Context, Db};
use stripe_gateway::Gateway;
use stripe_gateway::webhook::Envelope;

use place::Place;

/// As the portal has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Partners of the made-up program; [`paid::event`] knows them.
const PARTNERS: u32 = 50;
/// Postings of one invoice once its hold is over.
const POSTINGS: u32 = 4;

fn setting(name: &str, default: u32) -> u32 {
    std::env::var(name)
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(default)
}

fn main() {
    // reqwest is built to be given one.
    stripe_gateway::install_crypto();
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    runtime.block_on(measure());
}

async fn measure() {
    let mut servers = vec![("SQLite", None)];
    match std::env::var("PORTICO_TEST_POSTGRES_URL") {
        Ok(url) if !url.is_empty() => servers.push(("PostgreSQL", Some(url))),
        _ => println!("PostgreSQL is left out: PORTICO_TEST_POSTGRES_URL is not set."),
    }
    let sizes = std::env::var("BENCH_POSTINGS").unwrap_or_else(|_| "10000,300000".to_owned());
    let sizes: Vec<u32> = sizes
        .split(',')
        .map(|size| size.trim().parse().expect("BENCH_POSTINGS is numbers"))
        .collect();
    for (name, server) in servers {
        println!("\n== {name}");
        println!(
            "{:>10} {:>9} {:>11} {:>8} {:>12} {:>12}",
            "postings", "events/s", "inserts/s", "of it", "µs per event", "earnings µs"
        );
        let mut first: Option<Figures> = None;
        for size in &sizes {
            let figures = one(server.as_deref(), *size).await;
            let first = first.get_or_insert(figures);
            if first.postings < figures.postings {
                println!(
                    "{:>10} postings cost {:.2} times as much per event (bare inserts {:.2}), and \
                     earnings {:.2} times, as {}",
                    figures.postings,
                    figures.event / first.event,
                    figures.insert / first.insert,
                    figures.earnings / first.earnings,
                    first.postings
                );
            }
        }
    }
}

/// What was measured at one size; times in seconds.
#[derive(Clone, Copy)]
struct Figures {
    postings: u64,
    event: f64,
    insert: f64,
    earnings: f64,
}

async fn one(server: Option<&str>, size: u32) -> Figures {
    let place = Place::seeded(server, PARTNERS, size / POSTINGS).await;
    let db = Db::connect(&place.url).await.expect("opens");
    let gateway = place::no_stripe();
    let ctx = Context::system(&db, Clock::at(Utc::now()), "bench");
    let count = entity::posting::Entity::find().count(db.reader());
    let postings = count.await.expect("counted");
    let earnings = earnings(&db).await;
    let events = setting("BENCH_EVENTS", 4_000);
    // What is read for the first time is not what is measured.
    let warm = events / 8;
    deliver(&ctx, 0, warm).await;
    work(&ctx, &gateway, warm).await;
    let before = floor::Rows::newest(&db).await;
    deliver(&ctx, warm, events).await;
    let ours = work(&ctx, &gateway, events).await;
    let rows = floor::Rows::after(&db, before).await;
    rows.assert_complete(events as usize);
    let bare = rows.insert(&db, server, at_once() as usize).await;
    db.close().await.expect("closes");
    place.remove().await;
    let per_event = |time: Duration| time.as_secs_f64() / f64::from(events);
    let figures = Figures {
        postings,
        event: per_event(ours),
        insert: per_event(bare),
        earnings: earnings.as_secs_f64(),
    };
    println!(
        "{:>10} {:>9.0} {:>11.0} {:>7.0}% {:>12.0} {:>12.0}",
        postings,
        1.0 / figures.event,
        1.0 / figures.insert,
        figures.insert / figures.event * 100.0,
        figures.event * 1e6,
        figures.earnings * 1e6
    );
    figures
}

fn at_once() -> u64 {
    u64::from(setting("BENCH_AT_ONCE", 256))
}

/// Stores events, as the portal does when they come.
async fn deliver(ctx: &Context, from: u32, count: u32) {
    let inbox = Inbox::start(&ctx.db);
    let at = ctx.now().timestamp();
    let sent = (from..from + count).map(|n| {
        let (body, inbox) = (paid::event(n, at).to_string(), &inbox);
        async move {
            let envelope = Envelope::parse(body.as_bytes()).expect("an event");
            inbox.receive(ctx, &body, &envelope).await.expect("stored")
        }
    });
    join_all(sent).await;
}

/// Works the inbox off, as one worker of the portal does.
async fn work(ctx: &Context, gateway: &dyn Gateway, events: u32) -> Duration {
    let began = Instant::now();
    let mut done = 0;
    loop {
        let worked = process_batch(ctx, gateway, at_once()).await.expect("works");
        if worked.total() == 0 {
            break;
        }
        done += worked.processed;
    }
    let took = began.elapsed();
    assert_eq!(done, u64::from(events), "each is booked");
    took
}

/// What the partner's first page asks the service for: the middle one of many times.
async fn earnings(db: &Db) -> Duration {
    let partner = partner::Entity::find()
        .order_by_asc(partner::Column::Id)
        .one(db.reader())
        .await
        .expect("reads")
        .expect("a partner");
    let ctx = Context {
        actor: Actor::Staff {
            person_id: 1,
            role: StaffRole::Auditor,
        },
        ..Context::system(db, Clock::at(Utc::now()), "bench")
    };
    let mut times = Vec::new();
    for _ in 0..41 {
        let began = Instant::now();
        service::earnings::earnings(&ctx, partner.id)
            .await
            .expect("earnings");
        times.push(began.elapsed());
    }
    times.sort();
    times[times.len() / 2]
}
