//! The waiting list of a company that is registered already: in line, and asked in turn.
//!
//! Being asked is a row of the timeline; it counts for a week and then goes to the next in line.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use domain::deal::DealStatus as D;
use entity::deal::{Column, Entity, Model};
use entity::{event, partner, protection};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QueryOrder,
    QuerySelect, RelationTrait,
};

use super::{as_system, conflict, draft, last_day, letters, note, own, status, tell};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::program;

/// How long somebody who is asked may think about it.
const OFFER: TimeDelta = TimeDelta::days(7);
/// What the timeline calls being asked.
const OFFERED: &str = "deal.offered";

/// A place in line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Since when.
    pub since: DateTime<Utc>,
    /// Who is before, and this one: 1 is next.
    pub place: u64,
    /// Until when it may be taken; none while it is not free.
    pub offer_until: Option<DateTime<Utc>>,
}

/// Joins the waiting list.
///
/// # Errors
/// [`Error::Conflict`] for what is no duplicate, or is in line already.
pub async fn join(ctx: &Context, id: i64) -> Result<()> {
    let tx = ctx.begin().await?;
    let deal = own(ctx, &*tx, id).await?;
    if status(&deal)? != D::Duplicate {
        return Err(Error::conflict(
            "There is a waiting list for duplicates only.",
        ));
    }
    let joined = Entity::update_many()
        .col_expr(Column::WaitingSince, Expr::value(ctx.now()))
        .filter(Column::Id.eq(id))
        .filter(Column::WaitingSince.is_null())
        .exec(&*tx)
        .await?;
    if joined.rows_affected == 0 {
        return Err(Error::conflict("You are on the waiting list already."));
    }
    note(ctx, &*tx, &deal, "deal.waiting", "Joined the waiting list.").await?;
    // It may have become free meanwhile.
    if let Some(account_id) = deal.account_id {
        offer_next(ctx, &*tx, account_id).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Leaves the waiting list; when the company was offered, the next in line is asked.
///
/// # Errors
/// [`Error::Conflict`] for somebody who is not in line.
pub async fn leave(ctx: &Context, id: i64) -> Result<()> {
    let tx = ctx.begin().await?;
    let deal = own(ctx, &*tx, id).await?;
    off(&*tx, id).await?;
    note(
        ctx,
        &*tx,
        &deal,
        "deal.left_waiting",
        "Left the waiting list.",
    )
    .await?;
    if let Some(account_id) = deal.account_id {
        offer_next(ctx, &*tx, account_id).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Takes the offer: a new draft like the duplicate, ready to be sent. Returns its id.
///
/// # Errors
/// [`Error::Conflict`] when nothing is offered, or not any more.
pub async fn accept(ctx: &Context, id: i64) -> Result<i64> {
    let tx = ctx.begin().await?;
    let deal = own(ctx, &*tx, id).await?;
    let offers = offers(&*tx, std::slice::from_ref(&deal)).await?;
    if offers.get(&id).is_none_or(|until| *until <= ctx.now()) {
        return Err(Error::conflict(
            "This company is not offered to you at the moment.",
        ));
    }
    off(&*tx, id).await?;
    note(
        ctx,
        &*tx,
        &deal,
        "deal.offer_taken",
        "Took the offer and registered anew.",
    )
    .await?;
    let copied = draft::copy(ctx, &*tx, &deal).await?;
    tx.commit().await?;
    Ok(copied)
}

async fn off(tx: &impl ConnectionTrait, id: i64) -> Result<()> {
    let left = Entity::update_many()
        .col_expr(Column::WaitingSince, Expr::value(None::<DateTime<Utc>>))
        .filter(Column::Id.eq(id))
        .filter(Column::WaitingSince.is_not_null())
        .exec(tx)
        .await?;
    if left.rows_affected == 0 {
        return Err(Error::conflict("You are not on the waiting list."));
    }
    Ok(())
}

/// Those in line for an account, the first one first; for all accounts when none is named.
async fn line(db: &impl ConnectionTrait, account_id: Option<i64>) -> Result<Vec<Model>> {
    let mut which = Condition::all()
        .add(Column::Status.eq(D::Duplicate.as_str()))
        .add(Column::WaitingSince.is_not_null());
    if let Some(account) = account_id {
        which = which.add(Column::AccountId.eq(account));
    }
    Ok(Entity::find()
        .filter(which)
        .order_by_asc(Column::WaitingSince)
        .order_by_asc(Column::Id)
        .all(db)
        .await?)
}

/// Until when each of those in line may take what they were offered. Asked before they joined anew
/// does not count.
async fn offers(
    db: &impl ConnectionTrait,
    waiting: &[Model],
) -> Result<HashMap<i64, DateTime<Utc>>> {
    let rows = event::Entity::find()
        .filter(event::Column::SubjectType.eq("deal"))
        .filter(event::Column::SubjectId.is_in(waiting.iter().map(|d| d.id)))
        .filter(event::Column::Action.eq(OFFERED))
        .order_by_asc(event::Column::Id)
        .all(db)
        .await?;
    let mut found = HashMap::new();
    for row in rows {
        let since = waiting
            .iter()
            .find(|d| d.id == row.subject_id)
            .and_then(|d| d.waiting_since);
        if since.is_some_and(|since| row.at >= since) {
            found.insert(row.subject_id, row.at + OFFER);
        }
    }
    Ok(found)
}

/// A registration's place in line.
pub(super) async fn place(db: &impl ConnectionTrait, deal: &Model) -> Result<Option<Waiting>> {
    let (Some(since), Some(account_id)) = (deal.waiting_since, deal.account_id) else {
        return Ok(None);
    };
    let before = line(db, Some(account_id)).await?;
    let place = before.iter().position(|d| d.id == deal.id).unwrap_or(0);
    let offers = offers(db, std::slice::from_ref(deal)).await?;
    Ok(Some(Waiting {
        since,
        place: place as u64 + 1,
        offer_until: offers.get(&deal.id).copied(),
    }))
}

/// Offers an account's free product lines to those who wait for them, in turn. Nothing is offered
/// twice at the same time.
pub(super) async fn offer_next(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    account_id: i64,
) -> Result<()> {
    let waiting = line(tx, Some(account_id)).await?;
    if waiting.is_empty() {
        return Ok(());
    }
    let held: Vec<i64> = protection::Entity::find()
        .select_only()
        .column(protection::Column::ProductLineId)
        .filter(conflict::holding(account_id, ctx.now()))
        .into_tuple()
        .all(tx)
        .await?;
    let mut taken: BTreeSet<i64> = held.into_iter().collect();
    let offers = offers(tx, &waiting).await?;
    let mut lines = HashMap::new();
    for deal in &waiting {
        let wanted = draft::lines_of(tx, deal.id).await?;
        if offers.contains_key(&deal.id) {
            taken.extend(wanted.iter().copied());
        }
        lines.insert(deal.id, wanted);
    }
    let active = active(tx, &waiting).await?;
    for deal in &waiting {
        let wanted = &lines[&deal.id];
        let free = wanted.iter().all(|line| !taken.contains(line));
        if !free || offers.contains_key(&deal.id) || !active.contains(&deal.partner_id) {
            continue;
        }
        taken.extend(wanted.iter().copied());
        offer(&as_system(ctx), tx, deal).await?;
    }
    Ok(())
}

/// Those of the partners in line that take part.
async fn active(db: &impl ConnectionTrait, waiting: &[Model]) -> Result<BTreeSet<i64>> {
    let ids: Vec<i64> = partner::Entity::find()
        .select_only()
        .column(partner::Column::Id)
        .filter(partner::Column::Id.is_in(waiting.iter().map(|d| d.partner_id)))
        .filter(partner::Column::Status.eq("active"))
        .into_tuple()
        .all(db)
        .await?;
    Ok(ids.into_iter().collect())
}

async fn offer(ctx: &Context, tx: &impl ConnectionTrait, deal: &Model) -> Result<()> {
    let zone = program::zone(&program::by_id(tx, deal.program_id).await?);
    let until = last_day(ctx.now() + OFFER, zone);
    let company = super::company(deal);
    let summary = format!("{company} is free and offered to you until {until}.");
    note(ctx, tx, deal, OFFERED, summary.as_str()).await?;
    let letter = letters::offered(company, &until, deal.id);
    tell(ctx, tx, deal, &summary, Some(letter)).await
}

/// Takes those off the list who let their offer pass, and asks the next; says how many.
pub(super) async fn lapse(ctx: &Context) -> Result<u64> {
    let waiting = line(ctx.reader(), None).await?;
    let offers = offers(ctx.reader(), &waiting).await?;
    let mut lapsed = 0;
    for deal in waiting
        .iter()
        .filter(|d| offers.get(&d.id).is_some_and(|u| *u <= ctx.now()))
    {
        let tx = ctx.begin().await?;
        if off(&*tx, deal.id).await.is_err() {
            continue;
        }
        note(
            ctx,
            &*tx,
            deal,
            "deal.offer_lapsed",
            "The offer was not taken in time.",
        )
        .await?;
        if let Some(account_id) = deal.account_id {
            offer_next(ctx, &*tx, account_id).await?;
        }
        tx.commit().await?;
        lapsed += 1;
    }
    Ok(lapsed)
}

/// How many wait for each account.
pub(super) async fn in_line(
    db: &impl ConnectionTrait,
    account_id: i64,
) -> Result<Vec<(i64, String)>> {
    Ok(Entity::find()
        .join(JoinType::InnerJoin, entity::deal::Relation::Partner.def())
        .select_only()
        .column(Column::Id)
        .column(partner::Column::Name)
        .filter(Column::AccountId.eq(account_id))
        .filter(Column::Status.eq(D::Duplicate.as_str()))
        .filter(Column::WaitingSince.is_not_null())
        .order_by_asc(Column::WaitingSince)
        .order_by_asc(Column::Id)
        .into_tuple()
        .all(db)
        .await?)
}
