//! What happens after the answer.

use rstest::rstest;
use sea_orm::{ActiveValue::Set, EntityTrait};
use service::{Clock, Context, identity, job};

use crate::support::{Engine, Place, eventually};

#[rstest]
#[tokio::test]
async fn mail_is_sent_once_by_whoever_works(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(place) = Place::new(engine).await else {
        return;
    };
    let first = place.start().await;
    let second = place.start().await;
    let ctx = Context::system(&first.db, Clock::system(), "test");
    let role = domain::partner::StaffRole::Finance;
    identity::add_staff(&ctx, "Grace", "grace@example.com", role, None)
        .await
        .expect("added");

    let folder = place.folder.path().join("mail");
    let mails = || {
        std::fs::read_dir(&folder)
            .map(|entries| {
                entries
                    .flatten()
                    .map(|e| e.file_name().to_string_lossy().into_owned())
                    .filter(|name| name.ends_with(".eml"))
                    .collect::<Vec<_>>()
            })
            .unwrap_or_default()
    };
    eventually("the mail is there", async || !mails().is_empty()).await;
    assert_eq!(mails().len(), 1);
    let text = std::fs::read_to_string(folder.join(&mails()[0])).expect("a mail");
    assert!(
        text.contains("http://127.0.0.1:1/reset-password?token="),
        "{text}"
    );
    eventually("the job is done", async || {
        let jobs = entity::job::Entity::find()
            .all(first.db.reader())
            .await
            .expect("jobs");
        jobs.iter().all(|j| j.status == "done" && j.attempts == 1)
    })
    .await;
    first.portal.stop().await;
    second.portal.stop().await;
}

#[tokio::test]
async fn a_job_nobody_knows_is_kept_and_tried_again() {
    let place = Place::new(Engine::Sqlite)
        .await
        .expect("SQLite is always there");
    let portal = place.start().await;
    let ctx = Context::system(&portal.db, Clock::system(), "test");
    let tx = ctx.begin().await.expect("begins");
    job::enqueue(&ctx, &*tx, "of.a.later.version", &(), None, ctx.now())
        .await
        .expect("kept");
    tx.commit().await.expect("commits");
    eventually("it was tried", async || {
        let job = entity::job::Entity::find()
            .one(portal.db.reader())
            .await
            .expect("a job");
        job.is_some_and(|j| {
            j.status == "waiting" && j.attempts == 1 && j.run_at > ctx.now() && j.error.is_some()
        })
    })
    .await;
}

#[tokio::test]
async fn the_calendar_is_one_for_all_processes_and_follows_the_demonstrations_clock() {
    let place = Place::new(Engine::Sqlite)
        .await
        .expect("SQLite is always there");
    let mut config = place.config();
    config.demo = true;
    let portal = place.start_with(config.clone()).await;
    let due = async || {
        entity::setting::Entity::find_by_id("due:sessions")
            .one(portal.db.reader())
            .await
            .expect("reads")
            .map(|row| row.value)
    };
    eventually("the first turn", async || due().await.is_some()).await;
    let before = due().await;
    let other = place.start_with(config).await;
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    assert_eq!(due().await, before, "not due yet for anybody");

    entity::session::Entity::insert(entity::session::ActiveModel {
        id: Set("gone".to_owned()),
        person_id: Set(None),
        data: Set("{}".to_owned()),
        expires_at: Set(chrono::Utc::now() - chrono::TimeDelta::minutes(1)),
    })
    .exec_without_returning(portal.db.reader())
    .await
    .expect("an old session");
    let step = chrono::TimeDelta::days(31);
    service::clock::advance(portal.db.reader(), step)
        .await
        .expect("moves the clock");
    eventually("the turn after the clock was moved", async || {
        due().await != before
    })
    .await;
    eventually("its work", async || portal.count("session").await == 0).await;
    other.portal.stop().await;
}
