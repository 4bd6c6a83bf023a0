//! The rows about customers, invoices and returns.

use std::collections::BTreeSet;

use entity::{customer, invoice, invoice_line, invoice_payment, invoice_return, subscription};
use sea_orm::sea_query::{Expr, ExprTrait, Query, SimpleExpr};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Value};

use super::{Ids, fresh};
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
            ("updated_at", time_type(tx)),
        ],
        &rows,
        "UPDATE customer SET name = v.name, email = v.email, country = v.country, \
         account_id = v.account_id, matched_by = v.matched_by, match_reason = v.match_reason, \
         updated_at = v.updated_at FROM v WHERE customer.id = v.id",
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
        |s: &mut subscription::Model| s.id = ids.real(s.id),
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
        i.id = ids.real(i.id)
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
            ("returned", "BIGINT"),
            ("disputed", "BOOLEAN"),
            ("outcome", "TEXT"),
            ("outcome_reason", "TEXT"),
            ("paid_at", time_type(tx)),
        ],
        &changed,
        "UPDATE invoice SET subscription_stripe_id = v.subscription_stripe_id, \
         number = v.number, status = v.status, total = v.total, net = v.net, \
         amount_paid = v.amount_paid, returned = v.returned, disputed = v.disputed, \
         outcome = v.outcome, outcome_reason = v.outcome_reason, paid_at = v.paid_at \
         FROM v WHERE invoice.id = v.id",
    )
    .await?;
    first_payments(tx, unit).await?;
    let lines: Vec<invoice_line::Model> = fresh(
        states().flat_map(|s| &s.lines),
        |l: &mut invoice_line::Model| {
            l.id = ids.real(l.id);
            l.invoice_id = ids.real(l.invoice_id);
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

/// Keeps when a customer paid first in step with its invoices, where that may have changed.
async fn first_payments(tx: &impl ConnectionTrait, unit: &Unit) -> Result<()> {
    let counts = |row: &invoice::Model| row.paid_at.filter(|_| row.net > 0);
    let mut customers: BTreeSet<i64> = BTreeSet::new();
    for row in unit.invoices.values().map(|state| &state.row) {
        let now = counts(row);
        let before = row.changed_from().map_or(now, counts);
        let before = if row.is_fresh() { None } else { before };
        let known = unit.customer_of(row).and_then(|c| c.first_paid_at);
        let earlier = now.is_some_and(|now| known.is_none_or(|known| now < known));
        if now != before && (earlier || now.is_none()) {
            customers.insert(row.customer_id);
        }
    }
    if customers.is_empty() {
        return Ok(());
    }
    let first = Query::select()
        .expr(invoice::Column::PaidAt.min())
        .from(invoice::Entity)
        .and_where(
            Expr::col((invoice::Entity, invoice::Column::CustomerId))
                .equals((customer::Entity, customer::Column::Id)),
        )
        .and_where(invoice::Column::Net.gt(0))
        .to_owned();
    customer::Entity::update_many()
        .col_expr(customer::Column::FirstPaidAt, SimpleExpr::from(first))
        .filter(customer::Column::Id.is_in(customers))
        .exec(tx)
        .await?;
    Ok(())
}

pub(super) async fn write_returns(tx: &impl ConnectionTrait, unit: &Unit, ids: &Ids) -> Result<()> {
    let states = || unit.invoices.values();
    let payments: Vec<invoice_payment::Model> = fresh(
        states().flat_map(|s| &s.payments),
        |p: &mut invoice_payment::Model| {
            p.id = ids.real(p.id);
            p.invoice_id = ids.real(p.invoice_id);
        },
    );
    bulk::insert::<invoice_payment::Entity>(tx, &payments).await?;
    name_charges(tx, unit).await?;
    let returns: Vec<invoice_return::Model> = fresh(
        states().flat_map(|s| &s.returns),
        |r: &mut invoice_return::Model| {
            r.id = ids.real(r.id);
            r.invoice_id = ids.real(r.invoice_id);
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
