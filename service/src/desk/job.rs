//! Jobs as staff read them: what each is about, and another try for those that were given up.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::partner::StaffRole;
use entity::{certificate, job, mail, partner, payout, payout_run, person};
use sea_orm::{
    ColumnTrait, Condition, DbErr, EntityTrait, JoinType, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, RelationTrait, sea_query::Expr,
};
use serde::de::DeserializeOwned;

use super::DeskQuery;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::learning::{REMIND, Remind};
use crate::mail::{SEND, SendMail};
use crate::payout::jobs as payouts;
use crate::search::{contains, like};

/// A job with what it is about.
#[derive(Clone, Debug, PartialEq)]
pub struct JobLine {
    /// The row.
    pub job: job::Model,
    /// What it works on.
    pub about: About,
}

/// What a job works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// A mail to be sent.
    Mail {
        /// `mail.id`.
        id: i64,
        /// Its subject.
        subject: String,
        /// The address it goes to.
        to: String,
    },
    /// A payout run to be started.
    Run {
        /// `payout_run.id`.
        id: i64,
        /// Its number.
        number: String,
    },
    /// A payout to be taken a step further.
    Payout {
        /// `payout.id`.
        id: i64,
        /// Who is paid.
        partner: String,
    },
    /// A certificate that runs out.
    Certificate {
        /// Its number, which is also its address.
        number: String,
        /// Whose it is.
        person: String,
    },
    /// Something at Stripe, by its id.
    Stripe(String),
    /// What is gone, or what this version does not know.
    Unknown,
}

/// Jobs and how many there are.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor.
pub async fn jobs(ctx: &Context, query: &DeskQuery) -> Result<(Vec<JobLine>, u64)> {
    ctx.any_staff()?;
    let mut wanted = Condition::all();
    if let Some(status) = &query.status {
        wanted = wanted.add(job::Column::Status.eq(status));
    }
    if !query.q.trim().is_empty() {
        let pattern = like(&query.q);
        wanted = wanted.add(
            Condition::any()
                .add(contains(Expr::col(job::Column::Kind), &pattern))
                .add(contains(Expr::col(job::Column::Error), &pattern))
                .add(job::Column::DedupeKey.eq(query.q.trim())),
        );
    }
    let found = job::Entity::find().filter(wanted);
    let total = found.clone().count(ctx.reader()).await?;
    let rows = found
        .order_by(job::Column::Id, query.order())
        .offset(query.offset)
        .limit(query.limit())
        .all(ctx.reader())
        .await?;
    Ok((lines(ctx, rows).await?, total))
}

/// One job.
///
/// # Errors
/// [`Error::NotFound`] for a missing one and for people outside the vendor.
pub async fn job(ctx: &Context, id: i64) -> Result<JobLine> {
    ctx.any_staff()?;
    let found = job::Entity::find_by_id(id).all(ctx.reader()).await?;
    let line = lines(ctx, found).await?.pop();
    line.ok_or(Error::NotFound)
}

fn payload<T: DeserializeOwned>(job: &job::Model) -> Option<T> {
    serde_json::from_value(job.payload.clone()).ok()
}

/// What the jobs of one kind are about, by the id they name; `find` is asked only where there are
/// any.
async fn named<T, V, F>(
    rows: &[job::Model],
    kind: &str,
    id: impl Fn(T) -> i64,
    find: impl FnOnce(Vec<i64>) -> F,
) -> Result<HashMap<i64, V>>
where
    T: DeserializeOwned,
    F: Future<Output = std::result::Result<Vec<(i64, V)>, DbErr>>,
{
    let of_kind = rows.iter().filter(|row| row.kind == kind);
    let ids: Vec<i64> = of_kind.filter_map(payload::<T>).map(id).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    Ok(find(ids).await?.into_iter().collect())
}

