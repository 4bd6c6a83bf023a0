//! Transfers at Stripe that say they are this portal's and that it does not know as sent.

use std::collections::{HashMap, HashSet};

use domain::payout::PayoutStatus;
use domain::payout::evidence::{self, Listed};
use entity::{discrepancy, payout, payout_account};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, OnConflict},
};
use stripe_gateway::billing::Transfer;

use super::send::{frozen, listed};
use crate::context::Context;
use crate::error::Result;

/// The kinds of difference that stop sending: each may be money that leaves twice.
pub(super) const KINDS: [&str; 3] = ["unknown_payout", "unexpected_transfer", "double_transfer"];
/// How many are asked for in one statement.
const AT_ONCE: usize = 500;

/// Such a transfer.
#[derive(Clone, Debug)]
pub(super) struct Suspect {
    /// One of [`KINDS`].
    pub(super) kind: &'static str,
    pub(super) transfer: Transfer,
    /// The payout it says it is for, where there is one of that id.
    pub(super) payout: Option<payout::Model>,
    why: String,
}

/// Those among `transfers`, which were listed before this is called: whatever was sent before that
/// is in the database by now, and at least as being sent.
pub(super) async fn among(
    ctx: &Context,
    installation: &str,
    transfers: &[Transfer],
) -> Result<Vec<Suspect>> {
    let claims: Vec<(i64, &Transfer, Listed)> = transfers
        .iter()
        .filter_map(|transfer| {
            let seen = listed(transfer);
            Some((evidence::claims(installation, &seen)?, transfer, seen))
        })
        .collect();
    let mut suspects = sent_by_another(ctx, installation, transfers).await?;
    let mut known = HashSet::new();
    let mut rows = HashMap::new();
    for part in claims.chunks(AT_ONCE) {
        // In one statement: a payout that is paid between two of them would be known by neither.
        let transfers = part.iter().map(|(_, transfer, _)| transfer.id.as_str());
        let ids = part.iter().map(|(payout, ..)| *payout);
        let either = Condition::any()
            .add(payout::Column::TransferId.is_in(transfers))
            .add(payout::Column::Id.is_in(ids));
        for row in payout::Entity::find()
            .filter(either)
            .all(ctx.reader())
            .await?
        {
            known.extend(row.transfer_id.clone());
            rows.insert(row.id, row);
        }
    }
    for (payout_id, transfer, seen) in claims {
        if known.contains(&transfer.id) {
            continue;
        }
        let row = rows.get(&payout_id);
        if let Some((kind, why)) = judge(ctx, installation, row, &seen).await? {
            suspects.push(Suspect {
                kind,
                transfer: transfer.clone(),
                payout: row.cloned(),
                why,
            });
        }
    }
    Ok(suspects)
}

/// Transfers to accounts of this portal's partners that another installation of Portico sent: a copy
/// of this database, or this one in a time from which it has forgotten even its name.
async fn sent_by_another(
    ctx: &Context,
    installation: &str,
    transfers: &[Transfer],
) -> Result<Vec<Suspect>> {
    let mut suspects = Vec::new();
    for transfer in transfers {
        let seen = listed(transfer);
        let other = seen.installation.as_deref().filter(|o| *o != installation);
        let (Some(other), Some(account)) = (other, transfer.destination.as_deref()) else {
            continue;
        };
        let known = payout::Entity::find()
            .filter(payout::Column::TransferId.eq(&transfer.id))
            .one(ctx.reader())
            .await?;
        if known.is_some() || partner_of(ctx.reader(), account).await?.is_none() {
            continue;
        }
        let (id, amount) = (&transfer.id, transfer.amount.format("en"));
        suspects.push(Suspect {
            kind: "unknown_payout",
            transfer: transfer.clone(),
            payout: None,
            why: format!(
                "Transfer {id} of {amount} went to a partner’s account and was sent by another \
                 installation of this portal ({other})."
            ),
        });
    }
    Ok(suspects)
}

