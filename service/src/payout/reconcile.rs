//! Holding ledger, payouts and Stripe against each other.

mod found;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use domain::partner::StaffRole;
use entity::{discrepancy, payout};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, OnConflict},
};
use stripe_gateway::Gateway;

use super::{account::unavailable, suspect, sync, watch};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::mail::Letter;
use crate::notice::{self, tell_staff};
use found::Found;

/// What a comparison found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Transfers at Stripe that were looked at.
    pub transfers: usize,
    /// Payouts of ours that were looked at.
    pub payouts: usize,
    /// Differences that are open, old and new.
    pub open: usize,
}

/// The kinds that a comparison finds anew each time while they last; one that it does not find any
/// more is over.
const ANEW: [&str; 5] = [
    "missing_transfer",
    "amount",
    "reversed_amount",
    "clearing",
    "bank_payout",
];

/// Compares everything since a date and lists each difference once, however often it is found.
/// Payouts are read before Stripe is asked and again afterwards: one that was paid meanwhile is not
/// missing at Stripe, and a transfer that was made meanwhile is not unknown here. What is not there
/// any more is closed. For finance, and for the portal itself on its daily round.
///
/// # Errors
/// [`Error::Unavailable`] when Stripe does not answer; [`Error::Conflict`] when it answers for another
/// account than the one that payouts are sent with.
pub async fn run(ctx: &Context, gateway: &dyn Gateway, since: DateTime<Utc>) -> Result<Summary> {
    if ctx.actor != crate::Actor::System {
        ctx.staff(StaffRole::Finance)?;
    }
    let silent = "Stripe does not answer. Nothing was compared.";
    let platform = gateway
        .platform()
        .await
        .map_err(|e| unavailable(silent, e))?;
    if let Some(stop) = watch::same_platform(ctx, &platform).await? {
        return Err(Error::Conflict(stop.why));
    }
    let before = found::made(ctx, since).await?;
    let transfers = gateway
        .list_transfers(since)
        .await
        .map_err(|e| unavailable(silent, e))?;
    let installation = watch::installation(ctx).await?;
    let suspects = suspect::among(ctx, &installation, &transfers).await?;
    watch::stop_for(ctx, &suspects).await?;
    let mut found = found::missing(gateway, &before, &transfers).await?;
    found.extend(found::amounts(ctx, &transfers).await?);
    let strange: HashSet<&str> = suspects.iter().map(|s| s.transfer.id.as_str()).collect();
    let others = transfers
        .iter()
        .filter(|t| !strange.contains(t.id.as_str()));
    found.extend(found::foreign(ctx, &installation, others).await?);
    found.extend(found::clearing(ctx).await?);
    found.extend(found::banks(ctx).await?);
    let tx = ctx.begin().await?;
    close_gone(ctx, &*tx, &found, since).await?;
    let mut new = Vec::new();
    for difference in found {
        // What a bank refused was told when it did.
        let told = difference.kind == "bank_payout";
        new.extend(list(ctx, &*tx, difference).await?.filter(|_| !told));
    }
    tell_new(ctx, &*tx, &new).await?;
    let open = open(&*tx).await?.len();
    tx.commit().await?;
    Ok(Summary {
        transfers: transfers.len(),
        payouts: before.len(),
        open,
    })
}

/// Closes what was found before, is looked for each time, and is not there any more.
async fn close_gone(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    found: &[Found],
    since: DateTime<Utc>,
) -> Result<()> {
    for row in open(tx).await? {
        if !ANEW.contains(&row.kind.as_str()) {
            continue;
        }
        // What is older than this comparison reaches was not looked at.
        let payout = match payout_of(&row) {
            Some(id) => payout::Entity::find_by_id(id).one(tx).await?,
            None => None,
        };
        let looked = payout.as_ref().is_none_or(|p| p.created_at >= since);
        let still = found.iter().any(|f| {
            let named = row.reference.strip_prefix(&f.reference);
            named.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
                && (f.ours, f.theirs) == (row.ours, row.theirs)
        });
        if looked && !still {
            settle_row(
                ctx,
                tx,
                &row,
                None,
                "A later comparison does not find it any more.",
            )
            .await?;
        }
    }
    Ok(())
}

/// The payout a difference is about; those of before say so in their reference alone.
fn payout_of(row: &discrepancy::Model) -> Option<i64> {
    let of_none = matches!(row.kind.as_str(), "clearing" | "bank_payout");
    let named = row.reference.split(':').nth(1);
    row.payout_id
        .or_else(|| named.filter(|_| !of_none)?.parse().ok())
}

