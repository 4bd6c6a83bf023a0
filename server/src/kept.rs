//! A page that is still true is given again instead of being made again.
//!
//! Almost every page is a function of the database, the time, and what the request says of its
//! reader. The database tells with one small question whether anything was committed since a page
//! was made ([`Db::version`]); if nothing was, the answer to the same request is the same. The
//! question is asked for every request, so nothing is ever older than the last commit, whichever
//! process made it: rights, balances and messages are as exact as without this. Only the time may
//! be off, by [`AGE`] at most. Pages that count seconds say so and are not kept.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use app::page::{Keepable, new_nonce};
use app::routes::Route;
use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use service::Db;
use tokio::sync::Semaphore;

/// How long an answer may be given again.
const AGE: Duration = Duration::from_secs(10);
/// Bytes of all that is kept; the least used goes first.
const CAPACITY: u64 = 4 << 20;
/// A page larger than that is not kept.
const LARGEST: usize = 512 << 10;

/// Pages that are made at a time. More would not be ready sooner, as all wait for the same
/// processors and connections, and each would keep what it has read so far in memory.
const AT_A_TIME: usize = 32;

/// What the answer to a request depends on, beside database and time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Question {
    address: String,
    cookies: Vec<HeaderValue>,
    languages: Vec<HeaderValue>,
}

impl Question {
    fn of(request: &Request) -> Self {
        let all = |name| request.headers().get_all(name).iter().cloned().collect();
        Self {
            address: request.uri().to_string(),
            cookies: all(header::COOKIE),
            languages: all(header::ACCEPT_LANGUAGE),
        }
    }
}

/// A page that was made.
#[derive(Debug)]
struct Answer {
    version: String,
    made: Instant,
    headers: HeaderMap,
    body: String,
    nonce: String,
    /// Where the nonce stands in the body.
    places: Vec<usize>,
}

impl Answer {
    /// The same page with a nonce of its own.
    fn again(&self) -> Response {
        let nonce = new_nonce();
        let mut body = self.body.clone().into_bytes();
        for place in &self.places {
            if let Some(old) = body.get_mut(*place..*place + nonce.len()) {
                old.copy_from_slice(nonce.as_bytes());
            }
        }
        let mut headers = self.headers.clone();
        if let Some(policy) = headers.get_mut(header::CONTENT_SECURITY_POLICY)
            && let Ok(text) = policy.to_str()
            && let Ok(new) = HeaderValue::from_str(&text.replace(&self.nonce, &nonce))
        {
            *policy = new;
        }
        (StatusCode::OK, headers, body).into_response()
    }
}

/// Weighs answers by their bytes.
#[derive(Clone, Debug)]
struct Bytewise;

impl Weighter<Question, Arc<Answer>> for Bytewise {
    fn weight(&self, _: &Question, answer: &Arc<Answer>) -> u64 {
        answer.body.len() as u64
    }
}

/// The answers of this process.
#[derive(Debug)]
pub struct Kept {
    db: Db,
    answers: Cache<Question, Arc<Answer>, Bytewise>,
    turns: Semaphore,
    /// The addresses that take no turn, because they wait for Stripe and not for this machine.
    waiting: HashSet<&'static str>,
}

impl Kept {
    /// Nothing yet, over a database, for these addresses.
    pub fn new(db: &Db, routes: &[Route]) -> Self {
        Self {
            waiting: routes
                .iter()
                .filter(|r| r.asks_stripe)
                .map(|r| r.path)
                .collect(),
            db: db.clone(),
            answers: Cache::with_weighter(256, CAPACITY, Bytewise),
            turns: Semaphore::new(AT_A_TIME),
        }
    }

    /// Whether Stripe is asked for this request. A few of those would else keep everybody from
    /// every page for as long as Stripe is slow.
    fn waits(&self, request: &Request) -> bool {
        let path = request.extensions().get::<MatchedPath>();
        path.is_some_and(|path| self.waiting.contains(path.as_str()))
    }
}

