//! Is it alive, can it work, and does it start at all.

use rstest::rstest;
use serde_json::Value;
use server::{Portal, StartError};

use crate::support::{Engine, Place};

#[rstest]
#[tokio::test]
async fn alive_and_ready(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let Some(place) = Place::new(engine).await else {
        return;
    };
    let portal = place.start().await;
    let alive = portal.get("/healthz").await;
    assert_eq!(alive.status(), 200);
    let ready = portal.get("/readyz").await;
    assert_eq!(ready.status(), 200);
    let ready: Value = ready.json().await.expect("JSON");
    assert_eq!(ready["ready"], true);
    assert_eq!(ready["workers"], "ok");
    portal.portal.stop().await;
}

#[tokio::test]
async fn not_ready_on_an_older_schema() {
    let place = Place::new(Engine::Sqlite)
        .await
        .expect("SQLite is always there");
    let portal = place.start().await;
    sql(
        &portal.db,
        "DELETE FROM seaql_migrations WHERE version LIKE '0009%'",
    )
    .await;
    let ready = portal.get("/readyz").await;
    assert_eq!(ready.status(), 503);
    assert!(
        ready
            .text()
            .await
            .expect("a text")
            .contains("portico migrate")
    );
    assert_eq!(portal.get("/healthz").await.status(), 200);
}

#[tokio::test]
async fn production_does_not_migrate_by_itself_and_a_demonstration_does() {
    let place = Place::new(Engine::Sqlite)
        .await
        .expect("SQLite is always there");
    let refused = Portal::start(place.config()).await.expect_err("refuses");
    assert!(matches!(refused, StartError::OldSchema(_)));
    assert!(refused.to_string().contains("portico migrate"), "{refused}");

    let mut config = place.config();
    config.demo = true;
    let portal = place.start_with(config).await;
    assert_eq!(portal.get("/readyz").await.status(), 200);
}

#[tokio::test]
async fn an_older_portal_does_not_touch_a_newer_schema() {
    let place = Place::new(Engine::Sqlite)
        .await
        .expect("SQLite is always there");
    let db = place.migrate().await;
    sql(
        &db,
        "INSERT INTO seaql_migrations (version, applied_at) VALUES ('9999_later', 0)",
    )
    .await;
    let refused = Portal::start(place.config()).await.expect_err("refuses");
    assert!(matches!(refused, StartError::NewSchema(_)), "{refused}");
}

async fn sql(db: &service::Db, sql: &str) {
    use sea_orm::ConnectionTrait;
    db.reader()
        .execute_unprepared(sql)
        .await
        .expect("is executed");
}
