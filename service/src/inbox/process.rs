//! Works off what has been stored.

use chrono::TimeDelta;
use entity::webhook_event;
use sea_orm::sea_query::{Expr, LockBehavior, LockType};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use stripe_gateway::Gateway;

use super::fetch::Fetched;
use super::foreign::{Foreign, tell_of_mode};
use super::item::{Item, Read, item, read_all};
use super::kept;
use crate::billing::apply::{Done, Trouble, Wish};
use crate::billing::change::News;
use crate::bulk;
use crate::context::Context;
use crate::error::{Error, Result};

/// Tries before an event is left for a person to look at.
const ATTEMPTS: i64 = 15;
/// Tries before a row that is there already is no longer taken for somebody who was faster.
const DUPLICATES: i64 = 5;
/// Rounds of asking Stripe for one event: a refund leads to a payment, that to an invoice, and that
/// to a customer and how its balance came about.
const ROUNDS: usize = 6;

/// What one call did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Worked {
    /// Events acted on.
    pub processed: u64,
    /// Events the portal has no use for.
    pub ignored: u64,
    /// Events that cannot be handled.
    pub failed: u64,
    /// Events that will be tried again.
    pub waiting: u64,
}

impl Worked {
    /// How many events were taken from the inbox.
    pub fn total(&self) -> u64 {
        self.processed + self.ignored + self.failed + self.waiting
    }

    fn add(&mut self, other: Self) {
        self.processed += other.processed;
        self.ignored += other.ignored;
        self.failed += other.failed;
        self.waiting += other.waiting;
    }
}

/// What becomes of one event.
#[derive(Debug)]
enum Verdict {
    Processed,
    /// It has no meaning here, or is not the program's business.
    Ignored(Option<Foreign>),
    /// It never can be handled.
    Failed(String),
    /// Try again later.
    Again(String),
    /// It cannot be judged before Stripe lists what is named here.
    Keep(String),
    /// Ask Stripe first.
    Needs(Wish),
}

/// Takes up to `limit` waiting events from the inbox, oldest first, and handles them in one
/// transaction; what has to be asked of Stripe first is asked outside of it. Several processes may
/// do this at the same time.
///
/// # Errors
/// When the database is not available. What is wrong with an event is written to the event.
pub async fn process_batch(ctx: &Context, gateway: &dyn Gateway, limit: u64) -> Result<Worked> {
    let mut open = Vec::new();
    let live = gateway.livemode();
    let mut worked = match first_pass(ctx, live, None, limit, &mut open).await {
        Ok(worked) => worked,
        Err(error) => {
            // One event spoils the batch, or another process was faster: each by itself.
            tracing::warn!(%error, "a batch of webhook events is handled one by one");
            one_by_one(ctx, live, limit, &mut open).await?
        }
    };
    if !open.is_empty() {
        worked.add(with_stripe(ctx, gateway, open).await?);
    }
    Ok(worked)
}

/// Handles each waiting event in a transaction of its own.
async fn one_by_one(
    ctx: &Context,
    live: bool,
    limit: u64,
    open: &mut Vec<(Item, Wish)>,
) -> Result<Worked> {
    let ids: Vec<i64> = waiting(ctx)
        .select_only()
        .column(webhook_event::Column::Id)
        .limit(limit)
        .into_tuple()
        .all(ctx.reader())
        .await?;
    let mut worked = Worked::default();
    for id in ids {
        match first_pass(ctx, live, Some(&[id]), 1, open).await {
            Ok(one) => worked.add(one),
            Err(error) => worked.add(put_off(ctx, &[id], &Cause::of(&error)).await?),
        }
    }
    Ok(worked)
}

/// Why events are put off.
struct Cause {
    sentence: String,
    /// The database refuses what another row has already. If that was somebody who was faster, the
    /// next try knows of it; if it goes on, it never ends.
    duplicate: bool,
}

impl Cause {
    fn of(error: &Error) -> Self {
        Self {
            sentence: error.to_string(),
            duplicate: matches!(error, Error::Conflict(_)),
        }
    }

    fn verdict(&self, item: &Item) -> Verdict {
        if self.duplicate && item.attempts + 1 >= DUPLICATES {
            return Verdict::Failed(format!(
                "It cannot be booked: again and again the database has refused it, because a row of \
                 its kind is there already. {}",
                self.sentence
            ));
        }
        Verdict::Again(self.sentence.clone())
    }
}

