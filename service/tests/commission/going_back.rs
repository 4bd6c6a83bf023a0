//! What goes back: refunds before and after the payout, credit notes, disputes.

use domain::plan::ready_made;
use rstest::rstest;
use serde_json::json;
use service::commission::{mature, release};

use crate::books::pay_out;
use crate::support::{Engine, day};
use crate::world::{World, acme_pays, credit_note, credited, dispute, event, refund, refunded};

#[rstest]
#[case::before_maturity(false)]
#[case::after_maturity(true)]
#[tokio::test]
async fn refunds_in_steps_never_drift(
    #[case] matured: bool,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(mut world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    world.deliver(&acme_pays(9_999)).await;
    let total = world.commissions().await[0].amount;
    if matured {
        world.now = day(2026, 4, 20);
        mature(&world.system()).await.expect("works");
    }
    let bucket = if matured { "payable" } else { "pending" };
    // Seven uneven steps to the whole of it.
    let steps = [1, 333, 3_333, 17, 5_000, 3_300, 14];
    let mut refunded = 0;
    for (i, step) in steps.into_iter().enumerate() {
        refunded += step;
        let at = 100 + i as i64;
        let object = refund(&format!("re_{i}"), "pi_1", step, at);
        world
            .deliver(&[event(&format!("evt_r{i}"), "refund.created", at, object)])
            .await;
        let left = world.bucket(world.partners[0], bucket).await;
        let exact = total as f64 * (1.0 - refunded as f64 / 11_998.0);
        assert!((left as f64 - exact).abs() <= 1.0, "{left} for {exact}");
        world.assert_clean().await;
    }
    assert_eq!(refunded, 11_998);
    assert!(
        world.balances().await.is_empty(),
        "{:?}",
        world.balances().await
    );
    let lines = world.commissions().await;
    assert_eq!(lines[0].reversed, total);
    assert!(lines.iter().all(|l| l.state == "reversed"), "{lines:?}");
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_refund_after_payout_is_owed_and_a_failed_refund_is_given_back(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    world.deliver(&acme_pays(10_000)).await;
    let north = world.partners[0];
    world.now = day(2026, 4, 20);
    mature(&world.system()).await.expect("works");
    pay_out(&world.system(), &world.commissions().await[0]).await;
    world.deliver(&[refunded(1, "pi_1", 6_000, 50)]).await;
    assert_eq!(world.bucket(north, "payable").await, -1_125);
    world.assert_clean().await;
    let mut failed = refund("re_1", "pi_1", 6_000, 50);
    failed["status"] = json!("failed");
    world
        .deliver(&[event("evt_f", "refund.failed", 90, failed.clone())])
        .await;
    assert_eq!(world.bucket(north, "payable").await, 0);
    // The old news again change nothing.
    world
        .deliver(&[event(
            "evt_r2",
            "refund.updated",
            50,
            refund("re_1", "pi_1", 6_000, 50),
        )])
        .await;
    assert_eq!(world.bucket(north, "payable").await, 0);
    world.assert_clean().await;
}

#[rstest]
#[case::note_first(&[0, 1, 2])]
#[case::refund_first(&[1, 2, 0])]
#[case::total_first(&[2, 1, 0])]
#[case::total_then_note(&[2, 0, 1])]
#[tokio::test]
async fn a_credit_note_that_refunds_counts_once(
    #[case] order: &[usize],
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    world.deliver(&acme_pays(10_000)).await;
    let events = credited(1, "il_1", 2_000, 12_000, 50);
    for i in order {
        world.deliver(std::slice::from_ref(&events[*i])).await;
        assert_eq!(
            world.bucket(world.partners[0], "pending").await,
            2_250 - 450
        );
    }
    world.assert_clean().await;
    // The note is annulled: only the refund stays, which is the same money.
    let mut void = credit_note("cn_1", "in_1", "il_1", 2_000, Some("re_cn_1"), 50);
    void["status"] = json!("void");
    world
        .deliver(&[event("evt_v", "credit_note.voided", 60, void)])
        .await;
    assert_eq!(
        world.bucket(world.partners[0], "pending").await,
        2_250 - 450
    );
    world.assert_clean().await;
}

#[rstest]
#[case::won("won", 2_250)]
#[case::lost("lost", 0)]
#[case::inquiry("warning_closed", 2_250)]
#[tokio::test]
async fn a_dispute_holds_until_it_is_decided(
    #[case] end: &str,
    #[case] left: i64,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    world.deliver(&acme_pays(10_000)).await;
    let north = world.partners[0];
    let open = dispute("dp_1", "pi_1", 12_000, "needs_response", 50);
    world
        .deliver(&[event("evt_d", "charge.dispute.created", 50, open.clone())])
        .await;
    assert_eq!(world.bucket(north, "held").await, 2_250);
    world.assert_clean().await;
    let id = world.commissions().await[0].id;
    let bulk = release(&world.finance(0), &[id], "please")
        .await
        .expect("answers");
    assert!(
        bulk.single()
            .expect_err("refused")
            .to_string()
            .contains("dispute")
    );
    let decided = dispute("dp_1", "pi_1", 12_000, end, 50);
    world
        .deliver(&[event("evt_e", "charge.dispute.closed", 90, decided)])
        .await;
    assert_eq!(
        (
            world.bucket(north, "held").await,
            world.bucket(north, "pending").await
        ),
        (0, left)
    );
    world.assert_clean().await;
    // The opening comes late once more.
    world
        .deliver(&[event("evt_d2", "charge.dispute.updated", 60, open)])
        .await;
    assert_eq!(world.bucket(north, "pending").await, left);
    world.assert_clean().await;
}
