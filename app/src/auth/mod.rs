//! Signing in and up, passwords, invitations, and the organisation somebody acts for.

mod invitation;
mod organisations;
mod password;
mod sign_in;
mod sign_up;

use crate::{page::safe_redirect, routes::Routes};
use axum::http::HeaderMap;

/// Adds this area's addresses.
#[must_use]
pub fn routes() -> Routes {
    Routes::new()
        .merge(sign_in::routes())
        .merge(sign_up::routes())
        .merge(password::routes())
        .merge(invitation::routes())
        .merge(organisations::routes())
}

/// The client's address, which the server's edge has put there; nothing a client sends survives it.
pub(crate) fn client(headers: &HeaderMap) -> String {
    let text = headers
        .get("x-forwarded-for")
        .and_then(|v| v.to_str().ok())
        .unwrap_or("unknown");
    text.chars().take(64).collect()
}

/// Where to go on, as long as it is inside the portal.
fn onward(next: &str) -> Option<&str> {
    safe_redirect(next).filter(|path| !path.is_empty() && *path != "/")
}

/// A path with one more value in its query.
fn with(path: &str, name: &str, value: &str) -> String {
    if value.is_empty() {
        return path.to_owned();
    }
    let mark = if path.contains('?') { '&' } else { '?' };
    let mut out = format!("{path}{mark}{name}=");
    crate::ui::encode(&mut out, value);
    out
}
