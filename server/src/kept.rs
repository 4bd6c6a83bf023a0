//! A page that is still true is given again instead of being made again.
//!
//! Almost every page is a function of the database, the time, and what the request says of its
//! reader. The database tells with one small question whether anything was committed since a page
//! was made ([`Db::version`]); if nothing was, the answer to the same request is the same. The
//! question is asked for every request, so nothing is ever older than the last commit, whichever
//! process made it: rights, balances and messages are as exact as without this. Only the time may
//! be off, by [`AGE`] at most. Pages that count seconds say so and are not kept.

use std::sync::Arc;
use std::time::{Duration, Instant};

use app::page::{Keepable, new_nonce};
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
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
}

impl Kept {
    /// Nothing yet, over a database.
    pub fn new(db: &Db) -> Self {
        Self {
            db: db.clone(),
            answers: Cache::with_weighter(256, CAPACITY, Bytewise),
            turns: Semaphore::new(AT_A_TIME),
        }
    }
}

/// Answers from what is kept, or lets the page be made and keeps it.
pub async fn run(State(kept): State<Arc<Kept>>, request: Request, next: Next) -> Response {
    if request.method() != Method::GET {
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
