//! The audit is not right on books that Stripe's events cannot have made.

use domain::plan::ready_made;
use rstest::rstest;
use sea_orm::ConnectionTrait;
use serde_json::json;
use service::ledger::audit;

use crate::support::Engine;
use crate::world::{World, acme, event, paid, payment, refunded};

/// Something that was changed behind the portal's back, and what the audit says of it.
#[rstest]
#[case::an_account_s_own_invoice(
    "UPDATE webhook_event SET payload = replace(payload, '\"livemode\":false', \
     '\"account\":\"acct_partner\",\"livemode\":false') WHERE event_id = 'evt_in_1'",
    "connected account acct_partner"
)]
#[case::the_other_mode(
    "UPDATE webhook_event SET livemode = true WHERE event_id = 'evt_in_1'",
    "in the other mode"
)]
#[case::a_lost_line(
    "UPDATE invoice SET net = net + 500 WHERE stripe_id = 'in_1'",
    "a line is missing"
)]
#[case::no_money_arrived(
    "UPDATE invoice SET amount_paid = 0 WHERE stripe_id = 'in_1'",
    "has earned on 12000 with tax, of which 0 arrived"
)]
#[case::half_of_it_arrived(
    "UPDATE invoice SET amount_paid = 6000 WHERE stripe_id = 'in_1'",
    "of which 6000 arrived"
)]
#[case::an_event_that_never_ends(
    "UPDATE webhook_event SET status = 'received', attempts = 4, error = 'Somebody else has just \
     done the same. Reload the page to see how it stands.' WHERE event_id = 'evt_in_1'",
    "refused as a duplicate"
)]
#[case::what_was_too_much_went_back(
    "UPDATE invoice_payment SET amount = amount + 4000",
    "covers it"
)]
#[case::a_debt_before_anything_was_earned(
    "UPDATE commission SET earned_at = '2026-03-09T00:00:00Z' WHERE amount > 0 AND kind = 'accrual'",
    "had earned nothing with the customer before"
)]
#[tokio::test]
async fn books_that_no_event_can_have_made_are_found(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
    #[case] change: &str,
    #[case] says: &str,
) {
    let Some(world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    let pays = payment("inpay_1", "in_1", "pi_1", 12_000);
    let mut left_over = paid(2, "cus_1", -2_000, 500);
    left_over["data"]["object"]["amount_paid"] = json!(0);
    left_over["data"]["object"]["ending_balance"] = json!(-2_400);
    world
        .deliver(&[
            acme(),
            paid(1, "cus_1", 10_000, 1),
            event("evt_inpay_1", "invoice_payment.paid", 2, pays),
            refunded(1, "pi_1", 2_400, 100),
            left_over,
        ])
        .await;
    world.assert_clean().await;
    let db = world.test.db.reader();
    db.execute_unprepared(change).await.expect("changed");
    let report = audit(&world.test.db).await.expect("reads");
    let found: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    assert!(found.iter().any(|f| f.contains(says)), "{found:#?}");
}
