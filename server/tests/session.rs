//! Sessions, and what a restart must not forget.

use std::sync::Arc;

use chrono::Utc;
use domain::partner::StaffRole;
use rstest::rstest;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use server::session::{Sessions, purge};
use service::{Clock, Context, Db, Error, identity};
use tower_sessions::Session;
use tower_sessions::session::Id;

use crate::support::{Engine, Place};

const PASSWORD: &str = "a long enough passphrase 42";

async fn person(db: &Db) -> i64 {
    let ctx = Context::system(db, Clock::system(), "test");
    identity::add_staff(
        &ctx,
        "Ada",
        "ada@example.com",
        StaffRole::Admin,
        Some(PASSWORD),
    )
    .await
    .expect("added")
}

/// A session as a handler finds it.
fn open(db: &Db, id: Option<Id>) -> Session {
    Session::new(id, Arc::new(Sessions::new(db)), None)
}

async fn signed_in(db: &Db, person_id: i64) -> Id {
    let session = open(db, None);
    session
        .insert(app::session::PERSON, person_id)
        .await
        .expect("is kept");
    session.save().await.expect("is saved");
    session.id().expect("has an id")
}

async fn who(db: &Db, id: Id) -> Option<i64> {
    open(db, Some(id))
        .get(app::session::PERSON)
        .await
        .expect("is read")
}

#[rstest]
#[tokio::test]
async fn a_session_survives_a_restart_and_ends_with_a_new_password(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(place) = Place::new(engine).await else {
        return;
    };
    let db = place.migrate().await;
    let person_id = person(&db).await;
    let id = signed_in(&db, person_id).await;
    db.reader().clone().close().await.expect("closes");

    let db = Db::connect(&place.database_url).await.expect("opens again");
    assert_eq!(who(&db, id).await, Some(person_id));

    // A request is under way when the password is changed elsewhere.
    let running = open(&db, Some(id));
    assert_eq!(
        running
            .get::<i64>(app::session::PERSON)
            .await
            .expect("is read"),
        Some(person_id)
    );
    entity::session::Entity::delete_many()
        .filter(entity::session::Column::PersonId.eq(person_id))
        .exec(db.reader())
        .await
        .expect("ended by person");
    running.insert("flash", "done").await.expect("is kept");
    running.save().await.expect("changes nothing");
    assert_eq!(who(&db, id).await, None, "it stays ended");
}

#[rstest]
#[tokio::test]
async fn sessions_that_have_ended_are_not_read_and_are_purged(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(place) = Place::new(engine).await else {
        return;
    };
    let db = place.migrate().await;
    let person_id = person(&db).await;
    let (old, fresh) = (
        signed_in(&db, person_id).await,
        signed_in(&db, person_id).await,
    );
    entity::session::Entity::update_many()
        .col_expr(
            entity::session::Column::ExpiresAt,
            sea_orm::sea_query::Expr::value(Utc::now() - chrono::TimeDelta::minutes(1)),
        )
        .filter(entity::session::Column::Id.eq(old.to_string()))
        .exec(db.reader())
        .await
        .expect("aged");
    assert_eq!(who(&db, old).await, None);
    assert_eq!(who(&db, fresh).await, Some(person_id));
    assert_eq!(purge(&db).await.expect("purges"), 1);
    assert_eq!(who(&db, fresh).await, Some(person_id));
}

#[tokio::test]
async fn reading_a_session_writes_nothing() {
    let place = Place::new(Engine::Sqlite)
        .await
        .expect("SQLite is always there");
    let db = place.migrate().await;
    let person_id = person(&db).await;
    let id = signed_in(&db, person_id).await;
    db.reader()
        .execute_unprepared(
            "CREATE TRIGGER no_writes BEFORE UPDATE ON session \
             BEGIN SELECT RAISE(ABORT, 'a write'); END",
        )
        .await
        .expect("a trap");
    let portal = place.start().await;
    for path in ["/", "/nothing", "/sign-in", "/partner"] {
        let answer = portal
            .client
            .get(format!("{}{path}", portal.base))
            .header("cookie", format!("portico={id}"))
            .send()
            .await
            .expect("an answer");
        assert!(
            answer.status().as_u16() < 500,
            "{path}: {}",
            answer.status()
        );
        assert!(
            answer.headers().get("set-cookie").is_none(),
            "{path} sets a cookie"
        );
    }
}

#[rstest]
#[tokio::test]
async fn a_restart_does_not_forget_wrong_passwords(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(place) = Place::new(engine).await else {
        return;
    };
    let db = place.migrate().await;
    person(&db).await;
    let mut refused = None;
    for _ in 0..12 {
        refused = Some(try_password(&db, "wrong").await);
        if matches!(refused, Some(Err(Error::TooMany { .. }))) {
            break;
        }
    }
    assert!(
        matches!(refused, Some(Err(Error::TooMany { .. }))),
        "{refused:?}"
    );
    db.reader().clone().close().await.expect("closes");

    let db = Db::connect(&place.database_url).await.expect("opens again");
    let right = try_password(&db, PASSWORD).await;
    assert!(
        matches!(right, Err(Error::TooMany { .. })),
        "still locked: {right:?}"
    );
}

async fn try_password(db: &Db, password: &str) -> service::Result<()> {
    let mut ctx = Context::system(db, Clock::system(), "test");
    ctx.actor = service::Actor::Anonymous;
    identity::sign_in(&ctx, "ada@example.com", password, "192.0.2.1")
        .await
        .map(|_| ())
}
