//! Statements: what one partner earned, gave back and was paid in a month and currency.

use domain::money::Money;
use entity::{commission, partner_month, payout};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::money;
use crate::commission::LineQuery;
use crate::context::{Actor, Context};
use crate::error::{Error, Result};

/// A month's statement.
#[derive(Clone, Debug)]
pub struct Statement {
    /// `YYYY-MM`.
    pub month: String,
    /// Earned in the month.
    pub earned: Money,
    /// Given back in the month; zero or negative.
    pub given_back: Money,
    /// Transferred in the month.
    pub paid: Money,
    /// Every line of the month, oldest first.
    pub lines: Vec<commission::Model>,
    /// Every payout of the month, oldest first.
    pub payouts: Vec<payout::Model>,
}

/// The partner whose statements the actor may read: its own, or the one staff asks for.
async fn subject(ctx: &Context, partner_id: Option<i64>) -> Result<i64> {
    match (&ctx.actor, partner_id) {
        (
            Actor::Partner {
                partner_id: own, ..
            },
            asked,
        ) if asked.is_none_or(|id| id == *own) => {
            ctx.earnings_partner().await?;
            Ok(*own)
        }
        (Actor::Staff { .. }, Some(id)) => Ok(id),
        _ => Err(Error::NotFound),
    }
}

/// The months and currencies there are statements for, newest first.
///
/// # Errors
/// [`Error::NotFound`] for a foreign partner.
pub async fn months(ctx: &Context, partner_id: Option<i64>) -> Result<Vec<partner_month::Model>> {
    let partner_id = subject(ctx, partner_id).await?;
    Ok(partner_month::Entity::find()
        .filter(partner_month::Column::PartnerId.eq(partner_id))
        .order_by_desc(partner_month::Column::Month)
        .order_by_asc(partner_month::Column::Currency)
        .all(ctx.reader())
        .await?)
}

/// What a statement's month came to.
async fn sums(
    ctx: &Context,
    partner_id: Option<i64>,
    month: &str,
    currency: &str,
) -> Result<partner_month::Model> {
    let partner_id = subject(ctx, partner_id).await?;
    partner_month::Entity::find()
        .filter(partner_month::Column::PartnerId.eq(partner_id))
        .filter(partner_month::Column::Month.eq(month))
        .filter(partner_month::Column::Currency.eq(currency))
        .one(ctx.reader())
        .await?
        .ok_or(Error::NotFound)
}

/// What [`crate::commission::lines`] is asked for to list a statement's lines, oldest first.
///
/// # Errors
/// As [`show`].
pub async fn query(
    ctx: &Context,
    partner_id: Option<i64>,
    month: &str,
    currency: &str,
) -> Result<LineQuery> {
    let sums = sums(ctx, partner_id, month, currency).await?;
    Ok(LineQuery {
        partner_id: Some(sums.partner_id),
        month: Some(sums.month),
        currency: Some(sums.currency),
        sort: "earned".to_owned(),
        ..LineQuery::default()
    })
}

/// One statement.
///
/// # Errors
/// [`Error::NotFound`] for a foreign partner and for a month without movements.
pub async fn show(
    ctx: &Context,
    partner_id: Option<i64>,
    month: &str,
    currency: &str,
) -> Result<Statement> {
    let sums = sums(ctx, partner_id, month, currency).await?;
    let (partner_id, db) = (sums.partner_id, ctx.reader());
    let lines = commission::Entity::find()
        .filter(commission::Column::PartnerId.eq(partner_id))
        .filter(commission::Column::Month.eq(month))
        .filter(commission::Column::Currency.eq(currency))
        .order_by_asc(commission::Column::EarnedAt)
        .order_by_asc(commission::Column::Id)
        .all(db)
        .await?;
    let payouts: Vec<payout::Model> = payout::Entity::find()
        .filter(payout::Column::PartnerId.eq(partner_id))
        .filter(payout::Column::Currency.eq(currency))
        .filter(payout::Column::SettledAt.is_not_null())
        .filter(payout::Column::Status.ne("failed"))
        .order_by_asc(payout::Column::Id)
        .all(db)
        .await?
        .into_iter()
        .filter(|p| {
            p.settled_at
                .is_some_and(|at| at.format("%Y-%m").to_string() == month)
        })
        .collect();
    let paid = payouts
        .iter()
        .map(|p| p.amount)
        .fold(0, i64::saturating_add);
    Ok(Statement {
        month: month.to_owned(),
        earned: money(sums.earned, currency)?,
        given_back: money(sums.given_back, currency)?,
        paid: money(paid, currency)?,
        lines,
        payouts,
    })
}
