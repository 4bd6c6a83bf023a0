//! The reviewers' side: the queue, the record, questions and notes.

use chrono::{DateTime, Utc};
use domain::application::ApplicationStatus as A;
use domain::partner::StaffRole;
use domain::transition::Who;
use entity::application::{Column, Entity, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, JoinType, Order, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, RelationTrait,
};

use super::{
    Fields, Hint, Question, Said, facts, hints, questions, said, say, status, step, submitted,
    written,
};
use crate::context::{Actor, Context};
use crate::error::{Error, Result};
use crate::event::{self, Entry, Line};
use crate::mail::{self, letters};
use crate::{notice, program};

/// What part of the queue is looked at; at first everything that waits for a reviewer or the applicant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueView {
    /// Text in company, website, contact or address.
    pub search: String,
    /// Any of these statuses; none is all that were ever sent.
    pub statuses: Vec<A>,
    /// Only one reviewer's.
    pub reviewer_id: Option<i64>,
    /// `due`, `company`, `submitted` or `status`.
    pub sort: String,
    /// The other way round.
    pub descending: bool,
    /// Rows to leave out.
    pub offset: u64,
    /// Rows to give.
    pub limit: u64,
}

impl Default for QueueView {
    fn default() -> Self {
        Self {
            search: String::new(),
            statuses: A::ALL.iter().copied().filter(|s| s.is_open()).collect(),
            reviewer_id: None,
            sort: "due".to_owned(),
            descending: false,
            offset: 0,
            limit: 25,
        }
    }
}

/// A line of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueRow {
    /// `application.id`.
    pub id: i64,
    /// The company.
    pub company: String,
    /// Its registrable domain.
    pub domain: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// `domain::application::PartnerType`, as kept.
    pub partner_type: String,
    /// The applicant's name.
    pub applicant: String,
    /// Where it stands.
    pub status: A,
    /// When it was sent.
    pub submitted_at: DateTime<Utc>,
    /// When an answer is due; none once decided.
    pub due_at: Option<DateTime<Utc>>,
    /// Who reviews it.
    pub reviewer: Option<String>,
}

