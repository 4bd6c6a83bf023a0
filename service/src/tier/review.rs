//! The reviews that move partners.

use chrono::{DateTime, Utc};
use domain::partner::StaffRole;
use domain::tier::{self as rules, Metrics, Review};
use entity::{partner, program as programs, tier, tier_change};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
};

use super::{ladder, metrics, rank, what_if};
use crate::context::Context;
use crate::error::{Error, FieldErrors, Result};
use crate::{event, notice, program};

/// What a review changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reviewed {
    /// Partners looked at.
    pub partners: u64,
    /// Moved up.
    pub up: u64,
    /// Told that they will move down.
    pub noticed: u64,
    /// Moved down.
    pub down: u64,
    /// Recovered: their notice is taken back.
    pub recovered: u64,
    /// Would have moved down by what is counted, but have revenue in other currencies: a person
    /// decides.
    pub asked: u64,
}

/// Reviews every active partner: up at once, down where a notice has run out. New notices are given
/// by the quarterly review only. Running it again changes nothing.
///
/// # Errors
/// When the database is not available; partners reviewed before stay reviewed.
pub async fn review_all(ctx: &Context, quarterly: bool) -> Result<Reviewed> {
    let mut reviewed = Reviewed::default();
    for program in program::all(ctx.reader()).await? {
        let tiers = program::tiers(ctx.reader(), program.id).await?;
        let partners = partner::Entity::find()
            .filter(partner::Column::ProgramId.eq(program.id))
            .filter(partner::Column::Status.eq("active"))
            .order_by_asc(partner::Column::Id)
            .all(ctx.reader())
            .await?;
        if partners.is_empty() {
            continue;
        }
        let policy = program::policy_at(ctx.reader(), program.id, ctx.now()).await?;
        let terms = Terms {
            program: &program,
            tiers: &tiers,
            grace_days: u32::try_from(policy.tier_grace_days).unwrap_or(0),
            quarterly,
        };
        for owner in partners {
            reviewed.partners += 1;
            review_one(ctx, &terms, &owner, &mut reviewed).await?;
        }
    }
    Ok(reviewed)
}

/// What a program's partners are judged by.
struct Terms<'a> {
    program: &'a programs::Model,
    tiers: &'a [tier::Model],
    /// Days between a notice and the step down.
    grace_days: u32,
    quarterly: bool,
}

async fn review_one(
    ctx: &Context,
    terms: &Terms<'_>,
    owner: &partner::Model,
    reviewed: &mut Reviewed,
) -> Result<()> {
    let (program, tiers) = (terms.program, terms.tiers);
    let Some(current) = tiers.iter().find(|t| t.id == owner.tier_id) else {
        return Err(Error::Internal(format!(
            "partner {} has a foreign tier",
            owner.id
        )));
    };
    let tx = ctx.begin().await?;
    let figures = metrics(&*tx, owner.id, program, ctx.now()).await?;
    let notice = open_notice(&*tx, owner.id).await?;
    let until = notice.as_ref().map(|n| n.effective_at);
    let ladder = ladder(tiers);
    let elsewhere = what_if::uncounted(&*tx, owner.id, program, ctx.now()).await?;
    let outcome = rules::review(
        &ladder,
        rank(current),
        &figures,
        super::earns(&elsewhere),
        until,
        terms.grace_days,
        ctx.now(),
    );
    let currency = program.currency.parse().map_err(Error::internal)?;
    let explanation = rules::explain(&ladder, rank(current), &figures, currency);
    let by_rank = |wanted: i32| tiers.iter().find(|t| rank(t) == wanted).unwrap_or(current);
    let change = |to: &tier::Model, kind, explanation: String, at| New {
        owner: owner.clone(),
        from: current.clone(),
        to: to.clone(),
        kind,
        explanation,
        figures,
        effective_at: at,
    };
    let new = match outcome {
        Review::Waiting { .. } => return Ok(()),
        Review::Stay if notice.is_none() => return Ok(()),
        Review::Notice { .. } if !terms.quarterly => return Ok(()),
        Review::Decide { .. } => {
            reviewed.asked += 1;
            if notice.is_none() {
                return Ok(());
            }
            let text = format!(
                "Part of your revenue is in other currencies ({}), which is not counted. You stay {} \
                 until your partner manager has looked at both figures.",
                super::listed(&elsewhere),
                current.name
            );
            change(current, "manual", text, ctx.now())
        }
        Review::Stay => {
            reviewed.recovered += 1;
            let text = format!("The requirements of {} are met again.", current.name);
            change(current, "manual", text, ctx.now())
        }
        Review::Up { to } => {
            reviewed.up += 1;
            let to = by_rank(to);
            change(
                to,
                "promotion",
                format!("Everything for {} is met.", to.name),
                ctx.now(),
            )
        }
        Review::Notice { to, effective_at } => {
            reviewed.noticed += 1;
            change(by_rank(to), "notice", explanation, effective_at)
        }
        Review::Down { to } => {
            reviewed.down += 1;
            change(by_rank(to), "demotion", explanation, ctx.now())
        }
    };
    write(ctx, &*tx, new).await?;
    tx.commit().await?;
    Ok(())
}

