//! One-time links. The mail carries a secret; the database keeps only its hash.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use rand::RngCore as _;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::Expr,
};
use sha2::{Digest, Sha256};

use crate::context::Context;
use crate::error::{Error, Result};

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The person reads mail at the address.
    VerifyEmail,
    /// Setting a new password.
    ResetPassword,
}

impl Purpose {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
        }
    }

    /// How long the link works.
    fn valid_for(self) -> TimeDelta {
        match self {
            Self::VerifyEmail => TimeDelta::days(3),
            Self::ResetPassword => TimeDelta::hours(2),
        }
    }
}

/// 256 random bits as text for an address.
pub fn secret() -> String {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What is kept of a secret.
pub fn digest(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.trim().as_bytes()))
}

/// Makes a link for a person and ends the earlier ones for the same purpose; returns the secret.
///
/// # Errors
/// When the database refuses.
pub async fn issue(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    person_id: i64,
    purpose: Purpose,
) -> Result<String> {
    use entity::token::{ActiveModel, Column, Entity};
    Entity::update_many()
        .col_expr(Column::UsedAt, Expr::value(ctx.now()))
        .filter(Column::PersonId.eq(person_id))
        .filter(Column::Purpose.eq(purpose.as_str()))
        .filter(Column::UsedAt.is_null())
        .exec(tx)
        .await?;
    let secret = secret();
    Entity::insert(ActiveModel {
        person_id: Set(person_id),
        purpose: Set(purpose.as_str().to_owned()),
        hash: Set(digest(&secret)),
        expires_at: Set(ctx.now() + purpose.valid_for()),
        created_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    Ok(secret)
}

/// Whose link this is, without using it up: to show the page behind it.
///
/// # Errors
/// [`Error::Conflict`] with the next step when the link no longer works.
pub async fn peek(
    ctx: &Context,
    db: &impl ConnectionTrait,
    secret: &str,
    purpose: Purpose,
) -> Result<entity::person::Model> {
    use entity::token::{Column, Entity};
    let token = Entity::find()
        .filter(Column::Hash.eq(digest(secret)))
        .filter(Column::Purpose.eq(purpose.as_str()))
        .filter(Column::UsedAt.is_null())
        .filter(Column::ExpiresAt.gt(ctx.now()))
        .one(db)
        .await?
        .ok_or_else(|| stale(purpose))?;
    let person = entity::person::Entity::find_by_id(token.person_id)
        .one(db)
        .await?;
    person
        .filter(|p| p.disabled_at.is_none())
        .ok_or_else(|| stale(purpose))
}

/// Uses a link up and returns the person. Of two uses at once, one wins.
///
/// # Errors
/// [`Error::Conflict`] with the next step when the link no longer works.
pub async fn redeem(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    secret: &str,
    purpose: Purpose,
) -> Result<entity::person::Model> {
    use entity::token::{Column, Entity};
    let person = peek(ctx, tx, secret, purpose).await?;
    let used = Entity::update_many()
        .col_expr(Column::UsedAt, Expr::value(ctx.now()))
        .filter(Column::Hash.eq(digest(secret)))
        .filter(Column::UsedAt.is_null())
        .exec(tx)
        .await?;
    if used.rows_affected == 1 {
        Ok(person)
    } else {
        Err(stale(purpose))
    }
}

fn stale(purpose: Purpose) -> Error {
    Error::conflict(match purpose {
        Purpose::VerifyEmail => {
            "This link has been used or has expired. Sign in: if your address is not confirmed yet, we send you a new link."
        }
        Purpose::ResetPassword => {
            "This link has been used or has expired. Enter your address for a new one."
        }
    })
}