/// Has events tried again later, because of what went wrong.
async fn put_off(ctx: &Context, ids: &[i64], cause: &Cause) -> Result<Worked> {
    let tx = ctx.begin().await?;
    let items = claim(ctx, &*tx, Some(ids), 0).await?;
    let verdicts = items
        .into_iter()
        .map(|row| item(row, Read::Nothing))
        .map(|item| {
            let verdict = cause.verdict(&item);
            (item, verdict)
        })
        .collect();
    let worked = mark(ctx, &*tx, verdicts).await?;
    tx.commit().await?;
    Ok(worked)
}

/// One transaction over events, without asking Stripe.
async fn first_pass(
    ctx: &Context,
    live: bool,
    ids: Option<&[i64]>,
    limit: u64,
    open: &mut Vec<(Item, Wish)>,
) -> Result<Worked> {
    let tx = ctx.begin().await?;
    let items = read_all(claim(ctx, &*tx, ids, limit).await?, live);
    if items.is_empty() {
        return Ok(Worked::default());
    }
    let verdicts = judge(ctx, &*tx, items, &Fetched::default()).await?;
    let mut decided = Vec::with_capacity(verdicts.len());
    let mut needs = Vec::new();
    for (item, verdict) in verdicts {
        match verdict {
            Verdict::Needs(wish) => needs.push((item, wish)),
            verdict => decided.push((item, verdict)),
        }
    }
    // For the others this is a lease: nobody else takes them while Stripe is asked.
    lease(ctx, &*tx, &needs).await?;
    let worked = mark(ctx, &*tx, decided).await?;
    tx.commit().await?;
    open.extend(needs);
    Ok(worked)
}

/// The waiting events, oldest first.
fn waiting(ctx: &Context) -> sea_orm::Select<webhook_event::Entity> {
    webhook_event::Entity::find()
        .filter(webhook_event::Column::Status.eq("received"))
        .filter(
            Condition::any()
                .add(webhook_event::Column::NextAttemptAt.is_null())
                .add(webhook_event::Column::NextAttemptAt.lte(ctx.now())),
        )
        .order_by_asc(webhook_event::Column::Id)
}

/// Takes events for this transaction: any that wait, or those named.
async fn claim(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    ids: Option<&[i64]>,
    limit: u64,
) -> Result<Vec<webhook_event::Model>> {
    let mut query = match ids {
        None => waiting(ctx).limit(limit),
        Some(ids) => webhook_event::Entity::find()
            .filter(webhook_event::Column::Id.is_in(ids.iter().copied()))
            .filter(webhook_event::Column::Status.eq("received"))
            .order_by_asc(webhook_event::Column::Id),
    };
    if tx.get_database_backend() == DbBackend::Postgres {
        query = query.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    }
    Ok(query.all(tx).await?)
}

/// Handles what can be handled and says what becomes of each event.
async fn judge(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    items: Vec<Item>,
    fetched: &Fetched,
) -> Result<Vec<(Item, Verdict)>> {
    let told: Vec<&News> = items.iter().filter_map(Item::news).collect();
    let better: Vec<Option<News>> = told.iter().map(|news| fetched.instead_of(news)).collect();
    let extra = fetched.news.len();
    let mut news: Vec<&News> = fetched.news.iter().collect();
    news.extend(
        told.into_iter()
            .zip(&better)
            .map(|(told, better)| better.as_ref().unwrap_or(told)),
    );
    let answers = if news.is_empty() {
        Vec::new()
    } else {
        crate::billing::handle(ctx, tx, &news, extra, &fetched.absent).await?
    };
    let known = news
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| answer.is_ok());
    kept::wake(ctx, tx, known.map(|(news, _)| &news.change)).await?;
    let mut answers = answers.into_iter();
    // What was fetched may itself lead on to something.
    let mut further: Vec<Wish> = Vec::new();
    for answer in answers.by_ref().take(extra) {
        if let Err(Trouble::Needs(wish)) = answer {
            further.push(wish);
        }
    }
    let mut further = further
        .into_iter()
        .filter(|wish| !fetched.asked.contains(wish));
    let mut next = further.next();
    let mut verdicts = Vec::with_capacity(items.len());
    for item in items {
        let verdict = match &item.read {
            Read::Bad(cause) => Verdict::Failed(cause.clone()),
            Read::Nothing => Verdict::Ignored(None),
            Read::Foreign(why) => Verdict::Ignored(Some(why.clone())),
            Read::News(_) => match answers.next() {
                Some(Ok(Done::Processed)) => Verdict::Processed,
                Some(Ok(Done::Ignored)) => Verdict::Ignored(None),
                Some(Err(Trouble::Bad(cause))) => Verdict::Failed(cause),
                Some(Err(Trouble::Waits(name))) => Verdict::Keep(name),
                Some(Err(Trouble::Needs(wish))) if fetched.asked.contains(&wish) => {
                    match next.take().or_else(|| further.next()) {
                        Some(wish) => Verdict::Needs(wish),
                        None => match fetched.missing(&wish) {
                            Some(name) => Verdict::Keep(name.to_owned()),
                            None => Verdict::Again(fetched.problem(&wish)),
                        },
                    }
                }
                Some(Err(Trouble::Needs(wish))) => Verdict::Needs(wish),
                None => return Err(Error::internal("an event was not answered")),
            },
        };
        verdicts.push((item, verdict));
    }
    Ok(verdicts)
}

