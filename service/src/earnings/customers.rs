//! The customers a partner is credited for, with what each has earned it.

use chrono::{DateTime, Utc};
use sea_orm::{FromQueryResult, Statement, Value};

use crate::context::Context;
use crate::error::Result;
use crate::search::like;

/// What part of the list is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomerQuery {
    /// Part of the company's name or domain.
    pub q: String,
    /// Only those credited now, or only those no longer.
    pub active: Option<bool>,
    /// `since`, `earned` or `last`; anything else is by name.
    pub sort: String,
    /// The other way round.
    pub descending: bool,
    /// Rows to leave out.
    pub offset: u64,
    /// Rows to give, at most 10,000 (an export).
    pub limit: u64,
}

/// A customer in one currency; one that has earned nothing yet has no currency.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct CustomerLine {
    /// `account.id`.
    pub account_id: i64,
    /// The company's name.
    pub name: String,
    /// Its domain.
    pub domain: Option<String>,
    /// Credited since.
    pub since: DateTime<Utc>,
    /// Credited until; none while it lasts.
    pub until: Option<DateTime<Utc>>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// Earned and given back together, minor units.
    pub earned: i64,
    /// Net invoice amounts behind it.
    pub revenue: i64,
    /// When it earned last.
    pub last: Option<DateTime<Utc>>,
}

#[derive(FromQueryResult)]
struct Count {
    total: i64,
}

const FROM: &str = "\
    FROM ( \
      SELECT account_id, min(starts_at) AS since, \
        CASE WHEN count(*) = count(ends_at) THEN max(ends_at) END AS until \
      FROM attribution WHERE partner_id = $1 AND starts_at <= $2 GROUP BY account_id) t \
    JOIN account a ON a.id = t.account_id \
    LEFT JOIN ( \
      SELECT account_id, currency, CAST(sum(amount) AS BIGINT) AS earned, \
        CAST(sum(basis) AS BIGINT) AS revenue, max(earned_at) AS last \
      FROM commission \
      WHERE partner_id = $1 AND account_id IS NOT NULL AND state <> 'canceled' AND {seen} \
      GROUP BY account_id, currency) c ON c.account_id = t.account_id";

/// The customers of the actor's partner, and how many lines there are. Members who do not see what the
/// organisation earns see whose customers they are, without any money, and not in its order.
///
/// # Errors
/// [`crate::Error::NotFound`] for people without a partner.
pub async fn customers(ctx: &Context, query: &CustomerQuery) -> Result<(Vec<CustomerLine>, u64)> {
    let (partner_id, ..) = ctx.partner()?;
    let sees = crate::partner::may_see_earnings(ctx).await?;
    let from = FROM.replace("{seen}", if sees { "1 = 1" } else { "1 = 0" });
    let db = ctx.reader();
    let mut values: Vec<Value> = vec![partner_id.into(), ctx.now().into()];
    let mut filter = String::from("WHERE 1 = 1");
    match query.active {
        Some(true) => filter.push_str(" AND (t.until IS NULL OR t.until > $2)"),
        Some(false) => filter.push_str(" AND t.until <= $2"),
        None => {}
    }
    if !query.q.trim().is_empty() {
        filter.push_str(
            " AND (lower(a.name) LIKE $3 ESCAPE '\\' OR EXISTS (SELECT 1 FROM account_domain d \
               WHERE d.account_id = a.id AND d.id LIKE $3 ESCAPE '\\'))",
        );
        values.push(like(&query.q).into());
    }
    let backend = db.get_database_backend();
    let count = Statement::from_sql_and_values(
        backend,
        format!("SELECT CAST(count(*) AS BIGINT) AS total {from} {filter}"),
        values.clone(),
    );
    let total = Count::find_by_statement(count)
        .one(db)
        .await?
        .map_or(0, |c| c.total);
    let key = match query.sort.as_str() {
        "since" => "t.since",
        "earned" if sees => "coalesce(c.earned, 0)",
        "last" if sees => "coalesce(c.last, t.since)",
        _ => "lower(a.name)",
    };
    let order = if query.descending { "DESC" } else { "ASC" };
    let n = values.len();
    values.push(
        i64::try_from(query.limit.clamp(1, 10_000))
            .unwrap_or(10_000)
            .into(),
    );
    values.push(i64::try_from(query.offset).unwrap_or(i64::MAX).into());
    let page = Statement::from_sql_and_values(
        backend,
        format!(
            "SELECT t.account_id, a.name, \
               (SELECT min(d.id) FROM account_domain d WHERE d.account_id = a.id) AS domain, \
               t.since, t.until, c.currency, coalesce(c.earned, 0) AS earned, \
               coalesce(c.revenue, 0) AS revenue, c.last \
             {from} {filter} ORDER BY {key} {order}, t.account_id, c.currency \
             LIMIT ${} OFFSET ${}",
            n + 1,
            n + 2,
        ),
        values,
    );
    let rows = CustomerLine::find_by_statement(page).all(db).await?;
    Ok((rows, u64::try_from(total).unwrap_or(0)))
}
