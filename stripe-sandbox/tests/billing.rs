use serde_json::{Value, json};

use crate::support::{Receiver, Sandbox, id};

struct Sold {
    customer: Value,
    subscription: Value,
    invoice: Value,
}

/// A customer with a subscription and a paid invoice: 10 000 less 1 000 discount and 500 credit,
/// plus 19 % tax on 8 500, and a line without anything.
async fn sell(sandbox: &Sandbox) -> Sold {
    let customer = json!({"name": "Acme", "email": "it@acme.example", "at": 1_800_000_000,
                          "metadata": {"deal": "17"}});
    let customer = sandbox.control("billing/customer", customer).await.ok();
    let subscription = json!({"customer": customer["id"], "at": 1_800_000_001,
        "items": [{"amount": 10_000, "currency": "eur", "interval": "month", "product": "Pro"}]});
    let subscription = sandbox
        .control("billing/subscription", subscription)
        .await
        .ok();
    let invoice = json!({
        "customer": customer["id"], "subscription": subscription["id"], "at": 1_800_000_002,
        "lines": [
            {"amount": 10_000, "discount": 1_000, "credit": 500, "tax": 1_615,
             "description": "Pro"},
            {"amount": 700, "description": "Onboarding"},
        ],
    });
    let invoice = sandbox.control("billing/invoice_paid", invoice).await.ok();
    Sold {
        customer,
        subscription,
        invoice,
    }
}

#[tokio::test]
async fn a_paid_invoice_adds_up_and_is_linked_to_its_charge() {
    let receiver = Receiver::start().await;
    let sandbox = Sandbox::posting_to(&receiver).await;
    let Sold {
        customer,
        subscription,
        invoice,
    } = sell(&sandbox).await;
    for (field, amount) in [
        ("subtotal", 10_700),
        ("total", 10_815),
        ("total_excluding_tax", 9_200),
        ("amount_due", 10_815),
        ("amount_paid", 10_815),
        ("amount_remaining", 0),
        ("created", 1_800_000_002),
    ] {
        assert_eq!(invoice[field], amount, "{field}");
    }
    assert_eq!(invoice["status"], "paid");
    let parent = &invoice["parent"]["subscription_details"];
    assert_eq!(parent["subscription"], subscription["id"]);
    let line = &invoice["lines"]["data"][0];
    assert_eq!(line["taxes"][0]["amount"], 1_615);
    assert_eq!(line["discount_amounts"][0]["amount"], 1_000);
    let product = &subscription["items"]["data"][0]["price"]["product"];
    assert_eq!(&line["pricing"]["price_details"]["product"], product);

    let list = format!("/v1/invoice_payments?invoice={}", id(&invoice));
    let payments = sandbox.get(&list).await.ok();
    let intent = &payments["data"][0]["payment"]["payment_intent"];
    let intent = sandbox.intent(intent).await;
    assert_eq!(intent["latest_charge"]["amount"], 10_815);
    let path = format!("/v1/invoices/{}?expand[]=payments", id(&invoice));
    let expanded = sandbox.get(&path).await.ok();
    assert_eq!(expanded["payments"]["data"][0]["amount_paid"], 10_815);

    sandbox.drain().await;
    assert_eq!(
        receiver.kinds(),
        [
            "customer.created",
            "product.created",
            "price.created",
            "customer.subscription.created",
            "invoice.created",
            "invoice.finalized",
            "charge.succeeded",
            "payment_intent.succeeded",
            "invoice.paid",
            "invoice.payment_succeeded",
            "invoice_payment.paid",
        ]
    );
    let event = receiver.posted()[0].event();
    assert_eq!(event["created"], 1_800_000_000);
    assert_eq!(event["data"]["object"]["metadata"]["deal"], "17");

    for query in [
        format!("customer={}", id(&customer)),
        "status=paid".to_owned(),
        format!("subscription={}", id(&subscription)),
        "created[gte]=1800000002".to_owned(),
    ] {
        let found = sandbox.get(&format!("/v1/invoices?{query}")).await.ok();
        assert_eq!(found["data"][0]["id"], invoice["id"], "{query}");
    }
    let found = sandbox.get("/v1/invoices?status=open").await.ok();
    assert_eq!(found["data"], json!([]));
}

