//! `portico lists`: a newer list is taken from a file or an address, and only a whole one.

use std::process::Command;

use axum::body::Body;
use axum::http::StatusCode;
use axum::routing::get;
use futures::stream;
use rstest::rstest;

use crate::stage::Stage;
use crate::support::{Engine, Place};

/// Runs the command line on the place's database.
async fn portico(place: &Place, args: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portico"));
    place.own_environment(&mut command).args(args);
    let output = tokio::process::Command::from(command)
        .output()
        .await
        .expect("runs");
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// A server with a list, half of one, a page that is none, and a body without end.
async fn site(names: Vec<String>) -> String {
    let half = names[..names.len() / 6].join("\n");
    let json = format!(
        "[{}]",
        names
            .iter()
            .map(|n| format!("\"{n}\""))
            .collect::<Vec<_>>()
            .join(",\n")
    );
    let whole = names.join("\n");
    let router = axum::Router::new()
        .route("/whole.txt", get(|| async { whole }))
        .route("/whole.json", get(|| async { json }))
        .route("/half.txt", get(|| async { half }))
        .route(
            "/page.html",
            get(|| async { "<html><body>Hello</body></html>" }),
        )
        .route(
            "/gone.txt",
            get(|| async { (StatusCode::NOT_FOUND, "gone") }),
        )
        .route(
            "/endless.txt",
            get(|| async {
                let line = || Ok::<_, std::io::Error>("a-company.com\n".repeat(10_000));
                Body::from_stream(stream::repeat_with(line))
            }),
        );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

#[rstest]
#[case(Engine::Sqlite)]
#[case(Engine::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_newer_list_is_taken_from_an_address(#[case] engine: Engine) {
    let Some(place) = Place::new(engine).await else {
        return;
    };
    place.migrate().await;
    let (_, shown) = portico(&place, &["lists", "show"]).await;
    let line = shown
        .lines()
        .find(|l| l.starts_with("mailbox"))
        .expect("a line");
    assert!(line.contains("came with this version"), "{line}");
    let names: Vec<String> = (0..17_000).map(|n| format!("mail{n}.com")).collect();
    let site = site(names).await;
    let update = async |kind: &str, path: &str| {
        let from = format!("{site}{path}");
        portico(&place, &["lists", "update", "--kind", kind, &from]).await
    };
    for (path, why) in [
        ("/half.txt", "less than half"),
        ("/page.html", "no list of domains"),
        ("/gone.txt", "404"),
        ("/endless.txt", "longer than"),
    ] {
        let (done, words) = update("mailbox", path).await;
        assert!(!done && words.contains(why), "{path}: {words}");
    }
    let (done, words) = update("mailbox", "/whole.txt").await;
    assert!(done && words.contains("17000 entries"), "{words}");
    let (done, words) = update("mailbox", "/whole.json").await;
    assert!(
        done && words.contains("17000 entries, 17000 before"),
        "{words}"
    );
    let (done, words) = update("public-suffix", "/whole.txt").await;
    assert!(done, "names are rules too: {words}");
    let (done, words) = portico(
        &place,
        &["lists", "update", "--kind", "mailbox", "/nowhere"],
    )
    .await;
    assert!(!done && words.contains("cannot be read"), "{words}");
    let (_, shown) = portico(&place, &["lists", "show"]).await;
    let line = shown
        .lines()
        .find(|l| l.starts_with("mailbox"))
        .expect("a line");
    assert!(
        line.contains("17000") && line.contains("/whole.json"),
        "{line}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_decides_about_a_domain_on_its_page() {
    let stage = Stage::new().await;
    let (status, page) = stage.page("/admin/domains", "admin").await;
    assert_eq!(status, 200);
    assert!(page.contains("Came with this version") && page.contains("Decide about a domain"));
    let form = |domain| {
        [
            ("domain", domain),
            ("kind", "own"),
            ("reason", "A customer of ours"),
        ]
    };
    let (status, to) = stage.send("/admin/domains", "admin", &form("co.uk")).await;
    assert_eq!((status, to.as_str()), (303, "/admin/domains"));
    let (_, page) = stage.page(&to, "admin").await;
    assert!(page.contains("an ending many companies share") && page.contains("A customer of ours"));
    let (_, to) = stage
        .send("/admin/domains", "admin", &form("https://www.sky.com/x"))
        .await;
    let (_, page) = stage.page(&to, "admin").await;
    assert!(page.contains("sky.com") && page.contains("One company’s own"));
    let (_, page) = stage.page("/admin/domains?q=gmail.com", "admin").await;
    assert!(page.contains("stands for no company"));
    let gone = [("domain", "sky.com")];
    let (_, to) = stage.send("/admin/domains/withdraw", "admin", &gone).await;
    let (_, page) = stage.page(&to, "admin").await;
    assert!(!page.contains("A customer of ours"));
}
