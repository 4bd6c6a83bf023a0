//! Tiers: where a partner stands, what is missing for the next, and the reviews that move it.
//!
//! Up happens at once; down only after a notice and a grace period, and a partner that recovers
//! stays. Every change is a row with the figures it was judged by.

mod review;
mod what_if;

use chrono::{DateTime, Months, Utc};
use domain::calendar;
use domain::money::{Currency, Money};
use domain::plan::{Amount, PlanRules, Rule, Trigger};
use domain::tier::{self as rules, Metrics, Progress, Requirements, Tier};
use entity::{partner, program as programs, tier, tier_change};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, Statement,
};

use crate::context::{Actor, Context};
use crate::error::{Error, Result};
use crate::program;

pub use review::{Reviewed, review_all, set_by_hand};
pub use what_if::{Candidate, Moved, Outcome, WhatIf, next_review, what_if};

/// Where a partner stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The tier's name.
    pub name: String,
    /// Its rank.
    pub rank: i32,
    /// Since when.
    pub since: DateTime<Utc>,
    /// What the tier gives.
    pub benefits: String,
    /// The figures of the trailing twelve months.
    pub metrics: Metrics,
    /// The figures' currency, the program's.
    pub currency: Currency,
    /// In sentences: where the partner is and what is missing.
    pub explanation: String,
    /// The next tier; none at the top.
    pub next: Option<Next>,
    /// When the partner moves down unless it recovers.
    pub notice_until: Option<DateTime<Utc>>,
}

/// What the tier's own page says.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlook {
    /// Where the partner stands.
    pub standing: Standing,
    /// What the running notice leads to.
    pub falls: Option<Fall>,
    /// Revenue of the last twelve months in other currencies, which does not count.
    pub uncounted: Vec<Money>,
}

/// The consequence of a notice.
#[derive(Clone, Debug, PartialEq)]
pub struct Fall {
    /// The tier's name.
    pub to: String,
    /// What the last twelve months’ revenue would have earned less at that tier, by the partner's
    /// present plan; none where the plan does not pay by tier.
    pub would_earn_less: Option<Money>,
}

/// The way to the next tier.
#[derive(Clone, Debug, PartialEq)]
pub struct Next {
    /// Its name.
    pub name: String,
    /// Each measure with what there is and what is needed.
    pub progress: Vec<Progress>,
    /// What is missing, in words; empty when everything is met.
    pub missing: String,
    /// What the last twelve months’ revenue would have earned more at that tier, by the partner's
    /// present plan; none where the plan does not pay by tier.
    pub would_earn_more: Option<Money>,
}

/// One change of the past.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The row.
    pub row: tier_change::Model,
    /// The tier before.
    pub from: Option<String>,
    /// The tier after.
    pub to: String,
}

/// The figures of a partner that tiers are measured by.
#[derive(Clone, Copy, Debug, FromQueryResult)]
pub(crate) struct Counters {
    revenue: i64,
    customers: i64,
    won_deals: i64,
    certified: i64,
}

/// The statement that counts; parameters are partner, currency, first month, now, a year ago.
///
/// A customer is active when it has paid something, and has a running subscription or, where Stripe
/// knows none of it, an invoice paid in the last twelve months. Whoever only tries is no customer yet.
pub(crate) const COUNTERS: &str = "\
  (SELECT CAST(coalesce(sum(revenue), 0) AS BIGINT) FROM partner_month \
    WHERE partner_id = $1 AND currency = $2 AND month >= $3) AS revenue, \
  (SELECT CAST(count(DISTINCT c.account_id) AS BIGINT) FROM attribution a \
    JOIN customer c ON c.account_id = a.account_id \
    JOIN customer_paid y ON y.id = c.id AND y.first_at IS NOT NULL \
    WHERE a.partner_id = $1 AND (a.ends_at IS NULL OR a.ends_at > $4) AND ( \
      EXISTS (SELECT 1 FROM subscription s WHERE s.customer_id = c.id \
        AND s.status IN ('active', 'trialing', 'past_due')) \
      OR (y.last_at >= $5 \
        AND NOT EXISTS (SELECT 1 FROM subscription s WHERE s.customer_id = c.id)))) \
    AS customers, \
  (SELECT CAST(count(*) AS BIGINT) FROM deal \
    WHERE partner_id = $1 AND status = 'won' AND closed_at >= $5) AS won_deals, \
  (SELECT CAST(count(DISTINCT m.person_id) AS BIGINT) FROM member m \
    JOIN certificate k ON k.person_id = m.person_id \
    WHERE m.partner_id = $1 AND m.removed_at IS NULL AND k.revoked_at IS NULL \
      AND k.grace_until > $4) AS certified";

