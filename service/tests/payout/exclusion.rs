//! What a person took out of a run stays out until a person puts it back.

use entity::payout_account;
use rstest::rstest;
use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, EntityTrait};
use service::payout::{list, run};

use super::bank::Bank;
use crate::support::{Engine, conflict};

async fn account(bank: &Bank, state: &str) {
    payout_account::Entity::update_many()
        .col_expr(payout_account::Column::State, Expr::value(state))
        .exec(bank.world.test.db.reader())
        .await
        .expect("written");
}

/// A rule that leaves it out meanwhile does not take the decision's place; both are shown.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_rule_does_not_undo_what_a_person_decided(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let felix = bank.world.finance(0);
    let north = bank.world.partners[0];
    let run_id = bank.drafted(0).await;
    let item = bank.item(run_id, north).await;
    run::exclude(&felix, run_id, item.id, Some("Its invoice is missing"))
        .await
        .expect("left out");
    account(&bank, "restricted").await;
    run::refresh(&felix, run_id).await.expect("counted");
    let view = list::run(&felix, run_id).await.expect("shown");
    let both = &view.items[0];
    assert_eq!(
        both.item.reason.as_deref(),
        Some("Payout account is restricted")
    );
    let decided = both.exclusion.as_ref().map(|e| e.reason.as_str());
    assert_eq!(decided, Some("Its invoice is missing"));

    account(&bank, "ready").await;
    run::refresh(&felix, run_id).await.expect("counted");
    assert!(!bank.item(run_id, north).await.included, "still left out");
    conflict(run::submit(&felix, run_id, None).await);

    let item = bank.item(run_id, north).await;
    run::exclude(&felix, run_id, item.id, None)
        .await
        .expect("put back");
    assert!(bank.item(run_id, north).await.included);
    run::submit(&felix, run_id, None).await.expect("submitted");
    bank.approve_by(1, run_id).await.expect("approved");
}

/// Nor does a count in which the partner has nothing to pay.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn nor_does_a_count_without_a_line(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let felix = bank.world.finance(0);
    let north = bank.world.partners[0];
    let run_id = bank.drafted(0).await;
    let item = bank.item(run_id, north).await;
    run::exclude(&felix, run_id, item.id, Some("Not now"))
        .await
        .expect("left out");
    let db = bank.world.test.db.reader();
    let to = |state: &str| format!("UPDATE commission SET state = '{state}'");
    db.execute_unprepared(&to("pending"))
        .await
        .expect("written");
    run::refresh(&felix, run_id).await.expect("counted");
    assert!(
        list::run(&felix, run_id)
            .await
            .expect("shown")
            .items
            .is_empty()
    );
    db.execute_unprepared(&to("payable"))
        .await
        .expect("written");
    run::refresh(&felix, run_id).await.expect("counted");
    let item = bank.item(run_id, north).await;
    assert!(!item.included && item.decided_by.is_some());
}

/// What a rule leaves out is not in it because a person lifts an exclusion.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn putting_back_does_not_overrule_a_rule(#[case] engine: Engine) {
    let Some(bank) = Bank::new(engine).await else {
        return;
    };
    let felix = bank.world.finance(0);
    let north = bank.world.partners[0];
    let run_id = bank.drafted(0).await;
    let item = bank.item(run_id, north).await;
    run::exclude(&felix, run_id, item.id, Some("Not now"))
        .await
        .expect("left out");
    account(&bank, "restricted").await;
    run::refresh(&felix, run_id).await.expect("counted");
    let item = bank.item(run_id, north).await;
    run::exclude(&felix, run_id, item.id, None)
        .await
        .expect("lifted");
    let item = bank.item(run_id, north).await;
    assert!(!item.included && item.decided_by.is_none());
    assert_eq!(item.reason.as_deref(), Some("Payout account is restricted"));
}
