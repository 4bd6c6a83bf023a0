//! What goes back, in the orders and forms in which it was once got wrong.

use domain::plan::ready_made;
use rstest::rstest;
use serde_json::{Value, json};
use service::commission::{hold, release};

use crate::support::Engine;
use crate::world::{
    World, acme, charge, credit_note, credited, dispute, event, invoice, payment, refunded,
};

/// A customer, and the payment of 100.00 net and 20.00 tax that is to come.
fn customer_and_payment() -> [Value; 2] {
    [
        acme(),
        event(
            "evt_p",
            "invoice_payment.paid",
            30,
            payment("inpay_1", "in_1", "pi_1", 12_000),
        ),
    ]
}

fn paid() -> Value {
    invoice("in_1", "cus_1", &[("il_1", 10_000)], 30)
}

/// A note before payment is annulled; the invoice, which once said that 24.00 were credited, says
/// so no more.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn an_annulled_credit_note_takes_nothing(
    #[case] engine: Engine,
    #[values(&[0, 1, 2, 3, 4], &[4, 3, 2, 1, 0], &[1, 4, 0, 3, 2])] order: &[usize],
) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    world.deliver(&[acme()]).await;
    let mut open = paid();
    open["status"] = json!("open");
    open["amount_paid"] = json!(0);
    open["status_transitions"]["paid_at"] = json!(null);
    open["pre_payment_credit_notes_amount"] = json!(2_400);
    let note = credit_note("cn_1", "in_1", "il_1", 2_000, None, 10);
    let mut void = note.clone();
    void["status"] = json!("void");
    void["voided_at"] = json!(void["created"].as_i64().expect("a time") + 10);
    world.shelf.put(paid());
    world.shelf.put(void.clone());
    let events = [
        event("evt_1", "credit_note.created", 10, note),
        event("evt_2", "invoice.updated", 10, open),
        event("evt_3", "credit_note.voided", 20, void),
        event("evt_4", "invoice.paid", 30, paid()),
        customer_and_payment()[1].clone(),
    ];
    for i in order {
        world.deliver(std::slice::from_ref(&events[*i])).await;
    }
    assert_eq!(world.bucket(world.partners[0], "pending").await, 2_250);
    world.assert_clean().await;
}

/// Of two charges, one is only known by its total and the other only by its refund.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_charges_total_is_held_against_its_own_refunds(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    world.deliver(&[acme()]).await;
    world
        .deliver(&[
            event("evt_i", "invoice.paid", 30, paid()),
            event(
                "evt_1",
                "invoice_payment.paid",
                30,
                payment("inpay_1", "in_1", "pi_1", 6_000),
            ),
            event(
                "evt_2",
                "invoice_payment.paid",
                30,
                payment("inpay_2", "in_1", "pi_2", 6_000),
            ),
            refunded(1, "pi_1", 3_000, 40),
            event("evt_4", "charge.refunded", 50, charge("pi_2", 6_000, 3_000)),
        ])
        .await;
    assert_eq!(world.bucket(world.partners[0], "pending").await, 1_125);
    world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn what_finance_stopped_before_a_dispute_is_not_released_during_it(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let [made, payment] = customer_and_payment();
    let invoice = event("evt_i", "invoice.paid", 30, paid());
    world.deliver(&[made, invoice, payment]).await;
    let (ctx, north) = (world.finance(0), world.partners[0]);
    let id = world.commissions().await[0].id;
    hold(&ctx, &[id], "We look into it")
        .await
        .expect("answers")
        .single()
        .expect("held");
    let open = dispute("dp_1", "pi_1", 12_000, "needs_response", 50);
    world
        .deliver(&[event("evt_d", "charge.dispute.created", 50, open)])
        .await;
    let refused = release(&ctx, &[id], "It is fine")
        .await
        .expect("answers")
        .single();
    assert!(refused.expect_err("refused").to_string().contains("bank"));
    let won = dispute("dp_1", "pi_1", 12_000, "won", 50);
    world
        .deliver(&[event("evt_e", "charge.dispute.closed", 90, won)])
        .await;
    assert_eq!(
        world.bucket(north, "held").await,
        2_250,
        "finance still stops it"
    );
    release(&ctx, &[id], "It is fine")
        .await
        .expect("answers")
        .single()
        .expect("released");
    assert_eq!(world.bucket(north, "pending").await, 2_250);
    world.assert_clean().await;
}

/// A refund and what its charge says of it are the same money, and so are a credit note and its refund.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn what_went_back_is_listed_once(#[case] engine: Engine) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    world.deliver(&customer_and_payment()).await;
    let told = event("evt_1", "invoice.paid", 30, paid());
    world.deliver(&[told]).await;
    let listed = async || {
        let view = service::billing::invoice::show(&world.finance(0), "in_1").await;
        let returns = view.expect("shown").returns;
        let rows = returns.into_iter().map(|r| (r.stripe_id, r.amount));
        rows.collect::<Vec<_>>()
    };
    let total = |refunded: i64| charge("pi_1", 12_000, refunded);
    // The charge speaks first: it is all there is to list.
    let said = event("evt_2", "charge.refunded", 50, total(2_500));
    world.deliver(&[said]).await;
    assert_eq!(listed().await, [("ch_pi_1".to_owned(), 2_500)]);
    world.deliver(&[refunded(1, "pi_1", 2_500, 49)]).await;
    assert_eq!(listed().await, [("re_1".to_owned(), 2_500)]);
    // A part of which only the charge speaks is listed as that part.
    let said = event("evt_3", "charge.refunded", 60, total(3_000));
    world.deliver(&[said]).await;
    assert_eq!(
        listed().await,
        [("re_1".to_owned(), 2_500), ("ch_pi_1".to_owned(), 500)]
    );
    // A credit note that refunds is its refund.
    let [note, refund, _] = credited(1, "il_1", 2_000, 12_000, 70);
    let said = event("evt_4", "charge.refunded", 80, total(5_400));
    world.deliver(&[note, refund, said]).await;
    let found = listed().await;
    assert_eq!(found.iter().map(|(_, minor)| minor).sum::<i64>(), 5_400);
    assert!(found.contains(&("cn_1".to_owned(), 2_400)), "{found:?}");
    assert!(
        !found.iter().any(|(id, _)| id.starts_with("re_cn")),
        "{found:?}"
    );
}
