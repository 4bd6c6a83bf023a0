//! Being asked to stop.

use std::time::Duration;

use chrono::Utc;
use serde_json::json;
use stripe_gateway::webhook::sign;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Engine, Place, SECRET, snapshot};

#[tokio::test]
async fn what_has_begun_is_finished_and_nothing_new_begins() {
    let place = Place::new(Engine::Sqlite)
        .await
        .expect("SQLite is always there");
    let portal = place.start().await;
    let addr = portal.portal.addr();
    let body = snapshot("evt_slow", "test.unknown", json!({"id": "x"})).to_string();
    let signature = sign(body.as_bytes(), SECRET, Utc::now());

    let mut slow = TcpStream::connect(addr).await.expect("connects");
    let head = format!(
        "POST /webhooks/stripe HTTP/1.1\r\nHost: {addr}\r\nStripe-Signature: {signature}\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    slow.write_all(head.as_bytes())
        .await
        .expect("sends the head");
    slow.write_all(&body.as_bytes()[..10])
        .await
        .expect("sends a part");
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut idle = TcpStream::connect(addr).await.expect("connects");
    tokio::time::sleep(Duration::from_millis(100)).await;

    let stopping = tokio::spawn(portal.portal.stop());
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!stopping.is_finished(), "it waits for the request");
    assert!(
        TcpStream::connect(addr).await.is_err(),
        "no new connections"
    );
    let mut nothing = [0_u8; 1];
    assert_eq!(
        idle.read(&mut nothing).await.unwrap_or(0),
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