/// What is wrong with a transfer that no payout knows as its own; `None` when its payout is being
/// settled and will find it.
async fn judge(
    ctx: &Context,
    installation: &str,
    row: Option<&payout::Model>,
    seen: &Listed,
) -> Result<Option<(&'static str, String)>> {
    let amount = seen.amount.format("en");
    let id = &seen.id;
    let Some(row) = row else {
        let why =
            format!("Transfer {id} of {amount} is for a payout that is not in this database.");
        return Ok(Some(("unknown_payout", why)));
    };
    let ours = frozen(row, installation)?;
    if let Some(misfit) = evidence::misfit(&ours.as_ref(), seen) {
        let why = format!(
            "Transfer {id} of {amount} says it is for payout {}, but is not this one: {misfit}.",
            row.id
        );
        return Ok(Some(("unknown_payout", why)));
    }
    match row.status.parse().map_err(crate::Error::internal)? {
        // Its own job settles it.
        PayoutStatus::Sending | PayoutStatus::Unknown => Ok(None),
        PayoutStatus::Intended => {
            // Sent in a time that this database has forgotten: it is settled, not sent.
            payout::Entity::update_many()
                .col_expr(payout::Column::Status, Expr::value("sending"))
                .col_expr(payout::Column::SentAt, Expr::value(ctx.now()))
                .col_expr(payout::Column::TransferGroup, Expr::value(ours.group))
                .filter(payout::Column::Id.eq(row.id))
                .filter(payout::Column::Status.eq("intended"))
                .exec(ctx.reader())
                .await?;
            super::sweep::wake(ctx, ctx.reader(), row.id).await?;
            Ok(None)
        }
        PayoutStatus::Failed => {
            let why = format!(
                "Payout {} has failed and its amount was payable again, but Stripe has its transfer \
                 {id} of {amount}.",
                row.id
            );
            Ok(Some(("unexpected_transfer", why)))
        }
        PayoutStatus::Paid | PayoutStatus::Reversed => {
            let first = row.transfer_id.as_deref().unwrap_or("none");
            let why = format!(
                "Payout {} was paid by {first}, and Stripe has a second transfer {id} of {amount} \
                 for it.",
                row.id
            );
            Ok(Some(("double_transfer", why)))
        }
    }
}

/// Lists one as a difference, once; says whether it is still open.
pub(super) async fn list(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    suspect: &Suspect,
) -> Result<bool> {
    let transfer = &suspect.transfer;
    let partner_id = match transfer.destination.as_deref() {
        Some(account) => partner_of(tx, account).await?,
        None => None,
    };
    let reference = format!("{}:{}", suspect.kind, transfer.id);
    discrepancy::Entity::insert(discrepancy::ActiveModel {
        reference: Set(reference.clone()),
        kind: Set(suspect.kind.to_owned()),
        description: Set(suspect.why.clone()),
        ours: Set(Some(0)),
        theirs: Set(Some(transfer.amount.minor)),
        currency: Set(Some(transfer.amount.currency.code().to_owned())),
        found_at: Set(ctx.now()),
        payout_id: Set(suspect.payout.as_ref().map(|row| row.id)),
        transfer_id: Set(Some(transfer.id.clone())),
        partner_id: Set(partner_id),
        ..Default::default()
    })
    .on_conflict(
        OnConflict::column(discrepancy::Column::Reference)
            .do_nothing()
            .to_owned(),
    )
    .exec_without_returning(tx)
    .await?;
    let row = discrepancy::Entity::find()
        .filter(discrepancy::Column::Reference.eq(reference))
        .one(tx)
        .await?;
    Ok(row.is_some_and(|row| row.settled_at.is_none()))
}

/// Whose account it is, or was when something was paid to it.
pub(super) async fn partner_of(db: &impl ConnectionTrait, account: &str) -> Result<Option<i64>> {
    let connected = payout_account::Entity::find()
        .filter(payout_account::Column::StripeId.eq(account))
        .one(db)
        .await?;
    if let Some(connected) = connected {
        return Ok(Some(connected.partner_id));
    }
    let paid = payout::Entity::find()
        .filter(payout::Column::Destination.eq(account))
        .order_by_desc(payout::Column::Id)
        .one(db)
        .await?;
    Ok(paid.map(|row| row.partner_id))
}
