//! How a protected registration ends, and the partner's sales stage on the way there.

use chrono::{DateTime, Utc};
use domain::deal::{DealStatus as D, SalesStage};
use domain::partner::StaffRole;
use domain::transition::Who;
use entity::deal::{Column, Entity, Model};
use entity::{attribution, customer, protection};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait,
    QueryFilter, QueryOrder,
};

use super::{
    extension, letters, note, note_internal, own, protect, reward, status, step, submitted, tell,
    tell_staff, to_change, waiting, who,
};
use crate::application::written;
use crate::billing;
use crate::commission::deal::Batch;
use crate::context::{Actor, Context};
use crate::error::{Error, Result};

/// Moves the deal along the partner's own pipeline. Says nothing about the registration.
///
/// # Errors
/// [`Error::Invalid`] for an unknown stage, [`Error::Conflict`] once the registration is over.
pub async fn set_stage(ctx: &Context, id: i64, typed: &str) -> Result<()> {
    let stage: SalesStage = typed
        .parse()
        .map_err(|_| Error::field("stage", "Choose a stage from the list."))?;
    let tx = ctx.begin().await?;
    let deal = own(ctx, &*tx, id).await?;
    let state = status(&deal)?;
    if state.is_closed() {
        return Err(Error::conflict(format!(
            "This registration is “{}”; its stage stays as it was.",
            state.label()
        )));
    }
    if deal.stage == stage.as_str() {
        return Ok(());
    }
    let moved = Entity::update_many()
        .col_expr(Column::Stage, Expr::value(stage.as_str()))
        .col_expr(Column::UpdatedAt, Expr::value(ctx.now()))
        .filter(Column::Id.eq(id))
        .filter(Column::Status.eq(&deal.status))
        .filter(Column::Stage.eq(&deal.stage))
        .exec(&*tx)
        .await?;
    if moved.rows_affected != 1 {
        return Err(Error::conflict(
            "The deal has changed meanwhile. Reload the page.",
        ));
    }
    let before = deal
        .stage
        .parse::<SalesStage>()
        .map_or("", SalesStage::label);
    let summary = format!("Moved from “{before}” to “{}”.", stage.label());
    note(ctx, &*tx, &deal, "deal.stage", summary).await?;
    tx.commit().await?;
    Ok(())
}

/// Ends a protected registration and lets its product lines go.
async fn end(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    deal: &Model,
    to: D,
    reason: &str,
) -> Result<Model> {
    let values = vec![
        (Column::ClosedAt, Expr::value(ctx.now())),
        (Column::ProtectedUntil, Expr::value(None::<DateTime<Utc>>)),
        (Column::DecisionReason, Expr::value(reason)),
    ];
    let deal = step(ctx, tx, deal, to, who(ctx), values).await?;
    protect::release(ctx, tx, &deal).await?;
    let action = match to {
        D::Lost => "deal.lost",
        D::Withdrawn => "deal.withdrawn",
        _ => "deal.revoked",
    };
    note(ctx, tx, &deal, action, format!("{}: {reason}", to.label())).await?;
    if let Some(account_id) = deal.account_id {
        waiting::offer_next(ctx, tx, account_id).await?;
    }
    Ok(deal)
}

/// The customer did not buy; the partner and managers may say so. Managers also of one that was
/// marked as won: what it earned by itself goes back.
///
/// # Errors
/// [`Error::Invalid`] without a reason, [`Error::Conflict`] when it is not protected, and when the
/// customer of a won one has paid.
pub async fn lost(ctx: &Context, id: i64, typed: &str) -> Result<()> {
    let reason = written("reason", typed, "why the customer did not buy")?;
    let tx = ctx.begin().await?;
    let mut deal = to_change(ctx, &*tx, id).await?;
    let won = status(&deal)? == D::Won;
    if won && let Some(account_id) = deal.account_id {
        // So that no payment is being credited by it meanwhile.
        billing::hold(ctx, &*tx, account_id, None).await?;
        deal = submitted(&*tx, id).await?;
    }
    let deal = end(ctx, &*tx, &deal, D::Lost, &reason).await?;
    if won {
        reward::lose(ctx, &*tx, &deal, &reason).await?;
    }
    let text = format!("{} is lost.", super::company(&deal));
    match ctx.actor {
        Actor::Staff { .. } => tell(ctx, &*tx, &deal, &text, None).await?,
        _ => tell_staff(ctx, &*tx, &deal, &text).await?,
    }
    tx.commit().await?;
    Ok(())
}

