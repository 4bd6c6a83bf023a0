//! Publishing, taking back, and what is offered to new partners.

use chrono::{DateTime, Utc};
use domain::partner::StaffRole;
use domain::plan::PlanStatus;
use entity::{partner, plan, plan_version};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use super::draft::{offer, overtaken, record, writable};
use super::fields::refuse;
use super::{begins, by_id, rules_of, version_by_id, versions};
use crate::context::Context;
use crate::error::{Error, Result};

/// Publishes a draft from a day on: today means at once. `revision` is the draft that was looked
/// at, so that nobody publishes what somebody else has just changed.
///
/// # Errors
/// [`Error::Invalid`] at `effective_date` for a past day and for one that is not after the last
/// version's, and for rules that cannot be published; [`Error::Conflict`] when it is no draft any
/// more or was changed meanwhile; [`Error::Forbidden`] for all but admins.
pub async fn publish(
    ctx: &Context,
    version_id: i64,
    revision: i64,
    effective_date: &str,
) -> Result<DateTime<Utc>> {
    ctx.staff(StaffRole::Admin)?;
    let tx = ctx.begin().await?;
    let (draft, plan) = writable(&tx, version_id, revision).await?;
    let program = crate::program::by_id(&*tx, plan.program_id).await?;
    let zone = crate::program::zone(&program);
    let from = begins(effective_date, zone, ctx.now())
        .map_err(|sentence| Error::field("effective_date", sentence))?;
    let last = versions(&*tx, plan.id)
        .await?
        .into_iter()
        // A colleague who publishes this very draft meanwhile is found by the write below.
        .filter(|v| v.id != draft.id && v.status == PlanStatus::Published.as_str())
        .max_by_key(|v| v.effective_from)
        .filter(|last| last.effective_from >= from);
    if let Some(last) = last {
        let day = domain::calendar::local_date(last.effective_from, zone);
        return Err(Error::field(
            "effective_date",
            format!(
                "Version {} begins on {}, so both would count. Choose a later day, or withdraw that \
                 version first.",
                last.version,
                day.format("%-d %B %Y")
            ),
        ));
    }
    let rules = rules_of(&draft)?;
    refuse(rules.validate(&offer(&tx, &program).await?.known()))?;
    let published = plan_version::Entity::update_many()
        .col_expr(
            plan_version::Column::Status,
            Expr::value(PlanStatus::Published.as_str()),
        )
        .col_expr(plan_version::Column::EffectiveFrom, Expr::value(from))
        .filter(plan_version::Column::Id.eq(draft.id))
        .filter(plan_version::Column::Status.eq(PlanStatus::Draft.as_str()))
        .filter(plan_version::Column::Revision.eq(revision))
        .exec(&*tx)
        .await?;
    if published.rows_affected != 1 {
        return Err(overtaken());
    }
    let day = domain::calendar::local_date(from, zone);
    let summary = format!(
        "Version {} published; it counts from {}.",
        draft.version,
        day.format("%-d %B %Y")
    );
    record(ctx, &tx, "plan.published", &plan, summary).await?;
    tx.commit().await?;
    Ok(from)
}

/// Takes a published version back that has not begun.
///
/// # Errors
/// [`Error::Conflict`] once it counts, or when it is not published.
pub async fn withdraw(ctx: &Context, version_id: i64) -> Result<()> {
    ctx.staff(StaffRole::Admin)?;
    let tx = ctx.begin().await?;
    let version = version_by_id(&*tx, version_id).await?;
    let plan = by_id(&*tx, version.plan_id).await?;
    let status: PlanStatus = version.status.parse().map_err(Error::internal)?;
    PlanStatus::MACHINE
        .check(status, PlanStatus::Retired)
        .map_err(|refusal| Error::conflict(refusal.sentence))?;
    let back = plan_version::Entity::update_many()
        .col_expr(
            plan_version::Column::Status,
            Expr::value(PlanStatus::Retired.as_str()),
        )
        .filter(plan_version::Column::Id.eq(version.id))
        .filter(plan_version::Column::Status.eq(PlanStatus::Published.as_str()))
        .filter(plan_version::Column::EffectiveFrom.gt(ctx.now()))
        .exec(&*tx)
        .await?;
    if back.rows_affected != 1 {
        return Err(Error::conflict(
            "This version counts already. Publish another one that replaces it.",
        ));
    }
    let summary = format!("Version {} withdrawn before it began.", version.version);
    record(ctx, &tx, "plan.withdrawn", &plan, summary).await?;
    tx.commit().await?;
    Ok(())
}

