//! Which plan pays a partner, and from when another one does.

use chrono::{DateTime, Utc};
use domain::partner::StaffRole;
use domain::validate;
use entity::{partner, plan, plan_assignment as moves};
use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
};

use super::for_staff;
use crate::context::Context;
use crate::error::{Error, FieldErrors, Result, is_duplicate};
use crate::event::Entry;
use crate::{notice, plan as plans, program};

/// A move to another plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanMove {
    /// `plan_assignment.id`.
    pub id: i64,
    /// The plan's name until then.
    pub from: String,
    /// The plan's name from then on.
    pub to: String,
    /// The first instant of the new plan.
    pub at: DateTime<Utc>,
    /// Why; the partner reads it.
    pub reason: String,
}

/// A move, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct PlanForm {
    /// `plan.id`.
    pub plan_id: String,
    /// The first day of the new plan, `YYYY-MM-DD` in the program's zone; today is at once.
    pub from_date: String,
    /// Why; the partner reads it.
    pub reason: String,
}

/// A partner's moves, newest first.
pub(super) async fn moves_of(db: &impl ConnectionTrait, partner_id: i64) -> Result<Vec<PlanMove>> {
    let rows = moves::Entity::find()
        .filter(moves::Column::PartnerId.eq(partner_id))
        .filter(moves::Column::WithdrawnAt.is_null())
        .order_by_desc(moves::Column::EffectiveFrom)
        .all(db)
        .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        found.push(PlanMove {
            id: row.id,
            from: name(db, row.from_plan_id).await?,
            to: name(db, row.to_plan_id).await?,
            at: row.effective_from,
            reason: row.reason,
        });
    }
    Ok(found)
}

async fn name(db: &impl ConnectionTrait, plan_id: i64) -> Result<String> {
    let plan = plan::Entity::find_by_id(plan_id).one(db).await?;
    Ok(plan.map(|p| p.name).unwrap_or_default())
}

