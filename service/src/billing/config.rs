//! What was in force when: read once for a batch.

#[cfg(test)]
mod made_up;

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use domain::commission::TierAt;
use domain::plan::{Amount, Caps, PlanRules, Trigger};
use entity::{
    certificate, course, member, partner, plan_assignment, plan_version, policy_version,
    product_line, program, stripe_product, subscription, tier, tier_change,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, JoinType, QueryFilter, QueryOrder,
    QuerySelect, RelationTrait,
};

use crate::error::{Error, Result};

/// A published version of a plan, read.
#[derive(Debug)]
pub(crate) struct Version {
    pub(crate) id: i64,
    pub(crate) plan_id: i64,
    pub(crate) number: i64,
    pub(crate) effective_from: DateTime<Utc>,
    pub(crate) rules: PlanRules,
    /// Whether amounts depend on what was earned before.
    pub(crate) needs_history: bool,
    /// Whether a rule asks for the first payment.
    pub(crate) pays_first: bool,
}

impl Version {
    fn new(row: &plan_version::Model, rules: PlanRules, effective_from: DateTime<Utc>) -> Self {
        Self {
            id: row.id,
            plan_id: row.plan_id,
            number: row.version,
            effective_from,
            needs_history: rules.rules.iter().any(|rule| {
                matches!(rule.amount, Amount::Brackets { .. }) || rule.caps != Caps::default()
            }),
            pays_first: rules
                .rules
                .iter()
                .any(|r| r.trigger == Trigger::FirstPayment),
            rules,
        }
    }
}

/// See [`Config::needs_history`].
pub(crate) struct NeedsHistory {
    /// The partners whose plans have brackets or caps.
    pub(crate) partners: BTreeSet<i64>,
    /// Whether a cap counts all partners together.
    pub(crate) everybody: bool,
    /// Whether a cap counts a customer's commission.
    pub(crate) customers: bool,
}

/// A certificate that counts for a partner.
#[derive(Debug, FromQueryResult)]
struct Certified {
    partner_id: i64,
    slug: String,
    issued_at: DateTime<Utc>,
    grace_until: DateTime<Utc>,
    revoked_at: Option<DateTime<Utc>>,
}

/// Programs, policies, plans, tiers and the partners concerned.
#[derive(Debug, Default)]
pub(crate) struct Config {
    programs: HashMap<i64, (program::Model, Tz)>,
    policies: HashMap<i64, Vec<policy_version::Model>>,
    tiers: HashMap<i64, tier::Model>,
    pub(crate) partners: HashMap<i64, partner::Model>,
    tier_changes: HashMap<i64, Vec<tier_change::Model>>,
    plans: HashMap<i64, Vec<Version>>,
    /// Moves of partners to other plans, oldest first.
    moves: HashMap<i64, Vec<plan_assignment::Model>>,
    certified: Vec<Certified>,
    products: HashMap<String, i64>,
    product_lines: HashMap<i64, product_line::Model>,
}

impl Config {
    /// Reads what concerns these partners and Stripe products.
    pub(crate) async fn load(
        db: &impl ConnectionTrait,
        partners: &BTreeSet<i64>,
        products: &BTreeSet<String>,
    ) -> Result<Self> {
        let mut config = Self::default();
        for line in product_line::Entity::find().all(db).await? {
            config.product_lines.insert(line.id, line);
        }
        if !products.is_empty() {
            let rows = stripe_product::Entity::find()
                .filter(stripe_product::Column::Id.is_in(products.iter().map(String::as_str)))
                .all(db)
                .await?;
            config.products = rows
                .into_iter()
                .map(|p| (p.id, p.product_line_id))
                .collect();
        }
        if partners.is_empty() {
            return Ok(config);
        }
        let ids = || partners.iter().copied();
        for row in partner::Entity::find()
            .filter(partner::Column::Id.is_in(ids()))
            .all(db)
            .await?
        {
            config.partners.insert(row.id, row);
        }
        for row in program::Entity::find().all(db).await? {
            let zone = crate::program::zone(&row);
            config.programs.insert(row.id, (row, zone));
        }
        for row in policy_version::Entity::find()
            .order_by_asc(policy_version::Column::EffectiveFrom)
            .order_by_asc(policy_version::Column::Version)
            .all(db)
            .await?
        {
            config.policies.entry(row.program_id).or_default().push(row);
        }
        for row in tier::Entity::find().all(db).await? {
            config.tiers.insert(row.id, row);
        }
        for row in tier_change::Entity::find()
            .filter(tier_change::Column::PartnerId.is_in(ids()))
            .filter(tier_change::Column::Kind.ne("notice"))
            .order_by_asc(tier_change::Column::EffectiveAt)
            .order_by_asc(tier_change::Column::Id)
            .all(db)
            .await?
        {
            config
                .tier_changes
                .entry(row.partner_id)
                .or_default()
                .push(row);
        }
        config.load_plans(db).await?;
        if config
            .plans
            .values()
            .flatten()
            .any(|v| asks_certificate(&v.rules))
        {
            config.load_certificates(db, partners).await?;
        }
        Ok(config)
    }

