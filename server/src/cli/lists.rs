//! `portico lists`: newer lists of the domains that say nothing about a company.

use std::time::Duration;

use clap::{Subcommand, ValueEnum};
use service::lists;

use super::{Failure, context};

/// The largest list that is taken.
const MOST: usize = 32 * 1024 * 1024;
/// How long an address may take altogether.
const PATIENCE: Duration = Duration::from_secs(60);

/// See the module.
#[derive(Debug, Subcommand)]
pub(super) enum Lists {
    /// Says which lists hold, how long they are and where they came from
    Show,
    /// Takes a newer list in the place of one, from a file or an address
    ///
    /// One domain a line or a JSON list of texts; for public-suffix the file of publicsuffix.org. A
    /// list that is less than half as long as the one it replaces is refused.
    Update {
        /// Which list
        #[arg(long)]
        kind: Kind,
        /// A file, or an address that begins with https:// or http://
        from: String,
    },
}

/// Which list.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Kind {
    /// Mail services and internet providers
    Mailbox,
    /// Mail services for addresses that are thrown away
    Disposable,
    /// Websites under which many companies have a page
    SharedHost,
    /// Endings under which others register
    PublicSuffix,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Mailbox => "mailbox",
            Self::Disposable => "disposable",
            Self::SharedHost => "shared_host",
            Self::PublicSuffix => "public_suffix",
        }
    }
}

impl Lists {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let ctx = context().await?;
        match self {
            Self::Show => {
                for list in lists::shown(&ctx).await.map_err(|e| e.to_string())? {
                    let from = match (list.source, list.loaded_at) {
                        (Some(source), Some(at)) => {
                            format!("loaded {} from {source}", at.format("%Y-%m-%d %H:%M UTC"))
                        }
                        _ => "came with this version".to_owned(),
                    };
                    println!("{:14} {:>7} entries, {from}", list.kind, list.entries);
                }
            }
            Self::Update { kind, from } => {
                let text = read(&from).await?;
                let done = lists::load(&ctx, kind.word(), &from, &text).await;
                let done = done.map_err(|error| match error {
                    service::Error::Invalid(errors) => {
                        let sentences: Vec<String> = errors.0.into_values().collect();
                        sentences.join(" ")
                    }
                    other => other.to_string(),
                })?;
                println!(
                    "{}: {} entries, {} before.",
                    kind.word(),
                    done.now,
                    done.before
                );
            }
        }
        Ok(())
    }
}

/// The text of a file or an address.
async fn read(from: &str) -> Result<String, Failure> {
    let bytes = if from.starts_with("https://") || from.starts_with("http://") {
        fetch(from).await?
    } else {
        let size = tokio::fs::metadata(from)
            .await
            .map_err(|e| format!("{from} cannot be read: {e}."))?
            .len();
        if size > MOST as u64 {
            return Err(too_long(from));
        }
        tokio::fs::read(from)
            .await
            .map_err(|e| format!("{from} cannot be read: {e}."))?
    };
    String::from_utf8(bytes).map_err(|_| format!("{from} is no text. Nothing was changed."))
}

fn too_long(from: &str) -> Failure {
    format!(
        "{from} is longer than {} MB. Nothing was changed.",
        MOST / 1024 / 1024
    )
}

async fn fetch(url: &str) -> Result<Vec<u8>, Failure> {
    stripe_gateway::install_crypto();
    let failed = |e: reqwest::Error| {
        format!(
            "{url} cannot be read: {}. Nothing was changed.",
            e.without_url()
        )
    };
    let client = reqwest::Client::builder()
        .timeout(PATIENCE)
        .build()
        .map_err(failed)?;
    let mut answer = client.get(url).send().await.map_err(failed)?;
    if !answer.status().is_success() {
        return Err(format!(
            "{url} answered {}. Nothing was changed.",
            answer.status()
        ));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        if bytes.len() + chunk.len() > MOST {
            return Err(too_long(url));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
