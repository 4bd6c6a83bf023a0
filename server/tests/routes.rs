//! Every address as everybody: the table of routes beside the matrix of who may do what.
//!
//! A route that is in the table and not in [`crate::matrix::MATRIX`] fails this test, and so does a
//! server function. Whoever adds one writes down what each of nine people gets there.

use std::collections::{BTreeMap, BTreeSet};

use app::session::PERSON;
use sea_orm::{ConnectionTrait, Statement};
use server::seed::{self, Sandbox};
use server::session::Sessions;
use service::{Clock, Context, Db};
use tower_sessions::Session;

use crate::matrix::{MATRIX, PEOPLE};
use crate::support::{Engine, Place, Running};

/// An id that no record has.
const MISSING: &str = "999999999";

/// The demonstration, and nine people signed in.
pub struct Stage {
    pub portal: Running,
    /// Keeps no cookies: each request says itself who sends it.
    client: reqwest::Client,
    _place: Place,
    /// Cookie by place in [`PEOPLE`]; empty for nobody.
    cookies: Vec<String>,
    /// What stands for each parameter of a path: a record of partner A.
    records: BTreeMap<&'static str, String>,
}

pub async fn text(db: &Db, sql: &str) -> String {
    let statement = Statement::from_string(db.backend(), sql.to_owned());
    let row = db
        .reader()
        .query_one_raw(statement)
        .await
        .unwrap_or_else(|e| panic!("{sql}: {e}"));
    let row = row.unwrap_or_else(|| panic!("nothing found: {sql}"));
    row.try_get_by_index::<String>(0)
        .unwrap_or_else(|e| panic!("{sql}: {e}"))
}

/// The id of the first row of a query, as text.
pub async fn id(db: &Db, from: &str) -> String {
    text(db, &format!("SELECT CAST(id AS TEXT) FROM {from} LIMIT 1")).await
}

/// The domain of the partner with customers, payouts and colleagues whose records are asked for.
const A: &str = "nordlicht-systeme.example";
/// The other partner, who asks for them.
const B: &str = "harborline.example";

impl Stage {
    pub async fn new() -> Self {
        let place = Place::new(Engine::Sqlite)
            .await
            .expect("SQLite is always there");
        let db = place.migrate().await;
        let config = server::Config {
            workers: 0,
            ..place.config()
        };
        let api = config
            .stripe
            .api_base
            .clone()
            .expect("the sandbox's address");
        let mut stripe = stripe_gateway::Config::new(config.stripe.secret_key.reveal());
        stripe.api_base = Some(api.as_str().to_owned());
        let gateway = stripe_gateway::StripeGateway::new(stripe).expect("a gateway");
        let sandbox = Sandbox::find(&api).await;
        let ctx = Context::system(&db, Clock::system(), "test");
        seed::demo(&ctx, &gateway, sandbox.as_ref())
            .await
            .expect("seeded");
        extras(&db).await;

        let mut cookies = Vec::new();
        for (_, who) in PEOPLE {
            if who.is_empty() {
                cookies.push(String::new());
                continue;
            }
            let person: i64 = id(&db, &format!("person WHERE email = '{who}'"))
                .await
                .parse()
                .expect("a number");
            let session = Session::new(None, std::sync::Arc::new(Sessions::new(&db)), None);
            session.insert(PERSON, person).await.expect("is kept");
            session.save().await.expect("is saved");
            cookies.push(format!("portico={}", session.id().expect("has an id")));
        }
        let records = records(&db).await;
        let portal = place.start_with(config).await;
        Self {
            portal,
            client: reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .expect("a client"),
            _place: place,
            cookies,
            records,
        }
    }

    /// A page as one of [`PEOPLE`] sees it.
    pub async fn page(&self, path: &str, who: &str) -> (u16, String) {
        let url = format!("{}{path}", self.portal.base);
        let request = self
            .portal
            .client
            .get(url)
            .header("cookie", self.cookie(who));
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        (status, response.text().await.expect("a text"))
    }

    /// Sends a form as one of [`PEOPLE`], and says where it leads.
    pub async fn send(&self, path: &str, who: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let url = format!("{}{path}", self.portal.base);
        let request = self.client.post(url).form(fields);
        let request = request.header("cookie", self.cookie(who));
        let response = request.send().await.expect("an answer");
        let to = response.headers().get("location");
        let to = to.and_then(|v| v.to_str().ok()).unwrap_or_default();
        (response.status().as_u16(), to.to_owned())
    }

