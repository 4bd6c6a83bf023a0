//! Inviting colleagues into an organisation.

use chrono::{DateTime, TimeDelta, Utc};
use domain::partner::{MemberRole, PartnerStatus};
use entity::invitation::{ActiveModel, Column, Entity, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
};

use crate::context::Context;
use crate::error::{Error, FieldErrors, Result, is_duplicate};
use crate::event::Entry;
use crate::identity::{email, password, throttle, token};
use crate::mail::{self, letters};
use crate::notice;

/// How long an invitation can be accepted.
const VALID: TimeDelta = TimeDelta::days(7);

/// An invitation as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// `invitation.id`.
    pub id: i64,
    /// `partner.id`.
    pub partner_id: i64,
    /// The organisation.
    pub partner: String,
    /// Who is invited.
    pub email: String,
    /// As what.
    pub role: MemberRole,
    /// By whom.
    pub invited_by: String,
    /// Until when it can be accepted.
    pub expires_at: DateTime<Utc>,
    /// Whether somebody with this address has an account already: then no password is asked for.
    pub has_account: bool,
}

fn stale() -> Error {
    Error::conflict(
        "This invitation has been used or withdrawn, or it has expired. Ask for a new one.",
    )
}

/// Invites somebody by address. An open invitation to the same address is replaced.
///
/// # Errors
/// [`Error::Invalid`] by field; [`Error::Conflict`] for a member and for the vendor's staff.
pub async fn invite(ctx: &Context, typed_email: &str, role: &str) -> Result<()> {
    let (partner_id, inviter_id) = ctx.owner()?;
    let mut errors = FieldErrors::new();
    let address = errors.check("email", email::normalise(typed_email));
    let role: Option<MemberRole> = role.parse().ok();
    if role.is_none() {
        errors.add("role", "Choose what the person may do.");
    }
    errors.finish()?;
    let (Some(address), Some(role)) = (address, role) else {
        return Err(Error::internal("checked values are missing"));
    };
    let key = format!("invite:{partner_id}");
    throttle::count(
        ctx,
        &[(
            &key,
            throttle::Limit {
                free: 50,
                ..throttle::MAIL_IP
            },
        )],
    )
    .await?;

    let tx = ctx.begin().await?;
    let partner = super::record::of(ctx, &*tx).await?;
    let inviter = super::names(&*tx, [inviter_id])
        .await?
        .into_values()
        .next()
        .unwrap_or_default();
    if let Some(person) = person(&*tx, &address).await? {
        if person.staff_role.is_some() {
            return Err(Error::field(
                "email",
                "This address cannot be invited. Use another one.",
            ));
        }
        if is_member(&*tx, partner_id, person.id).await? {
            return Err(Error::field(
                "email",
                format!("{} already belongs to your organisation.", person.name),
            ));
        }
    }
    Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(ctx.now()))
        .filter(Column::PartnerId.eq(partner_id))
        .filter(Column::Email.eq(&address))
        .filter(Column::AcceptedAt.is_null())
        .filter(Column::RevokedAt.is_null())
        .exec(&*tx)
        .await?;
    let secret = token::secret();
    Entity::insert(ActiveModel {
        partner_id: Set(partner_id),
        email: Set(address.clone()),
        role: Set(role.into()),
        hash: Set(token::digest(&secret)),
        invited_by: Set(inviter_id),
        expires_at: Set(ctx.now() + VALID),
        created_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_without_returning(&*tx)
    .await?;
    Entry::new(
        "member.invited",
        "partner",
        partner_id,
        format!("{address} was invited as {}.", role.label().to_lowercase()),
    )
    .partner(partner_id)
    .record(ctx, &*tx)
    .await?;
    let letter = letters::invitation(&secret, &inviter, &partner.name, role);
    mail::send_to_address(ctx, &*tx, &address, letter).await?;
    tx.commit().await?;
    Ok(())
}

async fn person(db: &impl ConnectionTrait, address: &str) -> Result<Option<entity::person::Model>> {
    Ok(entity::person::Entity::find()
        .filter(entity::person::Column::Email.eq(address))
        .one(db)
        .await?)
}

async fn is_member(db: &impl ConnectionTrait, partner_id: i64, person_id: i64) -> Result<bool> {
    use entity::member::{Column as M, Entity as Members};
    let found = Members::find()
        .filter(M::PartnerId.eq(partner_id))
        .filter(M::PersonId.eq(person_id))
        .filter(M::RemovedAt.is_null())
        .one(db)
        .await?;
    Ok(found.is_some())
}

/// The open invitations of the actor's organisation, newest first.
///
/// # Errors
/// [`Error::NotFound`] for people without one.
pub async fn invitations(ctx: &Context) -> Result<Vec<Invitation>> {
    let (partner_id, ..) = ctx.partner()?;
    let rows = Entity::find()
        .filter(Column::PartnerId.eq(partner_id))
        .filter(Column::AcceptedAt.is_null())
        .filter(Column::RevokedAt.is_null())
        .filter(Column::ExpiresAt.gt(ctx.now()))
        .order_by_desc(Column::Id)
        .all(ctx.reader())
        .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        found.push(shown(ctx.reader(), row).await?);
    }
    Ok(found)
}

