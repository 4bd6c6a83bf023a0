//! Holding ledger, payouts and Stripe against each other.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::ledger::AccountCode;
use domain::partner::StaffRole;
use entity::{discrepancy, payout};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    sea_query::Expr, sea_query::OnConflict,
};
use stripe_gateway::Gateway;
use stripe_gateway::billing::Transfer;

use super::{account::unavailable, money, send};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::ledger;

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

/// One difference.
struct Found {
    reference: String,
    kind: &'static str,
    description: String,
    ours: Option<i64>,
    theirs: Option<i64>,
    currency: Option<String>,
}

/// Compares everything since a date and lists each difference once, however often it is found.
/// For finance, and for the portal itself on its daily round.
///
/// # Errors
/// [`Error::Unavailable`] when Stripe does not answer.
pub async fn run(ctx: &Context, gateway: &dyn Gateway, since: DateTime<Utc>) -> Result<Summary> {
    if ctx.actor != crate::Actor::System {
        ctx.staff(StaffRole::Finance)?;
    }
    let transfers = gateway
        .list_transfers(since)
        .await
        .map_err(|e| unavailable("Stripe does not answer. Nothing was compared.", e))?;
    let payouts = payout::Entity::find()
        .filter(payout::Column::CreatedAt.gte(since))
        .order_by_asc(payout::Column::Id)
        .all(ctx.reader())
        .await?;
    let mut found = compare(&payouts, &transfers);
    found.extend(clearing(ctx).await?);
    let tx = ctx.begin().await?;
    for difference in found {
        discrepancy::Entity::insert(discrepancy::ActiveModel {
            reference: Set(difference.reference),
            kind: Set(difference.kind.to_owned()),
            description: Set(difference.description),
            ours: Set(difference.ours),
            theirs: Set(difference.theirs),
            currency: Set(difference.currency),
            found_at: Set(ctx.now()),
            ..Default::default()
        })
        .on_conflict(
            OnConflict::column(discrepancy::Column::Reference)
                .do_nothing()
                .to_owned(),
        )
        .exec_without_returning(&*tx)
        .await?;
    }
    let open = open(&*tx).await?.len();
    tx.commit().await?;
    Ok(Summary {
        transfers: transfers.len(),
        payouts: payouts.len(),
        open,
    })
}

/// Our payouts against Stripe's transfers, by the group each carries.
fn compare(payouts: &[payout::Model], transfers: &[Transfer]) -> Vec<Found> {
    let mut by_group: HashMap<&str, Vec<&Transfer>> = HashMap::new();
    let mut found = Vec::new();
    for transfer in transfers {
        match transfer
            .transfer_group
            .as_deref()
            .filter(|g| g.starts_with("portico-payout-"))
        {
            Some(group) => by_group.entry(group).or_default().push(transfer),
            None => found.push(Found {
                reference: format!("foreign:{}", transfer.id),
                kind: "foreign_transfer",
                description: format!("Transfer {} was not made by Portico.", transfer.id),
                ours: None,
                theirs: Some(transfer.amount.minor),
                currency: Some(transfer.amount.currency.code().to_owned()),
            }),
        }
    }
    for payout in payouts {
        let group = send::reference(payout.id);
        let theirs = by_group.remove(group.as_str()).unwrap_or_default();
        found.extend(compare_one(payout, &theirs));
    }
    // What is left belongs to payouts older than the window, or to none.
    found
}

fn compare_one(payout: &payout::Model, theirs: &[&Transfer]) -> Vec<Found> {
    let finding = |kind: &'static str, what: String, ours, theirs| Found {
        reference: format!("{kind}:{}", payout.id),
        kind,
        description: format!("Payout {}: {what}", payout.id),
        ours,
        theirs,
        currency: Some(payout.currency.clone()),
    };
    let made = matches!(payout.status.as_str(), "paid" | "reversed");
    let open = matches!(payout.status.as_str(), "intended" | "sending" | "unknown");
    let sum: i64 = theirs
        .iter()
        .map(|t| t.amount.minor)
        .fold(0, i64::saturating_add);
    let reversed: i64 = theirs
        .iter()
        .map(|t| t.amount_reversed.minor)
        .fold(0, i64::saturating_add);
    let ours = Some(payout.amount);
    match theirs.len() {
        0 if made => vec![finding(
            "missing_transfer",
            "the ledger says paid, Stripe has no transfer.".to_owned(),
            ours,
            Some(0),
        )],
        0 => Vec::new(),
        n if n > 1 => vec![finding(
            "double_transfer",
            format!("Stripe has {n} transfers for it."),
            ours,
            Some(sum),
        )],
        _ if payout.status == "failed" => vec![finding(
            "unexpected_transfer",
            "the ledger says failed, Stripe has a transfer.".to_owned(),
            Some(0),
            Some(sum),
        )],
        _ if open => Vec::new(),
        _ if sum != payout.amount => {
            vec![finding(
                "amount",
                "the amounts differ.".to_owned(),
                ours,
                Some(sum),
            )]
        }
        _ if reversed != payout.reversed => vec![finding(
            "reversed_amount",
            "what was taken back differs.".to_owned(),
            Some(payout.reversed),
            Some(reversed),
        )],
        _ => Vec::new(),
    }
}

/// The clearing account against what the payouts say has left.
async fn clearing(ctx: &Context) -> Result<Vec<Found>> {
    let mut sums: HashMap<String, i64> = HashMap::new();
    let gone = payout::Entity::find()
        .filter(payout::Column::Status.is_in(["paid", "reversed"]))
        .all(ctx.reader())
        .await?;
    for payout in gone {
        *sums.entry(payout.currency).or_default() += payout.amount - payout.reversed;
    }
    let mut found = Vec::new();
    for (currency, sum) in sums {
        let code = money(sum, &currency)?.currency;
        let booked = ledger::balance(ctx.reader(), AccountCode::StripeClearing, code).await?;
        if booked != sum {
            found.push(Found {
                reference: format!("clearing:{currency}:{booked}:{sum}"),
                kind: "clearing",
                description: format!(
                    "Stripe clearing in {currency}: the ledger and the payouts differ."
                ),
                ours: Some(booked),
                theirs: Some(sum),
                currency: Some(currency),
            });
        }
    }
    Ok(found)
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

/// Settles a difference with a reason. Money is moved by an adjustment, never by this.
///
/// # Errors
/// [`Error::Invalid`] without a reason, [`Error::Conflict`] when it is settled already.
pub async fn settle(ctx: &Context, id: i64, reason: &str) -> Result<()> {
    let person_id = ctx.staff(StaffRole::Finance)?;
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Error::field(
            "reason",
            "Say how it was settled; the auditors will ask.",
        ));
    }
    let tx = ctx.begin().await?;
    let row = discrepancy::Entity::find_by_id(id)
        .one(&*tx)
        .await?
        .ok_or(Error::NotFound)?;
    let settled = discrepancy::Entity::update_many()
        .col_expr(discrepancy::Column::SettledAt, Expr::value(ctx.now()))
        .col_expr(discrepancy::Column::SettledBy, Expr::value(person_id))
        .col_expr(discrepancy::Column::Reason, Expr::value(reason))
        .filter(discrepancy::Column::Id.eq(row.id))
        .filter(discrepancy::Column::SettledAt.is_null())
        .exec(&*tx)
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
        id,
        format!("Settled: {reason}"),
    )
    .internal()
    .record(ctx, &*tx)
    .await?;
    tx.commit().await?;
    Ok(())
}