/// Adds what each job is about, with a statement for each kind that is among them.
async fn lines(ctx: &Context, rows: Vec<job::Model>) -> Result<Vec<JobLine>> {
    let db = ctx.reader();
    let mails = named(
        &rows,
        SEND,
        |p: SendMail| p.mail_id,
        async |ids| {
            let columns = [
                mail::Column::Id,
                mail::Column::Subject,
                mail::Column::ToAddress,
            ];
            let found = mail::Entity::find().select_only().columns(columns);
            let rows = found.filter(mail::Column::Id.is_in(ids)).into_tuple();
            let rows: Vec<(i64, String, String)> = rows.all(db).await?;
            Ok(rows
                .into_iter()
                .map(|(id, subject, to)| (id, (subject, to)))
                .collect())
        },
    );
    let mails = mails.await?;
    let runs = named(
        &rows,
        payouts::START_RUN,
        |p: payouts::Run| p.run_id,
        async |ids| {
            let columns = [payout_run::Column::Id, payout_run::Column::Number];
            let found = payout_run::Entity::find().select_only().columns(columns);
            let found = found.filter(payout_run::Column::Id.is_in(ids));
            found.into_tuple::<(i64, String)>().all(db).await
        },
    );
    let runs = runs.await?;
    let paid = named(
        &rows,
        payouts::WORK,
        |p: payouts::Payout| p.payout_id,
        async |ids| {
            let found = payout::Entity::find()
                .select_only()
                .column(payout::Column::Id)
                .column(partner::Column::Name)
                .join(JoinType::InnerJoin, payout::Relation::Partner.def())
                .filter(payout::Column::Id.is_in(ids));
            found.into_tuple::<(i64, String)>().all(db).await
        },
    );
    let paid = paid.await?;
    let certificates = named(
        &rows,
        REMIND,
        |p: Remind| p.certificate_id,
        async |ids| {
            let found = certificate::Entity::find()
                .select_only()
                .columns([certificate::Column::Id, certificate::Column::Number])
                .column(person::Column::Name)
                .join(JoinType::InnerJoin, certificate::Relation::Person.def())
                .filter(certificate::Column::Id.is_in(ids));
            let rows: Vec<(i64, String, String)> = found.into_tuple().all(db).await?;
            Ok(rows
                .into_iter()
                .map(|(id, number, person)| (id, (number, person)))
                .collect())
        },
    );
    let certificates = certificates.await?;
    let about = |row: &job::Model| match row.kind.as_str() {
        SEND => payload(row).and_then(|SendMail { mail_id: id }| {
            let (subject, to) = mails.get(&id).cloned()?;
            Some(About::Mail { id, subject, to })
        }),
        payouts::START_RUN => payload(row).and_then(|payouts::Run { run_id: id }| {
            let number = runs.get(&id).cloned()?;
            Some(About::Run { id, number })
        }),
        payouts::WORK => payload(row).and_then(|payouts::Payout { payout_id: id }| {
            let partner = paid.get(&id).cloned()?;
            Some(About::Payout { id, partner })
        }),
        REMIND => payload(row).and_then(|Remind { certificate_id }| {
            let (number, person) = certificates.get(&certificate_id).cloned()?;
            Some(About::Certificate { number, person })
        }),
        _ => payload(row).map(|payouts::StripeObject { stripe_id }| About::Stripe(stripe_id)),
    };
    Ok(rows
        .into_iter()
        .map(|job| JobLine {
            about: about(&job).unwrap_or(About::Unknown),
            job,
        })
        .collect())
}

/// Lets a job that was given up be tried again from the start.
///
/// # Errors
/// [`Error::Conflict`] when it was not given up; [`Error::Forbidden`] for all but admins.
pub async fn retry_job(ctx: &Context, id: i64) -> Result<()> {
    ctx.staff(StaffRole::Admin)?;
    let tx = ctx.begin().await?;
    let row = job::Entity::find_by_id(id)
        .one(&*tx)
        .await?
        .ok_or(Error::NotFound)?;
    let changed = job::Entity::update_many()
        .col_expr(job::Column::Status, Expr::value("waiting"))
        .col_expr(job::Column::Attempts, Expr::value(0_i64))
        .col_expr(job::Column::RunAt, Expr::value(ctx.now()))
        .col_expr(
            job::Column::ClaimedUntil,
            Expr::value(None::<DateTime<Utc>>),
        )
        .col_expr(job::Column::Claim, Expr::value(None::<String>))
        .filter(job::Column::Id.eq(id))
        .filter(job::Column::Status.eq("dead"))
        .exec(&*tx)
        .await?
        .rows_affected;
    if changed != 1 {
        return Err(Error::conflict(
            "This job was not given up, so there is nothing to retry.",
        ));
    }
    Entry::new(
        "job.retried",
        "job",
        id,
        format!("Job “{}” is tried again.", row.kind),
    )
    .internal()
    .record(ctx, &*tx)
    .await?;
    tx.commit().await?;
    Ok(())
}
