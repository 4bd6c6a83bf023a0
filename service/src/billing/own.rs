//! The invoices of a partner's customers as the partner sees them: what it is credited for, and
//! nothing of anybody else's.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::attribution::covers;
use entity::{account, attribution, commission, customer, invoice, invoice_line};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, JoinType, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, RelationTrait, Statement, Value,
};
use serde_json::json;

use super::by_customer::on_a_shelf;
use super::why::{Reader, Why, whys};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::search::like;

/// What part of the list is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnQuery {
    /// Part of the company's name, or the whole of an invoice's number or id.
    pub q: String,
    /// Only those that have (not) earned the partner something.
    pub earned: Option<bool>,
    /// `account.id`.
    pub account_id: Option<i64>,
    /// `customer`; anything else is by when it was issued.
    pub sort: String,
    /// Smallest or oldest first.
    pub ascending: bool,
    /// Rows to leave out.
    pub offset: u64,
    /// Rows to give, at most 10,000 (an export).
    pub limit: u64,
}

/// An invoice as one partner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnInvoice {
    /// `invoice.id`.
    pub id: i64,
    /// The number printed on it, or Stripe's id.
    pub number: String,
    /// `account.id`.
    pub account_id: i64,
    /// The company's name.
    pub customer: String,
    /// ISO 4217.
    pub currency: String,
    /// Net of the lines the partner is credited for, minor units; none before it is paid.
    pub net: Option<i64>,
    /// As Stripe says it.
    pub status: String,
    /// When it was issued.
    pub issued_at: DateTime<Utc>,
    /// When it was paid.
    pub paid_at: Option<DateTime<Utc>>,
    /// What it earned the partner, minor units; none where it earned nothing.
    pub earned: Option<i64>,
}

/// One of them with everything the partner may know.
#[derive(Clone, Debug)]
pub struct OwnView {
    /// The invoice.
    pub invoice: OwnInvoice,
    /// The lines the partner is credited for: what for, and net in minor units.
    pub lines: Vec<(String, i64)>,
    /// What it earned the partner, and gave back.
    pub commissions: Vec<commission::Model>,
    /// Why it earned nothing; empty where it earned something.
    pub whys: Vec<Why>,
}

impl OwnView {
    /// The same for programs.
    pub fn answer(&self) -> serde_json::Value {
        let i = &self.invoice;
        let lines = self.lines.iter();
        let earned = self.commissions.iter().map(|c| {
            json!({
                "commission": c.id, "kind": c.kind, "rule": c.rule_name, "amount": c.amount,
                "state": c.state,
            })
        });
        json!({
            "id": i.id,
            "number": i.number,
            "customer": i.customer,
            "currency": i.currency,
            "net": i.net,
            "status": i.status,
            "issued_at": i.issued_at,
            "paid_at": i.paid_at,
            "lines": lines.map(|(text, net)| json!({ "description": text, "net": net }))
                .collect::<Vec<_>>(),
            "earned": earned.collect::<Vec<_>>(),
            "why_nothing": self.whys,
        })
    }
}

#[derive(FromQueryResult)]
struct Id {
    id: i64,
}

#[derive(FromQueryResult)]
struct Count {
    total: i64,
}

/// What a statement about a partner's own invoices begins with: `i` of customers `c` of accounts `a`.
/// They are its own while it was credited for the customer, or where it has earned by it; `$1` is the
/// partner. Of a credit for one product only invoices with a line of that product count.
///
/// The customers are asked for first and named in the statement, so that no database begins with the
/// invoices of everybody.
async fn own_invoices(db: &impl ConnectionTrait, partner_id: i64) -> Result<String> {
    let credited = attribution::Entity::find()
        .select_only()
        .column(attribution::Column::AccountId)
        .filter(attribution::Column::PartnerId.eq(partner_id));
    let customers: Vec<i64> = customer::Entity::find()
        .select_only()
        .column(customer::Column::Id)
        .filter(customer::Column::AccountId.in_subquery(credited.into_query()))
        .into_tuple()
        .all(db)
        .await?;
    let customers: Vec<String> = customers.iter().map(i64::to_string).collect();
    let customers = match customers.as_slice() {
        [] => "NULL".to_owned(),
        some => some.join(", "),
    };
    let shelf = on_a_shelf("i");
    Ok(format!(
        "FROM invoice i JOIN customer c ON c.id = i.customer_id JOIN account a ON a.id = c.account_id \
         WHERE {shelf} AND i.customer_id IN ({customers}) AND i.status <> 'draft' AND (EXISTS ( \
           SELECT 1 FROM attribution t WHERE t.partner_id = $1 AND t.account_id = c.account_id \
             AND t.starts_at <= coalesce(i.paid_at, i.issued_at) \
             AND (t.ends_at IS NULL OR t.ends_at > coalesce(i.paid_at, i.issued_at)) \
             AND (t.product_line_id IS NULL OR i.paid_at IS NULL OR EXISTS ( \
               SELECT 1 FROM invoice_line l WHERE l.invoice_id = i.id \
                 AND (l.product_line_id IS NULL OR l.product_line_id = t.product_line_id)))) \
         OR EXISTS (SELECT 1 FROM commission e WHERE e.invoice_id = i.id AND e.partner_id = $1))"
    ))
}