/// Asks Stripe for what is missing, outside of any transaction, and handles the events with it.
async fn with_stripe(
    ctx: &Context,
    gateway: &dyn Gateway,
    mut open: Vec<(Item, Wish)>,
) -> Result<Worked> {
    let live = gateway.livemode();
    let mut worked = Worked::default();
    let mut fetched = Fetched::default();
    for _ in 0..ROUNDS {
        if open.is_empty() {
            break;
        }
        for (item, wish) in &open {
            if let Some(news) = item.news() {
                fetched.ask(gateway, wish, news).await;
            }
        }
        let ids: Vec<i64> = open.iter().map(|(item, _)| item.id).collect();
        open.clear();
        match second_pass(ctx, live, &ids, &fetched, &mut open).await {
            Ok(done) => worked.add(done),
            Err(error) => {
                // Another process was told of the same things: each by itself.
                tracing::warn!(%error, "events are handled one by one after asking Stripe");
                for id in ids {
                    match second_pass(ctx, live, &[id], &fetched, &mut open).await {
                        Ok(done) => worked.add(done),
                        Err(error) => worked.add(put_off(ctx, &[id], &Cause::of(&error)).await?),
                    }
                }
            }
        }
    }
    if !open.is_empty() {
        let ids: Vec<i64> = open.iter().map(|(item, _)| item.id).collect();
        let cause = Cause {
            sentence: "what it refers to could not be found".to_owned(),
            duplicate: false,
        };
        worked.add(put_off(ctx, &ids, &cause).await?);
    }
    Ok(worked)
}

/// One transaction over events with what was fetched for them; those that lead on are added to
/// `open`.
async fn second_pass(
    ctx: &Context,
    live: bool,
    ids: &[i64],
    fetched: &Fetched,
    open: &mut Vec<(Item, Wish)>,
) -> Result<Worked> {
    let tx = ctx.begin().await?;
    let items = read_all(claim(ctx, &*tx, Some(ids), 0).await?, live);
    let mut decided = Vec::new();
    let mut needs = Vec::new();
    for (item, verdict) in judge(ctx, &*tx, items, fetched).await? {
        match verdict {
            Verdict::Needs(wish) => needs.push((item, wish)),
            verdict => decided.push((item, verdict)),
        }
    }
    let worked = mark(ctx, &*tx, decided).await?;
    tx.commit().await?;
    open.extend(needs);
    Ok(worked)
}

/// Keeps others from these events for a minute.
async fn lease(ctx: &Context, tx: &impl ConnectionTrait, needs: &[(Item, Wish)]) -> Result<()> {
    if needs.is_empty() {
        return Ok(());
    }
    webhook_event::Entity::update_many()
        .col_expr(
            webhook_event::Column::NextAttemptAt,
            Expr::value(ctx.now() + TimeDelta::seconds(60)),
        )
        .filter(webhook_event::Column::Id.is_in(needs.iter().map(|(item, _)| item.id)))
        .exec(tx)
        .await?;
    Ok(())
}