/// Has a partner paid by another plan from a day on. What is paid before keeps its plan.
///
/// # Errors
/// [`Error::Invalid`] by field: a plan of another program, one that is no longer offered or counts
/// later, a day that is past, a missing reason; [`Error::Conflict`] while another move is scheduled;
/// [`Error::NotFound`], [`Error::Forbidden`] for all but managers.
pub async fn move_to_plan(ctx: &Context, id: i64, form: &PlanForm) -> Result<()> {
    let person = ctx.staff(StaffRole::Manager)?;
    let tx = ctx.begin().await?;
    lock(&*tx, id).await?;
    let owner = for_staff(ctx, &*tx, id).await?;
    let program = program::by_id(&*tx, owner.program_id).await?;
    let zone = program::zone(&program);
    let mut errors = FieldErrors::new();
    let reason = errors.check(
        "reason",
        validate::required(&form.reason, "the reason; the partner reads it", 500),
    );
    let from = errors.check("from_date", plans::begins(&form.from_date, zone, ctx.now()));
    let plan = offered(&*tx, &owner, &form.plan_id).await?;
    match &plan {
        None => errors.add("plan_id", "Choose a plan from the list."),
        Some(plan) if plan.id == owner.plan_id => {
            errors.add("plan_id", "This plan pays the partner already.");
        }
        Some(plan) => {
            if let Some(from) = from
                && program::plan_version_at(&*tx, plan.id, from)
                    .await?
                    .is_none()
            {
                errors.add(
                    "plan_id",
                    "No published version of this plan counts on that day. Publish one first.",
                );
            }
        }
    }
    errors.finish()?;
    let (Some(plan), Some(from), Some(reason)) = (plan, from, reason) else {
        return Err(Error::internal("checked values are missing"));
    };
    let scheduled = moves::Entity::find()
        .filter(moves::Column::PartnerId.eq(id))
        .filter(moves::Column::WithdrawnAt.is_null())
        .filter(moves::Column::EffectiveFrom.gt(ctx.now()))
        .count(&*tx)
        .await?;
    if scheduled > 0 {
        return Err(Error::conflict(
            "Another move is scheduled. Withdraw it first.",
        ));
    }
    moves::Entity::insert(moves::ActiveModel {
        partner_id: Set(id),
        from_plan_id: Set(owner.plan_id),
        to_plan_id: Set(plan.id),
        effective_from: Set(from),
        reason: Set(reason.clone()),
        decided_by: Set(Some(person)),
        created_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_without_returning(&*tx)
    .await
    .map_err(|error| {
        if is_duplicate(&error) {
            overtaken()
        } else {
            error.into()
        }
    })?;
    if from <= ctx.now() {
        take_effect(&*tx, id, owner.plan_id, plan.id).await?;
    }
    let before = name(&*tx, owner.plan_id).await?;
    let day = domain::calendar::local_date(from, zone).format("%-d %B %Y");
    let summary = format!(
        "From {day} the plan “{}” counts instead of “{before}”: {reason}",
        plan.name
    );
    Entry::new("partner.plan_changed", "partner", id, summary)
        .partner(id)
        .detail(serde_json::json!({
            "before": owner.plan_id, "after": plan.id, "from": from,
        }))
        .record(ctx, &*tx)
        .await?;
    let text = format!(
        "From {day} you are paid by the plan “{}” instead of “{before}”: {reason} {}",
        plan.name,
        plans::sentences_at(&*tx, &plan, from).await?.join(" ")
    );
    notice::tell_partner(ctx, &*tx, id, false, text.trim(), "/partner/tier").await?;
    tx.commit().await?;
    Ok(())
}

/// Takes a move back that does not count yet.
///
/// # Errors
/// [`Error::NotFound`] for a missing one, [`Error::Conflict`] once it counts or was withdrawn;
/// [`Error::Forbidden`] for all but managers.
pub async fn withdraw_plan_move(ctx: &Context, id: i64, move_id: i64) -> Result<()> {
    ctx.staff(StaffRole::Manager)?;
    let tx = ctx.begin().await?;
    for_staff(ctx, &*tx, id).await?;
    let row = moves::Entity::find_by_id(move_id)
        .filter(moves::Column::PartnerId.eq(id))
        .one(&*tx)
        .await?
        .ok_or(Error::NotFound)?;
    let back = moves::Entity::update_many()
        .col_expr(moves::Column::WithdrawnAt, Expr::value(ctx.now()))
        .filter(moves::Column::Id.eq(move_id))
        .filter(moves::Column::WithdrawnAt.is_null())
        .filter(moves::Column::EffectiveFrom.gt(ctx.now()))
        .exec(&*tx)
        .await?;
    if back.rows_affected != 1 {
        return Err(Error::conflict(
            "This move counts already, or was withdrawn. Move the partner back instead.",
        ));
    }
    let to = name(&*tx, row.to_plan_id).await?;
    let stays = name(&*tx, row.from_plan_id).await?;
    let summary = format!("The move to the plan “{to}” was withdrawn; “{stays}” goes on.");
    Entry::new("partner.plan_move_withdrawn", "partner", id, &summary)
        .partner(id)
        .record(ctx, &*tx)
        .await?;
    notice::tell_partner(ctx, &*tx, id, false, &summary, "/partner/tier").await?;
    tx.commit().await?;
    Ok(())
}

/// Lets the moves take effect whose day has come; returns how many.
///
/// # Errors
/// When the database is not available.
pub async fn plan_moves_due(ctx: &Context) -> Result<u64> {
    let tx = ctx.begin().await?;
    let rows = moves::Entity::find()
        .filter(moves::Column::WithdrawnAt.is_null())
        .filter(moves::Column::EffectiveFrom.lte(ctx.now()))
        .order_by_asc(moves::Column::EffectiveFrom)
        .all(&*tx)
        .await?;
    let mut latest = std::collections::BTreeMap::new();
    for row in rows {
        latest.insert(row.partner_id, row);
    }
    let mut done = 0;
    for (partner_id, row) in latest {
        let moved = partner::Entity::update_many()
            .col_expr(partner::Column::PlanId, Expr::value(row.to_plan_id))
            .filter(partner::Column::Id.eq(partner_id))
            .filter(partner::Column::PlanId.ne(row.to_plan_id))
            .exec(&*tx)
            .await?;
        done += moved.rows_affected;
    }
    tx.commit().await?;
    Ok(done)
}

/// Two who move the same partner do it one after the other.
async fn lock(tx: &impl ConnectionTrait, id: i64) -> Result<()> {
    if tx.get_database_backend() == DbBackend::Postgres {
        partner::Entity::find_by_id(id)
            .lock(LockType::NoKeyUpdate)
            .one(tx)
            .await?;
    }
    Ok(())
}

/// Compare-and-set of the plan that counts now.
async fn take_effect(tx: &impl ConnectionTrait, id: i64, from: i64, to: i64) -> Result<()> {
    let moved = partner::Entity::update_many()
        .col_expr(partner::Column::PlanId, Expr::value(to))
        .filter(partner::Column::Id.eq(id))
        .filter(partner::Column::PlanId.eq(from))
        .exec(tx)
        .await?;
    if moved.rows_affected == 1 {
        Ok(())
    } else {
        Err(overtaken())
    }
}

fn overtaken() -> Error {
    Error::conflict(
        "Somebody else has just moved this partner. Reload the page to see how it stands.",
    )
}

/// The plan a form names, if the partner's program offers it.
async fn offered(
    db: &impl ConnectionTrait,
    owner: &partner::Model,
    typed: &str,
) -> Result<Option<plan::Model>> {
    let Ok(id) = typed.trim().parse::<i64>() else {
        return Ok(None);
    };
    Ok(plan::Entity::find_by_id(id)
        .filter(plan::Column::ProgramId.eq(owner.program_id))
        .filter(plan::Column::RetiredAt.is_null())
        .one(db)
        .await?)
}
