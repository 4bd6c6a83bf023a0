//! What people look at: runs and their items for finance, payouts for the partner.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use domain::money::Money;
use domain::payout::{Did, Moved, PayoutStatus, RunStatus};
use entity::{commission, partner, payout, payout_exclusion, payout_item, payout_run};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, Order, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, sea_query::Expr,
};

use super::outcome::{self, Outcome};
use super::{gate, money, run};
use crate::context::{Actor, Context};
use crate::error::{Error, Result};
use crate::event::{self, Line};
use crate::program;
use crate::search::{contains, like};

pub use super::new_account::first_payouts;

/// A run as a row of a list.
#[derive(Clone, Debug)]
pub struct RunLine {
    /// The run.
    pub run: payout_run::Model,
    /// Its state.
    pub status: RunStatus,
    /// What it pays, per currency.
    pub totals: Vec<Money>,
    /// How many partners it pays.
    pub partners: usize,
    /// The last day it pays, in its program's zone.
    pub last_day: NaiveDate,
    /// What it came to, per currency, once its payouts are frozen.
    pub outcomes: Vec<Outcome>,
}

impl RunLine {
    /// Its state in words, with what failed.
    pub fn label(&self) -> String {
        outcome::label(self.status, &self.outcomes)
    }
}

/// One page of a list, and how many rows there are in all.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows of this page.
    pub rows: Vec<T>,
    /// All rows.
    pub total: u64,
}

/// What part of the runs is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunQuery {
    /// Part of the run's number or note.
    pub q: String,
    /// One status.
    pub status: Option<RunStatus>,
    /// `run`, `cutoff`, `drafted` or `finished`; anything else is by age.
    pub sort: String,
    /// Smallest or oldest first.
    pub ascending: bool,
    /// From 1.
    pub page: u64,
    /// Rows per page, at most 10,000 (an export).
    pub per: u64,
}

/// The runs that match, newest first unless asked otherwise, for staff.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor.
pub async fn runs(ctx: &Context, asked: &RunQuery) -> Result<Page<RunLine>> {
    ctx.any_staff()?;
    let db = ctx.reader();
    let mut query = payout_run::Entity::find();
    if let Some(status) = asked.status {
        query = query.filter(payout_run::Column::Status.eq(status.as_str()));
    }
    if !asked.q.trim().is_empty() {
        let pattern = like(&asked.q);
        let part = |column| contains(Expr::col((payout_run::Entity, column)), &pattern);
        query = query.filter(
            Condition::any()
                .add(part(payout_run::Column::Number))
                .add(part(payout_run::Column::Note)),
        );
    }
    let total = query.clone().count(db).await?;
    let order = if asked.ascending {
        Order::Asc
    } else {
        Order::Desc
    };
    let query = match asked.sort.as_str() {
        "run" => query.order_by(payout_run::Column::Number, order.clone()),
        "cutoff" => query.order_by(payout_run::Column::CutoffAt, order.clone()),
        "finished" => query
            .order_by(payout_run::Column::DoneAt.is_null(), Order::Asc)
            .order_by(payout_run::Column::DoneAt, order.clone()),
        _ => query,
    };
    let per = asked.per.clamp(1, 10_000);
    let found = query
        .order_by(payout_run::Column::Id, order)
        .offset(asked.page.saturating_sub(1).saturating_mul(per))
        .limit(per)
        .all(db)
        .await?;
    let mut outcomes = outcome::of_runs(db, found.iter().map(|run| run.id)).await?;
    let zones: HashMap<i64, Tz> = program::all(db)
        .await?
        .iter()
        .map(|p| (p.id, program::zone(p)))
        .collect();
    let mut rows = Vec::with_capacity(found.len());
    for run in found {
        let partners = payout_item::Entity::find()
            .filter(payout_item::Column::RunId.eq(run.id))
            .filter(payout_item::Column::Included.eq(true))
            .count(db)
            .await?;
        rows.push(RunLine {
            status: run.status.parse().map_err(Error::internal)?,
            totals: run::totals(db, run.id).await?,
            partners: usize::try_from(partners).unwrap_or(usize::MAX),
            last_day: run::last_day(
                run.cutoff_at,
                zones.get(&run.program_id).copied().unwrap_or_default(),
            ),
            outcomes: outcomes.remove(&run.id).unwrap_or_default(),
            run,
        });
    }
    Ok(Page { rows, total })
}

/// One partner and currency of a run.
#[derive(Clone, Debug)]
pub struct Item {
    /// The row.
    pub item: payout_item::Model,
    /// The partner's name.
    pub partner: String,
    /// What is payable to it at the cut-off.
    pub amount: Money,
    /// Its payout, once frozen.
    pub payout: Option<payout::Model>,
    /// What a person decided about it, while that stands.
    pub exclusion: Option<payout_exclusion::Model>,
}

