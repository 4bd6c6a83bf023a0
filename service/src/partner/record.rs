//! One partner, as its own people and as staff see it.

use domain::partner::{PartnerStatus, StaffRole};
use domain::validate;
use entity::partner::{Column, Entity, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use serde::Deserialize;

use super::plan::{PlanMove, moves_of};
use super::{Member, for_staff, members};
use crate::application::{Said, said, say, written};
use crate::context::{Actor, Context};
use crate::error::{Error, FieldErrors, Result};
use crate::event::{self, Entry, Line};
use crate::{notice, program};

/// A partner with what is shown around it.
#[derive(Clone, Debug)]
pub struct Record {
    /// The row.
    pub partner: Model,
    /// Standing.
    pub status: PartnerStatus,
    /// The program.
    pub program: entity::program::Model,
    /// The tier.
    pub tier: entity::tier::Model,
    /// The commission plan's name.
    pub plan: String,
    /// Moves to another plan, newest first; one may be still to come.
    pub plan_moves: Vec<PlanMove>,
    /// Plans the partner can be moved to, by id and name; empty for partners.
    pub plans: Vec<(i64, String)>,
    /// Who looks after it: id, name, address.
    pub manager: Option<(i64, String, String)>,
    /// Its people.
    pub members: Vec<Member>,
    /// The application it came from.
    pub application_id: Option<i64>,
    /// Notes of staff, oldest first; empty for partners.
    pub notes: Vec<Said>,
    /// What happened to the organisation, newest first.
    pub timeline: Vec<Line>,
}

async fn load(ctx: &Context, partner: Model, staff: bool) -> Result<Record> {
    let db = ctx.reader();
    let manager = match partner.manager_id {
        Some(id) => entity::person::Entity::find_by_id(id).one(db).await?,
        None => None,
    };
    let application = entity::application::Entity::find()
        .filter(entity::application::Column::PartnerId.eq(partner.id))
        .order_by_desc(entity::application::Column::Id)
        .one(db)
        .await?;
    let tier = entity::tier::Entity::find_by_id(partner.tier_id)
        .one(db)
        .await?;
    let plan = entity::plan::Entity::find_by_id(partner.plan_id)
        .one(db)
        .await?;
    let plans = if staff {
        program::plans(db, partner.program_id).await?
    } else {
        Vec::new()
    };
    Ok(Record {
        plan_moves: moves_of(db, partner.id).await?,
        plans: plans
            .into_iter()
            .filter(|p| p.retired_at.is_none() && p.id != partner.plan_id)
            .map(|p| (p.id, p.name))
            .collect(),
        status: partner.status.parse().map_err(Error::internal)?,
        program: program::by_id(db, partner.program_id).await?,
        tier: tier.ok_or_else(|| Error::internal("a partner without a tier"))?,
        plan: plan.map(|p| p.name).unwrap_or_default(),
        manager: manager.map(|m| (m.id, m.name, m.email)),
        members: members::of(db, partner.id).await?,
        application_id: application.map(|a| a.id),
        notes: if staff {
            said(db, "partner", partner.id, true).await?
        } else {
            Vec::new()
        },
        timeline: event::timeline(db, "partner", partner.id, staff).await?,
        partner,
    })
}

/// Any partner, for staff.
///
/// # Errors
/// [`Error::NotFound`] for a missing one and for people outside the vendor.
pub async fn record(ctx: &Context, id: i64) -> Result<Record> {
    let partner = for_staff(ctx, ctx.reader(), id).await?;
    load(ctx, partner, true).await
}

/// The organisation the actor acts for.
///
/// # Errors
/// [`Error::NotFound`] for people without one.
pub async fn own(ctx: &Context) -> Result<Record> {
    let partner = of(ctx, ctx.reader()).await?;
    load(ctx, partner, false).await
}

/// The row of the organisation the actor acts for.
///
/// # Errors
/// [`Error::NotFound`] for people without one.
pub async fn of(ctx: &Context, db: &impl ConnectionTrait) -> Result<Model> {
    let (id, ..) = ctx.partner()?;
    Entity::find_by_id(id).one(db).await?.ok_or(Error::NotFound)
}

/// What an owner, or the partner's manager, can change about the organisation; as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// The name in the portal.
    pub name: String,
    /// The name as registered.
    pub legal_name: String,
    /// Website; the registrable domain stays what it was at the approval.
    pub website: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// ISO 4217; what estimates are shown in.
    pub currency: String,
    /// `domain::application::CompanySize`.
    pub size: String,
    /// What the directory says, Markdown.
    pub profile: String,
}