    fn cookie(&self, who: &str) -> &str {
        let place = PEOPLE.iter().position(|(name, _)| *name == who);
        &self.cookies[place.unwrap_or_else(|| panic!("who is {who}?"))]
    }

    async fn ask(&self, method: &str, path: &str, who: usize) -> (u16, String, String) {
        let url = format!("{}{path}", self.portal.base);
        let mut request = match method {
            "GET" => self.client.get(url),
            _ if is_upload(path) => self
                .client
                .post(url)
                .header("content-type", "multipart/form-data; boundary=x")
                .body(multipart()),
            _ => self
                .client
                .post(url)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(self.form()),
        };
        if !self.cookies[who].is_empty() {
            request = request.header("cookie", &self.cookies[who]);
        }
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        let location = response
            .headers()
            .get("location")
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let nonce = response
            .headers()
            .get("content-security-policy")
            .and_then(|v| v.to_str().ok())
            .and_then(|v| v.split("'nonce-").nth(1))
            .and_then(|v| v.split('\'').next())
            .unwrap_or("no nonce")
            .to_owned();
        let body = String::from_utf8_lossy(&response.bytes().await.expect("a body")).into_owned();
        let body = body.replace(&nonce, "NONCE").replace(path, "PATH");
        (status, location, without_time(&body))
    }

    /// What every form is sent with; where it names an organisation, that is A.
    fn form(&self) -> String {
        let partner = self.record("/manager/partners/{id}");
        let mut pairs = FORM.map(|(name, value)| format!("{name}={value}")).to_vec();
        pairs.extend(["partner", "partner_id"].map(|name| format!("{name}={partner}")));
        pairs.join("&")
    }

    /// A path with its parameters filled in by records of partner A, or by none that exist.
    fn fill(&self, path: &str, exists: bool) -> String {
        let mut filled = String::new();
        let mut before = String::new();
        for part in path.split('/').skip(1) {
            filled.push('/');
            if part.starts_with('{') {
                let key = format!("{before}/{part}");
                let value = if exists {
                    self.record(&key)
                } else {
                    missing(part).to_owned()
                };
                filled.push_str(&value);
            } else {
                filled.push_str(part);
            }
            before = format!("{before}/{part}");
        }
        filled
    }

    fn record(&self, key: &str) -> String {
        self.records.get(key).cloned().unwrap_or_else(|| {
            panic!("Which record of partner A stands for {key}? Add it to `records` in this file.")
        })
    }
}

fn missing(parameter: &str) -> &'static str {
    match parameter {
        "{slug}" => "no-such-word",
        "{number}" => "C-0000000000000000",
        "{month}" => "2001-01",
        "{currency}" => "XTS",
        _ => MISSING,
    }
}

/// Values under which most forms go as far as looking for the record.
const FORM: [(&str, &str); 16] = [
    ("comment", "x"),
    ("reason", "other"),
    ("text", "x"),
    ("answer", "x"),
    ("question", "x"),
    ("evidence", "x"),
    ("stage", "qualified"),
    ("role", "member"),
    ("status", "active"),
    ("note", "x"),
    ("amount", "1"),
    ("signed_name", "x"),
    ("name", "x"),
    ("customer", "x"),
    ("title", "x"),
    ("_form", "x"),
];

/// A page without the second it was made in.
fn without_time(body: &str) -> String {
    let Some((before, rest)) = body.split_once("data-now=\"") else {
        return body.to_owned();
    };
    let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{before}data-now=\"{after}")
}

/// Forms that send files.
fn is_upload(path: &str) -> bool {
    let deal = path.strip_prefix("/partner/deals/").unwrap_or_default();
    let last = deal.rsplit('/').next().unwrap_or_default();
    deal == "new" || matches!(last, "save" | "submit" | "files")
}

fn multipart() -> String {
    let fields = FORM.map(|(name, value)| {
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    });
    format!("{}--x--\r\n", fields.concat())
}