impl Counters {
    /// The parameters of [`COUNTERS`].
    pub(crate) fn parameters(
        partner_id: i64,
        program: &programs::Model,
        now: DateTime<Utc>,
    ) -> [sea_orm::Value; 5] {
        let year_ago = now.checked_sub_months(Months::new(12)).unwrap_or(now);
        [
            partner_id.into(),
            program.currency.clone().into(),
            calendar::month_of(year_ago, program::zone(program)).into(),
            now.into(),
            year_ago.into(),
        ]
    }

    /// The figures as the rules take them.
    pub(crate) fn metrics(self) -> Metrics {
        Metrics {
            revenue_minor: self.revenue,
            customers: self.customers,
            won_deals: self.won_deals,
            certified: self.certified,
        }
    }
}

/// The figures a partner is judged by now.
///
/// # Errors
/// When the database cannot be read.
pub async fn metrics(
    db: &impl ConnectionTrait,
    partner_id: i64,
    program: &programs::Model,
    now: DateTime<Utc>,
) -> Result<Metrics> {
    let statement = Statement::from_sql_and_values(
        db.get_database_backend(),
        format!("SELECT {COUNTERS}"),
        Counters::parameters(partner_id, program, now),
    );
    let counters = Counters::find_by_statement(statement)
        .one(db)
        .await?
        .ok_or_else(|| Error::internal("no figures"))?;
    Ok(counters.metrics())
}

/// The program's tiers as the rules take them, lowest first.
pub(crate) fn ladder(rows: &[tier::Model]) -> Vec<Tier> {
    rows.iter()
        .map(|row| Tier {
            rank: rank(row),
            name: row.name.clone(),
            requirements: Requirements {
                revenue_minor: row.min_revenue,
                customers: row.min_customers,
                won_deals: row.min_won_deals,
                certified: row.min_certified,
            },
        })
        .collect()
}

pub(crate) fn rank(row: &tier::Model) -> i32 {
    i32::try_from(row.rank).unwrap_or(i32::MAX)
}

/// What a standing is put together from.
struct Known {
    owner: partner::Model,
    program: programs::Model,
    tiers: Vec<tier::Model>,
    figures: Metrics,
    notice: Option<tier_change::Model>,
    plan: Option<PlanRules>,
}

impl Known {
    async fn load(ctx: &Context, partner_id: i64) -> Result<Self> {
        see(ctx, partner_id)?;
        let db = ctx.reader();
        let owner = partner::Entity::find_by_id(partner_id)
            .one(db)
            .await?
            .ok_or(Error::NotFound)?;
        let program = program::by_id(db, owner.program_id).await?;
        let plan = program::plan_version_at(db, owner.plan_id, ctx.now()).await?;
        Ok(Self {
            tiers: program::tiers(db, program.id).await?,
            figures: metrics(db, partner_id, &program, ctx.now()).await?,
            notice: review::open_notice(db, partner_id).await?,
            plan: plan.and_then(|v| serde_json::from_value(v.rules).ok()),
            owner,
            program,
        })
    }

    fn standing(&self) -> Result<Standing> {
        compose(
            &self.owner,
            &self.program,
            &self.tiers,
            self.figures,
            self.notice.as_ref().map(|n| n.effective_at),
            self.plan.as_ref(),
        )
    }

    /// What a running notice leads to.
    fn fall(&self, currency: Currency) -> Option<Fall> {
        let notice = self.notice.as_ref()?;
        let find = |id: i64| self.tiers.iter().find(|t| t.id == id);
        let (to, now) = (find(notice.to_tier_id)?, find(self.owner.tier_id)?);
        let less = self
            .plan
            .as_ref()
            .and_then(|plan| more_at(plan, rank(to), rank(now), self.figures.revenue_minor));
        Some(Fall {
            to: to.name.clone(),
            would_earn_less: less.map(|minor| Money::new(minor, currency)),
        })
    }
}

