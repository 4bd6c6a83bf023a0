//! The rows about customers, invoices and returns.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entity::{
    balance_transaction, customer, customer_paid, invoice, invoice_line, invoice_payment,
    invoice_return, subscription,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, Value};

use super::{Ids, fresh};
use crate::billing::by_customer::of_customers;
use crate::billing::unit::{Row, Unit};
use crate::bulk;
use crate::error::Result;

pub(super) async fn customers(tx: &impl ConnectionTrait, unit: &Unit) -> Result<()> {
    let mut changed: Vec<&Row<customer::Model>> = unit
        .customers
        .values()
        .filter(|c| c.changed_from().is_some())
        .collect();
    changed.sort_by_key(|c| c.id);
    let rows: Vec<Vec<Value>> = changed
        .into_iter()
        .map(|c| {
            vec![
                c.id.into(),
                c.name.clone().into(),
                c.email.clone().into(),
                c.country.clone().into(),
                c.account_id.into(),
                c.matched_by.clone().into(),
                c.match_reason.clone().into(),
                c.question.clone().into(),
                Value::from(c.updated_at),
            ]
        })
        .collect();
    bulk::update_from(
        tx,
        &[
            ("id", "BIGINT"),
            ("name", "TEXT"),
            ("email", "TEXT"),
            ("country", "TEXT"),
            ("account_id", "BIGINT"),
            ("matched_by", "TEXT"),
            ("match_reason", "TEXT"),
            ("question", "TEXT"),
            ("updated_at", time_type(tx)),
        ],
        &rows,
        "UPDATE customer SET name = v.name, email = v.email, country = v.country, \
         account_id = v.account_id, matched_by = v.matched_by, match_reason = v.match_reason, \
         question = v.question, updated_at = v.updated_at FROM v WHERE customer.id = v.id",
    )
    .await?;
    Ok(())
}

pub(super) async fn write_subscriptions(
    tx: &impl ConnectionTrait,
    unit: &Unit,
    ids: &Ids,
) -> Result<()> {
    let rows: Vec<subscription::Model> = fresh(
        unit.subscriptions.values(),
        |s: &mut subscription::Model| ids.set(&mut s.id),
    );
    bulk::insert::<subscription::Entity>(tx, &rows).await?;
    let rows: Vec<Vec<Value>> = unit
        .subscriptions
        .values()
        .filter(|s| s.changed_from().is_some())
        .map(|s| {
            vec![
                s.id.into(),
                s.status.clone().into(),
                Value::from(Some(s.started_at)),
                Value::from(s.ended_at),
                Value::from(Some(s.updated_at)),
            ]
        })
        .collect();
    let when = time_type(tx);
    bulk::update_from(
        tx,
        &[
            ("id", "BIGINT"),
            ("status", "TEXT"),
            ("started_at", when),
            ("ended_at", when),
            ("updated_at", when),
        ],
        &rows,
        "UPDATE subscription SET status = v.status, started_at = v.started_at, \
         ended_at = v.ended_at, updated_at = v.updated_at FROM v WHERE subscription.id = v.id",
    )
    .await?;
    Ok(())
}

