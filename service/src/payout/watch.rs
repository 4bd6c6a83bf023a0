//! Whether anything may be sent at all: asked before a run starts, and before sending goes on.
//!
//! Two things make every single payout right and all of them together wrong. The key may belong to
//! another account or to the other mode, where nothing that was sent is found. And the database may
//! be an old one, put back from a backup, that does not know what was sent since. Both are asked of
//! Stripe, both stop everything until a person has looked, and what is found is listed as a
//! difference ([`super::reconcile`]) that can be booked ([`super::recover`]).

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use domain::partner::StaffRole;
use entity::{discrepancy, payout, sending_stop, setting};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, OnConflict},
};
use stripe_gateway::{CallError, Gateway, Platform};

use super::account::unavailable;
use super::suspect::{self, Suspect};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::mail::Letter;
use crate::notice::{self, tell_staff};

/// Where the installation's random name stands.
pub(super) const INSTALLATION: &str = "installation";
/// Where the account and mode stand with which this installation sends.
const PLATFORM: &str = "sending:platform";
/// Where it stands up to when, by Stripe's clock, every transfer is known.
const KNOWN_UNTIL: &str = "sending:known_until";
/// Which process has looked when.
const LOOKED: &str = "sending:looked:";
/// How long a look is good for.
const GOOD_FOR: TimeDelta = TimeDelta::minutes(10);
/// How far before the newest known transfer it is looked again: two may be made at once.
const MARGIN: TimeDelta = TimeDelta::minutes(10);
/// How far back it is looked for the first time.
const FIRST_LOOK: TimeDelta = TimeDelta::days(40);

/// Nothing speaks against sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Clear {
    pub(super) platform: Platform,
    pub(super) installation: String,
    /// When and by which look it was found; the database has it too.
    look: String,
}

/// Why nothing is sent now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Waits {
    /// In words, for whoever looks at the run.
    pub(super) sentence: String,
    /// Whether somebody has to do something about it, and is told.
    pub(super) alarm: bool,
}

impl Waits {
    /// What a call that did not go well means for those who wait.
    pub(super) fn of(cause: &CallError) -> Self {
        match cause {
            refused if refused.refuses_key() => Self {
                sentence: "Stripe refuses the portal’s key. An administrator has to put it right; \
                           the transfers then go on by themselves, with the same approval."
                    .to_owned(),
                alarm: true,
            },
            CallError::Definite { message, .. } => Self {
                sentence: format!("Stripe refuses to answer: {message} It is asked again."),
                alarm: true,
            },
            CallError::RateLimited { .. } => Self {
                sentence: "Stripe asks to slow down. It goes on by itself.".to_owned(),
                alarm: false,
            },
            _ => Self {
                sentence: "Stripe cannot be reached. It is tried again every few minutes and goes \
                           on by itself."
                    .to_owned(),
                alarm: false,
            },
        }
    }
}

/// The looks of this process, by installation.
static LOOKS: LazyLock<Mutex<HashMap<String, Clear>>> = LazyLock::new(Mutex::default);
/// This process among those that look.
static PROCESS: LazyLock<String> = LazyLock::new(|| format!("{:016x}", rand::random::<u64>()));

/// The random name of this installation, made once.
///
/// # Errors
/// When the database refuses.
pub async fn installation(ctx: &Context) -> Result<String> {
    if let Some(row) = setting::Entity::find_by_id(INSTALLATION)
        .one(ctx.reader())
        .await?
    {
        return Ok(row.value);
    }
    let tx = ctx.begin().await?;
    let name = format!("{:016x}", rand::random::<u64>());
    keep_first(&*tx, INSTALLATION, &name).await?;
    let kept = read(&*tx, INSTALLATION).await?;
    tx.commit().await?;
    kept.ok_or_else(|| Error::internal("the installation has no name"))
}

async fn read(db: &impl ConnectionTrait, key: &str) -> Result<Option<String>> {
    let row = setting::Entity::find_by_id(key).one(db).await?;
    Ok(row.map(|row| row.value))
}

