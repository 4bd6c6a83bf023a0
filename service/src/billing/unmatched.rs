//! Invoices nobody is credited for: matched by hand, and why they earned nothing.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::commission::CommissionState;
use entity::{account, account_domain, commission, customer, invoice};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, JoinType, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, RelationTrait,
};

use super::by_customer::of_customers;
use super::hold::{Held, hold};
use crate::commission::bookings::Bookings;
use crate::context::Context;
use crate::error::{Error, FieldErrors, Result};
use crate::event;

/// A paid invoice whose customer belongs to no account yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnmatchedInvoice {
    /// `invoice.id`.
    pub invoice_id: i64,
    /// Stripe's id.
    pub stripe_id: String,
    /// The number printed on it.
    pub number: Option<String>,
    /// `customer.id`.
    pub customer_id: i64,
    /// The customer at Stripe.
    pub customer_stripe_id: String,
    /// The customer's name.
    pub customer_name: String,
    /// The customer's e-mail address.
    pub customer_email: String,
    /// Net, minor units.
    pub net: i64,
    /// The currency.
    pub currency: String,
    /// When it was paid.
    pub paid_at: Option<DateTime<Utc>>,
    /// Why nobody is credited, with every hint there is.
    pub why: String,
}

/// Unmatched invoices, newest first, that contain `q` in the customer's name, address or id, and
/// how many there are in all. `page` begins at 1 and has `per` rows.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor.
pub async fn unmatched(
    ctx: &Context,
    q: &str,
    page: u64,
    per: u64,
) -> Result<(Vec<UnmatchedInvoice>, u64)> {
    ctx.any_staff()?;
    let db = ctx.reader();
    let mut find = invoice::Entity::find()
        .join(JoinType::InnerJoin, invoice::Relation::Customer.def())
        .select_also(customer::Entity)
        .filter(invoice::Column::Outcome.eq("unmatched"));
    let q = q.trim();
    if !q.is_empty() {
        find = find.filter(
            Condition::any()
                .add(customer::Column::Name.contains(q))
                .add(customer::Column::Email.contains(q.to_lowercase()))
                .add(customer::Column::StripeId.eq(q))
                .add(invoice::Column::StripeId.eq(q))
                .add(invoice::Column::Number.eq(q)),
        );
    }
    let total = find.clone().count(db).await?;
    let rows = find
        .order_by_desc(invoice::Column::PaidAt)
        .order_by_desc(invoice::Column::Id)
        .offset(page.saturating_sub(1).saturating_mul(per))
        .limit(per)
        .all(db)
        .await?;
    let rows = rows
        .into_iter()
        .filter_map(|(i, c)| {
            let c = c?;
            Some(UnmatchedInvoice {
                invoice_id: i.id,
                stripe_id: i.stripe_id,
                number: i.number,
                customer_id: c.id,
                customer_stripe_id: c.stripe_id,
                customer_name: c.name,
                customer_email: c.email,
                net: i.net,
                currency: i.currency,
                paid_at: i.paid_at,
                why: i.outcome_reason.unwrap_or_default(),
            })
        })
        .collect();
    Ok((rows, total))
}

/// What somebody of the staff says about a customer.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MatchForm {
    /// `account.id`, or the domain of an account.
    pub account: String,
    /// Why; it is kept.
    pub reason: String,
}

/// What was typed: the account and the reason. The customer is known.
pub(super) async fn read(
    tx: &impl ConnectionTrait,
    form: &MatchForm,
) -> Result<(account::Model, String)> {
    let mut errors = FieldErrors::new();
    let reason = errors.check(
        "reason",
        domain::validate::required(&form.reason, "the reason", 500),
    );
    let account = find_account(tx, form.account.trim()).await?;
    if account.is_none() {
        errors.add(
            "account",
            "There is no such account. Enter its domain, such as company.com.",
        );
    }
    errors.finish()?;
    match (account, reason) {
        (Some(account), Some(reason)) => Ok((account, reason)),
        _ => Err(Error::NotFound),
    }
}

/// Refuses to move a customer whose invoices have earned for another account.
pub(super) async fn movable(
    tx: &impl ConnectionTrait,
    row: &customer::Model,
    account_id: i64,
) -> Result<()> {
    if row.account_id.is_some_and(|known| known != account_id) && earns(tx, row.id).await? {
        return Err(Error::conflict(
            "This customer’s invoices have already earned commission for another account. Cancel \
             those lines first.",
        ));
    }
    Ok(())
}

