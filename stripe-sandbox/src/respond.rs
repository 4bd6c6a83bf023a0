//! Answers and errors in Stripe's shape, and ids that look like Stripe's.

use http::StatusCode;
use rand::Rng as _;
use serde_json::{Value, json};

/// An error as Stripe answers it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// HTTP status.
    pub status: StatusCode,
    /// Stripe's `type`.
    pub kind: &'static str,
    /// Stripe's `code`, where there is one.
    pub code: Option<String>,
    /// The sentence.
    pub message: String,
    /// The parameter at fault.
    pub param: Option<String>,
    /// Whether the endpoint had begun to execute, so that the answer belongs to the idempotency
    /// key. Stripe saves nothing for parameters that fail validation.
    pub executed: bool,
}

/// What an endpoint answers.
pub type Answer = Result<Value, ApiError>;

impl ApiError {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            code: None,
            message: message.into(),
            param: None,
            executed: false,
        }
    }

    /// A request that fails validation: 400, not kept for its idempotency key.
    pub fn invalid(message: impl Into<String>, param: Option<impl Into<String>>) -> Self {
        let mut error = Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message);
        error.param = param.map(Into::into);
        error
    }

    /// A parameter that must be there and is not.
    pub fn missing_param(name: &str) -> Self {
        Self::invalid(format!("Missing required param: {name}."), Some(name))
            .code("parameter_missing")
    }

    /// A parameter that the endpoint does not take.
    pub fn unknown_param(name: &str) -> Self {
        Self::invalid(format!("Received unknown parameter: {name}"), Some(name))
            .code("parameter_unknown")
    }

    /// A definite refusal by the endpoint itself: 400, kept for its idempotency key.
    pub fn refused(code: &str, message: impl Into<String>) -> Self {
        Self::wrong_state(message).code(code)
    }

    /// The same for an object that is in no state for it, for which Stripe has no code.
    pub fn wrong_state(message: impl Into<String>) -> Self {
        let mut error = Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message);
        error.executed = true;
        error
    }

    /// The object named in the path does not exist: 404.
    pub fn no_such(kind: &str, id: &str) -> Self {
        let mut error = Self::new(
            StatusCode::NOT_FOUND,
            "invalid_request_error",
            format!("No such {kind}: '{id}'"),
        );
        error.param = Some("id".to_owned());
        error.executed = true;
        error.code("resource_missing")
    }

    /// An object named in a parameter does not exist: 400.
    pub fn no_such_param(kind: &str, id: &str, param: &str) -> Self {
        Self::refused("resource_missing", format!("No such {kind}: '{id}'")).param(param)
    }

    /// There is nothing at this path: 404.
    pub fn unknown_path(method: &str, path: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "invalid_request_error",
            format!("Unrecognized request URL ({method}: {path})."),
        )
    }

    /// No key, or one that is not accepted: 401.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_request_error", message)
    }

    /// A restricted key that may not do this: 403.
    pub fn forbidden() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "invalid_request_error",
            "The provided key does not have the required permissions for this endpoint.",
        )
    }

    /// The key was used with other parameters: 400.
    pub fn idempotency_mismatch(key: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "idempotency_error",
            format!(
                "Keys for idempotent requests can only be used with the same parameters they were \
                 first used with. Try using a key other than '{key}' if you meant to execute a \
                 different request."
            ),
        )
    }

    /// Another request with this key is being worked on: 409.
    pub fn idempotency_in_use(key: &str) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "idempotency_error",
            format!(
                "There is currently another in-progress request using this Idempotency Key \
                 ('{key}'); please try again later."
            ),
        )
        .code("idempotency_key_in_use")
    }

    /// A country that Stripe does not pay to, as the two versions of the API say it.
    pub fn country(path: &str) -> Self {
        if path.starts_with("/v1/") {
            Self::wrong_state(
                "Funds can't be sent to accounts located in SV because it's restricted outside of \
                 your platform's region.",
            )
        } else {
            Self::refused(
                "country_unsupported",
                "SV is not currently supported by Stripe.",
            )
        }
    }

    /// Too many requests: 429.
    pub fn rate_limited() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "invalid_request_error",
            "Request rate limit exceeded. Retry later, more slowly.",
        )
        .code("rate_limit")
    }

    /// Stripe's own failure: 500.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "api_error",
            "An unexpected failure on Stripe's side; the result of the request is not known.",
        )
    }

    /// The same error with a code.
    pub fn code(mut self, code: &str) -> Self {
        self.code = Some(code.to_owned());
        self
    }

    /// The same error with the parameter at fault.
    pub fn param(mut self, param: &str) -> Self {
        self.param = Some(param.to_owned());
        self
    }

    /// The same error about a parameter inside of another, which both param and message name whole.
    pub fn within(self, outer: &str) -> Self {
        let whole = match self.param.as_deref() {
            None => outer.to_owned(),
            Some(inner) => {
                let (name, rest) = inner.split_at(inner.find('[').unwrap_or(inner.len()));
                format!("{outer}[{name}]{rest}")
            }
        };
        match self.code.as_deref() {
            Some("parameter_missing") => Self::missing_param(&whole),
            Some("parameter_unknown") => Self::unknown_param(&whole),
            _ => self.param(&whole),
        }
    }

    /// The body Stripe sends.
    pub fn body(&self, request_id: &str) -> Value {
        let mut error = json!({
            "type": self.kind,
            "message": self.message,
            "request_log_url":
                format!("https://dashboard.stripe.com/test/logs/{request_id}?t=0"),
        });
        if let Some(code) = &self.code {
            error["code"] = json!(code);
            error["doc_url"] = json!(format!(
                "https://docs.stripe.com/error-codes#{}",
                code.replace('_', "-")
            ));
        }
        if let Some(param) = &self.param {
            error["param"] = json!(param);
        }
        json!({ "error": error })
    }
}

const ALPHABET: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `length` random letters and digits.
pub fn token(length: usize) -> String {
    let mut random = rand::rng();
    (0..length)
        .map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())]))
        .collect()
}

/// A new id with Stripe's prefix, for example `tr_1…`.
pub fn new_id(prefix: &str) -> String {
    match prefix {
        // Accounts and customers have shorter ids than the rest.
        "acct" => format!("acct_1{}", token(15)),
        "cus" | "prod" | "si" => format!("{prefix}_{}", token(14)),
        _ => format!("{prefix}_1{}", token(23)),
    }
}