const EARNED: &str = "EXISTS (SELECT 1 FROM commission e WHERE e.invoice_id = i.id \
    AND e.partner_id = $1 AND e.state <> 'canceled')";

/// The invoices of the actor's partner's customers, and how many there are.
///
/// # Errors
/// [`Error::NotFound`] for people without a partner; [`Error::Forbidden`] for members who do not see
/// earnings.
pub async fn own_list(ctx: &Context, query: &OwnQuery) -> Result<(Vec<OwnInvoice>, u64)> {
    let partner_id = ctx.earnings_partner().await?;
    let db = ctx.reader();
    let own = own_invoices(db, partner_id).await?;
    let mut values: Vec<Value> = vec![partner_id.into()];
    let mut filter = String::new();
    match query.earned {
        Some(true) => filter.push_str(&format!(" AND {EARNED}")),
        Some(false) => filter.push_str(&format!(" AND NOT {EARNED}")),
        None => {}
    }
    if let Some(account) = query.account_id {
        values.push(account.into());
        filter.push_str(&format!(" AND c.account_id = ${}", values.len()));
    }
    let q = query.q.trim();
    if !q.is_empty() {
        values.push(like(q).into());
        values.push(q.into());
        let n = values.len();
        filter.push_str(&format!(
            " AND (lower(a.name) LIKE ${} ESCAPE '\\' OR i.number = ${n} OR i.stripe_id = ${n})",
            n - 1
        ));
    }
    let backend = db.get_database_backend();
    let count = Statement::from_sql_and_values(
        backend,
        format!("SELECT CAST(count(*) AS BIGINT) AS total {own} {filter}"),
        values.clone(),
    );
    let total = Count::find_by_statement(count)
        .one(db)
        .await?
        .map_or(0, |c| c.total);
    let key = match query.sort.as_str() {
        "customer" => "lower(a.name)",
        _ => "i.issued_at",
    };
    let order = if query.ascending { "ASC" } else { "DESC" };
    values.push(
        i64::try_from(query.limit.clamp(1, 10_000))
            .unwrap_or(10_000)
            .into(),
    );
    values.push(i64::try_from(query.offset).unwrap_or(i64::MAX).into());
    let n = values.len();
    let page = Statement::from_sql_and_values(
        backend,
        format!(
            "SELECT i.id {own} {filter} ORDER BY {key} {order}, i.id {order} \
             LIMIT ${} OFFSET ${n}",
            n - 1
        ),
        values,
    );
    let ids: Vec<i64> = Id::find_by_statement(page)
        .all(db)
        .await?
        .into_iter()
        .map(|row| row.id)
        .collect();
    let mut known = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(500) {
        known.extend(seen(db, partner_id, chunk).await?);
    }
    let rows = known.into_iter().map(|view| view.invoice).collect();
    Ok((rows, u64::try_from(total).unwrap_or(0)))
}

/// One of them by `invoice.id`.
///
/// # Errors
/// [`Error::NotFound`] for a missing one and for one the partner is not credited for; see
/// [`own_list`].
pub async fn own(ctx: &Context, id: i64) -> Result<OwnView> {
    let partner_id = ctx.earnings_partner().await?;
    let db = ctx.reader();
    let own = own_invoices(db, partner_id).await?;
    let visible = Statement::from_sql_and_values(
        db.get_database_backend(),
        format!("SELECT i.id {own} AND i.id = $2"),
        [partner_id.into(), id.into()],
    );
    if Id::find_by_statement(visible).one(db).await?.is_none() {
        return Err(Error::NotFound);
    }
    let mut view = seen(db, partner_id, &[id])
        .await?
        .into_iter()
        .next()
        .ok_or(Error::NotFound)?;
    if view.invoice.earned.is_none() {
        let row = invoice::Entity::find_by_id(id)
            .one(db)
            .await?
            .ok_or(Error::NotFound)?;
        view.whys = whys(db, ctx.now(), &row, Reader::Partner(partner_id)).await?;
    }
    Ok(view)
}

