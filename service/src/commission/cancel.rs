//! Lines taken back for good by finance.

use std::collections::BTreeMap;

use domain::commission::CommissionState;
use domain::ledger::Entry;
use domain::partner::StaffRole;
use domain::transition::Who;
use entity::commission;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::finance::{Bulk, Step, booked, lock, money, reason_of, state_of, take};
use super::month::{self, Month, month_effect};
use crate::context::Context;
use crate::error::Result;

/// Takes lines back for good, together with what was reversed of them; not once they are in a
/// payout.
///
/// # Errors
/// As [`super::hold`].
pub async fn cancel(ctx: &Context, ids: &[i64], reason: &str) -> Result<Bulk> {
    ctx.staff(StaffRole::Finance)?;
    let reason = reason_of(reason)?;
    let tx = ctx.begin().await?;
    let rows = lock(&*tx, ids).await?;
    let reversals = commission::Entity::find()
        .filter(commission::Column::ReversesId.is_in(rows.iter().map(|r| r.id)))
        .order_by_asc(commission::Column::Id)
        .all(&*tx)
        .await?;
    let mut bulk = Bulk::default();
    let mut steps = Vec::new();
    let mut months: BTreeMap<(i64, &str, &str), [i64; 3]> = BTreeMap::new();
    for row in &rows {
        let family: Vec<&commission::Model> = std::iter::once(row)
            .chain(reversals.iter().filter(|r| r.reverses_id == Some(row.id)))
            .collect();
        if let Some(sentence) = not_cancelable(&family)? {
            bulk.refused.push((row.id, sentence));
            continue;
        }
        for member in family {
            let Some(bucket) = state_of(member)?.bucket() else {
                continue;
            };
            let entry = Entry::reverse(
                member.id,
                "canceled",
                member.partner_id,
                bucket,
                money(member)?,
            );
            let parts = month_effect(
                &member.kind,
                &member.state,
                &member.reference,
                member.amount,
                member.basis,
            );
            let key = (
                member.partner_id,
                member.currency.as_str(),
                member.month.as_str(),
            );
            for (sum, part) in months.entry(key).or_default().iter_mut().zip(parts) {
                *sum = sum.saturating_sub(part);
            }
            steps.push(Step {
                row: member,
                to: CommissionState::Canceled,
                held_from: None,
                note: Some(reason.clone()),
                kind: "cancel",
                entry: booked(entry)?,
                action: "commission.canceled",
                summary: format!("Canceled: {reason}"),
            });
        }
        bulk.done.push(row.id);
    }
    steps.sort_by_key(|step| step.row.id);
    let months: Vec<Month> = months
        .into_iter()
        .map(|((partner_id, currency, month), parts)| Month {
            partner_id,
            currency: currency.to_owned(),
            month: month.to_owned(),
            parts,
        })
        .collect();
    // Months before ledger accounts, as everywhere, so that nobody waits in a circle.
    month::add(&*tx, &months).await?;
    take(ctx, &*tx, steps).await?;
    tx.commit().await?;
    Ok(bulk)
}

/// Why a line and its reversals cannot be canceled.
fn not_cancelable(family: &[&commission::Model]) -> Result<Option<String>> {
    for (i, member) in family.iter().enumerate() {
        if i == 0 && member.reverses_id.is_some() {
            return Ok(Some(
                "This line takes money back that went back to the customer. Cancel the line it \
                 belongs to instead."
                    .to_owned(),
            ));
        }
        let state = state_of(member)?;
        let check =
            CommissionState::MACHINE.check_by(state, CommissionState::Canceled, Who::Finance);
        if let Err(refusal) = check {
            return Ok(Some(refusal.sentence));
        }
    }
    Ok(None)
}
