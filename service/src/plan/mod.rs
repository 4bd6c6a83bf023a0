//! Commission plans as administrators keep them: drafts that are written, tried on past invoices and
//! published from a date on.
//!
//! A published version is never changed: what was earned keeps the version it was judged by. A plan
//! has at most one draft, and every change of it names the revision it was made on, so that two
//! people who edit at once notice.

mod compared;
mod draft;
mod fields;
mod publish;
mod reader;
mod simulate;
mod start;
mod usual;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use domain::plan::{Difference, Known, PlanRules, PlanStatus, Problem};
use entity::{course, partner, plan, plan_version, product_line, program, tier};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};

pub use compared::{Compared, Named, Simulation};
pub(crate) use draft::ready_made;
pub use draft::{
    add_rule, change_rule, create, discard, move_rule, open_draft, remove_rule, rename, start_again,
};
pub use fields::{PAYS, RuleFields};
pub use publish::{make_default, publish, reinstate, retire, withdraw};
pub(crate) use reader::money;
pub use simulate::{Scope, Span, simulate};
pub use start::{READY_MADE, ReadyMade};
pub(crate) use usual::offered as offered_to_new;
pub use usual::{Offered, set_usual, usual_for};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::event;

/// Where a version stands today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Being written.
    Draft,
    /// Published, begins later.
    Scheduled,
    /// Counts now.
    InForce,
    /// Counted until a newer one began.
    Past,
    /// Taken back before it began.
    Withdrawn,
}

impl Standing {
    /// In words.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Draft => "Draft",
            Self::Scheduled => "Scheduled",
            Self::InForce => "In force",
            Self::Past => "Replaced",
            Self::Withdrawn => "Withdrawn",
        }
    }
}

/// A plan in the list.
#[derive(Clone, Debug)]
pub struct PlanLine {
    /// The plan.
    pub plan: plan::Model,
    /// Its program's name.
    pub program: String,
    /// The number of the version that counts now.
    pub in_force: Option<i64>,
    /// The version that begins later, with its day.
    pub scheduled: Option<(i64, DateTime<Utc>)>,
    /// The number of the draft.
    pub draft: Option<i64>,
    /// Partners who are paid by it.
    pub partners: u64,
    /// What it pays, in sentences.
    pub sentences: Vec<String>,
}

/// Every plan by program and name, for admins and auditors.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor, [`Error::Forbidden`] for other staff.
pub async fn list(ctx: &Context) -> Result<Vec<PlanLine>> {
    ctx.admin_reads()?;
    let db = ctx.reader();
    let mut lines = Vec::new();
    for program in crate::program::all(db).await? {
        let tiers = crate::program::tiers(db, program.id).await?;
        for plan in crate::program::plans(db, program.id).await? {
            let versions = versions(db, plan.id).await?;
            let standings = standings(&versions, ctx.now());
            let find = |wanted| {
                let mut both = versions.iter().zip(&standings);
                both.find(|(_, s)| **s == wanted).map(|(v, _)| v)
            };
            let shown = find(Standing::InForce)
                .or(find(Standing::Scheduled))
                .or(find(Standing::Draft));
            let sentences = match shown {
                Some(version) => rules_of(version)?.describe(tier_name(&tiers)),
                None => Vec::new(),
            };
            lines.push(PlanLine {
                in_force: find(Standing::InForce).map(|v| v.version),
                scheduled: find(Standing::Scheduled).map(|v| (v.version, v.effective_from)),
                draft: find(Standing::Draft).map(|v| v.version),
                partners: partners(db, plan.id).await?,
                program: program.name.clone(),
                sentences,
                plan,
            });
        }
    }
    Ok(lines)
}

/// A version with what it says.
#[derive(Clone, Debug)]
pub struct Version {
    /// The row.
    pub row: plan_version::Model,
    /// Where it stands today.
    pub standing: Standing,
    /// Its rules in sentences.
    pub sentences: Vec<String>,
}

/// A plan with its versions.
#[derive(Clone, Debug)]
pub struct PlanView {
    /// The plan.
    pub plan: plan::Model,
    /// Its program.
    pub program: program::Model,
    /// Versions, newest first.
    pub versions: Vec<Version>,
    /// Partners who are paid by it.
    pub partners: u64,
    /// What was done with it.
    pub timeline: Vec<event::Line>,
}

