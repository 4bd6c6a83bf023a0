//! Telling the vendor's staff at once: a notice in the portal, and the same as a mail.

use domain::partner::StaffRole;
use entity::person::{Column, Entity};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

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
    let roles = roles.iter().map(|role| role.as_str());
    let people = Entity::find()
        .filter(Column::StaffRole.is_in(roles))
        .filter(Column::DisabledAt.is_null())
        .order_by_asc(Column::Id)
        .all(tx)
        .await?;
    let letter = letter.link("Look at it", path);
    for person in people {
        if ctx.actor.person_id() == Some(person.id) {
            continue;
        }
        super::tell(ctx, tx, person.id, letter.subject(), path).await?;
        mail::send(ctx, tx, &person, letter.clone()).await?;
    }
    Ok(())
}
