//! Four eyes: an approval is of exactly what its person was shown.

use chrono::{DateTime, Utc};
use domain::partner::StaffRole;
use domain::payout::{Hands, LeftOut, RunStatus, approve as four_eyes};
use entity::{partner, payout_approval, payout_run, person};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect,
    sea_query::Expr,
};

use super::limits::why_second;
use super::{count, freeze, hands, locked, seen, step, totals};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::identity;
use crate::ledger::post_many;
use crate::payout::letters;

/// Approves a submitted run. `shown` is the fingerprint of what the person was shown. With the last
/// approval that it needs, its intent is frozen and it is on its way. True when that was the last one.
///
/// What people changed since is refused, with what changed. What happened by itself (a refund, another
/// standing, an account that is no longer ready) leaves that partner out with its reason; the rest is
/// approved.
///
/// # Errors
/// [`Error::Conflict`] for who composed or already approved it, for another content than was shown,
/// and when nobody is left to pay.
pub async fn approve(ctx: &Context, run_id: i64, shown: &str) -> Result<bool> {
    let person_id = ctx.staff(StaffRole::Finance)?;
    let tx = ctx.begin().await?;
    let run = locked(&*tx, run_id, RunStatus::Submitted, "approve").await?;
    let run = without_lost_approval(ctx, &*tx, run).await?;
    let composed = hands::composed(&run, &hands::all(&*tx, run_id).await?)?;
    let approvers: Vec<i64> = run.approved_by.into_iter().collect();
    let hands = Hands {
        composed: &composed,
        approvers: &approvers,
    };
    let composers = composed.iter().map(|(person, _)| *person);
    let others: Vec<i64> = composers.chain(run.approved_by).collect();
    // Whether a second one is needed was decided on the submitted figures; what this person has
    // approved today may ask for one too.
    let second = match &run.second_reason {
        Some(why) => Some(why.clone()),
        None => {
            let totals = totals(&*tx, run_id).await?;
            let people: Vec<i64> = others.iter().copied().chain([person_id]).collect();
            why_second(ctx, &*tx, &run, &totals, &people).await?
        }
    };
    let limit = (run.needs_second || second.is_some()).then_some(0);
    let complete = four_eyes(&hands, person_id, 1, limit).map_err(Error::conflict)?;
    identity::may_approve_money(ctx, &*tx, person_id, &others).await?;
    as_shown(&*tx, &run, shown).await?;
    note(ctx, &*tx, &run, person_id, shown, second.as_deref()).await?;
    let sentence = if complete {
        step(&*tx, &run, RunStatus::Approved, |update| update).await?;
        "Approved. The payouts are frozen and will be sent."
    } else {
        "Approved. Above this amount a second person has to approve too."
    };
    Entry::new("payout_run.approved", "payout_run", run_id, sentence)
        .detail(serde_json::json!({ "fingerprint": shown }))
        .record(ctx, &*tx)
        .await?;
    if complete {
        let piece = freeze::first(ctx, &*tx, &run).await?;
        if piece.last && piece.frozen == 0 {
            return Err(nobody(&*tx, &piece.left_out).await?);
        }
        post_many(ctx, &*tx, piece.entries).await?;
    } else if let Some(why) = second {
        letters::second_asked(ctx, &*tx, &run, &why).await?;
    }
    tx.commit().await?;
    Ok(complete)
}

