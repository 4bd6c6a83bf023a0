//! What happens to registrations because time has passed.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use domain::deal::{DealStatus as D, Protection};
use entity::deal::{Column, Entity, Model};
use entity::{event, partner, person};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::{last_day, letters, note_internal, policy, protect, protection_policy, tell, waiting};
use crate::context::Context;
use crate::error::Result;
use crate::{mail, notice, program};

/// What the timeline calls a reminder.
const REMINDED: &str = "deal.reminded";
/// Nobody is reminded earlier than this before the end.
const FIRST_REMINDER: TimeDelta = TimeDelta::days(31);

/// Ends protections whose time is over, reminds of those that end soon, moves the waiting lists on
/// and reports late reviews. Doing it again changes nothing. Says how much it did.
///
/// # Errors
/// When the database is not available.
pub async fn daily(ctx: &Context) -> Result<u64> {
    let mut changed = 0;
    for deal in protect::overdue(ctx.reader(), None, ctx.now()).await? {
        // Each on its own: one that cannot be ended keeps nobody else waiting.
        match expire(ctx, &deal).await {
            Ok(()) => changed += 1,
            Err(error) => tracing::warn!(%error, deal = deal.id, "a protection did not end"),
        }
    }
    changed += remind(ctx).await?;
    changed += waiting::lapse(ctx).await?;
    changed += escalate(ctx).await?;
    Ok(changed)
}

async fn expire(ctx: &Context, deal: &Model) -> Result<()> {
    let tx = ctx.begin().await?;
    protect::expire(ctx, &*tx, deal).await?;
    if let Some(account_id) = deal.account_id {
        waiting::offer_next(ctx, &*tx, account_id).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn remind(ctx: &Context) -> Result<u64> {
    let ending = Entity::find()
        .filter(Column::Status.eq(D::Approved.as_str()))
        .filter(Column::ProtectedUntil.gt(ctx.now()))
        .filter(Column::ProtectedUntil.lte(ctx.now() + FIRST_REMINDER))
        .order_by_asc(Column::Id)
        .all(ctx.reader())
        .await?;
    if ending.is_empty() {
        return Ok(0);
    }
    let sent = sent(ctx, &ending).await?;
    let mut reminded = 0;
    for deal in &ending {
        let Some(until) = deal.protected_until else {
            continue;
        };
        let protection = Protection {
            starts_at: deal.decided_at.unwrap_or(deal.created_at).min(ctx.now()),
            expires_at: until,
            extensions: 0,
        };
        let rules = protection_policy(&policy(ctx, ctx.reader(), deal).await?);
        let days: Vec<u32> = sent
            .get(&deal.id)
            .into_iter()
            .flatten()
            .filter(|(of, _)| *of == until)
            .map(|(_, days)| *days)
            .collect();
        let Some(due) = protection.reminder_due(&rules, ctx.now(), &days) else {
            continue;
        };
        let tx = ctx.begin().await?;
        let zone = program::zone(&program::by_id(&*tx, deal.program_id).await?);
        let day = last_day(until, zone);
        let company = super::company(deal);
        let detail = serde_json::json!({ "until": until, "days": due });
        let words = format!("Reminded that the protection ends on {day}.");
        note_internal(ctx, &*tx, deal, REMINDED, words, detail).await?;
        let letter = letters::reminder(company, &day, deal.id);
        tell(
            ctx,
            &*tx,
            deal,
            &format!("{company} is protected until {day}."),
            Some(letter),
        )
        .await?;
        tx.commit().await?;
        reminded += 1;
    }
    Ok(reminded)
}

/// The reminders that were sent, by registration: for which end, and how many days before.
async fn sent(ctx: &Context, deals: &[Model]) -> Result<HashMap<i64, Vec<(DateTime<Utc>, u32)>>> {
    let rows = event::Entity::find()
        .filter(event::Column::SubjectType.eq("deal"))
        .filter(event::Column::Action.eq(REMINDED))
        .filter(event::Column::SubjectId.is_in(deals.iter().map(|d| d.id)))
        .all(ctx.reader())
        .await?;
    let mut sent: HashMap<i64, Vec<(DateTime<Utc>, u32)>> = HashMap::new();
    for row in rows {
        let until = row.detail.get("until").cloned().unwrap_or_default();
        let days = row.detail.get("days").cloned().unwrap_or_default();
        if let (Ok(until), Ok(days)) = (serde_json::from_value(until), serde_json::from_value(days))
        {
            sent.entry(row.subject_id).or_default().push((until, days));
        }
    }
    Ok(sent)
}

/// Tells reviewer, manager and admins of reviews that are late, once.
async fn escalate(ctx: &Context) -> Result<u64> {
    let late = Entity::find()
        .filter(Column::Status.is_in([D::Submitted.as_str(), D::InReview.as_str()]))
        .filter(Column::ReviewDueAt.lte(ctx.now()))
        .filter(Column::EscalatedAt.is_null())
        .order_by_asc(Column::ReviewDueAt)
        .all(ctx.reader())
        .await?;
    if late.is_empty() {
        return Ok(0);
    }
    let admins: Vec<i64> = person::Entity::find()
        .filter(person::Column::StaffRole.eq("admin"))
        .filter(person::Column::DisabledAt.is_null())
        .all(ctx.reader())
        .await?
        .into_iter()
        .map(|p| p.id)
        .collect();
    let mut escalated = 0;
    for deal in &late {
        let tx = ctx.begin().await?;
        let first = Entity::update_many()
            .col_expr(Column::EscalatedAt, Expr::value(ctx.now()))
            .filter(Column::Id.eq(deal.id))
            .filter(Column::Status.eq(&deal.status))
            .filter(Column::EscalatedAt.is_null())
            .exec(&*tx)
            .await?;
        if first.rows_affected == 0 {
            continue;
        }
        let partner = partner::Entity::find_by_id(deal.partner_id)
            .one(&*tx)
            .await?;
        let name = partner.as_ref().map_or("A partner", |p| &p.name);
        let company = super::company(deal);
        let text = format!("Late: the registration of {company} by {name}.");
        let manager = partner.as_ref().and_then(|p| p.manager_id);
        let people: BTreeSet<i64> = admins
            .iter()
            .copied()
            .chain(deal.reviewer_id)
            .chain(manager)
            .collect();
        for person in people {
            let link = format!("/manager/deals/{}", deal.id);
            notice::tell(ctx, &*tx, person, text.as_str(), link).await?;
            mail::send_to(ctx, &*tx, person, letters::late(company, name, deal.id)).await?;
        }
        let words = "The review is late; reviewer, manager and admins were told.";
        note_internal(
            ctx,
            &*tx,
            deal,
            "deal.escalated",
            words,
            serde_json::Value::Null,
        )
        .await?;
        tx.commit().await?;
        escalated += 1;
    }
    Ok(escalated)
}
