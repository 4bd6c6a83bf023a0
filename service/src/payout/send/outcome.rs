//! How a payout ends: paid, failed, and its run with it.

use domain::payout::{LeftOut, PayoutStatus};
use entity::payout;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::Expr};
use stripe_gateway::billing::Transfer;

use super::reference;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::ledger::post_many;
use crate::mail::{self, Letter};
use crate::payout::{Next, books, gate, jobs, letters, money, question, run};

/// The transfer was made: booked with what of it was taken back meanwhile.
pub(in crate::payout) async fn succeeded(
    ctx: &Context,
    row: &payout::Model,
    from: PayoutStatus,
    transfer: &Transfer,
    closes: question::Close<'_>,
) -> Result<Next> {
    let tx = ctx.begin().await?;
    let reversed = transfer.amount_reversed.minor.clamp(0, row.amount);
    let to = if reversed == row.amount {
        PayoutStatus::Reversed
    } else {
        PayoutStatus::Paid
    };
    if !mark_paid(ctx, &*tx, row, from, to, transfer).await? {
        // Another process settled it; look once more at what it is now.
        drop(tx);
        return Ok(Next::Again(ctx.now() + chrono::TimeDelta::seconds(2)));
    }
    let mut entries = vec![books::paid(ctx, &*tx, row, &reference(row.id)).await?];
    let amount = money(row.amount, &row.currency)?;
    Entry::new(
        "payout.paid",
        "payout",
        row.id,
        format!("{} transferred as {}.", amount.format("en"), transfer.id),
    )
    .partner(row.partner_id)
    .record(ctx, &*tx)
    .await?;
    if reversed == 0 {
        let remittance = remittance(row.id, &amount.format("en"));
        mail::send_to_owners(ctx, &*tx, row.partner_id, remittance).await?;
    } else {
        entries.push(crate::payout::sync::came_back(ctx, &*tx, row, transfer, reversed).await?);
    }
    question::close(ctx, &*tx, row.id, closes).await?;
    post_many(ctx, &*tx, entries).await?;
    tx.commit().await?;
    run::finish(ctx, row.run_id).await?;
    Ok(Next::Done)
}

/// Compare-and-set to paid, with the transfer as Stripe shows it.
async fn mark_paid(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    row: &payout::Model,
    from: PayoutStatus,
    to: PayoutStatus,
    transfer: &Transfer,
) -> Result<bool> {
    use payout::Column;
    PayoutStatus::MACHINE
        .check(from, PayoutStatus::Paid)
        .map_err(Error::internal)?;
    let reversed = transfer.amount_reversed.minor.clamp(0, row.amount);
    let moved = payout::Entity::update_many()
        .col_expr(Column::Status, Expr::value(to.as_str()))
        .col_expr(Column::TransferId, Expr::value(transfer.id.clone()))
        .col_expr(Column::TransferAmount, Expr::value(transfer.amount.minor))
        .col_expr(
            Column::TransferCurrency,
            Expr::value(transfer.amount.currency.code()),
        )
        .col_expr(
            Column::TransferDestination,
            Expr::value(transfer.destination.clone()),
        )
        .col_expr(Column::Reversed, Expr::value(reversed))
        .col_expr(Column::SettledAt, Expr::value(ctx.now()))
        .filter(Column::Id.eq(row.id))
        .filter(Column::Status.eq(from.as_str()))
        .exec(tx)
        .await?
        .rows_affected;
    Ok(moved == 1)
}

fn remittance(payout_id: i64, amount: &str) -> Letter {
    Letter::new(format!("You have been paid {amount}"))
        .text(format!(
            "We have transferred {amount} to your Stripe account. Stripe pays it out to your bank on \
             its own schedule."
        ))
        .link(
            "Which commissions are in it",
            &format!("/partner/payouts/{payout_id}"),
        )
}

/// The transfer definitely was not made: the amount goes back to the payable balance.
pub(in crate::payout) async fn failed(
    ctx: &Context,
    row: &payout::Model,
    from: PayoutStatus,
    cause: &str,
    closes: question::Close<'_>,
) -> Result<Next> {
    let tx = ctx.begin().await?;
    let Some(back) = give_up(ctx, &*tx, row, from, cause).await? else {
        drop(tx);
        return Ok(Next::Again(ctx.now() + chrono::TimeDelta::seconds(2)));
    };
    question::close(ctx, &*tx, row.id, closes).await?;
    // Whatever was wrong may have been the account: it is asked how it stands now.
    let account = jobs::StripeObject {
        stripe_id: row.destination.clone(),
    };
    let kind = jobs::REFRESH_ACCOUNT;
    crate::job::enqueue(ctx, &*tx, kind, &account, None, ctx.now()).await?;
    letters::failed(ctx, &*tx, row, cause).await?;
    post_many(ctx, &*tx, vec![back]).await?;
    tx.commit().await?;
    run::finish(ctx, row.run_id).await?;
    Ok(Next::Done)
}

/// The gate does not let it leave: it was never sent, and its item says why.
pub(super) async fn turned_away(
    ctx: &Context,
    row: &payout::Model,
    reason: LeftOut,
) -> Result<Next> {
    let tx = ctx.begin().await?;
    let cause = format!("{}.", reason.label());
    let intended = PayoutStatus::Intended;
    let Some(back) = give_up(ctx, &*tx, row, intended, &cause).await? else {
        drop(tx);
        return Ok(Next::Again(ctx.now() + chrono::TimeDelta::seconds(2)));
    };
    gate::turned_away(&*tx, row, reason).await?;
    letters::failed(ctx, &*tx, row, &cause).await?;
    post_many(ctx, &*tx, vec![back]).await?;
    tx.commit().await?;
    run::finish(ctx, row.run_id).await?;
    Ok(Next::Done)
}

/// Marks a payout failed inside the caller's transaction and says what takes its amount back, for the
/// caller to book. None when the payout is no longer in `from`.
async fn give_up(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    row: &payout::Model,
    from: PayoutStatus,
    cause: &str,
) -> Result<Option<books::ToBook>> {
    PayoutStatus::MACHINE
        .check(from, PayoutStatus::Failed)
        .map_err(Error::internal)?;
    let moved = payout::Entity::update_many()
        .col_expr(
            payout::Column::Status,
            Expr::value(PayoutStatus::Failed.as_str()),
        )
        .col_expr(payout::Column::Failure, Expr::value(cause))
        .col_expr(payout::Column::SettledAt, Expr::value(ctx.now()))
        .filter(payout::Column::Id.eq(row.id))
        .filter(payout::Column::Status.eq(from.as_str()))
        .exec(tx)
        .await?
        .rows_affected;
    if moved != 1 {
        return Ok(None);
    }
    let back = books::returned(ctx, tx, row).await?;
    let amount = money(row.amount, &row.currency)?;
    Entry::new(
        "payout.failed",
        "payout",
        row.id,
        format!(
            "{} was not transferred: {cause} The amount is payable again.",
            amount.format("en")
        ),
    )
    .partner(row.partner_id)
    .record(ctx, tx)
    .await?;
    Ok(Some(back))
}
