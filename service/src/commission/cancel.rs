//! Lines taken back for good by finance.

use domain::commission::CommissionState;
use domain::ledger::{Bucket, Entry};
use domain::partner::StaffRole;
use domain::transition::Who;
use entity::commission;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::finance::{Bulk, Step, booked, lock, money, reason_of, state_of, take};
use super::month::{self, Month};
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
    let mut months = Vec::new();
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
            months.push(Month::of(member).undone());
            steps.push(canceled(member, bucket, &reason)?);
        }
        bulk.done.push(row.id);
    }
    steps.sort_by_key(|step| step.row.id);
    // Months before ledger accounts, as everywhere, so that nobody waits in a circle.
    month::add(&*tx, &months).await?;
    take(ctx, &*tx, steps).await?;
    tx.commit().await?;
    Ok(bulk)
}

/// What canceling a line comes to; its month is the caller's.
pub(super) fn canceled<'a>(
    row: &'a commission::Model,
    bucket: Bucket,
    reason: &str,
) -> Result<Step<'a>> {
    let entry = Entry::reverse(row.id, "canceled", row.partner_id, bucket, money(row)?);
    Ok(Step {
        row,
        to: CommissionState::Canceled,
        held_from: None,
        note: Some(reason.to_owned()),
        kind: "cancel",
        entry: booked(entry)?,
        action: "commission.canceled",
        summary: format!("Canceled: {reason}"),
    })
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
