//! Signing in.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{email, password, sign_up, throttle, visitor};
use crate::context::{Actor, Context};
use crate::error::{Error, Result};
use crate::event::Entry;

/// What the session keeps after a sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// `person.id`.
    pub person_id: i64,
    /// The organisation to act for; none for staff and applicants.
    pub partner_id: Option<i64>,
    /// Active organisations to choose from.
    pub organisations: i64,
    /// Vendor staff.
    pub staff: bool,
}

/// Checks an address and a password. The caller then renews the session's id.
///
/// # Errors
/// [`Error::Invalid`] for a wrong pair (the same sentence for an unknown address),
/// [`Error::Conflict`] for an address that is not confirmed yet, after sending a new link,
/// [`Error::TooMany`] with the wait.
pub async fn sign_in(
    ctx: &Context,
    typed_email: &str,
    typed_password: &str,
    ip: &str,
) -> Result<SignedIn> {
    let wrong = || {
        Error::field(
            "password",
            "Address and password do not fit. Please try again, or set a new password.",
        )
    };
    let address =
        email::normalise(typed_email).map_err(|sentence| Error::field("email", sentence))?;
    if typed_password.is_empty() {
        return Err(Error::field("password", "Please enter your password."));
    }
    let (by_address, by_ip) = (format!("email:{address}"), throttle::ip_key("ip", ip));
    throttle::count(
        ctx,
        &[
            (&by_address, throttle::SIGN_IN_EMAIL),
            (&by_ip, throttle::SIGN_IN_IP),
        ],
    )
    .await?;

    let person = entity::person::Entity::find()
        .filter(entity::person::Column::Email.eq(&address))
        .one(ctx.reader())
        .await?
        .filter(|p| p.disabled_at.is_none());
    let stored = person.as_ref().and_then(|p| p.password_hash.as_deref());
    let fits = password::verify(typed_password, stored).await?;
    let Some(person) = person.filter(|_| fits) else {
        tracing::info!(ip, "sign-in refused");
        return Err(wrong());
    };

    let tx = ctx.begin().await?;
    throttle::forget(&*tx, &by_address).await?;
    throttle::give_back(&*tx, &by_ip).await?;
    if person.email_verified_at.is_none() {
        sign_up::send_confirmation(ctx, &tx, &person).await?;
        tx.commit().await?;
        return Err(Error::conflict(format!(
            "Please confirm your address first: we have sent a new link to {}.",
            person.email
        )));
    }
    let found = visitor(&*tx, person.id, None).await?.ok_or_else(wrong)?;
    let mut as_person = ctx.clone();
    as_person.actor = found.actor.clone();
    Entry::new(
        "person.signed_in",
        "person",
        person.id,
        format!("{} signed in.", person.name),
    )
    .internal()
    .detail(serde_json::json!({ "ip": ip }))
    .record(&as_person, &*tx)
    .await?;
    tx.commit().await?;
    Ok(SignedIn {
        person_id: person.id,
        partner_id: match found.actor {
            Actor::Partner { partner_id, .. } => Some(partner_id),
            _ => None,
        },
        organisations: found.organisations,
        staff: matches!(found.actor, Actor::Staff { .. }),
    })
}
