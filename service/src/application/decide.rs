//! The decision: approval makes a partner, rejection says why.

use domain::application::{ApplicationStatus as A, PartnerType, RejectReason};
use domain::partner::{MemberRole, PartnerStatus, StaffRole};
use domain::transition::Who;
use entity::application::{Column, Entity, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use serde::Deserialize;

use super::{applicant::wait, step, submitted, written};
use crate::context::Context;
use crate::db::Tx;
use crate::error::{Error, FieldErrors, Result, is_duplicate};
use crate::event::Entry;
use crate::mail::{self, letters};
use crate::{notice, program};

/// What an approval decides, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Approval {
    /// `domain::application::PartnerType`.
    pub partner_type: String,
    /// `tier.id`.
    pub tier_id: String,
    /// `plan.id`; empty for the plan that partners of the type usually get.
    pub plan_id: String,
    /// `person.id` of the manager who looks after the partner; may be empty.
    pub manager_id: String,
    /// A line for the applicant; may be empty.
    pub note: String,
}

/// Approves: makes the partner with the applicant as its owner, in the chosen tier and plan. Returns `partner.id`.
///
/// # Errors
/// [`Error::Invalid`] by field; [`Error::Conflict`] when it is not in review, or a partner with the
/// same domain exists.
pub async fn approve(ctx: &Context, id: i64, approval: &Approval) -> Result<i64> {
    let decider = ctx.staff(StaffRole::Manager)?;
    let tx = ctx.begin().await?;
    let application = submitted(&*tx, id).await?;
    let program = program::by_id(&*tx, application.program_id).await?;
    let tiers = program::tiers(&*tx, program.id).await?;

    let mut errors = FieldErrors::new();
    let kind: Option<PartnerType> = approval.partner_type.parse().ok();
    if kind.is_none() {
        errors.add("partner_type", "Choose what kind of partner this is.");
    }
    let tier = tiers.iter().find(|t| t.id.to_string() == approval.tier_id);
    if tier.is_none() {
        errors.add("tier_id", "Choose the tier the partner begins in.");
    }
    let plan = chosen_plan(ctx, &*tx, program.id, kind, &approval.plan_id).await?;
    if plan.is_none() {
        errors.add("plan_id", "Choose the plan that pays the partner.");
    }
    let manager_id = if approval.manager_id.is_empty() {
        None
    } else {
        let manager = crate::partner::manager(&*tx, &approval.manager_id).await?;
        if manager.is_none() {
            errors.add("manager_id", "Choose somebody from the list.");
        }
        manager
    };
    let note = errors
        .check("note", domain::validate::optional(&approval.note, 1_000))
        .unwrap_or_default();
    errors.finish()?;
    let (Some(kind), Some(tier), Some(plan)) = (kind, tier, plan) else {
        return Err(Error::internal("checked values are missing"));
    };

    let applicant = entity::person::Entity::find_by_id(application.person_id)
        .one(&*tx)
        .await?;
    if applicant.is_none_or(|p| p.staff_role.is_some() || p.disabled_at.is_some()) {
        return Err(Error::conflict(
            "The applicant cannot sign in any more, or is staff. Reject the application instead.",
        ));
    }

    // First the state, which settles who of two reviewers decides.
    let reason = (!note.is_empty()).then(|| note.clone());
    let values = vec![
        (Column::DecidedAt, Expr::value(ctx.now())),
        (Column::DecisionReason, Expr::value(reason)),
        (Column::ReviewerId, Expr::value(decider)),
    ];
    step(ctx, &tx, &application, A::Approved, Who::Staff, values).await?;
    let place = Place {
        kind,
        tier,
        plan: &plan,
        manager_id,
    };
    let partner = make_partner(ctx, &tx, &application, &program, &place).await?;
    Entity::update_many()
        .col_expr(Column::PartnerId, Expr::value(partner.id))
        .filter(Column::Id.eq(id))
        .exec(&*tx)
        .await?;

    let summary = format!(
        "Approved as {} in the tier {}, paid by the plan “{}”.",
        kind.label().to_lowercase(),
        tier.name,
        plan.name
    );
    let detail = serde_json::json!({
        "partner_type": kind, "tier": tier.name, "plan": plan.name, "manager_id": manager_id,
        "note": note,
    });
    Entry::new("application.approved", "application", id, summary)
        .partner(partner.id)
        .detail(detail.clone())
        .record(ctx, &*tx)
        .await?;
    Entry::new(
        "partner.created",
        "partner",
        partner.id,
        format!("Became a partner in the tier {}.", tier.name),
    )
    .partner(partner.id)
    .detail(detail)
    .record(ctx, &*tx)
    .await?;
    let letter = letters::application_approved(&program.name, &partner.name, &tier.name, &note);
    mail::send_to(ctx, &*tx, application.person_id, letter).await?;
    notice::tell(
        ctx,
        &*tx,
        application.person_id,
        format!("Welcome to {}: you are a partner now.", program.name),
        "/partner",
    )
    .await?;
    if let Some(manager) = manager_id.filter(|m| *m != decider) {
        let link = format!("/manager/partners/{}", partner.id);
        notice::tell(
            ctx,
            &*tx,
            manager,
            format!("{} is a new partner of yours.", partner.name),
            link,
        )
        .await?;
    }
    tx.commit().await?;
    Ok(partner.id)
}

