//! Sending what a run has frozen, so that nothing is paid twice and nothing is lost.
//!
//! Every function takes a payout one step further from whatever state it finds and may be called
//! again at any time, by any process. Stripe is called outside database transactions.

mod claim;
mod outcome;
mod start;

use chrono::TimeDelta;
use domain::money::Money;
use domain::payout::evidence::{self, Evidence, Frozen, Listed};
use domain::payout::{LeftOut, PayoutStatus};
use entity::payout;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::Expr};
use stripe_gateway::billing::Transfer;
use stripe_gateway::{CallError, Gateway, NewTransfer};

use super::watch::{self, Clear, Waits};
use super::{Next, country, money, question, run, sweep};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::mail::Letter;
use crate::notice::{self, tell_staff};
use claim::{Claim, claim};
use outcome::turned_away;
pub(super) use outcome::{failed, succeeded};
pub use start::start_run;

/// Stripe keeps an idempotency key for 24 hours at least (v1). Until this long after the first try
/// the same request is sent again under the same key; afterwards a person decides.
const KEY_LIVES: TimeDelta = TimeDelta::hours(20);
/// How far the clock may have been put back since the first try without anybody being asked.
const CLOCK_MOVES: TimeDelta = TimeDelta::minutes(5);
/// How often a run that waits for balance looks again.
const BALANCE_WAIT: TimeDelta = TimeDelta::minutes(15);
/// How often what waits for Stripe or for a person looks again.
const STRIPE_WAIT: TimeDelta = TimeDelta::minutes(2);
/// How often Stripe is asked again while a person is.
const QUESTION_WAIT: TimeDelta = TimeDelta::hours(1);

/// What people call a payout, and the group of transfers sent before groups had the installation's
/// part.
pub fn reference(payout_id: i64) -> String {
    evidence::legacy_group(payout_id)
}

/// What was fixed before the money moved, owned.
pub(super) struct Own {
    id: i64,
    amount: Money,
    destination: String,
    pub(super) group: String,
    key: Option<String>,
    installation: Option<String>,
}

impl Own {
    pub(super) fn as_ref(&self) -> Frozen<'_> {
        Frozen {
            id: self.id,
            amount: self.amount,
            destination: &self.destination,
            group: &self.group,
            key: self.key.as_deref(),
            installation: self.installation.as_deref(),
        }
    }
}

/// What a payout's transfer has to show. One that was sent without a group of its own was sent before
/// there were such.
pub(super) fn frozen(row: &payout::Model, installation: &str) -> Result<Own> {
    let legacy = row.transfer_group.is_none() && row.sent_at.is_some();
    let group = match &row.transfer_group {
        Some(group) => group.clone(),
        None if legacy => evidence::legacy_group(row.id),
        None => evidence::group(installation, row.id),
    };
    Ok(Own {
        id: row.id,
        amount: money(row.amount, &row.currency)?,
        destination: row.destination.clone(),
        group,
        key: (!legacy).then(|| row.idempotency_key.clone()),
        installation: (!legacy).then(|| installation.to_owned()),
    })
}

/// A transfer as far as it proves something.
pub(super) fn listed(transfer: &Transfer) -> Listed {
    let said = |name: &str| transfer.metadata.get(name).cloned();
    Listed {
        id: transfer.id.clone(),
        amount: transfer.amount,
        reversed: transfer.amount_reversed.minor,
        destination: transfer.destination.clone(),
        group: transfer.transfer_group.clone(),
        payout: said(evidence::PAYOUT),
        key: said(evidence::KEY),
        installation: said(evidence::INSTALLATION),
    }
}

