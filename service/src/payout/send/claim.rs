//! The one transaction that decides whether a payout may be sent now, and takes it.

use domain::payout::{LeftOut, PayoutStatus, evidence};
use entity::{payout, payout_run};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, ExprTrait, Func},
};

use super::{frozen, reference};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::payout::gate;
use crate::payout::watch::{self, Clear};

/// What became of a claim.
pub(super) enum Claim {
    /// It is this worker's, with all that is sent.
    Taken(Box<payout::Model>),
    /// Another worker was first, or the payout is something else by now: look again.
    Lost,
    /// Its run does not send, or something was stopped since it was looked.
    Held,
    /// Something stands against paying this partner.
    Refused(LeftOut),
}

/// Takes the payout for sending (`from` → sending), by compare-and-set. The first time it fixes what
/// the transfer is found by, and with whose account it is sent.
pub(super) async fn claim(
    ctx: &Context,
    row: &payout::Model,
    from: PayoutStatus,
    clear: &Clear,
) -> Result<Claim> {
    use payout::Column;
    PayoutStatus::MACHINE
        .check(from, PayoutStatus::Sending)
        .map_err(Error::internal)?;
    let group = frozen(row, &clear.installation)?.group;
    let tx = ctx.begin().await?;
    if !watch::still(&*tx, clear).await? || !sends(&*tx, row.run_id).await? {
        return Ok(Claim::Held);
    }
    let now = payout::Entity::find_by_id(row.id)
        .lock_exclusive()
        .one(&*tx)
        .await?
        .ok_or(Error::NotFound)?;
    if now.status != from.as_str() {
        return Ok(Claim::Lost);
    }
    if let Some(reason) = gate::refusal(ctx, &*tx, &now).await? {
        return Ok(Claim::Refused(reason));
    }
    let first = |column, value: Expr| Func::coalesce([Expr::col(column), value]).into();
    let mut update = payout::Entity::update_many()
        .col_expr(Column::Status, Expr::value(PayoutStatus::Sending.as_str()))
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
        .col_expr(
            Column::SentAt,
            first(Column::SentAt, Expr::value(ctx.now())),
        )
        .col_expr(
            Column::Platform,
            first(
                Column::Platform,
                Expr::value(clear.platform.account.clone()),
            ),
        )
        .col_expr(
            Column::Livemode,
            first(Column::Livemode, Expr::value(clear.platform.livemode)),
        )
        .filter(Column::Id.eq(row.id))
        .filter(Column::Status.eq(from.as_str()));
    // What was sent under the name of before keeps it.
    if group != reference(row.id) {
        update = update.col_expr(Column::TransferGroup, Expr::value(group));
    }
    let taken = update.exec_with_returning(&*tx).await?.pop();
    tx.commit().await?;
    Ok(taken.map_or(Claim::Lost, |row| Claim::Taken(Box::new(row))))
}

/// Whether the run's transfers are being made.
async fn sends(tx: &impl sea_orm::ConnectionTrait, run_id: i64) -> Result<bool> {
    let run = payout_run::Entity::find_by_id(run_id).one(tx).await?;
    Ok(run.is_some_and(|run| run.status == "sending"))
}

/// What goes with the transfer and comes back with it: all that proves whose it is.
pub(super) fn metadata(
    row: &payout::Model,
    installation: &str,
) -> std::collections::BTreeMap<String, String> {
    let mut pairs = vec![(evidence::PAYOUT, row.id.to_string())];
    if row.transfer_group.is_some() {
        pairs.push((evidence::KEY, row.idempotency_key.clone()));
        pairs.push((evidence::INSTALLATION, installation.to_owned()));
    }
    // Sent again under a key it must be the same to the letter, also what was sent before transfers
    // carried more than the payout's id.
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