/// Records the demonstration does not have: a colleague, an invitation, a file and others.
async fn extras(db: &Db) {
    let at = chrono::Utc::now().to_rfc3339();
    for sql in [
        format!(
            "INSERT INTO person (email, name, locale, time_zone, email_verified_at, created_at) \
             VALUES ('colleague@{A}', 'Colleague', 'en', 'UTC', '{at}', '{at}')"
        ),
        format!(
            "INSERT INTO member (partner_id, person_id, role, joined_at) SELECT partner.id, \
             person.id, 'member', '{at}' FROM partner, person WHERE partner.domain = '{A}' AND \
             person.email = 'colleague@{A}'"
        ),
        format!(
            "INSERT INTO invitation (partner_id, email, role, hash, invited_by, expires_at, \
             created_at) SELECT partner.id, 'new@{A}', 'member', 'x', member.person_id, \
             '2999-01-01T00:00:00+00:00', '{at}' FROM partner JOIN member ON member.partner_id = \
             partner.id WHERE partner.domain = '{A}' AND member.role = 'owner'"
        ),
        format!(
            "INSERT INTO attachment (deal_id, person_id, file_name, media_type, size, sha256, \
             content, created_at) SELECT deal.id, deal.person_id, 'offer.txt', 'text/plain', 1, \
             'x', X'61', '{at}' FROM deal JOIN partner ON partner.id = deal.partner_id WHERE \
             partner.domain = '{A}' AND deal.status <> 'draft' ORDER BY deal.id LIMIT 1"
        ),
        format!(
            "INSERT INTO notice (person_id, text, link, created_at) SELECT person.id, 'x', \
             '/partner', '{at}' FROM person WHERE person.email = 'henrik@{A}'"
        ),
        format!(
            "INSERT INTO job (kind, payload, run_at, attempts, status, created_at) \
             VALUES ('mail.send', '{{}}', '{at}', 12, 'dead', '{at}')"
        ),
        format!(
            "INSERT INTO webhook_event (event_id, type, payload, livemode, happened_at, \
             received_at, status, attempts, error) VALUES ('evt_x', 'invoice.paid', '{{}}', \
             FALSE, '{at}', '{at}', 'failed', 1, 'x')"
        ),
        format!(
            "INSERT INTO discrepancy (reference, kind, description, found_at) \
             VALUES ('x', 'transfer', 'x', '{at}')"
        ),
        format!(
            "INSERT INTO plan_assignment (partner_id, from_plan_id, to_plan_id, effective_from, \
             reason, created_at) SELECT partner.id, partner.plan_id, plan.id, \
             '2999-01-01T00:00:00+00:00', 'x', '{at}' FROM partner JOIN plan ON plan.id <> \
             partner.plan_id WHERE partner.domain = '{A}' ORDER BY plan.id LIMIT 1"
        ),
        format!(
            "INSERT INTO mail (to_address, subject, body, created_at) \
             VALUES ('x@{A}', 'x', 'x', '{at}')"
        ),
    ] {
        db.reader()
            .execute_unprepared(&sql)
            .await
            .unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
}

/// What stands for each parameter, by the path up to it: records of partner A and of its people.
async fn records(db: &Db) -> BTreeMap<&'static str, String> {
    let partner = id(db, &format!("partner WHERE domain = '{A}'")).await;
    let owner = id(db, &format!("person WHERE email = 'henrik@{A}'")).await;
    let of = |table: &str| format!("{table} WHERE partner_id = {partner}");
    let deal = id(
        db,
        &format!("{} AND status <> 'draft' ORDER BY id", of("deal")),
    )
    .await;
    let file = id(db, &format!("attachment WHERE deal_id = {deal}")).await;
    let month = text(
        db,
        &format!("SELECT month FROM {} LIMIT 1", of("commission")),
    )
    .await;
    let account = id(
        db,
        "account WHERE id IN (SELECT account_id FROM deal WHERE status = 'duplicate')",
    )
    .await;
    let course = id(db, "course").await;
    let version = id(db, "course_version").await;
    let lesson = id(db, "lesson").await;
    let question = id(db, "question").await;
    let number = text(
        db,
        &format!("SELECT number FROM certificate WHERE person_id = {owner} LIMIT 1"),
    )
    .await;
    let application = id(
        db,
        "application WHERE person_id = (SELECT id FROM person WHERE email LIKE 'elena@%')",
    )
    .await;
    let credit = id(db, &of("attribution")).await;
    let credited = text(
        db,
        &format!("SELECT CAST(account_id AS TEXT) FROM attribution WHERE id = {credit}"),
    )
    .await;
    BTreeMap::from([
        (
            "/admin/jobs/{id}",
            id(db, "job WHERE status = 'dead'").await,
        ),
        (
            "/admin/webhooks/{id}",
            id(db, "webhook_event WHERE status = 'failed'").await,
        ),
        ("/admin/mail/{id}", id(db, "mail").await),
        ("/admin/plans/{id}", id(db, "plan ORDER BY id").await),
        (
            "/admin/plans/versions/{id}",
            id(db, "plan_version ORDER BY id").await,
        ),
        (
            "/admin/plans/versions/{id}/rules/{rule}",
            "reseller".to_owned(),
        ),
        ("/admin/programs/{id}", id(db, "program").await),
        ("/admin/programs/{id}/policies/{version}", "1".to_owned()),
        ("/admin/programs/{id}/terms/{version}", "1".to_owned()),
        (
            "/admin/programs/{id}/tiers/{tier}",
            id(db, "tier ORDER BY id").await,
        ),
        (
            "/admin/programs/{id}/products/{line}",
            id(db, "product_line ORDER BY id").await,
        ),
        (
            "/admin/staff/{id}",
            id(db, "person WHERE email = 'tomas@lumendesk.example'").await,
        ),
        ("/apply/{slug}", "lumen".to_owned()),
        ("/programs/{slug}", "lumen".to_owned()),
        ("/certificates/{number}", number.clone()),
        (
            "/notices/{id}",
            id(db, &format!("notice WHERE person_id = {owner}")).await,
        ),
        ("/application/{id}", application.clone()),
        ("/partner/deals/{id}", deal.clone()),
        ("/partner/deals/{id}/files/{file}", file.clone()),
        ("/partner/earnings/{id}", id(db, &of("commission")).await),
        (
            "/partner/invoices/{id}",
            text(
                db,
                &format!(
                    "SELECT CAST(invoice_id AS TEXT) FROM {} AND invoice_id IS NOT NULL LIMIT 1",
                    of("commission")
                ),
            )
            .await,
        ),
        ("/partner/payouts/{id}", id(db, &of("payout")).await),
        ("/partner/learning/{slug}", "lumen-fundamentals".to_owned()),
        ("/partner/learning/lessons/{id}", lesson.clone()),
        (
            "/partner/learning/attempts/{id}",
            id(db, &format!("attempt WHERE person_id = {owner}")).await,
        ),
        (
            "/partner/organisation/members/{id}",
            id(db, &format!("{} AND role = 'member'", of("member"))).await,
        ),
        (
            "/partner/organisation/invitations/{id}",
            id(db, &of("invitation")).await,
        ),
        ("/partner/statements/{month}", month.clone()),
        ("/partner/statements/{month}/{currency}", "EUR".to_owned()),
        ("/manager/applications/{id}", application),
        ("/manager/partners/{id}", partner.clone()),
        (
            "/manager/partners/{id}/plan/{move}",
            id(db, &of("plan_assignment")).await,
        ),
        ("/manager/deals/{id}", deal),
        ("/manager/deals/{id}/files/{file}", file),
        ("/manager/conflicts/{account}", account),
        ("/manager/accounts/{id}", credited),
        ("/manager/accounts/{id}/credits/{credit}", credit),
        ("/manager/courses/{id}", course),
        ("/manager/courses/versions/{id}", version),
        ("/manager/courses/versions/{id}/lessons/{lesson}", lesson),
        (
            "/manager/courses/versions/{id}/questions/{question}",
            question,
        ),
        ("/manager/certificates/{number}", number),
        ("/finance/commissions/{id}", id(db, &of("commission")).await),
        ("/finance/invoices/{id}", id(db, "invoice").await),
        (
            "/finance/ledger/accounts/{id}",
            id(db, &of("ledger_account")).await,
        ),
        ("/finance/payouts/{id}", id(db, &of("payout")).await),
        ("/finance/runs/{id}", id(db, "payout_run").await),
        ("/finance/reconciliation/{id}", id(db, "discrepancy").await),
        ("/finance/statements/{partner}", partner),
        ("/finance/statements/{partner}/{month}", month),
        (
            "/finance/statements/{partner}/{month}/{currency}",
            "EUR".to_owned(),
        ),
    ])
}

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
