//! Forgotten passwords.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::Expr};

use super::{email, password, throttle, token};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::mail::{self, letters};

/// Sends a link for a new password, when somebody has this address. The answer is the same for all.
///
/// # Errors
/// [`Error::Invalid`] when it is no address, [`Error::TooMany`].
pub async fn forgot_password(ctx: &Context, typed_email: &str, ip: &str) -> Result<()> {
    let address =
        email::normalise(typed_email).map_err(|sentence| Error::field("email", sentence))?;
    let (by_address, by_ip) = (format!("mail:{address}"), throttle::ip_key("mail-ip", ip));
    throttle::count(
        ctx,
        &[
            (&by_address, throttle::MAIL_EMAIL),
            (&by_ip, throttle::MAIL_IP),
        ],
    )
    .await?;
    let tx = ctx.begin().await?;
    let person = entity::person::Entity::find()
        .filter(entity::person::Column::Email.eq(address))
        .one(&*tx)
        .await?;
    if let Some(person) = person.filter(|p| p.disabled_at.is_none()) {
        let secret = token::issue(ctx, &*tx, person.id, token::Purpose::ResetPassword).await?;
        mail::send(ctx, &*tx, &person, letters::reset_password(&secret)).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Whose password the link sets, for the page with the form.
///
/// # Errors
/// [`Error::Conflict`] when the link no longer works.
pub async fn reset_person(ctx: &Context, secret: &str) -> Result<entity::person::Model> {
    token::peek(ctx, ctx.reader(), secret, token::Purpose::ResetPassword).await
}

/// Sets a new password, which also confirms the address, and ends every session of the person.
/// Returns the address.
///
/// # Errors
/// [`Error::Invalid`] for a weak password (the link stays usable), [`Error::Conflict`] when the link
/// no longer works.
pub async fn reset_password(ctx: &Context, secret: &str, new_password: &str) -> Result<String> {
    let person = reset_person(ctx, secret).await?;
    password::check(new_password, &person.email).map_err(|s| Error::field("password", s))?;
    let hash = password::hash(new_password).await?;
    let tx = ctx.begin().await?;
    let person = token::redeem(ctx, &*tx, secret, token::Purpose::ResetPassword).await?;
    set(ctx, &*tx, &person, hash, None).await?;
    throttle::forget(&*tx, &format!("email:{}", person.email)).await?;
    tx.commit().await?;
    Ok(person.email)
}

/// Writes a new password, ends the person's sessions but `keep`, and tells the person.
pub(super) async fn set(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    person: &entity::person::Model,
    hash: String,
    keep: Option<&str>,
) -> Result<()> {
    use entity::person::{Column, Entity};
    Entity::update_many()
        .col_expr(Column::PasswordHash, Expr::value(hash))
        .col_expr(
            Column::EmailVerifiedAt,
            Expr::value(person.email_verified_at.unwrap_or_else(|| ctx.now())),
        )
        .filter(Column::Id.eq(person.id))
        .filter(Column::DisabledAt.is_null())
        .exec(tx)
        .await?;
    end_sessions(tx, person.id, keep).await?;
    // A link that was asked for before the password changed must not undo the change.
    entity::token::Entity::update_many()
        .col_expr(
            entity::token::Column::UsedAt,
            Expr::value(Some::<DateTime<Utc>>(ctx.now())),
        )
        .filter(entity::token::Column::PersonId.eq(person.id))
        .filter(entity::token::Column::UsedAt.is_null())
        .exec(tx)
        .await?;
    Entry::new(
        "person.password_set",
        "person",
        person.id,
        format!("{} has a new password.", person.name),
    )
    .internal()
    .record(ctx, tx)
    .await?;
    mail::send(ctx, tx, person, letters::password_changed()).await
}

/// Ends the person's sessions, all but `keep`.
pub(super) async fn end_sessions(
    tx: &impl ConnectionTrait,
    person_id: i64,
    keep: Option<&str>,
) -> Result<()> {
    let mut delete = entity::session::Entity::delete_many()
        .filter(entity::session::Column::PersonId.eq(person_id));
    if let Some(keep) = keep {
        delete = delete.filter(entity::session::Column::Id.ne(keep));
    }
    delete.exec(tx).await?;
    Ok(())
}
