//! The vendor's own people.

use chrono::{DateTime, Utc};
use domain::partner::StaffRole;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockType},
};

use super::waiting::{self, Waiting};
use super::{email, password, reset, token};
use crate::context::{Actor, Context};
use crate::db::Tx;
use crate::error::{Error, FieldErrors, Result};
use crate::event::Entry;
use crate::mail::{self, letters};

/// One of the vendor's people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaffMember {
    /// `person.id`.
    pub person_id: i64,
    /// Name.
    pub name: String,
    /// Address.
    pub email: String,
    /// What the person does.
    pub role: StaffRole,
    /// Since when the person cannot sign in.
    pub disabled_at: Option<DateTime<Utc>>,
    /// The time that the role still waits before it counts for approving money.
    pub waiting: Option<Waiting>,
}

/// Admins, and the command line.
fn may_administer(ctx: &Context) -> Result<()> {
    match ctx.actor {
        Actor::System => Ok(()),
        _ => ctx.staff(StaffRole::Admin).map(|_| ()),
    }
}

/// The vendor's people by name: what managers choose from, and the admin's list.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor.
pub async fn staff_list(ctx: &Context) -> Result<Vec<StaffMember>> {
    if ctx.actor != Actor::System {
        ctx.any_staff()?;
    }
    let rows = entity::person::Entity::find()
        .filter(entity::person::Column::StaffRole.is_not_null())
        .order_by_asc(entity::person::Column::Name)
        .all(ctx.reader())
        .await?;
    let mut people = Vec::new();
    for p in rows {
        let role: StaffRole = p
            .staff_role
            .unwrap_or_default()
            .parse()
            .map_err(Error::internal)?;
        let waiting = match waiting::moves_money(role) {
            true => waiting::waiting(ctx, ctx.reader(), p.id).await?,
            false => None,
        };
        people.push(StaffMember {
            person_id: p.id,
            name: p.name,
            email: p.email,
            role,
            disabled_at: p.disabled_at,
            waiting,
        });
    }
    Ok(people)
}

/// One of the vendor's people with what was done with the account, for admins and auditors.
///
/// # Errors
/// [`Error::NotFound`] for others than staff and for people outside the vendor,
/// [`Error::Forbidden`] for other staff.
pub async fn staff_member(
    ctx: &Context,
    person_id: i64,
) -> Result<(StaffMember, Vec<crate::event::Line>)> {
    ctx.admin_reads()?;
    let found = staff_list(ctx)
        .await?
        .into_iter()
        .find(|p| p.person_id == person_id)
        .ok_or(Error::NotFound)?;
    let timeline = crate::event::timeline(ctx.reader(), "person", person_id, true).await?;
    Ok((found, timeline))
}

/// Adds a person of the vendor, or makes a known one staff. With a password the account is ready
/// (the command line); without, a mail with a link to set one is sent. Returns `person.id`.
///
/// # Errors
/// [`Error::Invalid`] by field; [`Error::Conflict`] for a member of a partner: nobody judges their
/// own organisation.
pub async fn add_staff(
    ctx: &Context,
    name: &str,
    address: &str,
    role: StaffRole,
    new_password: Option<&str>,
) -> Result<i64> {
    may_administer(ctx)?;
    let mut errors = FieldErrors::new();
    let name = errors.check("name", email::name(name));
    let address = errors.check("email", email::normalise(address));
    if let Some(new_password) = new_password {
        errors.check(
            "password",
            password::check(new_password, address.as_deref().unwrap_or_default()),
        );
    }
    errors.finish()?;
    let (Some(name), Some(address)) = (name, address) else {
        return Err(Error::internal("checked values are missing"));
    };
    let hash = match new_password {
        Some(new_password) => Some(password::hash(new_password).await?),
        None => None,
    };
    let tx = ctx.begin().await?;
    let known = entity::person::Entity::find()
        .filter(entity::person::Column::Email.eq(&address))
        .one(&*tx)
        .await?;
    let mut before = None;
    let person = match known {
        Some(person) => {
            let member = entity::member::Entity::find()
                .filter(entity::member::Column::PersonId.eq(person.id))
                .filter(entity::member::Column::RemovedAt.is_null())
                .one(&*tx)
                .await?;
            if member.is_some() {
                return Err(Error::conflict(
                    "This person belongs to a partner and cannot be staff as well. Use another address.",
                ));
            }
            let mut change = entity::person::Entity::update_many().col_expr(
                entity::person::Column::StaffRole,
                Expr::value(role.as_str()),
            );
            if let Some(hash) = hash {
                change = change
                    .col_expr(entity::person::Column::PasswordHash, Expr::value(hash))
                    .col_expr(
                        entity::person::Column::EmailVerifiedAt,
                        Expr::value(ctx.now()),
                    );
                reset::end_sessions(&*tx, person.id, None).await?;
            }
            change
                .filter(entity::person::Column::Id.eq(person.id))
                .exec(&*tx)
                .await?;
            before = person.staff_role.clone();
            person
        }
        None => {
            let ready = hash.is_some();
            entity::person::Entity::insert(entity::person::ActiveModel {
                email: Set(address),
                name: Set(name),
                password_hash: Set(hash),
                staff_role: Set(Some(role.into())),
                locale: Set("en".to_owned()),
                time_zone: Set("UTC".to_owned()),
                email_verified_at: Set(ready.then(|| ctx.now())),
                created_at: Set(ctx.now()),
                ..Default::default()
            })
            .exec_with_returning(&*tx)
            .await?
        }
    };
    if new_password.is_none() {
        let secret = token::issue(ctx, &*tx, person.id, token::Purpose::ResetPassword).await?;
        mail::send(ctx, &*tx, &person, letters::staff_welcome(&secret, role)).await?;
    }
    record(
        ctx,
        &tx,
        "staff.added",
        &person,
        format!("{} is now staff: {}.", person.name, role.label()),
    )
    .await?;
    if before.as_deref() != Some(role.as_str()) || ctx.actor == Actor::System {
        waiting::given(ctx, &*tx, &person, role).await?;
    }
    tx.commit().await?;
    Ok(person.id)
}

