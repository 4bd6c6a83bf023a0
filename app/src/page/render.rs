//! Turning a view into an answer: one complete document with its own content security policy.

use super::{Head, Page};
use crate::{
    flash::Flash,
    shell,
    ui::{Ui, chart::escape},
};
use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{Html, IntoResponse, Response},
};
use hydration_context::SsrSharedContext;
use leptos::{nonce::Nonce, prelude::*};
use memchr::memmem;
use std::{fmt::Write as _, sync::Arc};

/// What the browser may prefetch when a pointer rests on a link: pages, but nothing that downloads.
const SPECULATION: &str = r#"{"prefetch":[{"where":{"and":[{"href_matches":"/*"},{"not":{"href_matches":"/*.csv*"}},{"not":{"href_matches":"/*.pdf*"}},{"not":{"selector_matches":"[download],[data-no-prefetch]"}}]},"eagerness":"moderate"}]}"#;

/// Wakes the islands: loads the module, then calls the function of each island with its element.
/// The outer ones come first, because their children may be moved by them.
const ISLANDS: &str = r#"const m=await import(J);await m.default({module_or_path:W});m.hydrate();for(const e of document.querySelectorAll("leptos-island")){const f=m[e.dataset.component];if(f)await f(e)}"#;

/// Marks an answer that depends on nothing but the database, the time (not to the second), and what
/// the request says of the reader: address, cookies, language. While the database stays the same it
/// may be given again, with another nonce.
#[derive(Clone, Debug)]
pub struct Keepable {
    /// The nonce in the document and in its content security policy.
    pub nonce: String,
}

/// A new nonce; all have the same length.
#[must_use]
pub fn new_nonce() -> String {
    crate::routes::random(16)
}

