//! The people of a partner organisation.

use chrono::{DateTime, TimeDelta, Utc};
use domain::partner::MemberRole;
use entity::member::{Column, Entity, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect,
    RelationTrait,
};

use crate::context::Context;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::mail::{self, letters};
use crate::notice;

/// How long a removal can be undone.
const BACK_WITHIN: TimeDelta = TimeDelta::days(1);

/// One of an organisation's people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// `member.id`.
    pub id: i64,
    /// `person.id`.
    pub person_id: i64,
    /// Name.
    pub name: String,
    /// Address.
    pub email: String,
    /// What the person is.
    pub role: MemberRole,
    /// Since when.
    pub joined_at: DateTime<Utc>,
}

/// The people of a partner, owners first. The caller has checked the right to it.
pub(super) async fn of(db: &impl ConnectionTrait, partner_id: i64) -> Result<Vec<Member>> {
    let rows = Entity::find()
        .join(JoinType::InnerJoin, entity::member::Relation::Person.def())
        .select_also(entity::person::Entity)
        .filter(Column::PartnerId.eq(partner_id))
        .filter(Column::RemovedAt.is_null())
        .order_by_desc(Column::Role)
        .order_by_asc(Column::Id)
        .all(db)
        .await?;
    rows.into_iter()
        .filter_map(|(m, p)| p.map(|p| (m, p)))
        .map(|(m, p)| {
            Ok(Member {
                id: m.id,
                person_id: p.id,
                name: p.name,
                email: p.email,
                role: m.role.parse().map_err(Error::internal)?,
                joined_at: m.joined_at,
            })
        })
        .collect()
}

/// The people of the actor's organisation, owners first.
///
/// # Errors
/// [`Error::NotFound`] for people without one.
pub async fn members(ctx: &Context) -> Result<Vec<Member>> {
    of(ctx.reader(), ctx.partner()?.0).await
}

/// A member of the owner's own organisation.
async fn mine(ctx: &Context, tx: &Tx, partner_id: i64, id: i64) -> Result<(Model, String)> {
    // Two owners who demote each other at once must not both succeed.
    lock(ctx, tx, partner_id).await?;
    let found = Entity::find_by_id(id)
        .filter(Column::PartnerId.eq(partner_id))
        .filter(Column::RemovedAt.is_null())
        .one(&**tx)
        .await?
        .ok_or(Error::NotFound)?;
    let name = super::names(&**tx, [found.person_id])
        .await?
        .into_values()
        .next();
    Ok((found, name.unwrap_or_default()))
}

/// Makes writers of one organisation's people wait for each other.
async fn lock(ctx: &Context, tx: &Tx, partner_id: i64) -> Result<()> {
    if ctx.db.backend() == sea_orm::DbBackend::Postgres {
        entity::partner::Entity::find_by_id(partner_id)
            .lock_exclusive()
            .one(&**tx)
            .await?;
    }
    Ok(())
}

async fn keep_an_owner(tx: &Tx, leaving: &Model) -> Result<()> {
    if leaving.role != MemberRole::Owner.as_str() {
        return Ok(());
    }
    let other = Entity::find()
        .filter(Column::PartnerId.eq(leaving.partner_id))
        .filter(Column::RemovedAt.is_null())
        .filter(Column::Role.eq(MemberRole::Owner.as_str()))
        .filter(Column::Id.ne(leaving.id))
        .one(&**tx)
        .await?;
    match other {
        Some(_) => Ok(()),
        None => Err(Error::conflict(
            "An organisation needs an owner. Make somebody else one first.",
        )),
    }
}