/// The plan that was typed, or the usual one of the type; none where it is not offered.
async fn chosen_plan(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    program_id: i64,
    kind: Option<PartnerType>,
    typed: &str,
) -> Result<Option<entity::plan::Model>> {
    let plans = crate::plan::offered_to_new(ctx, tx, program_id).await?;
    let typed = typed.trim();
    if typed.is_empty() && plans.is_empty() {
        // A program whose plan begins to count later already has its partners.
        return Ok(Some(program::default_plan(tx, program_id).await?));
    }
    let chosen = plans.into_iter().find(|offered| match typed {
        "" => kind.is_none_or(|kind| offered.usual_for.contains(&kind)),
        typed => offered.plan.id.to_string() == typed,
    });
    Ok(chosen.map(|offered| offered.plan))
}

/// Where a new partner begins.
struct Place<'a> {
    kind: PartnerType,
    tier: &'a entity::tier::Model,
    plan: &'a entity::plan::Model,
    manager_id: Option<i64>,
}

async fn make_partner(
    ctx: &Context,
    tx: &Tx,
    application: &Model,
    program: &entity::program::Model,
    place: &Place<'_>,
) -> Result<entity::partner::Model> {
    let Place {
        kind,
        tier,
        plan,
        manager_id,
    } = *place;
    let now = ctx.now();
    let partner = entity::partner::Entity::insert(entity::partner::ActiveModel {
        program_id: Set(program.id),
        name: Set(application.legal_name.clone()),
        legal_name: Set(application.legal_name.clone()),
        website: Set(application.website.clone()),
        domain: Set(application.domain.clone()),
        country: Set(application.country.clone()),
        currency: Set(program.currency.clone()),
        partner_type: Set(kind.into()),
        size: Set(application.size.clone()),
        status: Set(PartnerStatus::Active.into()),
        tier_id: Set(tier.id),
        tier_since: Set(now),
        plan_id: Set(plan.id),
        manager_id: Set(manager_id),
        members_see_earnings: Set(true),
        profile: Set(String::new()),
        created_at: Set(now),
        ..Default::default()
    })
    .exec_with_returning(&**tx)
    .await
    .map_err(|e| {
        if is_duplicate(&e) {
            Error::conflict(format!(
                "A partner with the domain {} exists already. Reject this application and let an owner there invite the applicant.",
                application.domain
            ))
        } else {
            e.into()
        }
    })?;
    entity::member::Entity::insert(entity::member::ActiveModel {
        partner_id: Set(partner.id),
        person_id: Set(application.person_id),
        role: Set(MemberRole::Owner.into()),
        joined_at: Set(now),
        ..Default::default()
    })
    .exec_without_returning(&**tx)
    .await?;
    entity::tier_change::Entity::insert(entity::tier_change::ActiveModel {
        partner_id: Set(partner.id),
        to_tier_id: Set(tier.id),
        kind: Set("entry".to_owned()),
        explanation: Set(format!("Joined the program in the tier {}.", tier.name)),
        figures: Set(serde_json::to_value(domain::tier::Metrics::default())?),
        effective_at: Set(now),
        created_at: Set(now),
        ..Default::default()
    })
    .exec_without_returning(&**tx)
    .await?;
    Ok(partner)
}

/// Rejects, with a reason from the list and words the applicant reads.
///
/// # Errors
/// [`Error::Invalid`] by field, [`Error::Conflict`] when it is not in review.
pub async fn reject(ctx: &Context, id: i64, reason: &str, typed: &str) -> Result<()> {
    let decider = ctx.staff(StaffRole::Manager)?;
    let mut errors = FieldErrors::new();
    let reason: Option<RejectReason> = reason.parse().ok();
    if reason.is_none() {
        errors.add("reason", "Choose the reason.");
    }
    let text = match written("text", typed, "what the applicant should know") {
        Ok(text) => text,
        Err(Error::Invalid(found)) => {
            for (field, sentence) in found.0 {
                errors.add(&field, sentence);
            }
            String::new()
        }
        Err(other) => return Err(other),
    };
    errors.finish()?;
    let Some(reason) = reason else {
        return Err(Error::internal("a checked value is missing"));
    };

    let tx = ctx.begin().await?;
    let application = submitted(&*tx, id).await?;
    let program = program::by_id(&*tx, application.program_id).await?;
    let shown = format!("{}. {text}", reason.label());
    let values = vec![
        (Column::DecidedAt, Expr::value(ctx.now())),
        (Column::DecisionReason, Expr::value(shown.clone())),
        (Column::ReviewerId, Expr::value(decider)),
    ];
    step(ctx, &tx, &application, A::Rejected, Who::Staff, values).await?;
    Entry::new(
        "application.rejected",
        "application",
        id,
        format!("Rejected: {shown}"),
    )
    .detail(serde_json::json!({ "reason": reason }))
    .record(ctx, &*tx)
    .await?;
    let policy = program::policy_at(&*tx, program.id, ctx.now()).await?;
    let again = (policy.reapply_after_days > 0).then(|| {
        let day = ctx.now() + chrono::TimeDelta::days(i64::from(wait(&policy).min(36_500)));
        day.format("%-d %B %Y").to_string()
    });
    let letter = letters::application_rejected(&program.name, &shown, again.as_deref());
    mail::send_to(ctx, &*tx, application.person_id, letter).await?;
    notice::tell(
        ctx,
        &*tx,
        application.person_id,
        "Your application was decided.",
        format!("/application/{id}"),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}