/// Sets a value that nobody has set yet.
async fn keep_first(tx: &impl ConnectionTrait, key: &str, value: &str) -> Result<()> {
    setting::Entity::insert(setting::ActiveModel {
        id: Set(key.to_owned()),
        value: Set(value.to_owned()),
    })
    .on_conflict(
        OnConflict::column(setting::Column::Id)
            .do_nothing()
            .to_owned(),
    )
    .exec_without_returning(tx)
    .await?;
    Ok(())
}

async fn keep(tx: &impl ConnectionTrait, key: &str, value: &str) -> Result<()> {
    setting::Entity::insert(setting::ActiveModel {
        id: Set(key.to_owned()),
        value: Set(value.to_owned()),
    })
    .on_conflict(
        OnConflict::column(setting::Column::Id)
            .update_column(setting::Column::Value)
            .to_owned(),
    )
    .exec_without_returning(tx)
    .await?;
    Ok(())
}

/// Looks whether anything may be sent. `anew` asks Stripe whatever was found a moment ago.
///
/// # Errors
/// When the database is not available; what Stripe answers is never an error here.
pub(super) async fn look(
    ctx: &Context,
    gateway: &dyn Gateway,
    anew: bool,
) -> Result<std::result::Result<Clear, Waits>> {
    let installation = installation(ctx).await?;
    let stops = stops(ctx.reader()).await?;
    if let Some(stop) = stops.iter().find(|stop| stop.kind != OTHER_PLATFORM) {
        return Ok(Err(stopped(stop)));
    }
    if !anew && stops.is_empty() {
        let known = LOOKS.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get(&installation).cloned();
        if let Some(clear) = known.filter(|clear| good(&clear.look, ctx.now())) {
            return Ok(Ok(clear));
        }
    }
    let platform = match gateway.platform().await {
        Ok(platform) => platform,
        Err(cause) => return Ok(Err(Waits::of(&cause))),
    };
    if let Some(stop) = same_platform(ctx, &platform).await? {
        return Ok(Err(stopped(&stop)));
    }
    let since = since(ctx).await?;
    let listed = match gateway.list_transfers(since).await {
        Ok(listed) => listed,
        Err(cause) => return Ok(Err(Waits::of(&cause))),
    };
    let suspects = suspect::among(ctx, &installation, &listed).await?;
    if let Some(stop) = stop_for(ctx, &suspects).await? {
        return Ok(Err(stopped(&stop)));
    }
    let until = listed.iter().map(|t| t.created).max();
    let clear = Clear {
        platform,
        installation,
        look: format!("{}|{:016x}", ctx.now().to_rfc3339(), rand::random::<u64>()),
    };
    note(ctx, &clear, until).await?;
    Ok(Ok(clear))
}

fn stopped(stop: &sending_stop::Model) -> Waits {
    Waits {
        sentence: stop.why.clone(),
        // Whoever it concerns was told when it was stopped.
        alarm: false,
    }
}

fn good(look: &str, now: DateTime<Utc>) -> bool {
    let at = look
        .split('|')
        .next()
        .and_then(|at| at.parse::<DateTime<Utc>>().ok());
    at.is_some_and(|at| at <= now && now - at < GOOD_FOR)
}

/// From when on transfers are asked for: since all were known, by Stripe's clock.
async fn since(ctx: &Context) -> Result<DateTime<Utc>> {
    if let Some(until) = read(ctx.reader(), KNOWN_UNTIL).await? {
        let until: DateTime<Utc> = until.parse().map_err(Error::internal)?;
        return Ok(until - MARGIN);
    }
    let newest = payout::Entity::find()
        .order_by_desc(payout::Column::Id)
        .one(ctx.reader())
        .await?
        .map_or(ctx.now(), |newest| newest.created_at.min(ctx.now()));
    Ok(newest - FIRST_LOOK)
}

/// Notes a look that found nothing, in this process and in the database: one that was put back does
/// not have it.
async fn note(ctx: &Context, clear: &Clear, until: Option<DateTime<Utc>>) -> Result<()> {
    let tx = ctx.begin().await?;
    setting::Entity::delete_many()
        .filter(setting::Column::Id.starts_with(LOOKED))
        .filter(setting::Column::Value.lt((ctx.now() - TimeDelta::days(1)).to_rfc3339()))
        .exec(&*tx)
        .await?;
    keep(&*tx, &format!("{LOOKED}{}", *PROCESS), &clear.look).await?;
    if let Some(until) = until {
        keep(&*tx, KNOWN_UNTIL, &until.to_rfc3339()).await?;
    }
    tx.commit().await?;
    let mut looks = LOOKS.lock().unwrap_or_else(PoisonError::into_inner);
    looks.insert(clear.installation.clone(), clear.clone());
    Ok(())
}

