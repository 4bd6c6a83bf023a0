use serde_json::{Value, json};

use super::{open, pay};
use crate::support::{Receiver, Sandbox, id};

async fn charge_of(sandbox: &Sandbox, session: &Value) -> Value {
    sandbox.intent(&session["payment_intent"]).await["latest_charge"].clone()
}

#[tokio::test]
async fn a_session_is_made_paid_and_told_of() {
    let receiver = Receiver::start().await;
    let sandbox = Sandbox::posting_to(&receiver).await;
    let customer = json!({"name": "Acme", "email": "it@acme.example", "silent": true});
    let customer = sandbox.control("billing/customer", customer).await.ok();
    let session = open(
        &sandbox,
        &[
            ("customer", id(&customer)),
            ("client_reference_id", "ref-7"),
            ("metadata[deal]", "17"),
            ("cancel_url", "https://shop.example/cart"),
            ("invoice_creation[enabled]", "false"),
        ],
    )
    .await;
    assert!(id(&session).starts_with("cs_test_"));
    for (field, wanted) in [
        ("amount_subtotal", json!(2_501)),
        ("amount_total", json!(2_501)),
        ("currency", json!("eur")),
        ("status", json!("open")),
        ("payment_status", json!("unpaid")),
        ("payment_intent", Value::Null),
        ("invoice", Value::Null),
        ("customer", customer["id"].clone()),
        ("client_reference_id", json!("ref-7")),
        ("metadata", json!({"deal": "17"})),
    ] {
        assert_eq!(session[field], wanted, "{field}");
    }
    assert_eq!(session["customer_details"]["email"], "it@acme.example");
    let url = session["url"].as_str().expect("an address");
    assert!(url.starts_with(&sandbox.base), "{url}");
    sandbox.drain().await;
    receiver.clear();

    let later = session["created"].as_i64().expect("a time") + 3_600;
    let how = json!({"discount": 100, "tax": 457, "at": later});
    let paid = pay(&sandbox, &session, how).await;
    assert_eq!(
        (&paid["status"], &paid["payment_status"], &paid["url"]),
        (&json!("complete"), &json!("paid"), &Value::Null)
    );
    assert_eq!(
        (&paid["amount_subtotal"], &paid["amount_total"]),
        (&json!(2_501), &json!(2_858))
    );
    assert_eq!(
        paid["total_details"],
        json!({"amount_discount": 100, "amount_shipping": 0, "amount_tax": 457})
    );
    let charge = charge_of(&sandbox, &paid).await;
    assert_eq!(charge["amount"], 2_858);
    assert_eq!(charge["customer"], customer["id"]);
    assert_eq!(charge["created"], later);
    assert_eq!(charge["billing_details"]["email"], "it@acme.example");
    let path = format!("/v1/balance_transactions?source={}", id(&charge));
    assert_eq!(sandbox.get(&path).await.ok()["data"][0]["amount"], 2_858);

    sandbox.drain().await;
    let kinds = [
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ];
    assert_eq!(receiver.kinds(), kinds);
    assert_eq!(receiver.posted()[2].event()["data"]["object"], paid);
    let path = format!("checkout/sessions/{}/pay", id(&paid));
    assert_eq!(sandbox.control(&path, json!({})).await.status, 400);
    let path = format!("checkout/sessions/{}/settle", id(&paid));
    assert_eq!(sandbox.control(&path, json!({})).await.status, 400);
}

#[tokio::test]
async fn a_bank_debit_arrives_later() {
    let receiver = Receiver::start().await;
    let sandbox = Sandbox::posting_to(&receiver).await;
    let balance = sandbox.state().await["balance"]["eur"].clone();
    let session = open(&sandbox, &[]).await;
    sandbox.drain().await;
    receiver.clear();

    let waiting = pay(&sandbox, &session, json!({"delayed": true})).await;
    assert_eq!(
        (&waiting["status"], &waiting["payment_status"]),
        (&json!("complete"), &json!("unpaid"))
    );
    let charge = charge_of(&sandbox, &waiting).await;
    assert_eq!(
        (&charge["status"], &charge["paid"]),
        (&json!("pending"), &json!(false))
    );
    assert_eq!(charge["balance_transaction"], Value::Null);
    assert_eq!(charge["payment_method_details"]["type"], "sepa_debit");
    assert_eq!(sandbox.state().await["balance"]["eur"], balance);
    let refund = [("charge", id(&charge))];
    assert_eq!(sandbox.post("/v1/refunds", &refund).await.status, 400);
    let dispute = json!({"charge": charge["id"]});
    assert_eq!(
        sandbox.control("billing/dispute", dispute).await.status,
        400
    );

    let path = format!("checkout/sessions/{}/settle", id(&session));
    let paid = sandbox.control(&path, json!({})).await.ok();
    assert_eq!(paid["payment_status"], "paid");
    assert_eq!(paid["payment_intent"], waiting["payment_intent"]);
    let arrived = charge_of(&sandbox, &paid).await;
    assert_eq!(
        (&arrived["id"], &arrived["status"]),
        (&charge["id"], &json!("succeeded"))
    );
    let balance = balance.as_i64().unwrap_or(0) + 2_501;
    assert_eq!(sandbox.state().await["balance"]["eur"], balance);
    assert_eq!(sandbox.control(&path, json!({})).await.status, 400);

    sandbox.drain().await;
    assert_eq!(
        receiver.kinds(),
        [
            "charge.pending",
            "payment_intent.processing",
            "checkout.session.completed",
            "charge.succeeded",
            "payment_intent.succeeded",
            "checkout.session.async_payment_succeeded",
        ]
    );
    let events = receiver.posted();
    for (index, wanted) in [(2, "unpaid"), (5, "paid")] {
        let session = &events[index].event()["data"]["object"];
        assert_eq!(session["payment_status"], wanted);
    }
}

