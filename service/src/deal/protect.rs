//! The protection of an account's product lines: who holds what, and letting go.

use chrono::{DateTime, Utc};
use domain::deal::DealStatus as D;
use domain::transition::Who;
use entity::deal::{Column, Entity, Model};
use entity::protection;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
};
use serde::{Deserialize, Serialize};

use super::{conflict, extension, letters, line_names, note, partner_names, step, tell};
use crate::context::Context;
use crate::error::{Error, Result, is_duplicate};

/// What a registration protected at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// The product lines, by name.
    pub lines: Vec<String>,
    /// Until when; none is without end.
    pub until: Option<DateTime<Utc>>,
}

impl Moment {
    /// Where a timeline's row keeps it.
    pub(super) const KEY: &'static str = "protection";

    /// What a row of the timeline says; none where nothing was protected or nothing is said.
    pub fn of(detail: &serde_json::Value) -> Option<Self> {
        serde_json::from_value(detail.get(Self::KEY)?.clone()).ok()?
    }
}

/// One product line of an account, kept for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guarded {
    /// `deal.id`.
    pub deal_id: i64,
    /// `partner.id`.
    pub partner_id: i64,
    /// The partner's name; for staff only.
    pub partner: String,
    /// The product line's name.
    pub line: String,
    /// From when.
    pub starts_at: DateTime<Utc>,
    /// Until when; none once won.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was let go.
    pub released_at: Option<DateTime<Utc>>,
}

/// What the registration protects now.
pub(super) async fn moment(
    db: &impl ConnectionTrait,
    deal_id: i64,
    at: DateTime<Utc>,
) -> Result<Option<Moment>> {
    let rows = protection::Entity::find()
        .filter(protection::Column::DealId.eq(deal_id))
        .filter(protection::Column::ReleasedAt.is_null())
        .order_by_asc(protection::Column::ProductLineId)
        .all(db)
        .await?;
    let holding: Vec<_> = rows
        .into_iter()
        .filter(|p| p.expires_at.is_none_or(|end| end > at))
        .collect();
    let Some(first) = holding.first() else {
        return Ok(None);
    };
    let names = line_names(db, holding.iter().map(|p| p.product_line_id)).await?;
    Ok(Some(Moment {
        until: first.expires_at,
        lines: holding
            .iter()
            .filter_map(|p| names.get(&p.product_line_id).cloned())
            .collect(),
    }))
}

/// Everything that was and is kept by a registration, newest first.
pub(super) async fn guarded_deal(db: &impl ConnectionTrait, deal_id: i64) -> Result<Vec<Guarded>> {
    guarded(db, protection::Column::DealId.eq(deal_id)).await
}

/// Everything that was and is kept of an account, newest first. For staff.
pub(crate) async fn guarded_account(
    db: &impl ConnectionTrait,
    account_id: i64,
) -> Result<Vec<Guarded>> {
    guarded(db, protection::Column::AccountId.eq(account_id)).await
}

async fn guarded(db: &impl ConnectionTrait, which: Expr) -> Result<Vec<Guarded>> {
    let rows = protection::Entity::find()
        .filter(which)
        .order_by_desc(protection::Column::StartsAt)
        .order_by_asc(protection::Column::ProductLineId)
        .all(db)
        .await?;
    let lines = line_names(db, rows.iter().map(|p| p.product_line_id)).await?;
    let partners = partner_names(db, rows.iter().map(|p| p.partner_id)).await?;
    Ok(rows
        .into_iter()
        .map(|p| Guarded {
            deal_id: p.deal_id,
            partner: partners.get(&p.partner_id).cloned().unwrap_or_default(),
            partner_id: p.partner_id,
            line: lines.get(&p.product_line_id).cloned().unwrap_or_default(),
            starts_at: p.starts_at,
            expires_at: p.expires_at,
            released_at: p.released_at,
        })
        .collect())
}

/// Takes the product lines for a registration. The partial unique index decides who of several is
/// first; the others are told so.
pub(super) async fn take(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    deal: &Model,
    lines: &[i64],
    expires_at: DateTime<Utc>,
) -> Result<()> {
    let account_id = deal
        .account_id
        .ok_or_else(|| Error::internal("a deal without account"))?;
    if lines.is_empty() {
        return Err(Error::conflict(
            "This registration names no product line to protect.",
        ));
    }
    for line in lines {
        protection::Entity::insert(protection::ActiveModel {
            deal_id: Set(deal.id),
            partner_id: Set(deal.partner_id),
            account_id: Set(account_id),
            product_line_id: Set(*line),
            starts_at: Set(ctx.now()),
            expires_at: Set(Some(expires_at)),
            ..Default::default()
        })
        .exec_without_returning(tx)
        .await
        .map_err(|e| {
            if is_duplicate(&e) {
                Error::conflict(
                    "Another registration already protects this company for one of these product \
                     lines. Compare them on the conflict desk, or mark this one as a duplicate.",
                )
            } else {
                e.into()
            }
        })?;
    }
    Ok(())
}

/// Lets everything go that the registration protects, and answers what was still asked about it.
pub(super) async fn release(ctx: &Context, tx: &impl ConnectionTrait, deal: &Model) -> Result<()> {
    protection::Entity::update_many()
        .col_expr(protection::Column::ReleasedAt, Expr::value(ctx.now()))
        .filter(protection::Column::DealId.eq(deal.id))
        .filter(protection::Column::ReleasedAt.is_null())
        .exec(tx)
        .await?;
    extension::drop_open(ctx, tx, deal.id).await
}

/// Lets go what won registrations of an account protect whose credit has ended.
pub(super) async fn release_ended(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    account_id: i64,
) -> Result<()> {
    protection::Entity::update_many()
        .col_expr(protection::Column::ReleasedAt, Expr::value(ctx.now()))
        .filter(protection::Column::AccountId.eq(account_id))
        .filter(protection::Column::ReleasedAt.is_null())
        .filter(protection::Column::ExpiresAt.is_null())
        .filter(protection::Column::DealId.in_subquery(conflict::credit_over(ctx.now())))
        .exec(tx)
        .await?;
    Ok(())
}

/// The approved registrations whose time is over, of one account or of all.
pub(super) async fn overdue(
    db: &impl ConnectionTrait,
    account_id: Option<i64>,
    at: DateTime<Utc>,
) -> Result<Vec<Model>> {
    let mut which = Condition::all()
        .add(Column::Status.eq(D::Approved.as_str()))
        .add(Column::ProtectedUntil.lte(at));
    if let Some(account) = account_id {
        which = which.add(Column::AccountId.eq(account));
    }
    Ok(Entity::find()
        .filter(which)
        .order_by_asc(Column::ProtectedUntil)
        .all(db)
        .await?)
}

/// Ends a registration whose time is over.
pub(super) async fn expire(ctx: &Context, tx: &impl ConnectionTrait, deal: &Model) -> Result<()> {
    let values = vec![
        (Column::ClosedAt, Expr::value(ctx.now())),
        (Column::ProtectedUntil, Expr::value(None::<DateTime<Utc>>)),
    ];
    let deal = step(ctx, tx, deal, D::Expired, Who::System, values).await?;
    release(ctx, tx, &deal).await?;
    note(
        ctx,
        tx,
        &deal,
        "deal.expired",
        "The protection has run out.",
    )
    .await?;
    let letter = letters::expired(super::company(&deal), deal.id);
    let text = format!("The protection of {} has ended.", super::company(&deal));
    tell(ctx, tx, &deal, &text, Some(letter)).await
}