/// Somebody who composed a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hand {
    /// `person.id`.
    pub person_id: i64,
    /// The first thing the person did.
    pub did: Did,
}

/// How far something is that goes on in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// An approved run is being frozen: so many of so many items.
    Freezing(u64, u64),
    /// A canceled run gives its amounts back: so many of so many payouts.
    GivingBack(u64, u64),
}

impl Item {
    /// What became of the amount, once it is frozen.
    pub fn moved(&self) -> Option<Moved> {
        let payout = self.payout.as_ref()?;
        let status = payout.status.parse().ok()?;
        Some(Moved::of(status, payout.amount, payout.reversed))
    }
}

/// A run with everything a person decides by.
#[derive(Clone, Debug)]
pub struct RunView {
    /// The run.
    pub run: payout_run::Model,
    /// Its state.
    pub status: RunStatus,
    /// What it pays, per currency.
    pub totals: Vec<Money>,
    /// What it came to, per currency, once its payouts are frozen.
    pub outcomes: Vec<Outcome>,
    /// The last day it pays, in its program's zone.
    pub last_day: NaiveDate,
    /// Everybody with a balance, in or left out.
    pub items: Vec<Item>,
    /// Who composed it, and therefore does not approve it.
    pub hands: Vec<Hand>,
    /// Names of those who had a hand in it or approved it, by `person.id`.
    pub people: HashMap<i64, String>,
    /// How far it is, while a worker goes on with it.
    pub progress: Option<Progress>,
    /// What happened to it, newest first.
    pub timeline: Vec<Line>,
}