/// Changes an organisation: its owner its own (`id` is then that one), staff any.
///
/// # Errors
/// [`Error::Invalid`] by field; [`Error::NotFound`] for somebody else's organisation.
pub async fn update(ctx: &Context, id: i64, typed: &Profile) -> Result<()> {
    match ctx.actor {
        Actor::Partner { partner_id, .. } if partner_id == id => {
            ctx.owner()?;
        }
        Actor::Partner { .. } => return Err(Error::NotFound),
        _ => {
            ctx.staff(StaffRole::Manager)?;
        }
    }
    let mut errors = FieldErrors::new();
    let name = errors.check(
        "name",
        validate::required(&typed.name, "the name your customers know", 120),
    );
    let legal = errors.check(
        "legal_name",
        validate::required(&typed.legal_name, "the company’s name as registered", 200),
    );
    let website = errors.check("website", validate::url(&typed.website));
    let country = errors.check("country", validate::country(&typed.country));
    let currency = typed.currency.trim().to_uppercase();
    if currency.parse::<domain::money::Currency>().is_err() {
        errors.add("currency", "Choose a currency from the list.");
    }
    if typed
        .size
        .parse::<domain::application::CompanySize>()
        .is_err()
    {
        errors.add("size", "Choose how many people work at the company.");
    }
    let profile = errors.check("profile", validate::optional(&typed.profile, 4_000));
    errors.finish()?;

    let tx = ctx.begin().await?;
    let before = Entity::find_by_id(id)
        .one(&*tx)
        .await?
        .ok_or(Error::NotFound)?;
    Entity::update_many()
        .col_expr(Column::Name, Expr::value(name.clone()))
        .col_expr(Column::LegalName, Expr::value(legal.clone()))
        .col_expr(Column::Website, Expr::value(website.clone()))
        .col_expr(Column::Country, Expr::value(country.clone()))
        .col_expr(Column::Currency, Expr::value(currency.clone()))
        .col_expr(Column::Size, Expr::value(typed.size.clone()))
        .col_expr(Column::Profile, Expr::value(profile))
        .filter(Column::Id.eq(id))
        .exec(&*tx)
        .await?;
    let detail = serde_json::json!({
        "before": { "name": before.name, "legal_name": before.legal_name, "website": before.website, "country": before.country, "currency": before.currency, "size": before.size },
        "after": { "name": name, "legal_name": legal, "website": website, "country": country, "currency": currency, "size": typed.size },
    });
    Entry::new("partner.updated", "partner", id, "Profile changed.")
        .partner(id)
        .detail(detail)
        .record(ctx, &*tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Lets members see what the organisation earns, or only owners.
///
/// # Errors
/// [`Error::Forbidden`] for members who are not owners.
pub async fn set_earnings_visible(ctx: &Context, visible: bool) -> Result<()> {
    let (partner_id, _) = ctx.owner()?;
    let tx = ctx.begin().await?;
    let done = Entity::update_many()
        .col_expr(Column::MembersSeeEarnings, Expr::value(visible))
        .filter(Column::Id.eq(partner_id))
        .filter(Column::MembersSeeEarnings.eq(!visible))
        .exec(&*tx)
        .await?;
    if done.rows_affected == 1 {
        let summary = if visible {
            "Members may see the earnings."
        } else {
            "Only owners see the earnings."
        };
        Entry::new(
            "partner.earnings_visibility",
            "partner",
            partner_id,
            summary,
        )
        .partner(partner_id)
        .record(ctx, &*tx)
        .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Gives the partner another manager, or none.
///
/// # Errors
/// [`Error::Invalid`] when it is nobody who can.
pub async fn update_manager(ctx: &Context, id: i64, typed: &str) -> Result<()> {
    let actor = ctx.staff(StaffRole::Manager)?;
    let tx = ctx.begin().await?;
    let partner = for_staff(ctx, &*tx, id).await?;
    let manager = if typed.is_empty() {
        None
    } else {
        super::manager(&*tx, typed).await?
    };
    if !typed.is_empty() && manager.is_none() {
        return Err(Error::field("manager_id", "Choose somebody from the list."));
    }
    Entity::update_many()
        .col_expr(Column::ManagerId, Expr::value(manager))
        .filter(Column::Id.eq(id))
        .exec(&*tx)
        .await?;
    let name = super::names(&*tx, manager).await?.into_values().next();
    let summary = name.map_or("No manager looks after it now.".to_owned(), |n| {
        format!("{n} looks after it now.")
    });
    Entry::new("partner.manager_changed", "partner", id, summary)
        .partner(id)
        .detail(serde_json::json!({ "before": partner.manager_id, "after": manager }))
        .record(ctx, &*tx)
        .await?;
    if let Some(manager) = manager.filter(|m| *m != actor) {
        let link = format!("/manager/partners/{id}");
        notice::tell(
            ctx,
            &*tx,
            manager,
            format!("You look after {} now.", partner.name),
            link,
        )
        .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Adds a note that never leaves the vendor.
///
/// # Errors
/// [`Error::Invalid`] for an empty one.
pub async fn note(ctx: &Context, id: i64, typed: &str) -> Result<()> {
    match ctx.staff(StaffRole::Manager) {
        Err(Error::Forbidden(_)) => ctx.staff(StaffRole::Finance)?,
        other => other?,
    };
    let text = written("comment", typed, "a note")?;
    let tx = ctx.begin().await?;
    for_staff(ctx, &*tx, id).await?;
    say(ctx, &tx, "partner", id, &text, true).await?;
    tx.commit().await?;
    Ok(())
}
