//! What a program promises in public: how it works, what it pays, whom it is for.

use domain::plan::{Amount, PlanRules};
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::program;

/// A heading with a few sentences.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Point {
    /// Heading, or a question.
    pub title: String,
    /// Sentences, or the answer.
    pub text: String,
}

/// The words of a program's public page, as kept in `program.pitch`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pitch {
    /// One line that says what is in it for the partner.
    pub headline: String,
    /// A few sentences.
    pub summary: String,
    /// How it works, in three steps.
    pub steps: Vec<Point>,
    /// Who is a good customer: company size, team, problem.
    pub good_customers: Vec<Point>,
    /// Questions and answers.
    pub questions: Vec<Point>,
}

/// A tier with what it earns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierOffer {
    /// The row.
    pub tier: entity::tier::Model,
    /// Its best rate in basis points, where the plan pays a percentage.
    pub rate_bp: Option<i64>,
}

/// A program's public page.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The program.
    pub program: entity::program::Model,
    /// Its words.
    pub pitch: Pitch,
    /// Its tiers, lowest first.
    pub tiers: Vec<TierOffer>,
    /// The rules of the plan that new partners get, in sentences.
    pub rules: Vec<String>,
    /// What applies to everybody.
    pub policy: entity::policy_version::Model,
    /// The terms that apply now.
    pub terms: entity::terms_version::Model,
}

/// What a program promises; anybody may read it.
///
/// # Errors
/// [`Error::NotFound`] where there is no such program.
pub async fn offer(ctx: &Context, slug: &str) -> Result<Offer> {
    let db = ctx.reader();
    let program = program::by_slug(db, slug).await?;
    let tiers = program::tiers(db, program.id).await?;
    let plan = program::default_plan(db, program.id).await?;
    let version = program::plan_version_at(db, plan.id, ctx.now()).await?;
    let rules: Option<PlanRules> = match version {
        Some(version) => Some(serde_json::from_value(version.rules)?),
        None => None,
    };
    let name = |rank: i32| {
        tiers
            .iter()
            .find(|t| t.rank == i64::from(rank))
            .map_or_else(|| format!("tier {rank}"), |t| t.name.clone())
    };
    let sentences = rules.as_ref().map_or_else(Vec::new, |r| r.describe(name));
    let offers = tiers
        .iter()
        .map(|tier| TierOffer {
            rate_bp: rules.as_ref().and_then(|r| best_rate(r, tier.rank)),
            tier: tier.clone(),
        })
        .collect();
    Ok(Offer {
        pitch: serde_json::from_value(program.pitch.clone())
            .map_err(|e| Error::internal(format!("the pitch of {slug}: {e}")))?,
        policy: program::policy_at(db, program.id, ctx.now()).await?,
        terms: program::terms_at(db, program.id, ctx.now()).await?,
        rules: sentences,
        tiers: offers,
        program,
    })
}

/// The best percentage that a rule without other conditions than the tier pays at a rank.
fn best_rate(rules: &PlanRules, rank: i64) -> Option<i64> {
    rules
        .rules
        .iter()
        .filter(|r| {
            r.conditions.tiers.is_empty()
                || r.conditions.tiers.iter().any(|t| i64::from(*t) == rank)
        })
        .filter_map(|r| match &r.amount {
            Amount::Percent { rate } => Some(rate.0),
            Amount::ByTier { rates } => rates
                .iter()
                .rfind(|(at, _)| i64::from(**at) <= rank)
                .map(|(_, rate)| rate.0),
            _ => None,
        })
        .max()
}