/// Makes a member an owner or the other way round.
///
/// # Errors
/// [`Error::Conflict`] for the last owner, [`Error::NotFound`] for somebody of another organisation.
pub async fn change_role(ctx: &Context, id: i64, role: MemberRole) -> Result<()> {
    let (partner_id, _) = ctx.owner()?;
    let tx = ctx.begin().await?;
    let (member, name) = mine(ctx, &tx, partner_id, id).await?;
    if member.role == role.as_str() {
        return Ok(());
    }
    if role != MemberRole::Owner {
        keep_an_owner(&tx, &member).await?;
    }
    Entity::update_many()
        .col_expr(Column::Role, Expr::value(role.as_str()))
        .filter(Column::Id.eq(id))
        .filter(Column::Role.eq(&member.role))
        .exec(&*tx)
        .await?;
    Entry::new(
        "member.role_changed",
        "partner",
        partner_id,
        format!("{name} is now {}.", role.label().to_lowercase()),
    )
    .partner(partner_id)
    .detail(
        serde_json::json!({ "person_id": member.person_id, "before": member.role, "after": role }),
    )
    .record(ctx, &*tx)
    .await?;
    notice::tell(
        ctx,
        &*tx,
        member.person_id,
        format!(
            "You are now {} of your organisation.",
            role.label().to_lowercase()
        ),
        "/partner",
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Takes somebody out of the organisation, who is told; the next request of that person knows.
///
/// # Errors
/// [`Error::Conflict`] for the last owner, [`Error::NotFound`] for somebody of another organisation.
pub async fn remove(ctx: &Context, id: i64) -> Result<()> {
    let (partner_id, _) = ctx.owner()?;
    let tx = ctx.begin().await?;
    let (member, name) = mine(ctx, &tx, partner_id, id).await?;
    end(ctx, &tx, &member, format!("{name} was removed.")).await?;
    if ctx.actor.person_id() != Some(member.person_id) {
        let partner = record_of(&tx, partner_id).await?;
        mail::send_to(ctx, &*tx, member.person_id, letters::removed(&partner.name)).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Takes somebody in again who was removed, as what they were. For who removed the wrong one.
///
/// # Errors
/// [`Error::Conflict`] once it is longer ago than [`BACK_WITHIN`] or when the person is in the
/// organisation, [`Error::NotFound`] for somebody of another organisation.
pub async fn take_back(ctx: &Context, id: i64) -> Result<()> {
    let (partner_id, _) = ctx.owner()?;
    let tx = ctx.begin().await?;
    lock(ctx, &tx, partner_id).await?;
    let gone = Entity::find_by_id(id)
        .filter(Column::PartnerId.eq(partner_id))
        .one(&*tx)
        .await?
        .ok_or(Error::NotFound)?;
    let removed = gone.removed_at.filter(|at| ctx.now() - *at <= BACK_WITHIN);
    let here = Entity::find()
        .filter(Column::PartnerId.eq(partner_id))
        .filter(Column::PersonId.eq(gone.person_id))
        .filter(Column::RemovedAt.is_null())
        .one(&*tx)
        .await?;
    let person = entity::person::Entity::find_by_id(gone.person_id)
        .one(&*tx)
        .await?
        .filter(|person| person.disabled_at.is_none());
    let (Some(_), None, Some(person)) = (removed, here, person) else {
        return Err(Error::conflict(
            "This cannot be undone any more. Invite the person again.",
        ));
    };
    Entity::update_many()
        .col_expr(Column::RemovedAt, Expr::value(None::<DateTime<Utc>>))
        .filter(Column::Id.eq(id))
        .filter(Column::RemovedAt.is_not_null())
        .exec(&*tx)
        .await?;
    let said = format!("{} was taken in again.", person.name);
    Entry::new("member.taken_back", "partner", partner_id, said)
        .partner(partner_id)
        .detail(serde_json::json!({ "person_id": person.id, "role": gone.role }))
        .record(ctx, &*tx)
        .await?;
    let partner = record_of(&tx, partner_id).await?;
    mail::send(ctx, &*tx, &person, letters::taken_back(&partner.name)).await?;
    tx.commit().await?;
    Ok(())
}

async fn record_of(tx: &Tx, partner_id: i64) -> Result<entity::partner::Model> {
    entity::partner::Entity::find_by_id(partner_id)
        .one(&**tx)
        .await?
        .ok_or(Error::NotFound)
}

/// Leaves the organisation the actor acts for.
///
/// # Errors
/// [`Error::Conflict`] for the last owner.
pub async fn leave(ctx: &Context) -> Result<()> {
    let (partner_id, person_id, _) = ctx.partner()?;
    let tx = ctx.begin().await?;
    let id = Entity::find()
        .filter(Column::PartnerId.eq(partner_id))
        .filter(Column::PersonId.eq(person_id))
        .filter(Column::RemovedAt.is_null())
        .one(&*tx)
        .await?
        .ok_or(Error::NotFound)?
        .id;
    let (member, name) = mine(ctx, &tx, partner_id, id).await?;
    end(ctx, &tx, &member, format!("{name} left.")).await?;
    let partner = record_of(&tx, partner_id).await?;
    mail::send_to_owners(ctx, &*tx, partner_id, letters::left(&name, &partner.name)).await?;
    tx.commit().await?;
    Ok(())
}

async fn end(ctx: &Context, tx: &Tx, member: &Model, summary: String) -> Result<()> {
    keep_an_owner(tx, member).await?;
    Entity::update_many()
        .col_expr(Column::RemovedAt, Expr::value(ctx.now()))
        .filter(Column::Id.eq(member.id))
        .filter(Column::RemovedAt.is_null())
        .exec(&**tx)
        .await?;
    Entry::new("member.removed", "partner", member.partner_id, summary)
        .partner(member.partner_id)
        .detail(serde_json::json!({ "person_id": member.person_id }))
        .record(ctx, &**tx)
        .await
}
