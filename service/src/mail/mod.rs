//! Mail: written as rows in the transaction that causes it, sent by the worker afterwards.
//!
//! A letter speaks of places in the portal by path; the portal's address is put in when it is sent,
//! so that nothing but the worker needs to know it.

mod deliver;
pub mod letters;
mod mailer;

use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

pub use deliver::{PostOffice, deliver};
pub use mailer::{Encoding, Folder, Mailer, Smtp};

use crate::context::Context;
use crate::error::Result;
use crate::job;

/// The job kind that sends one mail; its payload is [`SendMail`].
pub const SEND: &str = "mail.send";

/// What a mail is whose job was given up, as SQL over `mail`; [`job_key`] names its job.
pub(crate) const GIVEN_UP: &str = "mail.sent_at IS NULL AND EXISTS (SELECT 1 FROM job \
     WHERE job.dedupe_key = 'mail.send:' || mail.id AND job.status = 'dead')";

/// What a mail is that is still to be sent, as SQL over `mail`.
pub(crate) const WAITING: &str = "mail.sent_at IS NULL AND NOT EXISTS (SELECT 1 FROM job \
     WHERE job.dedupe_key = 'mail.send:' || mail.id AND job.status = 'dead')";

/// The key of the job that sends a mail.
#[must_use]
pub fn job_key(mail_id: i64) -> String {
    format!("{SEND}:{mail_id}")
}

/// The payload of [`SEND`].
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub struct SendMail {
    /// `mail.id`.
    pub mail_id: i64,
}

/// Stands for the portal's address until the mail is sent.
const PORTAL: &str = "{portal}";

/// A mail's text with the portal's address in its links.
#[must_use]
pub fn with_address(body: &str, base_url: &str) -> String {
    body.replace(PORTAL, base_url)
}

/// A mail to be: a subject, and paragraphs between the greeting and the closing line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    subject: String,
    paragraphs: Vec<String>,
}

impl Letter {
    /// A mail with nothing in it yet.
    pub fn new(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            paragraphs: Vec::new(),
        }
    }

    /// What stands above it; a notice of the same says just this.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Adds a paragraph.
    #[must_use]
    pub fn text(mut self, paragraph: impl Into<String>) -> Self {
        self.paragraphs.push(paragraph.into());
        self
    }

    /// Adds a link on a line of its own: what is behind it, and its path in the portal.
    #[must_use]
    pub fn link(mut self, label: &str, path: &str) -> Self {
        self.paragraphs.push(format!("{label}:\n{PORTAL}{path}"));
        self
    }

    /// The whole text for somebody.
    fn body(&self, name: &str) -> String {
        format!(
            "Hello {name},\n\n{}\n\nKind regards\nThe partner team\n",
            self.paragraphs.join("\n\n")
        )
    }
}

/// Writes a mail to somebody and asks the worker to send it.
///
/// # Errors
/// When the database refuses.
pub async fn send(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    to: &entity::person::Model,
    letter: Letter,
) -> Result<()> {
    post(ctx, tx, Some(to.id), &to.email, &to.name, letter).await
}

/// The same to a person by id; nothing when the person is gone or disabled.
///
/// # Errors
/// When the database refuses.
pub async fn send_to(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    person_id: i64,
    letter: Letter,
) -> Result<()> {
    match entity::person::Entity::find_by_id(person_id)
        .one(tx)
        .await?
    {
        Some(person) if person.disabled_at.is_none() => send(ctx, tx, &person, letter).await,
        _ => Ok(()),
    }
}

/// The same to every owner of a partner organisation.
///
/// # Errors
/// When the database refuses.
pub async fn send_to_owners(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    partner_id: i64,
    letter: Letter,
) -> Result<()> {
    use entity::member::{Column, Entity};
    let owners = Entity::find()
        .filter(Column::PartnerId.eq(partner_id))
        .filter(Column::Role.eq("owner"))
        .filter(Column::RemovedAt.is_null())
        .all(tx)
        .await?;
    for owner in owners {
        send_to(ctx, tx, owner.person_id, letter.clone()).await?;
    }
    Ok(())
}

/// The same to an address that has no person yet.
///
/// # Errors
/// When the database refuses.
pub async fn send_to_address(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    address: &str,
    letter: Letter,
) -> Result<()> {
    post(ctx, tx, None, address, "there", letter).await
}

async fn post(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    person_id: Option<i64>,
    address: &str,
    name: &str,
    letter: Letter,
) -> Result<()> {
    let body = letter.body(name);
    let mail = entity::mail::Entity::insert(entity::mail::ActiveModel {
        person_id: Set(person_id),
        to_address: Set(address.to_owned()),
        subject: Set(letter.subject),
        body: Set(body),
        created_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_with_returning(tx)
    .await?;
    let payload = SendMail { mail_id: mail.id };
    job::enqueue(ctx, tx, SEND, &payload, Some(job_key(mail.id)), ctx.now()).await
}
