//! Registrations as lists, as a board by stage, and as a pipeline.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use domain::deal::{DealStatus as D, SalesStage};
use entity::deal::{Column, Entity, Model};
use entity::{deal_product_line, partner, product_line};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, JoinType, Order,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, RelationTrait, Statement,
};

use super::status;
use crate::context::{Actor, Context};
use crate::error::{Error, Result};
use crate::search::{contains, like};

/// What part of the list is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DealList {
    /// Text in company, domain or contact; for staff also the partner's name.
    pub search: String,
    /// Any of these; none is all.
    pub statuses: Vec<D>,
    /// One sales stage.
    pub stage: Option<SalesStage>,
    /// One partner's; for staff.
    pub partner_id: Option<i64>,
    /// One account's; for staff.
    pub account_id: Option<i64>,
    /// One reviewer's; 0 is nobody's.
    pub reviewer_id: Option<i64>,
    /// One product line.
    pub line_id: Option<i64>,
    /// Only where something was found about the company.
    pub contested: bool,
    /// Only where a request for more time is open.
    pub extension: bool,
    /// `customer`, `partner`, `status`, `stage`, `value`, `submitted`, `due`, `protected`, `close`
    /// or `updated`.
    pub sort: String,
    /// The other way round.
    pub descending: bool,
    /// Rows to leave out.
    pub offset: u64,
    /// Rows to give, at most 10,000 (an export).
    pub limit: u64,
}

impl Default for DealList {
    fn default() -> Self {
        Self {
            search: String::new(),
            statuses: Vec::new(),
            stage: None,
            partner_id: None,
            account_id: None,
            reviewer_id: None,
            line_id: None,
            contested: false,
            extension: false,
            sort: "updated".to_owned(),
            descending: true,
            offset: 0,
            limit: 25,
        }
    }
}

/// A line of a list. What names other parties is empty for partners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DealRow {
    /// `deal.id`.
    pub id: i64,
    /// The customer's company; may be empty in a draft.
    pub customer: String,
    /// Its domain.
    pub domain: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// `partner.id`.
    pub partner_id: i64,
    /// The partner's name; empty for partners, who see their own only.
    pub partner: String,
    /// `account.id`; none in a draft, and for partners.
    pub account_id: Option<i64>,
    /// The product lines' names.
    pub lines: Vec<String>,
    /// Where it stands.
    pub status: D,
    /// The partner's sales stage.
    pub stage: SalesStage,
    /// First year, minor units.
    pub value: Option<i64>,
    /// ISO 4217.
    pub currency: String,
    /// When the partner expects it to close.
    pub expected_close: Option<NaiveDate>,
    /// When it was sent.
    pub submitted_at: Option<DateTime<Utc>>,
    /// When an answer is due, while one is.
    pub due_at: Option<DateTime<Utc>>,
    /// Until when it is protected, while it is.
    pub protected_until: Option<DateTime<Utc>>,
    /// Who reviews it; empty for partners.
    pub reviewer: String,
    /// What was found about the company, in words for staff; empty for partners.
    pub conflicts: Vec<String>,
    /// On the waiting list since.
    pub waiting_since: Option<DateTime<Utc>>,
    /// Changed last.
    pub updated_at: DateTime<Utc>,
}

/// The registrations that match and the actor may see, and how many there are: a partner's own with
/// its drafts, or for staff all that were sent.
///
/// # Errors
/// [`Error::NotFound`] for everybody else.
pub async fn list(ctx: &Context, view: &DealList) -> Result<(Vec<DealRow>, u64)> {
    let staff = matches!(ctx.actor, Actor::Staff { .. });
    let wanted = wanted(view, mine(ctx)?, staff);
    let found = Entity::find()
        .join(JoinType::InnerJoin, entity::deal::Relation::Partner.def())
        .filter(wanted);
    let all = found.clone();
    let order = if view.descending {
        Order::Desc
    } else {
        Order::Asc
    };
    let found = match view.sort.as_str() {
        "partner" => found.order_by(partner::Column::Name, order),
        sort => found.order_by(
            match sort {
                "customer" => Column::CustomerName,
                "status" => Column::Status,
                "stage" => Column::Stage,
                "value" => Column::Value,
                "submitted" => Column::SubmittedAt,
                "due" => Column::ReviewDueAt,
                "protected" => Column::ProtectedUntil,
                "close" => Column::ExpectedClose,
                _ => Column::UpdatedAt,
            },
            order,
        ),
    };
    let limit = view.limit.clamp(1, 10_000);
    let rows = found
        .order_by_desc(Column::Id)
        .offset(view.offset)
        .limit(limit)
        .all(ctx.reader())
        .await?;
    let shown = rows.len() as u64;
    let total = match (1..limit).contains(&shown) {
        // The last page: what is before it is known.
        true => view.offset + shown,
        false => all.count(ctx.reader()).await?,
    };
    Ok((rows_of(ctx, rows, staff).await?, total))
}

