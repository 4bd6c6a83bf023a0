//! More time for a protection: asked for with evidence, limited in number, decided by a person.

use chrono::{DateTime, Utc};
use domain::deal::{DealStatus as D, Protection};
use domain::partner::StaffRole;
use entity::deal::{Column as DealColumn, Entity as Deals, Model as Deal};
use entity::extension_request::{ActiveModel, Column, Entity, Model};
use entity::protection;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
};

use super::{
    last_day, letters, note, own, policy, protection_policy, review_due, status, submitted,
    takes_part, tell, tell_staff,
};
use crate::application::written;
use crate::context::Context;
use crate::error::{Error, Result, is_duplicate};
use crate::program;

/// A request for more time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// `extension_request.id`.
    pub id: i64,
    /// What has happened with the customer.
    pub evidence: String,
    /// `open`, `granted` or `refused`.
    pub status: String,
    /// Why it was refused.
    pub reason: Option<String>,
    /// When it was asked for.
    pub at: DateTime<Utc>,
    /// When it was decided.
    pub decided_at: Option<DateTime<Utc>>,
}

/// The requests of a registration, newest first.
pub(super) async fn of(db: &impl ConnectionTrait, deal_id: i64) -> Result<Vec<Extension>> {
    let rows = Entity::find()
        .filter(Column::DealId.eq(deal_id))
        .order_by_desc(Column::Id)
        .all(db)
        .await?;
    Ok(rows
        .into_iter()
        .map(|r| Extension {
            id: r.id,
            evidence: r.evidence,
            status: r.status,
            reason: r.reason,
            at: r.created_at,
            decided_at: r.decided_at,
        })
        .collect())
}

/// The protection with one extension more.
async fn extended(
    ctx: &Context,
    db: &impl ConnectionTrait,
    deal: &Deal,
    evidence: &str,
) -> Result<Protection, Error> {
    let until = deal
        .protected_until
        .filter(|_| deal.status == D::Approved.as_str());
    let Some(until) = until else {
        let words = status(deal)?.label();
        return Err(Error::conflict(format!(
            "This registration is “{words}”; only one that is protected can be extended."
        )));
    };
    let now = Protection {
        starts_at: deal.decided_at.unwrap_or(deal.created_at),
        expires_at: until,
        extensions: u32::try_from(deal.extensions_used).unwrap_or(u32::MAX),
    };
    let policy = protection_policy(&policy(ctx, db, deal).await?);
    let zone = program::zone(&program::by_id(db, deal.program_id).await?);
    now.extend(&policy, ctx.now(), evidence, zone)
        .map_err(Error::Conflict)
}

