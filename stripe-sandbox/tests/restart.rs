use serde_json::json;

use crate::support::{Receiver, Sandbox, id};

#[tokio::test]
async fn accounts_transfers_and_keys_survive_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("state.json");
    let sandbox = Sandbox::keeping(file.clone()).await;
    let account = sandbox.ready_account().await;
    let first = sandbox.transfer(&account, 1_000, "payout-1").await;
    // Already on disk when it is answered: a killed process loses nothing.
    let text = std::fs::read_to_string(&file).expect("a state file");
    assert!(text.contains(id(&first.json())));
    let receiver = Receiver::start().await;
    sandbox
        .control(
            "endpoints",
            json!({"url": receiver.url, "secret": "whsec_x"}),
        )
        .await
        .ok();
    sandbox.control("webhooks/pause", json!({})).await.ok();
    sandbox
        .control("billing/customer", json!({"name": "Acme"}))
        .await
        .ok();
    sandbox.stop().await;
    assert!(receiver.posted().is_empty());

    let sandbox = Sandbox::keeping(file).await;
    let again = sandbox.transfer(&account, 1_000, "payout-1").await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.text, first.text);
    assert_eq!(sandbox.transfers_made().await, 1);
    assert_eq!(
        sandbox.state().await["accounts"][0]["balance"]["eur"],
        1_000
    );
    // What waited is delivered.
    sandbox.drain().await;
    assert_eq!(receiver.kinds(), ["customer.created"]);
    sandbox.stop().await;
}

#[tokio::test]
async fn seeding_twice_makes_nothing_twice() {
    let sandbox = Sandbox::start().await;
    let calls = json!({"silent": true, "calls": [
        {"path": "accounts", "body": {"id": "acct_seed1", "contact_email": "a@b.example",
                                       "country": "jp", "at": 1_700_000_000}},
        {"path": "transfers", "body": {"id": "tr_seed1", "destination": "acct_seed1",
                                        "amount": 5000, "currency": "jpy", "at": 1_700_000_100}},
        {"path": "billing/customer", "body": {"id": "cus_seed1", "name": "Acme"}},
        {"path": "billing/invoice_paid", "body": {"id": "in_seed1", "customer": "cus_seed1",
                                                   "currency": "jpy", "amount": 9000}},
    ]});
    sandbox.control("batch", calls.clone()).await.ok();
    let before = sandbox.state().await;
    sandbox.control("batch", calls).await.ok();
    let after = sandbox.state().await;
    assert_eq!(before["counts"], after["counts"]);
    assert_eq!(after["counts"].get("event"), None, "silent makes no events");
    assert_eq!(after["transfers"][0]["created"], 1_700_000_100);
    assert_eq!(after["balance"]["jpy"], 100_000_000_000_i64 - 5_000 + 9_000);
}

#[tokio::test]
async fn the_control_interface_takes_json_from_programs_only() {
    let sandbox = Sandbox::start().await;
    let url = format!("{}/_sandbox/balance", sandbox.base);
    let body = r#"{"currency": "eur", "amount": 0}"#;
    let plain = sandbox
        .client
        .post(&url)
        .body(body)
        .send()
        .await
        .expect("an answer");
    assert_eq!(plain.status(), 400);
    let foreign = sandbox
        .client
        .post(&url)
        .header("Origin", "https://evil.example")
        .header("Content-Type", "application/json")
        .body(body);
    assert_eq!(foreign.send().await.expect("an answer").status(), 400);
    assert_eq!(sandbox.control("nothing", json!({})).await.status, 404);
    assert_eq!(
        sandbox.control("billing/nothing", json!({})).await.status,
        404
    );
    assert_eq!(sandbox.control("balance", json!([1])).await.status, 400);
}