impl Page {
    /// Renders a page. The view is built inside the page's reactive owner, where the pieces in
    /// [`crate::ui`] find locale, time and what was typed before.
    #[must_use]
    pub fn render<V: IntoView + 'static>(
        &self,
        head: Head,
        view: impl FnOnce() -> V + 'static,
    ) -> Response {
        let title = if head.title.is_empty() {
            self.state.site.name.clone()
        } else {
            format!("{} · {}", head.title, self.state.site.name)
        };
        let keep = self.flash == Flash::default() && !head.to_the_second;
        let mut body =
            self.in_owner(|| shell::body(self, head, move || view().into_any()).to_html());
        self.show_unseen_errors(&mut body);
        let document = self.document(&title, &without_marks(&body));
        let mut response = Html(document).into_response();
        self.headers(response.headers_mut());
        if keep {
            let nonce = self.nonce.clone();
            response.extensions_mut().insert(Keepable { nonce });
        }
        response
    }

    /// An error whose field is not on the page must not be lost: it becomes a message.
    fn show_unseen_errors(&self, body: &mut String) {
        let unseen: Vec<&str> = self
            .flash
            .errors
            .iter()
            .map(|(_, sentence)| sentence.as_str())
            .filter(|sentence| !body.contains(&text(sentence)))
            .collect();
        if unseen.is_empty() {
            return;
        }
        let toast = format!(
            "<div class=\"toasts\" role=\"alert\"><div class=\"toast bad\"><svg class=\"icon\" width=\"16\" height=\"16\" aria-hidden=\"true\"><use href=\"/icons.svg#bad\"></use></svg><p>{}</p></div></div>",
            text(&unseen.join(" "))
        );
        let end = body.rfind("</body>").unwrap_or(body.len());
        body.insert_str(end, &toast);
    }

    fn in_owner<T>(&self, work: impl FnOnce() -> T) -> T {
        let owner = Owner::new_root(Some(Arc::new(SsrSharedContext::new_islands())));
        let result = owner.with(|| {
            provide_context(Nonce::from_value(self.nonce.as_str()));
            provide_context(Arc::new(Ui {
                locale: self.locale.clone(),
                now: self.now(),
                flash: self.flash.clone(),
                path: self.path.clone(),
                query: self.query.clone(),
            }));
            work()
        });
        owner.unset_with_forced_cleanup();
        result
    }

    fn document(&self, title: &str, body: &str) -> String {
        let site = &self.state.site;
        let nonce = &self.nonce;
        let mut out = String::with_capacity(body.len() + 2048);
        out.push_str("<!DOCTYPE html><html lang=\"en\"");
        if let Some(theme) = self.look.theme {
            let _ = write!(out, " data-theme=\"{theme}\"");
        }
        if self.look.narrow {
            out.push_str(" data-rail=\"narrow\"");
        }
        let _ = write!(
            out,
            "><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{}</title><link rel=\"stylesheet\" href=\"{}\"><link rel=\"preload\" href=\"{}\" as=\"font\" type=\"font/woff2\" crossorigin><link rel=\"icon\" href=\"/favicon.svg\" type=\"image/svg+xml\"><meta name=\"color-scheme\" content=\"light dark\">",
            escape(title),
            site.css,
            site.font
        );
        let _ = write!(
            out,
            "<script type=\"speculationrules\" nonce=\"{nonce}\">{SPECULATION}</script>"
        );
        // Only pages with an island load the module at all.
        if let Some((js, wasm)) = &site.wasm
            && body.contains("<leptos-island")
        {
            let _ = write!(
                out,
                "<link rel=\"modulepreload\" href=\"{js}\"><link rel=\"preload\" href=\"{wasm}\" as=\"fetch\" type=\"application/wasm\" crossorigin><script type=\"module\" nonce=\"{nonce}\">const J=\"{js}\",W=\"{wasm}\";{ISLANDS}</script>"
            );
        }
        out.push_str("</head>");
        out.push_str(body);
        out.push_str("</html>");
        out
    }

    fn headers(&self, headers: &mut HeaderMap) {
        let mut policy = format!(
            "default-src 'self'; script-src 'self' 'nonce-{}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' https://*.stripe.com",
            self.nonce
        );
        for origin in &self.state.site.form_origins {
            policy.push(' ');
            policy.push_str(origin);
        }
        // The nonce is base64 and the origins were checked when the server started.
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        // What belongs to one person stays out of every cache, also after signing out.
        let cache = if self.user.is_some() {
            "private, no-store"
        } else {
            "private, no-cache"
        };
        for (name, value) in [
            (header::CACHE_CONTROL, cache),
            (header::REFERRER_POLICY, "same-origin"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (
                HeaderName::from_static("cross-origin-opener-policy"),
                "same-origin",
            ),
            (
                HeaderName::from_static("permissions-policy"),
                "camera=(), geolocation=(), microphone=(), payment=()",
            ),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers.append(
            header::VARY,
            HeaderValue::from_static("cookie, accept-language"),
        );
    }
}

/// Text as Leptos escapes it between tags.
fn text(raw: &str) -> String {
    raw.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Leaves out the marks (`<!>`) by which hydration finds its place: only islands are hydrated, and
/// they are many on a page that is mostly a table. What people type is escaped and cannot be one.
fn without_marks(html: &str) -> String {
    let find = |text: &str, what: &str| memmem::find(text.as_bytes(), what.as_bytes());
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = find(rest, "<leptos-island") {
        let end = find(&rest[at..], "</leptos-island>").map_or(rest.len(), |length| at + length);
        push_without_marks(&mut out, &rest[..at]);
        out.push_str(&rest[at..end]);
        rest = &rest[end..];
    }
    push_without_marks(&mut out, rest);
    out
}

fn push_without_marks(out: &mut String, html: &str) {
    const MARK: &str = "<!>";
    let mut from = 0;
    for at in memmem::find_iter(html.as_bytes(), MARK) {
        out.push_str(&html[from..at]);
        from = at + MARK.len();
    }
    out.push_str(&html[from..]);
}

#[cfg(test)]
mod tests {
    #[test]
    fn marks_stay_where_islands_need_them() {
        let html = "a<!>b<leptos-island x><!>c</leptos-island><!>d";
        assert_eq!(
            super::without_marks(html),
            "ab<leptos-island x><!>c</leptos-island>d"
        );
        assert_eq!(super::without_marks("<!><!>"), "");
    }
}
