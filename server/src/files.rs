//! The built site: styles, scripts, fonts, icons.

use std::path::Path;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use tower_http::services::{ServeDir, ServeFile};

/// One address per file and folder at the top of `site`, found at the start: a page's address never
/// costs a look at the disk. What lies beside a file as `.br` or `.gz` is sent to browsers that take
/// it.
///
/// # Errors
/// When the folder cannot be read.
pub fn router(site: &Path) -> std::io::Result<Router> {
    let mut router = Router::new();
    for entry in std::fs::read_dir(site)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| is_plain(name)) else {
            continue;
        };
        if entry.path().is_dir() {
            let files = ServeDir::new(entry.path())
                .append_index_html_on_directories(false)
                .precompressed_br()
                .precompressed_gzip();
            router = router.nest_service(&format!("/{name}"), files);
        } else if !name.ends_with(".br") && !name.ends_with(".gz") {
            let file = ServeFile::new(entry.path())
                .precompressed_br()
                .precompressed_gzip();
            router = router.route_service(&format!("/{name}"), file);
        }
    }
    Ok(router.layer(middleware::from_fn(caching)))
}

/// Whether a name can stand in a route as it is.
fn is_plain(name: &str) -> bool {
    !name.starts_with('.')
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

/// Says how long a browser may keep the answer: for ever where the name has the content's hash in
/// it, else until the file changes.
async fn caching(request: Request, next: Next) -> Response {
    let forever = is_hashed(request.uri().path());
    let mut response = next.run(request).await;
    if response.status().is_success() {
        let value = if forever {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, HeaderValue::from_static(value));
    }
    response
}

/// `portico.1a2b3c4d5e6f.css`: a part of eight or more hexadecimal digits before the ending; or a
/// version, as in `inter-latin.v1.woff2`.
fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.split('.').rev().skip(1).any(|part| {
        let hash = part.len() >= 8 && part.bytes().all(|b| b.is_ascii_hexdigit());
        let version = part
            .strip_prefix('v')
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        hash || version
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_change_with_the_content_are_kept_for_ever() {
        for name in ["/pkg/portico.1a2b3c4d5e6f.css", "/inter-latin.v1.woff2"] {
            assert!(is_hashed(name), "{name}");
        }
        for name in [
            "/pkg/manifest.json",
            "/favicon.svg",
            "/deadbeef/icon.svg",
            "/v.css",
        ] {
            assert!(!is_hashed(name), "{name}");
        }
    }
}
