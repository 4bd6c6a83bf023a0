//! What comes in from outside, signed or not.

use chrono::{TimeDelta, Utc};
use rstest::rstest;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use stripe_gateway::webhook::sign;

use crate::support::{
    CONNECT_SECRET, Engine, Place, Running, SECRET, THIN_SECRET, eventually, snapshot,
};

/// The one stored event.
async fn stored(portal: &Running) -> entity::webhook_event::Model {
    let rows = entity::webhook_event::Entity::find()
        .all(portal.db.reader())
        .await
        .expect("reads");
    assert_eq!(rows.len(), 1, "one event is stored");
    rows.into_iter().next().expect("the first of one")
}

/// Waits until the event is neither waiting nor being worked on, and says how it ended.
async fn ended(portal: &Running) -> entity::webhook_event::Model {
    eventually("the event was worked off", async || {
        stored(portal).await.status != "received"
    })
    .await;
    stored(portal).await
}

/// Nothing that money depends on was written.
async fn nothing_was_booked(portal: &Running) {
    for table in [
        "invoice",
        "invoice_line",
        "commission",
        "ledger_transaction",
        "posting",
    ] {
        assert_eq!(portal.count(table).await, 0, "{table}");
    }
}

/// Bodies and signatures that are refused, each with its status and the word that says why.
#[rstest]
#[tokio::test]
async fn refused_with_a_reason_and_nothing_stored(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(place) = Place::new(engine).await else {
        return;
    };
    let portal = place.start().await;
    let event = snapshot(
        "evt_1",
        "invoice.paid",
        json!({"id": "in_1", "object": "invoice"}),
    );
    let body = event.to_string();
    let bytes = body.as_bytes();
    let now = Utc::now();
    let right = sign(bytes, SECRET, now);
    let truncated = &bytes[..bytes.len() / 2];
    let noise: Vec<u8> = (0..2 * 1024 * 1024_u32)
        .map(|i| (i.wrapping_mul(31) >> 3) as u8)
        .collect();
    let no_event = br#"{"hello":"world"}"#;
    let not_text = b"\xff\xfe{}".to_vec();
    type Case<'a> = (&'a str, Vec<u8>, Option<String>, u16, &'a str);
    let cases: Vec<Case<'_>> = vec![
        ("missing", bytes.to_vec(), None, 400, "missing"),
        ("empty", bytes.to_vec(), Some(String::new()), 400, "missing"),
        (
            "other secret",
            bytes.to_vec(),
            Some(sign(bytes, "whsec_other", now)),
            400,
            "no webhook secret",
        ),
        (
            "malformed",
            bytes.to_vec(),
            Some("v1=00".to_owned()),
            400,
            "no time",
        ),
        (
            "stale",
            bytes.to_vec(),
            Some(sign(bytes, SECRET, now - TimeDelta::minutes(6))),
            400,
            "behind",
        ),
        (
            "from the future",
            bytes.to_vec(),
            Some(sign(bytes, SECRET, now + TimeDelta::minutes(6))),
            400,
            "ahead",
        ),
        (
            "another body",
            b"{}".to_vec(),
            Some(right.clone()),
            400,
            "no webhook secret",
        ),
        (
            "truncated on the way",
            truncated.to_vec(),
            Some(right),
            400,
            "no webhook secret",
        ),
        (
            "truncated before signing",
            truncated.to_vec(),
            Some(sign(truncated, SECRET, now)),
            400,
            "not complete JSON",
        ),
        (
            "no event",
            no_event.to_vec(),
            Some(sign(no_event, SECRET, now)),
            400,
            "not a Stripe event",
        ),
        (
            "no text",
            not_text.clone(),
            Some(sign(&not_text, SECRET, now)),
            400,
            "JSON",
        ),
        (
            "noise",
            noise.clone(),
            Some(sign(&noise, SECRET, now)),
            413,
            "larger",
        ),
    ];
    for (name, body, signature, status, says) in cases {
        let (got, text) = portal.post_webhook(body, signature.as_deref()).await;
        assert_eq!(got, status, "{name}: {text}");
        assert!(text.contains(says), "{name}: {text}");
    }
    assert_eq!(portal.count("webhook_event").await, 0);
    let get = portal.get("/webhooks/stripe").await;
    assert_eq!(get.status(), 405);
}

