//! Pages from outside: what the guard answers, and that what people typed is never markup.

use crate::{
    flash::{Flash, Toast, Tone},
    page::{Head, Page, PageError, PageResult},
    routes::{Access, Routes},
    session,
    state::{AppState, Site},
    ui::*,
};
use axum::{
    Router,
    body::Body,
    extract::Path,
    http::{Request, Response, StatusCode, header},
};
use http_body_util::BodyExt;
use leptos::prelude::*;
use service::Db;
use std::sync::Arc;
use tower::ServiceExt;
use tower_sessions::{MemoryStore, Session};

async fn thing(page: Page, Path(id): Path<i64>) -> PageResult {
    // 1 is missing, 2 is somebody else's: a service call says the same of both.
    if id < 3 {
        return Err(service::Error::NotFound.into());
    }
    Ok(
        page.render(Head::new("<b>Thing</b>").crumb("<i>", "/"), || {
            view! {
                <FormErrors/>
                <PostForm action="/things/3">
                    <TextField name="name" label="Name" hint="As on the invoice."/>
                    <TextArea name="note" label="Note"/>
                </PostForm>
            }
        }),
    )
}

async fn fails() -> PageResult {
    Err(PageError::internal("password=hunter2 in the database"))
}

async fn refuses(page: Page) -> PageResult {
    let typed = [
        ("name".to_owned(), "Ünï".to_owned()),
        ("password".to_owned(), "s".to_owned()),
    ];
    page.refused(
        "/things/3",
        service::Error::field("name", "Too long."),
        &typed,
    )
    .await
}

async fn send(router: &Router, session: &Session, request: Request<Body>) -> Response<Body> {
    let mut request = request;
    request.extensions_mut().insert(session.clone());
    router.clone().oneshot(request).await.unwrap()
}

async fn get(router: &Router, session: &Session, path: &str) -> (StatusCode, String) {
    let request = Request::get(path)
        .header("x-request-id", "r1")
        .body(Body::empty())
        .unwrap();
    let response = send(router, session, request).await;
    let status = response.status();
    let nonce = response
        .headers()
        .get(header::CONTENT_SECURITY_POLICY)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.split("'nonce-").nth(1))
        .and_then(|v| v.split('\'').next())
        .unwrap_or_default()
        .to_owned();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    (
        status,
        if nonce.is_empty() {
            text
        } else {
            text.replace(&nonce, "NONCE")
        },
    )
}

async fn portal() -> (Router, Session) {
    let db = Db::connect("sqlite::memory:").await.unwrap();
    let router = Routes::new()
        .get("/things/{id}", Access::Public, thing)
        .post("/things/{id}", Access::Public, refuses)
        .get("/fails", Access::Public, fails)
        .get("/partner", Access::Partner, fails)
        .into_router(AppState::new(db, Site::default()));
    (
        router,
        Session::new(None, Arc::new(MemoryStore::default()), None),
    )
}

#[tokio::test]
async fn foreign_missing_and_unknown_addresses_look_the_same() {
    let (router, session) = portal().await;
    let (status, missing) = get(&router, &session, "/things/1").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(missing.contains("Not found"), "{missing}");
    for other in ["/things/2", "/nowhere"] {
        let (status, page) = get(&router, &session, other).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert_eq!(page, missing, "{other}");
    }
}

#[tokio::test]
async fn a_fault_shows_its_number_and_nothing_else() {
    let (router, session) = portal().await;
    let (status, page) = get(&router, &session, "/fails").await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(page.contains("r1") && !page.contains("hunter2"), "{page}");
}

#[tokio::test]
async fn strangers_are_sent_to_sign_in_and_back() {
    let (router, session) = portal().await;
    let request = Request::get("/partner?a=1").body(Body::empty()).unwrap();
    let response = send(&router, &session, request).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(
        response.headers()[header::LOCATION],
        "/sign-in?next=%2Fpartner%3Fa%3D1"
    );
}

#[tokio::test]
async fn a_refused_form_comes_back_once_with_errors_and_values() {
    let (router, session) = portal().await;
    let request = Request::post("/things/3").body(Body::empty()).unwrap();
    let response = send(&router, &session, request).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(response.headers()[header::LOCATION], "/things/3");

    let prefetch = Request::get("/things/3")
        .header("sec-purpose", "prefetch")
        .body(Body::empty());
    send(&router, &session, prefetch.unwrap()).await;
    let (_, page) = get(&router, &session, "/things/3").await;
    assert!(page.contains(r#"value="Ünï""#), "{page}");
    assert!(
        page.contains(r##"<a href="#f-name">Too long.</a>"##),
        "{page}"
    );
    assert!(
        page.contains(r#"aria-describedby="f-name-hint f-name-error""#),
        "{page}"
    );
    let (_, again) = get(&router, &session, "/things/3").await;
    assert!(!again.contains("Too long."), "{again}");
}

#[tokio::test]
async fn an_error_without_its_field_is_said_all_the_same() {
    let (router, session) = portal().await;
    let flash = Flash {
        errors: vec![("elsewhere".to_owned(), "A <b> & c.".to_owned())],
        values: vec![("_form".to_owned(), "other".to_owned())],
        toasts: Vec::new(),
    };
    session::leave_flash(&session, flash).await.unwrap();
    let (_, page) = get(&router, &session, "/things/3").await;
    assert_eq!(page.matches("A &lt;b&gt; &amp; c.").count(), 1, "{page}");
}

#[tokio::test]
async fn reading_a_page_writes_no_session() {
    let (router, session) = portal().await;
    get(&router, &session, "/things/3").await;
    assert!(!session.is_modified());
}

#[tokio::test]
async fn what_was_typed_is_never_markup() {
    let (router, session) = portal().await;
    let evil = "\"><script>alert(1)</script>";
    let flash = Flash {
        errors: vec![("name".to_owned(), evil.to_owned())],
        values: vec![
            ("name".to_owned(), evil.to_owned()),
            ("note".to_owned(), format!("</textarea>{evil}")),
        ],
        toasts: vec![Toast {
            tone: Tone::Bad,
            text: evil.to_owned(),
            undo: None,
        }],
    };
    session::leave_flash(&session, flash).await.unwrap();
    let (_, page) = get(&router, &session, "/things/3").await;
    assert!(!page.contains("<script>alert"), "{page}");
    assert!(
        page.contains(r#"value="&quot;&gt;&lt;script&gt;"#),
        "{page}"
    );
    assert_eq!(page.matches("</textarea>").count(), 1, "{page}");
    assert_eq!(page.matches("&lt;script&gt;").count(), 5, "{page}");
    assert!(
        page.contains("<title>&lt;b&gt;Thing&lt;/b&gt; · Portico</title>"),
        "{page}"
    );
    assert!(!page.contains("style=\""), "{page}");
}

#[tokio::test]
async fn every_page_has_its_own_nonce_and_no_script_without_it() {
    let (router, session) = portal().await;
    let mut seen = Vec::new();
    for _ in 0..2 {
        let request = Request::get("/things/3").body(Body::empty()).unwrap();
        let response = send(&router, &session, request).await;
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"));
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"));
        assert!(!seen.contains(&policy));
        seen.push(policy);
    }
    let (_, page) = get(&router, &session, "/things/3").await;
    let scripts = page.matches("<script").count();
    assert_eq!(scripts, page.matches("nonce=\"NONCE\"").count(), "{page}");
}
