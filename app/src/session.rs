//! The session: who is signed in, for which organisation, and what the next page must say.

use crate::{flash::Flash, ui::Locale};
use service::{Actor, Db, identity};
use tower_sessions::{Session, session::Error};

/// `person.id` of the signed-in person. The session store keeps it beside the record, so that a
/// new password ends every session of that person.
pub const PERSON: &str = "person_id";
/// `partner.id` the person acts for, when there are several.
pub const PARTNER: &str = "partner_id";

/// The signed-in person, as the shell shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// `person.id`.
    pub id: i64,
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// The organisation the person acts for, or the staff role in words.
    pub acting_as: String,
    /// Active organisations the person belongs to; with several they can be switched.
    pub organisations: i64,
    /// Whether the person may see what the organisation earns.
    pub sees_earnings: bool,
    /// Notices not read yet.
    pub unread: i64,
    /// How numbers and dates are written for them.
    pub locale: Locale,
}

/// Signs a person in: a new session id, so that one planted before is worth nothing.
///
/// # Errors
/// When the session cannot be stored.
pub async fn sign_in(session: &Session, person_id: i64) -> Result<(), Error> {
    session.cycle_id().await?;
    session.remove_value(PARTNER).await?;
    session.insert(PERSON, person_id).await
}

/// Signs out: the session is gone, here and in the database.
///
/// # Errors
/// When the session cannot be deleted.
pub async fn sign_out(session: &Session) -> Result<(), Error> {
    session.flush().await
}

/// Chooses the organisation the person acts for; the next request checks the membership.
///
/// # Errors
/// When the session cannot be stored.
pub async fn act_for(session: &Session, partner_id: i64) -> Result<(), Error> {
    session.insert(PARTNER, partner_id).await
}

/// Takes what the last answer left for this page.
///
/// # Errors
/// When the session cannot be read.
pub async fn take_flash(session: &Session) -> Result<Flash, Error> {
    // Removing marks the session as changed even when there is nothing to remove, and that would be
    // a write for every page that is only read.
    let Some(flash) = session.get(Flash::KEY).await? else {
        return Ok(Flash::default());
    };
    session.remove_value(Flash::KEY).await?;
    Ok(flash)
}

/// Leaves something for the next page, after what is already there.
///
/// # Errors
/// When the session cannot be written.
pub async fn leave_flash(session: &Session, flash: Flash) -> Result<(), Error> {
    let mut kept: Flash = session.get(Flash::KEY).await?.unwrap_or_default();
    if !flash.values.is_empty() || !flash.errors.is_empty() {
        kept.values = flash.values;
        kept.errors = flash.errors;
    }
    kept.toasts.extend(flash.toasts);
    session.insert(Flash::KEY, kept).await
}

/// Who acts in this session, read anew for every request, so that a removed member or a disabled
/// person is out at once.
///
/// # Errors
/// When session or database cannot be read.
pub async fn actor(session: &Session, db: &Db) -> service::Result<Option<(Actor, User)>> {
    let read = |cause: Error| service::Error::internal(cause);
    let Some(person_id) = session.get::<i64>(PERSON).await.map_err(read)? else {
        return Ok(None);
    };
    let chosen = session.get::<i64>(PARTNER).await.map_err(read)?;
    let Some(visitor) = identity::visitor(db.reader(), person_id, chosen).await? else {
        return Ok(None);
    };
    let acting_as = match &visitor.actor {
        Actor::Staff { role, .. } => role.label().to_owned(),
        _ => visitor.partner_name.unwrap_or_default(),
    };
    let user = User {
        id: visitor.person_id,
        name: visitor.name,
        email: visitor.email,
        acting_as,
        organisations: visitor.organisations,
        sees_earnings: visitor.sees_earnings,
        unread: visitor.unread,
        locale: Locale::parse(&visitor.locale).in_zone(&visitor.time_zone),
    };
    Ok(Some((visitor.actor, user)))
}
