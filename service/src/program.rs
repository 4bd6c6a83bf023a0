//! Programs and what was in force when: terms, policies, tiers and commission plans.
//!
//! All of them are versioned by the date from which they count. A change counts for what happens
//! after it; every record keeps the id of the version it was judged by.

mod begin;
mod edit;
pub mod limit;
mod lines;
mod policy;
mod terms;
mod tiers;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use entity::{plan, plan_version, policy_version, product_line, program, terms_version, tier};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::error::{Error, Result};

pub use begin::{BeginFields, begin};
pub use edit::{ProgramFields, change, record, require_courses};
pub use lines::{Line, LineFields, add_line, change_line, lines};
pub(crate) use policy::MOST_CHURN_DAYS;
pub use policy::{
    HOLDS, PolicyFields, SETTINGS, Setting, Value, countries, new_policy, policies, values,
    withdraw_policy,
};
pub use terms::{TermsFields, all_terms, new_terms, text_differences};
pub(crate) use tiers::try_tiers;
pub use tiers::{TierFields, add_tier, change_tier, remove_tier};

/// One program by its id.
///
/// # Errors
/// [`Error::NotFound`] where there is none.
pub async fn by_id(db: &impl ConnectionTrait, id: i64) -> Result<program::Model> {
    program::Entity::find_by_id(id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)
}

/// One program by the word in its public address.
///
/// # Errors
/// [`Error::NotFound`] where there is none.
pub async fn by_slug(db: &impl ConnectionTrait, slug: &str) -> Result<program::Model> {
    program::Entity::find()
        .filter(program::Column::Slug.eq(slug))
        .one(db)
        .await?
        .ok_or(Error::NotFound)
}

/// Every program, oldest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn all(db: &impl ConnectionTrait) -> Result<Vec<program::Model>> {
    Ok(program::Entity::find()
        .order_by_asc(program::Column::Id)
        .all(db)
        .await?)
}

/// The zone in which a program counts months, quarters and business hours.
pub fn zone(program: &program::Model) -> Tz {
    program.time_zone.parse().unwrap_or(Tz::UTC)
}

/// The policy in force at an instant.
///
/// # Errors
/// [`Error::Internal`] where the program has none yet: a program is made with its first policy.
pub async fn policy_at(
    db: &impl ConnectionTrait,
    program_id: i64,
    at: DateTime<Utc>,
) -> Result<policy_version::Model> {
    policy_version::Entity::find()
        .filter(policy_version::Column::ProgramId.eq(program_id))
        .filter(policy_version::Column::EffectiveFrom.lte(at))
        .order_by_desc(policy_version::Column::EffectiveFrom)
        .order_by_desc(policy_version::Column::Version)
        .one(db)
        .await?
        .ok_or_else(|| Error::Internal(format!("program {program_id} has no policy at {at}")))
}

/// The terms in force at an instant.
///
/// # Errors
/// [`Error::Internal`] where the program has none yet.
pub async fn terms_at(
    db: &impl ConnectionTrait,
    program_id: i64,
    at: DateTime<Utc>,
) -> Result<terms_version::Model> {
    terms_version::Entity::find()
        .filter(terms_version::Column::ProgramId.eq(program_id))
        .filter(terms_version::Column::EffectiveFrom.lte(at))
        .order_by_desc(terms_version::Column::EffectiveFrom)
        .order_by_desc(terms_version::Column::Version)
        .one(db)
        .await?
        .ok_or_else(|| Error::Internal(format!("program {program_id} has no terms at {at}")))
}

/// The program's tiers, lowest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn tiers(db: &impl ConnectionTrait, program_id: i64) -> Result<Vec<tier::Model>> {
    Ok(tier::Entity::find()
        .filter(tier::Column::ProgramId.eq(program_id))
        .order_by_asc(tier::Column::Rank)
        .all(db)
        .await?)
}

/// What the program sells, by name.
///
/// # Errors
/// When the database cannot be read.
pub async fn product_lines(
    db: &impl ConnectionTrait,
    program_id: i64,
) -> Result<Vec<product_line::Model>> {
    Ok(product_line::Entity::find()
        .filter(product_line::Column::ProgramId.eq(program_id))
        .order_by_asc(product_line::Column::Name)
        .all(db)
        .await?)
}

/// The plan that new partners get.
///
/// # Errors
/// [`Error::Internal`] where the program has none.
pub async fn default_plan(db: &impl ConnectionTrait, program_id: i64) -> Result<plan::Model> {
    plan::Entity::find()
        .filter(plan::Column::ProgramId.eq(program_id))
        .filter(plan::Column::IsDefault.eq(true))
        .one(db)
        .await?
        .ok_or_else(|| Error::Internal(format!("program {program_id} has no default plan")))
}

/// The program's plans, by name.
///
/// # Errors
/// When the database cannot be read.
pub async fn plans(db: &impl ConnectionTrait, program_id: i64) -> Result<Vec<plan::Model>> {
    Ok(plan::Entity::find()
        .filter(plan::Column::ProgramId.eq(program_id))
        .order_by_asc(plan::Column::Name)
        .all(db)
        .await?)
}

/// The version of a plan that counts for what happens at an instant; none before its first.
///
/// # Errors
/// When the database cannot be read.
pub async fn plan_version_at(
    db: &impl ConnectionTrait,
    plan_id: i64,
    at: DateTime<Utc>,
) -> Result<Option<plan_version::Model>> {
    Ok(plan_version::Entity::find()
        .filter(plan_version::Column::PlanId.eq(plan_id))
        .filter(plan_version::Column::Status.eq("published"))
        .filter(plan_version::Column::EffectiveFrom.lte(at))
        .order_by_desc(plan_version::Column::EffectiveFrom)
        .order_by_desc(plan_version::Column::Version)
        .one(db)
        .await?)
}

/// A day that is after the newest version's, so that never two count.
///
/// # Errors
/// [`Error::Invalid`] at `effective_date`.
fn later(
    day: std::result::Result<DateTime<Utc>, String>,
    last: i64,
    last_from: DateTime<Utc>,
    zone: Tz,
) -> Result<DateTime<Utc>> {
    let from = day.map_err(|sentence| Error::field("effective_date", sentence))?;
    if from > last_from {
        return Ok(from);
    }
    let day = domain::calendar::local_date(last_from, zone);
    Err(Error::field(
        "effective_date",
        format!(
            "Version {last} begins on {}, so both would count. Choose a later day.",
            day.format("%-d %B %Y")
        ),
    ))
}

/// Somebody else was faster.
fn overtaken() -> Error {
    Error::conflict(
        "Somebody else has made a newer version meanwhile. Look at it, and do yours again.",
    )
}
