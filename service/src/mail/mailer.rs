//! The ways out: a mail server, or a folder in which each mail is a file.

use std::path::PathBuf;
use std::time::Duration;

use futures::future::BoxFuture;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

/// How the text is written into the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// What every mail server takes.
    Transport,
    /// As it is, so that a person can read the file.
    Plain,
}

/// Takes a finished message to where it is read.
pub trait Mailer: Send + Sync + std::fmt::Debug {
    /// The encoding this way needs.
    fn encoding(&self) -> Encoding;

    /// Sends the message. `id` is the same for the same mail, however often it is tried.
    ///
    /// The error is what to write into the log.
    fn send(&self, id: i64, message: Message) -> BoxFuture<'_, Result<(), String>>;
}

/// A mail server.
#[derive(Debug)]
pub struct Smtp(AsyncSmtpTransport<Tokio1Executor>);

impl Smtp {
    /// From `smtps://user:password@host`, `smtp://host:587?tls=required` and the like.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub fn new(url: &str) -> Result<Self, String> {
        AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map(|builder| Self(builder.timeout(Some(Duration::from_secs(30))).build()))
            .map_err(|e| e.to_string())
    }
}

impl Mailer for Smtp {
    fn encoding(&self) -> Encoding {
        Encoding::Transport
    }

    fn send(&self, _: i64, message: Message) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            self.0
                .send(message)
                .await
                .map(|_| ())
                .map_err(|e| e.to_string())
        })
    }
}

/// A folder with one `.eml` file per mail, named by its number and its reader.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes the folder where it is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(path: impl Into<PathBuf>) -> std::io::Result<Self> {
        let path = path.into();
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Mailer for Folder {
    fn encoding(&self) -> Encoding {
        Encoding::Plain
    }

    fn send(&self, id: i64, message: Message) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let reader: String = message
                .envelope()
                .to()
                .first()
                .map(|a| a.to_string())
                .unwrap_or_default()
                .chars()
                .map(|c| {
                    if c.is_ascii_alphanumeric() || "@.-_".contains(c) {
                        c
                    } else {
                        '_'
                    }
                })
                .take(100)
                .collect();
            let name = format!("{id:06}-{reader}.eml");
            // Whoever watches the folder never sees half a mail.
            let part = self.0.join(format!(".{name}.part"));
            let write = async {
                tokio::fs::write(&part, message.formatted()).await?;
                tokio::fs::rename(&part, self.0.join(&name)).await
            };
            write
                .await
                .map_err(|e| format!("{}: {e}", self.0.display()))
        })
    }
}
