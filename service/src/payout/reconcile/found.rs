//! What a comparison of payouts, ledger and Stripe looks for, kind by kind.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use domain::ledger::AccountCode;
use domain::payout::evidence;
use entity::{bank_payout, payout};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, Statement};
use stripe_gateway::Gateway;
use stripe_gateway::billing::Transfer;

use crate::context::Context;
use crate::error::Result;
use crate::payout::account::unavailable;
use crate::payout::{send, suspect};

/// One difference.
#[derive(Default)]
pub(super) struct Found {
    pub(super) reference: String,
    pub(super) kind: &'static str,
    pub(super) description: String,
    pub(super) ours: Option<i64>,
    pub(super) theirs: Option<i64>,
    pub(super) currency: Option<String>,
    pub(super) payout_id: Option<i64>,
    pub(super) transfer_id: Option<String>,
    pub(super) partner_id: Option<i64>,
}

/// The payouts that have left, of those made since a date.
pub(super) async fn made(ctx: &Context, since: DateTime<Utc>) -> Result<Vec<payout::Model>> {
    Ok(payout::Entity::find()
        .filter(payout::Column::CreatedAt.gte(since))
        .filter(payout::Column::Status.is_in(["paid", "reversed"]))
        .order_by_asc(payout::Column::Id)
        .all(ctx.reader())
        .await?)
}

/// Payouts that had left before Stripe was asked and whose transfer Stripe has not, neither in its
/// list nor by name.
pub(super) async fn missing(
    gateway: &dyn Gateway,
    before: &[payout::Model],
    transfers: &[Transfer],
) -> Result<Vec<Found>> {
    let listed: HashSet<&str> = transfers.iter().map(|t| t.id.as_str()).collect();
    let mut found = Vec::new();
    for row in before {
        let id = row.transfer_id.as_deref().unwrap_or_default();
        if listed.contains(id) {
            continue;
        }
        match gateway.transfer(id).await {
            Ok(_) => {}
            Err(e) if e.is_missing() => found.push(Found {
                theirs: Some(0),
                ours: Some(row.amount),
                ..about(
                    row,
                    "missing_transfer",
                    "the ledger says paid, Stripe has no transfer.",
                )
            }),
            Err(e) => {
                return Err(unavailable(
                    "Stripe does not answer. Nothing was compared.",
                    e,
                ));
            }
        }
    }
    Ok(found)
}

fn about(row: &payout::Model, kind: &'static str, what: &str) -> Found {
    Found {
        reference: format!("{kind}:{}", row.id),
        kind,
        description: format!("Payout {}: {what}", row.id),
        currency: Some(row.currency.clone()),
        payout_id: Some(row.id),
        transfer_id: row.transfer_id.clone(),
        partner_id: Some(row.partner_id),
        ..Default::default()
    }
}

/// Transfers of ours that are not what the books say, read after Stripe was asked.
pub(super) async fn amounts(ctx: &Context, transfers: &[Transfer]) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for part in transfers.chunks(500) {
        let ids = part.iter().map(|t| t.id.as_str());
        let rows: HashMap<String, payout::Model> = payout::Entity::find()
            .filter(payout::Column::TransferId.is_in(ids))
            .all(ctx.reader())
            .await?
            .into_iter()
            .filter_map(|row| Some((row.transfer_id.clone()?, row)))
            .collect();
        for transfer in part {
            if let Some(row) = rows.get(&transfer.id) {
                found.extend(differs(row, transfer));
            }
        }
    }
    Ok(found)
}

fn differs(row: &payout::Model, transfer: &Transfer) -> Option<Found> {
    let amount = transfer.amount;
    let same = amount.minor == row.amount
        && amount.currency.code() == row.currency
        && transfer.destination.as_deref() == Some(row.destination.as_str());
    if !same {
        let what = format!(
            "transfer {} is of {} to {}, not of {} {} to {}.",
            transfer.id,
            amount.format("en"),
            transfer.destination.as_deref().unwrap_or("nobody"),
            row.amount,
            row.currency,
            row.destination
        );
        return Some(Found {
            ours: Some(row.amount),
            theirs: Some(amount.minor),
            ..about(row, "amount", &what)
        });
    }
    let reversed = transfer.amount_reversed.minor;
    (reversed != row.reversed).then(|| Found {
        ours: Some(row.reversed),
        theirs: Some(reversed),
        ..about(row, "reversed_amount", "what was taken back differs.")
    })
}

