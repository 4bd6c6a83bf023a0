//! Sending a mail that was written.

use lettre::Message;
use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, Mailbox, SinglePart};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};

use super::mailer::{Encoding, Mailer};
use super::with_address;
use crate::context::Context;
use crate::error::{Error, Result};

/// What sending needs to know.
#[derive(Debug)]
pub struct PostOffice {
    /// The way out.
    pub mailer: Box<dyn Mailer>,
    /// The portal's address without a slash at the end.
    pub base_url: String,
    /// The sender, such as `Portico <portico@example.com>`.
    pub from: Mailbox,
}

impl PostOffice {
    /// A post office with the sender given as text.
    ///
    /// # Errors
    /// What is wrong with the sender.
    pub fn new(
        mailer: Box<dyn Mailer>,
        base_url: &str,
        from: &str,
    ) -> std::result::Result<Self, String> {
        let from = from
            .parse::<Mailbox>()
            .map_err(|e| format!("the sender “{from}”: {e}"))?;
        Ok(Self {
            mailer,
            base_url: base_url.trim_end_matches('/').to_owned(),
            from,
        })
    }
}

/// Sends one mail, once it is known to be gone marks it so, and takes one-time secrets out of the
/// kept text. A mail that is marked is not sent again; one that was sent a moment before a crash may
/// be.
///
/// # Errors
/// [`Error::Unavailable`] when the way out is closed; the job is tried again.
pub async fn deliver(ctx: &Context, office: &PostOffice, mail_id: i64) -> Result<()> {
    let Some(mail) = entity::mail::Entity::find_by_id(mail_id)
        .one(ctx.reader())
        .await?
    else {
        return Err(Error::NotFound);
    };
    if mail.sent_at.is_some() {
        return Ok(());
    }
    let message = compose(office, &mail, ctx.now())?;
    office
        .mailer
        .send(mail.id, message)
        .await
        .map_err(|cause| Error::Unavailable {
            message: "The mail could not be sent yet; it is tried again.".to_owned(),
            cause,
        })?;
    let tx = ctx.begin().await?;
    entity::mail::Entity::update_many()
        .col_expr(entity::mail::Column::SentAt, Expr::value(ctx.now()))
        .col_expr(
            entity::mail::Column::Body,
            Expr::value(without_secrets(&mail.body)),
        )
        .filter(entity::mail::Column::Id.eq(mail.id))
        .filter(entity::mail::Column::SentAt.is_null())
        .exec(&*tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

fn compose(
    office: &PostOffice,
    mail: &entity::mail::Model,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Message> {
    let address = mail
        .to_address
        .parse()
        .map_err(|e| Error::internal(format!("{}: {e}", mail.to_address)))?;
    let text = with_address(&mail.body, &office.base_url).replace('\n', "\r\n");
    let body = match office.mailer.encoding() {
        Encoding::Transport => Body::new(text),
        Encoding::Plain => {
            Body::dangerous_pre_encoded(text.into_bytes(), ContentTransferEncoding::EightBit)
        }
    };
    let host = office.from.email.domain();
    Message::builder()
        .from(office.from.clone())
        .to(Mailbox::new(None, address))
        .subject(mail.subject.clone())
        // The same for every try, so that a mail server can tell a repetition.
        .message_id(Some(format!(
            "<mail-{}-{}@{host}>",
            mail.id,
            mail.created_at.timestamp()
        )))
        .date(now.into())
        .singlepart(
            SinglePart::builder()
                .header(ContentType::TEXT_PLAIN)
                .body(body),
        )
        .map_err(Error::internal)
}

/// The text without the secrets of its one-time links: staff read the mail log.
fn without_secrets(body: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in body.split('\n') {
        match line.split_once("?token=") {
            Some((before, _)) => lines.push(format!("{before}?token=…")),
            None => lines.push(line.to_owned()),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_mail_has_no_secret() {
        let kept = without_secrets("Confirm:\n{portal}/confirm?token=abc\n\nBye");
        assert_eq!(kept, "Confirm:\n{portal}/confirm?token=…\n\nBye");
    }
}