#[tokio::test]
async fn a_body_that_ends_too_early_is_refused() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let place = Place::new(Engine::Sqlite)
        .await
        .expect("SQLite is always there");
    let portal = place.start().await;
    let mut stream = tokio::net::TcpStream::connect(portal.portal.addr())
        .await
        .expect("connects");
    let head = "POST /webhooks/stripe HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{\"id\":";
    stream.write_all(head.as_bytes()).await.expect("sends");
    stream.shutdown().await.expect("ends");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    assert_eq!(portal.count("webhook_event").await, 0);
}

#[rstest]
#[tokio::test]
async fn an_event_is_stored_once_however_often_it_comes(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(place) = Place::new(engine).await else {
        return;
    };
    let portal = place.start().await;
    let event = snapshot(
        "evt_twice",
        "some.later.type",
        json!({"id": "x_1", "object": "x"}),
    );
    let many = futures::future::join_all((0..12).map(|_| portal.event(&event))).await;
    assert!(many.iter().all(|(status, _)| *status == 200), "{many:?}");
    assert_eq!(
        many.iter()
            .filter(|(_, text)| text.contains("stored"))
            .count(),
        1
    );
    let row = ended(&portal).await;
    assert_eq!(row.status, "ignored", "a type nobody knows");
    assert_eq!(row.payload, event.to_string(), "kept as it came");
    let (status, text) = portal.event(&event).await;
    assert_eq!((status, text.contains("before")), (200, true));
    nothing_was_booked(&portal).await;
}

#[tokio::test]
async fn thin_events_are_taken_too() {
    let place = Place::new(Engine::Sqlite)
        .await
        .expect("SQLite is always there");
    let portal = place.start().await;
    let event = json!({
        "id": "evt_thin", "object": "v2.core.event", "livemode": false,
        "type": "v2.core.account[requirements].updated", "created": "2026-11-20T10:00:00.000Z",
        "related_object": {"id": "acct_x", "type": "v2.core.account", "url": "/v2/core/accounts/acct_x"},
    });
    assert_eq!(portal.event_signed(&event, THIN_SECRET).await.0, 200);
    assert_eq!(ended(&portal).await.event_id, "evt_thin");
}

/// Each kind of event with each secret: only its own opens the way, and nothing else is stored.
#[rstest]
#[tokio::test]
async fn a_secret_signs_only_its_own_kind_of_event(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(place) = Place::new(engine).await else {
        return;
    };
    let portal = place.start().await;
    let thin = json!({
        "id": "evt_thin", "object": "v2.core.event", "livemode": false,
        "type": "v2.core.account[requirements].updated", "created": "2026-11-20T10:00:00.000Z",
        "related_object": {"id": "acct_x", "type": "v2.core.account", "url": "/v2/core/accounts/acct_x"},
    });
    let own = snapshot(
        "evt_own",
        "invoice.paid",
        json!({"id": "in_1", "object": "invoice"}),
    );
    let mut connected = snapshot(
        "evt_po",
        "payout.paid",
        json!({"id": "po_1", "object": "payout"}),
    );
    connected["account"] = json!("acct_x");
    let secrets = [SECRET, CONNECT_SECRET, THIN_SECRET];
    for (event, right) in [
        (&own, SECRET),
        (&connected, CONNECT_SECRET),
        (&thin, THIN_SECRET),
    ] {
        let before = portal.count("webhook_event").await;
        for wrong in secrets.into_iter().filter(|secret| *secret != right) {
            let (status, text) = portal.event_signed(event, wrong).await;
            assert_eq!(status, 400, "{} by {wrong}: {text}", event["type"]);
            assert!(text.contains("no webhook secret for"), "{text}");
        }
        assert_eq!(portal.count("webhook_event").await, before);
        let (status, text) = portal.event_signed(event, right).await;
        assert_eq!((status, text.contains("stored")), (200, true), "{text}");
    }
}

