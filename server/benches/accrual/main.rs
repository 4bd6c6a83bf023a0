//! `cargo bench -p server --bench accrual`: what it costs to turn a paid invoice into commission,
//! beside bare inserts of the very rows it becomes, with few and with many postings there already;
//! and what a partner's earnings cost then.
//!
//! A machine is not equally fast from one minute to the next. All sizes are therefore measured side
//! by side: in each round every database works off its share of events and its floor inserts the
//! same rows right after. What is printed are sums over all rounds.
//!
//! | setting | meaning | default |
//! |---|---|---|
//! | `BENCH_POSTINGS` | postings that are there before, one database each | 10000,300000 |
//! | `BENCH_EVENTS` | paid invoices worked off in each | 8000 |
//! | `BENCH_AT_ONCE` | events in one transaction; the portal's worker takes 256 | 256 |
//! | `BENCH_KEEP` | a folder: seeded SQLite files are kept there for the next time | |
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
use stripe_gateway::webhook::Envelope;
use stripe_gateway::{Gateway, StripeGateway};

use floor::Floor;
use place::Place;

/// As the portal has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Partners of the made-up program; [`paid::event`] knows them.
const PARTNERS: u32 = 50;
/// Postings of one invoice once its hold is over.
const POSTINGS: u32 = 4;
/// Times each size has its turn.
const ROUNDS: u32 = 8;

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
        let mut tracks = Vec::new();
        for size in &sizes {
            tracks.push(Track::seeded(server.as_deref(), *size).await);
        }
        // What is read for the first time is not what is measured.
        let share = setting("BENCH_EVENTS", 8_000).div_ceil(ROUNDS);
        for track in &mut tracks {
            track.round(share).await;
            track.begin();
        }
        for _ in 0..ROUNDS {
            for track in &mut tracks {
                track.round(share).await;
            }
        }
        print(&tracks);
        for track in tracks {
            track.remove().await;
        }
    }
}

fn print(tracks: &[Track]) {
    println!(
        "\n{:>10} {:>9} {:>11} {:>8} {:>12} {:>12}",
        "postings", "events/s", "inserts/s", "of it", "µs per event", "earnings µs"
    );
    for t in tracks {
        println!(
            "{:>10} {:>9.0} {:>11.0} {:>7.0}% {:>12.0} {:>12.0}",
            t.postings,
            1.0 / t.event(),
            1.0 / t.insert(),
            t.insert() / t.event() * 100.0,
            t.event() * 1e6,
            t.earnings() * 1e6
        );
    }
    let Some((first, others)) = tracks.split_first() else {
        return;
    };
    for t in others {
        println!(
            "{:>10} postings cost {:.2} times as much per event (bare inserts into an empty database \
             {:.2}), and earnings {:.2} times, as {}",
            t.postings,
            t.event() / first.event(),
            t.insert() / first.insert(),
            t.earnings() / first.earnings(),
            first.postings
        );
    }
}

/// One size: a database with so many postings, and its floor.
struct Track {
    place: Place,
    db: Db,
    floor: Floor,
    gateway: StripeGateway,
    postings: u64,
    /// Events delivered so far.
    delivered: u32,
    /// Of them measured, with the time they took and the time their rows took to insert.
    measured: u32,
    ours: Duration,
    bare: Duration,
    earnings: Vec<Duration>,
}

impl Track {
    async fn seeded(server: Option<&str>, size: u32) -> Self {
        let place = Place::seeded(server, PARTNERS, size / POSTINGS).await;
        let db = Db::connect(&place.url).await.expect("opens");
        let postings = entity::posting::Entity::find().count(db.reader()).await;
        Self {
            place,
            db,
            floor: Floor::empty(server).await,
            gateway: place::no_stripe(),
            postings: postings.expect("counted"),
            delivered: 0,
            measured: 0,
            ours: Duration::ZERO,
            bare: Duration::ZERO,
            earnings: Vec::new(),
        }
    }

    async fn round(&mut self, events: u32) {
        let ctx = Context::system(&self.db, Clock::at(Utc::now()), "bench");
        let before = floor::Rows::newest(&self.db).await;
        deliver(&ctx, self.delivered, events).await;
        self.delivered += events;
        self.measured += events;
        self.ours += work(&ctx, &self.gateway, events).await;
        let rows = floor::Rows::after(&self.db, before).await;
        rows.assert_complete(events as usize);
        self.bare += self.floor.insert(&self.db, &rows, at_once() as usize).await;
        self.earnings.push(earnings(&self.db).await);
    }

    /// Forgets what was measured to warm up.
    fn begin(&mut self) {
        self.measured = 0;
        (self.ours, self.bare) = (Duration::ZERO, Duration::ZERO);
        self.earnings.clear();
    }

    /// Seconds per event.
    fn event(&self) -> f64 {
        self.ours.as_secs_f64() / f64::from(self.measured)
    }

    /// Seconds for the rows of an event, inserted with nothing around them.
    fn insert(&self) -> f64 {
        self.bare.as_secs_f64() / f64::from(self.measured)
    }

    /// Seconds: the middle round's.
    fn earnings(&self) -> f64 {
        let mut times = self.earnings.clone();
        times.sort();
        times[times.len() / 2].as_secs_f64()
    }

    async fn remove(self) {
        self.db.close().await.expect("closes");
        self.floor.remove().await;
        self.place.remove().await;
    }
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
