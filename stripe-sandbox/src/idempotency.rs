//! Idempotency keys, as Stripe documents them.
//!
//! The first answer for a key is kept and replayed, byte for byte, with `Idempotent-Replayed:
//! true`, for the same method, path and body. Other parameters are refused with
//! `idempotency_error`; a key that is being worked on with 409. v1 keeps definite refusals (4xx of
//! an endpoint that began to execute) and forgets after 24 hours; v2 keeps successes only and
//! forgets after 30 days. Never kept: failed validation, 401, 409, 429.

use sha2::{Digest as _, Sha256};

use crate::respond::ApiError;
use crate::state::{State, StoredAnswer};

/// Longest key, in characters.
const LONGEST: usize = 255;

/// What to do with a request that carries a key.
pub enum Begin {
    /// Nobody used the key: carry on, and finish with [`finish`] or [`release`].
    Fresh,
    /// Answer this.
    Replay(StoredAnswer),
}

/// Keys are apart by account and by API version.
pub fn scope(account: Option<&str>, v2: bool, key: &str) -> String {
    format!(
        "{}/{}/{key}",
        account.unwrap_or("platform"),
        if v2 { "v2" } else { "v1" }
    )
}

/// The request that the key stands for.
pub fn fingerprint(method: &str, path: &str, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(method.as_bytes());
    hash.update([0]);
    hash.update(path.as_bytes());
    hash.update([0]);
    hash.update(body);
    hex::encode(hash.finalize())
}

/// Looks the key up and takes it.
///
/// # Errors
/// 400 when the key is too long or was used with other parameters, 409 when it is in use.
pub fn begin(
    state: &mut State,
    scope: &str,
    key: &str,
    fingerprint: &str,
    v2: bool,
    now: i64,
) -> Result<Begin, ApiError> {
    if key.is_empty() || key.chars().count() > LONGEST {
        return Err(ApiError::invalid(
            "Idempotency keys must have 1 to 255 characters.",
            None::<&str>,
        ));
    }
    let lifetime = if v2 { 30 * 86_400 } else { 86_400 };
    if let Some(known) = state.answers.get(scope) {
        if now.saturating_sub(known.created) < lifetime {
            return if known.fingerprint == fingerprint {
                Ok(Begin::Replay(known.clone()))
            } else {
                Err(ApiError::idempotency_mismatch(key))
            };
        }
        state.answers.remove(scope);
    }
    if state.in_use.insert(scope.to_owned()) {
        Ok(Begin::Fresh)
    } else {
        Err(ApiError::idempotency_in_use(key))
    }
}

/// Keeps the answer and gives the key back.
pub fn finish(state: &mut State, scope: &str, answer: StoredAnswer) {
    state.in_use.remove(scope);
    state.answers.insert(scope.to_owned(), answer);
}

/// Gives the key back without an answer.
pub fn release(state: &mut State, scope: &str) {
    state.in_use.remove(scope);
}