    async fn load_plans(&mut self, db: &impl ConnectionTrait) -> Result<()> {
        for row in plan_assignment::Entity::find()
            .filter(plan_assignment::Column::PartnerId.is_in(self.partners.keys().copied()))
            .filter(plan_assignment::Column::WithdrawnAt.is_null())
            .order_by_asc(plan_assignment::Column::EffectiveFrom)
            .all(db)
            .await?
        {
            self.moves.entry(row.partner_id).or_default().push(row);
        }
        let plans: BTreeSet<i64> = self
            .partners
            .values()
            .flat_map(|p| self.plans_of(p))
            .collect();
        for row in plan_version::Entity::find()
            .filter(plan_version::Column::PlanId.is_in(plans))
            .filter(plan_version::Column::Status.eq("published"))
            .order_by_asc(plan_version::Column::EffectiveFrom)
            .order_by_asc(plan_version::Column::Version)
            .all(db)
            .await?
        {
            let rules: PlanRules = serde_json::from_value(row.rules.clone())
                .map_err(|e| Error::Internal(format!("plan version {}: {e}", row.id)))?;
            let version = Version::new(&row, rules, row.effective_from);
            self.plans.entry(row.plan_id).or_default().push(version);
        }
        Ok(())
    }

    /// Puts one version in the place of all of its plan's, as if it had always counted; for
    /// simulations. `everybody` is as if every partner here were on that plan.
    pub(crate) async fn try_out(
        &mut self,
        db: &impl ConnectionTrait,
        row: &plan_version::Model,
        rules: PlanRules,
        everybody: bool,
    ) -> Result<()> {
        if self.certified.is_empty() && asks_certificate(&rules) {
            let partners: BTreeSet<i64> = self.partners.keys().copied().collect();
            self.load_certificates(db, &partners).await?;
        }
        let version = Version::new(row, rules, DateTime::<Utc>::MIN_UTC);
        self.plans.insert(row.plan_id, vec![version]);
        for partner in self.partners.values_mut() {
            if everybody {
                partner.plan_id = row.plan_id;
            }
            // As if it had always been on the plan.
            if partner.plan_id == row.plan_id {
                self.moves.remove(&partner.id);
            }
        }
        Ok(())
    }

    async fn load_certificates(
        &mut self,
        db: &impl ConnectionTrait,
        partners: &BTreeSet<i64>,
    ) -> Result<()> {
        self.certified = certificate::Entity::find()
            .select_only()
            .column(member::Column::PartnerId)
            .column(course::Column::Slug)
            .column(certificate::Column::IssuedAt)
            .column(certificate::Column::GraceUntil)
            .column(certificate::Column::RevokedAt)
            .join(JoinType::InnerJoin, certificate::Relation::Course.def())
            .join(
                JoinType::InnerJoin,
                certificate::Entity::belongs_to(member::Entity)
                    .from(certificate::Column::PersonId)
                    .to(member::Column::PersonId)
                    .into(),
            )
            .filter(member::Column::PartnerId.is_in(partners.iter().copied()))
            .filter(member::Column::RemovedAt.is_null())
            .into_model::<Certified>()
            .all(db)
            .await?;
        Ok(())
    }

    /// What the plans look at of what was earned before.
    pub(crate) fn needs_history(&self) -> NeedsHistory {
        let versions = |id: i64| self.plans.get(&id).into_iter().flatten();
        let asks = |id: i64| versions(id).any(|v| v.needs_history);
        let partners = self
            .partners
            .values()
            .filter(|p| self.plans_of(p).into_iter().any(asks))
            .map(|p| p.id)
            .collect();
        let a_cap = |asks: fn(&Caps) -> bool| {
            let mut versions = self.plans.values().flatten();
            versions.any(|v| v.rules.rules.iter().any(|r| asks(&r.caps)))
        };
        NeedsHistory {
            partners,
            everybody: a_cap(|caps| caps.per_period.is_some()),
            customers: a_cap(|caps| !caps.per_customer.is_empty()),
        }
    }

    /// The plan of each version.
    pub(crate) fn plans_of_versions(&self) -> HashMap<i64, i64> {
        let versions = self.plans.values().flatten();
        versions.map(|v| (v.id, v.plan_id)).collect()
    }

    /// Whether a plan ever pays when `trigger` happens.
    pub(crate) fn asks(&self, trigger: Trigger) -> bool {
        let rules = |v: &Version| v.rules.rules.iter().any(|r| r.trigger == trigger);
        self.plans.values().flatten().any(rules)
    }

    /// Whether a plan pays for first payments.
    pub(crate) fn pays_first(&self) -> bool {
        self.plans.values().flatten().any(|v| v.pays_first)
    }

