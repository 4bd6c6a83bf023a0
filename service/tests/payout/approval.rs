//! An approval is of exactly what was shown.

use domain::partner::StaffRole;
use entity::{payout, payout_approval, payout_item, payout_run, person};
use rstest::rstest;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, TransactionTrait};
use service::commission::{AdjustForm, adjust};
use service::payout::{list, run};
use service::{Error, ledger};

use super::bank::Bank;
use crate::support::{Engine, conflict};

async fn payouts(bank: &Bank) -> Vec<payout::Model> {
    payout::Entity::find()
        .all(bank.world.test.db.reader())
        .await
        .expect("read")
}

async fn give_back(bank: &Bank, amount: &str) {
    let form = AdjustForm {
        partner_id: bank.world.partners[0],
        kind: "adjustment".to_owned(),
        amount: amount.to_owned(),
        currency: "EUR".to_owned(),
        reason: "A refund".to_owned(),
    };
    adjust(&bank.world.finance(0), &form).await.expect("booked");
}

/// Whoever looks at one item and approves from a page that is older than what a colleague put back
/// in approves nothing, and reads what is in it now.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn another_content_than_was_shown_is_not_approved(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    bank.bonus_for_second().await;
    let felix = bank.world.finance(0);
    let [north, south] = bank.world.partners;
    let run_id = bank.submitted().await;
    run::send_back(&bank.world.finance(1), run_id, "Not North")
        .await
        .expect("sent back");
    let item = bank.item(run_id, north).await;
    run::exclude(&felix, run_id, item.id, Some("Later"))
        .await
        .expect("left out");
    run::submit(&felix, run_id, None).await.expect("submitted");
    let shown = bank.shown(run_id).await;

    run::send_back(&felix, run_id, "All of them")
        .await
        .expect("sent back");
    let item = bank.item(run_id, north).await;
    run::exclude(&felix, run_id, item.id, None)
        .await
        .expect("put back");
    run::submit(&felix, run_id, None).await.expect("submitted");

    let ines = bank.world.finance(1);
    let said = conflict(run::approve(&ines, run_id, &shown).await);
    assert!(said.contains("has changed since you looked"), "{said}");
    assert!(
        said.contains("Finance 0 put a partner back into it"),
        "{said}"
    );
    assert!(said.contains("North is in it now with"), "{said}");
    assert!(payouts(&bank).await.is_empty());
    let view = list::run(&ines, run_id).await.expect("shown");
    assert_eq!(view.status.as_str(), "submitted");

    assert!(
        bank.approve_by(1, run_id)
            .await
            .expect("as it is shown now")
    );
    let mut paid: Vec<_> = payouts(&bank).await.iter().map(|p| p.partner_id).collect();
    paid.sort_unstable();
    assert_eq!(paid, [north, south]);
    let kept = payout_approval::Entity::find()
        .all(bank.world.test.db.reader())
        .await
        .expect("read");
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].fingerprint, bank.shown_at_submission(run_id).await);
    bank.world.assert_clean().await;
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_form_that_does_not_say_what_was_shown_approves_nothing(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let run_id = bank.submitted().await;
    let ines = bank.world.finance(1);
    for shown in ["", "0000"] {
        let said = conflict(run::approve(&ines, run_id, shown).await);
        assert!(said.to_lowercase().contains("nothing was"), "{said}");
    }
    assert!(payouts(&bank).await.is_empty());
}

/// A draft that a colleague has changed is not submitted from an old page either.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn another_draft_than_was_shown_is_not_submitted(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    bank.bonus_for_second().await;
    let run_id = bank.drafted(0).await;
    let shown = bank.shown(run_id).await;
    let item = bank.item(run_id, bank.world.partners[0]).await;
    run::exclude(&bank.world.finance(1), run_id, item.id, Some("Later"))
        .await
        .expect("left out");
    let felix = bank.world.finance(0);
    let said = conflict(run::submit(&felix, run_id, Some(&shown)).await);
    assert!(
        said.contains("Finance 1 left a partner out of it"),
        "{said}"
    );
    let shown = bank.shown(run_id).await;
    run::submit(&felix, run_id, Some(&shown))
        .await
        .expect("as it is shown now");
}

/// A refund for one partner leaves that one out. What another earns meanwhile is the next run's.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_refund_leaves_one_partner_out_and_the_rest_is_approved(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    bank.bonus_for_second().await;
    let [north, south] = bank.world.partners;
    let run_id = bank.submitted().await;
    give_back(&bank, "-5.00").await;
    let bonus = AdjustForm {
        partner_id: south,
        kind: "bonus".to_owned(),
        amount: "7.00".to_owned(),
        currency: "EUR".to_owned(),
        reason: "Late".to_owned(),
    };
    adjust(&bank.world.finance(0), &bonus)
        .await
        .expect("booked");

    assert!(
        bank.approve_by(1, run_id)
            .await
            .expect("the rest is approved")
    );
    let item = bank.item(run_id, north).await;
    assert_eq!(
        item.reason.as_deref(),
        Some("What it is owed changed after the run was submitted")
    );
    let made = payouts(&bank).await;
    assert_eq!(made.len(), 1);
    assert_eq!((made[0].partner_id, made[0].amount), (south, 10_000));
    assert_eq!(bank.world.bucket(south, "payable").await, 700);
    let view = list::run(&bank.world.finance(0), run_id)
        .await
        .expect("shown");
    let told = |part: &str| view.timeline.iter().any(|line| line.summary.contains(part));
    assert!(told("Left out when it was approved: North"), "it says so");
    bank.world.assert_clean().await;
}

