//! What protects browsers.

use crate::support::{Engine, Place};

#[tokio::test]
async fn headers_and_a_nonce_of_its_own_for_each_answer() {
    let place = Place::new(Engine::Sqlite)
        .await
        .expect("SQLite is always there");
    let portal = place.start().await;
    let mut nonces = Vec::new();
    let mut numbers = Vec::new();
    for _ in 0..2 {
        let page = portal.get("/there/is/nothing/here").await;
        assert_eq!(page.status(), 404);
        let header = |name: &str| {
            page.headers()
                .get(name)
                .and_then(|v| v.to_str().ok())
                .unwrap_or_default()
                .to_owned()
        };
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "same-origin");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(header("strict-transport-security"), "", "only over TLS");
        let policy = header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe-inline"), "{policy}");
        let nonce = policy
            .split("'nonce-")
            .nth(1)
            .and_then(|rest| rest.split('\'').next());
        let nonce = nonce.expect("a nonce in the policy").to_owned();
        numbers.push(header("x-request-id"));
        let html = page.text().await.expect("a page");
        assert!(html.contains(&nonce), "the page uses its nonce");
        nonces.push(nonce);
    }
    assert_ne!(nonces[0], nonces[1]);
    assert_ne!(numbers[0], numbers[1]);
    assert!(!numbers[0].is_empty());

    let small = portal.get("/healthz").await;
    assert_eq!(small.headers()["x-content-type-options"], "nosniff");
    assert!(small.headers().contains_key("content-security-policy"));
}

#[tokio::test]
async fn over_tls_browsers_are_told_to_stay_there() {
    let place = Place::new(Engine::Sqlite)
        .await
        .expect("SQLite is always there");
    let mut config = place.config();
    config.base_url = "https://partners.example.com".parse().expect("an address");
    let portal = place.start_with(config).await;
    let page = portal.get("/healthz").await;
    assert_eq!(
        page.headers()["strict-transport-security"],
        "max-age=31536000"
    );
}

#[rstest::rstest]
#[case::another_site(&[("origin", "https://evil.example")], true)]
#[case::another_site_by_fetch(&[("sec-fetch-site", "cross-site")], true)]
#[case::a_sibling(&[("sec-fetch-site", "same-site"), ("origin", "https://evil.example.com")], true)]
#[case::no_origin_at_all(&[("origin", "null")], true)]
#[case::this_site(&[("sec-fetch-site", "same-origin")], false)]
#[case::this_site_as_configured(&[("sec-fetch-site", "cross-site"), ("origin", "http://127.0.0.1:1")], false)]
#[case::no_browser(&[], false)]
#[tokio::test]
async fn forms_of_other_sites_are_refused(#[case] headers: &[(&str, &str)], #[case] refused: bool) {
    let place = Place::new(Engine::Sqlite)
        .await
        .expect("SQLite is always there");
    let portal = place.start().await;
    let mut request = portal.client.post(format!("{}/sign-in", portal.base));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request
        .form(&[("email", "a@example.com")])
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status() == 403, refused, "{}", answer.status());
    assert!(answer.headers().get("set-cookie").is_none() || !refused);
    if refused {
        let text = answer.text().await.expect("a page");
        assert!(text.contains("Nothing was changed"), "{text}");
    }
}

#[tokio::test]
async fn a_client_cannot_choose_the_number_of_its_request() {
    let place = Place::new(Engine::Sqlite)
        .await
        .expect("SQLite is always there");
    let portal = place.start().await;
    let answer = portal
        .client
        .get(format!("{}/healthz", portal.base))
        .header("x-request-id", "forged")
        .send()
        .await
        .expect("an answer");
    assert_ne!(answer.headers()["x-request-id"], "forged");
}

#[tokio::test]
async fn pages_are_compressed_for_browsers_that_take_it() {
    let place = Place::new(Engine::Sqlite)
        .await
        .expect("SQLite is always there");
    let portal = place.start().await;
    let request = portal.client.get(format!("{}/nothing", portal.base));
    let answer = request
        .header("accept-encoding", "br, gzip")
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.headers()["content-encoding"], "br");
}
