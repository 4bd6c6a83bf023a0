//! What the portal does with Stripe, against the sandbox.

use chrono::{DateTime, TimeDelta, Utc};
use domain::money::{Currency, Money};
use serde_json::{Value, json};
use stripe_gateway::billing::{CreditNoteStatus, InvoiceStatus, PaymentStatus, SubscriptionStatus};
use stripe_gateway::webhook::{Envelope, Form, verify};
use stripe_gateway::{AwaitingFrom, CapabilityStatus, Gateway};
use stripe_sandbox::{Destination, Payload};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::sandbox::{Sandbox, new_recipient, new_transfer};

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn long_ago() -> DateTime<Utc> {
    Utc::now() - TimeDelta::days(1)
}

#[tokio::test]
async fn a_partner_connects_an_account() {
    let sandbox = Sandbox::start().await;
    let gateway = sandbox.gateway();
    let made = gateway
        .create_recipient(&new_recipient(), "partner-1")
        .await
        .unwrap();
    assert_eq!(made.transfers_status, CapabilityStatus::Restricted);
    assert_eq!(
        (made.country.as_deref(), made.currency),
        (Some("DE"), Some(Currency::EUR))
    );
    assert!(made.needs_partner() && !made.is_ready());
    assert!(
        made.requirements
            .iter()
            .all(|wanted| !wanted.what.is_empty())
    );
    assert!(
        made.requirements
            .iter()
            .any(|wanted| wanted.awaiting == AwaitingFrom::User)
    );

    // The same key again is the same account.
    let again = gateway
        .create_recipient(&new_recipient(), "partner-1")
        .await
        .unwrap();
    assert_eq!(again.id, made.id);

    let link = gateway
        .account_link(
            &made.id,
            "https://portal.example/back",
            "https://portal.example/again",
        )
        .await
        .unwrap();
    assert!(link.url.starts_with("http") && link.expires_at.unwrap() > long_ago());

    let outcome = |word: &str| json!({ "outcome": word });
    let path = format!("accounts/{}/outcome", made.id);
    sandbox.does(&path, outcome("review")).await;
    let account = gateway.recipient(&made.id).await.unwrap();
    assert_eq!(account.transfers_status, CapabilityStatus::Pending);
    assert!(!account.needs_partner(), "Stripe is at it");
    sandbox.does(&path, outcome("complete")).await;
    let account = gateway.recipient(&made.id).await.unwrap();
    assert!(account.is_ready() && account.requirements.is_empty());

    let login = gateway.express_login_link(&made.id).await.unwrap();
    assert!(login.url.starts_with("http"));

    // The thin event says where to look, not what happened.
    let events = sandbox.get("v2/core/events").await;
    let event = gateway
        .v2_event(events["data"][0]["id"].as_str().unwrap())
        .await
        .unwrap();
    assert_eq!(
        (event.form, event.object_id()),
        (Form::Thin, Some(made.id.as_str()))
    );
}

#[tokio::test]
async fn one_key_is_one_transfer() {
    let sandbox = Sandbox::start().await;
    let gateway = sandbox.gateway();
    let account = sandbox.ready_account().await;
    let new = new_transfer(&account);
    let before = gateway.balance().await.unwrap();
    let first = gateway.create_transfer(&new, "payout-7").await.unwrap();
    assert_eq!(first.amount, new.amount);
    assert_eq!(first.destination.as_deref(), Some(account.as_str()));
    assert_eq!(first.transfer_group.as_deref(), Some("payout-7"));
    assert_eq!(first.metadata, new.metadata);
    // Often, because metadata has no order of its own.
    for _ in 0..8 {
        assert_eq!(
            gateway.create_transfer(&new, "payout-7").await.unwrap(),
            first
        );
    }
    assert_eq!(sandbox.transfers().await, 1);

    let in_eur = |all: &[Money]| {
        all.iter()
            .find(|m| m.currency == Currency::EUR)
            .unwrap()
            .minor
    };
    let after = gateway.balance().await.unwrap();
    assert_eq!(in_eur(&before) - in_eur(&after), 12_345);

    assert_eq!(gateway.transfer(&first.id).await.unwrap(), first);
    assert_eq!(
        gateway.find_transfers("payout-7").await.unwrap(),
        std::slice::from_ref(&first)
    );
    assert_eq!(gateway.find_transfers("payout-8").await.unwrap(), []);
    assert_eq!(gateway.list_transfers(long_ago()).await.unwrap(), [first]);
    let tomorrow = Utc::now() + TimeDelta::days(1);
    assert_eq!(gateway.list_transfers(tomorrow).await.unwrap(), []);
}