/// One run, for staff.
///
/// # Errors
/// [`Error::NotFound`] for a missing run and for people outside the vendor.
pub async fn run(ctx: &Context, run_id: i64) -> Result<RunView> {
    ctx.any_staff()?;
    let db = ctx.reader();
    let run = payout_run::Entity::find_by_id(run_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    let names = partner_names(db, Some(run.program_id)).await?;
    let mut payouts: HashMap<(i64, String), payout::Model> = payout::Entity::find()
        .filter(payout::Column::RunId.eq(run_id))
        .all(db)
        .await?
        .into_iter()
        .map(|p| ((p.partner_id, p.currency.clone()), p))
        .collect();
    let found = payout_item::Entity::find()
        .filter(payout_item::Column::RunId.eq(run_id))
        .order_by_desc(payout_item::Column::Included)
        .order_by_desc(payout_item::Column::Amount)
        .all(db)
        .await?;
    let mut exclusions = gate::exclusions(db, run_id).await?;
    let items = found
        .into_iter()
        .map(|item| {
            let key = (item.partner_id, item.currency.clone());
            Ok(Item {
                partner: names.get(&item.partner_id).cloned().unwrap_or_default(),
                amount: money(item.amount, &item.currency)?,
                payout: payouts.remove(&key),
                exclusion: exclusions.remove(&key),
                item,
            })
        })
        .collect::<Result<_>>()?;
    let composed = run::composed(&run, &run::hands_of(db, run_id).await?)?;
    let hands: Vec<Hand> = composed
        .into_iter()
        .map(|(person_id, did)| Hand { person_id, did })
        .collect();
    let approvers = [run.approved_by, run.second_approved_by];
    let people = hands.iter().map(|hand| hand.person_id);
    let people = people.chain(approvers.into_iter().flatten());
    Ok(RunView {
        status: run.status.parse().map_err(Error::internal)?,
        totals: run::totals(db, run_id).await?,
        outcomes: outcome::of_runs(db, [run_id])
            .await?
            .remove(&run_id)
            .unwrap_or_default(),
        last_day: run::last_day(
            run.cutoff_at,
            program::zone(&program::by_id(db, run.program_id).await?),
        ),
        timeline: event::timeline(db, "payout_run", run_id, true).await?,
        people: crate::partner::names(db, people).await?,
        progress: progress(db, &run).await?,
        items,
        hands,
        run,
    })
}

/// How far a run is that a worker goes on with.
async fn progress(db: &impl ConnectionTrait, run: &payout_run::Model) -> Result<Option<Progress>> {
    let payouts = payout::Entity::find().filter(payout::Column::RunId.eq(run.id));
    let items = payout_item::Entity::find().filter(payout_item::Column::RunId.eq(run.id));
    match run.status.parse().map_err(Error::internal)? {
        RunStatus::Approved if run.frozen_at.is_none() => {
            let left = items
                .filter(payout_item::Column::Included.eq(true))
                .filter(payout_item::Column::Id.gt(run.frozen_to))
                .count(db)
                .await?;
            let done = payouts.count(db).await?;
            Ok(Some(Progress::Freezing(done, done + left)))
        }
        RunStatus::Canceled => {
            let left = payouts
                .clone()
                .filter(payout::Column::Status.eq(PayoutStatus::Intended.as_str()))
                .count(db)
                .await?;
            if left == 0 {
                return Ok(None);
            }
            let all = payouts.count(db).await?;
            Ok(Some(Progress::GivingBack(all - left, all)))
        }
        _ => Ok(None),
    }
}

async fn partner_names(
    db: &impl ConnectionTrait,
    program_id: Option<i64>,
) -> Result<HashMap<i64, String>> {
    let mut query = partner::Entity::find()
        .select_only()
        .column(partner::Column::Id)
        .column(partner::Column::Name);
    if let Some(id) = program_id {
        query = query.filter(partner::Column::ProgramId.eq(id));
    }
    let rows: Vec<(i64, String)> = query.into_tuple().all(db).await?;
    Ok(rows.into_iter().collect())
}

/// A payout as a row of a list.
#[derive(Clone, Debug)]
pub struct PayoutLine {
    /// The payout.
    pub payout: payout::Model,
    /// Its state.
    pub status: PayoutStatus,
    /// How much.
    pub amount: Money,
    /// To whom.
    pub partner: String,
}

impl PayoutLine {
    /// What became of the amount.
    pub const fn moved(&self) -> Moved {
        Moved::of(self.status, self.payout.amount, self.payout.reversed)
    }
}

pub(super) fn payout_line(payout: payout::Model, partner: String) -> Result<PayoutLine> {
    Ok(PayoutLine {
        status: payout.status.parse().map_err(Error::internal)?,
        amount: money(payout.amount, &payout.currency)?,
        partner,
        payout,
    })
}

/// The payouts the actor may see, newest first: a partner's own, or everybody's for staff.
///
/// # Errors
/// [`Error::NotFound`] for everyone else.
pub async fn payouts(
    ctx: &Context,
    status: Option<PayoutStatus>,
    page: u64,
    per: u64,
) -> Result<Page<PayoutLine>> {
    let db = ctx.reader();
    let mut query = payout::Entity::find().order_by_desc(payout::Column::Id);
    match ctx.actor {
        Actor::Partner { partner_id, .. } => {
            ctx.earnings_partner().await?;
            query = query.filter(payout::Column::PartnerId.eq(partner_id));
        }
        Actor::Staff { .. } => {}
        _ => return Err(Error::NotFound),
    }
    if let Some(status) = status {
        query = query.filter(payout::Column::Status.eq(status.as_str()));
    }
    let total = query.clone().count(db).await?;
    let per = per.max(1);
    let found = query
        .offset(page.saturating_sub(1) * per)
        .limit(per)
        .all(db)
        .await?;
    let names = partner_names(db, None).await?;
    let rows = found
        .into_iter()
        .map(|p| {
            let name = names.get(&p.partner_id).cloned().unwrap_or_default();
            payout_line(p, name)
        })
        .collect::<Result<_>>()?;
    Ok(Page { rows, total })
}

/// A payout with the commissions in it.
#[derive(Clone, Debug)]
pub struct PayoutView {
    /// The payout.
    pub line: PayoutLine,
    /// What it is made of, oldest first.
    pub commissions: Vec<commission::Model>,
    /// What happened to it, newest first.
    pub timeline: Vec<Line>,
    /// When the money goes on to the partner's bank is Stripe's to say; this is when we transferred.
    pub settled_at: Option<DateTime<Utc>>,
}

/// One payout: a partner's own, or any for staff.
///
/// # Errors
/// [`Error::NotFound`] for a missing or foreign one.
pub async fn payout(ctx: &Context, payout_id: i64) -> Result<PayoutView> {
    let db = ctx.reader();
    let mut query = payout::Entity::find_by_id(payout_id);
    let staff = match ctx.actor {
        Actor::Partner { partner_id, .. } => {
            ctx.earnings_partner().await?;
            query = query.filter(payout::Column::PartnerId.eq(partner_id));
            false
        }
        Actor::Staff { .. } => true,
        _ => return Err(Error::NotFound),
    };
    let row = query.one(db).await?.ok_or(Error::NotFound)?;
    let partner = partner::Entity::find_by_id(row.partner_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    let commissions = commission::Entity::find()
        .filter(commission::Column::PayoutId.eq(row.id))
        .order_by_asc(commission::Column::EarnedAt)
        .order_by_asc(commission::Column::Id)
        .all(db)
        .await?;
    Ok(PayoutView {
        timeline: event::timeline(db, "payout", row.id, staff).await?,
        settled_at: row.settled_at,
        line: payout_line(row, partner.name)?,
        commissions,
    })
}
