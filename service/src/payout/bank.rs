//! Stripe's payouts from a partner's account there to its bank.

use chrono::{DateTime, Utc};
use domain::money::Money;
use entity::{bank_payout, payout_account};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, OnConflict},
};
use stripe_gateway::Gateway;
use stripe_gateway::billing::{Payout, PayoutStatus};

use super::account::unavailable;
use crate::context::Context;
use crate::error::Result;
use crate::mail::{self, Letter};
use crate::notice::{self, tell_staff};

/// How far a payout to a bank has come. It never goes back: one that has failed or was called off is
/// over, and one that the bank should have may still fail.
fn stage(status: &PayoutStatus) -> u8 {
    match status {
        PayoutStatus::Pending => 0,
        PayoutStatus::InTransit => 1,
        PayoutStatus::Paid => 2,
        PayoutStatus::Failed | PayoutStatus::Canceled => 3,
        _ => 0,
    }
}

/// Retrieves a connected account's payouts to its bank, and tells partner and finance once when one
/// failed. An answer that was asked for earlier and comes later changes nothing.
///
/// # Errors
/// [`crate::Error::Unavailable`] when Stripe does not answer.
pub async fn sync(ctx: &Context, gateway: &dyn Gateway, account: &str) -> Result<()> {
    let Some(known) = payout_account::Entity::find()
        .filter(payout_account::Column::StripeId.eq(account))
        .one(ctx.reader())
        .await?
    else {
        return Ok(());
    };
    let asked_at = ctx.now();
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
        let changed = match ours {
            Some(ours) => advance(&*tx, &ours, &theirs, asked_at).await?,
            None => insert(&*tx, known.partner_id, &theirs, asked_at).await?,
        };
        if changed && theirs.status == PayoutStatus::Failed {
            tell(ctx, &*tx, known.partner_id, &theirs).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

fn failure(theirs: &Payout) -> Option<String> {
    theirs
        .failure_message
        .clone()
        .or(theirs.failure_code.clone())
}

/// Compare-and-set from the status that was read to a later one.
async fn advance(
    tx: &impl ConnectionTrait,
    ours: &bank_payout::Model,
    theirs: &Payout,
    asked_at: DateTime<Utc>,
) -> Result<bool> {
    use bank_payout::Column;
    if stage(&theirs.status) <= stage(&ours.status.as_str().into()) {
        return Ok(false);
    }
    let moved = bank_payout::Entity::update_many()
        .col_expr(Column::Status, Expr::value(theirs.status.as_str()))
        .col_expr(Column::Failure, Expr::value(failure(theirs)))
        .col_expr(Column::ArrivalAt, Expr::value(theirs.arrival_date))
        .col_expr(
            Column::UpdatedAt,
            Expr::value(asked_at.max(ours.updated_at)),
        )
        .filter(Column::Id.eq(ours.id))
        .filter(Column::Status.eq(&ours.status))
        .exec(tx)
        .await?
        .rows_affected;
    Ok(moved == 1)
}

async fn insert(
    tx: &impl ConnectionTrait,
    partner_id: i64,
    theirs: &Payout,
    asked_at: DateTime<Utc>,
) -> Result<bool> {
    let made = bank_payout::Entity::insert(bank_payout::ActiveModel {
        stripe_id: Set(theirs.id.clone()),
        partner_id: Set(partner_id),
        amount: Set(theirs.amount.minor),
        currency: Set(theirs.amount.currency.code().to_owned()),
        status: Set(theirs.status.as_str().to_owned()),
        arrival_at: Set(theirs.arrival_date),
        failure: Set(failure(theirs)),
        updated_at: Set(asked_at),
        ..Default::default()
    })
    .on_conflict(
        OnConflict::column(bank_payout::Column::StripeId)
            .do_nothing()
            .to_owned(),
    )
    .exec_without_returning(tx)
    .await?;
    Ok(made == 1)
}

async fn tell(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    partner_id: i64,
    theirs: &Payout,
) -> Result<()> {
    let why = failure(theirs).unwrap_or_else(|| "the bank gave no reason".to_owned());
    let Money { minor, currency } = theirs.amount;
    let amount = Money::new(minor, currency).format("en");
    let letter = Letter::new("Your bank refused a payout")
        .text(format!(
            "Stripe could not pay {amount} to your bank: {why}. The money is in your Stripe account; \
             correct your bank details there and Stripe tries again."
        ))
        .link("Payout account", "/partner/payout-account");
    mail::send_to_owners(ctx, tx, partner_id, letter).await?;
    let name = entity::partner::Entity::find_by_id(partner_id)
        .one(tx)
        .await?
        .map_or_else(|| "A partner".to_owned(), |partner| partner.name);
    let letter = Letter::new(format!("{name}’s bank refused a payout")).text(format!(
        "Stripe could not pay {amount} to the bank of {name}: {why}. The money is in their Stripe \
         account; they were told to correct their bank details there."
    ));
    let path = format!("/manager/partners/{partner_id}");
    tell_staff(ctx, tx, notice::FINANCE, letter, &path).await
}