#[tokio::test]
async fn every_page_of_a_list_is_read() {
    let sandbox = Sandbox::start().await;
    let account = sandbox.ready_account().await;
    let calls: Vec<Value> = (0..230)
        .map(|number| {
            let body = json!({
                "destination": account, "currency": "eur", "amount": 100 + number,
                "transfer_group": "many",
            });
            json!({"path": "transfers", "body": body})
        })
        .collect();
    sandbox
        .does("batch", json!({"silent": true, "calls": calls}))
        .await;
    let found = sandbox.gateway().find_transfers("many").await.unwrap();
    let mut ids: Vec<_> = found.iter().map(|transfer| &transfer.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((found.len(), ids.len()), (230, 230));
}

#[tokio::test]
async fn a_customer_pays_and_is_refunded() {
    let sandbox = Sandbox::start().await;
    let gateway = sandbox.gateway();
    sandbox
        .does(
            "billing/customer",
            json!({"id": "cus_1", "name": "Acme", "email": "it@acme.example",
                   "metadata": {"account": "9"}}),
        )
        .await;
    let customer = gateway.customer("cus_1").await.unwrap();
    assert_eq!(customer.email.as_deref(), Some("it@acme.example"));
    assert_eq!(customer.metadata["account"], "9");

    let items = json!([{"amount": 5_000, "currency": "eur", "interval": "month"}]);
    let body = json!({"id": "sub_1", "customer": "cus_1", "items": items});
    sandbox.does("billing/subscription", body).await;
    let subscription = gateway.subscription("sub_1").await.unwrap();
    assert_eq!(subscription.status, SubscriptionStatus::Active);
    assert_eq!(subscription.items[0].unit_amount, Some(eur(5_000)));

    // More lines than an invoice carries: each 100.00, 10.00 off, 17.10 tax on top.
    let lines: Vec<Value> = (0..14)
        .map(|n| {
            json!({"amount": 10_000, "discount": 1_000, "tax": 1_710,
                   "tax_behavior": "exclusive", "description": format!("Seat {n}")})
        })
        .collect();
    let body = json!({"id": "in_1", "customer": "cus_1", "subscription": "sub_1",
                      "currency": "eur", "lines": lines});
    sandbox.does("billing/invoice_paid", body).await;
    let invoice = gateway.invoice("in_1").await.unwrap();
    assert_eq!(invoice.status, InvoiceStatus::Paid);
    assert!(invoice.paid_at.is_some() && invoice.lines_have_more);
    assert_eq!(invoice.subscription.as_deref(), Some("sub_1"));
    assert_eq!(invoice.total, eur(14 * 10_710));
    assert_eq!(
        (invoice.discount, invoice.tax),
        (eur(14_000), eur(14 * 1_710))
    );
    let lines = gateway.invoice_lines("in_1").await.unwrap();
    assert_eq!(lines.len(), 14);
    for line in &lines {
        assert_eq!(line.net().unwrap(), eur(9_000));
        assert_eq!(line.subscription.as_deref(), Some("sub_1"));
    }

    let payments = gateway.invoice_payments("in_1").await.unwrap();
    assert_eq!(payments.len(), 1);
    assert_eq!(payments[0].status, PaymentStatus::Paid);
    assert_eq!(payments[0].amount_paid, Some(eur(14 * 10_710)));
    let intent = payments[0].payment_intent.clone().unwrap();

    let refund = sandbox
        .does(
            "billing/refund",
            json!({"invoice": "in_1", "amount": 1_000}),
        )
        .await;
    let refund = gateway
        .refund(refund["id"].as_str().unwrap())
        .await
        .unwrap();
    assert_eq!((refund.amount, refund.counts()), (eur(1_000), true));
    let charge = gateway
        .charge(refund.charge.as_deref().unwrap())
        .await
        .unwrap();
    assert_eq!(charge.amount_refunded, eur(1_000));
    // From the refund back to its invoice.
    assert_eq!(charge.payment_intent.as_deref(), Some(intent.as_str()));
    let back = gateway.payments_by_intent(&intent).await.unwrap();
    assert_eq!(
        back.iter().map(|p| p.invoice.as_str()).collect::<Vec<_>>(),
        ["in_1"]
    );

    let lines: Vec<Value> = lines[..12]
        .iter()
        .map(|line| json!({"type": "invoice_line_item", "invoice_line_item": line.id, "amount": 100}))
        .collect();
    let body = json!({"invoice": "in_1", "lines": lines, "out_of_band_amount": 1_428});
    let note = sandbox.does("billing/credit_note", body).await;
    let note = gateway
        .credit_note(note["id"].as_str().unwrap())
        .await
        .unwrap();
    assert_eq!(
        (note.status.clone(), note.invoice.as_str()),
        (CreditNoteStatus::Issued, "in_1")
    );
    assert_eq!((note.lines.len(), note.lines_have_more), (12, false));
    // 12 lines of 1.00 with 19 % tax on top.
    assert_eq!(
        (note.out_of_band, note.net().unwrap()),
        (eur(1_428), eur(1_200))
    );

    let body = json!({"id": "in_2", "customer": "cus_1", "currency": "eur", "amount": 700});
    sandbox.does("billing/invoice", body).await;
    let page = gateway.list_invoices(long_ago(), None).await.unwrap();
    assert_eq!(page.next, None);
    assert_eq!(
        page.items.iter().map(|i| i.id.as_str()).collect::<Vec<_>>(),
        ["in_2", "in_1"]
    );
    let rest = gateway
        .list_invoices(long_ago(), Some("in_2"))
        .await
        .unwrap();
    assert_eq!(rest.items.len(), 1);

    let events = sandbox.get("v1/events?limit=100").await;
    for event in events["data"].as_array().unwrap() {
        let fetched = gateway.event(event["id"].as_str().unwrap()).await.unwrap();
        assert_eq!(fetched.form, Form::Snapshot);
        assert!(fetched.object().is_some());
    }
}

#[tokio::test]
async fn something_is_sold_once_without_an_invoice() {
    let sandbox = Sandbox::start().await;
    let gateway = sandbox.gateway();
    let item = |name: &str, amount: i64| {
        json!({"price_data": {"currency": "eur", "unit_amount": amount,
                              "product_data": {"name": name}}, "quantity": 1})
    };
    let mut items: Vec<Value> = (1..13).map(|n| item(&format!("Seat {n}"), 1_000)).collect();
    items.push(item("Set-up", 8_000));
    // 200.00, 20.00 off, 34.20 tax on top.
    let body = json!({"id": "cs_1", "mode": "payment", "success_url": "https://acme.example",
                      "client_reference_id": "portico_deal_7", "line_items": items,
                      "discount": 2_000, "tax": 3_420, "email": "it@acme.example",
                      "name": "Acme", "country": "DE"});
    sandbox.does("checkout/paid", body).await;

    let session = gateway.checkout("cs_1").await.unwrap();
    assert_eq!(session.reference.as_deref(), Some("portico_deal_7"));
    assert_eq!((&session.customer, session.customer_key()), (&None, "cs_1"));
    let guest = session.guest().unwrap();
    assert_eq!(guest.email.as_deref(), Some("it@acme.example"));
    assert_eq!(guest.country.as_deref(), Some("DE"));
    let sale = session.sale.clone().unwrap();
    assert_eq!((sale.total, sale.tax), (eur(21_420), eur(3_420)));

    let paid_at = session.created;
    let invoice = session.as_invoice(paid_at).unwrap().unwrap();
    assert_eq!(invoice.status, InvoiceStatus::Paid);
    assert_eq!(invoice.lines.len(), 13);
    assert_eq!(invoice.net().unwrap(), eur(18_000));
    assert_eq!(invoice.total, eur(21_420));
    let intent = invoice.payments[0].payment_intent.clone().unwrap();

    let found = gateway.checkouts_by_intent(&intent).await.unwrap();
    assert_eq!(
        found.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(),
        ["cs_1"]
    );
    // A list tells no items, and without them nothing can be booked.
    let listed = gateway.list_checkouts(long_ago(), None).await.unwrap();
    assert_eq!((listed.items.len(), listed.next), (1, None));
    assert_eq!(listed.items[0].as_invoice(paid_at).unwrap(), None);
}

#[tokio::test]
async fn a_checkout_is_paid_when_the_money_arrives() {
    let sandbox = Sandbox::start().await;
    let gateway = sandbox.gateway();
    let item = json!({"price_data": {"currency": "eur", "unit_amount": 1_000,
                                     "product_data": {"name": "Seat"}}, "quantity": 1});
    let body = json!({"id": "cs_1", "mode": "payment", "success_url": "https://acme.example",
                      "line_items": [item], "delayed": true});
    sandbox.does("checkout/paid", body).await;
    let begun = gateway.checkout("cs_1").await.unwrap();
    assert_eq!((&begun.sale, begun.paid_at), (&None, None));
    let days = TimeDelta::days(3);
    let later = json!({"offset_seconds": days.num_seconds()});
    sandbox.does("clock", later).await;
    sandbox
        .does("checkout/sessions/cs_1/settle", json!({}))
        .await;

    let session = gateway.checkout("cs_1").await.unwrap();
    let told_at = Utc::now();
    let invoice = session.as_invoice(told_at).unwrap().unwrap();
    assert!(invoice.paid_at >= Some(session.created + days));
    assert_ne!(invoice.paid_at, Some(told_at));
    // However it is asked for.
    let intent = session.payment_intent.unwrap();
    let found = gateway.checkouts_by_intent(&intent).await.unwrap();
    let listed = gateway.list_checkouts(long_ago(), None).await.unwrap();
    for session in found.iter().chain(&listed.items) {
        assert_eq!(session.paid_at, invoice.paid_at);
    }
}

#[tokio::test]
async fn money_goes_on_to_a_bank() {
    let sandbox = Sandbox::start().await;
    let gateway = sandbox.gateway();
    let account = sandbox.ready_account().await;
    gateway
        .create_transfer(&new_transfer(&account), "payout-7")
        .await
        .unwrap();
    assert_eq!(gateway.payouts_of(&account).await.unwrap(), []);
    let body = json!({"currency": "eur", "amount": 12_345});
    sandbox
        .does(&format!("accounts/{account}/payout"), body)
        .await;
    let payouts = gateway.payouts_of(&account).await.unwrap();
    assert_eq!(
        payouts
            .iter()
            .map(|payout| payout.amount)
            .collect::<Vec<_>>(),
        [eur(12_345)]
    );
    // They are the account's own, not the platform's.
    assert_eq!(sandbox.get("v1/payouts").await["data"], json!([]));
}

/// One request as it came, answered with 200.
async fn receive(listener: &TcpListener) -> (String, Vec<u8>) {
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut all = Vec::new();
    loop {
        let mut part = [0; 4096];
        let read = socket.read(&mut part).await.unwrap();
        all.extend_from_slice(&part[..read]);
        let Some(end) = all.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8(all[..end].to_vec()).unwrap();
        let header = |name: &str| {
            head.lines().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.eq_ignore_ascii_case(name)
                    .then(|| value.trim().to_owned())
            })
        };
        let length: usize = header("content-length").unwrap().parse().unwrap();
        if all.len() >= end + 4 + length {
            let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            socket.write_all(reply).await.unwrap();
            return (header("stripe-signature").unwrap(), all[end + 4..].to_vec());
        }
    }
}

