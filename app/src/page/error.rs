//! Pages that say why something did not happen, and what to do.

use super::{Head, Page, redirect::see_other};
use crate::flash::Tone;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use leptos::prelude::*;
use service::FieldErrors;
use std::fmt::Display;

/// The result of a handler.
pub type PageResult = Result<Response, PageError>;

/// Why a handler has no page. The guard turns it into one, inside the shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageError {
    /// Missing, or somebody else's: the same page for both.
    NotFound,
    /// Known, but not this person's to do; the sentence says who may.
    Forbidden(String),
    /// The record is in another state; the sentence says which and why that matters.
    Conflict(String),
    /// What was sent cannot be read, and there is no form to go back to.
    Invalid(String),
    /// Too often; the sentence says how long to wait (seconds).
    TooMany(String, i64),
    /// Somebody outside does not answer; the sentence says what was and was not done.
    Unavailable(String),
    /// A fault of ours; the cause goes to the log only.
    Internal(String),
    /// The same form was taken already: this is where it led.
    Taken(String),
}

impl PageError {
    /// A fault of ours.
    pub fn internal(cause: impl Display) -> Self {
        Self::Internal(cause.to_string())
    }

    /// The status of the answer.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooMany(..) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Taken(_) => StatusCode::SEE_OTHER,
        }
    }
}

impl From<service::Error> for PageError {
    fn from(error: service::Error) -> Self {
        use service::Error as E;
        match error {
            E::NotFound => Self::NotFound,
            E::Forbidden(text) => Self::Forbidden(text),
            E::Conflict(text) => Self::Conflict(text),
            E::Invalid(FieldErrors(fields)) => {
                Self::Invalid(fields.into_values().collect::<Vec<_>>().join(" "))
            }
            E::TooMany {
                message,
                retry_after,
            } => Self::TooMany(message, retry_after),
            E::Unavailable { message, cause } => {
                tracing::warn!(%cause, "outside system unavailable");
                Self::Unavailable(message)
            }
            E::Internal(cause) => Self::Internal(cause),
        }
    }
}

impl From<sea_orm::DbErr> for PageError {
    fn from(error: sea_orm::DbErr) -> Self {
        service::Error::from(error).into()
    }
}

impl From<tower_sessions::session::Error> for PageError {
    fn from(error: tower_sessions::session::Error) -> Self {
        Self::internal(error)
    }
}

/// Marks an answer that the guard has to turn into a page.
#[derive(Clone, Debug)]
pub struct ErrorPage(pub PageError);

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        if let Self::Taken(path) = &self {
            return see_other(path);
        }
        let mut response = self.status().into_response();
        if let Self::TooMany(_, seconds) = self {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response.extensions_mut().insert(ErrorPage(self));
        response
    }
}

/// The page for an error, in the shell the person is used to.
#[must_use]
pub fn error_view(page: &Page, error: PageError) -> Response {
    let status = error.status();
    let (title, text, tone) = match error {
        PageError::NotFound => (
            "Not found",
            "There is nothing at this address, or it is not yours to see. Check the address, or go \
             back to where you came from."
                .to_owned(),
            Tone::Neutral,
        ),
        PageError::Forbidden(text) => ("Not yours to do", text, Tone::Warn),
        PageError::Conflict(text) => ("This has changed meanwhile", text, Tone::Warn),
        PageError::Invalid(text) => ("This could not be taken", text, Tone::Warn),
        PageError::TooMany(text, _) => ("Too many tries", text, Tone::Warn),
        PageError::Unavailable(text) => ("Not possible right now", text, Tone::Warn),
        PageError::Taken(_) => (
            "Sent already",
            "This form was taken when it was sent first.".to_owned(),
            Tone::Neutral,
        ),
        PageError::Internal(cause) => {
            let request_id = &page.ctx.request_id;
            tracing::error!(%request_id, path = %page.path, %cause, "page failed");
            (
                "Something failed on our side",
                format!(
                    "Nothing was changed. Try again in a minute; if it happens again, tell support \
                     this number: {request_id}"
                ),
                Tone::Bad,
            )
        }
    };
    let home = crate::nav::home(&page.ctx.actor);
    let mut response = page.render(Head::new(title), move || {
        view! {
            <div class="empty">
                <crate::ui::Icon name=tone.icon()/>
                <p>{text}</p>
                <crate::ui::ButtonLink href=home label="Go to the start page"/>
            </div>
        }
    });
    *response.status_mut() = status;
    response
}