/// Invoices as the partner sees them, in the order of `ids`; the reasons are left out.
async fn seen(db: &impl ConnectionTrait, partner_id: i64, ids: &[i64]) -> Result<Vec<OwnView>> {
    let mut rows: HashMap<i64, (invoice::Model, Option<customer::Model>)> = invoice::Entity::find()
        .filter(invoice::Column::Id.is_in(ids.iter().copied()))
        .join(JoinType::InnerJoin, invoice::Relation::Customer.def())
        .select_also(customer::Entity)
        .all(db)
        .await?
        .into_iter()
        .map(|(i, c)| (i.id, (i, c)))
        .collect();
    let accounts: HashMap<i64, String> = account::Entity::find()
        .filter(
            account::Column::Id.is_in(rows.values().filter_map(|(_, c)| c.as_ref()?.account_id)),
        )
        .all(db)
        .await?
        .into_iter()
        .map(|a| (a.id, a.name))
        .collect();
    let credits: Vec<attribution::Model> = attribution::Entity::find()
        .filter(attribution::Column::PartnerId.eq(partner_id))
        .filter(attribution::Column::AccountId.is_in(accounts.keys().copied()))
        .all(db)
        .await?;
    let mut lines: HashMap<i64, Vec<invoice_line::Model>> = HashMap::new();
    for line in invoice_line::Entity::find()
        .filter(invoice_line::Column::InvoiceId.is_in(ids.iter().copied()))
        .order_by_asc(invoice_line::Column::Id)
        .all(db)
        .await?
    {
        lines.entry(line.invoice_id).or_default().push(line);
    }
    let mut earned: HashMap<i64, Vec<commission::Model>> = HashMap::new();
    for row in commission::Entity::find()
        .filter(commission::Column::InvoiceId.is_in(ids.iter().copied()))
        .filter(commission::Column::PartnerId.eq(partner_id))
        .order_by_asc(commission::Column::Id)
        .all(db)
        .await?
    {
        let id = row.invoice_id.unwrap_or_default();
        earned.entry(id).or_default().push(row);
    }
    Ok(ids
        .iter()
        .filter_map(|id| {
            let (row, customer) = rows.remove(id)?;
            let account_id = customer?.account_id?;
            let at = row.paid_at.unwrap_or(row.issued_at);
            let own = |line: &invoice_line::Model, paid: &[commission::Model]| {
                paid.iter().any(|c| c.invoice_line_id == Some(line.id))
                    || credits.iter().any(|c| {
                        c.account_id == account_id
                            && covers(c.starts_at, c.ends_at, at)
                            && (c.product_line_id.is_none()
                                || line.product_line_id.is_none()
                                || c.product_line_id == line.product_line_id)
                    })
            };
            let commissions = earned.remove(id).unwrap_or_default();
            let lines: Vec<(String, i64)> = lines
                .remove(id)
                .unwrap_or_default()
                .into_iter()
                .filter(|line| own(line, &commissions))
                .map(|line| (line.description, line.net))
                .collect();
            let counting = || commissions.iter().filter(|c| c.state != "canceled");
            let sum = counting().fold(0i64, |sum, c| sum.saturating_add(c.amount));
            Some(OwnView {
                invoice: OwnInvoice {
                    id: row.id,
                    number: row.number.unwrap_or(row.stripe_id),
                    account_id,
                    customer: accounts.get(&account_id).cloned().unwrap_or_default(),
                    net: row.paid_at.map(|_| {
                        lines
                            .iter()
                            .fold(0i64, |s, (_, net)| s.saturating_add(*net))
                    }),
                    currency: row.currency,
                    status: row.status,
                    issued_at: row.issued_at,
                    paid_at: row.paid_at,
                    earned: counting().next().map(|_| sum),
                },
                lines,
                commissions,
                whys: Vec::new(),
            })
        })
        .collect())
}