/// Books that a customer belongs to an account, and what its invoices have earned. Returns how many
/// invoices earned something.
pub(super) async fn book(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    customer_id: i64,
    account: &account::Model,
    reason: &str,
) -> Result<u64> {
    let told = customer::Entity::find_by_id(customer_id)
        .one(tx)
        .await?
        .ok_or(Error::NotFound)?;
    let held = hold(ctx, tx, account.id, Some(&told.stripe_id)).await?;
    let row = held.customers.iter().find(|c| c.id == customer_id);
    let row = row.ok_or(Error::NotFound)?;
    movable(tx, row, account.id).await?;
    customer::Entity::update_many()
        .col_expr(customer::Column::AccountId, Expr::value(account.id))
        .col_expr(customer::Column::MatchedBy, Expr::value("hand"))
        .col_expr(customer::Column::MatchReason, Expr::value(reason))
        .col_expr(customer::Column::Question, Expr::value(None::<String>))
        .filter(customer::Column::Id.eq(customer_id))
        .exec(tx)
        .await?;
    event::Entry::new(
        "customer.matched",
        "customer",
        customer_id,
        format!(
            "Customer {} matched to {} by hand. {reason}",
            row.stripe_id, account.name
        ),
    )
    .internal()
    .detail(serde_json::json!({ "before": row.account_id, "account_id": account.id }))
    .record(ctx, tx)
    .await?;
    if row.account_id.is_some_and(|before| before != account.id) {
        // What they had earned for the other account was canceled by hand: they may earn anew.
        invoice::Entity::update_many()
            .col_expr(invoice::Column::Outcome, Expr::value("unmatched"))
            .filter(of_customers([customer_id]))
            .filter(invoice::Column::Outcome.eq("earned"))
            .exec(tx)
            .await?;
    }
    let open = open_invoices(tx, std::iter::once(customer_id)).await?;
    let mut again = open.clone();
    if row.question.is_some() {
        again.extend(earned_invoices(tx, customer_id).await?);
    }
    let bookings = super::settle_invoices(ctx, tx, again).await?;
    bookings.book(ctx, tx).await?;
    Ok(invoice::Entity::find()
        .filter(invoice::Column::Id.is_in(open))
        .filter(invoice::Column::Outcome.eq("earned"))
        .count(tx)
        .await?)
}

/// Looks again at the paid invoices of an account that have earned nothing, as after somebody was
/// credited for it. What they earn now is the caller's to book.
pub(crate) async fn reconsider(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    held: &Held,
) -> Result<Bookings> {
    let customers = held.customers.iter().map(|c| c.id);
    let open = open_invoices(tx, customers).await?;
    super::settle_invoices(ctx, tx, open).await
}

/// The customers' paid invoices that have earned nothing so far.
async fn open_invoices(
    tx: &impl ConnectionTrait,
    customers: impl Iterator<Item = i64>,
) -> Result<BTreeSet<i64>> {
    Ok(invoice::Entity::find()
        .select_only()
        .column(invoice::Column::Id)
        .filter(of_customers(customers))
        .filter(invoice::Column::Status.eq("paid"))
        .filter(invoice::Column::Outcome.ne("earned"))
        .into_tuple::<i64>()
        .all(tx)
        .await?
        .into_iter()
        .collect())
}

async fn find_account(db: &impl ConnectionTrait, text: &str) -> Result<Option<account::Model>> {
    if let Ok(id) = text.parse::<i64>() {
        return Ok(account::Entity::find_by_id(id).one(db).await?);
    }
    let Ok(domain) = crate::lists::current(db).await?.registrable(text) else {
        return Ok(None);
    };
    let Some(row) = account_domain::Entity::find_by_id(domain).one(db).await? else {
        return Ok(None);
    };
    Ok(account::Entity::find_by_id(row.account_id).one(db).await?)
}

/// The customer's invoices that have earned; their lines were held while it was asked whose it is.
async fn earned_invoices(db: &impl ConnectionTrait, customer_id: i64) -> Result<Vec<i64>> {
    Ok(invoice::Entity::find()
        .select_only()
        .column(invoice::Column::Id)
        .filter(of_customers([customer_id]))
        .filter(invoice::Column::Outcome.eq("earned"))
        .into_tuple()
        .all(db)
        .await?)
}

/// Whether anybody earns from the customer's invoices: lines that were canceled by hand are no reason
/// to leave the customer where it is.
async fn earns(db: &impl ConnectionTrait, customer_id: i64) -> Result<bool> {
    let over = [CommissionState::Canceled, CommissionState::Reversed];
    let found = commission::Entity::find()
        .join(JoinType::InnerJoin, commission::Relation::Invoice.def())
        .filter(of_customers([customer_id]))
        .filter(commission::Column::State.is_not_in(over.map(CommissionState::as_str)))
        .count(db)
        .await?;
    Ok(found > 0)
}

/// Why an invoice earned nothing, in a sentence for staff; none where it earned something.
///
/// # Errors
/// [`Error::NotFound`] for an unknown invoice and for people outside the vendor.
pub async fn why_nothing(ctx: &Context, stripe_id: &str) -> Result<Option<String>> {
    ctx.any_staff()?;
    let row = invoice::Entity::find()
        .filter(invoice::Column::StripeId.eq(stripe_id.trim()))
        .one(ctx.reader())
        .await?
        .ok_or(Error::NotFound)?;
    Ok(match (row.outcome.as_str(), row.status.as_str()) {
        ("earned", _) => None,
        ("open", "paid") => Some("It is being worked on.".to_owned()),
        ("open", "void") => Some("It was annulled before it was paid.".to_owned()),
        ("open", "uncollectible") => Some("It was given up; nothing was paid.".to_owned()),
        ("open", _) => Some("It has not been paid yet.".to_owned()),
        _ => Some(
            row.outcome_reason
                .unwrap_or_else(|| "Nothing is known about it.".to_owned()),
        ),
    })
}
