//! A registered deal is won when its customer pays.

use entity::{deal, protection};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::Expr};

use super::unit::WonDeal;
use crate::commission::bookings::Bookings;
use crate::commission::deal::Batch;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event;

/// Marks the deal as won and lets its protection last; the attributions were made by the batch.
/// Returns what the deal earns by itself, for the batch to book.
pub(super) async fn win(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    batch: &Batch<'_>,
    won: &WonDeal,
) -> Result<Bookings> {
    let changed = deal::Entity::update_many()
        .col_expr(deal::Column::Status, Expr::value("won"))
        .col_expr(deal::Column::ClosedAt, Expr::value(won.at))
        .col_expr(
            deal::Column::ProtectedUntil,
            Expr::value(None::<chrono::DateTime<chrono::Utc>>),
        )
        .col_expr(deal::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(deal::Column::Id.eq(won.deal_id))
        .filter(deal::Column::Status.eq("approved"))
        .exec(tx)
        .await?
        .rows_affected;
    if changed == 0 {
        return Err(Error::conflict("The deal changed at the same moment."));
    }
    protection::Entity::update_many()
        .col_expr(
            protection::Column::ExpiresAt,
            Expr::value(None::<chrono::DateTime<chrono::Utc>>),
        )
        .filter(protection::Column::DealId.eq(won.deal_id))
        .filter(protection::Column::ReleasedAt.is_null())
        .exec(tx)
        .await?;
    event::Entry::new(
        "deal.won",
        "deal",
        won.deal_id,
        "Won: the customer’s first invoice was paid.",
    )
    .partner(won.partner_id)
    .record(ctx, tx)
    .await?;
    let text = format!("{} is won: its first invoice was paid.", won.company);
    let link = format!("/partner/deals/{}", won.deal_id);
    crate::notice::tell_partner(ctx, tx, won.partner_id, false, &text, &link).await?;
    let row = deal::Entity::find_by_id(won.deal_id)
        .one(tx)
        .await?
        .ok_or(Error::NotFound)?;
    crate::deal::reward(ctx, tx, batch, &row).await
}
