//! What a registration earns by itself: for being won, and for a meeting that met the criteria. And
//! what becomes of it when that is undone.

use chrono::{DateTime, NaiveDate, Utc};
use domain::calendar;
use domain::deal::DealStatus as D;
use domain::money::{Currency, Money};
use domain::partner::StaffRole;
use domain::plan::Trigger;
use domain::validate;
use entity::deal::{Column, Entity, Model};
use entity::{attribution, commission, deal_meeting};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter,
};

use super::{company, note, note_internal, status, submitted, tell};
use crate::application::written;
use crate::commission::bookings::Bookings;
use crate::commission::deal::{Batch, Earned, Occasion, earn};
use crate::commission::take_back::{Undo, take_back};
use crate::context::Context;
use crate::error::{Error, FieldErrors, Result, is_duplicate};
use crate::program;

/// A meeting that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meeting {
    /// `deal_meeting.id`.
    pub id: i64,
    /// The day, in the program's zone.
    pub held_on: NaiveDate,
    /// What was met.
    pub note: String,
    /// Who marked it.
    pub by: String,
    /// When it was marked.
    pub at: DateTime<Utc>,
}

/// A meeting, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct MeetingForm {
    /// `YYYY-MM-DD` in the program's zone.
    pub held_on: String,
    /// What was met; the partner reads it.
    pub note: String,
}

/// The meeting that counts for a registration.
pub(super) async fn meeting(db: &impl ConnectionTrait, deal_id: i64) -> Result<Option<Meeting>> {
    let Some(row) = live(db, deal_id).await? else {
        return Ok(None);
    };
    let names = crate::partner::names(db, [row.qualified_by]).await?;
    Ok(Some(Meeting {
        id: row.id,
        held_on: row.held_on,
        note: row.note,
        by: names.into_values().next().unwrap_or_default(),
        at: row.qualified_at,
    }))
}

async fn live(db: &impl ConnectionTrait, deal_id: i64) -> Result<Option<deal_meeting::Model>> {
    Ok(deal_meeting::Entity::find()
        .filter(deal_meeting::Column::DealId.eq(deal_id))
        .filter(deal_meeting::Column::UndoneAt.is_null())
        .one(db)
        .await?)
}

/// What a registration has earned by itself, oldest first, with the partners' names.
pub(super) async fn rewards(
    db: &impl ConnectionTrait,
    deal_id: i64,
) -> Result<Vec<(commission::Model, String)>> {
    use sea_orm::QueryOrder;
    let rows = commission::Entity::find()
        .filter(commission::Column::DealId.eq(deal_id))
        .filter(commission::Column::InvoiceId.is_null())
        .order_by_asc(commission::Column::Id)
        .all(db)
        .await?;
    let names = super::partner_names(db, rows.iter().map(|c| c.partner_id)).await?;
    Ok(rows
        .into_iter()
        .map(|c| {
            let name = names.get(&c.partner_id).cloned().unwrap_or_default();
            (c, name)
        })
        .collect())
}

/// What a won registration earns by itself, for the caller to book. `batch` is what it is part of.
///
/// # Errors
/// When the database refuses, or the plan cannot be read.
pub(crate) async fn reward(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    batch: &Batch<'_>,
    deal: &Model,
) -> Result<Bookings> {
    let occasion = Occasion {
        deal,
        trigger: Trigger::DealWon,
        at: deal.closed_at.unwrap_or(ctx.now()),
        value: deal.confirmed_value,
        cause: cause(deal),
        words: format!("the won deal with {}", company(deal)),
    };
    let earned = earn(ctx, tx, batch, &occasion).await?;
    say(ctx, tx, deal, &earned, "the won deal").await?;
    Ok(earned.bookings)
}

fn cause(deal: &Model) -> String {
    format!("won:{}", deal.id)
}

/// Puts on the timeline why nothing is earned; about other partners for the vendor only.
async fn say(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    deal: &Model,
    earned: &Earned,
    what: &str,
) -> Result<()> {
    for (partner, why) in &earned.nothing {
        let words = format!("No commission for {what}. {why}");
        if *partner == deal.partner_id {
            note(ctx, tx, deal, "deal.earned_nothing", words).await?;
        } else {
            let detail = serde_json::json!({ "partner_id": partner });
            note_internal(ctx, tx, deal, "deal.earned_nothing", words, detail).await?;
        }
    }
    Ok(())
}