/// Changes what a person of the vendor does; `None` ends the employment and the sessions.
///
/// # Errors
/// [`Error::Conflict`] for the last admin, [`Error::NotFound`] for people outside the vendor.
pub async fn set_staff_role(ctx: &Context, person_id: i64, role: Option<StaffRole>) -> Result<()> {
    may_administer(ctx)?;
    let tx = ctx.begin().await?;
    let person = staff_person(&tx, person_id).await?;
    if role != Some(StaffRole::Admin) {
        keep_an_admin(&tx, &person).await?;
    }
    entity::person::Entity::update_many()
        .col_expr(
            entity::person::Column::StaffRole,
            Expr::value(role.map(String::from)),
        )
        .filter(entity::person::Column::Id.eq(person_id))
        .exec(&*tx)
        .await?;
    reset::end_sessions(&*tx, person_id, None).await?;
    let now = role.map_or("no longer staff".to_owned(), |r| r.label().to_owned());
    record(
        ctx,
        &tx,
        "staff.role_changed",
        &person,
        format!("{} is now: {now}.", person.name),
    )
    .await?;
    if let Some(role) = role.filter(|r| person.staff_role.as_deref() != Some(r.as_str())) {
        waiting::given(ctx, &*tx, &person, role).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Keeps a person of the vendor from signing in and ends the sessions.
///
/// # Errors
/// [`Error::Conflict`] for the last admin.
pub async fn disable(ctx: &Context, person_id: i64) -> Result<()> {
    may_administer(ctx)?;
    let tx = ctx.begin().await?;
    let person = staff_person(&tx, person_id).await?;
    keep_an_admin(&tx, &person).await?;
    entity::person::Entity::update_many()
        .col_expr(entity::person::Column::DisabledAt, Expr::value(ctx.now()))
        .filter(entity::person::Column::Id.eq(person_id))
        .filter(entity::person::Column::DisabledAt.is_null())
        .exec(&*tx)
        .await?;
    reset::end_sessions(&*tx, person_id, None).await?;
    record(
        ctx,
        &tx,
        "staff.disabled",
        &person,
        format!("{} can no longer sign in.", person.name),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Lets a person of the vendor sign in again.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor.
pub async fn enable(ctx: &Context, person_id: i64) -> Result<()> {
    may_administer(ctx)?;
    let tx = ctx.begin().await?;
    let person = staff_person(&tx, person_id).await?;
    let back = entity::person::Entity::update_many()
        .col_expr(
            entity::person::Column::DisabledAt,
            Expr::value(None::<DateTime<Utc>>),
        )
        .filter(entity::person::Column::Id.eq(person_id))
        .filter(entity::person::Column::DisabledAt.is_not_null())
        .exec(&*tx)
        .await?
        .rows_affected;
    record(
        ctx,
        &tx,
        "staff.enabled",
        &person,
        format!("{} can sign in again.", person.name),
    )
    .await?;
    // A forgotten account that somebody brings back is as new as one just made.
    let role = person.staff_role.as_deref().and_then(|r| r.parse().ok());
    if let Some(role) = role.filter(|_| back == 1) {
        waiting::given(ctx, &*tx, &person, role).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn staff_person(tx: &Tx, person_id: i64) -> Result<entity::person::Model> {
    let person = entity::person::Entity::find_by_id(person_id)
        .one(&**tx)
        .await?;
    person
        .filter(|p| p.staff_role.is_some())
        .ok_or(Error::NotFound)
}

/// Somebody must be left who can undo this.
async fn keep_an_admin(tx: &Tx, leaving: &entity::person::Model) -> Result<()> {
    if leaving.staff_role.as_deref() != Some(StaffRole::Admin.as_str()) {
        return Ok(());
    }
    let mut admins = entity::person::Entity::find()
        .filter(entity::person::Column::StaffRole.eq(StaffRole::Admin.as_str()))
        .filter(entity::person::Column::DisabledAt.is_null())
        .order_by_asc(entity::person::Column::Id);
    if tx.get_database_backend() == DbBackend::Postgres {
        // Two admins who take each other's role at once do it one after the other.
        admins = admins.lock(LockType::Update);
    }
    let others = admins.all(&**tx).await?;
    match others.iter().any(|p| p.id != leaving.id) {
        true => Ok(()),
        false => Err(Error::conflict(
            "This is the only administrator. Make somebody else one first.",
        )),
    }
}

async fn record(
    ctx: &Context,
    tx: &Tx,
    action: &'static str,
    person: &entity::person::Model,
    summary: String,
) -> Result<()> {
    Entry::new(action, "person", person.id, summary)
        .internal()
        .record(ctx, &**tx)
        .await
}
