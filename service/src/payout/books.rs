//! What a payout does to commissions and the ledger: always both, in one transaction.
//!
//! For every partner and currency the commissions in a state add up to the ledger's balance of
//! that state; each function here keeps that true, together with the entry it hands back: the caller
//! books all of its transaction's at once and last, see the order of locks in [`crate::db`].

use domain::money::Money;
use domain::{calendar, ledger};
use entity::{commission, payout};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, IntoCondition},
};

use super::{money, send};
use crate::commission::hold_lines;
use crate::commission::month::{self, Month};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::ledger::Links;
use crate::{bulk, program};

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
) -> Result<ToBook> {
    let mut entries = all_returned(ctx, tx, std::slice::from_ref(row)).await?;
    let none = || Error::internal("a payout gave nothing back");
    entries.pop().ok_or_else(none)
}

/// The same for several payouts at once.
pub(super) async fn all_returned(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    rows: &[payout::Model],
) -> Result<Vec<ToBook>> {
    let theirs = commission::Column::PayoutId.is_in(rows.iter().map(|row| row.id));
    hold_lines(tx, theirs.clone().into_condition()).await?;
    commission::Entity::update_many()
        .col_expr(commission::Column::State, Expr::value("payable"))
        .col_expr(commission::Column::PayoutId, Expr::value(None::<i64>))
        .filter(theirs)
        .filter(commission::Column::State.eq("in_payout"))
        .exec(tx)
        .await?;
    let entries = rows.iter().map(|row| {
        let amount = money(row.amount, &row.currency)?;
        let entry = ledger::Entry::payout_failed(row.id, row.partner_id, amount);
        let reference = send::reference(row.id);
        let text = format!("Payout {reference} failed; the amount is payable again");
        let entry = entry.map_err(Error::internal)?;
        Ok((entry, links(ctx, "payout_failed", text, row.id)))
    });
    entries.collect()
}

/// A made transfer came back, `amount` of it: payable again as a line of its own, because what was
/// paid stays paid in the history. The partner's month is booked here, so nothing but the ledger may
/// be left to do.
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
    let line = insert(ctx, tx, line).await?;
    month::add(tx, &[Month::of(&line)]).await?;
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

async fn insert(ctx: &Context, tx: &impl ConnectionTrait, line: Line) -> Result<commission::Model> {
    let program = program::by_id(tx, line.program_id).await?;
    let row = commission::Model {
        id: bulk::reserve_one::<commission::Entity>(tx).await?,
        program_id: line.program_id,
        partner_id: line.partner_id,
        account_id: None,
        invoice_id: None,
        invoice_line_id: None,
        deal_id: None,
        kind: "adjustment".to_owned(),
        reverses_id: None,
        reference: line.reference,
        plan_version_id: None,
        rule_name: String::new(),
        tier_name: String::new(),
        basis: 0,
        rate_bp: None,
        amount: line.amount.minor,
        reversed: 0,
        currency: line.amount.currency.code().to_owned(),
        state: line.state.to_owned(),
        held_from: None,
        hold_until: ctx.now(),
        month: calendar::month_of(ctx.now(), program::zone(&program)),
        payout_id: line.payout_id,
        explain: serde_json::json!({}),
        note: Some(line.note),
        earned_at: ctx.now(),
        created_at: ctx.now(),
    };
    bulk::insert::<commission::Entity>(tx, std::slice::from_ref(&row)).await?;
    Ok(row)
}
