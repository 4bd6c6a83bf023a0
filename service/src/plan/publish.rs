//! Publishing, taking back, and what is offered to new partners.

use chrono::{DateTime, Utc};
use domain::partner::StaffRole;
use domain::plan::{Difference, PlanRules, PlanStatus};
use entity::{member, partner, plan, plan_assignment, plan_for_type, plan_version};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, JoinType, PaginatorTrait, QueryFilter,
    QuerySelect, RelationTrait,
};

use super::draft::{offer, overtaken, record, writable};
use super::fields::refuse;
use super::{before, begins, by_id, rules_of, tier_name, version_by_id, versions};
use crate::context::Context;
use crate::db::Tx;
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
    tell(
        ctx,
        &tx,
        &plan,
        &draft,
        &rules,
        &day.format("%-d %B %Y").to_string(),
    )
    .await?;
    tx.commit().await?;
    Ok(from)
}

/// Tells the members of the partners it will pay what the version changes, in sentences.
async fn tell(
    ctx: &Context,
    tx: &Tx,
    plan: &plan::Model,
    version: &plan_version::Model,
    rules: &PlanRules,
    day: &str,
) -> Result<()> {
    let tiers = crate::program::tiers(&**tx, plan.program_id).await?;
    let all = versions(&**tx, plan.id).await?;
    let words = match before(&all, version) {
        Some(older) => {
            let older = rules_of(&older)?;
            let differences = older.differences(rules, tier_name(&tiers));
            let sentences: Vec<String> = differences.iter().map(sentence).collect();
            if sentences.is_empty() {
                return Ok(());
            }
            sentences.join(" ")
        }
        None => rules.describe(tier_name(&tiers)).join(" "),
    };
    let text = format!(
        "A new version of your plan “{}” counts from {day}. {words}",
        plan.name
    );
    let people = paid_by(&**tx, plan.id, ctx.now()).await?;
    crate::notice::tell_all(ctx, &**tx, &people, &text, "/partner/tier").await
}

/// A difference as a sentence.
fn sentence(d: &Difference) -> String {
    let bare = |text: &str| text.trim_end_matches('.').to_owned();
    match (d.before.as_str(), d.after.as_str()) {
        ("", after) => format!("New: {}: {}.", d.what, bare(after)),
        (before, "") => format!("No longer: {}: {}.", d.what, bare(before)),
        (before, after) => format!("{}: {} instead of {}.", d.what, bare(after), bare(before)),
    }
}

/// The members of active partners that are on a plan, or will be.
async fn paid_by(tx: &impl ConnectionTrait, plan_id: i64, now: DateTime<Utc>) -> Result<Vec<i64>> {
    let coming = plan_assignment::Entity::find()
        .select_only()
        .column(plan_assignment::Column::PartnerId)
        .filter(plan_assignment::Column::ToPlanId.eq(plan_id))
        .filter(plan_assignment::Column::WithdrawnAt.is_null())
        .filter(plan_assignment::Column::EffectiveFrom.gt(now))
        .into_tuple::<i64>()
        .all(tx)
        .await?;
    let mut people: Vec<i64> = member::Entity::find()
        .select_only()
        .column(member::Column::PersonId)
        .join(JoinType::InnerJoin, member::Relation::Partner.def())
        .filter(member::Column::RemovedAt.is_null())
        .filter(partner::Column::Status.eq("active"))
        .filter(
            Condition::any()
                .add(partner::Column::PlanId.eq(plan_id))
                .add(partner::Column::Id.is_in(coming)),
        )
        .into_tuple::<i64>()
        .all(tx)
        .await?;
    people.sort_unstable();
    people.dedup();
    Ok(people)
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
    let text = format!(
        "The announced version of your plan “{}” was withdrawn; what counts now goes on.",
        plan.name
    );
    let people = paid_by(&*tx, plan.id, ctx.now()).await?;
    crate::notice::tell_all(ctx, &*tx, &people, &text, "/partner/tier").await?;
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
    let usual = plan_for_type::Entity::find()
        .filter(plan_for_type::Column::PlanId.eq(plan.id))
        .count(&*tx)
        .await?;
    if usual > 0 {
        return Err(Error::conflict(
            "Some kinds of partners usually get this plan. Name another one for them first.",
        ));
    }
    // Banned partners too: what still comes in for their customers is judged by it.
    let partners = partner::Entity::find()
        .filter(partner::Column::PlanId.eq(plan.id))
        .count(&*tx)
        .await?;
    let coming = plan_assignment::Entity::find()
        .filter(plan_assignment::Column::ToPlanId.eq(plan.id))
        .filter(plan_assignment::Column::WithdrawnAt.is_null())
        .filter(plan_assignment::Column::EffectiveFrom.gt(ctx.now()))
        .count(&*tx)
        .await?;
    if coming > 0 {
        return Err(Error::conflict(format!(
            "{coming} partners are going to be moved to this plan, so it cannot be retired."
        )));
    }
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
