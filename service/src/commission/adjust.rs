//! What finance books by hand: bonuses, corrections, clawbacks, and debts given up.
//!
//! Above the policy's amount a second person has to approve: until then the line is held. What one
//! person books in a day, and what is booked for one partner, adds up.

use chrono::{DateTime, Utc};
use domain::calendar;
use domain::ledger::{AccountCode, Bucket, Entry};
use domain::money::{Currency, Money};
use domain::partner::StaffRole;
use entity::{commission, partner};
use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait};

use super::cancel::cancel;
use super::day::why_second;
use super::finance::{Bulk, booked, lock, reason_of, released, take};
use super::month::{self, Month};
use crate::bulk;
use crate::context::Context;
use crate::error::{Error, FieldErrors, Result};
use crate::event;
use crate::ledger::{self, Links, post_many};
use crate::{identity, payout, program};

domain::text_enum! {
    /// What finance books by hand.
    pub enum ByHand {
        /// A correction in either direction.
        Adjustment = "adjustment" => "Correction",
        /// Something extra for the partner.
        Bonus = "bonus" => "Bonus",
        /// Something taken back, for another reason than a refund.
        Clawback = "clawback" => "Clawback",
    }
}

/// What finance types.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AdjustForm {
    /// `partner.id`.
    pub partner_id: i64,
    /// See [`ByHand`].
    pub kind: String,
    /// In major units, as people write it: `-12.50`. A clawback is given without a sign.
    pub amount: String,
    /// ISO 4217.
    pub currency: String,
    /// Why; the partner reads it.
    pub reason: String,
}

/// What was booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adjusted {
    /// `commission.id`.
    pub id: i64,
    /// Whether a second person has to approve it first.
    pub needs_second: bool,
}

/// Books an adjustment: payable at once, or held for a second person above the policy's amount.
///
/// # Errors
/// [`Error::Invalid`] at the fields; [`Error::NotFound`], [`Error::Forbidden`] for all but finance.
pub async fn adjust(ctx: &Context, form: &AdjustForm) -> Result<Adjusted> {
    adjust_noted(ctx, form, "").await
}

/// The same with a note for colleagues, which may be empty; the partner never reads it.
///
/// # Errors
/// As [`adjust`].
pub async fn adjust_noted(ctx: &Context, form: &AdjustForm, note: &str) -> Result<Adjusted> {
    ctx.staff(StaffRole::Finance)?;
    let mut errors = FieldErrors::new();
    let kind = errors.check(
        "kind",
        form.kind.parse::<ByHand>().map_err(|_| "Choose a kind."),
    );
    let currency = errors.check("currency", form.currency.parse::<Currency>());
    let amount =
        currency.and_then(|currency| errors.check("amount", Money::parse(&form.amount, currency)));
    let reason = errors.check(
        "reason",
        domain::validate::required(&form.reason, "the reason", 500),
    );
    let note = errors.check("note", domain::validate::optional(note, 1_000));
    let amount = match (kind, amount) {
        (Some(kind), Some(amount)) => signed(&mut errors, kind, amount),
        _ => None,
    };
    errors.finish()?;
    let (Some(kind), Some(amount), Some(reason)) = (kind, amount, reason) else {
        return Err(Error::internal("an adjustment without amount"));
    };
    let tx = ctx.begin().await?;
    let line = Line {
        partner_id: form.partner_id,
        kind: kind.as_str(),
        amount,
        reason,
    };
    let adjusted = write(ctx, &*tx, line).await?;
    if let Some(note) = note.filter(|note| !note.is_empty()) {
        event::Entry::new("commission.noted", "commission", adjusted.id, note)
            .partner(form.partner_id)
            .internal()
            .record(ctx, &*tx)
            .await?;
    }
    tx.commit().await?;
    Ok(adjusted)
}

/// The amount with the sign of its kind.
fn signed(errors: &mut FieldErrors, kind: ByHand, amount: Money) -> Option<Money> {
    let sentence = match (kind, amount.minor) {
        (_, 0) => "Enter an amount other than zero.",
        (ByHand::Bonus, ..0) => "A bonus is positive. Book a clawback to take something back.",
        (ByHand::Clawback, ..0) => "Enter what is taken back without a sign.",
        (ByHand::Clawback, _) => return amount.checked_neg().ok(),
        _ => return Some(amount),
    };
    errors.add("amount", sentence);
    None
}

/// Gives up what a partner owes in a currency, with a reason.
///
/// # Errors
/// [`Error::Conflict`] when it owes nothing; [`Error::Invalid`] at the fields; [`Error::NotFound`],
/// [`Error::Forbidden`] for all but finance.
pub async fn write_off(
    ctx: &Context,
    partner_id: i64,
    currency: &str,
    reason: &str,
) -> Result<Adjusted> {
    ctx.staff(StaffRole::Finance)?;
    let reason = reason_of(reason)?;
    let currency: Currency = currency
        .parse()
        .map_err(|e| Error::field("currency", format!("{e}")))?;
    let tx = ctx.begin().await?;
    let code = AccountCode::partner(partner_id, Bucket::Payable);
    let balance = ledger::balance(&*tx, code, currency).await?;
    if balance >= 0 {
        return Err(Error::conflict(format!(
            "The partner owes nothing in {currency}."
        )));
    }
    let amount = Money::new(balance, currency)
        .checked_neg()
        .map_err(Error::internal)?;
    let line = Line {
        partner_id,
        kind: "write_off",
        amount,
        reason,
    };
    let adjusted = write(ctx, &*tx, line).await?;
    tx.commit().await?;
    Ok(adjusted)
}