/// Writes down what became of each event.
async fn mark(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    verdicts: Vec<(Item, Verdict)>,
) -> Result<Worked> {
    let mut worked = Worked::default();
    let (mut processed, mut ignored) = (Vec::new(), Vec::new());
    for (item, verdict) in verdicts {
        match verdict {
            Verdict::Processed => processed.push((item.id, None)),
            Verdict::Ignored(why) => {
                let sentence = why.as_ref().map(ToString::to_string);
                if let (Some(Foreign::Mode { .. }), Some(text)) = (&why, &sentence) {
                    tell_of_mode(ctx, tx, text).await?;
                }
                ignored.push((item.id, sentence));
            }
            Verdict::Failed(cause) => {
                fail(ctx, tx, &item, &cause).await?;
                worked.failed += 1;
            }
            Verdict::Keep(name) if ctx.now() - item.received_at >= kept::GIVEN_UP => {
                fail(ctx, tx, &item, &kept::nothing_came(&name)).await?;
                worked.failed += 1;
            }
            Verdict::Keep(name) => {
                kept::keep(ctx, tx, (item.id, item.attempts), &name).await?;
                worked.waiting += 1;
            }
            Verdict::Again(cause) if item.attempts + 1 >= ATTEMPTS => {
                fail(ctx, tx, &item, &cause).await?;
                worked.failed += 1;
            }
            Verdict::Again(cause) => {
                again(ctx, tx, &item, &cause).await?;
                worked.waiting += 1;
            }
            Verdict::Needs(_) => worked.waiting += 1,
        }
    }
    worked.processed += processed.len() as u64;
    worked.ignored += ignored.len() as u64;
    done(ctx, tx, "processed", processed).await?;
    done(ctx, tx, "ignored", ignored).await?;
    Ok(worked)
}

async fn done(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    status: &'static str,
    events: Vec<(i64, Option<String>)>,
) -> Result<()> {
    let rows: Vec<Vec<sea_orm::Value>> = events
        .into_iter()
        .map(|(id, why)| vec![id.into(), status.into(), ctx.now().into(), why.into()])
        .collect();
    let when = if tx.get_database_backend() == DbBackend::Postgres {
        "TIMESTAMPTZ"
    } else {
        "TEXT"
    };
    let changed = bulk::update_from(
        tx,
        &[
            ("id", "BIGINT"),
            ("status", "TEXT"),
            ("at", when),
            ("why", "TEXT"),
        ],
        &rows,
        "UPDATE webhook_event SET status = v.status, processed_at = v.at, \
         attempts = attempts + 1, next_attempt_at = NULL, error = v.why, waits_for = NULL \
         FROM v WHERE webhook_event.id = v.id AND webhook_event.status = 'received'",
    )
    .await?;
    if changed != rows.len() as u64 {
        return Err(Error::conflict(
            "Another worker has handled the same event.",
        ));
    }
    Ok(())
}

async fn fail(ctx: &Context, tx: &impl ConnectionTrait, item: &Item, cause: &str) -> Result<()> {
    tracing::error!(event = %item.event_id, kind = %item.kind, cause, "webhook event failed");
    webhook_event::Entity::update_many()
        .col_expr(webhook_event::Column::Status, Expr::value("failed"))
        .col_expr(webhook_event::Column::Error, Expr::value(cause))
        .col_expr(
            webhook_event::Column::Attempts,
            Expr::value(item.attempts + 1),
        )
        .col_expr(webhook_event::Column::ProcessedAt, Expr::value(ctx.now()))
        .filter(webhook_event::Column::Id.eq(item.id))
        .filter(webhook_event::Column::Status.eq("received"))
        .exec(tx)
        .await?;
    Ok(())
}

async fn again(ctx: &Context, tx: &impl ConnectionTrait, item: &Item, cause: &str) -> Result<()> {
    tracing::warn!(event = %item.event_id, kind = %item.kind, cause, "webhook event waits");
    let wait = TimeDelta::seconds(5 << item.attempts.clamp(0, 10));
    webhook_event::Entity::update_many()
        .col_expr(webhook_event::Column::Error, Expr::value(cause))
        .col_expr(
            webhook_event::Column::Attempts,
            Expr::value(item.attempts + 1),
        )
        .col_expr(
            webhook_event::Column::NextAttemptAt,
            Expr::value(ctx.now() + wait),
        )
        .filter(webhook_event::Column::Id.eq(item.id))
        .filter(webhook_event::Column::Status.eq("received"))
        .exec(tx)
        .await?;
    Ok(())
}
