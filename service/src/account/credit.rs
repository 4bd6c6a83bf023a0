//! Who is credited for an account, when a person decides it.

use domain::partner::StaffRole;
use domain::validate;
use entity::attribution::{ActiveModel, Column, Entity};
use entity::{partner, product_line};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait,
    QueryFilter,
};
use serde::Deserialize;

use super::by_id;
use crate::billing;
use crate::context::Context;
use crate::error::{Error, FieldErrors, Result};
use crate::event::Entry;

/// A credit, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Credit {
    /// `partner.id`.
    pub partner_id: String,
    /// `product_line.id`; empty is every product.
    pub product_line_id: String,
    /// `sourced`, `sold` or `implemented`.
    pub part: String,
    /// Whole percent, 1 to 100.
    pub percent: String,
    /// Why; it is kept.
    pub reason: String,
}

/// Credits a partner for an account from now on, and looks again at invoices that earned nothing.
///
/// # Errors
/// [`Error::Invalid`] by field, also when more than the whole would be credited.
pub async fn add_credit(ctx: &Context, account_id: i64, form: &Credit) -> Result<()> {
    ctx.staff(StaffRole::Manager)?;
    let tx = ctx.begin().await?;
    by_id(&*tx, account_id).await?;
    let held = billing::hold(ctx, &*tx, account_id, None).await?;
    let mut errors = FieldErrors::new();
    let partner = match form.partner_id.parse::<i64>() {
        Ok(id) => partner::Entity::find_by_id(id).one(&*tx).await?,
        Err(_) => None,
    };
    if partner.is_none() {
        errors.add("partner_id", "Choose the partner.");
    }
    let line = match form.product_line_id.trim() {
        "" => None,
        typed => {
            let found = match typed.parse::<i64>() {
                Ok(id) => product_line::Entity::find_by_id(id).one(&*tx).await?,
                Err(_) => None,
            };
            let fits = found
                .as_ref()
                .zip(partner.as_ref())
                .is_some_and(|(line, partner)| line.program_id == partner.program_id);
            if !fits {
                errors.add(
                    "product_line_id",
                    "Choose a product line of the partner’s program.",
                );
            }
            found.map(|line| line.id)
        }
    };
    if !["sourced", "sold", "implemented"].contains(&form.part.as_str()) {
        errors.add("part", "Choose what the partner did.");
    }
    let percent = errors.check("percent", validate::whole_number(&form.percent, 1, 100));
    let reason = errors.check(
        "reason",
        validate::required(&form.reason, "the reason", 500),
    );
    let share = percent.unwrap_or(0) * 100;
    let given = given(ctx, &*tx, account_id, line).await?;
    if given + share > 10_000 {
        let left = (10_000 - given).max(0) / 100;
        errors.add(
            "percent",
            format!("{left}% are left; end another credit first."),
        );
    }
    errors.finish()?;
    let (Some(partner), Some(reason)) = (partner, reason) else {
        return Err(Error::internal("checked values are missing"));
    };
    Entity::insert(ActiveModel {
        program_id: Set(partner.program_id),
        account_id: Set(account_id),
        partner_id: Set(partner.id),
        product_line_id: Set(line),
        part: Set(form.part.clone()),
        share_bp: Set(share),
        reason: Set(reason.clone()),
        starts_at: Set(ctx.now()),
        created_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_without_returning(&*tx)
    .await?;
    let words = format!(
        "{} is credited with {}%: {reason}",
        partner.name,
        share / 100
    );
    Entry::new("account.credited", "account", account_id, words)
        .internal()
        .detail(
            serde_json::json!({ "partner_id": partner.id, "share_bp": share, "part": form.part }),
        )
        .record(ctx, &*tx)
        .await?;
    let bookings = billing::reconsider(ctx, &*tx, &held).await?;
    bookings.book(ctx, &*tx).await?;
    tx.commit().await?;
    Ok(())
}

/// Ends a credit: what is paid from now on is not credited any more.
///
/// # Errors
/// [`Error::Invalid`] without a reason, [`Error::NotFound`] for one that is not the account's or
/// has ended.
pub async fn end_credit(ctx: &Context, account_id: i64, id: i64, reason: &str) -> Result<()> {
    ctx.staff(StaffRole::Manager)?;
    let reason = validate::required(reason, "the reason", 500)
        .map_err(|sentence| Error::field("reason", sentence))?;
    let tx = ctx.begin().await?;
    billing::hold(ctx, &*tx, account_id, None).await?;
    let ended = Entity::update_many()
        .col_expr(Column::EndsAt, Expr::value(ctx.now()))
        .filter(Column::Id.eq(id))
        .filter(Column::AccountId.eq(account_id))
        .filter(Column::EndsAt.is_null())
        .exec(&*tx)
        .await?;
    if ended.rows_affected == 0 {
        let there = Entity::find_by_id(id)
            .filter(Column::AccountId.eq(account_id))
            .count(&*tx)
            .await?;
        return Err(match there {
            0 => Error::NotFound,
            _ => Error::conflict("This credit has ended already."),
        });
    }
    Entry::new(
        "account.credit_ended",
        "account",
        account_id,
        format!("A credit ended: {reason}"),
    )
    .internal()
    .detail(serde_json::json!({ "attribution_id": id }))
    .record(ctx, &*tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Basis points that are credited now for a line, or for every product.
async fn given(
    ctx: &Context,
    db: &impl ConnectionTrait,
    account_id: i64,
    line: Option<i64>,
) -> Result<i64> {
    let same = match line {
        Some(line) => Column::ProductLineId.eq(line),
        None => Column::ProductLineId.is_null(),
    };
    let rows = Entity::find()
        .filter(Column::AccountId.eq(account_id))
        .filter(same)
        .filter(
            Condition::any()
                .add(Column::EndsAt.is_null())
                .add(Column::EndsAt.gt(ctx.now())),
        )
        .all(db)
        .await?;
    Ok(rows.iter().map(|a| a.share_bp).sum())
}
