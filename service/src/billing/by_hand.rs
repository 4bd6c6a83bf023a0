//! Matching a customer by hand takes two people, because it decides who is paid: a manager or somebody
//! in finance proposes the account, and another one of them confirms it.

use chrono::{DateTime, Utc};
use domain::partner::StaffRole;
use entity::customer_match::{ActiveModel, Column, Entity, Model};
use entity::{account, customer, person};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::unmatched::{MatchForm, book, movable, read};
use crate::context::{Actor, Context};
use crate::error::{Error, Result, is_duplicate};
use crate::event;
use crate::identity;
use crate::mail::Letter;
use crate::notice::tell_staff;

/// Who is told and may decide.
const BOTH: &[StaffRole] = &[StaffRole::Manager, StaffRole::Finance, StaffRole::Admin];

/// A match that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// `customer_match.id`.
    pub id: i64,
    /// The account and its name.
    pub account: (i64, String),
    /// How the first person knows.
    pub reason: String,
    /// `person.id` and name of the first person.
    pub by: (i64, String),
    /// When it was proposed.
    pub at: DateTime<Utc>,
}

/// Managers, finance and admins.
fn may_match(ctx: &Context) -> Result<i64> {
    match ctx.actor {
        Actor::Staff {
            person_id,
            role: StaffRole::Finance,
        } => Ok(person_id),
        _ => ctx.staff(StaffRole::Manager),
    }
}

/// The match of a customer that waits for a second person, if one does.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor.
pub async fn proposal(ctx: &Context, customer_id: i64) -> Result<Option<Proposal>> {
    ctx.any_staff()?;
    let db = ctx.reader();
    let Some(row) = open_of(db, customer_id).await? else {
        return Ok(None);
    };
    let account = account::Entity::find_by_id(row.account_id).one(db).await?;
    let by = person::Entity::find_by_id(row.proposed_by).one(db).await?;
    let (Some(account), Some(by)) = (account, by) else {
        return Err(Error::internal("a proposal without account or person"));
    };
    Ok(Some(Proposal {
        id: row.id,
        account: (account.id, account.name),
        reason: row.reason,
        by: (by.id, by.name),
        at: row.proposed_at,
    }))
}

async fn open_of(db: &impl ConnectionTrait, customer_id: i64) -> Result<Option<Model>> {
    Ok(Entity::find()
        .filter(Column::CustomerId.eq(customer_id))
        .filter(Column::Status.eq("open"))
        .one(db)
        .await?)
}

/// Says which account a customer belongs to; nothing is booked before another person confirms it.
/// Returns `customer_match.id`.
///
/// # Errors
/// [`Error::Invalid`] at `account` or `reason`; [`Error::NotFound`] for an unknown customer and for
/// people outside the vendor; [`Error::Conflict`] when commission was booked for another account, or a
/// proposal waits already.
pub async fn propose_match(ctx: &Context, customer_id: i64, form: &MatchForm) -> Result<i64> {
    let person = may_match(ctx)?;
    let tx = ctx.begin().await?;
    let (account, reason) = read(&*tx, form).await?;
    let row = customer::Entity::find_by_id(customer_id)
        .one(&*tx)
        .await?
        .ok_or(Error::NotFound)?;
    movable(&*tx, &row, account.id).await?;
    let proposed = Entity::insert(ActiveModel {
        customer_id: Set(customer_id),
        account_id: Set(account.id),
        reason: Set(reason.clone()),
        proposed_by: Set(person),
        proposed_at: Set(ctx.now()),
        status: Set("open".to_owned()),
        ..Default::default()
    })
    .exec_with_returning(&*tx)
    .await
    .map_err(|error| {
        if is_duplicate(&error) {
            Error::conflict(
                "A proposal for this customer waits already. Confirm or decline that one first.",
            )
        } else {
            error.into()
        }
    })?;
    let sentence = format!(
        "Customer {} is proposed to belong to {}. {reason}",
        row.stripe_id, account.name
    );
    record(ctx, &*tx, "customer.match_proposed", customer_id, &sentence).await?;
    let letter = Letter::new(format!(
        "Confirm that {} belongs to {}",
        row.stripe_id, account.name
    ))
    .text(format!("{sentence} Another person has to confirm it; then what its paid invoices have earned is booked."));
    let path = format!("/finance/invoices?q={}", row.stripe_id);
    tell_staff(ctx, &*tx, BOTH, letter, &path).await?;
    tx.commit().await?;
    Ok(proposed.id)
}

