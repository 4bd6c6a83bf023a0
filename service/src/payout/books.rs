//! What a payout does to commissions and the ledger: always both, in one transaction.
//!
//! For every partner and currency the commissions in a state add up to the ledger's balance of
//! that state; each function here keeps that true, together with the entry it hands back: the caller
//! books all of its transaction's at once and last, see the order of locks in [`crate::db`].

use domain::ledger;
use domain::money::Money;
use entity::{commission, payout};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, IntoCondition},
};

use super::money;
use crate::commission::hold_lines;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::ledger::Links;

fn links(ctx: &Context, kind: &'static str, description: String, payout_id: i64) -> Links {
    Links {
        kind,
        description,
        commission_id: None,
        payout_id: Some(payout_id),
        effective_at: ctx.now(),
    }
}

/// An entry for the caller to book.
pub(super) type ToBook = (ledger::Entry, Links);

/// payable → in payout, when the intent is frozen.
pub(super) fn enter(
    ctx: &Context,
    payout_id: i64,
    partner_id: i64,
    amount: Money,
    reference: &str,
) -> Result<ToBook> {
    let entry = ledger::Entry::enter_payout(payout_id, partner_id, amount);
    let entry = entry.map_err(Error::internal)?;
    let text = format!("Payout {reference} frozen");
    Ok((entry, links(ctx, "payout_entered", text, payout_id)))
}

/// in payout → paid: commissions and ledger.
pub(super) async fn paid(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    row: &payout::Model,
    reference: &str,
) -> Result<ToBook> {
    hold_lines(tx, commission::Column::PayoutId.eq(row.id).into_condition()).await?;
    commission::Entity::update_many()
        .col_expr(commission::Column::State, Expr::value("paid"))
        .filter(commission::Column::PayoutId.eq(row.id))
        .filter(commission::Column::State.eq("in_payout"))
        .exec(tx)
        .await?;
    let amount = money(row.amount, &row.currency)?;
    let entry = ledger::Entry::payout_paid(row.id, row.partner_id, amount);
    let text = format!("Payout {reference} transferred to {}", row.destination);
    let entry = entry.map_err(Error::internal)?;
    Ok((entry, links(ctx, "payout_paid", text, row.id)))
}

/// in payout → payable: the transfer definitely was not made.
pub(super) async fn returned(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    row: &payout::Model,
    reference: &str,
) -> Result<ToBook> {
    hold_lines(tx, commission::Column::PayoutId.eq(row.id).into_condition()).await?;
    commission::Entity::update_many()
        .col_expr(commission::Column::State, Expr::value("payable"))
        .col_expr(commission::Column::PayoutId, Expr::value(None::<i64>))
        .filter(commission::Column::PayoutId.eq(row.id))
        .filter(commission::Column::State.eq("in_payout"))
        .exec(tx)
        .await?;
    let amount = money(row.amount, &row.currency)?;
    let entry = ledger::Entry::payout_failed(row.id, row.partner_id, amount);
    let text = format!("Payout {reference} failed; the amount is payable again");
    let entry = entry.map_err(Error::internal)?;
    Ok((entry, links(ctx, "payout_failed", text, row.id)))
}

/// A made transfer came back, `amount` of it: payable again as a line of its own, because what was
/// paid stays paid in the history.
pub(super) async fn came_back(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    row: &payout::Model,
    program_id: i64,
    reference: &str,
    amount: Money,
    total_reversed: i64,
) -> Result<ToBook> {
    let cause = format!("to:{total_reversed}");
    let line = Line {
        program_id,
        partner_id: row.partner_id,
        reference: format!("payout:{}:came_back:{total_reversed}", row.id),
        amount,
        state: "payable",
        payout_id: None,
        note: format!("The transfer of payout {reference} was taken back at Stripe."),
    };
    insert(ctx, tx, line).await?;
    let entry = ledger::Entry::payout_reversed(row.id, &cause, row.partner_id, amount);
    let text = format!("Transfer of payout {reference} taken back");
    let entry = entry.map_err(Error::internal)?;
    Ok((entry, links(ctx, "payout_reversed", text, row.id)))
}

/// Why a rest is carried where Stripe moves a currency only in steps (three-decimal ones in tens).
pub(super) const IN_STEPS: &str =
    "Stripe pays this currency in larger steps; the rest goes into the next payout.";

/// What a payout's lines come to more (or less) than its amount stays payable (or is owed): a pair of
/// lines moves it out of the payout and into the next one.
pub(super) async fn carry(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    program_id: i64,
    partner_id: i64,
    payout_id: i64,
    rest: Money,
    note: &str,
) -> Result<()> {
    let opposite = rest.checked_neg().map_err(Error::internal)?;
    for (amount, state, payout, side) in [
        (opposite, "in_payout", Some(payout_id), "out"),
        (rest, "payable", None, "in"),
    ] {
        let line = Line {
            program_id,
            partner_id,
            reference: format!("payout:{payout_id}:carry_{side}"),
            amount,
            state,
            payout_id: payout,
            note: note.to_owned(),
        };
        insert(ctx, tx, line).await?;
    }
    Ok(())
}

/// A commission line that a payout itself makes.
struct Line {
    program_id: i64,
    partner_id: i64,
    reference: String,
    amount: Money,
    state: &'static str,
    payout_id: Option<i64>,
    note: String,
}

async fn insert(ctx: &Context, tx: &impl ConnectionTrait, line: Line) -> Result<()> {
    commission::Entity::insert(commission::ActiveModel {
        program_id: Set(line.program_id),
        partner_id: Set(line.partner_id),
        kind: Set("adjustment".to_owned()),
        reference: Set(line.reference),
        basis: Set(0),
        amount: Set(line.amount.minor),
        currency: Set(line.amount.currency.code().to_owned()),
        state: Set(line.state.to_owned()),
        hold_until: Set(ctx.now()),
        month: Set(ctx.now().format("%Y-%m").to_string()),
        payout_id: Set(line.payout_id),
        explain: Set(serde_json::json!({})),
        note: Set(Some(line.note)),
        earned_at: Set(ctx.now()),
        created_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    Ok(())
}
