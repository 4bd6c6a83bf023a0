//! A page: who asks, what they typed before, and every way to answer.
//!
//! The guard in [`crate::routes`] builds the [`Page`] once per request and hands it to the handler,
//! which loads what it shows with `page.ctx` and then calls [`Page::render`]. Rendering is
//! synchronous and complete: nothing is fetched or streamed afterwards.

mod error;
mod form;
mod head;
mod redirect;
mod render;

pub use self::{
    error::{ErrorPage, PageError, PageResult, error_view},
    form::{Form, Upload, UploadedFile},
    head::{Head, Layout},
    redirect::safe_redirect,
    render::{Keepable, new_nonce},
};

use crate::{
    flash::{Flash, Toast, Tone},
    nav::NavGroup,
    session::{self, User},
    state::AppState,
    ui::{ListQuery, Locale},
};
use axum::{
    body::Body,
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use service::{Context, FieldErrors};
use std::sync::{Arc, OnceLock};
use tower_sessions::Session;

/// One request of one person. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Page {
    /// First argument of every service call.
    pub ctx: Context,
    /// The signed-in person.
    pub user: Option<Arc<User>>,
    /// Path of the request.
    pub path: String,
    /// Raw query of the request, without `?`.
    pub query: String,
    /// The session, for signing in and out.
    pub session: Session,
    /// What every page shares.
    pub state: AppState,
    /// How numbers and dates are written for the reader.
    pub locale: Locale,
    pub(crate) flash: Flash,
    pub(crate) nav: Arc<Vec<NavGroup>>,
    pub(crate) look: Look,
    pub(crate) nonce: String,
    /// The name of the form that this request took, see [`service::sent_form`].
    pub(crate) taken: Arc<OnceLock<String>>,
}

/// Marks an answer that sends a form back: it was not taken and may be sent again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SentBack;

/// What a reader chose about the shell, kept in cookies because it belongs to the browser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// `light`, `dark`, or `None` to follow the system.
    pub theme: Option<&'static str>,
    /// The rail shows icons only.
    pub narrow: bool,
}

impl Look {
    /// Reads the cookies `theme` and `rail`.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let mut look = Self::default();
        let cookies = headers.get_all(header::COOKIE);
        for pair in cookies
            .iter()
            .filter_map(|c| c.to_str().ok())
            .flat_map(|c| c.split(';'))
        {
            match pair.trim() {
                "theme=light" => look.theme = Some("light"),
                "theme=dark" => look.theme = Some("dark"),
                "rail=narrow" => look.narrow = true,
                _ => {}
            }
        }
        look
    }
}

/// The record an address names, and whether it is asked for as JSON: `12` or `12.json`. The router
/// cannot tell the two apart, and they are for the same people.
///
/// # Errors
/// [`PageError::NotFound`] for what names no record.
pub fn numbered(key: &str) -> Result<(i64, bool), PageError> {
    let (number, json) = match key.strip_suffix(".json") {
        Some(number) => (number, true),
        None => (key, false),
    };
    let id = number.parse().map_err(|_| PageError::NotFound)?;
    Ok((id, json))
}

