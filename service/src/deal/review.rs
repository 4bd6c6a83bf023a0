//! The reviewer's steps other than approval, and comments of both sides.

use domain::deal::{DealStatus as D, RejectReason};
use domain::partner::StaffRole;
use domain::transition::Who;
use domain::validate;
use entity::deal::{Column, Entity};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{
    letters, note, policy, review_due, status, step, submit, submitted, tell, tell_staff, to_change,
};
use crate::application::{say, written};
use crate::context::{Actor, Context};
use crate::error::{Error, FieldErrors, Result};
use crate::program;

/// Takes a registration into review: the reviewer is the one who decides. One that waits for the
/// partner's answer goes on without it.
///
/// # Errors
/// [`Error::Conflict`] when it is not waiting any more.
pub async fn take(ctx: &Context, id: i64) -> Result<()> {
    let reviewer = ctx.staff(StaffRole::Manager)?;
    let tx = ctx.begin().await?;
    let deal = submitted(&*tx, id).await?;
    let mut values = vec![(Column::ReviewerId, Expr::value(reviewer))];
    let goes_on = status(&deal)? == D::InformationRequested;
    if goes_on {
        let program = program::by_id(&*tx, deal.program_id).await?;
        let policy = policy(ctx, &*tx, &deal).await?;
        let due = review_due(ctx, &policy, program::zone(&program));
        values.push((Column::ReviewDueAt, Expr::value(due)));
        values.push((
            Column::EscalatedAt,
            Expr::value(None::<chrono::DateTime<chrono::Utc>>),
        ));
    }
    let deal = step(ctx, &*tx, &deal, D::InReview, Who::Staff, values).await?;
    let words = if goes_on {
        "Review goes on without an answer."
    } else {
        "Review begun."
    };
    note(ctx, &*tx, &deal, "deal.taken", words).await?;
    tx.commit().await?;
    Ok(())
}

/// Asks the partner for information; the review time stops until the answer.
///
/// # Errors
/// [`Error::Invalid`] for an empty question, [`Error::Conflict`] when it is not in review.
pub async fn ask(ctx: &Context, id: i64, typed: &str) -> Result<()> {
    ctx.staff(StaffRole::Manager)?;
    let text = written("question", typed, "what you would like to know")?;
    let tx = ctx.begin().await?;
    let deal = submitted(&*tx, id).await?;
    let deal = step(
        ctx,
        &*tx,
        &deal,
        D::InformationRequested,
        Who::Staff,
        vec![],
    )
    .await?;
    say(ctx, &tx, "deal", id, &text, false).await?;
    note(ctx, &*tx, &deal, "deal.asked", "Information requested.").await?;
    let company = super::company(&deal);
    let letter = letters::question(company, &text, id);
    tell(
        ctx,
        &*tx,
        &deal,
        &format!("There is a question about {company}."),
        Some(letter),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Rejects, with a reason from the list and words the partner reads.
///
/// # Errors
/// [`Error::Invalid`] by field, [`Error::Conflict`] when it is not in review.
pub async fn reject(ctx: &Context, id: i64, reason: &str, typed: &str) -> Result<()> {
    let reviewer = ctx.staff(StaffRole::Manager)?;
    let mut errors = FieldErrors::new();
    let reason = reason.parse::<RejectReason>().ok();
    if reason.is_none() {
        errors.add("reason", "Choose the reason.");
    }
    let text = errors.check(
        "text",
        validate::required(typed, "what the partner should know", 4_000),
    );
    errors.finish()?;
    let (Some(reason), Some(text)) = (reason, text) else {
        return Err(Error::internal("checked values are missing"));
    };
    let shown = format!("{}. {text}", reason.label());
    let tx = ctx.begin().await?;
    let deal = submitted(&*tx, id).await?;
    let values = vec![
        (Column::DecidedAt, Expr::value(ctx.now())),
        (Column::ClosedAt, Expr::value(ctx.now())),
        (Column::DecisionReason, Expr::value(shown.as_str())),
        (Column::ReviewerId, Expr::value(reviewer)),
    ];
    let deal = step(ctx, &*tx, &deal, D::Rejected, Who::Staff, values).await?;
    note(
        ctx,
        &*tx,
        &deal,
        "deal.rejected",
        format!("Rejected: {shown}"),
    )
    .await?;
    let company = super::company(&deal);
    let letter = letters::rejected(company, &shown, id);
    tell(
        ctx,
        &*tx,
        &deal,
        &format!("{company} was not approved."),
        Some(letter),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Marks a registration as a duplicate of another one for the same account; `typed` is added for
/// the partner, who never learns which one it is.
///
/// # Errors
/// [`Error::Invalid`] by field, [`Error::Conflict`] when it is not in review.
pub async fn duplicate(ctx: &Context, id: i64, of: &str, typed: &str) -> Result<()> {
    let reviewer = ctx.staff(StaffRole::Manager)?;
    let words = validate::optional(typed, 1_000).map_err(|e| Error::field("text", e))?;
    let tx = ctx.begin().await?;
    let deal = submitted(&*tx, id).await?;
    let other = match of.parse::<i64>() {
        Ok(of) if of != id => {
            Entity::find_by_id(of)
                .filter(Column::AccountId.eq(deal.account_id))
                .filter(Column::SubmittedAt.is_not_null())
                .one(&*tx)
                .await?
        }
        _ => None,
    };
    let Some(other) = other else {
        return Err(Error::field(
            "duplicate_of",
            "Choose a registration of the same company.",
        ));
    };
    submit::mark_duplicate(ctx, &*tx, &deal, other.id, Some(reviewer), &words).await?;
    tx.commit().await?;
    Ok(())
}

/// Adds a comment both sides read, or (staff only) an internal note.
///
/// # Errors
/// [`Error::Invalid`] for an empty one.
pub async fn comment(ctx: &Context, id: i64, typed: &str, internal: bool) -> Result<()> {
    let text = written("comment", typed, "a comment")?;
    let tx = ctx.begin().await?;
    let deal = to_change(ctx, &*tx, id).await?;
    let staff = matches!(ctx.actor, Actor::Staff { .. });
    // Only staff have notes of their own; what a partner writes is always shared.
    let internal = internal && staff;
    say(ctx, &tx, "deal", id, &text, internal).await?;
    let company = super::company(&deal);
    if staff && !internal {
        tell(
            ctx,
            &*tx,
            &deal,
            &format!("There is a comment on {company}."),
            None,
        )
        .await?;
    } else if !staff && deal.submitted_at.is_some() {
        tell_staff(
            ctx,
            &*tx,
            &deal,
            &format!("The partner commented on {company}."),
        )
        .await?;
    }
    tx.commit().await?;
    Ok(())
}
