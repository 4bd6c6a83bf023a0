//! Takes back what a registration earned by itself, because what it was earned for is undone.

use domain::calendar;
use domain::commission::CommissionState as C;
use domain::ledger::{Bucket, Entry};
use domain::money::Money;
use entity::{commission, program};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use super::cancel::canceled;
use super::finance::{booked, lock, money, state_of, take_with};
use super::month::{self, Month};
use crate::bulk;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event;
use crate::ledger::Links;

/// What is taken back, and why.
pub(crate) struct Undo<'a> {
    pub(crate) deal_id: i64,
    /// The occasion's cause: `won:7`, `meeting:3`.
    pub(crate) cause: &'a str,
    /// Why; the partner reads it.
    pub(crate) reason: &'a str,
}

/// Takes back what an occasion earned: what is not in a payout is canceled, what is becomes a
/// negative line that later earnings absorb. Without `paid_too` it refuses where something is in a
/// payout or paid. Doing it again takes nothing back.
///
/// # Errors
/// [`Error::Conflict`] where something is paid and `paid_too` is not set, and when a line changes at
/// the same moment.
pub(crate) async fn take_back(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    undo: &Undo<'_>,
    paid_too: bool,
) -> Result<()> {
    let ids: Vec<i64> = commission::Entity::find()
        .select_only()
        .column(commission::Column::Id)
        .filter(commission::Column::DealId.eq(undo.deal_id))
        .filter(commission::Column::Kind.eq("accrual"))
        .filter(commission::Column::Reference.starts_with(format!("{}:partner:", undo.cause)))
        .into_tuple()
        .all(tx)
        .await?;
    let rows = lock(tx, &ids).await?;
    let mut steps = Vec::new();
    let mut reversals = Vec::new();
    for row in &rows {
        match state_of(row)? {
            C::Canceled | C::Reversed => {}
            state @ (C::InPayout | C::Paid) => {
                if !paid_too {
                    return Err(Error::conflict(format!(
                        "Its commission is “{}” already, so this cannot be undone any more. \
                         Finance can book a clawback.",
                        state.label()
                    )));
                }
                if row.reversed < row.amount.abs() {
                    reversals.push(row);
                }
            }
            state => {
                C::MACHINE
                    .check(state, C::Canceled)
                    .map_err(|refusal| Error::conflict(refusal.sentence))?;
                let Some(bucket) = state.bucket() else {
                    continue;
                };
                steps.push(canceled(row, bucket, undo.reason)?);
            }
        }
    }
    let mut months: Vec<Month> = steps.iter().map(|s| Month::of(s.row).undone()).collect();
    let mut entries = Vec::new();
    for original in reversals {
        let (row, entry) = reverse(ctx, tx, original, undo).await?;
        months.push(Month::of(&row));
        entries.push(entry);
    }
    month::add(tx, &months).await?;
    take_with(ctx, tx, steps, entries).await
}

/// The negative line of one that is in a payout or paid.
async fn reverse(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    original: &commission::Model,
    undo: &Undo<'_>,
) -> Result<(commission::Model, (Entry, Links))> {
    let left = original.amount - original.reversed;
    let owner = program::Entity::find_by_id(original.program_id)
        .one(tx)
        .await?
        .ok_or(Error::NotFound)?;
    let amount = Money::new(left, money(original)?.currency);
    let row = commission::Model {
        id: bulk::reserve_one::<commission::Entity>(tx).await?,
        kind: "reversal".to_owned(),
        reverses_id: Some(original.id),
        reference: format!("{}:undone", original.reference),
        basis: 0,
        amount: -left,
        reversed: 0,
        state: C::Payable.as_str().to_owned(),
        held_from: None,
        month: calendar::month_of(ctx.now(), crate::program::zone(&owner)),
        payout_id: None,
        explain: serde_json::json!({
            "cause": undo.cause,
            "commission": original.amount,
            "already_reversed": original.reversed,
            "due": left,
        }),
        note: Some(undo.reason.to_owned()),
        earned_at: ctx.now(),
        created_at: ctx.now(),
        ..original.clone()
    };
    bulk::insert::<commission::Entity>(tx, std::slice::from_ref(&row)).await?;
    let set = commission::Entity::update_many()
        .col_expr(
            commission::Column::Reversed,
            Expr::value(original.amount.abs()),
        )
        .filter(commission::Column::Id.eq(original.id))
        .filter(commission::Column::State.eq(&original.state))
        .filter(commission::Column::Reversed.eq(original.reversed))
        .exec(tx)
        .await?;
    if set.rows_affected != 1 {
        return Err(Error::conflict(
            "The commission has just changed. Reload the page to see how it stands.",
        ));
    }
    let summary = format!("{} taken back: {}", amount.format("en"), undo.reason);
    event::Entry::new("commission.reversed", "commission", original.id, &summary)
        .partner(original.partner_id)
        .detail(row.explain.clone())
        .record(ctx, tx)
        .await?;
    let entry = Entry::reverse(
        original.id,
        undo.cause,
        original.partner_id,
        Bucket::Payable,
        amount,
    );
    let links = Links {
        kind: "reversal",
        description: summary,
        commission_id: Some(row.id),
        payout_id: None,
        effective_at: ctx.now(),
    };
    Ok((row, (booked(entry)?, links)))
}