/// The run as it counts now: a first approval of somebody who has no right to approve any more is
/// none. It stays on the timeline.
async fn without_lost_approval(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    run: payout_run::Model,
) -> Result<payout_run::Model> {
    let Some(first) = run.approved_by else {
        return Ok(run);
    };
    let person = person::Entity::find_by_id(first).one(tx).await?;
    let may = person.as_ref().is_some_and(|person| {
        let role = person.staff_role.as_deref().and_then(|r| r.parse().ok());
        person.disabled_at.is_none() && matches!(role, Some(StaffRole::Finance | StaffRole::Admin))
    });
    if may {
        return Ok(run);
    }
    payout_run::Entity::update_many()
        .col_expr(payout_run::Column::ApprovedBy, Expr::value(None::<i64>))
        .col_expr(
            payout_run::Column::ApprovedAt,
            Expr::value(None::<DateTime<Utc>>),
        )
        .filter(payout_run::Column::Id.eq(run.id))
        .filter(payout_run::Column::ApprovedBy.eq(first))
        .exec(tx)
        .await?;
    let name = person.map_or_else(|| format!("person {first}"), |person| person.name);
    let sentence = format!(
        "The approval of {name} does not count any more, because {name} is not in finance now."
    );
    Entry::new("payout_run.approval_lost", "payout_run", run.id, sentence)
        .record(ctx, tx)
        .await?;
    Ok(payout_run::Model {
        approved_by: None,
        approved_at: None,
        ..run
    })
}

/// Refuses an approval of something else than there is.
async fn as_shown(tx: &impl ConnectionTrait, run: &payout_run::Model, shown: &str) -> Result<()> {
    if shown.is_empty() {
        return Err(Error::conflict(
            "This form does not say what you were shown, so nothing was approved. Open the run’s \
             page and approve it there.",
        ));
    }
    seen::same(tx, run, shown).await?;
    let text = count::content(tx, run.id).await?.text();
    if count::fingerprint(&text) == shown {
        return Ok(());
    }
    Err(Error::conflict(
        "The run is not what was submitted. Nothing was approved. Send it back and submit it again.",
    ))
}

/// Keeps the approval, with what it was of.
async fn note(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    run: &payout_run::Model,
    person_id: i64,
    shown: &str,
    second: Option<&str>,
) -> Result<()> {
    let (by, first) = match run.approved_by {
        None => (payout_run::Column::ApprovedBy, true),
        Some(_) => (payout_run::Column::SecondApprovedBy, false),
    };
    let mut update = payout_run::Entity::update_many()
        .col_expr(by, Expr::value(person_id))
        .filter(payout_run::Column::Id.eq(run.id))
        .filter(payout_run::Column::Status.eq(RunStatus::Submitted.as_str()))
        .filter(by.is_null());
    if first {
        update = update.col_expr(payout_run::Column::ApprovedAt, Expr::value(ctx.now()));
    }
    if let Some(why) = second {
        update = update
            .col_expr(payout_run::Column::NeedsSecond, Expr::value(true))
            .col_expr(payout_run::Column::SecondReason, Expr::value(why));
    }
    if update.exec(tx).await?.rows_affected != 1 {
        return Err(Error::conflict(
            "A colleague has just approved this run. Reload the page.",
        ));
    }
    payout_approval::Entity::insert(payout_approval::ActiveModel {
        run_id: Set(run.id),
        person_id: Set(person_id),
        fingerprint: Set(shown.to_owned()),
        approved_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    Ok(())
}

/// Says that an approval would pay nobody, and why.
async fn nobody(tx: &impl ConnectionTrait, left_out: &[(i64, LeftOut)]) -> Result<Error> {
    let why = freeze::in_words(&names(tx, left_out).await?, left_out);
    Ok(Error::Conflict(format!(
        "Nobody in this run can be paid any more: {why}. Nothing was approved. Send it back and \
         submit it again."
    )))
}

/// The names of those partners that a sentence can hold.
pub(super) async fn names(
    db: &impl ConnectionTrait,
    left_out: &[(i64, LeftOut)],
) -> Result<Vec<(i64, String)>> {
    let few = left_out.iter().take(freeze::NAMED).map(|(id, _)| *id);
    Ok(partner::Entity::find()
        .select_only()
        .column(partner::Column::Id)
        .column(partner::Column::Name)
        .filter(partner::Column::Id.is_in(few))
        .into_tuple()
        .all(db)
        .await?)
}