/// Takes one payout a step further.
///
/// # Errors
/// When the database is not available; what Stripe answers is never an error here but a state.
pub async fn work(ctx: &Context, gateway: &dyn Gateway, payout_id: i64) -> Result<Next> {
    let row = find(ctx, payout_id).await?;
    match row.status.parse().map_err(Error::internal)? {
        PayoutStatus::Intended => match watch::look(ctx, gateway, false).await? {
            Ok(clear) => call(ctx, gateway, row, PayoutStatus::Intended, &clear).await,
            Err(waits) => wait_for(ctx, row.run_id, &waits, STRIPE_WAIT).await,
        },
        // The worker that was sending died: what became of its call is not known.
        PayoutStatus::Sending => {
            lose_track(ctx, &row).await?;
            settle(ctx, gateway, find(ctx, payout_id).await?).await
        }
        PayoutStatus::Unknown => settle(ctx, gateway, row).await,
        PayoutStatus::Paid | PayoutStatus::Failed | PayoutStatus::Reversed => {
            run::finish(ctx, row.run_id).await?;
            Ok(Next::Done)
        }
    }
}

pub(super) async fn find(ctx: &Context, payout_id: i64) -> Result<payout::Model> {
    payout::Entity::find_by_id(payout_id)
        .one(ctx.reader())
        .await?
        .ok_or(Error::NotFound)
}

/// Notes on the run what it waits for, tells those who can do something about it once, and looks
/// again later. The approval stands.
pub(super) async fn wait_for(
    ctx: &Context,
    run_id: i64,
    waits: &Waits,
    wait: TimeDelta,
) -> Result<Next> {
    let tx = ctx.begin().await?;
    let new = sweep::waits(ctx, &*tx, run_id, Some(&waits.sentence)).await?;
    if new && waits.alarm {
        let letter = Letter::new("A payout run cannot go on").text(waits.sentence.clone());
        let path = format!("/finance/runs/{run_id}");
        tell_staff(ctx, &*tx, notice::FINANCE, letter, &path).await?;
    }
    tx.commit().await?;
    Ok(Next::Again(ctx.now() + wait))
}

/// Compare-and-set of a payout's state after a call; false when another process was first.
async fn move_to(
    db: &impl ConnectionTrait,
    row: &payout::Model,
    from: PayoutStatus,
    to: PayoutStatus,
) -> Result<bool> {
    PayoutStatus::MACHINE
        .check(from, to)
        .map_err(Error::internal)?;
    let moved = payout::Entity::update_many()
        .col_expr(payout::Column::Status, Expr::value(to.as_str()))
        .filter(payout::Column::Id.eq(row.id))
        .filter(payout::Column::Status.eq(from.as_str()))
        .exec(db)
        .await?
        .rows_affected;
    Ok(moved == 1)
}

async fn lose_track(ctx: &Context, row: &payout::Model) -> Result<()> {
    move_to(
        ctx.reader(),
        row,
        PayoutStatus::Sending,
        PayoutStatus::Unknown,
    )
    .await?;
    Ok(())
}

/// Nothing was done, and Stripe said so: back to where it was before the claim. One that Stripe has
/// never seen forgets that it was tried; `anew` gives the next try a key of its own.
async fn put_back(ctx: &Context, row: &payout::Model, to: PayoutStatus, anew: bool) -> Result<()> {
    use payout::Column;
    PayoutStatus::MACHINE
        .check(PayoutStatus::Sending, to)
        .map_err(Error::internal)?;
    let mut update = payout::Entity::update_many()
        .col_expr(Column::Status, Expr::value(to.as_str()))
        .filter(Column::Id.eq(row.id))
        .filter(Column::Status.eq(PayoutStatus::Sending.as_str()))
        .filter(Column::Attempts.eq(row.attempts));
    if to == PayoutStatus::Intended {
        update = update
            .col_expr(
                Column::SentAt,
                Expr::value(None::<chrono::DateTime<chrono::Utc>>),
            )
            .col_expr(Column::Platform, Expr::value(None::<String>))
            .col_expr(Column::Livemode, Expr::value(None::<bool>));
    }
    if anew {
        update = update.col_expr(Column::KeyRound, Expr::value(row.key_round + 1));
    }
    update.exec(ctx.reader()).await?;
    Ok(())
}

/// The key of a payout's request. A refusal is kept for its key, so what is tried again after one has
/// another.
fn request_key(row: &payout::Model) -> String {
    match row.key_round {
        0 => row.idempotency_key.clone(),
        round => format!("{}-{round}", row.idempotency_key),
    }
}