/// Asked by the transaction that claims a payout: whether the look still holds in this database, and
/// nothing was stopped since.
pub(super) async fn still(tx: &impl ConnectionTrait, clear: &Clear) -> Result<bool> {
    let look = read(tx, &format!("{LOOKED}{}", *PROCESS)).await?;
    Ok(look.as_deref() == Some(&clear.look) && stops(tx).await?.is_empty())
}

/// What stops sending now, oldest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn stops(db: &impl ConnectionTrait) -> Result<Vec<sending_stop::Model>> {
    Ok(sending_stop::Entity::find()
        .filter(sending_stop::Column::ReleasedAt.is_null())
        .order_by_asc(sending_stop::Column::Id)
        .all(db)
        .await?)
}

const OTHER_PLATFORM: &str = "platform";
const UNKNOWN_TRANSFERS: &str = "unknown_transfers";

fn named(platform: &Platform) -> String {
    let mode = if platform.livemode { "live" } else { "test" };
    format!("{} ({mode} mode)", platform.account)
}

/// Holds the account and mode against those with which this installation has sent so far. Others
/// stop everything; when the key is put right it goes on by itself.
pub(super) async fn same_platform(
    ctx: &Context,
    platform: &Platform,
) -> Result<Option<sending_stop::Model>> {
    let now = named(platform);
    let known = read(ctx.reader(), PLATFORM).await?;
    let open = stops(ctx.reader()).await?;
    let open = open.into_iter().find(|stop| stop.kind == OTHER_PLATFORM);
    if known.as_deref() == Some(&now) && open.is_none() {
        return Ok(None);
    }
    let tx = ctx.begin().await?;
    keep_first(&*tx, PLATFORM, &now).await?;
    let known = read(&*tx, PLATFORM).await?.unwrap_or_default();
    if known == now {
        if let Some(open) = open {
            let reason = "The key belongs to the account of before again.";
            release_row(ctx, &*tx, &open, None, reason).await?;
        }
        tx.commit().await?;
        return Ok(None);
    }
    let why = format!(
        "The portal’s key belongs to {now}, and everything so far was sent with {known}. Nothing is \
         sent until the key is put right."
    );
    stop(ctx, &*tx, OTHER_PLATFORM, &why).await?;
    let stop = stops(&*tx).await?;
    tx.commit().await?;
    Ok(stop.into_iter().find(|stop| stop.kind == OTHER_PLATFORM))
}

/// Stops everything for transfers that this database does not know, and lists them.
pub(super) async fn stop_for(
    ctx: &Context,
    suspects: &[Suspect],
) -> Result<Option<sending_stop::Model>> {
    if suspects.is_empty() {
        return Ok(None);
    }
    let tx = ctx.begin().await?;
    let mut open = 0;
    for suspect in suspects {
        open += u64::from(suspect::list(ctx, &*tx, suspect).await?);
    }
    if open == 0 {
        // A person has dealt with each of them.
        tx.commit().await?;
        return Ok(None);
    }
    let transfers = if open == 1 {
        "a transfer of the portal’s that this database does not know as sent".to_owned()
    } else {
        format!("{open} transfers of the portal’s that this database does not know as sent")
    };
    let why = format!(
        "Stripe lists {transfers}, as after a backup was put back. Nothing is sent until each is \
         booked or explained under Reconciliation and somebody lets sending go on."
    );
    stop(ctx, &*tx, UNKNOWN_TRANSFERS, &why).await?;
    let stops = stops(&*tx).await?;
    tx.commit().await?;
    Ok(stops
        .into_iter()
        .find(|stop| stop.kind == UNKNOWN_TRANSFERS))
}