#[tokio::test]
async fn a_guest_pays_and_is_refunded() {
    let receiver = Receiver::start().await;
    let sandbox = Sandbox::posting_to(&receiver).await;
    let session = open(&sandbox, &[("customer_email", "first@home.example")]).await;
    assert_eq!(session["customer_email"], "first@home.example");
    assert_eq!(session["customer_details"]["email"], "first@home.example");
    let how = json!({"email": "jo@home.example", "name": "Jo", "country": "fr"});
    let paid = pay(&sandbox, &session, how).await;
    assert_eq!(paid["customer"], Value::Null);
    let details = &paid["customer_details"];
    assert_eq!(
        (&details["email"], &details["name"]),
        (&json!("jo@home.example"), &json!("Jo"))
    );
    assert_eq!(details["address"]["country"], "FR");
    let charge = charge_of(&sandbox, &paid).await;
    assert_eq!(charge["customer"], Value::Null);
    assert_eq!(charge["billing_details"]["address"]["country"], "FR");
    sandbox.drain().await;
    receiver.clear();

    let intent = paid["payment_intent"].as_str().expect("an id");
    let part = [("payment_intent", intent), ("amount", "501")];
    let refund = sandbox.post("/v1/refunds", &part).await.ok();
    assert_eq!(
        (&refund["charge"], &refund["payment_intent"]),
        (&charge["id"], &paid["payment_intent"])
    );
    let rest = [("charge", id(&charge))];
    assert_eq!(
        sandbox.post("/v1/refunds", &rest).await.ok()["amount"],
        2_000
    );
    let charge = charge_of(&sandbox, &paid).await;
    assert_eq!(charge["refunded"], true);
    sandbox.drain().await;
    let kinds = [
        "refund.created",
        "charge.refunded",
        "refund.created",
        "charge.refunded",
    ];
    assert_eq!(receiver.kinds(), kinds);
}

#[tokio::test]
async fn an_invoice_is_made_when_it_is_asked_for() {
    let receiver = Receiver::start().await;
    let sandbox = Sandbox::posting_to(&receiver).await;
    let session = open(&sandbox, &[("invoice_creation[enabled]", "true")]).await;
    sandbox.drain().await;
    receiver.clear();
    let path = format!("checkout/sessions/{}/pay", id(&session));
    let delayed = sandbox.control(&path, json!({"delayed": true})).await;
    assert_eq!(delayed.status, 400);

    let how = json!({"email": "jo@home.example", "discount": 333, "tax": 413});
    let paid = pay(&sandbox, &session, how).await;
    let invoice = paid["invoice"].as_str().expect("an id");
    let invoice = sandbox.get(&format!("/v1/invoices/{invoice}")).await.ok();
    assert_eq!(
        (&invoice["status"], &invoice["amount_paid"]),
        (&json!("paid"), &paid["amount_total"])
    );
    assert_eq!(invoice["customer"], paid["customer"]);
    assert_eq!(invoice["subtotal"], 2_501);
    let path = format!("/v1/invoice_payments?invoice={}", id(&invoice));
    let payments = sandbox.get(&path).await.ok();
    let payment = &payments["data"][0]["payment"];
    assert_eq!(payment["payment_intent"], paid["payment_intent"]);
    sandbox.drain().await;
    assert_eq!(
        receiver.kinds(),
        [
            "customer.created",
            "invoice.created",
            "invoice.finalized",
            "charge.succeeded",
            "payment_intent.succeeded",
            "invoice.paid",
            "invoice.payment_succeeded",
            "invoice_payment.paid",
            "checkout.session.completed",
        ]
    );

    // The balance would make the invoice cost something else than the session.
    let rich = json!({"id": "cus_rich", "balance": -500});
    sandbox.control("billing/customer", rich).await.ok();
    let more = [
        ("invoice_creation[enabled]", "true"),
        ("customer", "cus_rich"),
    ];
    let session = open(&sandbox, &more).await;
    let path = format!("checkout/sessions/{}/pay", id(&session));
    assert_eq!(sandbox.control(&path, json!({})).await.status, 400);
}

#[tokio::test]
async fn what_is_free_has_no_payment() {
    let sandbox = Sandbox::start().await;
    let session = open(&sandbox, &[]).await;
    let paid = pay(&sandbox, &session, json!({"discount": 2_501})).await;
    assert_eq!(
        (&paid["payment_status"], &paid["payment_intent"]),
        (&json!("no_payment_required"), &Value::Null)
    );
    let charges = sandbox.get("/v1/charges").await.ok();
    assert_eq!(charges["data"], json!([]));
}
