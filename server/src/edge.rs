//! What happens to every request, in one step: a number for its log lines, the client's real
//! address, a limit in time, a page when something panics, and the headers that keep browsers safe.
//!
//! One function instead of a layer for each: the portal answers thousands of pages a second on
//! small machines, and every layer boxes its future.

use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use futures::FutureExt;
use rand::RngCore;
use tokio::sync::Notify;
use tracing::Instrument;

use crate::config::AddressRange;

/// A request's number, in the request and in the answer.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The longest time for an answer, uploads included.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What the step needs to know.
#[derive(Debug)]
pub struct Edge {
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<AddressRange>,
    /// Whether people come over TLS.
    pub https: bool,
    /// Told after each request that may have left work behind.
    pub wake: Arc<Notify>,
}

/// Runs one request.
pub async fn run(State(edge): State<Arc<Edge>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = format!("{:016x}", rand::rng().next_u64());
    let id_value = HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static("unknown"));
    request.headers_mut().insert(REQUEST_ID, id_value.clone());
    edge.client(&mut request);

    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let span = tracing::info_span!("request", id = %id, %method, path = %path);
    let answer = AssertUnwindSafe(tokio::time::timeout(TIMEOUT, next.run(request))).catch_unwind();
    let outcome = answer.instrument(span.clone()).await;
    let _in_span = span.entered();
    let mut response = match outcome {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            tracing::error!("no answer within {} s", TIMEOUT.as_secs());
            plain_page(
                StatusCode::SERVICE_UNAVAILABLE,
                "This takes too long",
                "It is not certain whether it was done. Look at the page again before you repeat it.",
                &id,
            )
        }
        Err(panic) => {
            let cause = panic
                .downcast_ref::<&str>()
                .map(|s| (*s).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "of unknown kind".to_owned());
            tracing::error!(%cause, "panic");
            plain_page(
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something failed on our side",
                "Nothing was changed. Try again in a minute.",
                &id,
            )
        }
    };
    edge.protect(response.headers_mut());
    response.headers_mut().insert(REQUEST_ID, id_value);
    if !method.is_safe() {
        edge.wake.notify_one();
    }
    let ms = started.elapsed().as_millis() as u64;
    let status = response.status().as_u16();
    if status >= 500 {
        tracing::warn!(status, ms, "answered");
    } else {
        tracing::info!(status, ms, "answered");
    }
    response
}

impl Edge {
    /// Puts the client's address where handlers look for it, and nothing else there.
    fn client(&self, request: &mut Request) {
        let Some(ConnectInfo(peer)) = request
            .extensions()
            .get::<ConnectInfo<SocketAddr>>()
            .copied()
        else {
            return;
        };
        let client = client_of(peer.ip(), request.headers(), &self.trusted_proxies);
        request
            .extensions_mut()
            .insert(ConnectInfo(SocketAddr::new(client, peer.port())));
        if let Ok(value) = HeaderValue::from_str(&client.to_string()) {
            request.headers_mut().insert(FORWARDED_FOR, value);
        }
    }

    /// Headers for everything that is sent; a page's own stay.
    fn protect(&self, headers: &mut HeaderMap) {
        for (name, value) in [
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "same-origin"),
            (
                HeaderName::from_static("cross-origin-opener-policy"),
                "same-origin",
            ),
            (
                HeaderName::from_static("cross-origin-resource-policy"),
                "same-origin",
            ),
            (
                header::CONTENT_SECURITY_POLICY,
                "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
            ),
        ] {
            headers
                .entry(name)
                .or_insert(HeaderValue::from_static(value));
        }
        if self.https {
            headers
                .entry(header::STRICT_TRANSPORT_SECURITY)
                .or_insert(HeaderValue::from_static("max-age=31536000"));
        }
    }
}

/// The address of whoever asks: the peer's, or, as long as that is a trusted proxy, the one that
/// proxy says it had. What a stranger wrote into the header before is never reached.
fn client_of(peer: IpAddr, headers: &HeaderMap, trusted: &[AddressRange]) -> IpAddr {
    let mut client = peer.to_canonical();
    let hops = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .collect::<Vec<_>>();
    for hop in hops.into_iter().rev() {
        if !trusted.iter().any(|range| range.contains(client)) {
            break;
        }
        let Ok(address) = hop.trim().parse::<IpAddr>() else {
            break;
        };
        client = address.to_canonical();
    }
    client
}

/// A page that needs nothing that might be broken; without a number where nothing was.
pub fn plain_page(status: StatusCode, title: &str, text: &str, request_id: &str) -> Response {
    let number = match request_id {
        "" => String::new(),
        id => format!("<p>If it happens again, tell support this number: {id}</p>"),
    };
    let html = format!(
        "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{title}</title><h1>{title}</h1><p>{text}</p>\
         {number}\
         <p><a href=\"/\">Go to the start page</a></p></html>"
    );
    (status, [(header::CACHE_CONTROL, "no-store")], Html(html)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::nobody_is_trusted("203.0.113.5", "198.51.100.1", "203.0.113.5")]
    #[case::through_the_proxy("10.0.0.1", "198.51.100.1", "198.51.100.1")]
    #[case::two_proxies("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1")]
    #[case::forged_before_the_proxy("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1")]
    #[case::unreadable("10.0.0.1", "unknown", "10.0.0.1")]
    #[case::mapped("::ffff:10.0.0.1", "2001:db8::7", "2001:db8::7")]
    fn the_clients_address(#[case] peer: IpAddr, #[case] header: &str, #[case] client: IpAddr) {
        let mut headers = HeaderMap::new();
        headers.insert(FORWARDED_FOR, header.parse().expect("a header value"));
        let trusted = ["10.0.0.0/8".parse().expect("a range")];
        assert_eq!(client_of(peer, &headers, &trusted), client);
    }
}
