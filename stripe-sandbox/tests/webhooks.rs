use serde_json::json;
use stripe_sandbox::webhooks::sign;

use crate::support::{Receiver, SECRET, Sandbox, THIN_SECRET, pause};

#[tokio::test]
async fn signatures_verify_with_the_secret_of_their_destination() {
    let receiver = Receiver::start().await;
    let sandbox = Sandbox::posting_to(&receiver).await;
    let body = json!({"contact_email": "a@b.example", "country": "at"});
    sandbox.control("accounts", body).await.ok();
    sandbox
        .control("billing/customer", json!({"name": "Acme"}))
        .await
        .ok();
    sandbox.drain().await;
    let posted = receiver.posted();
    assert!(posted.len() >= 3, "{:?}", receiver.kinds());
    for one in &posted {
        let event = one.event();
        let thin = event["object"] == "v2.core.event";
        let secret = if thin { THIN_SECRET } else { SECRET };
        let time = one
            .signature
            .split(',')
            .next()
            .and_then(|part| part.strip_prefix("t="));
        let time: i64 = time.expect("a time").parse().expect("a number");
        assert_eq!(one.signature, sign(secret, time, &one.body));
        let wall = stripe_sandbox::clock::wall_ms() / 1000;
        assert!((wall - time).abs() < 5);
        if thin {
            assert_eq!(event["related_object"]["type"], "v2.core.account");
            assert!(event.get("data").is_none(), "thin events carry no data");
        } else {
            assert_eq!(event["api_version"], stripe_sandbox::config::API_VERSION);
            assert_eq!(event["pending_webhooks"], 1);
        }
    }
}

#[tokio::test]
async fn what_is_not_taken_is_sent_again() {
    let receiver = Receiver::start().await;
    let sandbox = Sandbox::posting_to(&receiver).await;
    receiver.refuse(3);
    sandbox
        .control("billing/customer", json!({"name": "Acme"}))
        .await
        .ok();
    sandbox.drain().await;
    assert_eq!(receiver.kinds(), ["customer.created"]);
    let log = sandbox.get("/_sandbox/deliveries").await.ok();
    let outcomes: Vec<_> = log
        .as_array()
        .expect("a list")
        .iter()
        .map(|line| line["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["delivered", "failed", "failed", "failed"]);
    assert_eq!(log[0]["attempt"], 4);
}

#[tokio::test]
async fn events_come_twice_late_reversed_or_never_as_asked() {
    let receiver = Receiver::start().await;
    let sandbox = Sandbox::posting_to(&receiver).await;
    let customer = || sandbox.control("billing/customer", json!({"name": "Acme"}));

    sandbox
        .control("webhooks", json!({"duplicate": 3, "parallel": 3}))
        .await
        .ok();
    customer().await.ok();
    sandbox.drain().await;
    let posted = receiver.posted();
    assert_eq!(posted.len(), 3);
    assert!(
        posted
            .iter()
            .all(|one| one.event()["id"] == posted[0].event()["id"])
    );

    receiver.clear();
    sandbox
        .control("webhooks", json!({"delay_ms": 250}))
        .await
        .ok();
    customer().await.ok();
    pause(80).await;
    assert!(receiver.posted().is_empty());
    sandbox.drain().await;
    assert_eq!(receiver.posted().len(), 1);

    receiver.clear();
    sandbox
        .control("webhooks", json!({"reorder": true, "window_ms": 150}))
        .await
        .ok();
    let made = customer().await.ok();
    let body = json!({"customer": made["id"], "amount": 100, "currency": "usd"});
    sandbox.control("billing/invoice_paid", body).await.ok();
    sandbox.drain().await;
    let kinds = receiver.kinds();
    assert_eq!(kinds.last().map(String::as_str), Some("customer.created"));
    assert_eq!(
        kinds.first().map(String::as_str),
        Some("invoice_payment.paid")
    );

    receiver.clear();
    sandbox.control("webhooks", json!({"drop": 1})).await.ok();
    customer().await.ok();
    customer().await.ok();
    sandbox.drain().await;
    assert_eq!(receiver.posted().len(), 1);
    let log = sandbox.get("/_sandbox/deliveries").await.ok();
    let dropped = log
        .as_array()
        .and_then(|log| log.iter().find(|line| line["outcome"] == "dropped"))
        .expect("a dropped delivery")
        .clone();
    let again = json!({"event": dropped["event"]});
    sandbox.control("webhooks/redeliver", again).await.ok();
    sandbox.drain().await;
    assert_eq!(receiver.posted().len(), 2);

    receiver.clear();
    sandbox.control("webhooks/pause", json!({})).await.ok();
    customer().await.ok();
    pause(80).await;
    assert!(receiver.posted().is_empty());
    sandbox.control("webhooks/resume", json!({})).await.ok();
    sandbox.drain().await;
    assert_eq!(receiver.posted().len(), 1);
}

#[tokio::test]
async fn events_can_be_listed_and_endpoints_added() {
    let receiver = Receiver::start().await;
    let sandbox = Sandbox::start().await;
    let fields = [
        ("url", receiver.url.as_str()),
        ("enabled_events[]", "transfer.created"),
    ];
    let endpoint = sandbox.post("/v1/webhook_endpoints", &fields).await.ok();
    assert!(
        endpoint["secret"]
            .as_str()
            .is_some_and(|secret| secret.starts_with("whsec_"))
    );
    let account = sandbox.ready_account().await;
    sandbox
        .control("billing/customer", json!({"name": "Acme"}))
        .await
        .ok();
    let transfer = sandbox.transfer(&account, 100, "k").await;
    let request_id = transfer.header("request-id").expect("an id").to_owned();
    sandbox.drain().await;
    assert_eq!(receiver.kinds(), ["transfer.created"]);
    let event = receiver.posted()[0].event();
    assert_eq!(event["request"]["id"], request_id.as_str());
    assert_eq!(event["request"]["idempotency_key"], "k");
    let all = sandbox.get("/v1/events?limit=100").await.ok();
    assert_eq!(all["data"].as_array().map(Vec::len), Some(2));
    let some = sandbox.get("/v1/events?type=transfer.*").await.ok();
    assert_eq!(some["data"][0]["id"], event["id"]);
}