/// The partner takes the registration back.
///
/// # Errors
/// [`Error::Invalid`] without a reason, [`Error::Conflict`] when it is not protected.
pub async fn withdraw(ctx: &Context, id: i64, typed: &str) -> Result<()> {
    let reason = written("reason", typed, "why you withdraw it")?;
    let tx = ctx.begin().await?;
    let deal = own(ctx, &*tx, id).await?;
    let deal = end(ctx, &*tx, &deal, D::Withdrawn, &reason).await?;
    let text = format!("{} was withdrawn.", super::company(&deal));
    tell_staff(ctx, &*tx, &deal, &text).await?;
    tx.commit().await?;
    Ok(())
}

/// The vendor takes the protection away, with a reason the partner reads.
///
/// # Errors
/// [`Error::Invalid`] without a reason, [`Error::Conflict`] when it is not protected.
pub async fn revoke(ctx: &Context, id: i64, typed: &str) -> Result<()> {
    ctx.staff(StaffRole::Manager)?;
    let reason = written("reason", typed, "why, for the partner")?;
    let tx = ctx.begin().await?;
    let deal = submitted(&*tx, id).await?;
    let deal = end(ctx, &*tx, &deal, D::Revoked, &reason).await?;
    let company = super::company(&deal);
    let letter = letters::revoked(company, &reason, id);
    tell(
        ctx,
        &*tx,
        &deal,
        &format!("The protection of {company} was revoked."),
        Some(letter),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Marks a registration as won. A manager may say so and names the customer at Stripe where none is
/// known; a partner may once the customer has paid, because a claim alone would protect the company
/// without end.
///
/// # Errors
/// [`Error::Invalid`] for what is no customer's id, [`Error::Conflict`] when it is not protected, no
/// payment has arrived yet, or the customer belongs to another company.
pub async fn win(ctx: &Context, id: i64, customer: &str) -> Result<()> {
    let tx = ctx.begin().await?;
    let deal = to_change(ctx, &*tx, id).await?;
    // First where it stands: what else is known about the company is nobody's business who has no
    // say in it.
    D::MACHINE
        .check_by(status(&deal)?, D::Won, who(ctx))
        .map_err(|refusal| Error::conflict(refusal.sentence))?;
    let customer = if matches!(ctx.actor, Actor::Staff { .. }) {
        named(&*tx, &deal, customer).await?
    } else if has_paid(&*tx, &deal).await? {
        None
    } else {
        return Err(Error::conflict(
            "No payment of this customer has arrived yet. The deal is won by itself when the first \
             invoice is paid; if the company pays under another name, tell your manager in a \
             comment.",
        ));
    };
    won(ctx, &*tx, id, customer).await?;
    tx.commit().await?;
    Ok(())
}

/// The customer at Stripe that a manager names; none where one is known and none was typed.
async fn named<'a>(
    db: &impl ConnectionTrait,
    deal: &Model,
    customer: &'a str,
) -> Result<Option<&'a str>> {
    let typed = customer.trim();
    if typed.is_empty() {
        let known = customer::Entity::find()
            .filter(customer::Column::AccountId.eq(deal.account_id))
            .count(db)
            .await?;
        return match known {
            0 => Err(Error::field(
                "customer",
                "Enter the customer’s id at Stripe, cus_…",
            )),
            _ => Ok(None),
        };
    }
    let plain = typed.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !typed.starts_with("cus_") || typed.len() > 255 || !plain {
        return Err(Error::field(
            "customer",
            "A customer’s id begins with cus_.",
        ));
    }
    Ok(Some(typed))
}

/// Whether money of the company has arrived since it is protected by this registration. What was
/// paid before, and trials, are no reason to call it won.
pub(super) async fn has_paid(db: &impl ConnectionTrait, deal: &Model) -> Result<bool> {
    let (Some(account_id), Some(since)) = (deal.account_id, deal.decided_at) else {
        return Ok(false);
    };
    billing::has_paid_since(db, account_id, since).await
}