/// Approves an adjustment that waits for a second person.
///
/// # Errors
/// [`Error::Forbidden`] for the person who asked for it and for whom
/// [`identity::may_approve_money`] refuses; [`Error::Conflict`] when it does not wait;
/// [`Error::NotFound`], [`Error::Forbidden`] for all but finance.
pub async fn approve(ctx: &Context, id: i64) -> Result<()> {
    let person = ctx.staff(StaffRole::Finance)?;
    let tx = ctx.begin().await?;
    let rows = lock(&*tx, &[id]).await?;
    let row = rows.first().ok_or(Error::NotFound)?;
    let asked = asked_by(row)
        .filter(|_| row.state == "held")
        .ok_or_else(|| Error::conflict("This line does not wait for an approval."))?;
    if asked == person {
        return Err(Error::Forbidden(
            "You asked for this adjustment. Another person of finance has to approve it."
                .to_owned(),
        ));
    }
    identity::may_approve_money(ctx, &*tx, person, &[asked]).await?;
    let mut step = released(row, 1, "Approved by a second person.".to_owned())?;
    step.action = "commission.approved";
    take(ctx, &*tx, vec![step]).await?;
    // From now on it is a line like any other.
    let mut explain = row.explain.clone();
    if let Some(object) = explain.as_object_mut() {
        object.insert("needs_second".to_owned(), false.into());
        object.insert("approved_by".to_owned(), person.into());
    }
    commission::ActiveModel {
        id: Unchanged(id),
        explain: Set(explain),
        ..Default::default()
    }
    .update(&*tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Turns an adjustment down that waits for a second person; whoever asked for it may do so too.
///
/// # Errors
/// As [`cancel`].
pub async fn reject(ctx: &Context, id: i64, reason: &str) -> Result<Bulk> {
    cancel(ctx, &[id], reason).await
}

/// Who asked for a line that needs a second person's approval.
pub(super) fn asked_by(row: &commission::Model) -> Option<i64> {
    row.explain.get("asked_by")?.as_i64().filter(|_| {
        row.explain
            .get("needs_second")
            .and_then(serde_json::Value::as_bool)
            == Some(true)
    })
}

/// A line by hand.
struct Line {
    partner_id: i64,
    kind: &'static str,
    amount: Money,
    reason: String,
}

async fn write(ctx: &Context, tx: &impl ConnectionTrait, line: Line) -> Result<Adjusted> {
    let now: DateTime<Utc> = ctx.now();
    let owner = partner::Entity::find_by_id(line.partner_id)
        .one(tx)
        .await?
        .ok_or(Error::NotFound)?;
    let program = program::by_id(tx, owner.program_id).await?;
    program::limit::one_at_a_time(tx, program.id).await?;
    let second = why_second(ctx, tx, &program, owner.id, line.amount).await?;
    let needs_second = second.is_some();
    let id = bulk::reserve_one::<commission::Entity>(tx).await?;
    let row = commission::Model {
        id,
        program_id: program.id,
        partner_id: owner.id,
        account_id: None,
        invoice_id: None,
        invoice_line_id: None,
        deal_id: None,
        kind: line.kind.to_owned(),
        reverses_id: None,
        reference: format!("{}:{id}", line.kind),
        plan_version_id: None,
        rule_name: String::new(),
        tier_name: String::new(),
        basis: 0,
        rate_bp: None,
        amount: line.amount.minor,
        reversed: 0,
        currency: line.amount.currency.code().to_owned(),
        state: if needs_second { "held" } else { "payable" }.to_owned(),
        held_from: needs_second.then(|| "payable".to_owned()),
        hold_until: now,
        month: calendar::month_of(now, program::zone(&program)),
        payout_id: None,
        explain: serde_json::json!({
            "asked_by": ctx.actor.person_id(),
            "needs_second": needs_second,
            "second_reason": second,
        }),
        note: Some(line.reason.clone()),
        earned_at: now,
        created_at: now,
    };
    bulk::insert::<commission::Entity>(tx, std::slice::from_ref(&row)).await?;
    month::add(tx, &[Month::of(&row)]).await?;
    let links = |kind| Links {
        kind,
        description: line.reason.clone(),
        commission_id: Some(id),
        payout_id: None,
        effective_at: now,
    };
    let entry = match line.kind {
        "write_off" => Entry::write_off(id, owner.id, line.amount),
        _ => Entry::adjust(id, owner.id, line.amount),
    };
    let mut entries = vec![(booked(entry)?, links("adjustment"))];
    if needs_second {
        let held = Entry::hold(id, 1, owner.id, Bucket::Payable, line.amount);
        entries.push((booked(held)?, links("hold")));
    }
    post_many(ctx, tx, entries).await?;
    // The partner reads this too; with whose sums it was compared is for colleagues.
    let what = match needs_second {
        true => "; waits for a second person’s approval",
        false => "",
    };
    if let Some(why) = &second {
        payout::letters::adjustment_waits(ctx, tx, id, &owner.name, line.amount, why).await?;
    }
    event::Entry::new(
        "commission.adjusted",
        "commission",
        id,
        format!(
            "{} by hand: {}{what}.",
            line.amount.format("en"),
            line.reason.trim_end_matches('.')
        ),
    )
    .partner(owner.id)
    .record(ctx, tx)
    .await?;
    Ok(Adjusted { id, needs_second })
}
