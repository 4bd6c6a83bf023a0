//! The built site.

use std::fs;

use crate::support::{Engine, Place};

#[tokio::test]
async fn files_are_served_compressed_and_kept_as_long_as_their_name_allows() {
    let place = Place::new(Engine::Sqlite)
        .await
        .expect("SQLite is always there");
    let site = place.folder.path().join("site");
    fs::create_dir_all(site.join("pkg")).expect("a folder");
    let css = "body{color:red}".repeat(50);
    fs::write(site.join("pkg/portico.1a2b3c4d5e6f.css"), &css).expect("a file");
    fs::write(site.join("pkg/portico.1a2b3c4d5e6f.css.br"), "compressed").expect("a file");
    let manifest = r#"{"css":"portico.1a2b3c4d5e6f.css","js":null,"wasm":null}"#;
    fs::write(site.join("pkg/manifest.json"), manifest).expect("a file");
    fs::write(site.join("favicon.svg"), "<svg/>").expect("a file");
    fs::write(place.folder.path().join("secret.txt"), "secret").expect("a file");
    let mut config = place.config();
    config.site = Some(site);
    let portal = place.start_with(config).await;

    let plain = portal.get("/pkg/portico.1a2b3c4d5e6f.css").await;
    assert_eq!(plain.status(), 200);
    assert_eq!(
        plain.headers()["cache-control"],
        "public, max-age=31536000, immutable"
    );
    assert_eq!(plain.headers()["content-type"], "text/css");
    assert_eq!(plain.text().await.expect("a text"), css);

    let small = portal
        .client
        .get(format!("{}/pkg/portico.1a2b3c4d5e6f.css", portal.base))
        .header("accept-encoding", "br")
        .send()
        .await
        .expect("an answer");
    assert_eq!(small.headers()["content-encoding"], "br");
    assert_eq!(small.text().await.expect("a text"), "compressed");

    let icon = portal.get("/favicon.svg").await;
    assert_eq!(icon.headers()["cache-control"], "no-cache");
    assert_eq!(icon.headers()["content-type"], "image/svg+xml");
    let page = portal.get("/nothing").await.text().await.expect("a page");
    assert!(
        page.contains("/pkg/portico.1a2b3c4d5e6f.css"),
        "pages name the built styles"
    );
    for path in [
        "/pkg/",
        "/pkg",
        "/pkg/..%2f..%2fsecret.txt",
        "/pkg/%2e%2e/%2e%2e/secret.txt",
    ] {
        let answer = portal.get(path).await;
        assert_eq!(answer.status(), 404, "{path}");
    }
}