/// Answers from what is kept, or lets the page be made and keeps it.
pub async fn run(State(kept): State<Arc<Kept>>, request: Request, next: Next) -> Response {
    if request.method() != Method::GET || kept.waits(&request) {
        return next.run(request).await;
    }
    // Asked before anything else is read: what is read later is at least as new.
    let Ok(version) = kept.db.version().await else {
        return next.run(request).await;
    };
    let question = Question::of(&request);
    if let Some(answer) = kept.answers.get(&question)
        && answer.version == version
        && answer.made.elapsed() < AGE
    {
        return answer.again();
    }
    // It is never closed, and without a turn a page would still be right.
    let _turn = kept.turns.acquire().await.ok();
    // A prefetched page leaves out the message that waits for the next one.
    let ahead = request.headers().contains_key("sec-purpose");
    let mut response = next.run(request).await;
    let mark = response.extensions_mut().remove::<Keepable>();
    let Some(Keepable { nonce }) = mark.filter(|_| {
        !ahead
            && response.status() == StatusCode::OK
            && !response.headers().contains_key(header::SET_COOKIE)
    }) else {
        return response;
    };
    let (parts, body) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else {
        // A page is complete when it is answered; there is nothing in it that could fail.
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if bytes.len() <= LARGEST {
        keep(&kept, question, version, &parts.headers, &bytes, nonce);
    }
    Response::from_parts(parts, Body::from(bytes))
}

fn keep(
    kept: &Kept,
    question: Question,
    version: String,
    headers: &HeaderMap,
    bytes: &Bytes,
    nonce: String,
) {
    let Ok(body) = String::from_utf8(bytes.to_vec()) else {
        return;
    };
    let places = body.match_indices(&nonce).map(|(place, _)| place).collect();
    let answer = Answer {
        version,
        made: Instant::now(),
        headers: headers.clone(),
        body,
        nonce,
        places,
    };
    kept.answers.insert(question, Arc::new(answer));
}

#[cfg(test)]
mod tests {
    use app::routes::Access;
    use axum::Router;
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::*;

    /// A router with an address that waits for ever and one that answers at once.
    async fn router(asks_stripe: bool) -> Router {
        let route = Route {
            method: Method::GET,
            path: "/far/{id}",
            access: Access::Public,
            asks_stripe,
        };
        let db = Db::connect("sqlite::memory:").await.expect("opens");
        let kept = Arc::new(Kept::new(&db, &[route]));
        Router::new()
            .route("/far/{id}", get(std::future::pending::<()>))
            .route("/near", get(async || "here"))
            .layer(axum::middleware::from_fn_with_state(kept, run))
    }

    /// Whether a page is made while more people wait at the other address than pages are made at a
    /// time.
    async fn made(asks_stripe: bool) -> bool {
        let router = router(asks_stripe).await;
        let ask = |path: &'static str| {
            let request = Request::get(path).body(Body::empty()).expect("a request");
            router.clone().oneshot(request)
        };
        let waiting: Vec<_> = (0..AT_A_TIME + 8)
            .map(|_| tokio::spawn(ask("/far/1")))
            .collect();
        let wait = Duration::from_millis(500);
        tokio::time::sleep(wait).await;
        let near = tokio::time::timeout(wait, ask("/near")).await;
        for one in waiting {
            one.abort();
        }
        near.is_ok_and(|answer| answer.is_ok_and(|a| a.status() == StatusCode::OK))
    }

    #[tokio::test]
    async fn who_waits_for_stripe_keeps_nobody_from_a_page() {
        assert!(made(true).await);
        assert!(!made(false).await, "else this shows nothing");
    }

    #[test]
    fn what_is_looked_at_and_asks_stripe_is_known() {
        let routes = app::routes::all();
        let asking: Vec<&str> = routes
            .table()
            .iter()
            .filter(|r| r.asks_stripe)
            .map(|r| r.path)
            .collect();
        assert_eq!(
            asking,
            [
                "/partner/payout-account/continue",
                "/partner/payout-account/returned"
            ]
        );
    }
}
