//! Commission lines as partners and finance read them.

use chrono::{DateTime, Utc};
use domain::partner::MemberRole;
use entity::{account, commission, invoice, partner};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, FromQueryResult, JoinType, QueryFilter, QueryOrder,
    QuerySelect, RelationTrait, Select,
    sea_query::{Expr, ExprTrait, Func, SimpleExpr},
};

use crate::context::{Actor, Context};
use crate::error::{Error, Result};

/// What to show. Everything left empty shows all.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LineQuery {
    /// Part of the customer's name, the rule's or the reason, an invoice number or a Stripe id; for
    /// staff part of the partner's name too.
    pub q: String,
    /// States, any of them.
    pub states: Vec<String>,
    /// Kinds, any of them.
    pub kinds: Vec<String>,
    /// `YYYY-MM`.
    pub month: Option<String>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// `account.id`: one customer.
    pub account_id: Option<i64>,
    /// `partner.id`; for staff only, partners see their own.
    pub partner_id: Option<i64>,
    /// `payout.id`: the lines one payout paid.
    pub payout_id: Option<i64>,
    /// `earned` (the default), `amount`, `hold` or `customer`.
    pub sort: String,
    /// Descending; the newest first where no sort is given.
    pub desc: bool,
    /// From 1.
    pub page: u64,
    /// Rows per page; 25 where it is 0, 10,000 at most (an export).
    pub per: u64,
}

/// One line of a list.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct CommissionLine {
    /// `commission.id`.
    pub id: i64,
    /// `partner.id`.
    pub partner_id: i64,
    /// The partner's name.
    pub partner: String,
    /// The customer, where there is one.
    pub customer: Option<String>,
    /// The invoice's number.
    pub invoice: Option<String>,
    /// `accrual`, `reversal`, `adjustment`, `bonus`, `clawback` or `write_off`.
    pub kind: String,
    /// The rule that paid.
    pub rule_name: String,
    /// The partner's tier on that day.
    pub tier_name: String,
    /// What the rate was taken of, minor units.
    pub basis: i64,
    /// Basis points; none for fixed amounts and brackets.
    pub rate_bp: Option<i64>,
    /// Minor units; negative for what is given back.
    pub amount: i64,
    /// What of it was reversed.
    pub reversed: i64,
    /// ISO 4217.
    pub currency: String,
    /// See `domain::commission::CommissionState`.
    pub state: String,
    /// When the hold ends.
    pub hold_until: DateTime<Utc>,
    /// `YYYY-MM` in the program's zone.
    pub month: String,
    /// The payout it is in.
    pub payout_id: Option<i64>,
    /// Why, for what a person did.
    pub note: Option<String>,
    /// When the money arrived or went back.
    pub earned_at: DateTime<Utc>,
}

/// What the lines of a filter come to in one currency.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Total {
    /// ISO 4217.
    pub currency: String,
    /// Minor units.
    pub amount: i64,
    /// How many lines.
    pub count: i64,
}

/// A page of lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinePage {
    /// The lines.
    pub rows: Vec<CommissionLine>,
    /// How many there are in all.
    pub total: u64,
    /// What all of them come to, by currency.
    pub totals: Vec<Total>,
}

/// Whose lines the actor may see: one partner's, or all.
pub(crate) async fn scope(ctx: &Context) -> Result<Option<i64>> {
    match ctx.actor {
        Actor::Staff { .. } => Ok(None),
        Actor::Partner {
            partner_id, role, ..
        } => {
            if role == MemberRole::Member {
                let row = partner::Entity::find_by_id(partner_id)
                    .one(ctx.reader())
                    .await?
                    .ok_or(Error::NotFound)?;
                if !row.members_see_earnings {
                    return Err(Error::Forbidden(
                        "Only owners of your organisation see its earnings. Ask one of them."
                            .to_owned(),
                    ));
                }
            }
            Ok(Some(partner_id))
        }
        _ => Err(Error::NotFound),
    }
}

