//! What is read around the invoices of a batch: balances, what was earned before, names of lines.

use std::collections::BTreeSet;

use entity::{balance_transaction, commission, invoice, invoice_line};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect,
    RelationTrait,
};

use super::texts;
use crate::billing::by_customer::of_customers;
use crate::billing::keys::Keys;
use crate::billing::unit::{Row, Unit};
use crate::error::Result;

/// How these customers' balances came about, as far as that was asked before.
pub(super) async fn load_balances(
    tx: &impl ConnectionTrait,
    unit: &mut Unit,
    customers: &BTreeSet<String>,
) -> Result<()> {
    let ids: Vec<i64> = customers
        .iter()
        .filter_map(|key| unit.customers.get(key).map(|row| row.id))
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    for row in balance_transaction::Entity::find()
        .filter(balance_transaction::Column::CustomerId.is_in(ids))
        .order_by_asc(balance_transaction::Column::Place)
        .order_by_asc(balance_transaction::Column::Id)
        .all(tx)
        .await?
    {
        let Some(key) = unit.customer_keys.get(&row.customer_id) else {
            continue;
        };
        let changes = unit.balances.entry(key.clone()).or_default();
        changes.push(Row::stored(row));
    }
    Ok(())
}

/// Adds the invoices below zero of these customers, and reads what was earned with those who have one:
/// that is what such an invoice may take back.
pub(super) async fn with_below_zero(
    tx: &impl ConnectionTrait,
    unit: &mut Unit,
    keys: &Keys,
    mut invoices: BTreeSet<i64>,
) -> Result<BTreeSet<i64>> {
    if unit.customers.is_empty() {
        return Ok(invoices);
    }
    let found: Vec<(i64, i64)> = invoice::Entity::find()
        .select_only()
        .column(invoice::Column::Id)
        .column(invoice::Column::CustomerId)
        .filter(Expr::cust("net < 0"))
        .filter(invoice::Column::CustomerId.is_in(unit.customer_keys.keys().copied()))
        .into_tuple()
        .all(tx)
        .await?;
    let named = keys.below_zero.iter();
    let mut customers: BTreeSet<i64> = named
        .filter_map(|key| unit.customers.get(key).map(|row| row.id))
        .collect();
    for (id, customer) in found {
        invoices.insert(id);
        customers.insert(customer);
    }
    load_earned(tx, unit, customers).await?;
    Ok(invoices)
}

/// When whom these customers have earned something.
pub(super) async fn load_earned(
    tx: &impl ConnectionTrait,
    unit: &mut Unit,
    customers: BTreeSet<i64>,
) -> Result<()> {
    if customers.is_empty() {
        return Ok(());
    }
    unit.earned = commission::Entity::find()
        .select_only()
        .column(invoice::Column::CustomerId)
        .column(commission::Column::PartnerId)
        .column(commission::Column::Currency)
        .column(invoice::Column::PaidAt)
        .join(JoinType::InnerJoin, commission::Relation::Invoice.def())
        .filter(of_customers(customers))
        .filter(commission::Column::Kind.eq("accrual"))
        .filter(commission::Column::Amount.gt(0))
        .distinct()
        .into_model()
        .all(tx)
        .await?;
    Ok(())
}

/// Which of these names are the names of lines that are there, and whose.
pub(super) async fn load_line_names(
    tx: &impl ConnectionTrait,
    unit: &mut Unit,
    names: &BTreeSet<String>,
) -> Result<()> {
    for state in unit.invoices.values() {
        let own = state.lines.iter().map(|line| line.stripe_id.clone());
        let own = own.filter(|name| names.contains(name));
        unit.line_names
            .extend(own.map(|name| (name, state.row.stripe_id.clone())));
    }
    let asked: Vec<&str> = texts(names)
        .filter(|name| !unit.line_names.contains_key(*name))
        .collect();
    if asked.is_empty() {
        return Ok(());
    }
    let found: Vec<(String, i64)> = invoice_line::Entity::find()
        .select_only()
        .column(invoice_line::Column::StripeId)
        .column(invoice_line::Column::InvoiceId)
        .filter(invoice_line::Column::StripeId.is_in(asked))
        .into_tuple()
        .all(tx)
        .await?;
    let others = found
        .into_iter()
        .map(|(name, id)| (name, format!("invoice {id}")));
    unit.line_names.extend(others);
    Ok(())
}
