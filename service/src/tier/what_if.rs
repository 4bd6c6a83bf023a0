//! Every partner beside its program's tiers: what the next review would do, and what it would do
//! under other thresholds.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::money::{Currency, Money};
use domain::tier::{self as rules, Metrics, Review};
use entity::{partner, program as programs, tier};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
};
use sea_orm::{Statement, Value};

use super::{COUNTERS, Counters, ladder, rank};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::program::{self, TierFields};

/// What the next quarterly review does with a partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It stays.
    Stays,
    /// It moves up, to the tier of this name.
    Up(String),
    /// It is told that it moves down to the tier of this name, on that day at the earliest.
    Notice(String, DateTime<Utc>),
    /// Its notice runs until then.
    Waits(String, DateTime<Utc>),
    /// Its notice is over: it moves down to the tier of this name.
    Down(String),
    /// By what is counted it would move down to the tier of this name, but part of its revenue is in
    /// other currencies: a person decides.
    Decide(String),
}

impl Outcome {
    /// A short word for filters.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Stays => "stays",
            Self::Up(_) => "up",
            Self::Notice(..) => "notice",
            Self::Waits(..) => "waits",
            Self::Down(_) => "down",
            Self::Decide(_) => "decide",
        }
    }
}

/// One partner in a review.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// `partner.id`.
    pub partner_id: i64,
    /// The partner's name.
    pub partner: String,
    /// The tier it has.
    pub tier: String,
    /// The rank of that tier.
    pub rank: i32,
    /// The program's name.
    pub program: String,
    /// The figures' currency.
    pub currency: Currency,
    /// What it is judged by.
    pub metrics: Metrics,
    /// Its revenue of the last twelve months in other currencies, which is not counted.
    pub uncounted: Vec<Money>,
    /// What the next review does.
    pub outcome: Outcome,
    /// What is missing for the tier it has; empty when it is met.
    pub missing: String,
}

/// A partner that other thresholds would treat differently.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved {
    /// The partner under the other thresholds.
    pub candidate: Candidate,
    /// What the next review does as things are.
    pub as_it_is: Outcome,
}

/// What other thresholds would do.
#[derive(Clone, Debug, PartialEq)]
pub struct WhatIf {
    /// Partners looked at.
    pub partners: usize,
    /// Those that are treated differently.
    pub moved: Vec<Moved>,
}

#[derive(FromQueryResult)]
struct Row {
    id: i64,
    revenue: i64,
    customers: i64,
    won_deals: i64,
    certified: i64,
}

#[derive(FromQueryResult)]
struct NoticeRow {
    partner_id: i64,
    effective_at: DateTime<Utc>,
}

/// The figures of all active partners of a program, in one statement.
async fn all_metrics(
    db: &impl ConnectionTrait,
    program: &programs::Model,
    now: DateTime<Utc>,
) -> Result<HashMap<i64, Metrics>> {
    let [_, currency, month, at, year_ago] = Counters::parameters(0, program, now);
    let counters = COUNTERS.replace("$1", "p.id");
    let statement = Statement::from_sql_and_values(
        db.get_database_backend(),
        format!(
            "SELECT p.id, {counters} FROM partner p WHERE p.program_id = $1 AND p.status = 'active'"
        ),
        [Value::from(program.id), currency, month, at, year_ago],
    );
    Ok(Row::find_by_statement(statement)
        .all(db)
        .await?
        .into_iter()
        .map(|r| {
            let counters = Counters {
                revenue: r.revenue,
                customers: r.customers,
                won_deals: r.won_deals,
                certified: r.certified,
            };
            (r.id, counters.metrics())
        })
        .collect())
}

/// The notices that run: of each partner the newest change, if it is one.
async fn notices(db: &impl ConnectionTrait) -> Result<HashMap<i64, DateTime<Utc>>> {
    let statement = Statement::from_string(
        db.get_database_backend(),
        "SELECT t.partner_id, t.effective_at FROM tier_change t WHERE t.kind = 'notice' \
         AND t.id = (SELECT max(n.id) FROM tier_change n WHERE n.partner_id = t.partner_id)",
    );
    Ok(NoticeRow::find_by_statement(statement)
        .all(db)
        .await?
        .into_iter()
        .map(|n| (n.partner_id, n.effective_at))
        .collect())
}

/// Everything a program's review looks at.
struct Scene {
    program: programs::Model,
    currency: Currency,
    tiers: Vec<tier::Model>,
    partners: Vec<partner::Model>,
    metrics: HashMap<i64, Metrics>,
    uncounted: HashMap<i64, Vec<Money>>,
    notices: HashMap<i64, DateTime<Utc>>,
    grace_days: u32,
}

impl Scene {
    async fn load(ctx: &Context, program: programs::Model) -> Result<Self> {
        let db = ctx.reader();
        let policy = program::policy_at(db, program.id, ctx.now()).await?;
        Ok(Self {
            currency: program.currency.parse().map_err(Error::internal)?,
            tiers: program::tiers(db, program.id).await?,
            partners: partner::Entity::find()
                .filter(partner::Column::ProgramId.eq(program.id))
                .filter(partner::Column::Status.eq("active"))
                .order_by_asc(partner::Column::Name)
                .all(db)
                .await?,
            metrics: all_metrics(db, &program, ctx.now()).await?,
            uncounted: all_uncounted(db, &program, ctx.now()).await?,
            notices: notices(db).await?,
            grace_days: u32::try_from(policy.tier_grace_days).unwrap_or(0),
            program,
        })
    }