/// A change to be written.
struct New {
    owner: partner::Model,
    from: tier::Model,
    to: tier::Model,
    kind: &'static str,
    explanation: String,
    figures: Metrics,
    effective_at: DateTime<Utc>,
}

async fn write(ctx: &Context, tx: &impl ConnectionTrait, new: New) -> Result<()> {
    let (owner, to) = (&new.owner, &new.to);
    tier_change::Entity::insert(tier_change::ActiveModel {
        partner_id: Set(owner.id),
        from_tier_id: Set(Some(new.from.id)),
        to_tier_id: Set(to.id),
        kind: Set(new.kind.to_owned()),
        explanation: Set(new.explanation.clone()),
        figures: Set(serde_json::to_value(new.figures)?),
        effective_at: Set(new.effective_at),
        created_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    let moves = new.kind != "notice" && to.id != new.from.id;
    if moves {
        let changed = partner::Entity::update_many()
            .col_expr(partner::Column::TierId, Expr::value(to.id))
            .col_expr(partner::Column::TierSince, Expr::value(new.effective_at))
            .filter(partner::Column::Id.eq(owner.id))
            .filter(partner::Column::TierId.eq(new.from.id))
            .exec(tx)
            .await?;
        if changed.rows_affected == 0 {
            return Err(Error::conflict(
                "The partner’s tier has just changed. Reload the page.",
            ));
        }
    }
    let (action, sentence) = match new.kind {
        "notice" => (
            "tier.notice",
            format!(
                "Your tier will change to {} on {}. {}",
                to.name,
                new.effective_at.format("%-d %B %Y"),
                new.explanation
            ),
        ),
        _ if !moves => (
            "tier.kept",
            format!("Your tier stays {}. {}", to.name, new.explanation),
        ),
        _ => (
            "tier.changed",
            format!("Your tier is now {}. {}", to.name, new.explanation),
        ),
    };
    event::Entry::new(action, "partner", owner.id, sentence.clone())
        .partner(owner.id)
        .detail(serde_json::json!({ "from": new.from.name, "to": to.name, "figures": new.figures }))
        .record(ctx, tx)
        .await?;
    notice::tell_partner(ctx, tx, owner.id, false, &sentence, "/partner").await
}

/// The notice that is running for a partner: the newest change, if it is one.
pub(crate) async fn open_notice(
    db: &impl ConnectionTrait,
    partner_id: i64,
) -> Result<Option<tier_change::Model>> {
    let newest = tier_change::Entity::find()
        .filter(tier_change::Column::PartnerId.eq(partner_id))
        .order_by_desc(tier_change::Column::Id)
        .one(db)
        .await?;
    Ok(newest.filter(|change| change.kind == "notice"))
}

/// Sets a partner's tier by hand, with a reason.
///
/// # Errors
/// [`Error::Invalid`] at `reason`; [`Error::Conflict`] when it has that tier; [`Error::NotFound`] for
/// an unknown partner or tier; [`Error::Forbidden`] for all but managers.
pub async fn set_by_hand(ctx: &Context, partner_id: i64, tier_id: i64, reason: &str) -> Result<()> {
    ctx.staff(StaffRole::Manager)?;
    let mut errors = FieldErrors::new();
    let reason = errors.check(
        "reason",
        domain::validate::required(reason, "the reason", 500),
    );
    errors.finish()?;
    let tx = ctx.begin().await?;
    let owner = partner::Entity::find_by_id(partner_id)
        .one(&*tx)
        .await?
        .ok_or(Error::NotFound)?;
    let program = program::by_id(&*tx, owner.program_id).await?;
    let tiers = program::tiers(&*tx, program.id).await?;
    let find = |id: i64| {
        tiers
            .iter()
            .find(|t| t.id == id)
            .cloned()
            .ok_or(Error::NotFound)
    };
    let (from, to) = (find(owner.tier_id)?, find(tier_id)?);
    if from.id == to.id {
        return Err(Error::conflict(format!(
            "The partner is {} already.",
            to.name
        )));
    }
    let figures = metrics(&*tx, owner.id, &program, ctx.now()).await?;
    let new = New {
        owner,
        from,
        to,
        kind: "manual",
        explanation: reason.unwrap_or_default(),
        figures,
        effective_at: ctx.now(),
    };
    write(ctx, &*tx, new).await?;
    tx.commit().await?;
    Ok(())
}
