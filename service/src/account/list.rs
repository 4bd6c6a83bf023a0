//! The managers' list of accounts.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entity::account::{Column, Entity};
use entity::{account_domain, customer, deal, partner, protection};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, JoinType, Order, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, RelationTrait,
};

use crate::context::Context;
use crate::error::Result;
use crate::search::{contains, like};

domain::text_enum! {
    /// What kind of account is looked for.
    pub enum AccountKind {
        /// Stripe bills it.
        Customer = "customer" => "Customers",
        /// The vendor's own team works on it.
        House = "house" => "House accounts",
        /// Kept for a partner.
        Protected = "protected" => "Protected",
        /// None of these.
        Free = "free" => "Free",
    }
}

/// What part of the list is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountList {
    /// Text in name or domain.
    pub search: String,
    /// One kind.
    pub kind: Option<AccountKind>,
    /// `name`, `country` or `since`.
    pub sort: String,
    /// The other way round.
    pub descending: bool,
    /// Rows to leave out.
    pub offset: u64,
    /// Rows to give, at most 10,000 (an export).
    pub limit: u64,
}

impl Default for AccountList {
    fn default() -> Self {
        Self {
            search: String::new(),
            kind: None,
            sort: "name".to_owned(),
            descending: false,
            offset: 0,
            limit: 25,
        }
    }
}

/// A line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    /// `account.id`.
    pub id: i64,
    /// The company.
    pub name: String,
    /// Its registrable domains.
    pub domains: Vec<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// The vendor's own team works on it.
    pub house: bool,
    /// Stripe customers.
    pub customers: i64,
    /// Registrations that were sent.
    pub deals: i64,
    /// The partners it is kept for.
    pub protected_for: Vec<String>,
    /// Known since.
    pub since: DateTime<Utc>,
}

/// The accounts that match, and how many there are.
///
/// # Errors
/// [`crate::Error::NotFound`] for people outside the vendor.
pub async fn list(ctx: &Context, view: &AccountList) -> Result<(Vec<AccountRow>, u64)> {
    ctx.any_staff()?;
    let db = ctx.reader();
    let query = Entity::find().filter(wanted(view));
    let total = query.clone().count(db).await?;
    let order = if view.descending {
        Order::Desc
    } else {
        Order::Asc
    };
    let column = match view.sort.as_str() {
        "country" => Column::Country,
        "since" => Column::CreatedAt,
        _ => Column::NormalisedName,
    };
    let rows = query
        .order_by(column, order)
        .order_by_asc(Column::Id)
        .offset(view.offset)
        .limit(view.limit.clamp(1, 10_000))
        .all(db)
        .await?;
    let ids: Vec<i64> = rows.iter().map(|a| a.id).collect();
    let mut domains = domains(db, &ids).await?;
    let customers = counts(
        db,
        customer::Entity::find()
            .select_only()
            .column(customer::Column::AccountId)
            .column_as(customer::Column::Id.count(), "n")
            .filter(customer::Column::AccountId.is_in(ids.iter().copied()))
            .group_by(customer::Column::AccountId),
    )
    .await?;
    let deals = counts(
        db,
        deal::Entity::find()
            .select_only()
            .column(deal::Column::AccountId)
            .column_as(deal::Column::Id.count(), "n")
            .filter(deal::Column::AccountId.is_in(ids.iter().copied()))
            .filter(deal::Column::SubmittedAt.is_not_null())
            .group_by(deal::Column::AccountId),
    )
    .await?;
    let mut partners = protected_for(db, &ids).await?;
    let rows = rows
        .into_iter()
        .map(|a| AccountRow {
            domains: domains.remove(&a.id).unwrap_or_default(),
            customers: customers.get(&a.id).copied().unwrap_or(0),
            deals: deals.get(&a.id).copied().unwrap_or(0),
            protected_for: partners
                .remove(&a.id)
                .unwrap_or_default()
                .into_iter()
                .collect(),
            id: a.id,
            name: a.name,
            country: a.country,
            house: a.house,
            since: a.created_at,
        })
        .collect();
    Ok((rows, total))
}

fn wanted(view: &AccountList) -> Condition {
    let mut wanted = Condition::all();
    let search = view.search.trim();
    if !search.is_empty() {
        let pattern = like(search);
        let has_domain = Query::select()
            .column(account_domain::Column::AccountId)
            .from(account_domain::Entity)
            .and_where(contains(
                Expr::col((account_domain::Entity, account_domain::Column::Id)),
                &pattern,
            ))
            .to_owned();
        wanted = wanted.add(
            Condition::any()
                .add(contains(Expr::col((Entity, Column::Name)), &pattern))
                .add(Column::Id.in_subquery(has_domain)),
        );
    }
    let billed = || {
        Query::select()
            .column(customer::Column::AccountId)
            .from(customer::Entity)
            .and_where(customer::Column::AccountId.is_not_null())
            .to_owned()
    };
    let kept = || {
        Query::select()
            .column(protection::Column::AccountId)
            .from(protection::Entity)
            .and_where(protection::Column::ReleasedAt.is_null())
            .to_owned()
    };
    match view.kind {
        None => wanted,
        Some(AccountKind::House) => wanted.add(Column::House.eq(true)),
        Some(AccountKind::Customer) => wanted.add(Column::Id.in_subquery(billed())),
        Some(AccountKind::Protected) => wanted.add(Column::Id.in_subquery(kept())),
        Some(AccountKind::Free) => wanted
            .add(Column::House.eq(false))
            .add(Column::Id.not_in_subquery(billed()))
            .add(Column::Id.not_in_subquery(kept())),
    }
}

async fn counts<E: EntityTrait>(
    db: &impl ConnectionTrait,
    query: sea_orm::Select<E>,
) -> Result<BTreeMap<i64, i64>> {
    let rows: Vec<(Option<i64>, i64)> = query.into_tuple().all(db).await?;
    Ok(rows
        .into_iter()
        .filter_map(|(id, n)| Some((id?, n)))
        .collect())
}

async fn domains(db: &impl ConnectionTrait, ids: &[i64]) -> Result<BTreeMap<i64, Vec<String>>> {
    let rows = account_domain::Entity::find()
        .filter(account_domain::Column::AccountId.is_in(ids.iter().copied()))
        .order_by_asc(account_domain::Column::Id)
        .all(db)
        .await?;
    let mut found: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for row in rows {
        found.entry(row.account_id).or_default().push(row.id);
    }
    Ok(found)
}

async fn protected_for(
    db: &impl ConnectionTrait,
    ids: &[i64],
) -> Result<BTreeMap<i64, BTreeSet<String>>> {
    let rows: Vec<(i64, String)> = protection::Entity::find()
        .join(JoinType::InnerJoin, protection::Relation::Partner.def())
        .select_only()
        .column(protection::Column::AccountId)
        .column(partner::Column::Name)
        .filter(protection::Column::AccountId.is_in(ids.iter().copied()))
        .filter(protection::Column::ReleasedAt.is_null())
        .into_tuple()
        .all(db)
        .await?;
    let mut found: BTreeMap<i64, BTreeSet<String>> = BTreeMap::new();
    for (id, name) in rows {
        found.entry(id).or_default().insert(name);
    }
    Ok(found)
}