/// What a connected account bills, and what happened in the other mode, is answered and kept, and
/// earns nothing: neither by the platform's secret nor by that of connected accounts.
#[rstest]
#[case::own_customers(
    Some("acct_of_a_partner"),
    false,
    "connected account acct_of_a_partner"
)]
#[case::live_events(None, true, "live mode")]
#[case::live_events_of_an_account(Some("acct_of_a_partner"), true, "live mode")]
#[tokio::test]
async fn foreign_events_are_kept_and_ignored_with_the_reason(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
    #[case] account: Option<&str>,
    #[case] live: bool,
    #[case] says: &str,
) {
    let Some(place) = Place::new(engine).await else {
        return;
    };
    let portal = place.start().await;
    let mut event = snapshot(
        "evt_foreign",
        "invoice.paid",
        invoice("eur", json!(5_000_000)),
    );
    event["livemode"] = json!(live);
    if let Some(account) = account {
        event["account"] = json!(account);
    }
    let secret = if account.is_some() {
        CONNECT_SECRET
    } else {
        SECRET
    };
    let (status, text) = portal.event_signed(&event, secret).await;
    assert_eq!(status, 200, "{text}");
    let row = ended(&portal).await;
    assert_eq!(row.status, "ignored", "{:?}", row.error);
    let why = row.error.expect("a reason");
    assert!(why.contains(says), "{why}");
    assert_eq!(portal.count("customer").await, 0);
    nothing_was_booked(&portal).await;
    if account.is_some() {
        // The endpoint of the platform hears of it as well: foreign all the same.
        event["id"] = json!("evt_again");
        let (status, text) = portal.event(&event).await;
        assert_eq!((status, text.contains("stored")), (200, true), "{text}");
        eventually("both were worked off", async || {
            let rows = entity::webhook_event::Entity::find()
                .all(portal.db.reader())
                .await;
            rows.expect("reads")
                .iter()
                .all(|row| row.status == "ignored")
        })
        .await;
        nothing_was_booked(&portal).await;
    }
}

fn invoice(currency: &str, amount: Value) -> Value {
    json!({
        "id": "in_odd", "object": "invoice", "customer": "cus_1", "status": "paid",
        "currency": currency, "total": amount, "amount_paid": amount, "subtotal": amount,
        "created": 1_780_000_000, "livemode": false,
        "lines": {"object": "list", "has_more": false, "url": "/", "data": [{
            "id": "il_1", "object": "line_item", "amount": amount, "currency": currency,
            "description": "Seats", "period": {"start": 1_780_000_000, "end": 1_782_000_000},
            "discount_amounts": [], "taxes": [], "pretax_credit_amounts": [],
        }]},
        "status_transitions": {"paid_at": 1_780_000_000, "finalized_at": 1_780_000_000},
    })
}

#[rstest]
#[case::amount_as_text(invoice("eur", json!("12345")))]
#[case::amount_with_a_point(invoice("eur", json!(123.45)))]
#[case::amount_beyond_everything(invoice("eur", json!(1e30)))]
#[case::no_amount(invoice("eur", Value::Null))]
#[case::unknown_currency(invoice("zzq", json!(12_345)))]
#[case::no_currency(invoice("", json!(12_345)))]
#[case::no_object(json!({}))]
#[tokio::test]
async fn what_cannot_be_understood_is_kept_and_books_nothing(#[case] object: Value) {
    let place = Place::new(Engine::Sqlite)
        .await
        .expect("SQLite is always there");
    let portal = place.start().await;
    let (status, text) = portal
        .event(&snapshot("evt_odd", "invoice.paid", object))
        .await;
    assert_eq!(status, 200, "{text}");
    let row = ended(&portal).await;
    assert_eq!(row.status, "failed");
    assert!(
        row.error.is_some_and(|error| !error.is_empty()),
        "it says why"
    );
    nothing_was_booked(&portal).await;
    assert_eq!(
        portal.get("/readyz").await.status(),
        200,
        "the workers go on"
    );
}
