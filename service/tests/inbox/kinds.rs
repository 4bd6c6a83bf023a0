//! Events of their own kind: broken ones fail alone, some are handed to jobs.

use domain::plan::ready_made;
use entity::webhook_event;
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;

use crate::support::Engine;
use crate::world::{World, acme, charge, event, invoice};

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn broken_events_fail_alone_and_clearly(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let paid = |id: &str, line: &str| invoice(id, "cus_1", &[(line, 10_000)], 10);
    let mut text = paid("in_t", "il_t");
    text["lines"]["data"][0]["amount"] = json!("10000");
    let mut unknown = paid("in_u", "il_u");
    unknown["currency"] = json!("xxx");
    let mut fraction = paid("in_f", "il_f");
    fraction["amount_paid"] = json!(1.5);
    let mut huge = paid("in_h", "il_h");
    huge["lines"]["data"][0]["amount"] = json!(i64::MAX);
    huge["lines"]["data"][0]["taxes"] = json!([]);
    let worked = world
        .deliver(&[
            acme(),
            event("evt_t", "invoice.paid", 1, text),
            event("evt_u", "invoice.paid", 2, unknown),
            event("evt_f", "invoice.paid", 3, fraction),
            event("evt_o", "invoice.paid", 4, paid("in_ok", "il_ok")),
            event(
                "evt_x",
                "something.new",
                5,
                json!({ "id": "x", "object": "new" }),
            ),
            event("evt_h", "invoice.paid", 6, huge),
            event("evt_n", "invoice.paid", 7, json!(null)),
        ])
        .await;
    assert_eq!((worked.failed, worked.ignored), (5, 1), "{worked:?}");
    let db = world.test.db.reader();
    let error = async |id: &str| {
        webhook_event::Entity::find()
            .filter(webhook_event::Column::EventId.eq(id))
            .one(db)
            .await
            .expect("reads")
            .and_then(|row| row.error)
            .unwrap_or_default()
    };
    assert!(error("evt_t").await.contains("text where a number belongs"));
    assert!(error("evt_u").await.contains("unknown currency"));
    assert!(error("evt_f").await.contains("whole number"));
    assert!(error("evt_n").await.contains("missing"));
    assert!(error("evt_h").await.contains("no invoice can have"));
    let lines = world.commissions().await;
    assert_eq!(lines.len(), 1, "only the good one earns");
    assert_eq!(lines[0].amount, 2_250);
    world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn accounts_and_transfers_are_handed_to_jobs(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let thin = json!({
        "id": "evt_thin", "object": "v2.core.event",
        "type": "v2.core.account[requirements].updated", "created": "2026-03-01T00:00:00Z",
        "livemode": false,
        "related_object": { "id": "acct_1", "type": "v2.core.account", "url": "/v2/core/accounts/acct_1" },
    });
    let mut paid = event(
        "evt_po",
        "payout.paid",
        1,
        json!({ "id": "po_1", "object": "payout" }),
    );
    paid["account"] = json!("acct_1");
    let transfer = json!({ "id": "tr_1", "object": "transfer" });
    world
        .deliver(&[
            thin,
            paid,
            event("evt_tr", "transfer.reversed", 2, transfer),
        ])
        .await;
    let mut jobs: Vec<(String, String)> = entity::job::Entity::find()
        .all(world.test.db.reader())
        .await
        .expect("reads")
        .into_iter()
        .map(|j| {
            (
                j.kind,
                j.payload["stripe_id"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
            )
        })
        .collect();
    jobs.sort();
    let expected = [
        ("bank_payout.sync", "acct_1"),
        ("payout_account.refresh", "acct_1"),
        ("transfer.sync", "tr_1"),
    ];
    assert_eq!(jobs, expected.map(|(k, id)| (k.to_owned(), id.to_owned())));
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_checkout_that_brings_no_money_earns_nothing(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let session = |status: &str| {
        json!({
            "id": "cs_1", "object": "checkout.session", "status": status, "mode": "payment",
            "payment_status": "unpaid", "payment_intent": "pi_1", "customer": null,
            "invoice": null, "currency": "eur", "amount_subtotal": 10_000, "amount_total": 12_000,
            "created": 1_772_323_200, "metadata": {}, "livemode": false,
            "customer_details": { "email": "ap@acme.com", "name": "Acme" },
        })
    };
    let mut charged = charge("pi_1", 12_000, 0);
    charged["status"] = json!("failed");
    charged["refunded"] = json!(false);
    let intent =
        json!({ "id": "pi_1", "object": "payment_intent", "status": "requires_payment_method" });
    let completed = "checkout.session.completed";
    let failed = "checkout.session.async_payment_failed";
    let worked = world
        .deliver(&[
            event("evt_c", completed, 1, session("complete")),
            event("evt_ch", "charge.failed", 2, charged),
            event("evt_pi", "payment_intent.payment_failed", 2, intent),
            event("evt_f", failed, 2, session("complete")),
            event("evt_e", "checkout.session.expired", 3, session("expired")),
        ])
        .await;
    assert_eq!((worked.ignored, worked.failed), (5, 0), "{worked:?}");
    assert!(world.commissions().await.is_empty());
    assert!(world.balances().await.is_empty());
    world.assert_clean().await;
}
