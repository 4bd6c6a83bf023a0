//! Mail as staff read it, with how each stands.

use std::collections::HashMap;

use entity::{job, mail};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};

use super::DeskQuery;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::mail::{GIVEN_UP, WAITING, job_key};
use crate::search::{contains, like};

/// How a mail stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailStanding {
    /// It is still to be sent.
    Waiting,
    /// It left.
    Sent,
    /// Its job was given up.
    GivenUp {
        /// `job.id`, where it can be tried again.
        job_id: i64,
    },
}

/// A mail with how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailLine {
    /// The row.
    pub mail: mail::Model,
    /// How it stands.
    pub standing: MailStanding,
}

/// Mails and how many there are. The status is `sent`, `waiting` or `given_up`.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor.
pub async fn mails(ctx: &Context, query: &DeskQuery) -> Result<(Vec<MailLine>, u64)> {
    ctx.any_staff()?;
    let mut wanted = Condition::all();
    match query.status.as_deref() {
        Some("sent") => wanted = wanted.add(mail::Column::SentAt.is_not_null()),
        Some("waiting") => wanted = wanted.add(Expr::cust(WAITING)),
        Some("given_up") => wanted = wanted.add(Expr::cust(GIVEN_UP)),
        _ => {}
    }
    if !query.q.trim().is_empty() {
        let pattern = like(&query.q);
        wanted = wanted.add(
            Condition::any()
                .add(contains(Expr::col(mail::Column::ToAddress), &pattern))
                .add(contains(Expr::col(mail::Column::Subject), &pattern)),
        );
    }
    let found = mail::Entity::find().filter(wanted);
    let total = found.clone().count(ctx.reader()).await?;
    let rows = found
        .order_by(mail::Column::Id, query.order())
        .offset(query.offset)
        .limit(query.limit())
        .all(ctx.reader())
        .await?;
    Ok((lines(ctx, rows).await?, total))
}

/// One mail. Until it is sent its text may hold one-time secrets, so it is kept back.
///
/// # Errors
/// [`Error::NotFound`] for a missing one and for people outside the vendor.
pub async fn mail(ctx: &Context, id: i64) -> Result<MailLine> {
    ctx.any_staff()?;
    let found = mail::Entity::find_by_id(id).all(ctx.reader()).await?;
    let mut line = lines(ctx, found).await?.pop().ok_or(Error::NotFound)?;
    if line.mail.sent_at.is_none() {
        line.mail.body = String::new();
    }
    Ok(line)
}

async fn lines(ctx: &Context, rows: Vec<mail::Model>) -> Result<Vec<MailLine>> {
    let unsent = rows.iter().filter(|m| m.sent_at.is_none());
    let keys: Vec<String> = unsent.map(|m| job_key(m.id)).collect();
    let mut dead = HashMap::new();
    if !keys.is_empty() {
        let found: Vec<(String, i64)> = job::Entity::find()
            .select_only()
            .columns([job::Column::DedupeKey, job::Column::Id])
            .filter(job::Column::DedupeKey.is_in(keys))
            .filter(job::Column::Status.eq("dead"))
            .into_tuple()
            .all(ctx.reader())
            .await?;
        dead.extend(found);
    }
    let standing = |mail: &mail::Model| match (mail.sent_at, dead.get(&job_key(mail.id))) {
        (Some(_), _) => MailStanding::Sent,
        (None, Some(&job_id)) => MailStanding::GivenUp { job_id },
        (None, None) => MailStanding::Waiting,
    };
    Ok(rows
        .into_iter()
        .map(|mail| MailLine {
            standing: standing(&mail),
            mail,
        })
        .collect())
}
