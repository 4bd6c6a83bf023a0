//! Every answer carries every field of Stripe's published sample.

use serde_json::{Value, json};
use stripe_sandbox::fixtures::sample;

use crate::support::{Sandbox, id};

/// Fields of the sample that are missing, with the way to them. Where either side has no object
/// (a field that may be null) there is nothing to compare.
fn missing(sample: &Value, given: &Value, way: &str, found: &mut Vec<String>) {
    match (sample, given) {
        (Value::Object(sample), Value::Object(given)) => {
            for (key, inner) in sample {
                // What is free, or different by the object it describes.
                if matches!(key.as_str(), "metadata" | "capabilities") || way.ends_with("/data") {
                    continue;
                }
                match given.get(key) {
                    Some(other) => missing(inner, other, &format!("{way}/{key}"), found),
                    None => found.push(format!("{way}/{key}")),
                }
            }
        }
        (Value::Array(sample), Value::Array(given)) => {
            if let (Some(sample), Some(given)) = (sample.first(), given.first())
                && sample.get("type") == given.get("type")
            {
                missing(sample, given, &format!("{way}[0]"), found);
            }
        }
        _ => {}
    }
}

fn check(kind: &str, given: &Value) {
    let mut found = Vec::new();
    missing(&sample(kind), given, kind, &mut found);
    assert!(found.is_empty(), "missing: {found:#?}\nin {given:#}");
}

#[tokio::test]
async fn nothing_of_stripes_samples_is_left_out() {
    let sandbox = Sandbox::start().await;
    let account = sandbox.ready_account().await;
    let transfer = sandbox.transfer(&account, 1_000, "a").await.ok();
    check("transfer", &transfer);
    let id = |value: &Value| id(value).to_owned();
    let path = format!("/v1/transfers/{}/reversals", id(&transfer));
    check(
        "transfer_reversal",
        &sandbox.post(&path, &[("amount", "10")]).await.ok(),
    );
    check("balance", &sandbox.get("/v1/balance").await.ok());
    let path = format!(
        "/v1/balance_transactions/{}",
        transfer["balance_transaction"].as_str().expect("an id")
    );
    check("balance_transaction", &sandbox.get(&path).await.ok());
    let payout = json!({"currency": "eur"});
    check(
        "payout",
        &sandbox
            .control(&format!("accounts/{account}/payout"), payout)
            .await
            .ok(),
    );
    check(
        "account",
        &sandbox.get(&format!("/v1/accounts/{account}")).await.ok(),
    );
    let path = format!("/v1/accounts/{account}/login_links");
    check("login_link", &sandbox.post(&path, &[]).await.ok());

    let customer = sandbox
        .post("/v1/customers", &[("name", "Acme")])
        .await
        .ok();
    check("customer", &customer);
    let items = json!([{"amount": 900, "currency": "eur", "product": "Pro"}]);
    let body = json!({"customer": customer["id"], "items": items});
    let subscription = sandbox.control("billing/subscription", body).await.ok();
    check("subscription", &subscription);
    let item = &subscription["items"]["data"][0];
    check("subscription_item", item);
    check("price", &item["price"]);
    check("plan", &item["plan"]);
    let path = format!(
        "/v1/products/{}",
        item["price"]["product"].as_str().expect("an id")
    );
    check("product", &sandbox.get(&path).await.ok());
    let customer_id = id(&customer);
    let fields = [
        ("customer", customer_id.as_str()),
        ("amount", "5"),
        ("currency", "eur"),
    ];
    check(
        "invoiceitem",
        &sandbox.post("/v1/invoiceitems", &fields).await.ok(),
    );

    let line = json!({"amount": 900, "discount": 100, "credit": 50, "tax": 150});
    let body = json!({"customer": customer["id"], "subscription": subscription["id"],
                      "lines": [line]});
    let invoice = sandbox.control("billing/invoice_paid", body).await.ok();
    check("invoice", &invoice);
    check("line_item", &invoice["lines"]["data"][0]);
    let payments = sandbox.get("/v1/invoice_payments").await.ok();
    check("invoice_payment", &payments["data"][0]);
    let charges = sandbox.get("/v1/charges").await.ok();
    check("charge", &charges["data"][0]);
    check(
        "payment_intent",
        &sandbox.get("/v1/payment_intents").await.ok()["data"][0],
    );
    let refund = json!({"invoice": invoice["id"], "amount": 10});
    check(
        "refund",
        &sandbox.control("billing/refund", refund).await.ok(),
    );
    let note = json!({"invoice": invoice["id"], "amount": 20, "refund_amount": 20});
    let note = sandbox.control("billing/credit_note", note).await.ok();
    check("credit_note", &note);
    check("credit_note_line_item", &note["lines"]["data"][0]);
    let dispute = json!({"charge": charges["data"][0]["id"]});
    check(
        "dispute",
        &sandbox.control("billing/dispute", dispute).await.ok(),
    );
    check("event", &sandbox.get("/v1/events").await.ok()["data"][0]);
    sell_at_checkout(&sandbox).await;
    let fields = [
        ("url", "http://127.0.0.1:9/hook"),
        ("enabled_events[]", "*"),
    ];
    check(
        "webhook_endpoint",
        &sandbox.post("/v1/webhook_endpoints", &fields).await.ok(),
    );
    let path = format!("{}/v1/customers/{customer_id}", sandbox.base);
    let request = sandbox.client.delete(path).bearer_auth(crate::support::KEY);
    check(
        "deleted_customer",
        &sandbox.send(request).await.expect("an answer").ok(),
    );
}

/// A session open, paid, and waiting for a bank debit, with what comes of it.
async fn sell_at_checkout(sandbox: &Sandbox) {
    let fields = [
        ("mode", "payment"),
        ("success_url", "https://shop.example/thanks"),
        ("line_items[0][quantity]", "1"),
        ("line_items[0][price_data][currency]", "eur"),
        ("line_items[0][price_data][unit_amount]", "500"),
        ("line_items[0][price_data][product_data][name]", "Book"),
    ];
    for delayed in [false, true] {
        let open = sandbox.post("/v1/checkout/sessions", &fields).await.ok();
        check("checkout.session", &open);
        let id = id(&open);
        let pay = json!({"delayed": delayed, "email": "a@b.example", "country": "DE"});
        let path = format!("checkout/sessions/{id}/pay");
        check("checkout.session", &sandbox.control(&path, pay).await.ok());
        let path = format!("/v1/checkout/sessions/{id}/line_items");
        check("item", &sandbox.get(&path).await.ok()["data"][0]);
        let intents = sandbox.get("/v1/payment_intents?limit=1").await.ok();
        check("payment_intent", &intents["data"][0]);
    }
}
