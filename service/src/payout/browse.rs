//! Payouts as a list that is searched, narrowed, sorted and exported.

use std::collections::{BTreeSet, HashMap};

use domain::payout::PayoutStatus;
use entity::{account, commission, partner, payout};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, JoinType, Order, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, RelationTrait, sea_query::Expr,
};

use super::list::{PayoutLine, payout_line};
use super::outcome::OPEN_FAILURE;
use crate::context::{Actor, Context};
use crate::error::{Error, Result};
use crate::search::{contains, like};

/// What part of the list is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PayoutQuery {
    /// Part of the partner's name, or the whole of a transfer's or connected account's id.
    pub q: String,
    /// One status.
    pub status: Option<PayoutStatus>,
    /// Only those that failed and whose amount is still to be paid.
    pub unpaid: bool,
    /// One currency.
    pub currency: Option<String>,
    /// One run.
    pub run_id: Option<i64>,
    /// One partner, for staff.
    pub partner_id: Option<i64>,
    /// `amount`, `partner`, `settled`; anything else is by age.
    pub sort: String,
    /// Smallest or oldest first.
    pub ascending: bool,
    /// Rows to leave out.
    pub offset: u64,
    /// Rows to give, at most 10,000 (an export).
    pub limit: u64,
}

/// The payouts that match and that the actor may see, and how many there are: a partner's own, or
/// everybody's for staff.
///
/// # Errors
/// [`Error::NotFound`] for everyone else.
pub async fn payouts(ctx: &Context, query: &PayoutQuery) -> Result<(Vec<PayoutLine>, u64)> {
    let db = ctx.reader();
    let mut wanted = Condition::all();
    match ctx.actor {
        Actor::Partner { partner_id, .. } => {
            ctx.earnings_partner().await?;
            wanted = wanted.add(payout::Column::PartnerId.eq(partner_id));
        }
        Actor::Staff { .. } => {
            if let Some(id) = query.partner_id {
                wanted = wanted.add(payout::Column::PartnerId.eq(id));
            }
        }
        _ => return Err(Error::NotFound),
    }
    if let Some(status) = query.status {
        wanted = wanted.add(payout::Column::Status.eq(status.as_str()));
    }
    if query.unpaid {
        wanted = wanted.add(Expr::cust(OPEN_FAILURE));
    }
    if let Some(currency) = &query.currency {
        wanted = wanted.add(payout::Column::Currency.eq(currency));
    }
    if let Some(run) = query.run_id {
        wanted = wanted.add(payout::Column::RunId.eq(run));
    }
    let q = query.q.trim();
    if !q.is_empty() {
        let name = Expr::col((partner::Entity, partner::Column::Name));
        let mut any = Condition::any()
            .add(contains(name, &like(q)))
            .add(payout::Column::TransferId.eq(q))
            .add(payout::Column::Destination.eq(q));
        // As its name at Stripe ends, or its number alone.
        if let Some(Ok(id)) = q.rsplit("payout-").next().map(str::parse::<i64>) {
            any = any.add(payout::Column::Id.eq(id));
        }
        wanted = wanted.add(any);
    }
    let found = payout::Entity::find()
        .join(JoinType::InnerJoin, payout::Relation::Partner.def())
        .select_also(partner::Entity)
        .filter(wanted);
    let total = found.clone().count(db).await?;
    let order = if query.ascending {
        Order::Asc
    } else {
        Order::Desc
    };
    let sorted = match query.sort.as_str() {
        "amount" => found.order_by(payout::Column::Amount, order.clone()),
        "settled" => found
            .order_by(
                Expr::col((payout::Entity, payout::Column::SettledAt)).is_null(),
                Order::Asc,
            )
            .order_by(payout::Column::SettledAt, order.clone()),
        "partner" => found.order_by(
            Expr::col((partner::Entity, partner::Column::Name)),
            order.clone(),
        ),
        _ => found,
    };
    let rows = sorted
        .order_by(payout::Column::Id, order)
        .offset(query.offset)
        .limit(query.limit.clamp(1, 10_000))
        .all(db)
        .await?
        .into_iter()
        .map(|(row, partner)| payout_line(row, partner.map(|p| p.name).unwrap_or_default()))
        .collect::<Result<_>>()?;
    Ok((rows, total))
}

/// The customers behind lines that the actor has already been shown: names by `account.id`.
///
/// # Errors
/// [`Error::NotFound`] for nobody.
pub async fn customers(ctx: &Context, lines: &[commission::Model]) -> Result<HashMap<i64, String>> {
    ctx.person()?;
    let ids: BTreeSet<i64> = lines.iter().filter_map(|c| c.account_id).collect();
    let mut names = HashMap::new();
    // A database takes so many values in one statement.
    for chunk in ids.into_iter().collect::<Vec<_>>().chunks(1_000) {
        let rows: Vec<(i64, String)> = account::Entity::find()
            .select_only()
            .column(account::Column::Id)
            .column(account::Column::Name)
            .filter(account::Column::Id.is_in(chunk.iter().copied()))
            .into_tuple()
            .all(ctx.reader())
            .await?;
        names.extend(rows);
    }
    Ok(names)
}

/// Partners whose payouts are held, with the reason, that contain `q` in either, and how many there
/// are; for staff. `limit` is at most 10,000.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor.
pub async fn held_partners(
    ctx: &Context,
    q: &str,
    offset: u64,
    limit: u64,
) -> Result<(Vec<partner::Model>, u64)> {
    ctx.any_staff()?;
    let db = ctx.reader();
    let mut found =
        partner::Entity::find().filter(partner::Column::PayoutsHeldReason.is_not_null());
    if !q.trim().is_empty() {
        let pattern = like(q);
        let part = |column| contains(Expr::col((partner::Entity, column)), &pattern);
        found = found.filter(
            Condition::any()
                .add(part(partner::Column::Name))
                .add(part(partner::Column::PayoutsHeldReason)),
        );
    }
    let total = found.clone().count(db).await?;
    let rows = found
        .order_by_asc(partner::Column::Name)
        .order_by_asc(partner::Column::Id)
        .offset(offset)
        .limit(limit.clamp(1, 10_000))
        .all(db)
        .await?;
    Ok((rows, total))
}
