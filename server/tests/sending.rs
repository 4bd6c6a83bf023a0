//! What finance sees and says where the portal does not decide by itself: an unclear payout, and what
//! stops all sending.

use sea_orm::ConnectionTrait;

use crate::stage::{Stage, id};

#[tokio::test(flavor = "multi_thread")]
async fn finance_is_asked_about_an_unclear_payout() {
    let stage = Stage::new().await;
    let db = &stage.portal.db;
    let payout = id(db, "payout WHERE status = 'paid' AND reversed = 0").await;
    let transfer = crate::stage::text(
        db,
        &format!("SELECT transfer_id FROM payout WHERE id = {payout}"),
    )
    .await;
    for sql in [
        format!("UPDATE payout SET status = 'unknown', transfer_id = NULL WHERE id = {payout}"),
        format!(
            "INSERT INTO payout_question (payout_id, why, asked_at) VALUES ({payout}, \
             'It is not known whether Stripe made this transfer.', '2026-01-01T00:00:00Z')"
        ),
    ] {
        db.reader().execute_unprepared(&sql).await.expect("unclear");
    }
    let here = format!("/finance/payouts/{payout}");
    let (_, home) = stage.page("/finance", "finance").await;
    assert!(home.contains("Payouts need your decision"), "{home}");
    let (_, page) = stage.page(&here, "finance").await;
    for said in [
        "Your decision is needed",
        "It is not known whether Stripe made this transfer.",
        "What Stripe lists now",
        transfer.as_str(),
        "In everything",
        "Ask Stripe again",
    ] {
        assert!(page.contains(said), "“{said}” is missing: {page}");
    }
    assert!(!page.contains("It was never made"), "Stripe has it");
    let (_, looks) = stage.page(&here, "auditor").await;
    assert!(looks.contains("What Stripe lists now"));
    assert!(!looks.contains("Ask Stripe again"), "auditors look");
    // Said all the same, it is refused.
    let never = [("_form", "never"), ("reason", "I am sure")];
    let (status, to) = stage
        .send(&format!("{here}/never-made"), "finance", &never)
        .await;
    assert_eq!((status, to.as_str()), (303, here.as_str()));
    let (_, page) = stage.page(&here, "finance").await;
    assert!(page.contains("Stripe has it: transfer"), "{page}");
    let made = [
        ("_form", "made"),
        ("transfer", transfer.as_str()),
        ("reason", ""),
    ];
    stage.send(&format!("{here}/made"), "finance", &made).await;
    let (_, page) = stage.page(&here, "finance").await;
    assert!(page.contains("Say how you know"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stops_sending_is_shown_and_released() {
    let stage = Stage::new().await;
    let db = &stage.portal.db;
    let run = id(db, "payout_run WHERE status = 'waiting_for_balance'").await;
    for sql in [
        "INSERT INTO sending_stop (kind, why, stopped_at) VALUES ('unknown_transfers', \
         'Stripe lists 2 transfers that this database does not know.', '2026-01-01T00:00:00Z')"
            .to_owned(),
        "INSERT INTO discrepancy (reference, kind, description, found_at, transfer_id) VALUES \
         ('unknown_payout:tr_x', 'unknown_payout', 'Transfer tr_x is for a payout that is not here.', \
          '2026-01-01T00:00:00Z', 'tr_x')"
            .to_owned(),
        format!(
            "UPDATE payout_run SET waits_for = 'Stripe refuses the portal’s key.', \
             waits_since = '2026-01-01T00:00:00Z' WHERE id = {run}"
        ),
    ] {
        db.reader().execute_unprepared(&sql).await.expect("stopped");
    }
    let (_, page) = stage.page(&format!("/finance/runs/{run}"), "finance").await;
    assert!(page.contains("This run waits"), "{page}");
    assert!(page.contains("Stripe refuses the portal’s key."));
    let (_, home) = stage.page("/finance", "finance").await;
    assert!(home.contains("All sending is stopped"), "{home}");
    let here = "/finance/reconciliation";
    let (_, page) = stage.page(here, "finance").await;
    assert!(page.contains("No payouts are sent"), "{page}");
    let release = format!("{here}/release");
    let why = [("_form", "release"), ("reason", "Looked at it")];
    stage.send(&release, "finance", &why).await;
    let (_, page) = stage.page(here, "finance").await;
    assert!(
        page.contains("Book it or say how it is explained first"),
        "{page}"
    );
    let found = id(db, "discrepancy WHERE transfer_id = 'tr_x'").await;
    let settle = [("reason", "A test of ours")];
    stage
        .send(&format!("{here}/{found}/settle"), "finance", &settle)
        .await;
    stage.send(&release, "finance", &why).await;
    let (_, page) = stage.page(here, "finance").await;
    assert!(page.contains("Sending goes on."), "{page}");
    assert!(!page.contains("No payouts are sent"));
}
