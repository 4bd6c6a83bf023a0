//! `make bench`: how fast the portal is, beside what the machine could do at best.
//!
//! Absolute times say little on a machine that does other things too; every figure here stands
//! beside a floor that is measured in the same run with the same load: a bare axum handler that
//! answers the same bytes, and bare inserts of the same rows. Run it through `scripts/bench`.
//!
//! | setting | meaning | default |
//! |---|---|---|
//! | `BENCH_INVOICES` | paid invoices, four postings each | 250000 |
//! | `BENCH_PARTNERS` | partners they are spread over | 50 |
//! | `BENCH_EVENTS` | webhooks sent | 5000 |
//! | `BENCH_SECONDS` | seconds of load per page | 5 |
//! | `PORTICO_TEST_POSTGRES_URL` | a PostgreSQL server; without it only SQLite is measured | |

mod client;
mod floor;
#[path = "../paid.rs"]
mod paid;
mod portal;
mod webhooks;

use std::time::Duration;

use client::{Load, Target};
use portal::Portal;

/// Connections that ask at once.
const CONNECTIONS: usize = 16;

/// How long nothing is asked before it is seen what memory is kept.
const REST: Duration = Duration::from_secs(20);

fn setting(name: &str, default: u32) -> u32 {
    std::env::var(name)
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(default)
}

fn main() {
    // reqwest is built to be given one.
    stripe_gateway::install_crypto();
    let mut words = std::env::args().skip(1);
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    match words.next().as_deref() {
        // The floor runs in a process of its own, as the portal does.
        Some("floor") => {
            let file = words.next().expect("a file to answer with");
            runtime.block_on(floor::serve(&file));
        }
        _ => runtime.block_on(measure()),
    }
}

async fn measure() {
    let mut databases = vec![("SQLite", None)];
    match std::env::var("PORTICO_TEST_POSTGRES_URL")
        .ok()
        .filter(|u| !u.is_empty())
    {
        Some(url) => databases.push(("PostgreSQL", Some(url))),
        None => println!("PostgreSQL is left out: PORTICO_TEST_POSTGRES_URL is not set."),
    }
    for (name, server) in databases {
        println!("\n== {name}");
        let mut portal = Portal::seeded(
            server.as_deref(),
            setting("BENCH_PARTNERS", 50),
            setting("BENCH_INVOICES", 250_000),
        )
        .await;
        println!(
            "{} postings, {} of memory when idle",
            portal.postings().await,
            portal.memory()
        );
        pages(&portal).await;
        webhooks::measure(&mut portal, setting("BENCH_EVENTS", 5_000)).await;
        let after = portal.memory();
        tokio::time::sleep(REST).await;
        println!(
            "{after} of memory after that, {} once there was nothing to do for {} s",
            portal.memory(),
            REST.as_secs()
        );
        portal.stop().await;
    }
}

/// The first page of each audience: given again while nothing changes, and made anew each time.
async fn pages(portal: &Portal) {
    let time = Duration::from_secs(u64::from(setting("BENCH_SECONDS", 5)));
    println!(
        "{:<15} {:>9} {:>9} {:>9} {:>9}   {:>9} {:>9} {:>9}   {:>7}",
        "page", "bytes", "req/s", "p50 ms", "p99 ms", "floor/s", "p50 ms", "p99 ms", "of it"
    );
    for (audience, email, path) in [
        ("partner", "sofia@brightpath.example", "/partner"),
        ("manager", "maya@lumendesk.example", "/manager"),
        ("finance", "felix@lumendesk.example", "/finance"),
    ] {
        let mut target = Target {
            addr: portal.addr,
            path: path.to_owned(),
            cookie: portal.sign_in(email).await,
            anew: false,
        };
        let page = client::once(&target).await;
        assert_eq!(page.status, 200, "{path} answers {}", page.status);
        let floor = floor::Floor::start(&page.raw).await;
        let bare = Target {
            addr: floor.addr,
            path: "/".to_owned(),
            cookie: String::new(),
            anew: false,
        };
        let best = client::load(&bare, CONNECTIONS, time).await;
        for (anew, how) in [(false, ""), (true, " anew")] {
            target.anew = anew;
            let ours = client::load(&target, CONNECTIONS, time).await;
            print_row(&format!("{audience}{how}"), page.raw.len(), &ours, &best);
        }
        if audience == "partner" {
            for anew in [false, true] {
                target.anew = anew;
                let many = client::load(&target, 200, time).await;
                println!(
                    "  200 at once{}: {:.0} req/s, p99 {:.1} ms, {} of memory",
                    if anew { ", anew" } else { "" },
                    many.per_second(),
                    many.percentile(99),
                    portal.memory()
                );
            }
        }
    }
}

fn print_row(audience: &str, bytes: usize, ours: &Load, best: &Load) {
    println!(
        "{audience:<10} {bytes:>9} {:>9.0} {:>9.2} {:>9.2}   {:>9.0} {:>9.2} {:>9.2}   {:>6.1}%",
        ours.per_second(),
        ours.percentile(50),
        ours.percentile(99),
        best.per_second(),
        best.percentile(50),
        best.percentile(99),
        ours.per_second() / best.per_second() * 100.0
    );
}
