//! Booking a transfer that Stripe has and this database does not know: after a backup was put back,
//! or when one appeared after its payout was given up.
//!
//! The partner has the money. So it is booked as what it is, a payout of its own that has been paid,
//! in a run that says where it comes from: with the payable lines of before the transfer, and what
//! they come to more or less than it is carried into the next payout.

use domain::money::Money;
use domain::partner::StaffRole;
use domain::payout::{PayoutStatus, RunStatus};
use entity::{commission, discrepancy, partner, payout, payout_item, payout_run, policy_version};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter,
    QueryOrder, sea_query::Expr,
};
use stripe_gateway::Gateway;
use stripe_gateway::billing::Transfer;

use super::account::unavailable;
use super::{books, money, reconcile, send, suspect, sync};
use crate::commission::hold_lines;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::ledger::post_many;

/// Books the transfer of a difference as paid to the partner whose account has it.
///
/// # Errors
/// [`Error::Invalid`] without a reason; [`Error::Conflict`] for a difference that is settled or is
/// about no transfer, for an account that is no partner's, and while a payout of the partner is on
/// its way; [`Error::Unavailable`] when Stripe does not show the transfer.
pub async fn book(
    ctx: &Context,
    gateway: &dyn Gateway,
    discrepancy_id: i64,
    reason: &str,
) -> Result<()> {
    let person_id = ctx.staff(StaffRole::Finance)?;
    let reason = reconcile::required(reason)?;
    let found = discrepancy::Entity::find_by_id(discrepancy_id)
        .one(ctx.reader())
        .await?
        .ok_or(Error::NotFound)?;
    let id = found
        .transfer_id
        .as_deref()
        .filter(|_| suspect::KINDS.contains(&found.kind.as_str()))
        .ok_or_else(|| Error::conflict("There is no transfer to book here."))?;
    let transfer = gateway
        .transfer(id)
        .await
        .map_err(|e| unavailable("Stripe does not show the transfer.", e))?;
    let account = transfer.destination.as_deref().unwrap_or_default();
    let partner_id = suspect::partner_of(ctx.reader(), account)
        .await?
        .ok_or_else(|| {
            Error::Conflict(format!(
                "The account {account} is no partner’s here. Say how it is explained instead."
            ))
        })?;
    let tx = ctx.begin().await?;
    reconcile::settle_row(ctx, &*tx, &found, Some(person_id), reason).await?;
    let open = open_payout(&*tx, partner_id, &transfer).await?;
    let (row, mut entries) = match open {
        Some(open) => (open, Vec::new()),
        None => new_payout(ctx, &*tx, person_id, partner_id, &transfer, reason).await?,
    };
    entries.push(books::paid(ctx, &*tx, &row, &send::reference(row.id)).await?);
    let reversed = transfer.amount_reversed.minor.clamp(0, row.amount);
    if reversed > 0 {
        entries.push(sync::came_back(ctx, &*tx, &row, &transfer, reversed).await?);
    }
    mark(ctx, &*tx, &row, &transfer, reversed).await?;
    let amount = transfer.amount.format("en");
    Entry::new(
        "payout.recovered",
        "payout",
        row.id,
        format!("{amount} had been transferred as {id} before: {reason}"),
    )
    .partner(partner_id)
    .record(ctx, &*tx)
    .await?;
    post_many(ctx, &*tx, entries).await?;
    tx.commit().await?;
    super::run::finish(ctx, row.run_id).await?;
    Ok(())
}

/// The partner's open payout that this transfer has paid already: frozen, not sent, of the same amount
/// to the same account. Any other open payout is dealt with first.
async fn open_payout(
    tx: &impl ConnectionTrait,
    partner_id: i64,
    transfer: &Transfer,
) -> Result<Option<payout::Model>> {
    let open = payout::Entity::find()
        .filter(payout::Column::PartnerId.eq(partner_id))
        .filter(payout::Column::Currency.eq(transfer.amount.currency.code()))
        .filter(payout::Column::Status.is_in(["intended", "sending", "unknown"]))
        .one(tx)
        .await?;
    let Some(open) = open else { return Ok(None) };
    let same = open.amount == transfer.amount.minor
        && Some(open.destination.as_str()) == transfer.destination.as_deref();
    if open.status == PayoutStatus::Intended.as_str() && same {
        return Ok(Some(open));
    }
    Err(Error::Conflict(format!(
        "Payout {} of this partner is open and would pay the same again. Cancel its run, or let it be \
         settled, first.",
        open.id
    )))
}

