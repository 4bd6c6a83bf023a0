//! Roles that move money count for approving it only after a time, or once a second administrator
//! has confirmed them: one person alone must not be able to make the second pair of eyes.
//!
//! What the operator does at the command line counts at once; whoever stands there can write to the
//! database anyway. Each time that such a role is given, given again after it was taken away, changed
//! into another one, or given back by reactivating an account, the time begins anew.

use chrono::{DateTime, TimeDelta, Utc};
use domain::partner::StaffRole;
use entity::staff_grant::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
};

use crate::context::{Actor, Context};
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::mail::Letter;
use crate::notice::{FINANCE, tell_staff_but};

/// The name of the waiting time's row in `setting`.
const WAIT: &str = "money_role_wait_hours";
/// How long a role waits where nothing else was set.
const WAIT_HOURS: i64 = 24;
/// The longest wait, a month: nobody should be kept out by a typing error.
pub const MOST_WAIT_HOURS: i64 = 744;

/// A role that does not count for approving money yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// From when it counts by itself.
    pub until: DateTime<Utc>,
    /// When it was given.
    pub given_at: DateTime<Utc>,
    /// Who gave it: `person.id` and name; none for the command line.
    pub given_by: Option<(i64, String)>,
    /// `person.id` of the administrator who has confirmed it.
    pub confirmed_by: Option<i64>,
}

/// Whether a role moves money, so that it waits.
pub(super) fn moves_money(role: StaffRole) -> bool {
    matches!(role, StaffRole::Finance | StaffRole::Admin)
}

/// How long a role that moves money waits, and a limit that was loosened.
///
/// # Errors
/// When the database cannot be read.
pub async fn wait(db: &impl ConnectionTrait) -> Result<TimeDelta> {
    let row = entity::setting::Entity::find_by_id(WAIT).one(db).await?;
    let hours = row.and_then(|r| r.value.parse::<i64>().ok());
    Ok(TimeDelta::hours(
        hours.unwrap_or(WAIT_HOURS).clamp(0, MOST_WAIT_HOURS),
    ))
}

/// Sets how long a role that moves money waits from now on; for the operator at the command line,
/// because an administrator who could shorten it could do without the second person.
///
/// # Errors
/// [`Error::NotFound`] for everybody else, [`Error::Invalid`] outside of 0 to [`MOST_WAIT_HOURS`].
pub async fn set_wait(ctx: &Context, hours: i64) -> Result<()> {
    if ctx.actor != Actor::System {
        return Err(Error::NotFound);
    }
    if !(0..=MOST_WAIT_HOURS).contains(&hours) {
        let sentence = format!("Give hours from 0 to {MOST_WAIT_HOURS}.");
        return Err(Error::field("hours", sentence));
    }
    let tx = ctx.begin().await?;
    entity::setting::Entity::insert(entity::setting::ActiveModel {
        id: Set(WAIT.to_owned()),
        value: Set(hours.to_string()),
    })
    .on_conflict(
        OnConflict::column(entity::setting::Column::Id)
            .update_column(entity::setting::Column::Value)
            .to_owned(),
    )
    .exec_without_returning(&*tx)
    .await?;
    let letter = Letter::new(format!("New roles now wait {hours} hours")).text(
        "The operator changed at the command line how long a new role in finance or administration \
         waits before it counts for approving money. Roles given before keep their time.",
    );
    tell_staff_but(ctx, &*tx, FINANCE, &[], letter, "/admin/staff").await?;
    tx.commit().await?;
    Ok(())
}