    /// Every partner as the review of a moment sees it under `tiers`.
    fn candidates(&self, tiers: &[tier::Model], now: DateTime<Utc>) -> Vec<Candidate> {
        let steps = ladder(tiers);
        let name = |wanted: i32| {
            let found = tiers.iter().find(|t| rank(t) == wanted);
            found.map(|t| t.name.clone()).unwrap_or_default()
        };
        self.partners
            .iter()
            .filter_map(|p| {
                let current = tiers.iter().find(|t| t.id == p.tier_id)?;
                let metrics = *self.metrics.get(&p.id)?;
                let uncounted = self.uncounted.get(&p.id).cloned().unwrap_or_default();
                let elsewhere = super::earns(&uncounted);
                let notice = self.notices.get(&p.id).copied();
                let (at, grace) = (rank(current), self.grace_days);
                let deserved = rules::deserved(&steps, &metrics).map_or(at, |t| t.rank);
                let outcome =
                    match rules::review(&steps, at, &metrics, elsewhere, notice, grace, now) {
                        Review::Stay => Outcome::Stays,
                        Review::Up { to } => Outcome::Up(name(to)),
                        Review::Notice { to, effective_at } => {
                            Outcome::Notice(name(to), effective_at)
                        }
                        Review::Waiting { effective_at } => {
                            Outcome::Waits(name(deserved), effective_at)
                        }
                        Review::Down { to } => Outcome::Down(name(to)),
                        Review::Decide { to } => Outcome::Decide(name(to)),
                    };
                let step = steps.iter().find(|t| t.rank == at);
                let missing = step.map(|t| t.missing_words(&metrics, self.currency));
                Some(Candidate {
                    partner_id: p.id,
                    partner: p.name.clone(),
                    tier: current.name.clone(),
                    rank: at,
                    program: self.program.name.clone(),
                    currency: self.currency,
                    metrics,
                    uncounted,
                    outcome,
                    missing: missing.unwrap_or_default(),
                })
            })
            .collect()
    }
}

/// Every active partner with what the next review does, by program and name; for staff.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor.
pub async fn next_review(ctx: &Context) -> Result<Vec<Candidate>> {
    ctx.any_staff()?;
    let mut found = Vec::new();
    for program in program::all(ctx.reader()).await? {
        let scene = Scene::load(ctx, program).await?;
        found.extend(scene.candidates(&scene.tiers, ctx.now()));
    }
    Ok(found)
}

/// Which partners other thresholds would treat differently. `typed` are tiers by `tier.id`; a tier
/// that is not named stays as it is. Nothing is changed.
///
/// # Errors
/// [`Error::Invalid`] at `min_revenue_7`, `min_customers_7` … with the tier's id;
/// [`Error::NotFound`] for a missing program and for people outside the vendor,
/// [`Error::Forbidden`] for staff who are neither admin nor auditor.
pub async fn what_if(
    ctx: &Context,
    program_id: i64,
    typed: &HashMap<i64, TierFields>,
) -> Result<WhatIf> {
    ctx.admin_reads()?;
    let program = program::by_id(ctx.reader(), program_id).await?;
    let scene = Scene::load(ctx, program).await?;
    let tiers = program::try_tiers(&scene.program, &scene.tiers, typed)?;
    let before = scene.candidates(&scene.tiers, ctx.now());
    let after = scene.candidates(&tiers, ctx.now());
    let partners = after.len();
    let moved = before
        .into_iter()
        .zip(after)
        .filter(|(before, after)| before.outcome != after.outcome)
        .map(|(before, candidate)| Moved {
            candidate,
            as_it_is: before.outcome,
        })
        .collect();
    Ok(WhatIf { partners, moved })
}

#[derive(FromQueryResult)]
struct Sum {
    partner_id: i64,
    currency: String,
    revenue: i64,
}

/// The revenue of the last twelve months that tiers do not count, because it is not in the program's
/// currency: of all partners of the program, by partner and currency.
async fn all_uncounted(
    db: &impl ConnectionTrait,
    program: &programs::Model,
    now: DateTime<Utc>,
) -> Result<HashMap<i64, Vec<Money>>> {
    sums(
        db,
        "partner_id IN (SELECT id FROM partner WHERE program_id = $1)",
        program.id,
        program,
        now,
    )
    .await
}

/// The same of one partner.
pub(super) async fn uncounted(
    db: &impl ConnectionTrait,
    partner_id: i64,
    program: &programs::Model,
    now: DateTime<Utc>,
) -> Result<Vec<Money>> {
    let mut found = sums(db, "partner_id = $1", partner_id, program, now).await?;
    Ok(found.remove(&partner_id).unwrap_or_default())
}

/// The same of the partners that `whose` picks by its parameter `$1`.
async fn sums(
    db: &impl ConnectionTrait,
    whose: &str,
    id: i64,
    program: &programs::Model,
    now: DateTime<Utc>,
) -> Result<HashMap<i64, Vec<Money>>> {
    let [id, currency, month, ..] = Counters::parameters(id, program, now);
    let statement = Statement::from_sql_and_values(
        db.get_database_backend(),
        format!(
            "SELECT partner_id, currency, CAST(sum(revenue) AS BIGINT) AS revenue \
             FROM partner_month WHERE {whose} AND currency <> $2 AND month >= $3 \
             GROUP BY partner_id, currency ORDER BY partner_id, currency"
        ),
        [id, currency, month],
    );
    let mut found: HashMap<i64, Vec<Money>> = HashMap::new();
    for row in Sum::find_by_statement(statement).all(db).await? {
        if row.revenue != 0 {
            let currency = row.currency.parse().map_err(Error::internal)?;
            let money = Money::new(row.revenue, currency);
            found.entry(row.partner_id).or_default().push(money);
        }
    }
    Ok(found)
}
