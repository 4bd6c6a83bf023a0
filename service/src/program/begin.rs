//! Beginning a program: it has a policy, terms, a tier and a plan from its first moment, because
//! everything that happens in it is judged by them.

use domain::money::Currency;
use domain::partner::{ProgramKind, StaffRole};
use domain::plan::PlanStatus;
use domain::validate;
use entity::{plan, plan_version, policy_version, program, terms_version, tier};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::json;

use crate::context::Context;
use crate::db::Tx;
use crate::error::{Error, FieldErrors, Result};
use crate::event::Entry;

/// The accent of a program that has not chosen one.
const ACCENT: &str = "#3d5bd9";

/// What was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct BeginFields {
    /// The program's name.
    pub name: String,
    /// The vendor's name.
    pub vendor_name: String,
    /// `partner`, `customer` or `employee`.
    pub kind: String,
    /// Three letters.
    pub currency: String,
    /// IANA name.
    pub time_zone: String,
    /// One of [`crate::plan::READY_MADE`].
    pub start: String,
    /// The terms, Markdown.
    pub body: String,
}

/// Begins a program, closed to applications, with the usual policy. Gives its id.
///
/// # Errors
/// [`Error::Invalid`] by field; [`Error::Forbidden`] for all but admins.
pub async fn begin(ctx: &Context, fields: &BeginFields) -> Result<i64> {
    ctx.staff(StaffRole::Admin)?;
    let mut errors = FieldErrors::new();
    let name = errors.check("name", validate::required(&fields.name, "a name", 80));
    let vendor = validate::required(&fields.vendor_name, "the vendor’s name", 80);
    let vendor = errors.check("vendor_name", vendor).unwrap_or_default();
    let kind = fields.kind.parse::<ProgramKind>();
    let kind = errors.check("kind", kind.map_err(|_| "Choose a kind."));
    let currency = fields.currency.trim().to_uppercase().parse::<Currency>();
    let currency = errors.check("currency", currency);
    let zone = domain::calendar::zone(fields.time_zone.trim());
    let zone = zone.map_err(|_| "Enter a time zone by its name, such as Europe/Berlin.");
    errors.check("time_zone", zone);
    let body = validate::required(&fields.body, "the terms", 100_000);
    let body = errors.check("body", body).unwrap_or_default();
    let name = name.unwrap_or_default();
    let slug = domain::slug::slugify(&name);
    if !name.is_empty() && slug.is_empty() {
        errors.add("name", "Choose another name; this one makes no address.");
    }
    let tx = ctx.begin().await?;
    let same = program::Entity::find().filter(program::Column::Slug.eq(&slug));
    if same.count(&*tx).await? > 0 {
        errors.add("name", "There is a program with this name. Choose another.");
    }
    errors.finish()?;
    let (Some(kind), Some(currency)) = (kind, currency) else {
        return Err(Error::internal("checked values are missing"));
    };
    let program = program::Entity::insert(program::ActiveModel {
        slug: Set(slug),
        name: Set(name),
        vendor_name: Set(vendor),
        kind: Set(kind.into()),
        currency: Set(currency.code().to_owned()),
        time_zone: Set(fields.time_zone.trim().to_owned()),
        pitch: Set(json!({})),
        application_questions: Set(json!([])),
        deal_questions: Set(json!([])),
        open_to_applications: Set(false),
        accent: Set(ACCENT.to_owned()),
        created_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_with_returning(&*tx)
    .await?;
    terms_version::Entity::insert(terms_version::ActiveModel {
        program_id: Set(program.id),
        version: Set(1),
        effective_from: Set(ctx.now()),
        body: Set(body.replace("\r\n", "\n")),
        created_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_without_returning(&*tx)
    .await?;
    policy_version::Entity::insert(policy(ctx, program.id, currency))
        .exec_without_returning(&*tx)
        .await?;
    tier::Entity::insert(tier::ActiveModel {
        program_id: Set(program.id),
        rank: Set(1),
        name: Set("Registered".to_owned()),
        min_revenue: Set(0),
        min_customers: Set(0),
        min_won_deals: Set(0),
        min_certified: Set(0),
        benefits: Set(String::new()),
        ..Default::default()
    })
    .exec_without_returning(&*tx)
    .await?;
    first_plan(ctx, &tx, &program, &fields.start).await?;
    let summary = format!("Program “{}” begun.", program.name);
    Entry::new("program.created", "program", program.id, summary)
        .internal()
        .record(ctx, &*tx)
        .await?;
    tx.commit().await?;
    Ok(program.id)
}

/// The policy most programs start with; amounts are whole units of the program's currency.
fn policy(ctx: &Context, program_id: i64, currency: Currency) -> policy_version::ActiveModel {
    policy_version::ActiveModel {
        program_id: Set(program_id),
        version: Set(1),
        effective_from: Set(ctx.now()),
        attribution_days: Set(90),
        protection_days: Set(90),
        extension_days: Set(30),
        extensions_allowed: Set(2),
        hold_days: Set(30),
        clawback_days: Set(90),
        payout_minimum: Set(50 * currency.scale()),
        payout_day: Set(5),
        second_approval_above: Set(50_000 * currency.scale()),
        deal_review_hours: Set(16), // two business days of eight hours
        application_review_hours: Set(40),
        reapply_after_days: Set(90),
        auto_approve_below: Set(None),
        auto_approve_min_tier: Set(None),
        countries: Set(json!([])),
        tier_grace_days: Set(90),
        created_at: Set(ctx.now()),
        ..Default::default()
    }
}

/// The plan that new partners get.
async fn first_plan(ctx: &Context, tx: &Tx, program: &program::Model, start: &str) -> Result<()> {
    if start.is_empty() {
        return Err(Error::field("start", "Choose one of the plans."));
    }
    let rules = crate::plan::ready_made(tx, program, start).await?;
    let name = crate::plan::READY_MADE.iter().find(|r| r.key == start);
    let plan = plan::Entity::insert(plan::ActiveModel {
        program_id: Set(program.id),
        name: Set(name.map_or(start, |r| r.name).to_owned()),
        is_default: Set(true),
        created_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_with_returning(&**tx)
    .await?;
    plan_version::Entity::insert(plan_version::ActiveModel {
        plan_id: Set(plan.id),
        version: Set(1),
        status: Set(PlanStatus::Published.as_str().to_owned()),
        effective_from: Set(ctx.now()),
        rules: Set(serde_json::to_value(rules)?),
        created_by: Set(ctx.actor.person_id()),
        created_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_without_returning(&**tx)
    .await?;
    Ok(())
}
