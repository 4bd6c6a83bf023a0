//! What changes at Stripe after a transfer: it is taken back, or goes on to the partner's bank.

use domain::payout::PayoutStatus;
use entity::{bank_payout, partner, payout, payout_account};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::Expr,
};
use stripe_gateway::Gateway;

use super::{account::unavailable, books, jobs, money, send};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::job;
use crate::ledger::post;
use crate::mail::{self, Letter};

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
/// Stripe is cumulative, so a repeated or late event changes nothing.
///
/// # Errors
/// [`Error::Unavailable`] when Stripe does not answer.
pub async fn transfer(ctx: &Context, gateway: &dyn Gateway, id: &str) -> Result<()> {
    let transfer = match gateway.transfer(id).await {
        Ok(transfer) => transfer,
        Err(e) if e.is_missing() => return Ok(()),
        Err(e) => return Err(unavailable("Stripe does not answer.", e)),
    };
    let tx = ctx.begin().await?;
    let Some(row) = payout::Entity::find()
        .filter(payout::Column::TransferId.eq(&transfer.id))
        .one(&*tx)
        .await?
    else {
        // Not ours, or not settled yet: settling finds it by its group.
        return Ok(());
    };
    let total = transfer.amount_reversed.minor.min(row.amount);
    if total <= row.reversed {
        return Ok(());
    }
    let came_back = money(total - row.reversed, &row.currency)?;
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
        .exec(&*tx)
        .await?
        .rows_affected;
    if moved != 1 {
        return Err(Error::conflict(
            "The payout changed meanwhile; it is looked at again.",
        ));
    }
    let partner = partner::Entity::find_by_id(row.partner_id)
        .one(&*tx)
        .await?
        .ok_or(Error::NotFound)?;
    let reference = send::reference(row.id);
    let (entry, links) = books::came_back(
        ctx,
        &*tx,
        &row,
        partner.program_id,
        &reference,
        came_back,
        total,
    )
    .await?;
    Entry::new(
        "payout.reversed",
        "payout",
        row.id,
        format!(
            "{} of the transfer was taken back and is payable again.",
            came_back.format("en")
        ),
    )
    .partner(row.partner_id)
    .detail(serde_json::json!({ "transfer": transfer.id, "reversed": total }))
    .record(ctx, &*tx)
    .await?;
    post(ctx, &*tx, entry, links).await?;
    tx.commit().await?;
    Ok(())
}

/// Retrieves a connected account's payouts to its bank and tells the partner when one failed.
///
/// # Errors
/// [`Error::Unavailable`] when Stripe does not answer.
pub async fn bank_payouts(ctx: &Context, gateway: &dyn Gateway, account: &str) -> Result<()> {
    let Some(known) = payout_account::Entity::find()
        .filter(payout_account::Column::StripeId.eq(account))
        .one(ctx.reader())
        .await?
    else {
        return Ok(());
    };
    let payouts = gateway
        .payouts_of(account)
        .await
        .map_err(|e| unavailable("Stripe does not answer.", e))?;
    let tx = ctx.begin().await?;
    for theirs in payouts {
        let ours = bank_payout::Entity::find()
            .filter(bank_payout::Column::StripeId.eq(&theirs.id))
            .one(&*tx)
            .await?;
        let status = theirs.status.as_str().to_owned();
        if ours.as_ref().is_some_and(|o| o.status == status) {
            continue;
        }
        let newly_failed = status == "failed";
        let failure = theirs
            .failure_message
            .clone()
            .or(theirs.failure_code.clone());
        match ours {
            Some(ours) => {
                bank_payout::Entity::update_many()
                    .col_expr(bank_payout::Column::Status, Expr::value(status))
                    .col_expr(bank_payout::Column::Failure, Expr::value(failure.clone()))
                    .col_expr(
                        bank_payout::Column::ArrivalAt,
                        Expr::value(theirs.arrival_date),
                    )
                    .col_expr(bank_payout::Column::UpdatedAt, Expr::value(ctx.now()))
                    .filter(bank_payout::Column::Id.eq(ours.id))
                    .exec(&*tx)
                    .await?;
            }
            None => {
                bank_payout::Entity::insert(bank_payout::ActiveModel {
                    stripe_id: Set(theirs.id.clone()),
                    partner_id: Set(known.partner_id),
                    amount: Set(theirs.amount.minor),
                    currency: Set(theirs.amount.currency.code().to_owned()),
                    status: Set(status),
                    arrival_at: Set(theirs.arrival_date),
                    failure: Set(failure.clone()),
                    updated_at: Set(ctx.now()),
                    ..Default::default()
                })
                .exec_without_returning(&*tx)
                .await?;
            }
        }
        if newly_failed {
            let why = failure.unwrap_or_else(|| "the bank gave no reason".to_owned());
            let letter = Letter::new("Your bank refused a payout")
                .text(format!(
                    "Stripe could not pay {} to your bank: {why}. The money is in your Stripe \
                     account; correct your bank details there and Stripe tries again.",
                    theirs.amount.format("en")
                ))
                .link("Payout account", "/partner/payout-account");
            mail::send_to_owners(ctx, &*tx, known.partner_id, letter).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}
