//! What can go wrong, said for people; the cause goes to the log.

use std::collections::BTreeMap;

use sea_orm::{DbErr, SqlErr};

/// The result of a service call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a service call did nothing. Every variant but the last carries sentences for the person.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Missing, or somebody else's: the answer is the same.
    #[error("not found")]
    NotFound,
    /// Known and visible, but not this person's to do. The sentence says who may.
    #[error("{0}")]
    Forbidden(String),
    /// Input that cannot be taken, by field.
    #[error("invalid input: {0}")]
    Invalid(FieldErrors),
    /// The record is in another state than the action needs, or somebody else was faster.
    #[error("{0}")]
    Conflict(String),
    /// Too many tries; the sentence says how long to wait.
    #[error("{message}")]
    TooMany {
        /// What to tell the person.
        message: String,
        /// Seconds until it may be tried again.
        retry_after: i64,
    },
    /// An outside system did not answer. The sentence says what has and has not been done.
    #[error("{message}")]
    Unavailable {
        /// What to tell the person.
        message: String,
        /// What to log.
        cause: String,
    },
    /// A fault of ours or of the database.
    #[error("internal: {0}")]
    Internal(String),
}

impl Error {
    /// One field that cannot be taken. An empty field name speaks of the form as a whole.
    pub fn field(name: &str, sentence: impl Into<String>) -> Self {
        Self::Invalid(FieldErrors::new().with(name, sentence))
    }

    /// A state that does not allow the action, with the sentence that says why.
    pub fn conflict(sentence: impl Into<String>) -> Self {
        Self::Conflict(sentence.into())
    }

    /// A fault that is not the person's.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self::Internal(cause.to_string())
    }

    /// A short word for logs, metrics and the API.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Forbidden(_) => "forbidden",
            Self::Invalid(_) => "invalid",
            Self::Conflict(_) => "conflict",
            Self::TooMany { .. } => "too_many",
            Self::Unavailable { .. } => "unavailable",
            Self::Internal(_) => "internal",
        }
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => Self::Conflict(
                "Somebody else has just done the same. Reload the page to see how it stands."
                    .to_owned(),
            ),
            _ => Self::Internal(error.to_string()),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(format!("stored JSON: {error}"))
    }
}

/// Whether a database error is a broken unique index: another writer was first.
pub fn is_duplicate(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

/// Sentences by field name, in the fields' alphabetical order. The name `""` is the whole form.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FieldErrors(pub BTreeMap<String, String>);

impl FieldErrors {
    /// No errors.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a sentence; the first one for a field stays.
    pub fn add(&mut self, field: &str, sentence: impl Into<String>) {
        self.0
            .entry(field.to_owned())
            .or_insert_with(|| sentence.into());
    }

    /// The same, for chaining.
    #[must_use]
    pub fn with(mut self, field: &str, sentence: impl Into<String>) -> Self {
        self.add(field, sentence);
        self
    }

    /// Keeps a checked value, or notes its sentence and gives none.
    pub fn check<T, E: std::fmt::Display>(
        &mut self,
        field: &str,
        result: std::result::Result<T, E>,
    ) -> Option<T> {
        result.map_err(|e| self.add(field, e.to_string())).ok()
    }

    /// Whether every field was fine.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `Ok` when nothing was noted.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything noted.
    pub fn finish(self) -> Result<()> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(self))
        }
    }
}

impl std::fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, (field, sentence)) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{field}: {sentence}")?;
        }
        Ok(())
    }
}
