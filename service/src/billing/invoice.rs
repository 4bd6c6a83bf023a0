//! Invoices as staff look them up: what became of each, and why.

use std::collections::HashMap;

use entity::{
    account, commission, customer, invoice, invoice_line, invoice_return, partner, product_line,
};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, JoinType, Order, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, RelationTrait, sea_query::Expr,
};
use serde_json::json;

use super::returns::listed;
use super::why::{Reader, Why, whys};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::search::{contains, like};

/// What part of the list is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InvoiceQuery {
    /// Part of the customer's name or address, or the whole of an invoice's or customer's id.
    pub q: String,
    /// `open`, `earned`, `nothing` or `unmatched`; or `asked`: whatever came of it, it is asked whose
    /// customer it is.
    pub outcome: Option<String>,
    /// `net` or `customer`; anything else is by when it was paid.
    pub sort: String,
    /// Smallest or oldest first.
    pub ascending: bool,
    /// Rows to leave out.
    pub offset: u64,
    /// Rows to give, at most 10,000 (an export).
    pub limit: u64,
}

/// An invoice with its customer.
pub type InvoiceLine = (invoice::Model, customer::Model);

/// The invoices that match, and how many there are, for staff.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor.
pub async fn list(ctx: &Context, query: &InvoiceQuery) -> Result<(Vec<InvoiceLine>, u64)> {
    ctx.any_staff()?;
    let db = ctx.reader();
    let mut wanted = Condition::all();
    wanted = match query.outcome.as_deref() {
        None => wanted,
        Some("asked") => wanted.add(customer::Column::Question.is_not_null()),
        Some(outcome) => wanted.add(invoice::Column::Outcome.eq(outcome)),
    };
    let q = query.q.trim();
    if !q.is_empty() {
        let pattern = like(q);
        let column = |column| Expr::col((customer::Entity, column));
        wanted = wanted.add(
            Condition::any()
                .add(contains(column(customer::Column::Name), &pattern))
                .add(contains(column(customer::Column::Email), &pattern))
                .add(customer::Column::StripeId.eq(q))
                .add(invoice::Column::StripeId.eq(q))
                .add(invoice::Column::Number.eq(q)),
        );
    }
    let found = invoice::Entity::find()
        .join(JoinType::InnerJoin, invoice::Relation::Customer.def())
        .select_also(customer::Entity)
        .filter(wanted);
    let total = found.clone().count(db).await?;
    let order = if query.ascending {
        Order::Asc
    } else {
        Order::Desc
    };
    let sorted = match query.sort.as_str() {
        "net" => found.order_by(invoice::Column::Net, order.clone()),
        "customer" => found.order_by(
            Expr::col((customer::Entity, customer::Column::Name)),
            order.clone(),
        ),
        _ => found.order_by(invoice::Column::IssuedAt, order.clone()),
    };
    let rows = sorted
        .order_by(invoice::Column::Id, order)
        .offset(query.offset)
        .limit(query.limit.clamp(1, 10_000))
        .all(db)
        .await?
        .into_iter()
        .filter_map(|(i, c)| Some((i, c?)))
        .collect();
    Ok((rows, total))
}

/// An invoice with everything about it.
#[derive(Clone, Debug)]
pub struct InvoiceView {
    /// The invoice.
    pub invoice: invoice::Model,
    /// Whose it is.
    pub customer: customer::Model,
    /// The account the customer belongs to.
    pub account: Option<account::Model>,
    /// Its lines.
    pub lines: Vec<invoice_line::Model>,
    /// What went back of it, oldest first: the same money once.
    pub returns: Vec<invoice_return::Model>,
    /// What it earned and gave back, with the partner's name.
    pub commissions: Vec<(commission::Model, String)>,
    /// Why it earned nothing, or nothing for one of those who are credited; empty where everybody
    /// has earned.
    pub whys: Vec<Why>,
    /// Product lines, by id and name, where somebody has to say which of them it is for.
    pub products: Vec<(i64, String)>,
}

impl InvoiceView {
    /// The same for programs.
    pub fn answer(&self) -> serde_json::Value {
        let i = &self.invoice;
        let earned = self.commissions.iter().map(|(c, partner)| {
            json!({
                "commission": c.id, "partner": partner, "kind": c.kind, "rule": c.rule_name,
                "amount": c.amount, "state": c.state,
            })
        });
        json!({
            "id": i.id,
            "stripe_id": i.stripe_id,
            "number": i.number,
            "customer": self.customer.name,
            "account": self.account.as_ref().map(|a| &a.name),
            "currency": i.currency,
            "net": i.net,
            "returned": i.returned,
            "status": i.status,
            "outcome": i.outcome,
            "issued_at": i.issued_at,
            "paid_at": i.paid_at,
            "earned": earned.collect::<Vec<_>>(),
            "why_nothing": self.whys,
        })
    }
}

/// One invoice by `invoice.id`, Stripe's id or the number printed on it, for staff.
///
/// # Errors
/// [`Error::NotFound`] for a missing one and for people outside the vendor.
pub async fn show(ctx: &Context, key: &str) -> Result<InvoiceView> {
    ctx.any_staff()?;
    let db = ctx.reader();
    let key = key.trim();
    let by_id = match key.parse::<i64>() {
        Ok(id) => invoice::Entity::find_by_id(id).one(db).await?,
        Err(_) => None,
    };
    let invoice = match by_id {
        Some(row) => row,
        None => invoice::Entity::find()
            .filter(
                Condition::any()
                    .add(invoice::Column::StripeId.eq(key))
                    .add(invoice::Column::Number.eq(key)),
            )
            .one(db)
            .await?
            .ok_or(Error::NotFound)?,
    };
    let customer = customer::Entity::find_by_id(invoice.customer_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    let account = match customer.account_id {
        Some(id) => account::Entity::find_by_id(id).one(db).await?,
        None => None,
    };
    let lines = invoice_line::Entity::find()
        .filter(invoice_line::Column::InvoiceId.eq(invoice.id))
        .order_by_asc(invoice_line::Column::Id)
        .all(db)
        .await?;
    let returns = invoice_return::Entity::find()
        .filter(invoice_return::Column::InvoiceId.eq(invoice.id))
        .order_by_asc(invoice_return::Column::HappenedAt)
        .all(db)
        .await?;
    let commissions = commission::Entity::find()
        .filter(commission::Column::InvoiceId.eq(invoice.id))
        .order_by_asc(commission::Column::Id)
        .all(db)
        .await?;
    let names: HashMap<i64, String> = partner::Entity::find()
        .filter(partner::Column::Id.is_in(commissions.iter().map(|c| c.partner_id)))
        .all(db)
        .await?
        .into_iter()
        .map(|p| (p.id, p.name))
        .collect();
    let whys = whys(db, ctx.now(), &invoice, Reader::Staff).await?;
    let asks = account.is_some()
        && invoice.outcome == "unmatched"
        && lines.iter().any(|line| line.product_line_id.is_none());
    let products: Vec<(i64, String)> = match asks {
        true => product_line::Entity::find()
            .order_by_asc(product_line::Column::Name)
            .all(db)
            .await?
            .into_iter()
            .map(|line| (line.id, line.name))
            .collect(),
        false => Vec::new(),
    };
    Ok(InvoiceView {
        commissions: commissions
            .into_iter()
            .map(|c| {
                let name = names.get(&c.partner_id).cloned().unwrap_or_default();
                (c, name)
            })
            .collect(),
        whys,
        invoice,
        customer,
        account,
        lines,
        returns: listed(returns),
        products,
    })
}