/// What the actor may see of all registrations.
fn mine(ctx: &Context) -> Result<Condition> {
    match ctx.actor {
        Actor::Partner { partner_id, .. } => {
            Ok(Condition::all().add(Column::PartnerId.eq(partner_id)))
        }
        Actor::Staff { .. } => Ok(Condition::all().add(Column::SubmittedAt.is_not_null())),
        _ => Err(Error::NotFound),
    }
}

fn wanted(view: &DealList, mut wanted: Condition, staff: bool) -> Condition {
    if !view.statuses.is_empty() {
        wanted = wanted.add(Column::Status.is_in(view.statuses.iter().map(|s| s.as_str())));
    }
    if let Some(stage) = view.stage {
        wanted = wanted.add(Column::Stage.eq(stage.as_str()));
    }
    if let Some(line) = view.line_id {
        let with_line = Query::select()
            .column(deal_product_line::Column::DealId)
            .from(deal_product_line::Entity)
            .and_where(deal_product_line::Column::ProductLineId.eq(line))
            .to_owned();
        wanted = wanted.add(Column::Id.in_subquery(with_line));
    }
    if view.extension {
        use entity::extension_request as request;
        let asked = Query::select()
            .column(request::Column::DealId)
            .from(request::Entity)
            .and_where(request::Column::Status.eq("open"))
            .to_owned();
        wanted = wanted.add(Column::Id.in_subquery(asked));
    }
    if staff {
        if let Some(partner) = view.partner_id {
            wanted = wanted.add(Column::PartnerId.eq(partner));
        }
        if let Some(account) = view.account_id {
            wanted = wanted.add(Column::AccountId.eq(account));
        }
        match view.reviewer_id {
            Some(0) => wanted = wanted.add(Column::ReviewerId.is_null()),
            Some(reviewer) => wanted = wanted.add(Column::ReviewerId.eq(reviewer)),
            None => {}
        }
        if view.contested {
            use sea_orm::sea_query::ExprTrait as _;
            let found = Expr::col((Entity, Column::Conflicts)).cast_as("TEXT");
            wanted = wanted.add(found.ne("[]"));
        }
    }
    let search = view.search.trim();
    if !search.is_empty() {
        let pattern = like(search);
        let mut any = Condition::any();
        for column in [
            Column::CustomerName,
            Column::CustomerDomain,
            Column::ContactName,
        ] {
            any = any.add(contains(Expr::col((Entity, column)), &pattern));
        }
        if staff {
            let name = Expr::col((partner::Entity, partner::Column::Name));
            any = any.add(contains(name, &pattern));
        }
        wanted = wanted.add(any);
    }
    wanted
}

/// Rows with the names around them.
pub(super) async fn rows_of(ctx: &Context, rows: Vec<Model>, staff: bool) -> Result<Vec<DealRow>> {
    let db = ctx.reader();
    let ids: Vec<i64> = rows.iter().map(|d| d.id).collect();
    let mut lines = lines_of_all(db, &ids).await?;
    let partners = match staff {
        true => partner_names(db, rows.iter().map(|d| d.partner_id)).await?,
        false => HashMap::new(),
    };
    let reviewers = match staff {
        true => crate::partner::names(db, rows.iter().filter_map(|d| d.reviewer_id)).await?,
        false => HashMap::new(),
    };
    rows.into_iter()
        .map(|d| {
            let state = status(&d)?;
            let found: Vec<domain::deal::Conflict> = match staff {
                true => serde_json::from_value(d.conflicts)?,
                false => Vec::new(),
            };
            Ok(DealRow {
                id: d.id,
                customer: d.customer_name,
                domain: domain::registrable::readable(&d.customer_domain),
                country: d.customer_country,
                partner: partners.get(&d.partner_id).cloned().unwrap_or_default(),
                partner_id: d.partner_id,
                account_id: d.account_id.filter(|_| staff),
                lines: lines.remove(&d.id).unwrap_or_default(),
                status: state,
                stage: d.stage.parse().map_err(Error::internal)?,
                value: d.value,
                currency: d.currency,
                expected_close: d.expected_close,
                submitted_at: d.submitted_at,
                due_at: d.review_due_at.filter(|_| state.awaits_review()),
                protected_until: d.protected_until.filter(|_| state == D::Approved),
                reviewer: d
                    .reviewer_id
                    .and_then(|id| reviewers.get(&id).cloned())
                    .unwrap_or_default(),
                conflicts: found.iter().map(|c| c.kind.label().to_owned()).collect(),
                waiting_since: d.waiting_since,
                updated_at: d.updated_at,
            })
        })
        .collect()
}