pub(super) async fn write_invoices(
    tx: &impl ConnectionTrait,
    unit: &Unit,
    ids: &Ids,
) -> Result<()> {
    let states = || unit.invoices.values();
    let rows: Vec<invoice::Model> = fresh(states().map(|s| &s.row), |i: &mut invoice::Model| {
        ids.set(&mut i.id)
    });
    bulk::insert::<invoice::Entity>(tx, &rows).await?;
    let changed: Vec<Vec<Value>> = states()
        .map(|s| &s.row)
        .filter(|i| i.changed_from().is_some())
        .map(|i| {
            vec![
                i.id.into(),
                i.subscription_stripe_id.clone().into(),
                i.number.clone().into(),
                i.status.clone().into(),
                i.total.into(),
                i.net.into(),
                i.amount_paid.into(),
                i.due.into(),
                i.from_balance.into(),
                i.unearning.into(),
                i.balance.clone().into(),
                i.returned.into(),
                i.disputed.into(),
                i.outcome.clone().into(),
                i.outcome_reason.clone().into(),
                Value::from(i.paid_at),
            ]
        })
        .collect();
    bulk::update_from(
        tx,
        &[
            ("id", "BIGINT"),
            ("subscription_stripe_id", "TEXT"),
            ("number", "TEXT"),
            ("status", "TEXT"),
            ("total", "BIGINT"),
            ("net", "BIGINT"),
            ("amount_paid", "BIGINT"),
            ("due", "BIGINT"),
            ("from_balance", "BIGINT"),
            ("unearning", "BIGINT"),
            ("balance", "TEXT"),
            ("returned", "BIGINT"),
            ("disputed", "BOOLEAN"),
            ("outcome", "TEXT"),
            ("outcome_reason", "TEXT"),
            ("paid_at", time_type(tx)),
        ],
        &changed,
        "UPDATE invoice SET subscription_stripe_id = v.subscription_stripe_id, \
         number = v.number, status = v.status, total = v.total, net = v.net, \
         amount_paid = v.amount_paid, due = v.due, \
         from_balance = v.from_balance, unearning = v.unearning, \
         balance = v.balance, returned = v.returned, disputed = v.disputed, \
         outcome = v.outcome, outcome_reason = v.outcome_reason, paid_at = v.paid_at \
         FROM v WHERE invoice.id = v.id",
    )
    .await?;
    write_payments(tx, unit).await?;
    let lines: Vec<invoice_line::Model> = fresh(
        states().flat_map(|s| &s.lines),
        |l: &mut invoice_line::Model| {
            ids.set(&mut l.invoice_id);
            ids.set(&mut l.id)
        },
    );
    bulk::insert::<invoice_line::Entity>(tx, &lines).await?;
    let changed: Vec<Vec<Value>> = states()
        .flat_map(|s| &s.lines)
        .filter(|l| l.changed_from().is_some())
        .map(|l| vec![l.id.into(), l.returned.into()])
        .collect();
    bulk::update_from(
        tx,
        &[("id", "BIGINT"), ("returned", "BIGINT")],
        &changed,
        "UPDATE invoice_line SET returned = v.returned FROM v WHERE invoice_line.id = v.id",
    )
    .await?;
    Ok(())
}

/// When customers paid first and last, by `customer.id`.
#[derive(Default)]
struct Payments(BTreeMap<i64, customer_paid::Model>);

impl Payments {
    /// Counts a paid invoice; as the first only what came to more than nothing.
    fn count(&mut self, customer_id: i64, net: i64, at: DateTime<Utc>) {
        let row = self.0.entry(customer_id).or_insert(customer_paid::Model {
            id: customer_id,
            first_at: None,
            last_at: at,
        });
        if net > 0 && row.first_at.is_none_or(|first| at < first) {
            row.first_at = Some(at);
        }
        if at > row.last_at {
            row.last_at = at;
        }
    }
}

/// Keeps when customers paid first and last in step with their invoices.
async fn write_payments(tx: &impl ConnectionTrait, unit: &Unit) -> Result<()> {
    let mut payments = Payments::default();
    let mut changed: BTreeSet<i64> = BTreeSet::new();
    for row in unit.invoices.values().map(|state| &state.row) {
        let before = match row.changed_from() {
            Some(before) => before.paid_at.map(|at| (at, before.net > 0)),
            None if row.is_fresh() => None,
            None => continue,
        };
        if before == row.paid_at.map(|at| (at, row.net > 0)) {
            continue;
        }
        match row.paid_at {
            Some(at) if before.is_none() => payments.count(row.customer_id, row.net, at),
            _ => {
                changed.insert(row.customer_id);
            }
        }
    }
    if !changed.is_empty() {
        // A payment is not what it was: all of the customer's are counted again.
        customer_paid::Entity::delete_many()
            .filter(customer_paid::Column::Id.is_in(changed.iter().copied()))
            .exec(tx)
            .await?;
        let all: Vec<(i64, i64, Option<DateTime<Utc>>)> = invoice::Entity::find()
            .select_only()
            .columns([
                invoice::Column::CustomerId,
                invoice::Column::Net,
                invoice::Column::PaidAt,
            ])
            .filter(of_customers(changed))
            .filter(invoice::Column::PaidAt.is_not_null())
            .into_tuple()
            .all(tx)
            .await?;
        for (customer_id, net, at) in all {
            if let Some(at) = at {
                payments.count(customer_id, net, at);
            }
        }
    }
    let rows: Vec<customer_paid::Model> = payments.0.into_values().collect();
    bulk::insert_with::<customer_paid::Entity>(
        tx,
        &rows,
        " ON CONFLICT (id) DO UPDATE SET first_at = CASE \
         WHEN customer_paid.first_at <= excluded.first_at OR excluded.first_at IS NULL \
         THEN customer_paid.first_at ELSE excluded.first_at END, last_at = CASE \
         WHEN customer_paid.last_at >= excluded.last_at THEN customer_paid.last_at \
         ELSE excluded.last_at END",
    )
    .await?;
    Ok(())
}

