//! Where a redirect may lead.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// The path when it is an absolute path of this site, else nothing.
///
/// Refused: other sites (`https://…`, `//host`, `/\host`, which browsers read as `//host`), and
/// control characters, which would break the header or be dropped by the browser before it reads
/// the address.
#[must_use]
pub fn safe_redirect(path: &str) -> Option<&str> {
    let rest = path.strip_prefix('/')?;
    let outside = rest.starts_with('/') || path.contains('\\');
    let control = path.chars().any(|c| c.is_control());
    (!outside && !control).then_some(path)
}

/// 303 to a checked path; characters that cannot stand in a header are percent-encoded.
pub(super) fn see_other(path: &str) -> Response {
    let mut location = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_graphic() {
            location.push(char::from(byte));
        } else {
            location.push_str(&format!("%{byte:02X}"));
        }
    }
    let value = HeaderValue::from_str(&location).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, value)]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site() {
        for good in [
            "/",
            "/partner/deals?q=a#b",
            "/a//b",
            "/sign-in?next=https://x",
            "/ü",
        ] {
            assert_eq!(safe_redirect(good), Some(good));
        }
        for bad in [
            "",
            "partner",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "/a\\b",
            "https://evil.example",
            "javascript:alert(1)",
            "/a\r\nSet-Cookie: x=1",
            "/\t/evil.example",
            "/\u{0}",
            " /a",
        ] {
            assert_eq!(safe_redirect(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn the_header_is_always_valid() {
        let response = see_other("/ü b");
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        assert_eq!(response.headers()[header::LOCATION], "/%C3%BC%20b");
    }
}