/// Claims the payout and calls Stripe, with the payout's own key, always the same.
async fn call(
    ctx: &Context,
    gateway: &dyn Gateway,
    row: payout::Model,
    from: PayoutStatus,
    clear: &Clear,
) -> Result<Next> {
    let row = match claim(ctx, &row, from, clear).await? {
        Claim::Taken(row) => *row,
        // Whoever was first may die over it: its job is not this one's to end.
        Claim::Lost => return Ok(Next::Again(ctx.now() + wait(row.attempts))),
        Claim::Held => return Ok(Next::Again(ctx.now() + STRIPE_WAIT)),
        // What may be on its way stays as it is, and is not sent again.
        Claim::Refused(_) if from != PayoutStatus::Intended => {
            return Ok(Next::Again(ctx.now() + QUESTION_WAIT));
        }
        Claim::Refused(reason) => return turned_away(ctx, &row, reason).await,
    };
    let new = NewTransfer {
        amount: money(row.amount, &row.currency)?,
        destination: row.destination.clone(),
        transfer_group: frozen(&row, &clear.installation)?.group,
        description: format!("Commission payout {}", reference(row.id)),
        metadata: claim::metadata(&row, &clear.installation),
    };
    match gateway.create_transfer(&new, &request_key(&row)).await {
        Ok(transfer) => made(ctx, &row, &clear.installation, &transfer).await,
        Err(short) if short.is_insufficient_balance() => {
            put_back(ctx, &row, PayoutStatus::Intended, true).await?;
            start::wait_for_balance(ctx, row.run_id).await
        }
        Err(refused) if refused.refuses_key() => {
            put_back(ctx, &row, from, false).await?;
            wait_for(ctx, row.run_id, &Waits::of(&refused), STRIPE_WAIT).await
        }
        Err(CallError::RateLimited { retry_after }) => {
            put_back(ctx, &row, from, false).await?;
            let asked = retry_after.and_then(|wait| TimeDelta::from_std(wait).ok());
            let wait = asked.unwrap_or_else(|| wait(row.attempts));
            Ok(Next::Again(ctx.now() + wait.min(QUESTION_WAIT)))
        }
        Err(away @ CallError::NotSent { .. }) => {
            put_back(ctx, &row, from, false).await?;
            let seconds = wait(row.attempts).min(STRIPE_WAIT);
            wait_for(ctx, row.run_id, &Waits::of(&away), seconds).await
        }
        Err(refusal) if country::is_refusal(&refusal) => {
            let account = Some(row.destination.as_str());
            let said = refusal.to_string();
            country::remember(ctx, row.partner_id, account, &said).await?;
            let cause = format!("{}.", LeftOut::CountryNotPaid.label());
            let closes = question::Close::Machine;
            failed(ctx, &row, PayoutStatus::Sending, &cause, closes).await
        }
        Err(CallError::Definite { message, .. }) => {
            let closes = question::Close::Machine;
            failed(ctx, &row, PayoutStatus::Sending, &message, closes).await
        }
        Err(unclear) => {
            tracing::warn!(payout = row.id, cause = %unclear, "transfer outcome unclear");
            lose_track(ctx, &row).await?;
            Ok(Next::Again(ctx.now() + wait(row.attempts)))
        }
    }
}

/// Stripe answered with a transfer. Even that is believed only when it fits.
async fn made(
    ctx: &Context,
    row: &payout::Model,
    installation: &str,
    transfer: &Transfer,
) -> Result<Next> {
    let misfit = evidence::misfit(&frozen(row, installation)?.as_ref(), &listed(transfer));
    if let Some(why) = misfit {
        tracing::error!(payout = row.id, transfer = %transfer.id, why, "another transfer was made");
        lose_track(ctx, row).await?;
        return Ok(Next::Again(ctx.now() + wait(row.attempts)));
    }
    sweep::waits(ctx, ctx.reader(), row.run_id, None).await?;
    let closes = question::Close::Machine;
    succeeded(ctx, row, PayoutStatus::Sending, transfer, closes).await
}

/// 2 s, 4 s, 8 s … up to about an hour.
fn wait(attempts: i64) -> TimeDelta {
    TimeDelta::seconds(2 << attempts.clamp(0, 11))
}