/// Lists a difference once; the row when it is new. One that a person has settled is listed again
/// when it is of another amount, one that had gone by itself whenever it is back.
async fn list(ctx: &Context, tx: &impl ConnectionTrait, found: Found) -> Result<Option<String>> {
    use discrepancy::{Column, Entity};
    let like = format!("{}:", found.reference);
    let known = Entity::find()
        .filter(
            sea_orm::Condition::any()
                .add(Column::Reference.eq(&found.reference))
                .add(Column::Reference.starts_with(&like)),
        )
        .order_by_desc(Column::Id)
        .all(tx)
        .await?;
    let same = known
        .iter()
        .find(|row| row.ours == found.ours && row.theirs == found.theirs);
    if same.is_some_and(|row| row.settled_at.is_none() || row.settled_by.is_some()) {
        return Ok(None);
    }
    let reference = match known.len() {
        0 => found.reference,
        n => format!("{like}{n}"),
    };
    let made = Entity::insert(discrepancy::ActiveModel {
        reference: Set(reference),
        kind: Set(found.kind.to_owned()),
        description: Set(found.description.clone()),
        ours: Set(found.ours),
        theirs: Set(found.theirs),
        currency: Set(found.currency),
        found_at: Set(ctx.now()),
        payout_id: Set(found.payout_id),
        transfer_id: Set(found.transfer_id),
        partner_id: Set(found.partner_id),
        ..Default::default()
    })
    .on_conflict(
        OnConflict::column(Column::Reference)
            .do_nothing()
            .to_owned(),
    )
    .exec_without_returning(tx)
    .await?;
    Ok((made == 1).then_some(found.description))
}

/// One letter for all that a comparison has found anew.
async fn tell_new(ctx: &Context, tx: &impl ConnectionTrait, new: &[String]) -> Result<()> {
    let Some(first) = new.first() else {
        return Ok(());
    };
    let letter = match new.len() {
        1 => Letter::new("A difference with Stripe was found").text(first.clone()),
        n => Letter::new(format!("{n} differences with Stripe were found")).text(first.clone()),
    };
    tell_staff(
        ctx,
        tx,
        notice::FINANCE,
        letter,
        "/finance/reconciliation?state=open",
    )
    .await
}

/// Differences that nobody has settled, oldest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn open(db: &impl ConnectionTrait) -> Result<Vec<discrepancy::Model>> {
    Ok(discrepancy::Entity::find()
        .filter(discrepancy::Column::SettledAt.is_null())
        .order_by_asc(discrepancy::Column::Id)
        .all(db)
        .await?)
}

/// All differences for staff, newest first.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor.
pub async fn all(ctx: &Context) -> Result<Vec<discrepancy::Model>> {
    ctx.any_staff()?;
    Ok(discrepancy::Entity::find()
        .order_by_desc(discrepancy::Column::Id)
        .all(ctx.reader())
        .await?)
}

/// The reason a person gives, which is needed.
pub(super) fn required(reason: &str) -> Result<&str> {
    match reason.trim() {
        "" => Err(Error::field(
            "reason",
            "Say how it was settled; the auditors will ask.",
        )),
        reason => Ok(reason),
    }
}

/// Settles a difference with a reason. Money is moved by an adjustment or by booking what it is about,
/// never by this.
///
/// # Errors
/// [`Error::Invalid`] without a reason, [`Error::Conflict`] when it is settled already.
pub async fn settle(ctx: &Context, id: i64, reason: &str) -> Result<()> {
    let person_id = ctx.staff(StaffRole::Finance)?;
    let reason = required(reason)?;
    let tx = ctx.begin().await?;
    let row = discrepancy::Entity::find_by_id(id)
        .one(&*tx)
        .await?
        .ok_or(Error::NotFound)?;
    settle_row(ctx, &*tx, &row, Some(person_id), reason).await?;
    tx.commit().await?;
    Ok(())
}

/// Compare-and-set of a difference to settled, by a person or by itself.
pub(super) async fn settle_row(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    row: &discrepancy::Model,
    person_id: Option<i64>,
    reason: &str,
) -> Result<()> {
    let settled = discrepancy::Entity::update_many()
        .col_expr(discrepancy::Column::SettledAt, Expr::value(ctx.now()))
        .col_expr(discrepancy::Column::SettledBy, Expr::value(person_id))
        .col_expr(discrepancy::Column::Reason, Expr::value(reason))
        .filter(discrepancy::Column::Id.eq(row.id))
        .filter(discrepancy::Column::SettledAt.is_null())
        .exec(tx)
        .await?
        .rows_affected;
    if settled != 1 {
        return Err(Error::conflict(
            "A colleague has already settled this difference.",
        ));
    }
    Entry::new(
        "discrepancy.settled",
        "discrepancy",
        row.id,
        format!("Settled: {reason}"),
    )
    .internal()
    .record(ctx, tx)
    .await
}

/// Books what Stripe says was taken back of a transfer and the books do not know.
///
/// # Errors
/// [`Error::Conflict`] for another kind of difference or a settled one, and when Stripe says the same
/// as the books by now; [`Error::Unavailable`] when Stripe does not answer.
pub async fn book_reversal(ctx: &Context, gateway: &dyn Gateway, id: i64) -> Result<()> {
    let person_id = ctx.staff(StaffRole::Finance)?;
    let row = discrepancy::Entity::find_by_id(id)
        .one(ctx.reader())
        .await?
        .ok_or(Error::NotFound)?;
    let payout = match payout_of(&row).filter(|_| row.kind == "reversed_amount") {
        Some(id) => payout::Entity::find_by_id(id).one(ctx.reader()).await?,
        None => None,
    };
    let transfer = payout.and_then(|p| p.transfer_id);
    let (Some(transfer), None) = (transfer, row.settled_at) else {
        return Err(Error::conflict("There is nothing to book here any more."));
    };
    sync::transfer(ctx, gateway, &transfer).await?;
    let tx = ctx.begin().await?;
    let reason = "What was taken back at Stripe is booked.";
    settle_row(ctx, &*tx, &row, Some(person_id), reason).await?;
    tx.commit().await?;
    Ok(())
}
