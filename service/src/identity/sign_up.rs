//! Signing up, and confirming the address.

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};

use super::{email, password, throttle, token};
use crate::context::Context;
use crate::error::{Error, FieldErrors, Result};
use crate::event::Entry;
use crate::mail::{self, letters};

/// What somebody types to sign up.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct SignUp {
    /// Name.
    pub name: String,
    /// Address.
    pub email: String,
    /// Password.
    pub password: String,
}

/// Signs somebody up and sends the link that confirms the address. For a known address the same is
/// answered, and its owner gets a mail that says so.
///
/// # Errors
/// [`Error::Invalid`] by field, [`Error::TooMany`].
pub async fn sign_up(ctx: &Context, typed: &SignUp, ip: &str) -> Result<()> {
    let mut errors = FieldErrors::new();
    let name = errors.check("name", email::name(&typed.name));
    let address = errors.check("email", email::normalise(&typed.email));
    errors.check(
        "password",
        password::check(&typed.password, address.as_deref().unwrap_or_default()),
    );
    errors.finish()?;
    let (Some(name), Some(address)) = (name, address) else {
        return Err(Error::internal("checked values are missing"));
    };
    let (by_address, by_ip) = (format!("mail:{address}"), throttle::ip_key("mail-ip", ip));
    throttle::count(
        ctx,
        &[
            (&by_address, throttle::MAIL_EMAIL),
            (&by_ip, throttle::MAIL_IP),
        ],
    )
    .await?;

    // Hashed for known addresses too: the answer takes as long.
    let hash = password::hash(&typed.password).await?;
    let tx = ctx.begin().await?;
    let known = entity::person::Entity::find()
        .filter(entity::person::Column::Email.eq(&address))
        .one(&*tx)
        .await?;
    match known {
        Some(person) if person.email_verified_at.is_some() => {
            mail::send(ctx, &*tx, &person, letters::already_registered()).await?;
        }
        Some(person) => send_confirmation(ctx, &tx, &person).await?,
        None => {
            let inserted = entity::person::Entity::insert(entity::person::ActiveModel {
                email: Set(address),
                name: Set(name),
                password_hash: Set(Some(hash)),
                locale: Set("en".to_owned()),
                time_zone: Set("UTC".to_owned()),
                created_at: Set(ctx.now()),
                ..Default::default()
            })
            .exec_with_returning(&*tx)
            .await?;
            Entry::new(
                "person.signed_up",
                "person",
                inserted.id,
                format!("{} signed up.", inserted.name),
            )
            .internal()
            .record(ctx, &*tx)
            .await?;
            send_confirmation(ctx, &tx, &inserted).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

/// Sends a new link that confirms the person's address.
pub(super) async fn send_confirmation(
    ctx: &Context,
    tx: &crate::db::Tx,
    person: &entity::person::Model,
) -> Result<()> {
    let secret = token::issue(ctx, &**tx, person.id, token::Purpose::VerifyEmail).await?;
    mail::send(ctx, &**tx, person, letters::confirm_address(&secret)).await
}

/// Confirms the address behind the link and returns it, for the sign-in form.
///
/// The link does not sign in: whoever signed up with somebody else's address must not get a
/// confirmed account by the owner's click, without the owner having set the password.
///
/// # Errors
/// [`Error::Conflict`] when the link no longer works.
pub async fn confirm_email(ctx: &Context, secret: &str) -> Result<String> {
    let tx = ctx.begin().await?;
    let person = token::redeem(ctx, &*tx, secret, token::Purpose::VerifyEmail).await?;
    entity::person::Entity::update_many()
        .col_expr(
            entity::person::Column::EmailVerifiedAt,
            Expr::value(ctx.now()),
        )
        .filter(entity::person::Column::Id.eq(person.id))
        .filter(entity::person::Column::EmailVerifiedAt.is_null())
        .exec(&*tx)
        .await?;
    Entry::new(
        "person.email_confirmed",
        "person",
        person.id,
        format!("{} confirmed the address.", person.name),
    )
    .internal()
    .record(ctx, &*tx)
    .await?;
    tx.commit().await?;
    Ok(person.email)
}
