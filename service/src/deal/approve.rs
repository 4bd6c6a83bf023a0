//! Approval: the company is protected for the partner from now on.

use chrono::{DateTime, Utc};
use domain::deal::{DealStatus as D, Protection};
use domain::partner::StaffRole;
use domain::validate;
use entity::deal::{Column, Model};
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::Expr;
use serde::Deserialize;

use super::{
    as_system, draft, last_day, letters, note, policy, protect as guard, protection_policy, step,
    submitted, takes_part, tell, waiting, who,
};
use crate::context::Context;
use crate::error::{Error, FieldErrors, Result};
use crate::program;

/// What an approval decides, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Approval {
    /// The last day of the protection, `YYYY-MM-DD` in the program's zone; empty is the policy's.
    pub expires: String,
    /// A line for the partner; may be empty.
    pub note: String,
}

/// Approves a registration: every product line it names is protected, or none is.
///
/// # Errors
/// [`Error::Invalid`] by field; [`Error::Conflict`] when it is not in review, or another
/// registration protects one of the lines.
pub async fn approve(ctx: &Context, id: i64, approval: &Approval) -> Result<()> {
    let reviewer = ctx.staff(StaffRole::Manager)?;
    let tx = ctx.begin().await?;
    let deal = submitted(&*tx, id).await?;
    let mut errors = FieldErrors::new();
    let words = errors.check("note", validate::optional(&approval.note, 1_000));
    let expires = match approval.expires.trim() {
        "" => None,
        typed => errors.check("expires", validate::date(typed)),
    };
    errors.finish()?;
    let zone = program::zone(&program::by_id(&*tx, deal.program_id).await?);
    // The whole last day is protected.
    let expires = expires
        .and_then(|day| day.succ_opt())
        .map(|next| domain::calendar::start_of_day(next, zone));
    protect(
        ctx,
        &*tx,
        &deal,
        Some(reviewer),
        expires,
        &words.unwrap_or_default(),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// The approval itself, by a person or by the portal.
pub(super) async fn protect(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    deal: &Model,
    reviewer: Option<i64>,
    expires: Option<DateTime<Utc>>,
    words: &str,
) -> Result<()> {
    let account_id = deal.account_id;
    takes_part(tx, deal).await?;
    // What ran out but was not swept yet must not stand in the way.
    for over in guard::overdue(tx, account_id, ctx.now()).await? {
        guard::expire(&as_system(ctx), tx, &over).await?;
    }
    let policy = policy(ctx, tx, deal).await?;
    let zone = program::zone(&program::by_id(tx, deal.program_id).await?);
    let protection = Protection::start(&protection_policy(&policy), ctx.now(), expires, zone)
        .map_err(|sentence| Error::field("expires", sentence))?;
    let until = protection.expires_at;
    let reason = (!words.is_empty()).then(|| words.to_owned());
    let mut values = vec![
        (Column::DecidedAt, Expr::value(ctx.now())),
        (Column::DecisionReason, Expr::value(reason)),
        (Column::ProtectedUntil, Expr::value(until)),
    ];
    if let Some(reviewer) = reviewer {
        values.push((Column::ReviewerId, Expr::value(reviewer)));
    }
    // First the state, which settles who of two reviewers decides.
    let deal = step(ctx, tx, deal, D::Approved, who(ctx), values).await?;
    let lines = draft::lines_of(tx, deal.id).await?;
    if let Some(account_id) = account_id {
        guard::release_ended(ctx, tx, account_id).await?;
        waiting::not_reserved(ctx, tx, &deal, account_id, &lines).await?;
    }
    guard::take(ctx, tx, &deal, &lines, until).await?;
    if let Some(account_id) = account_id {
        waiting::offer_next(ctx, tx, account_id).await?;
    }
    let day = last_day(until, zone);
    let how = if reviewer.is_some() {
        "Approved"
    } else {
        "Approved at once by the program’s rule"
    };
    let summary = if words.is_empty() {
        format!("{how}, protected until {day}.")
    } else {
        format!("{how}, protected until {day}. {words}")
    };
    note(ctx, tx, &deal, "deal.approved", summary).await?;
    let company = super::company(&deal);
    let letter = letters::approved(company, &day, words, deal.id);
    tell(
        ctx,
        tx,
        &deal,
        &format!("{company} is protected for you until {day}."),
        Some(letter),
    )
    .await
}
