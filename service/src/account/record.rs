//! One account with everything that hangs on it.

use chrono::{DateTime, Utc};
use entity::{account, attribution, customer, partner, product_line};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use super::{by_id, domains, similar};
use crate::context::Context;
use crate::deal::{self, DealList, DealRow, Guarded};
use crate::error::Result;
use crate::event::{self, Line};

/// Somebody who is credited for an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credited {
    /// `attribution.id`.
    pub id: i64,
    /// `partner.id`.
    pub partner_id: i64,
    /// The partner's name.
    pub partner: String,
    /// The product line; none is every product.
    pub line: Option<String>,
    /// The registration it came from.
    pub deal_id: Option<i64>,
    /// `sourced`, `sold` or `implemented`.
    pub part: String,
    /// Share in basis points.
    pub share_bp: i64,
    /// Why.
    pub reason: String,
    /// From when it counts.
    pub starts_at: DateTime<Utc>,
    /// From when it no longer counts.
    pub ends_at: Option<DateTime<Utc>>,
}

/// An account as staff see it.
#[derive(Clone, Debug)]
pub struct Record {
    /// The row.
    pub account: account::Model,
    /// Its registrable domains.
    pub domains: Vec<String>,
    /// Its customers at Stripe.
    pub customers: Vec<customer::Model>,
    /// Every registration for it, newest first.
    pub deals: Vec<DealRow>,
    /// What was and is kept for whom, newest first.
    pub protections: Vec<Guarded>,
    /// Who is and was credited, newest first.
    pub credits: Vec<Credited>,
    /// Accounts whose name is alike: id and name.
    pub similar: Vec<(i64, String)>,
    /// Every partner that can be credited, by name.
    pub partners: Vec<(i64, String)>,
    /// Every product line, with its program's id.
    pub lines: Vec<product_line::Model>,
    /// What happened to the account, newest first.
    pub timeline: Vec<Line>,
}

/// One account.
///
/// # Errors
/// [`crate::Error::NotFound`] for people outside the vendor, and where there is none.
pub async fn record(ctx: &Context, id: i64) -> Result<Record> {
    ctx.any_staff()?;
    let db = ctx.reader();
    let account = by_id(db, id).await?;
    let view = DealList {
        account_id: Some(id),
        sort: "submitted".to_owned(),
        descending: true,
        limit: 200,
        ..DealList::default()
    };
    let (deals, _) = deal::list(ctx, &view).await?;
    let partners = partner::Entity::find()
        .filter(partner::Column::Status.eq("active"))
        .order_by_asc(partner::Column::Name)
        .all(db)
        .await?;
    Ok(Record {
        domains: domains(db, id).await?,
        customers: customer::Entity::find()
            .filter(customer::Column::AccountId.eq(id))
            .order_by_asc(customer::Column::Id)
            .all(db)
            .await?,
        deals,
        protections: deal::guarded_account(db, id).await?,
        credits: credits(db, id).await?,
        similar: similar(db, id, &account.name).await?,
        partners: partners.into_iter().map(|p| (p.id, p.name)).collect(),
        lines: product_line::Entity::find()
            .order_by_asc(product_line::Column::Name)
            .all(db)
            .await?,
        timeline: event::timeline(db, "account", id, true).await?,
        account,
    })
}

async fn credits(db: &impl ConnectionTrait, account_id: i64) -> Result<Vec<Credited>> {
    let rows = attribution::Entity::find()
        .filter(attribution::Column::AccountId.eq(account_id))
        .order_by_desc(attribution::Column::Id)
        .all(db)
        .await?;
    let partners = deal::partner_names(db, rows.iter().map(|a| a.partner_id)).await?;
    let lines = deal::line_names(db, rows.iter().filter_map(|a| a.product_line_id)).await?;
    Ok(rows
        .into_iter()
        .map(|a| Credited {
            id: a.id,
            partner: partners.get(&a.partner_id).cloned().unwrap_or_default(),
            partner_id: a.partner_id,
            line: a.product_line_id.and_then(|l| lines.get(&l).cloned()),
            deal_id: a.deal_id,
            part: a.part,
            share_bp: a.share_bp,
            reason: a.reason,
            starts_at: a.starts_at,
            ends_at: a.ends_at,
        })
        .collect())
}
