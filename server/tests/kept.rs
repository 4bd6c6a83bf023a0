//! A page that is given again is still the page that would be made now.

use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use service::{Clock, Context, identity};

use crate::support::{Engine, Place, Running};

const PASSWORD: &str = "a long enough passphrase 42";

/// A portal with an admin who is signed in.
async fn stage(engine: Engine) -> Option<(Place, Running)> {
    let place = Place::new(engine).await?;
    let portal = place.start().await;
    let ctx = Context::system(&portal.db, Clock::system(), "test");
    let role = domain::partner::StaffRole::Admin;
    identity::add_staff(&ctx, "Ada", "ada@example.com", role, Some(PASSWORD))
        .await
        .expect("added");
    let signed_in = portal
        .client
        .post(format!("{}/sign-in", portal.base))
        .header("sec-fetch-site", "same-origin")
        .form(&[("email", "ada@example.com"), ("password", PASSWORD)])
        .send()
        .await
        .expect("an answer");
    assert_eq!(signed_in.status(), 303);
    Some((place, portal))
}

/// The nonce of the policy, and the page.
async fn page(portal: &Running, path: &str) -> (String, String) {
    let answer = portal.get(path).await;
    assert_eq!(answer.status(), 200, "{path}");
    let policy = answer.headers()["content-security-policy"]
        .to_str()
        .expect("text")
        .to_owned();
    let (_, rest) = policy.split_once("'nonce-").expect("a nonce");
    let (nonce, _) = rest.split_once('\'').expect("its end");
    let body = answer.text().await.expect("a page");
    assert!(body.contains(&format!("nonce=\"{nonce}\"")), "{path}");
    (nonce.to_owned(), body)
}

#[rstest]
#[tokio::test]
async fn the_same_page_has_a_nonce_of_its_own(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some((_place, portal)) = stage(engine).await else {
        return;
    };
    let (first, body) = page(&portal, "/admin").await;
    let (second, again) = page(&portal, "/admin").await;
    assert_ne!(first, second);
    assert!(!again.contains(&first), "the old nonce is worth nothing");
    // The clock of the page may have gone on.
    let without = |body: &str, nonce: &str| {
        let body = body.replace(nonce, "");
        let (before, rest) = body.split_once("data-now=\"").expect("a time");
        let (_, after) = rest.split_once('"').expect("its end");
        format!("{before}{after}")
    };
    assert_eq!(without(&body, &first), without(&again, &second));
}

#[rstest]
#[tokio::test]
async fn what_another_process_writes_is_seen_at_once(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some((place, portal)) = stage(engine).await else {
        return;
    };
    // Connections that the portal knows nothing of.
    let other = place.migrate().await;
    for name in ["Ada Lovelace", "Ada Byron", "Countess of Lovelace"] {
        let tx = other.begin().await.expect("begins");
        entity::person::Entity::update_many()
            .col_expr(entity::person::Column::Name, Expr::value(name))
            .filter(entity::person::Column::Email.eq("ada@example.com"))
            .exec(&*tx)
            .await
            .expect("written");
        let (_, before) = page(&portal, "/admin").await;
        assert!(!before.contains(name), "not committed yet: {name}");
        tx.commit().await.expect("committed");
        let (_, after) = page(&portal, "/admin").await;
        assert!(after.contains(name), "{name}");
    }
}

#[rstest]
#[tokio::test]
async fn nothing_is_left_for_those_who_have_signed_out(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some((_place, portal)) = stage(engine).await else {
        return;
    };
    page(&portal, "/admin").await;
    // Ended from elsewhere, as a new password does: the browser still has its cookie.
    let tx = portal.db.begin().await.expect("begins");
    entity::session::Entity::delete_many()
        .exec(&*tx)
        .await
        .expect("deleted");
    tx.commit().await.expect("committed");
    assert_eq!(portal.get("/admin").await.status(), 303);
}
