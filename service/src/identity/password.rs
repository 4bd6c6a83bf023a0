//! Passwords: argon2id with the library's current parameters, off the async threads.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use crate::error::{Error, Result};

/// Fewest characters.
pub const MIN: usize = 10;
/// Most bytes, so that nobody makes us hash a novel.
const MAX: usize = 256;

/// Hashes computed at once. Each takes 19 MiB for some milliseconds, so a burst of sign-ins waits
/// here and neither fills the memory nor takes every core.
static TURNS: Semaphore = Semaphore::const_new(2);

/// Verified against when there is no such person, so that the answer takes as long.
static DUMMY: LazyLock<String> =
    LazyLock::new(|| hash_now(b"nobody has this password").unwrap_or_default());

/// Common choices that are long enough. The full lists are long; these are their head.
const COMMON: &[&str] = &[
    "1234567890",
    "12345678910",
    "0123456789",
    "password12",
    "password123",
    "password1234",
    "qwertyuiop",
    "qwerty1234",
    "qwertz1234",
    "iloveyou12",
    "1q2w3e4r5t",
    "1qaz2wsx3edc",
    "passwort123",
    "administrator",
    "letmein123",
    "welcome123",
    "changeme123",
    "aaaaaaaaaa",
];

/// Whether a new password may be used by the owner of `email`.
///
/// # Errors
/// A sentence for the field.
pub fn check(password: &str, email: &str) -> std::result::Result<(), String> {
    let lower = password.to_lowercase();
    let local = email.split('@').next().unwrap_or_default();
    if password.chars().count() < MIN {
        Err(format!(
            "Please use at least {MIN} characters. Three or four words are easy to remember."
        ))
    } else if password.len() > MAX {
        Err(format!("Please use at most {MAX} characters."))
    } else if COMMON.contains(&lower.as_str()) {
        Err(
            "This is one of the passwords that are tried first. Please choose another one."
                .to_owned(),
        )
    } else if lower == email
        || (local.len() >= 4 && lower.trim_end_matches(|c: char| c.is_ascii_digit()) == local)
    {
        Err("Please choose a password that is not your e-mail address.".to_owned())
    } else {
        Ok(())
    }
}

/// The hash to keep, in PHC form.
///
/// # Errors
/// [`Error::Internal`] when hashing fails.
pub async fn hash(password: &str) -> Result<String> {
    let password = password.to_owned();
    blocking(move || hash_now(password.as_bytes())).await?
}

/// Whether the password is the one that was hashed. `None` takes as long and is always false.
///
/// # Errors
/// [`Error::Internal`] when the stored hash cannot be read.
pub async fn verify(password: &str, stored: Option<&str>) -> Result<bool> {
    // A longer one was never accepted; it is still given the time of a check.
    let password: String = password.chars().take(MAX).collect();
    let known = stored.is_some();
    let stored = stored.map(str::to_owned);
    let fits = blocking(move || -> Result<bool> {
        let stored = stored.as_deref().unwrap_or(DUMMY.as_str());
        let parsed = PasswordHash::new(stored).map_err(Error::internal)?;
        Ok(Argon2::default()
            .verify_password(password.as_bytes(), &parsed)
            .is_ok())
    })
    .await??;
    Ok(known && fits)
}

fn hash_now(password: &[u8]) -> Result<String> {
    Ok(Argon2::default()
        .hash_password(password)
        .map_err(Error::internal)?
        .to_string())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let _turn = TURNS.acquire().await.map_err(Error::internal)?;
    tokio::task::spawn_blocking(work)
        .await
        .map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_fits_its_password_only() {
        let stored = hash("correct horse battery").await.unwrap();
        assert!(
            stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{stored}"
        );
        assert!(
            verify("correct horse battery", Some(&stored))
                .await
                .unwrap()
        );
        assert!(
            !verify("correct horse batterz", Some(&stored))
                .await
                .unwrap()
        );
        assert!(!verify("nobody has this password", None).await.unwrap());
    }

    #[test]
    fn weak_passwords_are_refused_with_a_reason() {
        for weak in [
            "short",
            "Password123",
            "ana.silva@example.com",
            "ana.silva2024",
            &"x".repeat(257),
        ] {
            let sentence = check(weak, "ana.silva@example.com").unwrap_err();
            assert!(sentence.ends_with('.'), "{sentence}");
        }
        assert!(check("correct horse battery", "ana.silva@example.com").is_ok());
    }
}