/// Writes down that `person` was given `role` just now, and tells every other administrator and
/// finance person who did it and how to stop it. `how` says what was done: "invited as", "made".
pub(super) async fn given(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    person: &entity::person::Model,
    role: StaffRole,
) -> Result<()> {
    if !moves_money(role) {
        return Ok(());
    }
    let by = ctx.actor.person_id();
    let until = match by {
        None => ctx.now(),
        Some(_) => ctx.now() + wait(tx).await?,
    };
    Entity::insert(entity::staff_grant::ActiveModel {
        person_id: Set(person.id),
        role: Set(role.into()),
        given_by: Set(by),
        given_at: Set(ctx.now()),
        counts_from: Set(until),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    let who = match by {
        Some(id) => name(tx, id).await?,
        None => "The operator, at the command line,".to_owned(),
    };
    let counts = match until > ctx.now() {
        true => format!(
            "The role counts for approving money from {}, or earlier if an administrator other than \
             {who} confirms it.",
            moment(until)
        ),
        false => "The role counts for approving money at once.".to_owned(),
    };
    let letter = Letter::new(format!(
        "{} ({}) now has the role “{}”",
        person.name,
        person.email,
        role.label()
    ))
    .text(format!("{who} gave it on {}. {counts}", moment(ctx.now())))
    .text(
        "If this should not be, an administrator can take the role away or deactivate the account \
         on the person’s page under Staff. If you are in finance, ask one now and approve nothing \
         together with this person until it is cleared up.",
    );
    let path = format!("/admin/staff/{}", person.id);
    tell_staff_but(ctx, tx, FINANCE, &[person.id], letter, &path).await
}

/// The newest grant of a role that moves money, if it is not old enough by now.
async fn newest(ctx: &Context, db: &impl ConnectionTrait, person_id: i64) -> Result<Option<Model>> {
    let found = Entity::find()
        .filter(Column::PersonId.eq(person_id))
        .order_by_desc(Column::Id)
        .one(db)
        .await?;
    Ok(found.filter(|grant| grant.counts_from > ctx.now()))
}

/// The time that somebody's role still waits; none where it counts.
///
/// # Errors
/// When the database cannot be read.
pub(super) async fn waiting(
    ctx: &Context,
    db: &impl ConnectionTrait,
    person_id: i64,
) -> Result<Option<Waiting>> {
    let Some(grant) = newest(ctx, db, person_id).await? else {
        return Ok(None);
    };
    let given_by = match grant.given_by {
        Some(id) => Some((id, name(db, id).await?)),
        None => None,
    };
    Ok(Some(Waiting {
        until: grant.counts_from,
        given_at: grant.given_at,
        given_by,
        confirmed_by: grant.confirmed_by,
    }))
}

/// Whether a person may approve money now, where the people in `hands` had a hand in what is to be
/// approved. Whoever decides about an approval asks this in its transaction.
///
/// # Errors
/// [`Error::Forbidden`] with the reason: the role is too young and nobody has confirmed it, or one of
/// the hands gave it.
pub async fn may_approve_money(
    ctx: &Context,
    db: &impl ConnectionTrait,
    person_id: i64,
    hands: &[i64],
) -> Result<()> {
    match why_not(ctx, db, person_id, hands).await? {
        Some(sentence) => Err(Error::Forbidden(sentence)),
        None => Ok(()),
    }
}

/// Why a person may not approve money yet, in a sentence with what to do; none where it may.
///
/// # Errors
/// When the database cannot be read.
pub async fn why_not(
    ctx: &Context,
    db: &impl ConnectionTrait,
    person_id: i64,
    hands: &[i64],
) -> Result<Option<String>> {
    let Some(waiting) = waiting(ctx, db, person_id).await? else {
        return Ok(None);
    };
    let until = moment(waiting.until);
    if waiting.confirmed_by.is_none() {
        let giver = waiting.given_by.map_or("the operator".to_owned(), |g| g.1);
        return Ok(Some(format!(
            "{giver} gave you your role on {}. It counts for approving money from {until}. Until \
             then somebody else in finance has to approve, or an administrator other than {giver} \
             confirms your role under Staff. If there is nobody else, wait until then.",
            moment(waiting.given_at)
        )));
    }
    let givers = Entity::find()
        .filter(Column::PersonId.eq(person_id))
        .filter(Column::CountsFrom.gt(ctx.now()))
        .filter(Column::GivenBy.is_in(hands.iter().copied()))
        .one(db)
        .await?;
    let Some(giver) = givers.and_then(|grant| grant.given_by) else {
        return Ok(None);
    };
    let giver = name(db, giver).await?;
    Ok(Some(format!(
        "{giver} gave you your role and has a hand in this, so until {until} your approval would be \
         {giver}’s own. Somebody else in finance has to approve it, or you do so after that time."
    )))
}

/// Confirms that somebody’s role is as it should be, so that it counts at once.
///
/// # Errors
/// [`Error::Forbidden`] for who gave the role, for the person, for administrators whose own role
/// waits, and for all but administrators; [`Error::Conflict`] where nothing waits.
pub async fn confirm_role(ctx: &Context, person_id: i64) -> Result<()> {
    let admin = ctx.staff(StaffRole::Admin)?;
    let tx = ctx.begin().await?;
    let grant = newest(ctx, &*tx, person_id)
        .await?
        .filter(|grant| grant.confirmed_by.is_none())
        .ok_or_else(|| Error::conflict("This role does not wait for anybody."))?;
    if admin == person_id {
        return Err(Error::Forbidden(
            "Nobody confirms their own role. Ask another administrator.".to_owned(),
        ));
    }
    let of_mine = Entity::find()
        .filter(Column::PersonId.eq(person_id))
        .filter(Column::CountsFrom.gt(ctx.now()))
        .filter(Column::GivenBy.eq(admin))
        .one(&*tx)
        .await?;
    if of_mine.is_some() {
        return Err(Error::Forbidden(
            "You gave this role yourself. Another administrator has to confirm it.".to_owned(),
        ));
    }
    may_approve_money(ctx, &*tx, admin, &[]).await?;
    let confirmed = Entity::update_many()
        .col_expr(Column::ConfirmedBy, Expr::value(admin))
        .col_expr(Column::ConfirmedAt, Expr::value(ctx.now()))
        .filter(Column::Id.eq(grant.id))
        .filter(Column::ConfirmedBy.is_null())
        .exec(&*tx)
        .await?
        .rows_affected;
    if confirmed != 1 {
        return Err(Error::conflict("Another administrator has just done so."));
    }
    let (confirmer, person) = (name(&*tx, admin).await?, name(&*tx, person_id).await?);
    let sentence = format!("{confirmer} confirmed the role of {person}; it counts from now on.");
    Entry::new(
        "staff.role_confirmed",
        "person",
        person_id,
        sentence.clone(),
    )
    .internal()
    .record(ctx, &*tx)
    .await?;
    let letter = Letter::new(sentence).text(
        "If this should not be, an administrator can take the role away or deactivate the account \
         on the person’s page under Staff.",
    );
    let path = format!("/admin/staff/{person_id}");
    tell_staff_but(ctx, &*tx, FINANCE, &[], letter, &path).await?;
    tx.commit().await?;
    Ok(())
}

async fn name(db: &impl ConnectionTrait, person_id: i64) -> Result<String> {
    Ok(entity::person::Entity::find_by_id(person_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)?
        .name)
}

fn moment(at: DateTime<Utc>) -> String {
    at.format("%-d %B %Y, %H:%M UTC").to_string()
}
