//! A customer's invoices.
//!
//! In an index by customer alone, every new invoice changes a page of its own, anywhere in the file,
//! and booking costs the more the larger the file is. The index `invoice_customer` therefore begins
//! with the shelf that an invoice stands on: 8,192 successive ids share one. New invoices lie close
//! together in it, and a customer's are found by looking at each shelf. A statement that does not
//! name the shelves is right all the same, but walks over every invoice. See ADR 8.

use entity::invoice;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition};

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
