//! A registered deal is won when its customer pays.

use chrono::{DateTime, Utc};
use domain::partner::StaffRole;
use entity::{deal, protection};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::Expr};

use super::unit::WonDeal;
use crate::commission::bookings::Bookings;
use crate::commission::deal::Batch;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event;
use crate::mail::Letter;
use crate::notice::tell_staff;

/// Who decides between partners.
const DEALS: &[StaffRole] = &[StaffRole::Manager, StaffRole::Admin];

/// Marks the deal as won and lets its protection last; the attributions were made by the batch. A
/// registration that ended after the money arrived is won all the same. Returns what the deal earns
/// by itself, for the batch to book.
pub(super) async fn win(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    batch: &Batch<'_>,
    won: &WonDeal,
) -> Result<Bookings> {
    let none = || Expr::value(None::<DateTime<Utc>>);
    let changed = deal::Entity::update_many()
        .col_expr(deal::Column::Status, Expr::value("won"))
        .col_expr(deal::Column::ClosedAt, Expr::value(won.at))
        .col_expr(deal::Column::ProtectedUntil, none())
        .col_expr(deal::Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(deal::Column::Id.eq(won.deal_id))
        .filter(deal::Column::Status.eq(won.status.as_str()))
        .exec(tx)
        .await?
        .rows_affected;
    if changed == 0 {
        return Err(Error::conflict("The deal changed at the same moment."));
    }
    let late = won.status != "approved";
    if late {
        take_again(ctx, tx, won).await?;
    }
    protection::Entity::update_many()
        .col_expr(protection::Column::ExpiresAt, none())
        .filter(protection::Column::DealId.eq(won.deal_id))
        .filter(protection::Column::ReleasedAt.is_null())
        .exec(tx)
        .await?;
    event::Entry::new(
        "deal.won",
        "deal",
        won.deal_id,
        if late {
            "Won: the customer’s first invoice was paid while the company was still protected."
        } else {
            "Won: the customer’s first invoice was paid."
        },
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

/// Gives a registration that is over its product lines back, as far as nobody else holds them by now;
/// where somebody does, staff are told: two partners have a word to say about the company.
async fn take_again(ctx: &Context, tx: &impl ConnectionTrait, won: &WonDeal) -> Result<()> {
    let rows = protection::Entity::find()
        .filter(protection::Column::DealId.eq(won.deal_id))
        .filter(protection::Column::ReleasedAt.is_not_null())
        .all(tx)
        .await?;
    let mut taken = false;
    for row in rows {
        let other = protection::Entity::find()
            .filter(protection::Column::AccountId.eq(row.account_id))
            .filter(protection::Column::ProductLineId.eq(row.product_line_id))
            .filter(protection::Column::ReleasedAt.is_null())
            .one(tx)
            .await?;
        if other.is_some() {
            taken = true;
            continue;
        }
        protection::Entity::update_many()
            .col_expr(
                protection::Column::ReleasedAt,
                Expr::value(None::<DateTime<Utc>>),
            )
            .filter(protection::Column::Id.eq(row.id))
            .exec(tx)
            .await?;
    }
    if taken {
        let letter = Letter::new(format!(
            "{} is won, and another partner protects it by now",
            won.company
        ))
        .text(
            "Its customer paid while the company was still protected for the partner that \
             registered it first, and the payment became known later. Another registration \
             protects it now. Decide who keeps which product line.",
        );
        let path = format!("/manager/deals/{}", won.deal_id);
        tell_staff(ctx, tx, DEALS, letter, &path).await?;
    }
    Ok(())
}