/// Stops sending once, and tells those who can do something about it.
async fn stop(ctx: &Context, tx: &impl ConnectionTrait, kind: &str, why: &str) -> Result<()> {
    let made = sending_stop::Entity::insert(sending_stop::ActiveModel {
        kind: Set(kind.to_owned()),
        why: Set(why.to_owned()),
        stopped_at: Set(ctx.now()),
        ..Default::default()
    })
    .on_conflict(OnConflict::new().do_nothing().to_owned())
    .exec_without_returning(tx)
    .await?;
    if made != 1 {
        return Ok(());
    }
    tracing::error!(kind, why, "sending is stopped");
    Entry::new("sending.stopped", "sending", 0, why)
        .internal()
        .record(ctx, tx)
        .await?;
    let letter = Letter::new("No payouts are sent until somebody has looked").text(why);
    tell_staff(ctx, tx, notice::FINANCE, letter, "/finance/reconciliation").await
}

async fn release_row(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    stop: &sending_stop::Model,
    person_id: Option<i64>,
    reason: &str,
) -> Result<bool> {
    let released = sending_stop::Entity::update_many()
        .col_expr(sending_stop::Column::ReleasedAt, Expr::value(ctx.now()))
        .col_expr(sending_stop::Column::ReleasedBy, Expr::value(person_id))
        .col_expr(sending_stop::Column::Reason, Expr::value(reason))
        .filter(sending_stop::Column::Id.eq(stop.id))
        .filter(sending_stop::Column::ReleasedAt.is_null())
        .exec(tx)
        .await?
        .rows_affected;
    if released == 1 {
        Entry::new(
            "sending.released",
            "sending",
            0,
            format!("Sending goes on: {reason}"),
        )
        .internal()
        .record(ctx, tx)
        .await?;
    }
    Ok(released == 1)
}

/// Lets sending go on once everything that stopped it is dealt with. An admin may say with it that
/// the key's account is the right one from now on, while nothing is on its way at the old one.
///
/// # Errors
/// [`Error::Invalid`] without a reason; [`Error::Conflict`] while a transfer is neither booked nor
/// explained, while payouts are open at the account of before, and when nothing is stopped;
/// [`Error::Unavailable`] when Stripe does not say whose the key is.
pub async fn release(ctx: &Context, gateway: &dyn Gateway, reason: &str) -> Result<()> {
    let person_id = ctx.staff(StaffRole::Finance)?;
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Error::field(
            "reason",
            "Say what was found and done; the auditors will ask.",
        ));
    }
    let other = stops(ctx.reader()).await?;
    let platform = if other.iter().any(|stop| stop.kind == OTHER_PLATFORM) {
        ctx.staff(StaffRole::Admin)?;
        let asked = gateway.platform().await;
        Some(asked.map_err(|e| unavailable("Stripe does not say whose the key is.", e))?)
    } else {
        None
    };
    let tx = ctx.begin().await?;
    nothing_open(&*tx, platform.is_some()).await?;
    if let Some(platform) = &platform {
        keep(&*tx, PLATFORM, &named(platform)).await?;
    }
    let mut released = false;
    for stop in &stops(&*tx).await? {
        released |= release_row(ctx, &*tx, stop, Some(person_id), reason).await?;
    }
    if !released {
        return Err(Error::conflict("Nothing is stopped. Reload the page."));
    }
    tx.commit().await?;
    Ok(())
}

/// Refuses while something is left to be dealt with.
async fn nothing_open(tx: &impl ConnectionTrait, moves: bool) -> Result<()> {
    let open = discrepancy::Entity::find()
        .filter(discrepancy::Column::SettledAt.is_null())
        .filter(discrepancy::Column::Kind.is_in(suspect::KINDS))
        .one(tx)
        .await?;
    if let Some(open) = open {
        return Err(Error::Conflict(format!(
            "{} Book it or say how it is explained first.",
            open.description
        )));
    }
    let sent = payout::Entity::find()
        .filter(payout::Column::Status.is_in(["sending", "unknown"]))
        .one(tx)
        .await?;
    match sent.filter(|_| moves) {
        Some(sent) => Err(Error::Conflict(format!(
            "Payout {} was sent with the account of before and is not settled. Put the key right, or \
             answer what is asked about it first.",
            sent.id
        ))),
        None => Ok(()),
    }
}
