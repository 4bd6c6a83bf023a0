//! Partner organisations: who they are, who belongs to them, what they have signed, and their
//! standing.

mod agreement;
mod invitation;
mod list;
mod members;
mod onboarding;
mod plan;
mod record;
mod standing;

use std::collections::HashMap;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

pub(crate) use agreement::SIGNED;
pub use agreement::{Agreement, agreement, sign};
pub use invitation::{Accepted, Invitation, accept, invitation, invitations, invite, revoke};
pub use list::{ListView, PartnerRow, list};
pub use members::{Member, change_role, leave, members, remove, take_back};
pub use onboarding::{Step, checklist};
pub use plan::{PlanForm, PlanMove, move_to_plan, plan_moves_due, withdraw_plan_move};
pub use record::{
    Profile, Record, note, of, own, record, set_earnings_visible, update, update_manager,
};
pub use standing::{ban, deactivate, lift_ban, reactivate};

use crate::context::{Actor, Context};
use crate::error::{Error, Result};

/// Whether the actor may see what the organisation earns.
///
/// # Errors
/// When the database cannot be read.
pub async fn may_see_earnings(ctx: &Context) -> Result<bool> {
    use domain::partner::MemberRole;
    match ctx.actor {
        Actor::Staff { .. } | Actor::System => Ok(true),
        Actor::Partner {
            role: MemberRole::Owner,
            ..
        } => Ok(true),
        Actor::Partner { partner_id, .. } => {
            let partner = entity::partner::Entity::find_by_id(partner_id)
                .one(ctx.reader())
                .await?;
            Ok(partner.is_some_and(|p| p.members_see_earnings))
        }
        _ => Ok(false),
    }
}

/// The names of people by id.
pub(crate) async fn names(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = i64>,
) -> Result<HashMap<i64, String>> {
    let ids: std::collections::BTreeSet<i64> = ids.into_iter().collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let people = entity::person::Entity::find()
        .filter(entity::person::Column::Id.is_in(ids))
        .all(db)
        .await?;
    Ok(people.into_iter().map(|p| (p.id, p.name)).collect())
}

/// The staff who can look after partners, by name.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor.
pub async fn managers(ctx: &Context) -> Result<Vec<(i64, String)>> {
    ctx.any_staff()?;
    use entity::person::{Column, Entity};
    let people = Entity::find()
        .filter(Column::StaffRole.is_in(["manager", "admin"]))
        .filter(Column::DisabledAt.is_null())
        .order_by_asc(Column::Name)
        .all(ctx.reader())
        .await?;
    Ok(people.into_iter().map(|p| (p.id, p.name)).collect())
}

/// The typed id, if it is that of somebody who can look after partners.
pub(crate) async fn manager(db: &impl ConnectionTrait, typed: &str) -> Result<Option<i64>> {
    let Ok(id) = typed.parse::<i64>() else {
        return Ok(None);
    };
    let person = entity::person::Entity::find_by_id(id).one(db).await?;
    let fits = |p: &entity::person::Model| {
        p.disabled_at.is_none() && matches!(p.staff_role.as_deref(), Some("manager" | "admin"))
    };
    Ok(person.filter(fits).map(|p| p.id))
}

/// A partner by id, for staff.
async fn for_staff(
    ctx: &Context,
    db: &impl ConnectionTrait,
    id: i64,
) -> Result<entity::partner::Model> {
    ctx.any_staff()?;
    entity::partner::Entity::find_by_id(id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)
}
