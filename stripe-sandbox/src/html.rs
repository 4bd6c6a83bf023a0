//! The frame of the hosted pages: plain HTML and a few lines of CSS, no JavaScript.

use axum::response::{Html, IntoResponse, Response};
use http::{Method, StatusCode, Uri};

use crate::respond::ApiError;

const STYLE: &str = "
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 40rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
label { display: block; font-weight: 600; margin-top: 1rem; }
input { font: inherit; width: 100%; box-sizing: border-box; padding: .5rem; }
button { font: inherit; padding: .6rem 1rem; margin: .25rem .25rem .25rem 0; min-height: 44px; }
button.primary { background: #3a47d5; color: #fff; border: 1px solid #3a47d5; }
.note { border: 1px solid; border-radius: 6px; padding: .5rem 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .4rem .5rem .4rem 0; border-bottom: 1px solid #8886; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
a:focus-visible, button:focus-visible, input:focus-visible { outline: 3px solid #f0a020; }
";

/// Text made safe for HTML, in content and in attributes.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// A whole page; `title` is text, `body` is HTML.
pub fn page(title: &str, body: &str) -> Response {
    let title = escape(title);
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} · Stripe sandbox</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <main>\n<h1>{title}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    );
    let mut response = Html(html).into_response();
    let headers = response.headers_mut();
    headers.insert("cache-control", http::HeaderValue::from_static("no-store"));
    headers.insert(
        "content-security-policy",
        http::HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
             frame-ancestors 'none'",
        ),
    );
    headers.insert(
        "referrer-policy",
        http::HeaderValue::from_static("no-referrer"),
    );
    response
}

/// A page that says what is wrong.
pub fn problem(status: StatusCode, title: &str, sentence: &str) -> Response {
    let mut response = page(title, &format!("<p>{}</p>", escape(sentence)));
    *response.status_mut() = status;
    response
}

/// `/`: says what this is.
pub async fn front_page() -> Response {
    page(
        "Stripe sandbox",
        "<p>This server stands in for Stripe on this machine. No real money moves.</p>\
         <p>Its API is below <code>/v1</code> and <code>/v2</code>; onboarding and dashboard pages \
         are reached by the links the API makes.</p>",
    )
}

/// Everything else.
pub async fn not_found(method: Method, uri: Uri) -> Response {
    let error = ApiError::unknown_path(method.as_str(), uri.path());
    (error.status, axum::Json(error.body("req_none"))).into_response()
}
