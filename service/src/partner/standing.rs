//! Deactivating, banning and coming back: who may take part.

use domain::partner::{PartnerStatus as P, StaffRole};
use domain::transition::Who;
use entity::partner::{Column, Entity};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::for_staff;
use crate::application::written;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::mail::{self, letters};
use crate::notice;

/// Pauses a partner, with the reason its owners read. Its people cannot act for it until it is
/// reactivated; what it has earned stays.
///
/// # Errors
/// [`Error::Invalid`] without a reason, [`Error::Conflict`] in another standing.
pub async fn deactivate(ctx: &Context, id: i64, reason: &str) -> Result<()> {
    change(ctx, id, P::Deactivated, Some(reason)).await
}

/// Lets a deactivated partner take part again.
///
/// # Errors
/// [`Error::Conflict`] in another standing.
pub async fn reactivate(ctx: &Context, id: i64) -> Result<()> {
    change(ctx, id, P::Active, None).await
}

/// Shuts a partner out, with the reason its owners read.
///
/// # Errors
/// [`Error::Invalid`] without a reason, [`Error::Conflict`] when it is banned already.
pub async fn ban(ctx: &Context, id: i64, reason: &str) -> Result<()> {
    change(ctx, id, P::Banned, Some(reason)).await
}

/// Lifts a ban: the partner is deactivated then, and coming back is a second decision.
///
/// # Errors
/// [`Error::Invalid`] without a reason, [`Error::Conflict`] when it is not banned.
pub async fn lift_ban(ctx: &Context, id: i64, reason: &str) -> Result<()> {
    ctx.staff(StaffRole::Manager)?;
    let partner = for_staff(ctx, ctx.reader(), id).await?;
    if partner.status != P::Banned.as_str() {
        return Err(Error::conflict("This partner is not banned."));
    }
    change(ctx, id, P::Deactivated, Some(reason)).await
}

async fn change(ctx: &Context, id: i64, to: P, reason: Option<&str>) -> Result<()> {
    ctx.staff(StaffRole::Manager)?;
    let reason = match reason {
        Some(reason) => Some(written(
            "reason",
            reason,
            "the reason; the partner reads it",
        )?),
        None => None,
    };
    let tx = ctx.begin().await?;
    let partner = for_staff(ctx, &*tx, id).await?;
    let from: P = partner.status.parse().map_err(Error::internal)?;
    P::MACHINE
        .check_by(from, to, Who::Staff)
        .map_err(|r| Error::conflict(r.sentence))?;
    let done = Entity::update_many()
        .col_expr(Column::Status, Expr::value(to.as_str()))
        .col_expr(Column::StatusReason, Expr::value(reason.clone()))
        .filter(Column::Id.eq(id))
        .filter(Column::Status.eq(from.as_str()))
        .exec(&*tx)
        .await?;
    if done.rows_affected != 1 {
        return Err(Error::conflict(
            "Somebody else has just changed this partner. Reload the page.",
        ));
    }
    let words = to.label().to_lowercase();
    let reason = reason.unwrap_or_default();
    let summary = if reason.is_empty() {
        format!("Now {words}.")
    } else {
        format!("Now {words}: {reason}")
    };
    Entry::new("partner.status_changed", "partner", id, summary)
        .partner(id)
        .detail(serde_json::json!({ "before": from, "after": to }))
        .record(ctx, &*tx)
        .await?;
    mail::send_to_owners(
        ctx,
        &*tx,
        id,
        letters::partner_status(&partner.name, &words, &reason),
    )
    .await?;
    notice::tell_partner(
        ctx,
        &*tx,
        id,
        true,
        &format!("{} is now {words}.", partner.name),
        "/organisations",
    )
    .await?;
    tx.commit().await?;
    Ok(())
}
