//! Whether the database can be written.

use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::sqlx::sqlite::SqliteError;
use sea_orm::{DbErr, RuntimeErr};

/// Why the last write failed, for as long as none has succeeded since. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Trouble(Arc<Mutex<Option<String>>>);

impl Trouble {
    /// A write could not begin or end.
    pub(super) fn note(&self, error: &DbErr) {
        let mut cause = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cause.is_none() {
            tracing::error!(%error, "the database cannot be written; nothing is taken until it can");
        }
        *cause = Some(error.to_string());
    }

    /// The same for a statement, unless it was refused for what it says.
    pub(super) fn note_if_storage(&self, error: &DbErr) {
        if !is_refusal(error) {
            self.note(error);
        }
    }

    /// A write was committed.
    pub(super) fn over(&self) {
        let mut cause = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cause.take().is_some() {
            tracing::info!("the database can be written again");
        }
    }

    /// Why the last write failed.
    pub(super) fn cause(&self) -> Option<String> {
        let cause = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cause.clone()
    }
}

/// Whether the database works and only does not want this statement: a constraint, a wrong value, a
/// wrong word, another writer of the same row.
fn is_refusal(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause))) =
        error
    else {
        return matches!(error, DbErr::Custom(_) | DbErr::RecordNotInserted);
    };
    let Some(database) = cause.as_database_error() else {
        return false;
    };
    let code = database.code().unwrap_or_default();
    if database.try_downcast_ref::<SqliteError>().is_some() {
        // An extended code: ERROR, MISMATCH, CONSTRAINT, RANGE.
        let code = code.parse::<u32>().unwrap_or_default();
        return matches!(code & 0xff, 1 | 19 | 20 | 25);
    }
    // The classes of SQLSTATE: data, integrity, rollback, syntax, PL/pgSQL.
    ["22", "23", "40", "42", "P0"]
        .iter()
        .any(|class| code.starts_with(class))
}