impl Page {
    /// Now, by the portal's clock.
    #[must_use]
    pub fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.ctx.now()
    }

    /// How much waits behind an entry of the menu; nothing where there is no such entry.
    #[must_use]
    pub fn waiting(&self, href: &str) -> i64 {
        self.nav
            .iter()
            .flat_map(|group| &group.entries)
            .find(|entry| entry.href == href)
            .map_or(0, |entry| entry.waiting)
    }

    /// The way to Stripe, for the few service calls that ask it while the person waits. An address
    /// that is only looked at and leads here is added with
    /// [`get_by_stripe`](crate::routes::Routes::get_by_stripe).
    ///
    /// # Errors
    /// [`PageError::Unavailable`] where the portal runs without Stripe.
    pub fn gateway(&self) -> Result<&dyn stripe_gateway::Gateway, PageError> {
        self.state.gateway().ok_or_else(|| {
            PageError::Unavailable("Stripe is not set up here. Ask an administrator.".to_owned())
        })
    }

    /// The state of the list on this page.
    #[must_use]
    pub fn list(&self) -> ListQuery {
        ListQuery::parse(&self.query)
    }

    /// First value of a name in the query.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<String> {
        crate::ui::query_pairs(&self.query)
            .into_iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v)
    }

    /// What was typed into the form that was sent back to this page.
    #[must_use]
    pub fn typed(&self) -> &[(String, String)] {
        &self.flash.values
    }

    /// 303 to a path of this site.
    #[must_use]
    pub fn redirect(&self, path: &str) -> Response {
        redirect::see_other(safe_redirect(path).unwrap_or("/"))
    }

    /// 303 to an address outside, such as Stripe's onboarding, that this server itself has made.
    ///
    /// # Errors
    /// [`PageError::Internal`] when the address is not http(s) or cannot be a header.
    pub fn leave_to(&self, url: &str) -> PageResult {
        if !(url.starts_with("https://") || url.starts_with("http://")) {
            return Err(PageError::Internal(format!(
                "not an address to leave to: {url}"
            )));
        }
        let value = HeaderValue::from_str(url).map_err(PageError::internal)?;
        Ok((StatusCode::SEE_OTHER, [(header::LOCATION, value)]).into_response())
    }

    /// 303 with a message that something is done.
    pub async fn done(&self, path: &str, toast: impl Into<String>) -> PageResult {
        self.toast(path, Tone::Good, toast).await
    }

    /// 303 with a message and a button that takes the change back.
    pub async fn done_with_undo(
        &self,
        path: &str,
        toast: impl Into<String>,
        undo: crate::flash::Undo,
    ) -> PageResult {
        let toast = Toast {
            tone: Tone::Good,
            text: toast.into(),
            undo: Some(undo),
        };
        self.leave(
            path,
            Flash {
                toasts: vec![toast],
                ..Flash::default()
            },
        )
        .await
    }

    /// 303 with a message of another tone.
    pub async fn toast(&self, path: &str, tone: Tone, text: impl Into<String>) -> PageResult {
        let toast = Toast {
            tone,
            text: text.into(),
            undo: None,
        };
        self.leave(
            path,
            Flash {
                toasts: vec![toast],
                ..Flash::default()
            },
        )
        .await
    }

    /// 303 back to the form with its errors and everything that was typed, secrets excepted.
    pub async fn invalid(
        &self,
        form_path: &str,
        errors: FieldErrors,
        pairs: &[(String, String)],
    ) -> PageResult {
        let flash = Flash {
            errors: errors.0.into_iter().collect(),
            values: Flash::without_secrets(pairs),
            toasts: Vec::new(),
        };
        self.send_back(form_path, flash).await
    }

    /// The answer to a service call that did nothing: back to the form with what is wrong where the
    /// person can do something about it, else the error's own page.
    pub async fn refused(
        &self,
        form_path: &str,
        error: service::Error,
        pairs: &[(String, String)],
    ) -> PageResult {
        let text = match error {
            service::Error::Invalid(errors) => return self.invalid(form_path, errors, pairs).await,
            service::Error::Conflict(text) => text,
            service::Error::TooMany { message, .. } => message,
            service::Error::Unavailable { message, cause } => {
                tracing::warn!(request_id = %self.ctx.request_id, %cause, "outside system unavailable");
                message
            }
            other => return Err(other.into()),
        };
        let flash = Flash {
            errors: Vec::new(),
            values: Flash::without_secrets(pairs),
            toasts: vec![Toast {
                tone: Tone::Bad,
                text,
                undo: None,
            }],
        };
        self.send_back(form_path, flash).await
    }

    /// What follows a change: `sentence` on the page at `path` when it was made, else what was wrong
    /// with it, as [`Page::refused`] puts it.
    pub async fn answer<T>(
        &self,
        done: service::Result<T>,
        path: &str,
        sentence: &str,
        pairs: &[(String, String)],
    ) -> PageResult {
        match done {
            Ok(_) => self.done(path, sentence).await,
            Err(error) => self.refused(path, error, pairs).await,
        }
    }

    async fn send_back(&self, path: &str, flash: Flash) -> PageResult {
        let mut response = self.leave(path, flash).await?;
        response.extensions_mut().insert(SentBack);
        Ok(response)
    }

    async fn leave(&self, path: &str, flash: Flash) -> PageResult {
        session::leave_flash(&self.session, flash)
            .await
            .map_err(PageError::internal)?;
        Ok(self.redirect(path))
    }

    /// An answer for programs.
    #[must_use]
    pub fn json(&self, value: &serde_json::Value) -> Response {
        let headers = [
            (header::CONTENT_TYPE, "application/json"),
            (header::CACHE_CONTROL, "private, no-store"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        (headers, format!("{value:#}")).into_response()
    }

    /// A CSV file.
    #[must_use]
    pub fn csv(&self, name: &str, text: String) -> Response {
        self.file(name, "text/csv; charset=utf-8", text.into_bytes())
    }

    /// A CSV file that is sent as it is made.
    #[must_use]
    pub fn csv_stream(&self, name: &str, body: Body) -> Response {
        let mut response = self.csv(name, String::new());
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = body;
        response
    }

    /// A file to keep.
    #[must_use]
    pub fn file(&self, name: &str, content_type: &'static str, bytes: Vec<u8>) -> Response {
        let safe: String = name
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || "._-".contains(c) {
                    c
                } else {
                    '_'
                }
            })
            .collect();
        let headers = [
            (header::CONTENT_TYPE, content_type.to_owned()),
            (
                header::CONTENT_DISPOSITION,
                format!("attachment; filename=\"{safe}\""),
            ),
            (header::CACHE_CONTROL, "private, no-store".to_owned()),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        ];
        (headers, bytes).into_response()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, PageError> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| PageError::internal("a page outside of Routes has no guard"))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ListQuery {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::parse(parts.uri.query().unwrap_or("")))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