/// The lines the actor may see, filtered, with totals.
///
/// # Errors
/// [`Error::NotFound`] for people who are neither staff nor of a partner; [`Error::Forbidden`] for
/// members who do not see earnings.
pub async fn lines(ctx: &Context, query: &LineQuery) -> Result<LinePage> {
    let own = scope(ctx).await?;
    let db = ctx.db.snapshot().await?;
    let find = filtered(query, own);
    let totals = find
        .clone()
        .select_only()
        .column(commission::Column::Currency)
        .expr_as(
            Expr::cust("CAST(coalesce(sum(\"commission\".\"amount\"), 0) AS BIGINT)"),
            "amount",
        )
        .expr_as(Expr::cust("CAST(count(*) AS BIGINT)"), "count")
        .group_by(commission::Column::Currency)
        .order_by_asc(commission::Column::Currency)
        .into_model::<Total>()
        .all(&db)
        .await?;
    let per = match query.per {
        0 => 25,
        per => per.clamp(1, 10_000),
    };
    let rows = sorted(find, query)
        .select_only()
        .columns([
            commission::Column::Id,
            commission::Column::PartnerId,
            commission::Column::Kind,
            commission::Column::RuleName,
            commission::Column::TierName,
            commission::Column::Basis,
            commission::Column::RateBp,
            commission::Column::Amount,
            commission::Column::Reversed,
            commission::Column::Currency,
            commission::Column::State,
            commission::Column::HoldUntil,
            commission::Column::Month,
            commission::Column::PayoutId,
            commission::Column::Note,
            commission::Column::EarnedAt,
        ])
        .column_as(partner::Column::Name, "partner")
        .column_as(account::Column::Name, "customer")
        .column_as(invoice::Column::Number, "invoice")
        .offset(query.page.saturating_sub(1).saturating_mul(per))
        .limit(per)
        .into_model::<CommissionLine>()
        .all(&db)
        .await?;
    db.commit().await?;
    let total: i64 = totals.iter().map(|t| t.count).sum();
    Ok(LinePage {
        rows,
        total: u64::try_from(total).unwrap_or_default(),
        totals,
    })
}

fn filtered(query: &LineQuery, own: Option<i64>) -> Select<commission::Entity> {
    let mut find = commission::Entity::find()
        .join(JoinType::InnerJoin, commission::Relation::Partner.def())
        .join(JoinType::LeftJoin, commission::Relation::Account.def())
        .join(JoinType::LeftJoin, commission::Relation::Invoice.def());
    if let Some(id) = own.or(query.partner_id) {
        find = find.filter(commission::Column::PartnerId.eq(id));
    }
    let some = |list: &[String]| {
        list.iter()
            .filter(|s| !s.is_empty())
            .cloned()
            .collect::<Vec<_>>()
    };
    let states = some(&query.states);
    if !states.is_empty() {
        find = find.filter(commission::Column::State.is_in(states));
    }
    let kinds = some(&query.kinds);
    if !kinds.is_empty() {
        find = find.filter(commission::Column::Kind.is_in(kinds));
    }
    if let Some(month) = query.month.as_deref().filter(|m| !m.is_empty()) {
        find = find.filter(commission::Column::Month.eq(month));
    }
    if let Some(currency) = query.currency.as_deref().filter(|c| !c.is_empty()) {
        find = find.filter(commission::Column::Currency.eq(currency.to_ascii_uppercase()));
    }
    if let Some(account) = query.account_id {
        find = find.filter(commission::Column::AccountId.eq(account));
    }
    if let Some(payout) = query.payout_id {
        find = find.filter(commission::Column::PayoutId.eq(payout));
    }
    let q = query.q.trim();
    if !q.is_empty() {
        let pattern = format!("%{}%", q.to_lowercase().replace(['%', '_'], ""));
        let part = |column: SimpleExpr| Expr::expr(Func::lower(column)).like(pattern.as_str());
        let mut any = Condition::any()
            .add(part(account::Column::Name.into_expr()))
            .add(part(commission::Column::RuleName.into_expr()))
            .add(part(commission::Column::Note.into_expr()))
            .add(invoice::Column::Number.eq(q))
            .add(invoice::Column::StripeId.eq(q))
            .add(commission::Column::Reference.starts_with(format!("line:{q}:")));
        if own.is_none() {
            any = any.add(part(partner::Column::Name.into_expr()));
        }
        find = find.filter(any);
    }
    find
}

fn sorted(find: Select<commission::Entity>, query: &LineQuery) -> Select<commission::Entity> {
    use sea_orm::Order;
    let order = if query.desc { Order::Desc } else { Order::Asc };
    let find = match query.sort.as_str() {
        "amount" => find.order_by(commission::Column::Amount, order.clone()),
        "hold" => find.order_by(commission::Column::HoldUntil, order.clone()),
        "customer" => find.order_by(account::Column::Name, order.clone()),
        "earned" => find.order_by(commission::Column::EarnedAt, order.clone()),
        _ => return find.order_by_desc(commission::Column::Id),
    };
    find.order_by(commission::Column::Id, order)
}