/// Asks for more time.
///
/// # Errors
/// [`Error::Invalid`] without evidence; [`Error::Conflict`] when the limit is reached, protection is
/// over, or a request is open.
pub async fn request(ctx: &Context, id: i64, typed: &str) -> Result<()> {
    let what = "what has happened with the customer lately: a meeting, an offer, a trial";
    let evidence = written("evidence", typed, what)?;
    let tx = ctx.begin().await?;
    let (.., person_id, _) = ctx.partner()?;
    let deal = own(ctx, &*tx, id).await?;
    extended(ctx, &*tx, &deal, &evidence).await?;
    Entity::insert(ActiveModel {
        deal_id: Set(id),
        person_id: Set(person_id),
        evidence: Set(evidence),
        status: Set("open".to_owned()),
        created_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_without_returning(&*tx)
    .await
    .map_err(|e| {
        if is_duplicate(&e) {
            Error::conflict("You have already asked; a manager will answer.")
        } else {
            e.into()
        }
    })?;
    note(
        ctx,
        &*tx,
        &deal,
        "deal.extension_requested",
        "Asked for more time.",
    )
    .await?;
    until_answered(ctx, &*tx, &deal).await?;
    let words = format!("More time is asked for {}.", super::company(&deal));
    tell_staff(ctx, &*tx, &deal, &words).await?;
    tx.commit().await?;
    Ok(())
}

/// The open request of a registration that was sent.
async fn open(db: &impl ConnectionTrait, deal_id: i64) -> Result<(Deal, Model)> {
    let deal = submitted(db, deal_id).await?;
    let request = Entity::find()
        .filter(Column::DealId.eq(deal_id))
        .filter(Column::Status.eq("open"))
        .one(db)
        .await?
        .ok_or_else(|| Error::conflict("No request for more time is open."))?;
    Ok((deal, request))
}

async fn decide(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    request: i64,
    to: &str,
    reason: Option<&str>,
) -> Result<()> {
    let decided = Entity::update_many()
        .col_expr(Column::Status, Expr::value(to))
        .col_expr(Column::Reason, Expr::value(reason.map(str::to_owned)))
        .col_expr(Column::DecidedBy, Expr::value(ctx.actor.person_id()))
        .col_expr(Column::DecidedAt, Expr::value(ctx.now()))
        .filter(Column::Id.eq(request))
        .filter(Column::Status.eq("open"))
        .exec(tx)
        .await?;
    if decided.rows_affected == 1 {
        return Ok(());
    }
    Err(Error::conflict(
        "Somebody else has just decided this request.",
    ))
}

/// Gives more time, by the policy the registration was judged by.
///
/// # Errors
/// [`Error::Conflict`] when nothing is asked for, or the limit is reached.
pub async fn grant(ctx: &Context, id: i64) -> Result<()> {
    ctx.staff(StaffRole::Manager)?;
    let tx = ctx.begin().await?;
    let (deal, request) = open(&*tx, id).await?;
    let until = extended(ctx, &*tx, &deal, &request.evidence)
        .await?
        .expires_at;
    takes_part(&*tx, &deal).await?;
    // The registration first, as wherever it changes: who ends it meanwhile waits, and is not waited
    // for.
    let moved = Deals::update_many()
        .col_expr(DealColumn::ProtectedUntil, Expr::value(until))
        .col_expr(
            DealColumn::ExtensionsUsed,
            Expr::value(deal.extensions_used + 1),
        )
        .col_expr(DealColumn::UpdatedAt, Expr::value(ctx.now()))
        .filter(DealColumn::Id.eq(id))
        .filter(DealColumn::Status.eq(D::Approved.as_str()))
        .filter(DealColumn::ExtensionsUsed.eq(deal.extensions_used))
        .exec(&*tx)
        .await?;
    if moved.rows_affected != 1 {
        return Err(Error::conflict(
            "The registration has changed meanwhile. Reload the page.",
        ));
    }
    guard_until(&*tx, id, until).await?;
    decide(ctx, &*tx, request.id, "granted", None).await?;
    let day = last_day(
        until,
        program::zone(&program::by_id(&*tx, deal.program_id).await?),
    );
    let summary = format!("Extended, protected until {day}.");
    note(ctx, &*tx, &deal, "deal.extended", summary).await?;
    let company = super::company(&deal);
    let letter = letters::extended(company, &day, id);
    tell(
        ctx,
        &*tx,
        &deal,
        &format!("{company} is protected until {day}."),
        Some(letter),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Gives no more time, with the reason the partner reads.
///
/// # Errors
/// [`Error::Invalid`] without a reason, [`Error::Conflict`] when nothing is asked for.
pub async fn refuse(ctx: &Context, id: i64, typed: &str) -> Result<()> {
    ctx.staff(StaffRole::Manager)?;
    let reason = written("reason", typed, "why, for the partner")?;
    let tx = ctx.begin().await?;
    let (deal, request) = open(&*tx, id).await?;
    touch(ctx, &*tx, &deal).await?;
    decide(ctx, &*tx, request.id, "refused", Some(&reason)).await?;
    note(
        ctx,
        &*tx,
        &deal,
        "deal.not_extended",
        format!("Not extended: {reason}"),
    )
    .await?;
    let company = super::company(&deal);
    let letter = letters::not_extended(company, &reason, id);
    tell(
        ctx,
        &*tx,
        &deal,
        &format!("{company} was not extended."),
        Some(letter),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Locks the registration before its request.
async fn touch(ctx: &Context, tx: &impl ConnectionTrait, deal: &Deal) -> Result<()> {
    Deals::update_many()
        .col_expr(DealColumn::UpdatedAt, Expr::value(ctx.now()))
        .filter(DealColumn::Id.eq(deal.id))
        .exec(tx)
        .await?;
    Ok(())
}

async fn guard_until(tx: &impl ConnectionTrait, id: i64, until: DateTime<Utc>) -> Result<()> {
    protection::Entity::update_many()
        .col_expr(protection::Column::ExpiresAt, Expr::value(until))
        .filter(protection::Column::DealId.eq(id))
        .filter(protection::Column::ReleasedAt.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// Nobody loses a company because the answer came late: a protection that would end before an answer
/// is due lasts until the end of the day on which it is.
async fn until_answered(ctx: &Context, tx: &impl ConnectionTrait, deal: &Deal) -> Result<()> {
    let zone = program::zone(&program::by_id(tx, deal.program_id).await?);
    let due = review_due(ctx, &policy(ctx, tx, deal).await?, zone);
    let until = domain::calendar::add_days(due, 1, zone)
        .map(|next| domain::calendar::local_date(next, zone))
        .map(|day| domain::calendar::start_of_day(day, zone));
    let Some(until) = until.filter(|until| deal.protected_until.is_some_and(|end| end < *until))
    else {
        return Ok(());
    };
    let moved = Deals::update_many()
        .col_expr(DealColumn::ProtectedUntil, Expr::value(until))
        .filter(DealColumn::Id.eq(deal.id))
        .filter(DealColumn::Status.eq(D::Approved.as_str()))
        .exec(tx)
        .await?;
    if moved.rows_affected == 1 {
        guard_until(tx, deal.id, until).await?;
        let words = format!(
            "Protected until {} meanwhile, because an answer is due by then.",
            last_day(until, zone)
        );
        note(ctx, tx, deal, "deal.kept_for_answer", words).await?;
    }
    Ok(())
}

/// A registration that ends needs no more time: what was asked is answered with that.
pub(super) async fn drop_open(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    deal_id: i64,
) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::Status, Expr::value("refused"))
        .col_expr(Column::Reason, Expr::value("The registration has ended."))
        .col_expr(Column::DecidedAt, Expr::value(ctx.now()))
        .filter(Column::DealId.eq(deal_id))
        .filter(Column::Status.eq("open"))
        .exec(tx)
        .await?;
    Ok(())
}
