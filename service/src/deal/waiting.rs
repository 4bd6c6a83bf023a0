//! The waiting list of a company that is registered already: in line, and asked in turn.
//!
//! Whoever is asked has a week, for which the company is kept (`deal.offered_until`): to say so, and
//! to send the registration. Then it goes to the next in line.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::deal::DealStatus as D;
use entity::deal::{Column, Entity, Model};
use entity::{partner, protection};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QueryOrder,
    QuerySelect, RelationTrait,
};

use super::{as_system, conflict, draft, last_day, letters, note, own, status, takes_part, tell};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::program;

/// For how many days a company is kept for somebody who is asked.
const OFFER_DAYS: u32 = 7;
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
    if deal.offered_until.is_some_and(|until| until > ctx.now()) || another(&*tx, &deal).await? {
        return Err(Error::conflict(
            "You are on the waiting list for this company already.",
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

/// Whether the organisation is in line for the company with another registration.
async fn another(tx: &impl ConnectionTrait, deal: &Model) -> Result<bool> {
    let found = Entity::find()
        .filter(Column::PartnerId.eq(deal.partner_id))
        .filter(Column::AccountId.eq(deal.account_id))
        .filter(Column::Id.ne(deal.id))
        .filter(Column::WaitingSince.is_not_null())
        .one(tx)
        .await?;
    Ok(found.is_some())
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
    takes_part(&*tx, &deal).await?;
    if deal.offered_until.is_none_or(|until| until <= ctx.now()) {
        return Err(Error::conflict(
            "This company is not offered to you at the moment.",
        ));
    }
    // It stays kept for as long as it was offered, so that the registration can be written.
    leave_line(&*tx, id).await?;
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

/// Takes one out of the line, and what was offered with it.
async fn off(tx: &impl ConnectionTrait, id: i64) -> Result<()> {
    leave_line(tx, id).await?;
    keep_until(tx, id, None).await
}

async fn leave_line(tx: &impl ConnectionTrait, id: i64) -> Result<()> {
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

async fn keep_until(
    tx: &impl ConnectionTrait,
    id: i64,
    until: Option<DateTime<Utc>>,
) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::OfferedUntil, Expr::value(until))
        .filter(Column::Id.eq(id))
        .exec(tx)
        .await?;
    Ok(())
}

/// The registrations for which an account is kept at an instant because it was offered.
async fn reservations(
    db: &impl ConnectionTrait,
    account_id: i64,
    at: DateTime<Utc>,
) -> Result<Vec<Model>> {
    Ok(Entity::find()
        .filter(Column::AccountId.eq(account_id))
        .filter(Column::Status.eq(D::Duplicate.as_str()))
        .filter(Column::OfferedUntil.gt(at))
        .order_by_asc(Column::Id)
        .all(db)
        .await?)
}

/// Another partner's registration for which one of the lines is kept, because it was offered to that
/// partner.
pub(super) async fn reserved(
    db: &impl ConnectionTrait,
    account_id: i64,
    partner_id: i64,
    lines: &[i64],
    at: DateTime<Utc>,
) -> Result<Option<Model>> {
    for kept in reservations(db, account_id, at).await? {
        let of = draft::lines_of(db, kept.id).await?;
        if kept.partner_id != partner_id && of.iter().any(|line| lines.contains(line)) {
            return Ok(Some(kept));
        }
    }
    Ok(None)
}

/// Refuses to protect what is kept for another partner.
pub(super) async fn not_reserved(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    deal: &Model,
    account_id: i64,
    lines: &[i64],
) -> Result<()> {
    let kept = reserved(tx, account_id, deal.partner_id, lines, ctx.now()).await?;
    let Some(until) = kept.and_then(|kept| kept.offered_until) else {
        return Ok(());
    };
    let zone = program::zone(&program::by_id(tx, deal.program_id).await?);
    Err(Error::conflict(format!(
        "This company was offered to the next on the waiting list and is kept for that partner until \
         {}. Decide after that day, or mark this one as a duplicate.",
        last_day(until, zone)
    )))
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

/// A registration's place in line.
pub(super) async fn place(db: &impl ConnectionTrait, deal: &Model) -> Result<Option<Waiting>> {
    let (Some(since), Some(account_id)) = (deal.waiting_since, deal.account_id) else {
        return Ok(None);
    };
    let before = line(db, Some(account_id)).await?;
    let place = before.iter().position(|d| d.id == deal.id).unwrap_or(0);
    Ok(Some(Waiting {
        since,
        place: place as u64 + 1,
        offer_until: deal.offered_until,
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
    for kept in reservations(tx, account_id, ctx.now()).await? {
        taken.extend(draft::lines_of(tx, kept.id).await?);
    }
    let active = active(tx, &waiting).await?;
    for deal in &waiting {
        let wanted = draft::lines_of(tx, deal.id).await?;
        let free = wanted.iter().all(|line| !taken.contains(line));
        if !free || deal.offered_until.is_some() || !active.contains(&deal.partner_id) {
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
    let until = domain::calendar::add_days(ctx.now(), OFFER_DAYS, zone)
        .ok_or_else(|| Error::internal("no end of an offer"))?;
    keep_until(tx, deal.id, Some(until)).await?;
    let until = last_day(until, zone);
    let company = super::company(deal);
    let summary = format!("{company} is free and offered to you until {until}.");
    note(ctx, tx, deal, OFFERED, summary.as_str()).await?;
    let letter = letters::offered(company, &until, deal.id);
    tell(ctx, tx, deal, &summary, Some(letter)).await
}

/// Ends what was offered and not taken, or taken and not sent, and asks the next in line; says how
/// many.
pub(super) async fn lapse(ctx: &Context) -> Result<u64> {
    let over = Entity::find()
        .filter(Column::Status.eq(D::Duplicate.as_str()))
        .filter(Column::OfferedUntil.lte(ctx.now()))
        .order_by_asc(Column::Id)
        .all(ctx.reader())
        .await?;
    let mut lapsed = 0;
    for deal in over {
        let tx = ctx.begin().await?;
        let ended = Entity::update_many()
            .col_expr(Column::WaitingSince, Expr::value(None::<DateTime<Utc>>))
            .col_expr(Column::OfferedUntil, Expr::value(None::<DateTime<Utc>>))
            .filter(Column::Id.eq(deal.id))
            .filter(Column::OfferedUntil.lte(ctx.now()))
            .exec(&*tx)
            .await?;
        if ended.rows_affected == 0 {
            continue;
        }
        if deal.waiting_since.is_some() {
            let words = "The offer was not taken in time.";
            note(ctx, &*tx, &deal, "deal.offer_lapsed", words).await?;
        }
        tx.commit().await?;
        lapsed += 1;
    }
    move_on(ctx).await?;
    Ok(lapsed)
}

/// Offers what has become free to those in line, whatever it was that freed it.
async fn move_on(ctx: &Context) -> Result<()> {
    let waiting = line(ctx.reader(), None).await?;
    let accounts: BTreeSet<i64> = waiting.iter().filter_map(|d| d.account_id).collect();
    for account_id in accounts {
        let tx = ctx.begin().await?;
        offer_next(ctx, &*tx, account_id).await?;
        tx.commit().await?;
    }
    Ok(())
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