    /// The program's zone, in which months are counted.
    pub(crate) fn zone(&self, program_id: i64) -> Tz {
        self.programs
            .get(&program_id)
            .map_or(Tz::UTC, |(_, zone)| *zone)
    }

    /// The policy in force at an instant.
    pub(crate) fn policy(
        &self,
        program_id: i64,
        at: DateTime<Utc>,
    ) -> Result<&policy_version::Model> {
        let versions = self
            .policies
            .get(&program_id)
            .map_or(&[][..], Vec::as_slice);
        // What happened before the first policy is judged by it.
        versions
            .iter()
            .rev()
            .find(|v| v.effective_from <= at)
            .or(versions.first())
            .ok_or_else(|| Error::Internal(format!("program {program_id} has no policy")))
    }

    /// Whether a subscription ended so early that nothing is earned on what it paid at an instant.
    pub(crate) fn left_early(
        &self,
        program_id: i64,
        paid_at: DateTime<Utc>,
        subscription: &subscription::Model,
    ) -> Result<bool> {
        let days = self.policy(program_id, paid_at)?.churn_days;
        let limit = subscription.started_at + TimeDelta::days(days);
        Ok(days > 0 && subscription.ended_at.is_some_and(|ended| ended < limit))
    }

    /// Whether any policy asks how long subscriptions last.
    pub(crate) fn asks_for_churn(&self) -> bool {
        self.policies.values().flatten().any(|v| v.churn_days > 0)
    }

    /// The plan a partner was, is or will be on at an instant.
    fn plan_id(&self, partner: &partner::Model, at: DateTime<Utc>) -> i64 {
        let moves = self.moves.get(&partner.id).map_or(&[][..], Vec::as_slice);
        let last = moves.iter().rev().find(|m| m.effective_from <= at);
        match (last, moves.first()) {
            (Some(last), _) => last.to_plan_id,
            (None, Some(first)) => first.from_plan_id,
            (None, None) => partner.plan_id,
        }
    }

    /// Every plan a partner was, is or will be on.
    fn plans_of(&self, partner: &partner::Model) -> BTreeSet<i64> {
        let moves = self.moves.get(&partner.id).map_or(&[][..], Vec::as_slice);
        let both = moves.iter().flat_map(|m| [m.from_plan_id, m.to_plan_id]);
        both.chain([partner.plan_id]).collect()
    }

    /// The version of a partner's plan that counts at an instant.
    pub(crate) fn plan(&self, partner: &partner::Model, at: DateTime<Utc>) -> Option<&Version> {
        self.plans
            .get(&self.plan_id(partner, at))?
            .iter()
            .rev()
            .find(|v| v.effective_from <= at)
    }

    /// The partner's tier on a day.
    pub(crate) fn tier_at(&self, partner: &partner::Model, at: DateTime<Utc>) -> Option<TierAt> {
        let changes = self
            .tier_changes
            .get(&partner.id)
            .map_or(&[][..], Vec::as_slice);
        let id = changes
            .iter()
            .rev()
            .find(|c| c.effective_at <= at)
            .map(|c| c.to_tier_id)
            .or_else(|| changes.first().and_then(|c| c.from_tier_id))
            .unwrap_or(partner.tier_id);
        let tier = self.tiers.get(&id)?;
        Some(TierAt {
            rank: i32::try_from(tier.rank).unwrap_or(i32::MAX),
            name: tier.name.clone(),
        })
    }

    /// The courses that count for a partner on a day.
    pub(crate) fn certified(&self, partner_id: i64, at: DateTime<Utc>) -> BTreeSet<String> {
        self.certified
            .iter()
            .filter(|c| c.partner_id == partner_id && c.issued_at <= at && at < c.grace_until)
            .filter(|c| c.revoked_at.is_none_or(|revoked| at < revoked))
            .map(|c| c.slug.clone())
            .collect()
    }

    /// The product line of a Stripe product, or of a code in the line's metadata.
    pub(crate) fn product_line(&self, product: Option<&str>, code: Option<&str>) -> Option<i64> {
        product
            .and_then(|p| self.products.get(p).copied())
            .or_else(|| {
                let code = code?;
                self.product_lines
                    .values()
                    .filter(|l| l.code == code)
                    .map(|l| l.id)
                    .min()
            })
    }

    /// A product line's name, for people.
    pub(crate) fn product_name(&self, id: i64) -> Option<&str> {
        self.product_lines.get(&id).map(|l| l.name.as_str())
    }

    /// A product line's key in plans.
    pub(crate) fn product_code(&self, id: i64) -> Option<&str> {
        self.product_lines.get(&id).map(|l| l.code.as_str())
    }
}

fn asks_certificate(rules: &PlanRules) -> bool {
    rules
        .rules
        .iter()
        .any(|rule| rule.conditions.certification.is_some())
}
