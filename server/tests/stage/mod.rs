//! The demonstration with nine people signed in, and how each of them asks for an address.

mod records;

use std::collections::BTreeMap;

use app::session::PERSON;
use sea_orm::{ConnectionTrait, Statement};
use server::seed::{self, Sandbox};
use server::session::Sessions;
use service::{Clock, Context, Db};
use tower_sessions::Session;

use crate::matrix::PEOPLE;
use crate::support::{Engine, Place, Running};
use records::{extras, records};

/// An id that no record has.
const MISSING: &str = "999999999";

/// The demonstration, and nine people signed in.
pub struct Stage {
    pub portal: Running,
    /// Keeps no cookies: each request says itself who sends it.
    client: reqwest::Client,
    _place: Place,
    /// Cookie by place in [`PEOPLE`]; empty for nobody.
    pub cookies: Vec<String>,
    /// What stands for each parameter of a path: a record of partner A.
    records: BTreeMap<&'static str, String>,
}

/// The text in the first row of a query.
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
pub const B: &str = "harborline.example";

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

    /// What comes of a request of one of [`PEOPLE`], by place: status, location and page, without
    /// what differs from one request to the next.
    pub async fn ask(&self, method: &str, path: &str, who: usize) -> (u16, String, String) {
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
    pub fn fill(&self, path: &str, exists: bool) -> String {
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

    /// The record of partner A that stands for the parameters of a path.
    pub fn record(&self, key: &str) -> String {
        self.records.get(key).cloned().unwrap_or_else(|| {
            panic!("Which record of partner A stands for {key}? Add it to `server/tests/stage/records.rs`.")
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
