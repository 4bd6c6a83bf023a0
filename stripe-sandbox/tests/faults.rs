use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Got, Sandbox};

/// Prepares a fault on transfers and makes one.
async fn hit(sandbox: &Sandbox, account: &str, fault: Value) -> Result<Got, reqwest::Error> {
    sandbox.control("faults", fault).await.ok();
    let fields = [
        ("amount", "1500"),
        ("currency", "eur"),
        ("destination", account),
    ];
    let request = sandbox
        .form("/v1/transfers", &fields)
        .header("Idempotency-Key", "payout-1")
        .timeout(Duration::from_secs(3));
    sandbox.send(request).await
}

fn fault(kind: &str) -> Value {
    json!({"match": {"method": "POST", "path_prefix": "/v1/transfers"}, "kind": kind,
           "hang_ms": 200})
}

#[tokio::test]
async fn status_faults_do_nothing_and_keep_nothing() {
    let sandbox = Sandbox::start().await;
    let account = sandbox.ready_account().await;
    for (kind, status, error) in [
        ("status_429", 429, "invalid_request_error"),
        ("status_500", 500, "api_error"),
    ] {
        let got = hit(&sandbox, &account, fault(kind))
            .await
            .expect("an answer");
        assert_eq!(got.status, status);
        assert_eq!(got.json()["error"]["type"], error);
        assert_eq!(sandbox.transfers_made().await, 0);
    }
    sandbox.transfer(&account, 1500, "payout-1").await.ok();
    assert_eq!(sandbox.transfers_made().await, 1);
}

#[tokio::test]
async fn a_stored_500_is_replayed() {
    let sandbox = Sandbox::start().await;
    let account = sandbox.ready_account().await;
    let mut stored = fault("status_500");
    stored["stored"] = json!(true);
    assert_eq!(
        hit(&sandbox, &account, stored)
            .await
            .expect("an answer")
            .status,
        500
    );
    let again = sandbox.transfer(&account, 1500, "payout-1").await;
    assert_eq!(
        (again.status, again.header("idempotent-replayed")),
        (500, Some("true"))
    );
    assert_eq!(sandbox.transfers_made().await, 0);
}

#[tokio::test]
async fn nothing_happens_before_a_timeout_or_a_reset() {
    for kind in ["timeout_before", "connection_reset"] {
        let sandbox = Sandbox::start().await;
        let account = sandbox.ready_account().await;
        let begun = Instant::now();
        let got = hit(&sandbox, &account, fault(kind)).await;
        assert!(got.is_err(), "{kind} must not answer");
        assert!(kind == "connection_reset" || begun.elapsed() >= Duration::from_millis(200));
        assert_eq!(sandbox.transfers_made().await, 0, "{kind}");
    }
}

#[tokio::test]
async fn the_work_is_done_after_which_the_answer_is_lost() {
    for kind in [
        "timeout_after",
        "connection_reset_after",
        "garbage_200",
        "status_500_after",
    ] {
        let sandbox = Sandbox::start().await;
        let account = sandbox.ready_account().await;
        match (kind, hit(&sandbox, &account, fault(kind)).await) {
            ("garbage_200", Ok(got)) => {
                assert_eq!(got.status, 200);
                assert!(serde_json::from_str::<Value>(&got.text).is_err());
            }
            ("status_500_after", Ok(got)) => assert_eq!(got.status, 500),
            (_, Ok(got)) => panic!("{kind} answered {}", got.status),
            (_, Err(_)) => {}
        }
        assert_eq!(sandbox.transfers_made().await, 1, "{kind}");
        // The same key finds out what happened and moves nothing twice.
        let again = sandbox.transfer(&account, 1500, "payout-1").await;
        assert_eq!(again.header("idempotent-replayed"), Some("true"), "{kind}");
        assert_eq!(sandbox.transfers_made().await, 1, "{kind}");
    }
}

#[tokio::test]
async fn a_fault_hits_as_often_as_asked_and_only_what_it_matches() {
    let sandbox = Sandbox::start().await;
    let twice = json!({"match": {"path_prefix": "/v1/balance"}, "kind": "status_500", "times": 2});
    sandbox.control("faults", twice).await.ok();
    assert_eq!(sandbox.get("/v1/transfers").await.status, 200);
    assert_eq!(sandbox.get("/v1/balance").await.status, 500);
    assert_eq!(sandbox.get("/v1/balance").await.status, 500);
    assert_eq!(sandbox.get("/v1/balance").await.status, 200);
}

#[tokio::test]
async fn errors_look_like_stripes() {
    let sandbox = Sandbox::start().await;
    let unknown = sandbox.get("/v1/unicorns").await;
    assert_eq!(unknown.status, 404);
    assert_eq!(unknown.json()["error"]["type"], "invalid_request_error");
    assert!(
        unknown
            .header("request-id")
            .is_some_and(|id| id.starts_with("req_"))
    );
    assert!(unknown.json()["error"]["request_log_url"].is_string());

    let missing = sandbox.get("/v1/transfers/tr_missing").await;
    assert_eq!(missing.status, 404);
    assert_eq!(missing.json()["error"]["code"], "resource_missing");

    let url = format!("{}/v1/balance", sandbox.base);
    let keyless = sandbox.client.get(&url).send().await.expect("an answer");
    assert_eq!(keyless.status(), 401);
    let live = sandbox
        .client
        .get(&url)
        .bearer_auth("sk_live_1")
        .send()
        .await
        .expect("an answer");
    assert_eq!(live.status(), 401);

    let typo = sandbox.post("/v1/transfers", &[("ammount", "1")]).await;
    assert_eq!(typo.json()["error"]["code"], "parameter_unknown");
}
