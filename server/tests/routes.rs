//! Every address as everybody: the table of routes beside the matrix of who may do what.
//!
//! A route that is in the table and not in [`crate::matrix::MATRIX`] fails this test, and so does a
//! server function. Whoever adds one writes down what each of nine people gets there.

use std::collections::{BTreeMap, BTreeSet};

use crate::matrix::{MATRIX, PEOPLE};
use crate::stage::{B, Stage, id, text};

/// What a letter of the matrix allows.
fn fits(letter: char, public: bool, method: &str, status: u16, location: &str) -> bool {
    let to_sign_in = status == 303 && location.starts_with("/sign-in");
    match letter {
        'S' => to_sign_in,
        'N' => status == 404,
        'F' => status == 403,
        // A page.
        'O' if method == "GET" => status == 200,
        // A way on.
        'R' => status == 303 && (public || !to_sign_in),
        // A form: done, or sent back with what is missing, or against the record's state.
        'O' => {
            matches!(status, 200 | 204 | 409 | 422) || (status == 303 && (public || !to_sign_in))
        }
        _ => panic!("what is {letter}?"),
    }
}

/// Forms after which others of the same people find nothing any more.
fn takes_away(path: &str) -> bool {
    let last = path.rsplit('/').next().unwrap_or_default();
    matches!(last, "leave" | "remove" | "retire" | "sign-out")
}

/// The rows of the matrix by method and path.
fn matrix() -> BTreeMap<(&'static str, &'static str), Vec<char>> {
    let rows: BTreeMap<_, _> = MATRIX
        .iter()
        .map(|(method, path, letters)| {
            let letters: Vec<char> = letters.chars().collect();
            assert_eq!(letters.len(), PEOPLE.len(), "{method} {path}");
            ((*method, *path), letters)
        })
        .collect();
    assert_eq!(rows.len(), MATRIX.len(), "a row stands twice");
    rows
}

#[test]
fn the_matrix_knows_every_address_and_no_other() {
    let routes = app::routes::all();
    let table: BTreeSet<(&str, &str)> = routes
        .table()
        .iter()
        .map(|r| (r.method.as_str(), r.path))
        .collect();
    let known: BTreeSet<(&str, &str)> = matrix().into_keys().collect();
    let new: Vec<_> = table.difference(&known).collect();
    assert!(
        new.is_empty(),
        "say in server/tests/matrix.rs who may do what at {new:#?}"
    );
    let gone: Vec<_> = known.difference(&table).collect();
    assert!(
        gone.is_empty(),
        "these are no addresses any more: {gone:#?}"
    );
    for (path, method) in leptos::server_fn::axum::server_fn_paths() {
        assert!(
            table.contains(&(method.as_str(), path)),
            "the server function {path} has no row"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_gets_what_the_matrix_says_and_nothing_else() {
    let stage = Stage::new().await;
    let rows = matrix();
    let mut wrong = Vec::new();
    // What is refused and what is only looked at changes nothing, so it comes first; what takes
    // away what other forms need comes last.
    for pass in 0..4 {
        for (method, path, _) in MATRIX {
            let letters = &rows[&(*method, *path)];
            let public = letters[0] == 'O' || letters[0] == 'R';
            let address = stage.fill(path, true);
            for (who, letter) in letters.iter().enumerate() {
                let turn = match (letter, *method) {
                    ('O' | 'R', "GET") => 1,
                    ('O' | 'R', _) if takes_away(path) => 3,
                    ('O' | 'R', _) => 2,
                    _ => 0,
                };
                if turn != pass {
                    continue;
                }
                let (status, location, _) = stage.ask(method, &address, who).await;
                if !fits(*letter, public, method, status, &location) {
                    wrong.push(format!(
                        "{method} {path} as {}: {letter} is expected, came {status} {location}",
                        PEOPLE[who].0
                    ));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} answers are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_record_looks_like_a_missing_one() {
    let stage = Stage::new().await;
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (method, path, letters) in MATRIX {
        if !path.contains('{') {
            continue;
        }
        for (who, letter) in letters.chars().enumerate() {
            if letter != 'N' {
                continue;
            }
            let foreign = stage.ask(method, &stage.fill(path, true), who).await;
            let missing = stage.ask(method, &stage.fill(path, false), who).await;
            compared += 1;
            if foreign != missing {
                wrong.push(format!(
                    "{method} {path} as {}: {foreign:?}\n{missing:?}",
                    PEOPLE[who].0
                ));
            }
        }
    }
    assert!(compared > 100, "only {compared} were compared");
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// What is no id of a path: filters, files of another deal, the organisation to act for.
#[tokio::test(flavor = "multi_thread")]
async fn ids_in_queries_and_forms_open_nothing_either() {
    let stage = Stage::new().await;
    let db = &stage.portal.db;
    let stranger = PEOPLE
        .iter()
        .position(|(name, _)| *name == "owner of B")
        .expect("is there");
    let partner = stage.record("/manager/partners/{id}");
    let deal = stage.record("/partner/deals/{id}");
    let file = stage.record("/partner/deals/{id}/files/{file}");
    let own = id(db, &format!("deal WHERE status <> 'draft' AND partner_id = (SELECT id FROM partner WHERE domain = '{B}')")).await;
    let account = text(db, &format!("SELECT CAST(account_id AS TEXT) FROM attribution WHERE partner_id = {partner} ORDER BY id LIMIT 1")).await;
    let customer = text(
        db,
        &format!("SELECT name FROM account WHERE id = {account}"),
    )
    .await;

    for (method, path) in [
        ("GET", format!("/partner/deals/{own}/files/{file}")),
        ("POST", format!("/partner/deals/{own}/files/{file}/remove")),
    ] {
        let (status, ..) = stage.ask(method, &path, stranger).await;
        assert_eq!(status, 404, "{method} {path}");
    }
    for path in [
        format!("/partner/earnings?customer={account}"),
        format!("/partner/earnings.csv?customer={account}"),
        format!("/partner/earnings?partner={partner}"),
        format!("/partner/earnings.csv?partner={partner}"),
        format!("/partner/payouts.csv?partner={partner}"),
        format!("/partner/customers?q={}", customer.replace(' ', "+")),
        format!("/partner/customers.csv?partner={partner}"),
        format!("/partner/deals.csv?partner={partner}"),
        format!("/search?q={}", customer.replace(' ', "+")),
        format!("/api/search?q={}", customer.replace(' ', "+")),
    ] {
        let (status, _, body) = stage.ask("GET", &path, stranger).await;
        assert_eq!(status, 200, "{path}");
        // What was searched for is said again, but nothing of it is found.
        let said = body
            .replace(&format!("“{customer}”"), "")
            .replace(&format!("Search: {customer}"), "");
        let said = said
            .replace(&format!("Remove Search: {customer}"), "")
            .replace(&format!("value=\"{customer}\""), "");
        assert!(!said.contains(&customer), "{path} shows {customer}");
        assert!(
            !said.contains(&format!("/partner/deals/{deal}\"")),
            "{path} links to the deal"
        );
    }
    let posted = stage
        .portal
        .client
        .post(format!("{}/organisations", stage.portal.base))
        .header("cookie", &stage.cookies[stranger])
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("partner_id={partner}"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(posted.status(), 404);
    let (status, ..) = stage
        .ask("GET", &format!("/partner/deals/{deal}"), stranger)
        .await;
    assert_eq!(status, 404);
    let (status, ..) = stage
        .ask("GET", &format!("/partner/deals/{own}"), stranger)
        .await;
    assert_eq!(status, 200);
}