/// Where the actor's partner stands, or the one that staff ask about.
///
/// # Errors
/// [`Error::NotFound`] for a missing or foreign partner.
pub async fn standing(ctx: &Context, partner_id: i64) -> Result<Standing> {
    Known::load(ctx, partner_id).await?.standing()
}

/// The same with what a notice would cost, and which revenue does not count.
///
/// # Errors
/// As [`standing`].
pub async fn outlook(ctx: &Context, partner_id: i64) -> Result<Outlook> {
    let known = Known::load(ctx, partner_id).await?;
    let standing = known.standing()?;
    Ok(Outlook {
        falls: known.fall(standing.currency),
        uncounted: what_if::uncounted(ctx.reader(), partner_id, &known.program, ctx.now()).await?,
        standing,
    })
}

/// A partner's own tier is no secret to its members; staff see everyone's.
fn see(ctx: &Context, partner_id: i64) -> Result<()> {
    match ctx.actor {
        Actor::Staff { .. } | Actor::System => Ok(()),
        Actor::Partner {
            partner_id: own, ..
        } if own == partner_id => Ok(()),
        _ => Err(Error::NotFound),
    }
}

/// Whether anything came in, in currencies that are not counted.
fn earns(elsewhere: &[Money]) -> bool {
    elsewhere.iter().any(|money| money.minor > 0)
}

/// Amounts in words: `$1,200.00 and ¥9,000`.
fn listed(amounts: &[Money]) -> String {
    let words: Vec<String> = amounts.iter().map(|money| money.format("en")).collect();
    words.join(" and ")
}

/// Puts a standing together from what was read.
pub(crate) fn compose(
    owner: &partner::Model,
    program: &programs::Model,
    tiers: &[tier::Model],
    figures: Metrics,
    notice_until: Option<DateTime<Utc>>,
    plan: Option<&PlanRules>,
) -> Result<Standing> {
    let currency: Currency = program.currency.parse().map_err(Error::internal)?;
    let current = tiers
        .iter()
        .find(|t| t.id == owner.tier_id)
        .ok_or_else(|| Error::internal("a partner’s tier is not of its program"))?;
    let ladder = ladder(tiers);
    let next = rules::next_above(&ladder, rank(current)).map(|next| Next {
        name: next.name.clone(),
        progress: next.progress(&figures),
        missing: next.missing_words(&figures, currency),
        would_earn_more: plan
            .and_then(|plan| more_at(plan, rank(current), next.rank, figures.revenue_minor))
            .map(|minor| Money::new(minor, currency)),
    });
    Ok(Standing {
        name: current.name.clone(),
        rank: rank(current),
        since: owner.tier_since,
        benefits: current.benefits.clone(),
        explanation: rules::explain(&ladder, rank(current), &figures, currency),
        metrics: figures,
        currency,
        next,
        notice_until,
    })
}

/// What a revenue would have earned more at another tier, by the plan's first rule for every
/// invoice that pays by tier.
fn more_at(plan: &PlanRules, from: i32, to: i32, revenue: i64) -> Option<i64> {
    let by_tier = |rule: &&Rule| {
        rule.trigger == Trigger::InvoicePaid && matches!(rule.amount, Amount::ByTier { .. })
    };
    let Amount::ByTier { rates } = &plan.rules.iter().find(by_tier)?.amount else {
        return None;
    };
    let at = |rank: i32| rates.range(..=rank).next_back().map(|(_, rate)| *rate);
    let now = at(from).unwrap_or_default().of(revenue).ok()?;
    at(to)?.of(revenue).ok()?.checked_sub(now)
}

/// The changes of a partner's tier, newest first.
///
/// # Errors
/// [`Error::NotFound`] for a missing or foreign partner.
pub async fn history(ctx: &Context, partner_id: i64) -> Result<Vec<Change>> {
    see(ctx, partner_id)?;
    let db = ctx.reader();
    let owner = partner::Entity::find_by_id(partner_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    let tiers = program::tiers(db, owner.program_id).await?;
    let name = |id: i64| tiers.iter().find(|t| t.id == id).map(|t| t.name.clone());
    let rows = tier_change::Entity::find()
        .filter(tier_change::Column::PartnerId.eq(partner_id))
        .order_by_desc(tier_change::Column::CreatedAt)
        .order_by_desc(tier_change::Column::Id)
        .all(db)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| Change {
            from: row.from_tier_id.and_then(name),
            to: name(row.to_tier_id).unwrap_or_default(),
            row,
        })
        .collect())
}