/// Confirms what a won customer pays in its first year, once: what the partner typed pays nothing,
/// this does where its plan says so.
///
/// # Errors
/// [`Error::Invalid`] at `value`; [`Error::Conflict`] for a registration that is not won, and once a
/// value is confirmed; [`Error::NotFound`], [`Error::Forbidden`] for all but managers.
pub async fn confirm_value(ctx: &Context, id: i64, typed: &str) -> Result<()> {
    ctx.staff(StaffRole::Manager)?;
    let tx = ctx.begin().await?;
    let deal = submitted(&*tx, id).await?;
    let currency: Currency = deal.currency.parse().map_err(Error::internal)?;
    let value = Money::parse(typed, currency).map_err(|e| Error::field("value", e.to_string()))?;
    if value.minor <= 0 {
        return Err(Error::field("value", "Enter an amount above zero."));
    }
    let set = Entity::update_many()
        .col_expr(Column::ConfirmedValue, Expr::value(value.minor))
        .col_expr(Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(Column::Id.eq(id))
        .filter(Column::Status.eq(D::Won.as_str()))
        .filter(Column::ConfirmedValue.is_null())
        .exec(&*tx)
        .await?;
    if set.rows_affected != 1 {
        return Err(Error::conflict(match status(&deal)? {
            D::Won => "Its first-year value is confirmed already.".to_owned(),
            state => format!(
                "This registration is “{}”; its value is confirmed once it is won.",
                state.label()
            ),
        }));
    }
    let deal = Model {
        confirmed_value: Some(value.minor),
        ..deal
    };
    let summary = format!("First-year value confirmed: {}.", value.format("en"));
    note(ctx, &*tx, &deal, "deal.value_confirmed", summary).await?;
    let bookings = reward(ctx, &*tx, &Batch::default(), &deal).await?;
    bookings.book(ctx, &*tx).await?;
    tx.commit().await?;
    Ok(())
}

/// Marks the registration's meeting as qualified, once, and books what it earns.
///
/// # Errors
/// [`Error::Invalid`] by field; [`Error::Conflict`] for a registration that is neither approved nor
/// won and when a meeting counts already; [`Error::NotFound`], [`Error::Forbidden`] for all but
/// managers.
pub async fn qualify(ctx: &Context, id: i64, form: &MeetingForm) -> Result<()> {
    let person = ctx.staff(StaffRole::Manager)?;
    let tx = ctx.begin().await?;
    let deal = submitted(&*tx, id).await?;
    let state = status(&deal)?;
    if !state.is_protected() {
        return Err(Error::conflict(format!(
            "This registration is “{}”. A meeting counts for approved and won ones.",
            state.label()
        )));
    }
    let zone = program::zone(&program::by_id(&*tx, deal.program_id).await?);
    let today = calendar::local_date(ctx.now(), zone);
    let sent = deal.submitted_at.unwrap_or(deal.created_at);
    let mut errors = FieldErrors::new();
    let words = errors.check(
        "note",
        validate::required(&form.note, "what was met, for the partner", 1_000),
    );
    let held_on = errors.check("held_on", validate::date(&form.held_on));
    match held_on {
        Some(day) if day > today => errors.add(
            "held_on",
            "This day has not come yet. Mark the meeting once it was held.",
        ),
        Some(day) if day < calendar::local_date(sent, zone) => errors.add(
            "held_on",
            "The registration was sent after this day. Only a meeting of a registered deal counts.",
        ),
        _ => {}
    }
    errors.finish()?;
    let (Some(words), Some(held_on)) = (words, held_on) else {
        return Err(Error::internal("checked values are missing"));
    };
    let row = deal_meeting::Entity::insert(deal_meeting::ActiveModel {
        deal_id: Set(id),
        held_on: Set(held_on),
        note: Set(words.clone()),
        qualified_by: Set(person),
        qualified_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_with_returning(&*tx)
    .await
    .map_err(|error| {
        if is_duplicate(&error) {
            Error::conflict("A meeting of this deal counts already.")
        } else {
            error.into()
        }
    })?;
    let day = held_on.format("%-d %B %Y");
    note(
        ctx,
        &*tx,
        &deal,
        "deal.meeting_qualified",
        format!("The meeting of {day} is qualified: {words}"),
    )
    .await?;
    let at = if held_on == today {
        ctx.now()
    } else {
        Ord::max(calendar::start_of_day(held_on, zone), sent)
    };
    let occasion = Occasion {
        deal: &deal,
        trigger: Trigger::QualifiedMeeting,
        at,
        value: None,
        cause: format!("meeting:{}", row.id),
        words: format!("the qualified meeting with {}", company(&deal)),
    };
    let earned = earn(ctx, &*tx, &Batch::default(), &occasion).await?;
    say(ctx, &*tx, &deal, &earned, "the meeting").await?;
    let text = format!("Your meeting with {} is qualified.", company(&deal));
    tell(ctx, &*tx, &deal, &text, None).await?;
    earned.bookings.book(ctx, &*tx).await?;
    tx.commit().await?;
    Ok(())
}

/// Takes it back that a meeting was qualified, with what it earned, while that is not paid.
///
/// # Errors
/// [`Error::Invalid`] without a reason; [`Error::Conflict`] when no meeting counts, and when its
/// commission is in a payout or paid; [`Error::NotFound`], [`Error::Forbidden`] for all but managers.
pub async fn unqualify(ctx: &Context, id: i64, typed: &str) -> Result<()> {
    let person = ctx.staff(StaffRole::Manager)?;
    let reason = written("reason", typed, "why, for the partner")?;
    let tx = ctx.begin().await?;
    let deal = submitted(&*tx, id).await?;
    let none = || Error::conflict("No meeting of this deal counts.");
    let row = live(&*tx, id).await?.ok_or_else(none)?;
    let set = deal_meeting::Entity::update_many()
        .col_expr(deal_meeting::Column::UndoneAt, Expr::value(ctx.now()))
        .col_expr(deal_meeting::Column::UndoneBy, Expr::value(person))
        .col_expr(deal_meeting::Column::UndoReason, Expr::value(&reason))
        .filter(deal_meeting::Column::Id.eq(row.id))
        .filter(deal_meeting::Column::UndoneAt.is_null())
        .exec(&*tx)
        .await?;
    if set.rows_affected != 1 {
        return Err(none());
    }
    let day = row.held_on.format("%-d %B %Y");
    let summary = format!("The meeting of {day} does not count any more: {reason}");
    note(ctx, &*tx, &deal, "deal.meeting_undone", summary).await?;
    let text = format!(
        "Your meeting with {} does not count as qualified any more.",
        company(&deal)
    );
    tell(ctx, &*tx, &deal, &text, None).await?;
    let undo = Undo {
        deal_id: id,
        cause: &format!("meeting:{}", row.id),
        reason: &reason,
    };
    take_back(ctx, &*tx, &undo, false).await?;
    tx.commit().await?;
    Ok(())
}

/// A won registration turns out to be lost: nobody is credited by it any more, and what it earned by
/// itself goes back. Not once its customer has paid: what invoices earn goes back with their money.
pub(super) async fn lose(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    deal: &Model,
    reason: &str,
) -> Result<()> {
    let paid = commission::Entity::find()
        .filter(commission::Column::DealId.eq(deal.id))
        .filter(commission::Column::InvoiceId.is_not_null())
        .filter(commission::Column::Kind.eq("accrual"))
        .filter(commission::Column::State.is_not_in(["canceled", "reversed"]))
        .count(tx)
        .await?;
    if paid > 0 {
        return Err(Error::conflict(
            "Invoices of this customer have earned commission, so the deal is won. What they earned \
             goes back when they are refunded; to stop what comes, end the credit on the account.",
        ));
    }
    // As if it had never begun: no payment of any day is credited by it.
    attribution::Entity::update_many()
        .col_expr(
            attribution::Column::EndsAt,
            Expr::col(attribution::Column::StartsAt),
        )
        .filter(attribution::Column::DealId.eq(deal.id))
        .filter(attribution::Column::EndsAt.is_null())
        .exec(tx)
        .await?;
    let undo = Undo {
        deal_id: deal.id,
        cause: &cause(deal),
        reason,
    };
    take_back(ctx, tx, &undo, true).await
}