/// A refund while the only partner of a run waits: nothing is approved, and it says why.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn nobody_left_is_said(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let run_id = bank.submitted().await;
    give_back(&bank, "-5.00").await;
    let said = conflict(bank.approve_by(1, run_id).await);
    assert!(
        said.contains("Nobody in this run can be paid any more: North"),
        "{said}"
    );
    assert!(payouts(&bank).await.is_empty());
    bank.world.assert_clean().await;
}

/// Whoever changes a run waits for whoever is changing it, and then finds it as it is: a recount that
/// began before the submission does not take an approved run's items away.
#[rstest]
#[case::recount("recount")]
#[case::exclude("exclude")]
#[case::submit("submit")]
#[case::send_back("send back")]
#[case::cancel("cancel")]
#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_changed_by_one_at_a_time(#[case] what: &str) {
    let Some(bank) = Bank::new(Engine::Postgres).await else {
        return;
    };
    let run_id = bank.drafted(0).await;
    let item = bank.item(run_id, bank.world.partners[0]).await;
    let (before, after) = match what {
        "send back" => ("submitted", "approved"),
        "cancel" => ("draft", "sending"),
        _ => ("draft", "submitted"),
    };
    let db = bank.world.test.db.reader();
    let set = |to: &str| format!("UPDATE payout_run SET status = '{to}' WHERE id = {run_id}");
    db.execute_unprepared(&set(before)).await.expect("so far");
    let other = db.begin().await.expect("begins");
    other
        .execute_unprepared(&set(after))
        .await
        .expect("changes");
    let ctx = bank.world.finance(1);
    let word = what.to_owned();
    let late = tokio::spawn(async move {
        match word.as_str() {
            "recount" => run::refresh(&ctx, run_id).await,
            "exclude" => run::exclude(&ctx, run_id, item.id, Some("Late")).await,
            "submit" => run::submit(&ctx, run_id, None).await,
            "send back" => run::send_back(&ctx, run_id, "Late").await,
            _ => run::cancel(&ctx, run_id, "Late").await.map(|_| ()),
        }
    });
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(!late.is_finished(), "{what} waits");
    other.commit().await.expect("commits");
    let answer = late.await.expect("ends");
    assert!(
        matches!(answer, Err(Error::Conflict(_))),
        "{what}: {answer:?}"
    );
    let items = payout_item::Entity::find()
        .filter(payout_item::Column::RunId.eq(run_id))
        .all(bank.world.test.db.reader())
        .await
        .expect("read");
    assert_eq!(items.len(), 1);
    assert_eq!(
        items[0].id,
        bank.item(run_id, bank.world.partners[0]).await.id
    );
    assert!(items[0].included);
}

/// The books see what an approval was not of.
#[rstest]
#[case::another_amount("UPDATE payout_item SET amount = amount + 1", "was approved for")]
#[case::an_exclusion(
    "INSERT INTO payout_exclusion (run_id, partner_id, currency, reason, excluded_by, excluded_at) \
     SELECT run_id, partner_id, currency, 'No', 1, '2026-01-01T00:00:00Z' FROM payout",
    "took out"
)]
#[case::not_in_it("UPDATE payout_item SET included = FALSE", "is not in its run")]
#[case::by_a_hand(
    "INSERT INTO payout_run_hand (run_id, person_id, did, at) \
     SELECT id, approved_by, 'excluded', created_at FROM payout_run",
    "composed it too"
)]
#[case::of_something_else(
    "INSERT INTO payout_approval (run_id, person_id, fingerprint, approved_at) \
     SELECT id, approved_by, 'other', created_at FROM payout_run",
    "approved something else"
)]
#[tokio::test]
async fn the_audit_sees_what_was_not_approved(
    #[case] tampered: &str,
    #[case] finding: &str,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let row = bank.started().await;
    bank.work(row.id).await;
    assert_eq!(bank.payout().await.status, "paid");
    bank.world.assert_clean().await;
    let db = &bank.world.test.db;
    db.reader()
        .execute_unprepared(tampered)
        .await
        .expect("so it was left");
    let report = ledger::audit(db).await.expect("reads");
    let found = |f: &ledger::Finding| f.message.contains(finding);
    assert!(report.findings.iter().any(found), "{:?}", report.findings);
}

/// Of two approvals that a run needs, the first does not count any more when its author has no right
/// to approve by the time of the second.
#[rstest]
#[tokio::test]
async fn an_approval_of_somebody_who_left_finance_does_not_count(
    #[values("auditor", "gone")] how: &str,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let run_id = bank.submitted().await;
    let db = bank.world.test.db.reader();
    payout_run::Entity::update_many()
        .col_expr(payout_run::Column::NeedsSecond, Expr::value(true))
        .filter(payout_run::Column::Id.eq(run_id))
        .exec(db)
        .await
        .expect("needs two");
    let complete = bank.approve_by(1, run_id).await;
    assert!(!complete.expect("the first"));
    let first = bank.world.finance(1).actor.person_id().expect("a person");
    let update = person::Entity::update_many().filter(person::Column::Id.eq(first));
    let update = match how {
        "auditor" => update.col_expr(person::Column::StaffRole, Expr::value("auditor")),
        _ => update.col_expr(person::Column::DisabledAt, Expr::value(bank.world.now)),
    };
    update.exec(db).await.expect("changed");
    for complete in [false, true] {
        let name = format!("Other {complete}");
        let id = bank.world.add_staff(&name, StaffRole::Finance).await;
        let ctx = bank
            .world
            .test
            .staff(id, StaffRole::Finance, bank.world.now);
        assert_eq!(
            bank.approve_as(&ctx, run_id).await.expect("counts"),
            complete
        );
    }
    bank.world.test.assert_clean().await;
}
