use serde_json::json;

use crate::support::{Sandbox, pause, recipient};

#[tokio::test]
async fn the_same_request_gets_the_same_answer() {
    let sandbox = Sandbox::start().await;
    let account = sandbox.ready_account().await;
    let first = sandbox.transfer(&account, 1500, "payout-1").await;
    let second = sandbox.transfer(&account, 1500, "payout-1").await;
    assert_eq!(first.status, 200);
    assert_eq!(first.header("idempotent-replayed"), None);
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    assert_eq!(
        second.header("original-request"),
        first.header("request-id")
    );
    assert_eq!(first.text, second.text);
    assert_eq!(sandbox.transfers_made().await, 1);
}

#[tokio::test]
async fn another_body_is_refused() {
    let sandbox = Sandbox::start().await;
    let account = sandbox.ready_account().await;
    sandbox.transfer(&account, 1500, "payout-1").await.ok();
    let other = sandbox.transfer(&account, 1600, "payout-1").await;
    assert_eq!(other.status, 400);
    assert_eq!(other.json()["error"]["type"], "idempotency_error");
    assert_eq!(sandbox.transfers_made().await, 1);
}

#[tokio::test]
async fn a_key_in_use_answers_409() {
    let sandbox = Sandbox::start().await;
    let account = sandbox.ready_account().await;
    let slow = json!({"match": {"path_prefix": "/v1/transfers"}, "kind": "slow", "hang_ms": 400});
    sandbox.control("faults", slow).await.ok();
    let (first, second) = tokio::join!(sandbox.transfer(&account, 1500, "payout-1"), async {
        pause(120).await;
        sandbox.transfer(&account, 1500, "payout-1").await
    });
    assert_eq!(first.status, 200);
    assert_eq!(second.status, 409);
    assert_eq!(second.json()["error"]["code"], "idempotency_key_in_use");
    // Once it is done, the answer is replayed.
    let third = sandbox.transfer(&account, 1500, "payout-1").await;
    assert_eq!(third.text, first.text);
}

#[tokio::test]
async fn definite_refusals_are_replayed_and_failed_validation_is_not() {
    let sandbox = Sandbox::start().await;
    let account = sandbox.ready_account().await;
    sandbox
        .control("balance", json!({"currency": "eur", "amount": 100}))
        .await
        .ok();
    let refused = sandbox.transfer(&account, 500, "payout-1").await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["error"]["code"], "balance_insufficient");
    sandbox
        .control("balance", json!({"currency": "eur", "amount": 100_000}))
        .await
        .ok();
    let again = sandbox.transfer(&account, 500, "payout-1").await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.text, refused.text);

    let invalid = sandbox.transfer(&account, 0, "payout-2").await;
    assert_eq!(invalid.status, 400);
    let corrected = sandbox.transfer(&account, 500, "payout-2").await;
    assert_eq!(corrected.status, 200);
}

#[tokio::test]
async fn v1_forgets_after_a_day_by_the_sandbox_clock() {
    let sandbox = Sandbox::start().await;
    let account = sandbox.ready_account().await;
    sandbox.transfer(&account, 1500, "payout-1").await.ok();
    sandbox
        .control("clock", json!({"offset_seconds": 86_400 + 60}))
        .await
        .ok();
    let later = sandbox.transfer(&account, 1500, "payout-1").await;
    assert_eq!(later.header("idempotent-replayed"), None);
    assert_eq!(sandbox.transfers_made().await, 2);
}

#[tokio::test]
async fn v2_keys_work_too() {
    let sandbox = Sandbox::start().await;
    let create = || {
        let request = sandbox
            .v2_request(reqwest::Method::POST, "/v2/core/accounts")
            .header("Idempotency-Key", "partner-7")
            .json(&recipient());
        sandbox.send(request)
    };
    let first = create().await.expect("an answer");
    let second = create().await.expect("an answer");
    assert_eq!(first.status, 200, "{}", first.text);
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    assert_eq!(first.text, second.text);
}
