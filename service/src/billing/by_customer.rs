//! A customer's invoices.
//!
//! In an index by customer alone, every new invoice changes a page of its own, anywhere in the file,
//! and booking costs the more the larger the file is. The index `invoice_customer` therefore begins
//! with the shelf that an invoice stands on: 8,192 successive ids share one. New invoices lie close
//! together in it, and a customer's are found by looking at each shelf. A statement that does not
//! name the shelves is right all the same, but walks over every invoice. See ADR 8.

use chrono::{DateTime, SubsecRound as _, Utc};
use entity::{customer, invoice};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect,
};

use crate::error::Result;

/// That an invoice is on one of the shelves; `invoice` is what the statement calls it. The customer
/// is asked for beside it.
pub(crate) fn on_a_shelf(invoice: &str) -> String {
    format!(
        "{invoice}.id / 8192 IN (WITH RECURSIVE shelf (n) AS ( \
           SELECT max(id) / 8192 FROM invoice \
           UNION ALL SELECT n - 1 FROM shelf WHERE n > 0) SELECT n FROM shelf)"
    )
}

/// That an invoice is one of these customers'.
pub(crate) fn of_customers(ids: impl IntoIterator<Item = i64>) -> Condition {
    Condition::all()
        .add(Expr::cust(on_a_shelf("invoice")))
        .add(invoice::Column::CustomerId.is_in(ids))
}

/// Whether a customer of the account has paid money since then. What is paid in the second in which
/// it begins counts, as with every credit.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn has_paid_since(
    db: &impl ConnectionTrait,
    account_id: i64,
    since: DateTime<Utc>,
) -> Result<bool> {
    let customers: Vec<i64> = customer::Entity::find()
        .select_only()
        .column(customer::Column::Id)
        .filter(customer::Column::AccountId.eq(account_id))
        .into_tuple()
        .all(db)
        .await?;
    if customers.is_empty() {
        return Ok(false);
    }
    let paid = invoice::Entity::find()
        .filter(of_customers(customers))
        .filter(invoice::Column::AmountPaid.gt(0))
        .filter(invoice::Column::PaidAt.gte(since.trunc_subsecs(0)))
        .count(db)
        .await?;
    Ok(paid > 0)
}