/// Marks a payout as paid by the transfer; nobody else may have moved it.
async fn mark(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    row: &payout::Model,
    transfer: &Transfer,
    reversed: i64,
) -> Result<()> {
    use payout::Column;
    let status = if reversed == row.amount {
        PayoutStatus::Reversed
    } else {
        PayoutStatus::Paid
    };
    let currency = transfer.amount.currency.code();
    let destination = transfer.destination.clone();
    let moved = payout::Entity::update_many()
        .col_expr(Column::Status, Expr::value(status.as_str()))
        .col_expr(Column::TransferId, Expr::value(transfer.id.clone()))
        .col_expr(
            Column::TransferGroup,
            Expr::value(transfer.transfer_group.clone()),
        )
        .col_expr(Column::TransferAmount, Expr::value(transfer.amount.minor))
        .col_expr(Column::TransferCurrency, Expr::value(currency))
        .col_expr(Column::TransferDestination, Expr::value(destination))
        .col_expr(Column::Reversed, Expr::value(reversed))
        .col_expr(Column::SentAt, Expr::value(transfer.created))
        .col_expr(Column::SettledAt, Expr::value(ctx.now()))
        .filter(Column::Id.eq(row.id))
        .filter(Column::Status.eq(PayoutStatus::Intended.as_str()))
        .exec(tx)
        .await?
        .rows_affected;
    if moved != 1 {
        return Err(Error::conflict(
            "The payout changed meanwhile. Reload the page.",
        ));
    }
    Ok(())
}

/// A payout of its own for the transfer, with what it paid.
async fn new_payout(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    person_id: i64,
    partner_id: i64,
    transfer: &Transfer,
    reason: &str,
) -> Result<(payout::Model, Vec<books::ToBook>)> {
    let partner = partner::Entity::find_by_id(partner_id)
        .one(tx)
        .await?
        .ok_or(Error::NotFound)?;
    let run = run(ctx, tx, person_id, &partner, transfer, reason).await?;
    let row = payout::Entity::insert(payout::ActiveModel {
        run_id: Set(run),
        partner_id: Set(partner_id),
        currency: Set(transfer.amount.currency.code().to_owned()),
        amount: Set(transfer.amount.minor),
        destination: Set(transfer.destination.clone().unwrap_or_default()),
        // One transfer is booked once.
        idempotency_key: Set(format!("booked-{}", transfer.id)),
        status: Set(PayoutStatus::Intended.as_str().to_owned()),
        created_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_with_returning(tx)
    .await?;
    let theirs = Condition::all()
        .add(commission::Column::PartnerId.eq(partner_id))
        .add(commission::Column::ProgramId.eq(partner.program_id))
        .add(commission::Column::Currency.eq(transfer.amount.currency.code()))
        .add(super::run::payable_at(transfer.created));
    hold_lines(tx, theirs.clone()).await?;
    let taken = commission::Entity::update_many()
        .col_expr(commission::Column::State, Expr::value("in_payout"))
        .col_expr(commission::Column::PayoutId, Expr::value(row.id))
        .filter(theirs)
        .exec_with_returning(tx)
        .await?;
    let sum = taken
        .iter()
        .try_fold(0_i64, |sum, c| sum.checked_add(c.amount))
        .ok_or_else(|| Error::internal("the lines overflow"))?;
    let rest = Money::new(sum - row.amount, transfer.amount.currency);
    if !rest.is_zero() {
        let note = "A transfer that had been made before was booked; the difference goes into the \
                    next payout.";
        let program = partner.program_id;
        books::carry(ctx, tx, program, partner_id, row.id, rest, note).await?;
    }
    let amount = money(row.amount, &row.currency)?;
    let reference = send::reference(row.id);
    let entered = books::enter(ctx, row.id, partner_id, amount, &reference)?;
    Ok((row, vec![entered]))
}

/// The run in which the transfer is booked: it sends nothing.
async fn run(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    person_id: i64,
    partner: &partner::Model,
    transfer: &Transfer,
    reason: &str,
) -> Result<i64> {
    let policy = policy_version::Entity::find()
        .filter(policy_version::Column::ProgramId.eq(partner.program_id))
        .order_by_desc(policy_version::Column::Id)
        .one(tx)
        .await?
        .ok_or(Error::NotFound)?;
    let run = payout_run::Entity::insert(payout_run::ActiveModel {
        program_id: Set(partner.program_id),
        number: Set(format!("booked-{}", transfer.id)),
        status: Set(RunStatus::Done.as_str().to_owned()),
        cutoff_at: Set(transfer.created),
        note: Set(format!(
            "Transfer {} was there already and is booked: {reason}",
            transfer.id
        )),
        created_by: Set(Some(person_id)),
        needs_second: Set(false),
        policy_version_id: Set(policy.id),
        created_at: Set(ctx.now()),
        done_at: Set(Some(ctx.now())),
        ..Default::default()
    })
    .exec_with_returning(tx)
    .await?;
    payout_item::Entity::insert(payout_item::ActiveModel {
        run_id: Set(run.id),
        partner_id: Set(partner.id),
        currency: Set(transfer.amount.currency.code().to_owned()),
        amount: Set(transfer.amount.minor),
        included: Set(true),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    Entry::new(
        "payout_run.booked",
        "payout_run",
        run.id,
        "Books a transfer that was there already; nothing is sent.",
    )
    .record(ctx, tx)
    .await?;
    Ok(run.id)
}
