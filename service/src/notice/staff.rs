//! Telling the vendor's staff at once: a notice in the portal, and the same as a mail.

use domain::partner::StaffRole;
use entity::person::{Column, Entity};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
};

use crate::context::Context;
use crate::error::Result;
use crate::mail::{self, Letter};

/// Whom finance's own matters concern: whoever can look into them and do something about them.
pub(crate) const FINANCE: &[StaffRole] = &[StaffRole::Finance, StaffRole::Admin];

/// Tells everybody of the staff who has one of `roles`, except the person who does this. The mail's
/// subject is the notice's text, and `path` is where both lead. Whoever calls this from something
/// that may run again makes sure that it is told once.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn tell_staff(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    roles: &[StaffRole],
    letter: Letter,
    path: &str,
) -> Result<()> {
    tell_staff_but(ctx, tx, roles, &[], letter, path).await
}

/// The same without the people in `but`, whom it is about.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn tell_staff_but(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    roles: &[StaffRole],
    but: &[i64],
    letter: Letter,
    path: &str,
) -> Result<()> {
    let roles = roles.iter().map(|role| role.as_str());
    let people = Entity::find()
        .filter(Column::StaffRole.is_in(roles))
        .filter(Column::DisabledAt.is_null())
        .order_by_asc(Column::Id)
        .all(tx)
        .await?;
    let letter = letter.link("Look at it", path);
    for person in people {
        if ctx.actor.person_id() == Some(person.id) || but.contains(&person.id) {
            continue;
        }
        super::tell(ctx, tx, person.id, letter.subject(), path).await?;
        mail::send(ctx, tx, &person, letter.clone()).await?;
    }
    Ok(())
}

/// Whether this is the first time that `occurrence` is told. Retries, several workers and hundreds of
/// failures of one run thereby tell it once; with the transaction that asks it is forgotten again.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn first_time(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    occurrence: String,
) -> Result<bool> {
    let row = entity::told::ActiveModel {
        id: Set(occurrence),
        told_at: Set(ctx.now()),
    };
    let written = entity::told::Entity::insert(row)
        .on_conflict(
            OnConflict::column(entity::told::Column::Id)
                .do_nothing()
                .to_owned(),
        )
        .exec_without_returning(tx)
        .await?;
    Ok(written == 1)
}