/// One plan, for admins and auditors.
///
/// # Errors
/// [`Error::NotFound`] for a missing one; see [`list`].
pub async fn show(ctx: &Context, plan_id: i64) -> Result<PlanView> {
    ctx.admin_reads()?;
    let db = ctx.reader();
    let plan = by_id(db, plan_id).await?;
    let program = crate::program::by_id(db, plan.program_id).await?;
    let tiers = crate::program::tiers(db, program.id).await?;
    let rows = versions(db, plan.id).await?;
    let standings = standings(&rows, ctx.now());
    let mut versions = Vec::new();
    for (row, standing) in rows.into_iter().zip(standings) {
        versions.push(Version {
            sentences: rules_of(&row)?.describe(tier_name(&tiers)),
            row,
            standing,
        });
    }
    Ok(PlanView {
        partners: partners(db, plan.id).await?,
        timeline: event::timeline(db, "plan", plan.id, true).await?,
        plan,
        program,
        versions,
    })
}

/// A version with everything its page needs.
#[derive(Clone, Debug)]
pub struct VersionView {
    /// The plan.
    pub plan: plan::Model,
    /// Its program.
    pub program: program::Model,
    /// The version.
    pub row: plan_version::Model,
    /// Where it stands today.
    pub standing: Standing,
    /// Its rules.
    pub rules: PlanRules,
    /// The rules in sentences, in the same order.
    pub sentences: Vec<String>,
    /// The published version it is compared with: the one it replaces.
    pub before: Option<plan_version::Model>,
    /// What differs from that one.
    pub differences: Vec<Difference>,
    /// What keeps it from being published.
    pub problems: Vec<Problem>,
    /// What the program has.
    pub offer: Offer,
}

/// What rules can ask for: the names of what the program has.
#[derive(Clone, Debug, Default)]
pub struct Offer {
    /// Tiers, lowest first.
    pub tiers: Vec<(i32, String)>,
    /// Product codes with their names.
    pub products: Vec<(String, String)>,
    /// Courses by the word in their address.
    pub courses: Vec<String>,
}

impl Offer {
    /// The same as the rules' check takes it.
    pub fn known(&self) -> Known {
        Known {
            products: self.products.iter().map(|(code, _)| code.clone()).collect(),
            courses: self.courses.iter().cloned().collect(),
            tiers: self.tiers.iter().map(|(rank, _)| *rank).collect(),
        }
    }
}

/// One version, for admins and auditors.
///
/// # Errors
/// [`Error::NotFound`] for a missing one; see [`list`].
pub async fn version(ctx: &Context, version_id: i64) -> Result<VersionView> {
    ctx.admin_reads()?;
    let db = ctx.reader();
    let row = version_by_id(db, version_id).await?;
    let plan = by_id(db, row.plan_id).await?;
    let program = crate::program::by_id(db, plan.program_id).await?;
    let tiers = crate::program::tiers(db, program.id).await?;
    let rules = rules_of(&row)?;
    let all = versions(db, plan.id).await?;
    let standing = all
        .iter()
        .zip(standings(&all, ctx.now()))
        .find(|(v, _)| v.id == row.id)
        .map_or(Standing::Past, |(_, standing)| standing);
    let before = before(&all, &row);
    let differences = match &before {
        Some(before) => rules_of(before)?.differences(&rules, tier_name(&tiers)),
        None => Vec::new(),
    };
    let offer = offer(db, &program, &tiers).await?;
    Ok(VersionView {
        sentences: rules.describe(tier_name(&tiers)),
        problems: rules.validate(&offer.known()),
        plan,
        program,
        row,
        standing,
        rules,
        before,
        differences,
        offer,
    })
}

/// The published version that one follows: for a draft the last that was published, for others the
/// one that began before it.
fn before(all: &[plan_version::Model], row: &plan_version::Model) -> Option<plan_version::Model> {
    all.iter()
        .filter(|v| v.status == PlanStatus::Published.as_str() && v.id != row.id)
        .filter(|v| {
            row.status == PlanStatus::Draft.as_str() || v.effective_from < row.effective_from
        })
        .max_by_key(|v| (v.effective_from, v.version))
        .cloned()
}

