//! Webhooks: how many a second are taken in, and how many become commission.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::Utc;
use sea_orm::{ConnectionTrait, Database, DbBackend, TransactionTrait};
use serde_json::json;
use tokio::net::TcpStream;

use super::client::ask;
use super::portal::{Portal, SECRET, count};

/// Connections that deliver at once: Stripe does not wait for one answer before it sends the next.
const CONNECTIONS: usize = 64;

/// Sends `events` paid invoices of known customers, every tenth of them twice.
pub async fn measure(portal: &mut Portal, events: u32) {
    let db = portal.database().await;
    let before = count(&db, "SELECT COUNT(*) FROM commission").await;
    let requests: Arc<Vec<Vec<u8>>> =
        Arc::new((0..events).flat_map(|n| request(portal, n)).collect());
    let next = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..CONNECTIONS {
        let (requests, next, addr) = (Arc::clone(&requests), Arc::clone(&next), portal.addr);
        tasks.push(tokio::spawn(async move {
            let mut stream = TcpStream::connect(addr).await.expect("it listens");
            stream.set_nodelay(true).expect("a socket");
            let mut buffer = Vec::new();
            while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                let answer = ask(&mut stream, request, &mut buffer).await;
                assert_eq!(
                    answer.status,
                    200,
                    "{}",
                    String::from_utf8_lossy(&answer.raw)
                );
            }
        }));
    }
    for task in tasks {
        task.await.expect("delivered");
    }
    let taken = began.elapsed();
    let wanted = before + i64::from(events);
    let end = Instant::now() + Duration::from_secs(300);
    let mut booked = before;
    while booked < wanted && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(20)).await;
        booked = count(&db, "SELECT COUNT(*) FROM commission").await;
    }
    let done = began.elapsed();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let after = count(&db, "SELECT COUNT(*) FROM commission").await;
    assert_eq!(
        after - before,
        i64::from(events),
        "each event is booked once"
    );
    let floor = bare_inserts(portal, events).await;
    let rate = |time: Duration| f64::from(events) / time.as_secs_f64();
    println!(
        "webhooks   {} sent (every tenth twice): {:.0} a second stored and answered, {:.0} a second \
         booked as commission; bare inserts of the same rows {:.0} a second; booked is {:.0}% of it",
        requests.len(),
        requests.len() as f64 / taken.as_secs_f64(),
        rate(done),
        rate(floor),
        rate(done) / rate(floor) * 100.0
    );
}

/// The delivery of one event, or two of the same.
fn request(portal: &Portal, n: u32) -> Vec<Vec<u8>> {
    let (partner, customer) = (n % 50, n / 50 % 20);
    let id = format!("rate{n}");
    let at = Utc::now().timestamp();
    let body = json!({
        "id": format!("evt_{id}"), "object": "event", "api_version": "2026-09-30.endive",
        "created": at, "livemode": false, "type": "invoice.paid", "pending_webhooks": 1,
        "data": {"object": {
            "id": format!("in_{id}"), "object": "invoice", "currency": "eur", "status": "paid",
            "customer": format!("cus_bench{partner}x{customer}"), "created": at,
            "status_transitions": {"paid_at": at}, "number": format!("R-{n}"),
            "subtotal": 10_000, "total": 10_000, "amount_due": 10_000, "amount_paid": 10_000,
            "lines": {"object": "list", "has_more": false, "data": [{
                "id": format!("il_{id}"), "object": "line_item", "amount": 10_000,
                "currency": "eur", "description": "Lumen Desk",
                "metadata": {"product_line": "desk"},
                "period": {"start": at, "end": at + 2_592_000}}]},
        }},
    })
    .to_string();
    let signature = stripe_gateway::webhook::sign(body.as_bytes(), SECRET, Utc::now());
    let request = format!(
        "POST /webhooks/stripe HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Stripe-Signature: {signature}\r\nContent-Length: {}\r\n\r\n{body}",
        portal.addr,
        body.len()
    )
    .into_bytes();
    if n.is_multiple_of(10) {
        vec![request.clone(), request]
    } else {
        vec![request]
    }
}

/// The rows that an event becomes, written with nothing around them: event, invoice, line,
/// commission, transaction and two postings, a hundred events to a transaction.
async fn bare_inserts(portal: &Portal, events: u32) -> Duration {
    let (db, own) = if portal.is_server() {
        (portal.database().await, false)
    } else {
        let path = portal.folder().join("floor.db");
        let db = Database::connect(format!("sqlite://{}?mode=rwc", path.display()))
            .await
            .expect("opens");
        (db, true)
    };
    if own {
        for pragma in ["PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"] {
            db.execute_unprepared(pragma).await.expect("set");
        }
    }
    let key = match db.get_database_backend() {
        DbBackend::Postgres => "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
        _ => "INTEGER PRIMARY KEY",
    };
    let tables = [
        ("event", 1, 1_200),
        ("invoice", 1, 120),
        ("line", 1, 120),
        ("commission", 1, 700),
        ("entry", 1, 160),
        ("leg", 2, 40),
    ];
    for (name, ..) in tables {
        db.execute_unprepared(&format!(
            "CREATE TABLE floor_{name} (id {key}, reference TEXT NOT NULL UNIQUE, body TEXT NOT NULL)"
        ))
        .await
        .expect("made");
    }
    let began = Instant::now();
    for from in (0..events).step_by(100) {
        let tx = db.begin().await.expect("begins");
        for (name, rows, size) in tables {
            let filler = "x".repeat(size);
            let values: Vec<String> = (from..(from + 100).min(events))
                .flat_map(|n| (0..rows).map(move |row| (n, row)))
                .map(|(n, row)| format!("('{name}-{n}-{row}','{filler}')"))
                .collect();
            tx.execute_unprepared(&format!(
                "INSERT INTO floor_{name} (reference, body) VALUES {}",
                values.join(",")
            ))
            .await
            .expect("inserted");
        }
        tx.commit().await.expect("committed");
    }
    began.elapsed()
}