async fn lines_of_all(
    db: &impl ConnectionTrait,
    ids: &[i64],
) -> Result<BTreeMap<i64, Vec<String>>> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<(i64, String)> = deal_product_line::Entity::find()
        .join(
            JoinType::InnerJoin,
            deal_product_line::Relation::ProductLine.def(),
        )
        .select_only()
        .column(deal_product_line::Column::DealId)
        .column(product_line::Column::Name)
        .filter(deal_product_line::Column::DealId.is_in(ids.iter().copied()))
        .order_by_asc(product_line::Column::Name)
        .into_tuple()
        .all(db)
        .await?;
    let mut found: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for (deal, line) in rows {
        found.entry(deal).or_default().push(line);
    }
    Ok(found)
}

/// Product lines' names by id.
pub(crate) async fn line_names(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = i64>,
) -> Result<HashMap<i64, String>> {
    let ids: BTreeSet<i64> = ids.into_iter().collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = product_line::Entity::find()
        .filter(product_line::Column::Id.is_in(ids))
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|l| (l.id, l.name)).collect())
}

/// Partners' names by id.
pub(crate) async fn partner_names(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = i64>,
) -> Result<HashMap<i64, String>> {
    let ids: BTreeSet<i64> = ids.into_iter().collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(i64, String)> = partner::Entity::find()
        .select_only()
        .column(partner::Column::Id)
        .column(partner::Column::Name)
        .filter(partner::Column::Id.is_in(ids))
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.into_iter().collect())
}

/// What is not decided or is protected: what a pipeline is made of.
const OPEN: [D; 4] = [
    D::Submitted,
    D::InReview,
    D::InformationRequested,
    D::Approved,
];

/// A column of the board: a stage with its registrations.
pub type Board = Vec<(SalesStage, Vec<DealRow>)>;

/// The open registrations the actor may see, by sales stage, those that close first on top; 500 at
/// most.
///
/// # Errors
/// [`Error::NotFound`] for people who see none.
pub async fn board(ctx: &Context) -> Result<Board> {
    let view = DealList {
        statuses: OPEN.to_vec(),
        sort: "close".to_owned(),
        descending: false,
        limit: 500,
        ..DealList::default()
    };
    let (rows, _) = list(ctx, &view).await?;
    let mut board: Board = SalesStage::ALL.iter().map(|s| (*s, Vec::new())).collect();
    for row in rows {
        if let Some((_, column)) = board.iter_mut().find(|(s, _)| *s == row.stage) {
            column.push(row);
        }
    }
    Ok(board)
}

/// How much is in one stage, in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageSum {
    /// The stage.
    pub stage: SalesStage,
    /// ISO 4217.
    pub currency: String,
    /// Open registrations.
    pub deals: i64,
    /// Their estimated first year, minor units.
    pub value: i64,
}

#[derive(FromQueryResult)]
struct SumRow {
    stage: String,
    currency: String,
    deals: i64,
    value: i64,
}

/// The open registrations the actor may see, added up by stage and currency, in the stages' order.
///
/// # Errors
/// [`Error::NotFound`] for people who see none.
pub async fn pipeline(ctx: &Context) -> Result<Vec<StageSum>> {
    let whose = match ctx.actor {
        // The number in the text is ours, never typed by anybody.
        Actor::Partner { partner_id, .. } => format!("AND partner_id = {partner_id}"),
        Actor::Staff { .. } => String::new(),
        _ => return Err(Error::NotFound),
    };
    let open = OPEN.map(|s| format!("'{s}'")).join(", ");
    let db = ctx.reader();
    let statement = Statement::from_string(
        db.get_database_backend(),
        format!(
            "SELECT stage, currency, COUNT(*) AS deals, \
             CAST(COALESCE(SUM(value), 0) AS BIGINT) AS value \
             FROM deal WHERE status IN ({open}) {whose} GROUP BY stage, currency"
        ),
    );
    let mut sums = SumRow::find_by_statement(statement)
        .all(db)
        .await?
        .into_iter()
        .map(|row| {
            Ok(StageSum {
                stage: row.stage.parse().map_err(Error::internal)?,
                currency: row.currency,
                deals: row.deals,
                value: row.value,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    sums.sort_by(|a, b| (a.stage.position(), &a.currency).cmp(&(b.stage.position(), &b.currency)));
    Ok(sums)
}
