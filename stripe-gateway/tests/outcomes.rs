//! How each way a call can go wrong is understood, and that none of them pays twice.

use std::time::{Duration, Instant};

use domain::money::{Currency, Money};
use rstest::rstest;
use serde_json::json;
use stripe_gateway::{CallError, Config, Gateway, StripeGateway};
use tokio::net::TcpListener;

use crate::sandbox::{Sandbox, new_recipient, new_transfer};

/// Of a gateway whose call is answered; a slow machine has this long.
const PATIENCE: Duration = Duration::from_secs(10);

/// Of a gateway whose call hangs, for half a minute unless it gives up.
const LITTLE_PATIENCE: Duration = Duration::from_secs(2);

fn patience(fault: &str) -> Duration {
    match fault {
        "timeout_before" | "timeout_after" => LITTLE_PATIENCE,
        _ => PATIENCE,
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Is {
    Definite,
    Unknown,
    RateLimited,
    NotSent,
}

fn is(err: &CallError) -> Is {
    match err {
        CallError::Definite { .. } => Is::Definite,
        CallError::Unknown { .. } => Is::Unknown,
        CallError::RateLimited { .. } => Is::RateLimited,
        CallError::NotSent { .. } => Is::NotSent,
    }
}

#[rstest]
#[case::too_many("status_429", Is::RateLimited, 0)]
#[case::broken_before("status_500", Is::Unknown, 0)]
#[case::broken_after("status_500_after", Is::Unknown, 1)]
#[case::hangs_before("timeout_before", Is::Unknown, 0)]
#[case::hangs_after("timeout_after", Is::Unknown, 1)]
#[case::unreadable("garbage_200", Is::Unknown, 1)]
#[case::cut_before("connection_reset", Is::Unknown, 0)]
#[case::cut_after("connection_reset_after", Is::Unknown, 1)]
#[tokio::test]
async fn a_transfer_that_goes_wrong(
    #[case] fault: &str,
    #[case] expected: Is,
    #[case] sent: usize,
) {
    let sandbox = Sandbox::start().await;
    let account = sandbox.ready_account().await;
    let gateway = sandbox.gateway_as("sk_test_portico", patience(fault));
    let new = new_transfer(&account);

    sandbox.fault("/v1/transfers", fault, json!({})).await;
    let began = Instant::now();
    let err = gateway.create_transfer(&new, "payout-7").await.unwrap_err();
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "a call ends in time"
    );
    assert_eq!(is(&err), expected, "{err}");
    assert_eq!(err.may_have_happened(), expected == Is::Unknown);

    // Asking settles it.
    let gateway = sandbox.gateway();
    let found = gateway.find_transfers(&new.transfer_group).await.unwrap();
    assert_eq!(found.len(), sent);
    // And the same key is the same transfer, whatever happened.
    let settled = gateway.create_transfer(&new, "payout-7").await.unwrap();
    assert!(found.is_empty() || found[0].id == settled.id);
    assert_eq!(sandbox.transfers().await, 1);
}

#[tokio::test]
async fn a_kept_500_stays_unknown() {
    let sandbox = Sandbox::start().await;
    let account = sandbox.ready_account().await;
    let gateway = sandbox.gateway();
    sandbox
        .fault("/v1/transfers", "status_500", json!({"stored": true}))
        .await;
    for _ in 0..2 {
        let err = gateway
            .create_transfer(&new_transfer(&account), "payout-7")
            .await
            .unwrap_err();
        assert_eq!(is(&err), Is::Unknown, "{err}");
    }
    assert_eq!(gateway.find_transfers("payout-7").await.unwrap(), []);
}

#[tokio::test]
async fn a_key_in_use_is_no_refusal() {
    let sandbox = Sandbox::start().await;
    let account = sandbox.ready_account().await;
    let gateway = sandbox.gateway();
    sandbox
        .fault("/v1/transfers", "slow", json!({"hang_ms": 3000}))
        .await;
    let new = new_transfer(&account);
    let (first, second) = tokio::join!(gateway.create_transfer(&new, "payout-7"), async {
        sandbox.fault_taken().await;
        gateway.create_transfer(&new, "payout-7").await
    });
    let first = first.unwrap();
    let err = second.unwrap_err();
    assert_eq!(is(&err), Is::Unknown, "{err}");
    assert_eq!(
        gateway.create_transfer(&new, "payout-7").await.unwrap(),
        first
    );
    assert_eq!(sandbox.transfers().await, 1);
}

#[tokio::test]
async fn a_key_used_for_something_else_is_no_refusal() {
    let sandbox = Sandbox::start().await;
    let account = sandbox.ready_account().await;
    let gateway = sandbox.gateway();
    let mut new = new_transfer(&account);
    gateway.create_transfer(&new, "payout-7").await.unwrap();
    new.amount = Money::new(1, Currency::EUR);
    let err = gateway.create_transfer(&new, "payout-7").await.unwrap_err();
    assert_eq!(is(&err), Is::Unknown, "{err}");
}

#[tokio::test]
async fn refusals_are_definite() {
    let sandbox = Sandbox::start().await;
    let account = sandbox.ready_account().await;
    let gateway = sandbox.gateway();

    sandbox
        .does("balance", json!({"currency": "eur", "amount": 100}))
        .await;
    let poor = gateway
        .create_transfer(&new_transfer(&account), "poor")
        .await
        .unwrap_err();
    assert!(
        is(&poor) == Is::Definite && poor.is_insufficient_balance(),
        "{poor}"
    );
    assert!(!poor.is_passing());

    let nobody = gateway
        .create_transfer(&new_transfer("acct_nobody"), "nobody")
        .await;
    assert_eq!(is(&nobody.unwrap_err()), Is::Definite);

    let new = gateway
        .create_recipient(&new_recipient(), "new")
        .await
        .unwrap();
    let unready = gateway
        .create_transfer(&new_transfer(&new.id), "unready")
        .await
        .unwrap_err();
    assert!(
        is(&unready) == Is::Definite && !unready.is_insufficient_balance(),
        "{unready}"
    );

    let stranger = sandbox.gateway_as("sk_live_stranger", PATIENCE);
    for err in [
        stranger
            .create_transfer(&new_transfer(&account), "k")
            .await
            .unwrap_err(),
        stranger.recipient(&account).await.unwrap_err(),
    ] {
        assert!(
            matches!(err, CallError::Definite { status: 401, .. }),
            "{err}"
        );
    }
    assert_eq!(sandbox.transfers().await, 0);
}

#[rstest]
#[case::too_many("status_429", Is::RateLimited)]
#[case::broken_after("status_500_after", Is::Unknown)]
#[case::hangs_after("timeout_after", Is::Unknown)]
#[case::unreadable("garbage_200", Is::Unknown)]
#[case::cut_after("connection_reset_after", Is::Unknown)]
#[tokio::test]
async fn an_account_that_goes_wrong(#[case] fault: &str, #[case] expected: Is) {
    let sandbox = Sandbox::start().await;
    let gateway = sandbox.gateway_as("sk_test_portico", patience(fault));
    sandbox.fault("/v2/core/accounts", fault, json!({})).await;
    let err = gateway
        .create_recipient(&new_recipient(), "partner-1")
        .await
        .unwrap_err();
    assert_eq!(is(&err), expected, "{err}");
    let settled = gateway
        .create_recipient(&new_recipient(), "partner-1")
        .await
        .unwrap();
    let accounts = sandbox.get("v2/core/accounts").await;
    assert_eq!(accounts["data"].as_array().unwrap().len(), 1);
    assert_eq!(accounts["data"][0]["id"], settled.id.as_str());
}

#[tokio::test]
async fn what_never_left_is_not_sent() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let gateway = StripeGateway::new(Config {
        api_base: Some(base),
        ..Config::new("sk_test_1")
    })
    .unwrap();
    let v1 = gateway
        .create_transfer(&new_transfer("acct_1"), "k")
        .await
        .unwrap_err();
    let v2 = gateway
        .create_recipient(&new_recipient(), "k")
        .await
        .unwrap_err();
    for err in [&v1, &v2] {
        assert!(
            is(err) == Is::NotSent && !err.may_have_happened() && err.is_passing(),
            "{err}"
        );
    }
    // A key Stripe would not take is not sent either.
    for key in ["", &"k".repeat(256)] {
        let err = gateway
            .create_transfer(&new_transfer("acct_1"), key)
            .await
            .unwrap_err();
        assert_eq!(is(&err), Is::NotSent, "{err}");
    }
}