pub(super) async fn write_returns(tx: &impl ConnectionTrait, unit: &Unit, ids: &Ids) -> Result<()> {
    let states = || unit.invoices.values();
    let payments: Vec<invoice_payment::Model> = fresh(
        states().flat_map(|s| &s.payments),
        |p: &mut invoice_payment::Model| {
            ids.set(&mut p.invoice_id);
            ids.set(&mut p.id)
        },
    );
    bulk::insert::<invoice_payment::Entity>(tx, &payments).await?;
    name_charges(tx, unit).await?;
    let returns: Vec<invoice_return::Model> = fresh(
        states().flat_map(|s| &s.returns),
        |r: &mut invoice_return::Model| {
            ids.set(&mut r.invoice_id);
            ids.set(&mut r.id)
        },
    );
    bulk::insert::<invoice_return::Entity>(tx, &returns).await?;
    for row in states()
        .flat_map(|s| &s.returns)
        .filter(|r| r.changed_from().is_some())
    {
        use sea_orm::{ActiveModelTrait, ActiveValue::Set};
        invoice_return::ActiveModel {
            id: sea_orm::ActiveValue::Unchanged(row.id),
            amount: Set(row.amount),
            status: Set(row.status.clone()),
            detail: Set(row.detail.clone()),
            ..Default::default()
        }
        .update(tx)
        .await?;
    }
    Ok(())
}

/// Changes of balances that were not known.
pub(super) async fn write_balances(tx: &impl ConnectionTrait, unit: &Unit) -> Result<()> {
    let fresh = unit
        .balances
        .values()
        .flatten()
        .filter(|row| row.is_fresh());
    let mut rows: Vec<balance_transaction::Model> = fresh.map(|row| (**row).clone()).collect();
    rows.sort_by_key(|row| (row.customer_id, row.place));
    let ids = bulk::reserve::<balance_transaction::Entity>(tx, rows.len()).await?;
    for (row, id) in rows.iter_mut().zip(ids) {
        row.id = id;
    }
    bulk::insert::<balance_transaction::Entity>(tx, &rows).await?;
    Ok(())
}

/// The names of charges that were learned of payments which are there. A name that somebody else
/// has written meanwhile stays.
async fn name_charges(tx: &impl ConnectionTrait, unit: &Unit) -> Result<()> {
    let mut named: Vec<&Row<invoice_payment::Model>> = unit
        .invoices
        .values()
        .flat_map(|s| &s.payments)
        .filter(|p| p.changed_from().is_some())
        .collect();
    named.sort_by_key(|p| p.id);
    let rows: Vec<Vec<Value>> = named
        .into_iter()
        .map(|p| vec![p.id.into(), p.charge.clone().into()])
        .collect();
    bulk::update_from(
        tx,
        &[("id", "BIGINT"), ("charge", "TEXT")],
        &rows,
        "UPDATE invoice_payment SET charge = v.charge FROM v \
         WHERE invoice_payment.id = v.id AND invoice_payment.charge IS NULL",
    )
    .await?;
    Ok(())
}

/// The type of a time in a list of values.
fn time_type(tx: &impl ConnectionTrait) -> &'static str {
    match tx.get_database_backend() {
        sea_orm::DbBackend::Postgres => "TIMESTAMPTZ",
        _ => "TEXT",
    }
}
