//! Saying by hand which product an invoice is for, where it does not say so itself and that decides
//! who is credited.

use std::collections::BTreeSet;

use domain::partner::StaffRole;
use domain::validate;
use entity::{customer, invoice, invoice_line, product_line};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, JoinType, QueryFilter, QuerySelect, RelationTrait};

use super::hold::hold;
use crate::context::Context;
use crate::error::{Error, FieldErrors, Result};
use crate::event;

/// What a manager says about an invoice.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ProductForm {
    /// `product_line.id`.
    pub product_line: String,
    /// Why; it is kept.
    pub reason: String,
}

/// Says which product line the lines of an invoice are for that name none, and books what they earn.
/// Says whether it earned something.
///
/// # Errors
/// [`Error::Invalid`] by field; [`Error::NotFound`] for an unknown invoice and for people outside the
/// vendor; [`Error::Conflict`] when nothing is to be said of it any more.
pub async fn say_product(ctx: &Context, invoice_id: i64, form: &ProductForm) -> Result<bool> {
    ctx.staff(StaffRole::Manager)?;
    let tx = ctx.begin().await?;
    let found = invoice::Entity::find_by_id(invoice_id)
        .join(JoinType::InnerJoin, invoice::Relation::Customer.def())
        .select_also(customer::Entity)
        .one(&*tx)
        .await?;
    let Some((row, Some(customer))) = found else {
        return Err(Error::NotFound);
    };
    let account_id = customer.account_id.ok_or_else(|| {
        Error::conflict("First say whose customer it is; what it pays for comes after that.")
    })?;
    let mut errors = FieldErrors::new();
    let line = match form.product_line.parse::<i64>() {
        Ok(id) => product_line::Entity::find_by_id(id).one(&*tx).await?,
        Err(_) => None,
    };
    if line.is_none() {
        errors.add("product_line", "Choose the product line.");
    }
    let reason = errors.check(
        "reason",
        validate::required(&form.reason, "the reason", 500),
    );
    errors.finish()?;
    let (Some(line), Some(reason)) = (line, reason) else {
        return Err(Error::internal("checked values are missing"));
    };
    hold(ctx, &*tx, account_id, Some(&customer.stripe_id)).await?;
    // Under the lock: nothing was booked for it meanwhile.
    let open = invoice::Entity::find_by_id(row.id)
        .filter(invoice::Column::Outcome.eq("unmatched"))
        .one(&*tx)
        .await?;
    let said = invoice_line::Entity::update_many()
        .col_expr(invoice_line::Column::ProductLineId, Expr::value(line.id))
        .filter(invoice_line::Column::InvoiceId.eq(row.id))
        .filter(invoice_line::Column::ProductLineId.is_null())
        .exec(&*tx)
        .await?;
    if open.is_none() || said.rows_affected == 0 {
        return Err(Error::conflict(
            "Nothing is to be said of this invoice any more. Reload the page to see how it stands.",
        ));
    }
    event::Entry::new(
        "invoice.product_said",
        "invoice",
        row.id,
        format!("It is for {}: {reason}", line.name),
    )
    .internal()
    .detail(serde_json::json!({ "product_line_id": line.id }))
    .record(ctx, &*tx)
    .await?;
    let bookings = super::settle_invoices(ctx, &*tx, BTreeSet::from([row.id])).await?;
    bookings.book(ctx, &*tx).await?;
    let now = invoice::Entity::find_by_id(row.id).one(&*tx).await?;
    tx.commit().await?;
    Ok(now.is_some_and(|i| i.outcome == "earned"))
}
