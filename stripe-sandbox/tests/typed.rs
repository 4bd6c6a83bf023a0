//! async-stripe, unchanged but for its address, reads everything.

use serde_json::json;
use stripe::StripeRequest as _;
use stripe::{Client, ClientBuilder, IdempotencyKey, RequestStrategy, StripeError};

use crate::support::{KEY, Sandbox, id};

fn client(sandbox: &Sandbox) -> Client {
    ClientBuilder::new(KEY)
        .url(format!("{}/", sandbox.base))
        .build()
        .expect("a client")
}

#[tokio::test]
async fn transfers_by_async_stripe() {
    use stripe_connect::transfer::{CreateTransfer, ListTransfer, RetrieveTransfer};
    use stripe_connect::transfer_reversal::CreateIdTransferReversal;

    let sandbox = Sandbox::start().await;
    let account = sandbox.ready_account().await;
    let client = client(&sandbox);
    let create = || {
        CreateTransfer::new(stripe_types::Currency::EUR, account.clone())
            .amount(1_500)
            .transfer_group("run-1")
            .metadata([("payout".to_owned(), "9".to_owned())])
            .customize()
            .request_strategy(RequestStrategy::Idempotent(
                IdempotencyKey::new("payout-9").expect("a key"),
            ))
    };
    let first = create().send(&client).await.expect("a transfer");
    let second = create().send(&client).await.expect("the same transfer");
    assert_eq!(first.id, second.id);
    let read = RetrieveTransfer::new(first.id.clone())
        .send(&client)
        .await
        .expect("a transfer");
    assert_eq!(read.amount, 1_500);
    let listed = ListTransfer::new()
        .transfer_group("run-1")
        .send(&client)
        .await
        .expect("a list");
    assert_eq!(listed.data.len(), 1);
    let reversal = CreateIdTransferReversal::new(first.id.clone())
        .amount(500)
        .send(&client)
        .await;
    assert_eq!(reversal.expect("a reversal").amount, 500);
    let refused = CreateTransfer::new(stripe_types::Currency::EUR, "acct_missing").amount(1);
    match refused.send(&client).await {
        Err(StripeError::Stripe(error, 400)) => {
            assert_eq!(error.param.as_deref(), Some("destination"))
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn billing_by_async_stripe() {
    use stripe_billing::credit_note::ListCreditNote;
    use stripe_billing::invoice::{ListInvoice, RetrieveInvoice};
    use stripe_billing::invoice_payment::ListInvoicePayment;
    use stripe_billing::subscription::RetrieveSubscription;
    use stripe_core::balance::RetrieveForMyAccountBalance;
    use stripe_core::charge::RetrieveCharge;
    use stripe_core::customer::RetrieveCustomer;
    use stripe_core::event::ListEvent;
    use stripe_core::refund::ListRefund;

    let sandbox = Sandbox::start().await;
    let client = client(&sandbox);
    let customer = sandbox
        .control("billing/customer", json!({"name": "Acme"}))
        .await
        .ok();
    let items = json!([{"amount": 900, "currency": "eur", "product": "Pro"}]);
    let body = json!({"customer": customer["id"], "items": items});
    let subscription = sandbox.control("billing/subscription", body).await.ok();
    let line = json!({"amount": 900, "discount": 100, "credit": 50, "tax": 150});
    let body = json!({"customer": customer["id"], "subscription": subscription["id"],
                      "lines": [line, {"amount": 5}]});
    let invoice = sandbox.control("billing/invoice_paid", body).await.ok();
    let note = json!({"invoice": invoice["id"], "amount": 20, "refund_amount": 20});
    sandbox.control("billing/credit_note", note).await.ok();

    let id = |value: &serde_json::Value| id(value).to_owned();
    RetrieveCustomer::new(id(&customer))
        .send(&client)
        .await
        .expect("a customer");
    RetrieveSubscription::new(id(&subscription))
        .send(&client)
        .await
        .expect("a subscription");
    let read = RetrieveInvoice::new(id(&invoice))
        .expand(["payments".to_owned()])
        .send(&client)
        .await
        .expect("an invoice");
    assert_eq!(read.lines.data.len(), 2);
    let paid = ListInvoice::new()
        .customer(id(&customer))
        .send(&client)
        .await
        .expect("a list");
    assert_eq!(paid.data.len(), 1);
    let payments = ListInvoicePayment::new()
        .invoice(id(&invoice))
        .send(&client)
        .await
        .expect("a list");
    assert_eq!(payments.data.len(), 1);
    let refunds = ListRefund::new().send(&client).await.expect("a list");
    let charge = refunds.data[0]
        .charge
        .as_ref()
        .expect("a charge")
        .id()
        .clone();
    let charge = RetrieveCharge::new(charge)
        .send(&client)
        .await
        .expect("a charge");
    assert_eq!(charge.amount_refunded, 20);
    let notes = ListCreditNote::new()
        .invoice(id(&invoice))
        .send(&client)
        .await
        .expect("a list");
    assert_eq!(notes.data.len(), 1);
    let balance = RetrieveForMyAccountBalance::new()
        .send(&client)
        .await
        .expect("a balance");
    assert!(balance.available.len() > 10);
    let events = ListEvent::new()
        .limit(100)
        .send(&client)
        .await
        .expect("events");
    assert!(events.data.len() > 10);
}
