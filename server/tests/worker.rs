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
    assert_eq!(mails().len(), 1, "neither sends it again");
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
    let first = place.start_with(config.clone()).await;
    let value = async |id: &str| {
        entity::setting::Entity::find_by_id(id)
            .one(first.db.reader())
            .await
            .expect("reads")
            .map(|row| row.value)
    };
    let (sessions, last) = ("due:sessions", "due:reconciliation");
    eventually("the first turn", async || value(last).await.is_some()).await;
    let before = value(sessions).await;
    assert!(before.is_some());
    first.portal.stop().await;

    // The other alone can put back the end of the calendar; it has passed by the rest by then.
    entity::setting::Entity::delete_by_id(last)
        .exec(first.db.reader())
        .await
        .expect("taken out");
    let other = place.start_with(config.clone()).await;
    eventually("the other's turn", async || value(last).await.is_some()).await;
    assert_eq!(value(sessions).await, before, "not due yet for anybody");
    let again = place.start_with(config).await;

    entity::session::Entity::insert(entity::session::ActiveModel {
        id: Set("gone".to_owned()),
        person_id: Set(None),
        data: Set("{}".to_owned()),
        expires_at: Set(chrono::Utc::now() - chrono::TimeDelta::minutes(1)),
    })
    .exec_without_returning(first.db.reader())
    .await
    .expect("an old session");
    let step = chrono::TimeDelta::days(31);
    service::clock::advance(first.db.reader(), step)
        .await
        .expect("moves the clock");
    eventually("the turn after the clock was moved", async || {
        value(sessions).await != before
    })
    .await;
    eventually("its work", async || other.count("session").await == 0).await;
    other.portal.stop().await;
    again.portal.stop().await;
}
