//! Which plan a kind of partner usually gets: what the manager who approves an application is offered
//! first.

use domain::application::PartnerType;
use domain::partner::StaffRole;
use entity::{plan, plan_for_type};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
};

use super::by_id;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::program;

/// A plan that a new partner can get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// The plan.
    pub plan: plan::Model,
    /// The kinds of partners that usually get it; where no plan names a kind, the program's default
    /// is the usual one.
    pub usual_for: Vec<PartnerType>,
}

/// The plans that new partners of a program can get now, the usual one of each kind named.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn offered(
    ctx: &Context,
    db: &impl ConnectionTrait,
    program_id: i64,
) -> Result<Vec<Offered>> {
    let rows = plan_for_type::Entity::find()
        .filter(plan_for_type::Column::ProgramId.eq(program_id))
        .all(db)
        .await?;
    let mut plans = Vec::new();
    for plan in program::plans(db, program_id).await? {
        if plan.retired_at.is_some()
            || program::plan_version_at(db, plan.id, ctx.now())
                .await?
                .is_none()
        {
            continue;
        }
        let usual_for = PartnerType::ALL.iter().copied().filter(|kind| {
            match rows.iter().find(|row| row.partner_type == kind.as_str()) {
                Some(row) => row.plan_id == plan.id,
                None => plan.is_default,
            }
        });
        plans.push(Offered {
            usual_for: usual_for.collect(),
            plan,
        });
    }
    Ok(plans)
}

/// The kinds of partners that a plan is named for, for its page.
///
/// # Errors
/// When the database cannot be read.
pub async fn usual_for(ctx: &Context, plan_id: i64) -> Result<Vec<String>> {
    ctx.any_staff()?;
    let rows = plan_for_type::Entity::find()
        .filter(plan_for_type::Column::PlanId.eq(plan_id))
        .order_by_asc(plan_for_type::Column::Id)
        .all(ctx.reader())
        .await?;
    Ok(rows.into_iter().map(|row| row.partner_type).collect())
}

/// Says which kinds of partners usually get a plan; another plan that was named for one of them no
/// longer is.
///
/// # Errors
/// [`Error::Invalid`] at `types`; [`Error::Conflict`] for a plan that is retired or of which no version
/// counts; [`Error::NotFound`], [`Error::Forbidden`] for all but admins.
pub async fn set_usual(ctx: &Context, plan_id: i64, types: &[String]) -> Result<()> {
    ctx.staff(StaffRole::Admin)?;
    let kinds = types
        .iter()
        .map(|text| text.parse::<PartnerType>())
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|_| Error::field("types", "Choose kinds from the list."))?;
    let tx = ctx.begin().await?;
    let plan = by_id(&*tx, plan_id).await?;
    let counts = program::plan_version_at(&*tx, plan.id, ctx.now()).await?;
    if !kinds.is_empty() && (plan.retired_at.is_some() || counts.is_none()) {
        return Err(Error::conflict(
            "New partners can only get a plan that is offered and of which a version counts today.",
        ));
    }
    let names: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    plan_for_type::Entity::delete_many()
        .filter(plan_for_type::Column::ProgramId.eq(plan.program_id))
        .filter(
            Condition::any()
                .add(plan_for_type::Column::PlanId.eq(plan.id))
                .add(plan_for_type::Column::PartnerType.is_in(names.iter().copied())),
        )
        .exec(&*tx)
        .await?;
    let rows: Vec<plan_for_type::ActiveModel> = names
        .iter()
        .map(|kind| plan_for_type::ActiveModel {
            program_id: Set(plan.program_id),
            partner_type: Set((*kind).to_owned()),
            plan_id: Set(plan.id),
            ..Default::default()
        })
        .collect();
    if !rows.is_empty() {
        plan_for_type::Entity::insert_many(rows)
            .exec_without_returning(&*tx)
            .await?;
    }
    let summary = match kinds.as_slice() {
        [] => format!("No kind of partner usually gets the plan “{}”.", plan.name),
        kinds => {
            let labels: Vec<String> = kinds.iter().map(|k| k.label().to_lowercase()).collect();
            format!(
                "The plan “{}” is the usual one for: {}.",
                plan.name,
                labels.join(", ")
            )
        }
    };
    Entry::new("plan.usual", "plan", plan.id, summary)
        .internal()
        .record(ctx, &*tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