/// Confirms a match and books what the customer's invoices have earned. Returns how many invoices
/// earned something.
///
/// # Errors
/// [`Error::Forbidden`] for who proposed it and for whom [`identity::may_approve_money`] refuses;
/// [`Error::Conflict`] when it does not wait any more or commission was booked for another account;
/// [`Error::NotFound`] for people outside the vendor.
pub async fn confirm_match(ctx: &Context, id: i64) -> Result<u64> {
    let person = may_match(ctx)?;
    let tx = ctx.begin().await?;
    let row = waiting(&*tx, id).await?;
    if row.proposed_by == person {
        return Err(Error::Forbidden(
            "You proposed this match. Another manager or somebody in finance has to confirm it."
                .to_owned(),
        ));
    }
    identity::may_approve_money(ctx, &*tx, person, &[row.proposed_by]).await?;
    let account = account::Entity::find_by_id(row.account_id)
        .one(&*tx)
        .await?
        .ok_or(Error::NotFound)?;
    decide(ctx, &*tx, id, "confirmed", person).await?;
    let earned = book(ctx, &*tx, row.customer_id, &account, &row.reason).await?;
    tx.commit().await?;
    Ok(earned)
}

/// Declines a match, or takes one's own proposal back, with a reason.
///
/// # Errors
/// [`Error::Invalid`] without a reason; [`Error::Conflict`] when it does not wait any more;
/// [`Error::NotFound`] for people outside the vendor.
pub async fn decline_match(ctx: &Context, id: i64, reason: &str) -> Result<()> {
    let person = may_match(ctx)?;
    let reason = domain::validate::required(reason, "the reason", 500)
        .map_err(|sentence| Error::field("reason", sentence.to_string()))?;
    let tx = ctx.begin().await?;
    let row = waiting(&*tx, id).await?;
    decide(ctx, &*tx, id, "declined", person).await?;
    let sentence = format!("The proposed match was declined. {reason}");
    let action = "customer.match_declined";
    record(ctx, &*tx, action, row.customer_id, &sentence).await?;
    tx.commit().await?;
    Ok(())
}

/// A proposal that waits for a second person.
async fn waiting(tx: &impl ConnectionTrait, id: i64) -> Result<Model> {
    let row = Entity::find_by_id(id).one(tx).await?;
    row.filter(|row| row.status == "open").ok_or_else(decided)
}

fn decided() -> Error {
    Error::conflict("No such proposal waits any more: a colleague has decided it. Reload the page.")
}

async fn decide(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    id: i64,
    status: &str,
    person: i64,
) -> Result<()> {
    let changed = Entity::update_many()
        .col_expr(Column::Status, Expr::value(status))
        .col_expr(Column::DecidedBy, Expr::value(person))
        .col_expr(Column::DecidedAt, Expr::value(ctx.now()))
        .filter(Column::Id.eq(id))
        .filter(Column::Status.eq("open"))
        .exec(tx)
        .await?
        .rows_affected;
    match changed {
        1 => Ok(()),
        _ => Err(decided()),
    }
}

async fn record(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    action: &'static str,
    customer_id: i64,
    sentence: &str,
) -> Result<()> {
    event::Entry::new(action, "customer", customer_id, sentence)
        .internal()
        .record(ctx, tx)
        .await
}