#[tokio::test]
async fn its_webhooks_are_signed_as_stripe_signs() {
    for (payload, secret) in [
        (Payload::Snapshot, "whsec_snap"),
        (Payload::Thin, "whsec_thin"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/webhooks/stripe", listener.local_addr().unwrap());
        let destination = Destination {
            url,
            secret: secret.to_owned(),
            payload,
            enabled_events: Vec::new(),
        };
        let sandbox = Sandbox::with(vec![destination]).await;
        let account = sandbox.ready_account().await;
        if payload == Payload::Snapshot {
            sandbox
                .gateway()
                .create_transfer(&new_transfer(&account), "k")
                .await
                .unwrap();
        }
        let (signature, body) = receive(&listener).await;
        let secrets = ["whsec_old", "whsec_snap", "whsec_thin"];
        verify(&body, Some(&signature), &secrets, Utc::now()).unwrap();
        assert!(verify(&body, Some(&signature), &["whsec_old"], Utc::now()).is_err());
        let event = Envelope::parse(&body).unwrap();
        let expected = if payload == Payload::Thin {
            Form::Thin
        } else {
            Form::Snapshot
        };
        assert_eq!(event.form, expected);
        assert!(event.object_id().is_some());
    }
}

/// Credit that an invoice takes is listed with where it came from, the oldest first.
#[tokio::test]
async fn a_customer_s_balance_is_listed_with_its_sources() {
    let sandbox = Sandbox::start().await;
    let gateway = sandbox.gateway();
    let body = json!({"id": "cus_1", "name": "Acme", "email": "it@acme.example"});
    sandbox.does("billing/customer", body).await;
    for (kind, amount) in [("invoice_overpaid", -3_000), ("adjustment", -2_000)] {
        let body = json!({"customer": "cus_1", "amount": amount, "currency": "eur", "type": kind});
        sandbox.does("billing/balance", body).await;
    }
    let body = json!({"id": "in_1", "customer": "cus_1", "currency": "eur", "amount": 4_000});
    sandbox.does("billing/invoice_paid", body).await;
    let invoice = gateway.invoice("in_1").await.unwrap();
    assert_eq!(invoice.status, InvoiceStatus::Paid);
    assert_eq!(invoice.credit_used(), eur(4_000));
    assert_eq!((invoice.to_pay(), invoice.unpaid_part()), (eur(0), eur(0)));

    let body = json!({"id": "in_2", "customer": "cus_1", "currency": "eur", "amount": 6_000});
    sandbox.does("billing/invoice_paid", body).await;
    let invoice = gateway.invoice("in_2").await.unwrap();
    assert_eq!(invoice.credit_used(), eur(1_000));
    assert_eq!(
        (invoice.to_pay(), invoice.amount_paid),
        (eur(5_000), eur(5_000))
    );

    let changes = gateway.balance_transactions("cus_1").await.unwrap();
    let listed: Vec<(&str, i64, Option<&str>)> = changes
        .iter()
        .map(|c| (c.kind.as_str(), c.amount.minor, c.invoice.as_deref()))
        .collect();
    assert_eq!(
        listed,
        [
            ("invoice_overpaid", -3_000, None),
            ("adjustment", -2_000, None),
            ("applied_to_invoice", 4_000, Some("in_1")),
            ("applied_to_invoice", 1_000, Some("in_2")),
        ]
    );
    assert!(
        gateway
            .balance_transactions("cus_none")
            .await
            .unwrap_err()
            .is_missing()
    );
}