async fn offer(
    db: &impl ConnectionTrait,
    program: &program::Model,
    tiers: &[tier::Model],
) -> Result<Offer> {
    let products: Vec<product_line::Model> = crate::program::product_lines(db, program.id).await?;
    let courses = course::Entity::find()
        .filter(course::Column::ProgramId.eq(program.id))
        .order_by_asc(course::Column::Slug)
        .all(db)
        .await?;
    Ok(Offer {
        tiers: tiers
            .iter()
            .map(|t| (crate::tier::rank(t), t.name.clone()))
            .collect(),
        products: products.into_iter().map(|p| (p.code, p.name)).collect(),
        courses: courses.into_iter().map(|c| c.slug).collect(),
    })
}

/// A tier's name by its rank.
fn tier_name(tiers: &[tier::Model]) -> impl Fn(i32) -> String {
    let names: BTreeMap<i32, String> = tiers
        .iter()
        .map(|t| (crate::tier::rank(t), t.name.clone()))
        .collect();
    move |rank| match names.get(&rank) {
        Some(name) => name.clone(),
        None => format!("tier {rank}"),
    }
}

/// Where versions stand, in their order.
fn standings(versions: &[plan_version::Model], now: DateTime<Utc>) -> Vec<Standing> {
    let published = |v: &&plan_version::Model| v.status == PlanStatus::Published.as_str();
    let current = versions
        .iter()
        .filter(published)
        .filter(|v| v.effective_from <= now)
        .max_by_key(|v| (v.effective_from, v.version))
        .map(|v| v.id);
    versions
        .iter()
        .map(|v| match v.status.as_str() {
            "draft" => Standing::Draft,
            "retired" => Standing::Withdrawn,
            _ if v.effective_from > now => Standing::Scheduled,
            _ if current == Some(v.id) => Standing::InForce,
            _ => Standing::Past,
        })
        .collect()
}

async fn by_id(db: &impl ConnectionTrait, id: i64) -> Result<plan::Model> {
    plan::Entity::find_by_id(id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)
}

async fn version_by_id(db: &impl ConnectionTrait, id: i64) -> Result<plan_version::Model> {
    plan_version::Entity::find_by_id(id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)
}

/// A plan's versions, newest first.
async fn versions(db: &impl ConnectionTrait, plan_id: i64) -> Result<Vec<plan_version::Model>> {
    Ok(plan_version::Entity::find()
        .filter(plan_version::Column::PlanId.eq(plan_id))
        .order_by_desc(plan_version::Column::Version)
        .all(db)
        .await?)
}

async fn partners(db: &impl ConnectionTrait, plan_id: i64) -> Result<u64> {
    Ok(partner::Entity::find()
        .filter(partner::Column::PlanId.eq(plan_id))
        .filter(partner::Column::Status.eq("active"))
        .count(db)
        .await?)
}

fn rules_of(version: &plan_version::Model) -> Result<PlanRules> {
    serde_json::from_value(version.rules.clone())
        .map_err(|e| Error::Internal(format!("plan version {}: {e}", version.id)))
}

/// What a plan pays at an instant, in sentences; nothing before its first version.
pub(crate) async fn sentences_at(
    db: &impl ConnectionTrait,
    plan: &plan::Model,
    at: DateTime<Utc>,
) -> Result<Vec<String>> {
    let tiers = crate::program::tiers(db, plan.program_id).await?;
    Ok(
        match crate::program::plan_version_at(db, plan.id, at).await? {
            Some(version) => rules_of(&version)?.describe(tier_name(&tiers)),
            None => Vec::new(),
        },
    )
}

/// The day from which something counts: today means now, later days begin at midnight in the
/// program's zone.
///
/// # Errors
/// A sentence for the field: no date, or one that is past.
pub(crate) fn begins(
    typed: &str,
    zone: Tz,
    now: DateTime<Utc>,
) -> std::result::Result<DateTime<Utc>, String> {
    let day = domain::validate::date(typed)?;
    let today = domain::calendar::local_date(now, zone);
    match day.cmp(&today) {
        std::cmp::Ordering::Less => Err(
            "This day is past. What has been earned keeps its rules; choose today or a later day."
                .to_owned(),
        ),
        std::cmp::Ordering::Equal => Ok(now),
        std::cmp::Ordering::Greater => Ok(domain::calendar::start_of_day(day, zone)),
    }
}