/// The applications that were sent, and how many match.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor.
pub async fn queue(ctx: &Context, view: &QueueView) -> Result<(Vec<QueueRow>, u64)> {
    ctx.any_staff()?;
    let mut wanted = Condition::all().add(Column::SubmittedAt.is_not_null());
    if !view.statuses.is_empty() {
        let statuses = view.statuses.iter().map(|s| s.as_str());
        wanted = wanted.add(Column::Status.is_in(statuses));
    }
    if let Some(reviewer) = view.reviewer_id {
        wanted = wanted.add(Column::ReviewerId.eq(reviewer));
    }
    let search = view.search.trim().to_lowercase();
    if !search.is_empty() {
        let like = crate::search::like(&search);
        let mut any = Condition::any();
        for column in [Column::LegalName, Column::Domain, Column::ContactName] {
            any = any.add(crate::search::contains(Expr::col((Entity, column)), &like));
        }
        any = any.add(crate::search::contains(
            Expr::col((entity::person::Entity, entity::person::Column::Email)),
            &like,
        ));
        wanted = wanted.add(any);
    }
    let found = Entity::find()
        .join(
            JoinType::InnerJoin,
            entity::application::Relation::Person.def(),
        )
        .filter(wanted);
    let total = found.clone().count(ctx.reader()).await?;
    let order = if view.descending {
        Order::Desc
    } else {
        Order::Asc
    };
    let column = match view.sort.as_str() {
        "company" => Column::LegalName,
        "submitted" => Column::SubmittedAt,
        "status" => Column::Status,
        _ => Column::ReviewDueAt,
    };
    let rows = found
        .select_also(entity::person::Entity)
        .order_by(column, order)
        .order_by_asc(Column::Id)
        .offset(view.offset)
        .limit(view.limit.clamp(1, 1_000))
        .all(ctx.reader())
        .await?;
    let reviewers =
        crate::partner::names(ctx.reader(), rows.iter().filter_map(|(a, _)| a.reviewer_id)).await?;
    let rows = rows
        .into_iter()
        .map(|(a, p)| {
            let state = status(&a)?;
            Ok(QueueRow {
                id: a.id,
                status: state,
                submitted_at: a.submitted_at.unwrap_or(a.created_at),
                due_at: a.review_due_at.filter(|_| state.awaits_review()),
                reviewer: a.reviewer_id.and_then(|id| reviewers.get(&id).cloned()),
                company: a.legal_name,
                domain: a.domain,
                country: a.country,
                partner_type: a.partner_type,
                applicant: p.map(|p| p.name).unwrap_or_default(),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok((rows, total))
}

/// An application with everything a reviewer needs to decide.
#[derive(Clone, Debug)]
pub struct Review {
    /// The row.
    pub application: Model,
    /// Where it stands.
    pub status: A,
    /// What is in the form.
    pub fields: Fields,
    /// The program.
    pub program: entity::program::Model,
    /// The program's own questions.
    pub questions: Vec<Question>,
    /// Who applied.
    pub applicant: entity::person::Model,
    /// Who reviews it.
    pub reviewer: Option<String>,
    /// The version of the terms that was accepted.
    pub terms_version: Option<i64>,
    /// What to know before deciding.
    pub hints: Vec<Hint>,
    /// Comments and notes, oldest first.
    pub said: Vec<Said>,
    /// What happened, newest first.
    pub timeline: Vec<Line>,
    /// The program's tiers, lowest first.
    pub tiers: Vec<entity::tier::Model>,
    /// The plans that can pay the partner, with the kinds that usually get each.
    pub plans: Vec<crate::plan::Offered>,
    /// Who can look after the partner: id and name.
    pub managers: Vec<(i64, String)>,
}

/// One application as reviewers see it.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor, and for drafts.
pub async fn review(ctx: &Context, id: i64) -> Result<Review> {
    ctx.any_staff()?;
    let db = ctx.reader();
    let application = submitted(db, id).await?;
    let program = program::by_id(db, application.program_id).await?;
    let applicant = entity::person::Entity::find_by_id(application.person_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    let policy = match application.policy_version_id {
        Some(policy) => {
            entity::policy_version::Entity::find_by_id(policy)
                .one(db)
                .await?
        }
        None => None,
    };
    let policy = match policy {
        Some(policy) => policy,
        None => program::policy_at(db, program.id, ctx.now()).await?,
    };
    let terms = match application.terms_version_id {
        Some(terms) => {
            entity::terms_version::Entity::find_by_id(terms)
                .one(db)
                .await?
        }
        None => None,
    };
    let reviewer = crate::partner::names(db, application.reviewer_id).await?;
    Ok(Review {
        status: status(&application)?,
        fields: Fields::of(&application),
        questions: questions(&program.application_questions)?,
        reviewer: reviewer.into_values().next(),
        terms_version: terms.map(|t| t.version),
        hints: hints::find(db, &application, &applicant.email, &policy).await?,
        said: said(db, "application", id, true).await?,
        timeline: event::timeline(db, "application", id, true).await?,
        tiers: program::tiers(db, program.id).await?,
        plans: crate::plan::offered_to_new(ctx, db, program.id).await?,
        managers: crate::partner::managers(ctx).await?,
        program,
        applicant,
        application,
    })
}

/// Takes an application into review: the reviewer is the one who decides. One that waits for the
/// applicant's answer goes on without it, with its review time anew.
///
/// # Errors
/// [`Error::Conflict`] when it is not waiting any more.
pub async fn take(ctx: &Context, id: i64) -> Result<()> {
    let reviewer = ctx.staff(StaffRole::Manager)?;
    let tx = ctx.begin().await?;
    let application = submitted(&*tx, id).await?;
    let mut values = vec![(Column::ReviewerId, Expr::value(reviewer))];
    let mut words = "Review begun.";
    if status(&application)? == A::InformationRequested {
        words = "Review goes on without an answer.";
        let due = facts::review_due(ctx, &*tx, &application).await?;
        values.push((Column::ReviewDueAt, Expr::value(due)));
    }
    step(ctx, &tx, &application, A::InReview, Who::Staff, values).await?;
    Entry::new("application.taken", "application", id, words)
        .record(ctx, &*tx)
        .await?;
    notice::tell(
        ctx,
        &*tx,
        application.person_id,
        "Your application is in review.",
        format!("/application/{id}"),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Asks the applicant for information; the review time stops until the answer.
///
/// # Errors
/// [`Error::Invalid`] for an empty question, [`Error::Conflict`] when it is not in review.
pub async fn ask(ctx: &Context, id: i64, typed: &str) -> Result<()> {
    ctx.staff(StaffRole::Manager)?;
    let text = written("question", typed, "what you would like to know")?;
    let tx = ctx.begin().await?;
    let application = submitted(&*tx, id).await?;
    step(
        ctx,
        &tx,
        &application,
        A::InformationRequested,
        Who::Staff,
        vec![],
    )
    .await?;
    say(ctx, &tx, "application", id, &text, false).await?;
    Entry::new(
        "application.asked",
        "application",
        id,
        "Information requested.",
    )
    .record(ctx, &*tx)
    .await?;
    let program = program::by_id(&*tx, application.program_id).await?;
    let letter = letters::application_question(&program.name, &text, id);
    mail::send_to(ctx, &*tx, application.person_id, letter).await?;
    notice::tell(
        ctx,
        &*tx,
        application.person_id,
        "There is a question about your application.",
        format!("/application/{id}"),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Adds a comment the applicant reads, or an internal note.
///
/// # Errors
/// [`Error::Invalid`] for an empty one.
pub async fn comment(ctx: &Context, id: i64, typed: &str, internal: bool) -> Result<()> {
    ctx.staff(StaffRole::Manager)?;
    let text = written("comment", typed, "a comment")?;
    let tx = ctx.begin().await?;
    let application = submitted(&*tx, id).await?;
    say(ctx, &tx, "application", id, &text, internal).await?;
    if !internal && ctx.actor != Actor::System {
        notice::tell(
            ctx,
            &*tx,
            application.person_id,
            "There is a comment on your application.",
            format!("/application/{id}"),
        )
        .await?;
    }
    tx.commit().await?;
    Ok(())
}