#[tokio::test]
async fn several_payments_refunds_and_a_dispute() {
    let receiver = Receiver::start().await;
    let sandbox = Sandbox::posting_to(&receiver).await;
    let customer = sandbox
        .control("billing/customer", json!({"name": "Acme"}))
        .await
        .ok();
    let body = json!({"customer": customer["id"], "currency": "jpy", "amount": 5_000,
                      "payments": [2_000, 3_000]});
    let invoice = sandbox.control("billing/invoice_paid", body).await.ok();
    assert_eq!(invoice["amount_paid"], 5_000);
    let list = format!("/v1/invoice_payments?invoice={}", id(&invoice));
    assert_eq!(
        sandbox.get(&list).await.ok()["data"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    sandbox.drain().await;
    receiver.clear();

    let refund = json!({"invoice": invoice["id"], "amount": 500});
    let refund = sandbox.control("billing/refund", refund).await.ok();
    let charge = refund["charge"].as_str().expect("an id").to_owned();
    sandbox
        .post(
            "/v1/refunds",
            &[("charge", charge.as_str()), ("amount", "700")],
        )
        .await
        .ok();
    let shown = sandbox.get(&format!("/v1/charges/{charge}")).await.ok();
    assert_eq!(
        (&shown["amount_refunded"], &shown["refunded"]),
        (&json!(1_200), &json!(false))
    );
    let too_much = json!({"charge": charge, "amount": 801});
    assert_eq!(
        sandbox.control("billing/refund", too_much).await.status,
        400
    );
    sandbox.drain().await;
    let kinds = [
        "refund.created",
        "charge.refunded",
        "refund.created",
        "charge.refunded",
    ];
    assert_eq!(receiver.kinds(), kinds);
    assert_eq!(
        receiver.posted()[3].event()["data"]["object"]["amount_refunded"],
        1_200
    );

    receiver.clear();
    let dispute = sandbox
        .control("billing/dispute", json!({"charge": charge}))
        .await
        .ok();
    assert_eq!(
        (&dispute["amount"], &dispute["status"]),
        (&json!(800), &json!("needs_response"))
    );
    let close = json!({"dispute": dispute["id"], "status": "won"});
    sandbox
        .control("billing/dispute_close", close.clone())
        .await
        .ok();
    assert_eq!(
        sandbox.control("billing/dispute_close", close).await.status,
        400
    );
    sandbox.drain().await;
    assert_eq!(
        receiver.kinds(),
        [
            "charge.dispute.created",
            "charge.dispute.funds_withdrawn",
            "charge.dispute.closed",
            "charge.dispute.funds_reinstated",
        ]
    );
}

#[tokio::test]
async fn credit_notes_before_and_after_payment() {
    let receiver = Receiver::start().await;
    let sandbox = Sandbox::posting_to(&receiver).await;
    let Sold { invoice, .. } = sell(&sandbox).await;
    sandbox.drain().await;
    receiver.clear();
    // Half of the first line: 4 250 net and its tax of 807.5, rounded.
    let line = &invoice["lines"]["data"][0];
    let note = json!({"invoice": invoice["id"], "refund_amount": 5_058, "lines": [
        {"type": "invoice_line_item", "invoice_line_item": line["id"], "amount": 4_250}]});
    let note = sandbox.control("billing/credit_note", note).await.ok();
    assert_eq!(
        (&note["total"], &note["type"]),
        (&json!(5_058), &json!("post_payment"))
    );
    assert_eq!(note["refunds"][0]["amount_refunded"], 5_058);
    let refund = note["refunds"][0]["refund"].as_str().expect("an id");
    assert_eq!(
        sandbox.get(&format!("/v1/refunds/{refund}")).await.ok()["amount"],
        5_058
    );
    sandbox.drain().await;
    let kinds = [
        "credit_note.created",
        "refund.created",
        "charge.refunded",
        "invoice.updated",
    ];
    assert_eq!(receiver.kinds(), kinds);

    let body = json!({"customer": invoice["customer"], "currency": "eur", "amount": 1_000});
    let open = sandbox.control("billing/invoice", body).await.ok();
    let note = json!({"invoice": open["id"], "amount": 400});
    let note = sandbox.control("billing/credit_note", note).await.ok();
    assert_eq!(note["type"], "pre_payment");
    let paid = sandbox
        .control("billing/invoice_pay", json!({"invoice": open["id"]}))
        .await
        .ok();
    assert_eq!(paid["amount_paid"], 600);
    let note = json!({"invoice": open["id"], "amount": 100, "out_of_band_amount": 100});
    let note = sandbox.control("billing/credit_note", note).await.ok();
    assert_eq!(note["out_of_band_amount"], 100);
}

#[tokio::test]
async fn the_api_makes_an_invoice_step_by_step() {
    let sandbox = Sandbox::start().await;
    let customer = sandbox
        .post("/v1/customers", &[("email", "a@b.example")])
        .await
        .ok();
    let customer = id(&customer);
    let item = [
        ("customer", customer),
        ("amount", "1005"),
        ("currency", "kwd"),
    ];
    sandbox.post("/v1/invoiceitems", &item).await.ok();
    let draft = [("customer", customer), ("currency", "kwd")];
    let draft = sandbox.post("/v1/invoices", &draft).await.ok();
    assert_eq!(
        (&draft["status"], &draft["total"]),
        (&json!("draft"), &json!(1005))
    );
    let path = format!("/v1/invoices/{}", id(&draft));
    let open = sandbox.post(&format!("{path}/finalize"), &[]).await.ok();
    assert_eq!(open["status"], "open");
    assert!(open["number"].is_string());
    let paid = sandbox.post(&format!("{path}/pay"), &[]).await.ok();
    assert_eq!(paid["status"], "paid");
    assert_eq!(sandbox.post(&format!("{path}/void"), &[]).await.status, 400);
    assert_eq!(sandbox.post(&format!("{path}/pay"), &[]).await.status, 400);
}

#[tokio::test]
async fn a_customer_balance_lowers_what_is_due() {
    let sandbox = Sandbox::start().await;
    let customer = sandbox
        .control("billing/customer", json!({"name": "Acme"}))
        .await
        .ok();
    let body = json!({"customer": customer["id"], "currency": "usd", "amount": 1_000,
                      "customer_balance": -1_500});
    let invoice = sandbox.control("billing/invoice_paid", body).await.ok();
    assert_eq!(invoice["amount_due"], 0);
    assert_eq!(
        (&invoice["status"], &invoice["ending_balance"]),
        (&json!("paid"), &json!(-500))
    );
    let list = format!("/v1/invoice_payments?invoice={}", id(&invoice));
    assert_eq!(sandbox.get(&list).await.ok()["data"], json!([]));
}

#[tokio::test]
async fn subscriptions_change_and_end() {
    let receiver = Receiver::start().await;
    let sandbox = Sandbox::posting_to(&receiver).await;
    let Sold { subscription, .. } = sell(&sandbox).await;
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let ends = sandbox
        .post(&path, &[("cancel_at_period_end", "true")])
        .await
        .ok();
    assert!(ends["cancel_at"].is_i64());
    let cancel = json!({"subscription": subscription["id"], "at": 1_800_900_000});
    let canceled = sandbox
        .control("billing/subscription_cancel", cancel)
        .await
        .ok();
    assert_eq!(canceled["ended_at"], 1_800_900_000);
    sandbox.drain().await;
    let kinds = receiver.kinds();
    let last = &kinds[kinds.len() - 2..];
    assert_eq!(
        last,
        [
            "customer.subscription.updated",
            "customer.subscription.deleted"
        ]
    );
    assert_eq!(
        sandbox.get("/v1/subscriptions").await.ok()["data"],
        json!([])
    );
    let all = sandbox.get("/v1/subscriptions?status=all").await.ok();
    assert_eq!(all["data"].as_array().map(Vec::len), Some(1));
}
