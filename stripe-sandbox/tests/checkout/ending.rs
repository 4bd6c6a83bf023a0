//! How a session ends without money.

use serde_json::{Value, json};

use super::{SESSIONS, open, pay};
use crate::support::{Receiver, Sandbox, id};

#[tokio::test]
async fn an_open_session_expires_when_it_is_told_to() {
    let receiver = Receiver::start().await;
    let sandbox = Sandbox::posting_to(&receiver).await;
    let session = open(&sandbox, &[]).await;
    sandbox.drain().await;
    receiver.clear();

    let path = format!("{SESSIONS}/{}/expire", id(&session));
    let expired = sandbox.post(&path, &[]).await.ok();
    let mut wanted = session.clone();
    wanted["status"] = json!("expired");
    wanted["url"] = Value::Null;
    assert_eq!(expired, wanted);
    let read = sandbox.get(&format!("{SESSIONS}/{}", id(&session))).await;
    assert_eq!(read.ok(), expired);
    let list = sandbox.get(&format!("{SESSIONS}?status=expired")).await;
    assert_eq!(list.ok()["data"], json!([expired]));
    sandbox.drain().await;
    assert_eq!(receiver.kinds(), ["checkout.session.expired"]);
    assert_eq!(receiver.posted()[0].event()["data"]["object"], expired);

    // It neither expires again nor is it paid, and nothing more is told.
    let again = sandbox.post(&path, &[]).await;
    assert_eq!(again.status, 400);
    let error = &again.json()["error"];
    assert_eq!(error["type"], "invalid_request_error");
    let message = error["message"].as_str().expect("a sentence");
    assert!(message.ends_with("has a status of expired."), "{message}");
    let pay = format!("checkout/sessions/{}/pay", id(&session));
    let refused = sandbox.control(&pay, json!({})).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert_eq!(refused.json()["error"]["type"], "invalid_request_error");
    sandbox.drain().await;
    assert_eq!(receiver.kinds().len(), 1);
    let missing = format!("{SESSIONS}/cs_missing/expire");
    assert_eq!(sandbox.post(&missing, &[]).await.status, 404);
}

#[tokio::test]
async fn a_finished_session_does_not_expire() {
    let sandbox = Sandbox::start().await;
    let session = open(&sandbox, &[]).await;
    let paid = pay(&sandbox, &session, json!({})).await;
    let path = format!("{SESSIONS}/{}/expire", id(&session));
    let refused = sandbox.post(&path, &[]).await;
    assert_eq!(refused.status, 400);
    let message = refused.json()["error"]["message"].clone();
    let message = message.as_str().expect("a sentence");
    assert!(message.ends_with("has a status of complete."), "{message}");
    let read = sandbox.get(&format!("{SESSIONS}/{}", id(&session))).await;
    assert_eq!(read.ok(), paid);
}

#[tokio::test]
async fn when_its_time_is_over_a_session_cannot_be_paid() {
    let sandbox = Sandbox::start().await;
    let session = open(&sandbox, &[]).await;
    let end = session["expires_at"].as_i64().expect("a time");
    let path = format!("checkout/sessions/{}/pay", id(&session));
    let refused = sandbox.control(&path, json!({"at": end})).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["error"]["type"], "invalid_request_error");
    let read = sandbox.get(&format!("{SESSIONS}/{}", id(&session))).await;
    assert_eq!(read.ok(), session);
    let paid = pay(&sandbox, &session, json!({"at": end - 1})).await;
    assert_eq!(paid["payment_status"], "paid");
}

#[tokio::test]
async fn a_bank_debit_is_refused_later() {
    let receiver = Receiver::start().await;
    let sandbox = Sandbox::posting_to(&receiver).await;
    let balance = sandbox.state().await["balance"]["eur"].clone();
    let session = open(&sandbox, &[]).await;
    let waiting = pay(&sandbox, &session, json!({"delayed": true})).await;
    sandbox.drain().await;
    receiver.clear();

    let path = format!("checkout/sessions/{}/fail", id(&session));
    let failed = sandbox.control(&path, json!({})).await.ok();
    assert_eq!(failed, waiting, "complete and unpaid, as before");
    assert_eq!(
        (&failed["status"], &failed["payment_status"]),
        (&json!("complete"), &json!("unpaid"))
    );
    let intent = sandbox.intent(&failed["payment_intent"]).await;
    for (field, wanted) in [
        ("status", json!("requires_payment_method")),
        ("amount_received", json!(0)),
        ("payment_method", Value::Null),
    ] {
        assert_eq!(intent[field], wanted, "{field}");
    }
    let charge = &intent["latest_charge"];
    assert_eq!(
        (&charge["status"], &charge["paid"]),
        (&json!("failed"), &json!(false))
    );
    assert_eq!(charge["failure_code"], "insufficient_funds");
    assert_eq!(intent["last_payment_error"]["charge"], charge["id"]);
    assert_eq!(intent["last_payment_error"]["code"], charge["failure_code"]);
    assert_eq!(sandbox.state().await["balance"]["eur"], balance);
    let refund = [("charge", id(charge))];
    assert_eq!(sandbox.post("/v1/refunds", &refund).await.status, 400);

    sandbox.drain().await;
    assert_eq!(
        receiver.kinds(),
        [
            "charge.failed",
            "payment_intent.payment_failed",
            "checkout.session.async_payment_failed",
        ]
    );
    assert_eq!(receiver.posted()[2].event()["data"]["object"], failed);
    // What has failed neither fails again nor arrives after all.
    for end in ["fail", "settle"] {
        let path = format!("checkout/sessions/{}/{end}", id(&session));
        assert_eq!(sandbox.control(&path, json!({})).await.status, 400, "{end}");
    }
}

#[tokio::test]
async fn only_a_debit_that_is_under_way_is_refused() {
    let sandbox = Sandbox::start().await;
    let open = open(&sandbox, &[]).await;
    let path = format!("checkout/sessions/{}/fail", id(&open));
    assert_eq!(sandbox.control(&path, json!({})).await.status, 400);
    let paid = pay(&sandbox, &open, json!({})).await;
    assert_eq!(sandbox.control(&path, json!({})).await.status, 400);
    let read = sandbox.get(&format!("{SESSIONS}/{}", id(&open))).await;
    assert_eq!(read.ok(), paid);
}
