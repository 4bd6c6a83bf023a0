//! What can go wrong between the portal and Stripe, told apart by what it means for money.

use std::time::Duration;

use crate::read::BadObject;

/// How a call to Stripe ended when it did not end well.
///
/// The difference that matters is whether Stripe may have carried the request out. Only
/// [`CallError::Definite`] and [`CallError::NotSent`] say that it has not. [`CallError::Unknown`]
/// must be settled by asking Stripe, never by sending again under another key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Stripe refused the request and nothing was done.
    #[error("Stripe refused the request ({status}): {message}")]
    Definite {
        /// HTTP status, 400 to 499.
        status: u16,
        /// Stripe's error code, such as `resource_missing` or `balance_insufficient`.
        code: Option<String>,
        /// Stripe's own sentence.
        message: String,
    },
    /// Whether Stripe carried the request out is not known: a time-out, a 5xx, a connection that
    /// broke, a reply that cannot be read, or a key that another request is using.
    #[error("it is not known whether Stripe carried the request out: {cause}")]
    Unknown {
        /// What was seen, for the log.
        cause: String,
    },
    /// Too many requests; nothing was done. The same request may be sent again later.
    #[error("Stripe asks to slow down")]
    RateLimited {
        /// How long to wait, where Stripe says so.
        retry_after: Option<Duration>,
    },
    /// The request never left: no connection, or it could not be built.
    #[error("Stripe could not be reached: {cause}")]
    NotSent {
        /// What was seen, for the log.
        cause: String,
    },
}

/// How sending a transfer can fail. The rules are those of every call; the name marks the one place
/// where confusing them pays twice.
pub type TransferError = CallError;

impl CallError {
    /// Whether Stripe may have done what was asked. While this is true money must stay where the
    /// ledger put it.
    #[must_use]
    pub fn may_have_happened(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }

    /// Whether the same request under the same key may succeed later without anybody changing
    /// anything.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        !matches!(self, Self::Definite { .. })
    }

    /// Whether Stripe says that there is no such object.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        match self {
            Self::Definite { status, code, .. } => {
                *status == 404 || code.as_deref() == Some("resource_missing")
            }
            _ => false,
        }
    }

    /// Whether Stripe does not accept the key, or not for this: nothing was done, and nothing will be
    /// until somebody gives the portal another key.
    #[must_use]
    pub fn refuses_key(&self) -> bool {
        matches!(self, Self::Definite { status: 401 | 403, code, .. }
            if code.as_deref() != Some("account_invalid"))
    }

    /// Whether Stripe says that a connected account is gone: deleted, or taken away from the platform
    /// by its owner.
    #[must_use]
    pub fn is_gone_account(&self) -> bool {
        match self {
            Self::Definite { code, .. } => {
                self.is_missing() || code.as_deref() == Some("account_invalid")
            }
            _ => false,
        }
    }

    /// Whether the platform's balance was too low for a transfer.
    #[must_use]
    pub fn is_insufficient_balance(&self) -> bool {
        match self {
            Self::Definite { code, .. } => {
                matches!(
                    code.as_deref(),
                    Some("balance_insufficient" | "insufficient_funds")
                )
            }
            _ => false,
        }
    }

    /// The way an HTTP reply that is not a success is understood.
    ///
    /// Three kinds of 4xx are not definite. 409 means that an earlier request with the same key is
    /// still under way. An `idempotency_error` means that the key was used before with other
    /// values, so something may well have been done under it. 408 and 424 say that a
    /// part of the work was cut short.
    pub(crate) fn from_reply(
        status: u16,
        kind: Option<&str>,
        code: Option<String>,
        message: Option<String>,
        retry_after: Option<Duration>,
    ) -> Self {
        let message = message.unwrap_or_else(|| "no reason given".to_owned());
        let in_use = kind == Some("idempotency_error")
            || code
                .as_deref()
                .is_some_and(|code| code.starts_with("idempotency_"));
        match status {
            429 => Self::RateLimited { retry_after },
            408 | 409 | 424 => Self::Unknown {
                cause: format!("status {status}: {message}"),
            },
            400..=499 if in_use => Self::Unknown {
                cause: format!("the idempotency key was used before: {message}"),
            },
            400..=499 => Self::Definite {
                status,
                code,
                message,
            },
            _ => Self::Unknown {
                cause: format!("status {status}: {message}"),
            },
        }
    }
}

impl From<BadObject> for CallError {
    /// A reply that was a success but cannot be read: Stripe did something, we cannot say what.
    fn from(bad: BadObject) -> Self {
        Self::Unknown {
            cause: format!("the reply cannot be read: {bad}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[derive(Debug, PartialEq)]
    enum Is {
        Definite,
        Unknown,
        RateLimited,
    }

    #[rstest]
    #[case::refused(
        400,
        Some("invalid_request_error"),
        Some("parameter_missing"),
        Is::Definite
    )]
    #[case::no_right(401, None, None, Is::Definite)]
    #[case::failed(402, Some("card_error"), None, Is::Definite)]
    #[case::missing(
        404,
        Some("invalid_request_error"),
        Some("resource_missing"),
        Is::Definite
    )]
    #[case::too_many(
        429,
        Some("invalid_request_error"),
        Some("rate_limit"),
        Is::RateLimited
    )]
    #[case::lock(
        429,
        Some("invalid_request_error"),
        Some("lock_timeout"),
        Is::RateLimited
    )]
    #[case::in_use(
        409,
        Some("idempotency_error"),
        Some("idempotency_key_in_use"),
        Is::Unknown
    )]
    #[case::conflict(409, None, None, Is::Unknown)]
    #[case::other_body(400, Some("idempotency_error"), None, Is::Unknown)]
    #[case::dependency(424, None, None, Is::Unknown)]
    #[case::broken(500, Some("api_error"), None, Is::Unknown)]
    #[case::gateway(502, None, None, Is::Unknown)]
    #[case::redirected(302, None, None, Is::Unknown)]
    fn replies(
        #[case] status: u16,
        #[case] kind: Option<&str>,
        #[case] code: Option<&str>,
        #[case] expected: Is,
    ) {
        let err = CallError::from_reply(status, kind, code.map(str::to_owned), None, None);
        let is = match err {
            CallError::Definite { .. } => Is::Definite,
            CallError::Unknown { .. } => Is::Unknown,
            CallError::RateLimited { .. } => Is::RateLimited,
            CallError::NotSent { .. } => unreachable!("a reply was sent"),
        };
        assert_eq!(is, expected);
    }
}