#[tokio::test]
async fn missing_objects_and_strange_ids() {
    let sandbox = Sandbox::start().await;
    let gateway = sandbox.gateway();
    for id in [
        "in_nobody",
        "",
        "../customers/cus_1",
        "in_1?expand=x",
        "in 1",
        "in_\u{e4}",
    ] {
        let err = gateway.invoice(id).await.unwrap_err();
        assert!(err.is_missing(), "{id}: {err}");
    }
    assert!(
        gateway
            .recipient("acct_nobody")
            .await
            .unwrap_err()
            .is_missing()
    );
}

#[rstest]
#[case::no_scheme("api.stripe.com")]
#[case::other_scheme("ftp://api.stripe.com")]
#[case::nonsense("https://")]
fn an_address_that_cannot_be_used(#[case] base: &str) {
    let config = Config {
        api_base: Some(base.to_owned()),
        ..Config::new("sk_test_1")
    };
    assert!(StripeGateway::new(config).is_err());
}

#[test]
fn the_key_is_never_printed() {
    let config = Config::new("sk_test_secret");
    let printed = format!(
        "{config:?} {:?}",
        StripeGateway::new(config.clone()).unwrap()
    );
    assert!(!printed.contains("secret"), "{printed}");
    assert!(StripeGateway::new(Config::new("sk_test\n")).is_err());
}
