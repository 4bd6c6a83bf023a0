//! The machine room: events from Stripe, jobs, mail and the audit log as staff read them, and
//! another try for what was given up.

mod job;
mod mail;
mod waiting;

use chrono::{DateTime, Utc};
use domain::partner::StaffRole;
use entity::{event, person, webhook_event};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, FromQueryResult, JoinType, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, RelationTrait, SelectTwo, Statement, sea_query::Expr,
};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::search::{contains, like};

pub use job::{About, JobLine, job, jobs, retry_job};
pub use mail::{MailLine, MailStanding, mail, mails};
pub use waiting::waiting;

/// What part of a list is looked at, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeskQuery {
    /// Part of the kind, the subject or the error, or the whole of an id.
    pub q: String,
    /// One status.
    pub status: Option<String>,
    /// Oldest first.
    pub ascending: bool,
    /// Rows to leave out.
    pub offset: u64,
    /// Rows to give, at most 10,000 (an export).
    pub limit: u64,
}

impl DeskQuery {
    fn limit(&self) -> u64 {
        self.limit.clamp(1, 10_000)
    }

    fn order(&self) -> sea_orm::Order {
        if self.ascending {
            sea_orm::Order::Asc
        } else {
            sea_orm::Order::Desc
        }
    }
}

/// Events from Stripe and how many there are.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor.
pub async fn webhooks(
    ctx: &Context,
    query: &DeskQuery,
) -> Result<(Vec<webhook_event::Model>, u64)> {
    ctx.any_staff()?;
    let mut wanted = Condition::all();
    let kept = webhook_event::Column::WaitsFor.is_not_null();
    match query.status.as_deref() {
        None => {}
        Some("kept") => {
            wanted = wanted.add(webhook_event::Column::Status.eq("received").and(kept));
        }
        Some("received") => {
            let received = webhook_event::Column::Status.eq("received");
            wanted = wanted.add(received.and(kept.not()));
        }
        Some(status) => wanted = wanted.add(webhook_event::Column::Status.eq(status)),
    }
    if !query.q.trim().is_empty() {
        let pattern = like(&query.q);
        wanted = wanted.add(
            Condition::any()
                .add(contains(Expr::col(webhook_event::Column::Type), &pattern))
                .add(contains(Expr::col(webhook_event::Column::Error), &pattern))
                .add(webhook_event::Column::EventId.eq(query.q.trim())),
        );
    }
    let found = webhook_event::Entity::find().filter(wanted);
    let total = found.clone().count(ctx.reader()).await?;
    let rows = found
        .order_by(webhook_event::Column::Id, query.order())
        .offset(query.offset)
        .limit(query.limit())
        .all(ctx.reader())
        .await?;
    Ok((rows, total))
}

/// One event from Stripe.
///
/// # Errors
/// [`Error::NotFound`] for a missing one and for people outside the vendor.
pub async fn webhook(ctx: &Context, id: i64) -> Result<webhook_event::Model> {
    ctx.any_staff()?;
    webhook_event::Entity::find_by_id(id)
        .one(ctx.reader())
        .await?
        .ok_or(Error::NotFound)
}