/// Transfers of this Stripe account that no payout of this portal made.
pub(super) async fn foreign(
    ctx: &Context,
    installation: &str,
    transfers: impl Iterator<Item = &Transfer>,
) -> Result<Vec<Found>> {
    let strange: Vec<&Transfer> = transfers
        .filter(|t| evidence::claims(installation, &send::listed(t)).is_none())
        .collect();
    let mut found = Vec::new();
    for part in strange.chunks(500) {
        let ids = part.iter().map(|t| t.id.as_str());
        // One that a person booked is known, whatever it says of itself.
        let known: HashSet<String> = payout::Entity::find()
            .filter(payout::Column::TransferId.is_in(ids))
            .all(ctx.reader())
            .await?
            .into_iter()
            .filter_map(|row| row.transfer_id)
            .collect();
        for transfer in part.iter().filter(|t| !known.contains(&t.id)) {
            let partner_id = match transfer.destination.as_deref() {
                Some(account) => suspect::partner_of(ctx.reader(), account).await?,
                None => None,
            };
            found.push(Found {
                reference: format!("foreign:{}", transfer.id),
                kind: "foreign_transfer",
                description: format!(
                    "Transfer {} was not made by this portal, group “{}”.",
                    transfer.id,
                    transfer.transfer_group.as_deref().unwrap_or("none")
                ),
                theirs: Some(transfer.amount.minor),
                currency: Some(transfer.amount.currency.code().to_owned()),
                transfer_id: Some(transfer.id.clone()),
                partner_id,
                ..Default::default()
            });
        }
    }
    Ok(found)
}

/// Payouts to a partner's bank that were refused, until a later one has arrived.
pub(super) async fn banks(ctx: &Context) -> Result<Vec<Found>> {
    let failed = bank_payout::Entity::find()
        .filter(bank_payout::Column::Status.eq("failed"))
        .order_by_asc(bank_payout::Column::Id)
        .all(ctx.reader())
        .await?;
    let mut found = Vec::new();
    for row in failed {
        let later = bank_payout::Entity::find()
            .filter(bank_payout::Column::PartnerId.eq(row.partner_id))
            .filter(bank_payout::Column::Currency.eq(&row.currency))
            .filter(bank_payout::Column::Status.eq("paid"))
            .filter(bank_payout::Column::Id.gt(row.id))
            .one(ctx.reader())
            .await?;
        if later.is_some() {
            continue;
        }
        let why = row.failure.as_deref().unwrap_or("the bank gave no reason");
        found.push(Found {
            reference: format!("bank_payout:{}", row.stripe_id),
            kind: "bank_payout",
            description: format!(
                "A partner’s bank refused Stripe’s payout {}: {why}",
                row.stripe_id
            ),
            theirs: Some(row.amount),
            currency: Some(row.currency),
            partner_id: Some(row.partner_id),
            ..Default::default()
        });
    }
    Ok(found)
}

/// The clearing account against what the payouts say has left, both of one moment.
pub(super) async fn clearing(ctx: &Context) -> Result<Vec<Found>> {
    #[derive(FromQueryResult)]
    struct Sum {
        currency: String,
        gone: i64,
        booked: i64,
    }
    let statement = Statement::from_sql_and_values(
        ctx.db.backend(),
        "SELECT p.currency, CAST(SUM(p.amount - p.reversed) AS BIGINT) AS gone, \
           COALESCE((SELECT a.balance FROM ledger_account a \
             WHERE a.code = $1 AND a.currency = p.currency), 0) AS booked \
         FROM payout p WHERE p.status IN ('paid', 'reversed') GROUP BY p.currency",
        [AccountCode::StripeClearing.to_string().into()],
    );
    let sums = Sum::find_by_statement(statement).all(ctx.reader()).await?;
    let differ = sums.into_iter().filter(|sum| sum.gone != sum.booked);
    Ok(differ
        .map(|sum| Found {
            reference: format!("clearing:{}", sum.currency),
            kind: "clearing",
            description: format!(
                "Stripe clearing in {}: the ledger and the payouts differ.",
                sum.currency
            ),
            ours: Some(sum.booked),
            theirs: Some(sum.gone),
            currency: Some(sum.currency),
            ..Default::default()
        })
        .collect())
}
