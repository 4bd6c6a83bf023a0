//! Being asked to stop.

use std::time::Duration;

use chrono::Utc;
use serde_json::json;
use stripe_gateway::webhook::sign;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Engine, Place, SECRET, eventually, snapshot};

#[tokio::test]
async fn what_has_begun_is_finished_and_nothing_new_begins() {
    let place = Place::new(Engine::Sqlite)
        .await
        .expect("SQLite is always there");
    let portal = place.start().await;
    let addr = portal.portal.addr();
    let body = snapshot("evt_slow", "test.unknown", json!({"id": "x"})).to_string();
    let signature = sign(body.as_bytes(), SECRET, Utc::now());

    // Connections are taken in turn: what answers on the second has the first as well.
    let mut idle = TcpStream::connect(addr).await.expect("connects");
    let mut slow = TcpStream::connect(addr).await.expect("connects");
    let head = format!(
        "POST /webhooks/stripe HTTP/1.1\r\nHost: {addr}\r\nStripe-Signature: {signature}\r\n\
         Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    );
    slow.write_all(head.as_bytes())
        .await
        .expect("sends the head");
    // Says that the body is being read.
    let mut begun = [0_u8; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    tokio::time::timeout(Duration::from_secs(10), slow.read_exact(&mut begun))
        .await
        .expect("the request begins")
        .expect("the request begins");
    assert_eq!(&begun[..12], b"HTTP/1.1 100");
    slow.write_all(&body.as_bytes()[..10])
        .await
        .expect("sends a part");

    let stopping = tokio::spawn(portal.portal.stop());
    eventually("no new connections", async || {
        TcpStream::connect(addr).await.is_err()
    })
    .await;
    assert!(!stopping.is_finished(), "it waits for the request");
    let mut nothing = [0_u8; 1];
    let closed = tokio::time::timeout(Duration::from_secs(10), idle.read(&mut nothing));
    assert_eq!(
        closed.await.expect("closed").unwrap_or(0),
        0,
        "idle connections are closed"
    );

    slow.write_all(&body.as_bytes()[10..])
        .await
        .expect("sends the rest");
    let mut answer = String::new();
    slow.read_to_string(&mut answer)
        .await
        .expect("an answer, then the end");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    tokio::time::timeout(Duration::from_secs(5), stopping)
        .await
        .expect("stops")
        .expect("stops");

    let portal = place.start().await;
    assert_eq!(
        portal.count("webhook_event").await,
        1,
        "the answered event is there"
    );
}
