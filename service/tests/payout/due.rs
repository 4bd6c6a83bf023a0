//! The run that the calendar drafts once a month.

use domain::plan::ready_made;
use entity::{event, payout_run};
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use service::payout::{due, run};

use crate::support::{Engine, day};
use crate::world::{World, acme, paid};

async fn runs(world: &World) -> Vec<payout_run::Model> {
    payout_run::Entity::find()
        .order_by_asc(payout_run::Column::Id)
        .all(world.test.db.reader())
        .await
        .expect("read")
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn one_run_a_month_is_drafted_on_the_payout_day(#[case] engine: Engine) {
    let Some(mut world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    world.deliver(&[acme(), paid(1, "cus_1", 100_000, 1)]).await;
    let mut drafted = Vec::new();
    // The program pays on the 5th. What was earned on 1 March is on hold until the end of the month.
    for (month, date) in [(3, 11), (4, 4), (4, 5), (4, 6), (5, 4), (5, 5)] {
        world.now = day(2026, month, date);
        service::commission::mature(&world.system())
            .await
            .expect("matures");
        drafted.push(due::draft_due(&world.system()).await.expect("drafts"));
    }
    // In May the draft of April still waits for finance: it does not cover May.
    assert_eq!(drafted, [0, 0, 1, 0, 0, 1]);
    let all = runs(&world).await;
    assert_eq!(all[0].number, "2026-04-A");
    assert_eq!(all[0].created_by, None);
    // The program's day begins at midnight in Berlin.
    assert_eq!(
        all[0].cutoff_at,
        day(2026, 4, 4) + chrono::TimeDelta::hours(22)
    );

    assert_eq!(all[1].number, "2026-05-A");
    // Finance is told of each, and of the draft that still waits.
    let told = world.mails_to("finance0@acme.example").await;
    assert_eq!(
        told,
        [
            "Payout run 2026-04-A was drafted",
            "Payout run 2026-05-A was drafted"
        ]
    );
    run::cancel(&world.finance(0), all[1].id, "Not this month.")
        .await
        .expect("canceled");
    assert_eq!(
        due::draft_due(&world.system()).await.expect("drafts"),
        0,
        "finance decided against the month's run"
    );
}

/// A draft by hand that was forgotten, and a canceled run with a later cut-off, are not the month's.
#[rstest]
#[case::a_forgotten_draft(false, -20)]
#[case::a_canceled_run_of_later(true, 4)]
#[tokio::test]
async fn the_calendar_is_stopped_by_nothing_but_the_months_run(
    #[case] canceled: bool,
    #[case] days: i64,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(mut world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    world.deliver(&[acme(), paid(1, "cus_1", 100_000, 1)]).await;
    world.now = day(2026, 4, 5) + chrono::TimeDelta::days(days.max(0));
    service::commission::mature(&world.system())
        .await
        .expect("matures");
    let new = run::NewRun {
        program_id: world.program,
        cutoff_at: day(2026, 4, 5) + chrono::TimeDelta::days(days),
        note: String::new(),
    };
    let id = run::draft(&world.finance(0), new).await.expect("drafted");
    if canceled {
        run::cancel(&world.finance(0), id, "A mistake.")
            .await
            .expect("canceled");
    }
    assert_eq!(due::draft_due(&world.system()).await.expect("drafts"), 1);
    assert_eq!(due::draft_due(&world.system()).await.expect("drafts"), 0);
}

/// A run that finance drafted for the day before the payout day is the month's: its cut-off is the
/// payout day's first moment.
#[rstest]
#[case::for_the_day_before(22, "4 April 2026", 0)]
#[case::for_an_earlier_day(-2, "3 April 2026", 1)]
#[tokio::test]
async fn a_run_drafted_by_hand_is_the_months(
    #[case] cutoff: i64,
    #[case] last_day: &str,
    #[case] drafted: u64,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(mut world) = World::new(engine, ready_made::reseller()).await else {
        return;
    };
    world.deliver(&[acme(), paid(1, "cus_1", 100_000, 1)]).await;
    world.now = day(2026, 4, 5);
    service::commission::mature(&world.system())
        .await
        .expect("matures");
    let new = run::NewRun {
        program_id: world.program,
        cutoff_at: day(2026, 4, 4) + chrono::TimeDelta::hours(cutoff),
        note: String::new(),
    };
    let id = run::draft(&world.finance(0), new).await.expect("drafted");
    let said = event::Entity::find()
        .filter(event::Column::Action.eq("payout_run.drafted"))
        .one(world.test.db.reader())
        .await
        .expect("read");
    let said = said.expect("the timeline says so").summary;
    assert!(said.ends_with(&format!("cut-off {last_day}.")), "{said}");
    run::cancel(&world.finance(0), id, "Not this month.")
        .await
        .expect("canceled");
    let due = due::draft_due(&world.system()).await.expect("drafts");
    assert_eq!(due, drafted);
}