async fn shown(db: &impl ConnectionTrait, row: Model) -> Result<Invitation> {
    let partner = entity::partner::Entity::find_by_id(row.partner_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    let ready = person(db, &row.email)
        .await?
        .is_some_and(|p| p.password_hash.is_some() && p.email_verified_at.is_some());
    Ok(Invitation {
        id: row.id,
        partner_id: row.partner_id,
        partner: partner.name,
        role: row.role.parse().map_err(Error::internal)?,
        invited_by: super::names(db, [row.invited_by])
            .await?
            .into_values()
            .next()
            .unwrap_or_default(),
        expires_at: row.expires_at,
        has_account: ready,
        email: row.email,
    })
}

/// Takes an open invitation back.
///
/// # Errors
/// [`Error::NotFound`] for a missing one and for another organisation's.
pub async fn revoke(ctx: &Context, id: i64) -> Result<()> {
    let (partner_id, _) = ctx.owner()?;
    let tx = ctx.begin().await?;
    let row = Entity::find_by_id(id)
        .filter(Column::PartnerId.eq(partner_id))
        .one(&*tx)
        .await?
        .ok_or(Error::NotFound)?;
    let done = Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(ctx.now()))
        .filter(Column::Id.eq(id))
        .filter(Column::AcceptedAt.is_null())
        .filter(Column::RevokedAt.is_null())
        .exec(&*tx)
        .await?;
    if done.rows_affected != 1 {
        return Err(Error::conflict(
            "This invitation was accepted or taken back already.",
        ));
    }
    Entry::new(
        "member.invitation_revoked",
        "partner",
        partner_id,
        format!("The invitation of {} was taken back.", row.email),
    )
    .partner(partner_id)
    .record(ctx, &*tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

async fn open(ctx: &Context, db: &impl ConnectionTrait, secret: &str) -> Result<Model> {
    Entity::find()
        .filter(Column::Hash.eq(token::digest(secret)))
        .filter(Column::AcceptedAt.is_null())
        .filter(Column::RevokedAt.is_null())
        .filter(Column::ExpiresAt.gt(ctx.now()))
        .one(db)
        .await?
        .ok_or_else(stale)
}

/// The invitation behind a link, for the page that accepts it.
///
/// # Errors
/// [`Error::Conflict`] when it no longer works.
pub async fn invitation(ctx: &Context, secret: &str) -> Result<Invitation> {
    let row = open(ctx, ctx.reader(), secret).await?;
    shown(ctx.reader(), row).await
}

/// Who accepted, and for which organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// `person.id`.
    pub person_id: i64,
    /// The person's address.
    pub email: String,
    /// `partner.id`.
    pub partner_id: i64,
    /// Whether the account was made (or its password set) by accepting: whoever holds the link may
    /// then be signed in. Others sign in with the password they have.
    pub new_account: bool,
}

/// Accepts. The link proves that the person reads mail at the address. Somebody without an account
/// gives name and password; for others both are ignored.
///
/// # Errors
/// [`Error::Invalid`] by field, [`Error::Conflict`] when it no longer works.
pub async fn accept(
    ctx: &Context,
    secret: &str,
    typed_name: &str,
    typed_password: &str,
) -> Result<Accepted> {
    let shown = invitation(ctx, secret).await?;
    let mut hash = None;
    let mut name = String::new();
    if !shown.has_account {
        let mut errors = FieldErrors::new();
        name = errors
            .check("name", email::name(typed_name))
            .unwrap_or_default();
        errors.check("password", password::check(typed_password, &shown.email));
        errors.finish()?;
        hash = Some(password::hash(typed_password).await?);
    }
    let tx = ctx.begin().await?;
    let row = open(ctx, &*tx, secret).await?;
    let used = Entity::update_many()
        .col_expr(Column::AcceptedAt, Expr::value(ctx.now()))
        .filter(Column::Id.eq(row.id))
        .filter(Column::AcceptedAt.is_null())
        .filter(Column::RevokedAt.is_null())
        .exec(&*tx)
        .await?;
    if used.rows_affected != 1 {
        return Err(stale());
    }
    let partner = entity::partner::Entity::find_by_id(row.partner_id)
        .one(&*tx)
        .await?
        .ok_or_else(stale)?;
    if partner.status != PartnerStatus::Active.as_str() {
        return Err(Error::conflict(format!(
            "{} does not take part at the moment.",
            partner.name
        )));
    }
    let (person, new_account) = match person(&*tx, &row.email).await? {
        Some(person) if person.disabled_at.is_some() || person.staff_role.is_some() => {
            return Err(stale());
        }
        Some(person) => {
            let sets = person.password_hash.is_none() || person.email_verified_at.is_none();
            if sets && hash.is_none() {
                return Err(stale());
            }
            if let (true, Some(hash)) = (sets, hash) {
                use entity::person::{Column as P, Entity as People};
                People::update_many()
                    .col_expr(P::PasswordHash, Expr::value(hash))
                    .col_expr(P::Name, Expr::value(name))
                    .col_expr(P::EmailVerifiedAt, Expr::value(ctx.now()))
                    .filter(P::Id.eq(person.id))
                    .exec(&*tx)
                    .await?;
            }
            (person, sets)
        }
        None => {
            let inserted = entity::person::Entity::insert(entity::person::ActiveModel {
                email: Set(row.email.clone()),
                name: Set(name),
                password_hash: Set(hash),
                locale: Set("en".to_owned()),
                time_zone: Set("UTC".to_owned()),
                email_verified_at: Set(Some(ctx.now())),
                created_at: Set(ctx.now()),
                ..Default::default()
            })
            .exec_with_returning(&*tx)
            .await?;
            (inserted, true)
        }
    };
    entity::member::Entity::insert(entity::member::ActiveModel {
        partner_id: Set(row.partner_id),
        person_id: Set(person.id),
        role: Set(row.role.clone()),
        joined_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_without_returning(&*tx)
    .await
    .map_err(|e| {
        if is_duplicate(&e) {
            Error::conflict("You already belong to this organisation.")
        } else {
            e.into()
        }
    })?;
    let mut as_person = ctx.clone();
    as_person.actor = crate::Actor::Person {
        person_id: person.id,
    };
    Entry::new(
        "member.joined",
        "partner",
        row.partner_id,
        format!("{} joined.", row.email),
    )
    .partner(row.partner_id)
    .record(&as_person, &*tx)
    .await?;
    notice::tell(
        ctx,
        &*tx,
        row.invited_by,
        format!("{} accepted your invitation.", row.email),
        "/partner/organisation",
    )
    .await?;
    tx.commit().await?;
    Ok(Accepted {
        person_id: person.id,
        email: row.email,
        partner_id: row.partner_id,
        new_account,
    })
}
