//! The signed-in person's own data.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};

use super::{email, password, reset, throttle};
use crate::context::Context;
use crate::error::{Error, FieldErrors, Result};

/// What a person can change about themself.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct Profile {
    /// Name.
    pub name: String,
    /// The language and country that numbers and dates follow, such as `de-CH`.
    pub locale: String,
    /// IANA time zone.
    pub time_zone: String,
}

async fn me(ctx: &Context) -> Result<entity::person::Model> {
    entity::person::Entity::find_by_id(ctx.person()?)
        .one(ctx.reader())
        .await?
        .ok_or(Error::NotFound)
}

/// The signed-in person.
///
/// # Errors
/// [`Error::NotFound`] for nobody.
pub async fn profile(ctx: &Context) -> Result<entity::person::Model> {
    me(ctx).await
}

/// Changes name, locale and time zone.
///
/// # Errors
/// [`Error::Invalid`] by field.
pub async fn update_profile(ctx: &Context, typed: &Profile) -> Result<()> {
    let person_id = ctx.person()?;
    let mut errors = FieldErrors::new();
    let name = errors.check("name", email::name(&typed.name));
    let zone = typed.time_zone.trim();
    if zone.parse::<chrono_tz::Tz>().is_err() {
        errors.add(
            "time_zone",
            "Please choose a time zone such as Europe/Berlin.",
        );
    }
    let locale = typed.locale.trim();
    let plain = (2..=12).contains(&locale.len())
        && locale
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-');
    if !plain {
        errors.add("locale", "Please choose how numbers and dates are written.");
    }
    errors.finish()?;
    let tx = ctx.begin().await?;
    entity::person::Entity::update_many()
        .col_expr(entity::person::Column::Name, Expr::value(name))
        .col_expr(entity::person::Column::Locale, Expr::value(locale))
        .col_expr(entity::person::Column::TimeZone, Expr::value(zone))
        .filter(entity::person::Column::Id.eq(person_id))
        .exec(&*tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Changes the password and ends every other session; `session` is the one to keep.
///
/// # Errors
/// [`Error::Invalid`] by field, [`Error::TooMany`].
pub async fn change_password(
    ctx: &Context,
    current: &str,
    new_password: &str,
    session: Option<&str>,
) -> Result<()> {
    let person = me(ctx).await?;
    password::check(new_password, &person.email).map_err(|s| Error::field("new_password", s))?;
    let key = format!("email:{}", person.email);
    throttle::count(ctx, &[(&key, throttle::SIGN_IN_EMAIL)]).await?;
    if !password::verify(current, person.password_hash.as_deref()).await? {
        return Err(Error::field(
            "current_password",
            "This is not your current password.",
        ));
    }
    let hash = password::hash(new_password).await?;
    let tx = ctx.begin().await?;
    throttle::forget(&*tx, &key).await?;
    reset::set(ctx, &*tx, &person, hash, session).await?;
    tx.commit().await?;
    Ok(())
}