/// Offers a plan no longer. What it has paid stays as it is.
///
/// # Errors
/// [`Error::Conflict`] for the plan of new partners and for one that partners are paid by.
pub async fn retire(ctx: &Context, plan_id: i64) -> Result<()> {
    ctx.staff(StaffRole::Admin)?;
    let tx = ctx.begin().await?;
    let plan = by_id(&*tx, plan_id).await?;
    if plan.is_default {
        return Err(Error::conflict(
            "New partners get this plan. Give them another one first.",
        ));
    }
    // Banned partners too: what still comes in for their customers is judged by it.
    let partners = partner::Entity::find()
        .filter(partner::Column::PlanId.eq(plan.id))
        .count(&*tx)
        .await?;
    if partners > 0 {
        return Err(Error::conflict(format!(
            "{partners} partners are paid by this plan, so it cannot be retired."
        )));
    }
    let retired = plan::Entity::update_many()
        .col_expr(plan::Column::RetiredAt, Expr::value(ctx.now()))
        .filter(plan::Column::Id.eq(plan.id))
        .filter(plan::Column::RetiredAt.is_null())
        .filter(plan::Column::IsDefault.eq(false))
        .exec(&*tx)
        .await?;
    if retired.rows_affected != 1 {
        return Err(Error::conflict("This plan is retired already."));
    }
    let summary = format!("Plan “{}” retired.", plan.name);
    record(ctx, &tx, "plan.retired", &plan, summary).await?;
    tx.commit().await?;
    Ok(())
}

/// Offers a retired plan again.
///
/// # Errors
/// [`Error::Conflict`] when it is not retired.
pub async fn reinstate(ctx: &Context, plan_id: i64) -> Result<()> {
    ctx.staff(StaffRole::Admin)?;
    let tx = ctx.begin().await?;
    let plan = by_id(&*tx, plan_id).await?;
    let back = plan::Entity::update_many()
        .col_expr(plan::Column::RetiredAt, Expr::value(None::<DateTime<Utc>>))
        .filter(plan::Column::Id.eq(plan.id))
        .filter(plan::Column::RetiredAt.is_not_null())
        .exec(&*tx)
        .await?;
    if back.rows_affected != 1 {
        return Err(Error::conflict("This plan is not retired."));
    }
    let summary = format!("Plan “{}” offered again.", plan.name);
    record(ctx, &tx, "plan.reinstated", &plan, summary).await?;
    tx.commit().await?;
    Ok(())
}

/// Gives new partners of the program this plan.
///
/// # Errors
/// [`Error::Conflict`] for a plan that is retired or of which no version counts yet.
pub async fn make_default(ctx: &Context, plan_id: i64) -> Result<()> {
    ctx.staff(StaffRole::Admin)?;
    let tx = ctx.begin().await?;
    let plan = by_id(&*tx, plan_id).await?;
    if plan.is_default {
        return Err(Error::conflict("New partners get this plan already."));
    }
    let counts = crate::program::plan_version_at(&*tx, plan.id, ctx.now()).await?;
    if plan.retired_at.is_some() || counts.is_none() {
        return Err(Error::conflict(
            "New partners can only get a plan that is offered and of which a version counts today.",
        ));
    }
    plan::Entity::update_many()
        .col_expr(plan::Column::IsDefault, Expr::value(false))
        .filter(plan::Column::ProgramId.eq(plan.program_id))
        .filter(plan::Column::IsDefault.eq(true))
        .exec(&*tx)
        .await?;
    plan::Entity::update_many()
        .col_expr(plan::Column::IsDefault, Expr::value(true))
        .filter(plan::Column::Id.eq(plan.id))
        .exec(&*tx)
        .await?;
    let summary = format!("New partners get the plan “{}”.", plan.name);
    record(ctx, &tx, "plan.made_default", &plan, summary).await?;
    tx.commit().await?;
    Ok(())
}
