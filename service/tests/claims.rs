//! Who lost a job says nothing about it any more.

use chrono::TimeDelta;
use rstest::rstest;
use sea_orm::EntityTrait;
use service::job::{self, CLAIM, Claimed};
use service::payout::Next;

use crate::payout::Bank;
use crate::support::{Engine, TestDb, day};

/// A job that two workers have: the claim of the first ended before it was done.
async fn lost(test: &TestDb) -> (Claimed, Claimed) {
    let ctx = test.system(day(2026, 5, 5));
    let tx = ctx.begin().await.expect("begins");
    job::enqueue(&ctx, &*tx, "some.work", &(), None, ctx.now())
        .await
        .expect("asked for");
    tx.commit().await.expect("commits");
    let claim = async |at| {
        let mut jobs = job::claim(&test.system(at), 5, CLAIM)
            .await
            .expect("claims");
        jobs.pop()
    };
    let first = claim(ctx.now()).await.expect("a job");
    assert!(claim(ctx.now() + TimeDelta::seconds(60)).await.is_none());
    let second = claim(ctx.now() + TimeDelta::minutes(3)).await;
    (first, second.expect("the same job"))
}

async fn row(test: &TestDb) -> entity::job::Model {
    let rows = entity::job::Entity::find().all(test.db.reader()).await;
    rows.expect("reads").pop().expect("a job")
}

#[rstest]
#[case::done(0)]
#[case::goes_on_later(1)]
#[case::failed(2)]
#[tokio::test]
async fn a_lost_claim_ends_nothing(
    #[case] how: u8,
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(test) = TestDb::new(engine).await else {
        return;
    };
    let (first, second) = lost(&test).await;
    let ctx = test.system(day(2026, 5, 6));
    let before = row(&test).await;
    let say = async |job: &Claimed| {
        let tx = ctx.begin().await.expect("begins");
        let held = match how {
            0 => job::done(&ctx, &*tx, job).await,
            1 => job::again(&*tx, job, ctx.now()).await,
            _ => job::failed(&ctx, &*tx, job, "no answer").await,
        };
        tx.commit().await.expect("commits");
        held.expect("is noted")
    };
    assert!(!say(&first).await, "the claim was lost");
    assert_eq!(row(&test).await, before, "nothing has changed");
    assert!(say(&second).await, "the claim is held");
    let after = row(&test).await;
    assert_eq!(after.status, if how == 0 { "done" } else { "waiting" });
    assert_eq!((after.claim, after.claimed_until), (None, None));
    assert!(!say(&second).await, "it has ended");
}

/// A claim that has run out while nobody else came is still the worker's.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_long_job_that_nobody_took_is_ended_by_its_worker(#[case] engine: Engine) {
    let Some(test) = TestDb::new(engine).await else {
        return;
    };
    let (_, second) = lost(&test).await;
    let ctx = test.system(day(2026, 6, 1));
    let tx = ctx.begin().await.expect("begins");
    assert!(job::done(&ctx, &*tx, &second).await.expect("is noted"));
    tx.commit().await.expect("commits");
}

/// Two workers have the same payout, because the clock jumped while the first had it in hand. One of
/// them sends, and its answer is unclear: neither says that the payout is done.
#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test]
async fn a_payout_that_another_worker_is_sending_is_looked_at_again(#[case] engine: Engine) {
    let Some(mut bank) = Bank::new(engine).await else {
        return;
    };
    let payout = bank.started().await;
    for _ in 0..2 {
        bank.fault("status_500").await;
    }
    let (first, second) = tokio::join!(bank.work(payout.id), bank.work(payout.id));
    assert!(matches!(first, Next::Again(_)), "{first:?}");
    assert!(matches!(second, Next::Again(_)), "{second:?}");
    bank.settle(payout.id).await;
    assert_eq!(bank.payout().await.status, "paid");
    assert_eq!(bank.transfers().await.len(), 1);
    bank.world.assert_clean().await;
}