/// Lets an event that could not be handled, or is kept, be handled again.
///
/// # Errors
/// [`Error::Conflict`] when it did not fail; [`Error::Forbidden`] for all but admins.
pub async fn retry_webhook(ctx: &Context, id: i64) -> Result<()> {
    ctx.staff(StaffRole::Admin)?;
    let tx = ctx.begin().await?;
    let row = webhook_event::Entity::find_by_id(id)
        .one(&*tx)
        .await?
        .ok_or(Error::NotFound)?;
    let changed = webhook_event::Entity::update_many()
        .col_expr(webhook_event::Column::Status, Expr::value("received"))
        .col_expr(webhook_event::Column::Attempts, Expr::value(0_i64))
        .col_expr(
            webhook_event::Column::NextAttemptAt,
            Expr::value(None::<DateTime<Utc>>),
        )
        .col_expr(
            webhook_event::Column::ProcessedAt,
            Expr::value(None::<DateTime<Utc>>),
        )
        .filter(webhook_event::Column::Id.eq(id))
        .filter(
            Condition::any()
                .add(webhook_event::Column::Status.eq("failed"))
                .add(webhook_event::Column::WaitsFor.is_not_null()),
        )
        .filter(webhook_event::Column::Status.is_in(["failed", "received"]))
        .exec(&*tx)
        .await?
        .rows_affected;
    if changed != 1 {
        return Err(Error::conflict(
            "This event did not fail, so there is nothing to retry.",
        ));
    }
    let sentence = format!("Event {} is handled again.", row.event_id);
    Entry::new("webhook.retried", "webhook_event", id, sentence)
        .internal()
        .record(ctx, &*tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// A line of the audit log: what was done, and by whom; nobody is the portal itself.
pub type AuditLine = (event::Model, Option<person::Model>);

/// The audit log and how many lines there are. The status is the kind of record, such as `deal`.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor.
pub async fn audit(ctx: &Context, query: &DeskQuery) -> Result<(Vec<AuditLine>, u64)> {
    ctx.any_staff()?;
    let mut wanted = Condition::all();
    if let Some(subject) = &query.status {
        wanted = wanted.add(event::Column::SubjectType.eq(subject));
    }
    if !query.q.trim().is_empty() {
        let pattern = like(&query.q);
        let name = Expr::col((person::Entity, person::Column::Name));
        wanted = wanted.add(
            Condition::any()
                .add(contains(name, &pattern))
                .add(contains(Expr::col(event::Column::Summary), &pattern))
                .add(event::Column::Action.eq(query.q.trim()))
                .add(event::Column::RequestId.eq(query.q.trim())),
        );
    }
    let found = lines().filter(wanted);
    let total = found.clone().count(ctx.reader()).await?;
    let rows = found
        .order_by(Expr::col((event::Entity, event::Column::Id)), query.order())
        .offset(query.offset)
        .limit(query.limit())
        .all(ctx.reader())
        .await?;
    Ok((rows, total))
}

/// The newest lines of the audit log. How many there are is not counted: the log only grows.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor.
pub async fn latest(ctx: &Context, limit: u64) -> Result<Vec<AuditLine>> {
    ctx.any_staff()?;
    Ok(lines()
        .order_by_desc(Expr::col((event::Entity, event::Column::Id)))
        .limit(limit)
        .all(ctx.reader())
        .await?)
}

/// Events with who did it.
fn lines() -> SelectTwo<event::Entity, person::Entity> {
    event::Entity::find()
        .join(JoinType::LeftJoin, event::Relation::Actor.def())
        .select_also(person::Entity)
}

/// How the machine room stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromQueryResult)]
pub struct Pulse {
    /// Jobs that are due or waiting for their time.
    pub waiting_jobs: i64,
    /// Jobs that should have run more than five minutes ago.
    pub late_jobs: i64,
    /// Jobs that were given up.
    pub dead_jobs: i64,
    /// Events that wait to be handled.
    pub waiting_events: i64,
    /// Events that could not be handled.
    pub failed_events: i64,
    /// Mails that are still to be sent; those that were given up are among the dead jobs.
    pub waiting_mails: i64,
    /// People who can sign in.
    pub people: i64,
    /// Partners that take part.
    pub partners: i64,
}

/// How the machine room stands, for staff.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor.
pub async fn pulse(ctx: &Context) -> Result<Pulse> {
    ctx.any_staff()?;
    let db = ctx.reader();
    let late = ctx.now() - chrono::TimeDelta::minutes(5);
    let count = |table: &str, condition: &str, name: &str| {
        format!("(SELECT CAST(count(*) AS BIGINT) FROM {table} WHERE {condition}) AS {name}")
    };
    let sql = format!(
        "SELECT {}",
        [
            count("job", "status = 'waiting'", "waiting_jobs"),
            count("job", "status = 'waiting' AND run_at < $1", "late_jobs"),
            count("job", "status = 'dead'", "dead_jobs"),
            count("webhook_event", crate::inbox::WAITING, "waiting_events"),
            count("webhook_event", "status = 'failed'", "failed_events"),
            count("mail", crate::mail::WAITING, "waiting_mails"),
            count("person", "disabled_at IS NULL", "people"),
            count("partner", "status = 'active'", "partners"),
        ]
        .join(", ")
    );
    let statement =
        Statement::from_sql_and_values(ctx.db.backend(), sql, [sea_orm::Value::from(late)]);
    Ok(Pulse::find_by_statement(statement)
        .one(db)
        .await?
        .unwrap_or_default())
}
