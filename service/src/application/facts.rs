//! When an answer is due.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use domain::calendar::add_business_hours;
use entity::application::Model;
use sea_orm::ConnectionTrait;

use crate::context::Context;
use crate::error::Result;
use crate::program;

/// The end of `hours` business hours in the program's zone.
pub(super) fn due(from: DateTime<Utc>, hours: i64, zone: Tz) -> DateTime<Utc> {
    add_business_hours(from, u32::try_from(hours).unwrap_or(u32::MAX), zone)
}

/// When the reviewer's answer is due if the review goes on now.
pub(super) async fn review_due(
    ctx: &Context,
    db: &impl ConnectionTrait,
    application: &Model,
) -> Result<DateTime<Utc>> {
    let program = program::by_id(db, application.program_id).await?;
    let policy = program::policy_at(db, program.id, ctx.now()).await?;
    let hours = policy.application_review_hours;
    Ok(due(ctx.now(), hours, program::zone(&program)))
}
