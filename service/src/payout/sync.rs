//! What changes at Stripe after a transfer: it is taken back.

use chrono::TimeDelta;
use domain::payout::{PayoutStatus, evidence};
use entity::{partner, payout};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::Expr};
use stripe_gateway::Gateway;
use stripe_gateway::billing::Transfer;

use super::{Next, account::unavailable, books, jobs, letters, money, send, suspect, watch};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::job;
use crate::ledger::post;
use crate::mail::Letter;
use crate::notice::{self, tell_staff};

/// Asks for a transfer to be retrieved soon: an event named it.
///
/// # Errors
/// When the database refuses.
pub async fn transfer_changed(ctx: &Context, tx: &impl ConnectionTrait, id: &str) -> Result<()> {
    let payload = jobs::StripeObject {
        stripe_id: id.to_owned(),
    };
    job::enqueue(ctx, tx, jobs::SYNC_TRANSFER, &payload, None, ctx.now()).await
}

/// Asks for a connected account's bank payouts to be retrieved soon: an event named one.
///
/// # Errors
/// When the database refuses.
pub async fn bank_payout_changed(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    account: &str,
) -> Result<()> {
    let payload = jobs::StripeObject {
        stripe_id: account.to_owned(),
    };
    job::enqueue(ctx, tx, jobs::SYNC_BANK_PAYOUTS, &payload, None, ctx.now()).await
}

/// Retrieves a transfer and books what of it was taken back since we last looked. The amount at
/// Stripe is cumulative, so a repeated or late event changes nothing. One that no payout knows yet is
/// looked at again once its payout is settled; one whose payout has ended otherwise stops sending.
///
/// # Errors
/// [`Error::Unavailable`] when Stripe does not answer.
pub async fn transfer(ctx: &Context, gateway: &dyn Gateway, id: &str) -> Result<Next> {
    let transfer = match gateway.transfer(id).await {
        Ok(transfer) => transfer,
        Err(e) if e.is_missing() => return Ok(Next::Done),
        Err(e) => return Err(unavailable("Stripe does not answer.", e)),
    };
    let row = payout::Entity::find()
        .filter(payout::Column::TransferId.eq(&transfer.id))
        .one(ctx.reader())
        .await?;
    let Some(row) = row else {
        return unknown(ctx, &transfer).await;
    };
    let total = transfer.amount_reversed.minor.min(row.amount);
    if total <= row.reversed {
        return Ok(Next::Done);
    }
    let tx = ctx.begin().await?;
    if !mark_reversed(&*tx, &row, total).await? {
        return Err(Error::conflict(
            "The payout changed meanwhile; it is looked at again.",
        ));
    }
    let (entry, links) = came_back(ctx, &*tx, &row, &transfer, total).await?;
    post(ctx, &*tx, entry, links).await?;
    tx.commit().await?;
    Ok(Next::Done)
}

/// How soon a transfer is looked at again whose payout is being settled.
const SOON: TimeDelta = TimeDelta::minutes(1);

/// A transfer that is no payout's yet.
async fn unknown(ctx: &Context, transfer: &Transfer) -> Result<Next> {
    let installation = watch::installation(ctx).await?;
    let suspects = suspect::among(ctx, &installation, std::slice::from_ref(transfer)).await?;
    watch::stop_for(ctx, &suspects).await?;
    if !suspects.is_empty() {
        return Ok(Next::Done);
    }
    let Some(payout_id) = evidence::claims(&installation, &send::listed(transfer)) else {
        return Ok(Next::Done);
    };
    let row = payout::Entity::find_by_id(payout_id)
        .one(ctx.reader())
        .await?;
    let settling = row.is_some_and(|row| {
        let status = row.status.parse::<PayoutStatus>();
        status.is_ok_and(PayoutStatus::is_open)
    });
    if settling {
        return Ok(Next::Again(ctx.now() + SOON));
    }
    // It was settled between the two looks.
    let known = payout::Entity::find()
        .filter(payout::Column::TransferId.eq(&transfer.id))
        .one(ctx.reader())
        .await?;
    Ok(known.map_or(Next::Done, |_| Next::Again(ctx.now())))
}

/// Compare-and-set of what was taken back of a paid payout.
async fn mark_reversed(tx: &impl ConnectionTrait, row: &payout::Model, total: i64) -> Result<bool> {
    let status = if total == row.amount {
        PayoutStatus::Reversed
    } else {
        PayoutStatus::Paid
    };
    let moved = payout::Entity::update_many()
        .col_expr(payout::Column::Reversed, Expr::value(total))
        .col_expr(payout::Column::Status, Expr::value(status.as_str()))
        .filter(payout::Column::Id.eq(row.id))
        .filter(payout::Column::Status.eq(PayoutStatus::Paid.as_str()))
        .filter(payout::Column::Reversed.eq(row.reversed))
        .exec(tx)
        .await?
        .rows_affected;
    Ok(moved == 1)
}

/// What was taken back beyond what `row` says is payable again; for the caller to book. `total` is
/// all that was taken back.
pub(super) async fn came_back(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    row: &payout::Model,
    transfer: &Transfer,
    total: i64,
) -> Result<books::ToBook> {
    let came_back = money(total - row.reversed, &row.currency)?;
    let partner = partner::Entity::find_by_id(row.partner_id)
        .one(tx)
        .await?
        .ok_or(Error::NotFound)?;
    let reference = send::reference(row.id);
    let program = partner.program_id;
    let back = books::came_back(ctx, tx, row, program, &reference, came_back, total).await?;
    let amount = came_back.format("en");
    Entry::new(
        "payout.reversed",
        "payout",
        row.id,
        format!("{amount} of the transfer was taken back and is payable again."),
    )
    .partner(row.partner_id)
    .detail(serde_json::json!({ "transfer": transfer.id, "reversed": total }))
    .record(ctx, tx)
    .await?;
    let path = format!("/finance/payouts/{}", row.id);
    let letter = Letter::new(format!("{amount} of payout {} came back", row.id)).text(format!(
        "{amount} of transfer {} was taken back at Stripe and is payable again.",
        transfer.id
    ));
    tell_staff(ctx, tx, notice::FINANCE, letter, &path).await?;
    letters::reversed(ctx, tx, row, came_back).await?;
    Ok(back)
}
