//! The managers' list of partners.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::partner::PartnerStatus;
use entity::partner::{Column, Entity};
use sea_orm::sea_query::{Expr, Func};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, JoinType, Order,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, RelationTrait, Statement,
};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::search::{contains, like};

/// What part of the list is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListView {
    /// Text in name, legal name or domain.
    pub search: String,
    /// One status.
    pub status: Option<PartnerStatus>,
    /// One tier.
    pub tier_id: Option<i64>,
    /// One manager's partners; 0 is nobody's.
    pub manager_id: Option<i64>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// `domain::application::PartnerType`, as kept.
    pub partner_type: Option<String>,
    /// `name`, `tier`, `country`, `since` or `quiet` (where nothing has happened for longest).
    pub sort: String,
    /// The other way round.
    pub descending: bool,
    /// Rows to leave out.
    pub offset: u64,
    /// Rows to give, at most 10,000 (an export).
    pub limit: u64,
}

impl Default for ListView {
    fn default() -> Self {
        Self {
            search: String::new(),
            status: None,
            tier_id: None,
            manager_id: None,
            country: None,
            partner_type: None,
            sort: "name".to_owned(),
            descending: false,
            offset: 0,
            limit: 25,
        }
    }
}

/// A line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnerRow {
    /// `partner.id`.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Registrable domain.
    pub domain: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// `domain::application::PartnerType`, as kept.
    pub partner_type: String,
    /// The tier's name.
    pub tier: String,
    /// Standing.
    pub status: PartnerStatus,
    /// Who looks after it.
    pub manager: Option<String>,
    /// Partner since.
    pub since: DateTime<Utc>,
    /// Deals that wait for a decision or are protected.
    pub open_deals: i64,
    /// Deals won.
    pub won_deals: i64,
    /// When one of its people did something last.
    pub last_activity: Option<DateTime<Utc>>,
}

/// The partners that match, and how many there are.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor.
pub async fn list(ctx: &Context, view: &ListView) -> Result<(Vec<PartnerRow>, u64)> {
    ctx.any_staff()?;
    let db = ctx.reader();
    let mut wanted = Condition::all();
    if let Some(status) = view.status {
        wanted = wanted.add(Column::Status.eq(status.as_str()));
    }
    if let Some(tier) = view.tier_id {
        wanted = wanted.add(Column::TierId.eq(tier));
    }
    match view.manager_id {
        Some(0) => wanted = wanted.add(Column::ManagerId.is_null()),
        Some(manager) => wanted = wanted.add(Column::ManagerId.eq(manager)),
        None => {}
    }
    if let Some(country) = &view.country {
        wanted = wanted.add(Column::Country.eq(country));
    }
    if let Some(kind) = &view.partner_type {
        wanted = wanted.add(Column::PartnerType.eq(kind));
    }
    let search = view.search.trim();
    if !search.is_empty() {
        let pattern = like(search);
        let mut any = Condition::any();
        for column in [Column::Name, Column::LegalName, Column::Domain] {
            any = any.add(contains(Expr::col((Entity, column)), &pattern));
        }
        wanted = wanted.add(any);
    }
    let found = Entity::find()
        .join(JoinType::InnerJoin, entity::partner::Relation::Tier.def())
        .filter(wanted);
    let total = found.clone().count(db).await?;
    let order = if view.descending {
        Order::Desc
    } else {
        Order::Asc
    };
    let sorted = match view.sort.as_str() {
        "tier" => found.order_by(
            Expr::col((entity::tier::Entity, entity::tier::Column::Rank)),
            order,
        ),
        "country" => found.order_by(Column::Country, order),
        "quiet" => found.order_by(
            Expr::cust(format!(
                "COALESCE({}, partner.created_at)",
                last_seen("partner")
            )),
            order,
        ),
        "since" => found.order_by(Column::CreatedAt, order),
        _ => found.order_by(
            Expr::expr(Func::lower(Expr::col((Entity, Column::Name)))),
            order,
        ),
    };
    let rows = sorted
        .order_by_asc(Column::Id)
        .offset(view.offset)
        .limit(view.limit.clamp(1, 10_000))
        .select_also(entity::tier::Entity)
        .all(db)
        .await?;
    let managers = super::names(db, rows.iter().filter_map(|(p, _)| p.manager_id)).await?;
    let activity = activity(db, rows.iter().map(|(p, _)| p.id)).await?;
    let rows = rows
        .into_iter()
        .map(|(p, tier)| {
            let seen = activity.get(&p.id);
            Ok(PartnerRow {
                id: p.id,
                tier: tier.map(|t| t.name).unwrap_or_default(),
                status: p.status.parse().map_err(Error::internal)?,
                manager: p.manager_id.and_then(|id| managers.get(&id).cloned()),
                since: p.created_at,
                open_deals: seen.map_or(0, |a| a.open_deals),
                won_deals: seen.map_or(0, |a| a.won_deals),
                last_activity: seen.and_then(|a| a.last_activity),
                name: p.name,
                domain: p.domain,
                country: p.country,
                partner_type: p.partner_type,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok((rows, total))
}

#[derive(FromQueryResult)]
struct Activity {
    id: i64,
    open_deals: i64,
    won_deals: i64,
    last_activity: Option<DateTime<Utc>>,
}

/// When a partner's people did something last, as SQL. What was done about a partner, by the vendor or
/// by the portal itself, is not its own activity.
fn last_seen(partner: &str) -> String {
    format!(
        "(SELECT MAX(e.at) FROM event e WHERE e.partner_id = {partner}.id AND e.actor_id IS NOT NULL \
          AND e.actor_id IN (SELECT m.person_id FROM member m WHERE m.partner_id = {partner}.id))"
    )
}

/// Deals and last activity of the partners on one page.
async fn activity(
    db: &impl ConnectionTrait,
    ids: impl Iterator<Item = i64>,
) -> Result<HashMap<i64, Activity>> {
    // Numbers of ours: nothing here was typed by anybody.
    let ids: Vec<String> = ids.map(|id| id.to_string()).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = format!(
        "SELECT p.id, \
           (SELECT COUNT(*) FROM deal d WHERE d.partner_id = p.id AND d.status IN ('submitted', 'in_review', 'information_requested', 'approved')) AS open_deals, \
           (SELECT COUNT(*) FROM deal d WHERE d.partner_id = p.id AND d.status = 'won') AS won_deals, \
           {} AS last_activity \
         FROM partner p WHERE p.id IN ({})",
        last_seen("p"),
        ids.join(", ")
    );
    let rows = Activity::find_by_statement(Statement::from_string(db.get_database_backend(), sql))
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|a| (a.id, a)).collect())
}