/// A registration is won: its protection lasts from now on, the partner is credited for each
/// protected product line, and the customer at Stripe is linked where one is named. What the
/// customer has paid since the protection began is booked.
///
/// The caller has checked the right to it. Billing does the same by itself for a customer it knows
/// when the first invoice is paid.
///
/// # Errors
/// [`Error::NotFound`] for a missing one; [`Error::Conflict`] when it is not protected, when somebody
/// else is credited already, or when the customer belongs to another company.
pub async fn won(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    deal_id: i64,
    customer: Option<&str>,
) -> Result<()> {
    let account_id = submitted(tx, deal_id)
        .await?
        .account_id
        .ok_or_else(|| Error::internal("a sent deal without account"))?;
    // First of all: a worker that books a payment of theirs may be winning the deal just now.
    let account = billing::hold(ctx, tx, account_id, customer).await?;
    let deal = submitted(tx, deal_id).await?;
    // A protection that has run out earns nothing, whether or not the calendar has come by.
    if deal.protected_until.is_some_and(|until| until <= ctx.now()) {
        return Err(Error::conflict(
            "The protection has run out. Register the deal again.",
        ));
    }
    let values = vec![
        (Column::ClosedAt, Expr::value(ctx.now())),
        (Column::ProtectedUntil, Expr::value(None::<DateTime<Utc>>)),
    ];
    let deal = step(ctx, tx, &deal, D::Won, who(ctx), values).await?;
    let held = protection::Entity::find()
        .filter(protection::Column::DealId.eq(deal_id))
        .filter(protection::Column::ReleasedAt.is_null())
        .order_by_asc(protection::Column::ProductLineId)
        .all(tx)
        .await?;
    let lines: Vec<i64> = held.iter().map(|p| p.product_line_id).collect();
    nobody_else(ctx, tx, account_id, deal.partner_id, &lines).await?;
    for held in &held {
        attribution::Entity::insert(attribution::ActiveModel {
            program_id: Set(deal.program_id),
            account_id: Set(account_id),
            partner_id: Set(deal.partner_id),
            product_line_id: Set(Some(held.product_line_id)),
            deal_id: Set(Some(deal_id)),
            part: Set("sourced".to_owned()),
            share_bp: Set(10_000),
            reason: Set("The registered deal was won.".to_owned()),
            starts_at: Set(held.starts_at),
            created_at: Set(ctx.now()),
            ..Default::default()
        })
        .exec_without_returning(tx)
        .await?;
    }
    protection::Entity::update_many()
        .col_expr(
            protection::Column::ExpiresAt,
            Expr::value(None::<DateTime<Utc>>),
        )
        .filter(protection::Column::DealId.eq(deal_id))
        .filter(protection::Column::ReleasedAt.is_null())
        .exec(tx)
        .await?;
    extension::drop_open(ctx, tx, deal_id).await?;
    if let Some(customer) = customer {
        let reason = format!(
            "Linked when the deal with {} was won.",
            super::company(&deal)
        );
        account.link(tx, customer, &reason).await?;
    }
    let mut bookings = billing::reconsider(ctx, tx, &account).await?;
    note(
        ctx,
        tx,
        &deal,
        "deal.won",
        "Won: what the customer pays earns commission.",
    )
    .await?;
    let batch = Batch {
        config: None,
        earned: &bookings.months,
    };
    let reward = reward::reward(ctx, tx, &batch, &deal).await?;
    bookings.add(reward);
    if let Some(customer) = customer {
        let words = format!("Linked to the customer {customer}.");
        let detail = serde_json::json!({ "customer": customer });
        note_internal(ctx, tx, &deal, "deal.linked", words, detail).await?;
    }
    let text = format!("{} is won.", super::company(&deal));
    if who(ctx) == Who::Partner {
        tell_staff(ctx, tx, &deal, &text).await?;
    } else {
        tell(ctx, tx, &deal, &text, None).await?;
    }
    bookings.book(ctx, tx).await
}

/// Refuses while another partner is credited for one of the lines: nobody is paid twice for one.
async fn nobody_else(
    ctx: &Context,
    db: &impl ConnectionTrait,
    account_id: i64,
    partner_id: i64,
    lines: &[i64],
) -> Result<()> {
    use attribution::Column;
    let others = attribution::Entity::find()
        .filter(Column::AccountId.eq(account_id))
        .filter(Column::PartnerId.ne(partner_id))
        .filter(
            Condition::any()
                .add(Column::ProductLineId.is_null())
                .add(Column::ProductLineId.is_in(lines.iter().copied())),
        )
        .filter(
            Condition::any()
                .add(Column::EndsAt.is_null())
                .add(Column::EndsAt.gt(ctx.now())),
        )
        .count(db)
        .await?;
    if others == 0 {
        return Ok(());
    }
    Err(Error::conflict(
        "Credit for one of these product lines is already given. A manager has to settle that on \
         the account first.",
    ))
}