/// What Stripe says about an unclear payout now.
pub(super) enum Said {
    /// Its transfer.
    Paid(Box<Transfer>),
    /// Nothing in its group.
    Nothing,
    /// What cannot be believed.
    Strange(String),
    /// It did not say.
    Waits(Waits),
}

/// Asks Stripe what became of an unclear payout, with the account it was sent with and no other: at
/// another every list is empty.
pub(super) async fn ask(
    ctx: &Context,
    gateway: &dyn Gateway,
    row: &payout::Model,
) -> Result<(Said, Vec<Transfer>)> {
    let none = |waits| Ok((Said::Waits(waits), Vec::new()));
    let platform = match gateway.platform().await {
        Ok(platform) => platform,
        Err(cause) => return none(Waits::of(&cause)),
    };
    let stopped = watch::same_platform(ctx, &platform).await?;
    let sent_by = row.platform.as_deref().unwrap_or(&platform.account);
    let mode = row.livemode.unwrap_or(platform.livemode);
    if stopped.is_some() || sent_by != platform.account || mode != platform.livemode {
        let sentence = stopped.map_or_else(
            || {
                format!(
                    "This was sent with {sent_by}; the portal’s key belongs to another account."
                )
            },
            |stop| stop.why,
        );
        return none(Waits {
            sentence,
            alarm: false,
        });
    }
    let installation = watch::installation(ctx).await?;
    let own = frozen(row, &installation)?;
    let found = match gateway.find_transfers(&own.group).await {
        Ok(found) => found,
        Err(cause) => return none(Waits::of(&cause)),
    };
    let seen: Vec<Listed> = found.iter().map(listed).collect();
    let said = match evidence::weigh(&own.as_ref(), &seen) {
        Evidence::Paid { at } => found
            .get(at)
            .map_or(Said::Nothing, |found| Said::Paid(Box::new(found.clone()))),
        Evidence::NotThere => Said::Nothing,
        Evidence::Contradiction { why } => Said::Strange(why),
    };
    Ok((said, found))
}

/// Finds out from Stripe what became of an unclear payout.
pub(super) async fn settle(
    ctx: &Context,
    gateway: &dyn Gateway,
    row: payout::Model,
) -> Result<Next> {
    let (said, _) = ask(ctx, gateway, &row).await?;
    match said {
        Said::Paid(transfer) => {
            sweep::waits(ctx, ctx.reader(), row.run_id, None).await?;
            let closes = question::Close::Machine;
            succeeded(ctx, &row, PayoutStatus::Unknown, &transfer, closes).await
        }
        Said::Strange(why) => {
            question::put(ctx, &row, &why).await?;
            Ok(Next::Again(ctx.now() + QUESTION_WAIT))
        }
        Said::Waits(waits) => {
            let soon = wait(row.attempts).min(STRIPE_WAIT);
            wait_for(ctx, row.run_id, &waits, soon).await
        }
        Said::Nothing => nothing_there(ctx, gateway, row).await,
    }
}

/// Stripe lists nothing. That proves nothing about a request on its way, and less the longer the
/// clock says it takes: clocks jump. While Stripe keeps the key the same request is sent again;
/// afterwards only a person can say what happened.
async fn nothing_there(ctx: &Context, gateway: &dyn Gateway, row: payout::Model) -> Result<Next> {
    let since = ctx.now() - row.sent_at.unwrap_or(row.created_at);
    let asked = question::open(ctx.reader(), row.id).await?.is_some();
    if !asked && (-CLOCK_MOVES..KEY_LIVES).contains(&since) {
        return match watch::look(ctx, gateway, false).await? {
            Ok(clear) => call(ctx, gateway, row, PayoutStatus::Unknown, &clear).await,
            Err(waits) => wait_for(ctx, row.run_id, &waits, STRIPE_WAIT).await,
        };
    }
    let why = "It is not known whether Stripe made this transfer: no answer came, Stripe lists none, \
               and it is too late to send the same request again safely.";
    question::put(ctx, &row, why).await?;
    Ok(Next::Again(ctx.now() + QUESTION_WAIT))
}
