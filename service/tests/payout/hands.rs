//! Whoever composed a run does not approve it, also after it was sent back.

use rstest::rstest;
use sea_orm::ConnectionTrait;
use service::payout::{due, list, run};

use super::bank::Bank;
use crate::support::{Engine, conflict, day};

/// What a person does to the calendar's draft, and what is then said to that person.
#[rstest]
#[case::leaves_out("exclude", "You left a partner out of this run.")]
#[case::puts_back("put back", "You put a partner back into this run.")]
#[case::counts("count", "You counted this run anew.")]
#[tokio::test]
async fn whoever_edits_the_calendars_draft_is_a_hand(
    #[case] what: &str,
    #[case] said: &str,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    bank.bonus_for_second().await;
    bank.world.now = day(2026, 6, 6);
    assert_eq!(
        due::draft_due(&bank.world.system()).await.expect("drafts"),
        1
    );
    let run_id = list::runs(&bank.world.finance(0), &list::RunQuery::default())
        .await
        .expect("listed")
        .rows[0]
        .run
        .id;
    let (felix, ines) = (bank.world.finance(0), bank.world.finance(1));
    let item = bank.item(run_id, bank.world.partners[0]).await.id;
    let out = Some("Later");
    match what {
        "exclude" => run::exclude(&ines, run_id, item, out).await,
        "put back" => {
            let sql = format!(
                "INSERT INTO payout_exclusion (run_id, partner_id, currency, reason, excluded_by, \
                 excluded_at) SELECT run_id, partner_id, currency, 'x', {}, '2026-05-05T00:00:00Z' \
                 FROM payout_item WHERE id = {item}; \
                 UPDATE payout_item SET included = FALSE, decided_by = {0} WHERE id = {item}",
                bank.world.finance[0]
            );
            let db = bank.world.test.db.reader();
            db.execute_unprepared(&sql).await.expect("written");
            run::exclude(&ines, run_id, item, None).await
        }
        _ => run::refresh(&ines, run_id).await,
    }
    .expect("changed");
    run::submit(&felix, run_id, None).await.expect("submitted");
    let why = conflict(bank.approve_by(1, run_id).await);
    assert!(why.starts_with(said), "{why}");
}

/// Who submitted first is a hand also when another submits it again; who only sends it back is none.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_hand_stays_one_and_sending_back_makes_nobody_one(#[case] engine: Engine) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    bank.world.now = day(2026, 5, 6);
    assert_eq!(
        due::draft_due(&bank.world.system()).await.expect("drafts"),
        1
    );
    let (felix, ines) = (bank.world.finance(0), bank.world.finance(1));
    let run_id = list::runs(&felix, &list::RunQuery::default())
        .await
        .expect("listed")
        .rows[0]
        .run
        .id;
    run::submit(&felix, run_id, None).await.expect("submitted");
    run::send_back(&ines, run_id, "Look again")
        .await
        .expect("sent back");
    run::submit(&felix, run_id, None).await.expect("submitted");
    assert!(
        bank.approve_by(1, run_id)
            .await
            .expect("she has only sent it back")
    );

    // The other way round: he submits, it comes back, she submits, and he is still a hand.
    run::cancel(&felix, run_id, "Once more")
        .await
        .expect("canceled");
    let run_id = bank.drafted(1).await;
    run::submit(&felix, run_id, None).await.expect("submitted");
    run::send_back(&felix, run_id, "Look again")
        .await
        .expect("sent back");
    run::submit(&ines, run_id, None).await.expect("submitted");
    let why = conflict(bank.approve_by(0, run_id).await);
    assert!(why.starts_with("You submitted this run."), "{why}");
    let view = list::run(&felix, run_id).await.expect("shown");
    let mut hands: Vec<i64> = view.hands.iter().map(|hand| hand.person_id).collect();
    hands.sort_unstable();
    assert_eq!(hands, bank.world.finance);
}
