//! The applicant's side.

use chrono::{DateTime, Utc};
use domain::application::{ApplicationStatus as A, may_reapply};
use domain::transition::Who;
use entity::application::{ActiveModel, Column, Entity, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::{Fields, Question, Said, facts, own, questions, said, say, status, step, written};
use crate::context::{Actor, Context};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::event::{self, Entry, Line};
use crate::mail::{self, letters};
use crate::{notice, program, stale};

/// One of the signed-in person's applications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mine {
    /// `application.id`.
    pub id: i64,
    /// `program.id`.
    pub program_id: i64,
    /// The program's name.
    pub program: String,
    /// Where it stands.
    pub status: A,
    /// When it was sent.
    pub submitted_at: Option<DateTime<Utc>>,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
}

/// An application as its applicant sees it.
#[derive(Clone, Debug)]
pub struct Standing {
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
    /// The terms that apply now.
    pub terms: entity::terms_version::Model,
    /// Questions and answers between reviewer and applicant, oldest first.
    pub said: Vec<Said>,
    /// What happened, newest first.
    pub timeline: Vec<Line>,
    /// From when one may apply again after a rejection.
    pub again_from: Option<DateTime<Utc>>,
}

impl Standing {
    /// Which state of the application this is; what is typed over another one is not kept.
    #[must_use]
    pub fn seen(&self) -> String {
        stale::version(self.application.updated_at)
    }
}

/// The programs that take applications.
///
/// # Errors
/// When the database cannot be read.
pub async fn open_programs(ctx: &Context) -> Result<Vec<entity::program::Model>> {
    let all = program::all(ctx.reader()).await?;
    Ok(all
        .into_iter()
        .filter(|p| p.open_to_applications && p.kind == "partner")
        .collect())
}

/// The signed-in person's applications, newest first.
///
/// # Errors
/// [`Error::NotFound`] for nobody.
pub async fn mine(ctx: &Context) -> Result<Vec<Mine>> {
    use sea_orm::{JoinType, QuerySelect, RelationTrait};
    let rows = Entity::find()
        .join(
            JoinType::InnerJoin,
            entity::application::Relation::Program.def(),
        )
        .select_also(entity::program::Entity)
        .filter(Column::PersonId.eq(ctx.person()?))
        .order_by_desc(Column::Id)
        .all(ctx.reader())
        .await?;
    rows.into_iter()
        .map(|(a, p)| {
            Ok(Mine {
                id: a.id,
                program_id: a.program_id,
                program: p.map(|p| p.name).unwrap_or_default(),
                status: status(&a)?,
                submitted_at: a.submitted_at,
                created_at: a.created_at,
            })
        })
        .collect()
}

/// One of the signed-in person's applications.
///
/// # Errors
/// [`Error::NotFound`] for a missing one and for somebody else's.
pub async fn show(ctx: &Context, id: i64) -> Result<Standing> {
    let db = ctx.reader();
    let application = own(ctx, db, id).await?;
    let program = program::by_id(db, application.program_id).await?;
    let status = status(&application)?;
    let again_from = match (status, application.decided_at) {
        (A::Rejected, Some(at)) => {
            let policy = program::policy_at(db, program.id, at).await?;
            may_reapply(at, wait(&policy), ctx.now()).err()
        }
        _ => None,
    };
    Ok(Standing {
        fields: Fields::of(&application),
        questions: questions(&program.application_questions)?,
        terms: program::terms_at(db, program.id, ctx.now()).await?,
        said: said(db, "application", id, false).await?,
        timeline: event::timeline(db, "application", id, false).await?,
        application,
        status,
        program,
        again_from,
    })
}

/// Begins an application to a program, or returns the one that is open. The answer is its id.
///
/// # Errors
/// [`Error::Conflict`] when the program takes none, the person is staff or a partner already, or has
/// to wait after a rejection.
pub async fn start(ctx: &Context, program_slug: &str) -> Result<i64> {
    let person_id = match ctx.actor {
        Actor::Person { person_id } | Actor::Partner { person_id, .. } => person_id,
        Actor::Staff { .. } => {
            return Err(Error::conflict(
                "Staff cannot apply. Sign out and use another address to try the form.",
            ));
        }
        _ => return Err(Error::NotFound),
    };
    let tx = ctx.begin().await?;
    let program = program::by_slug(&*tx, program_slug).await?;
    let earlier = Entity::find()
        .filter(Column::PersonId.eq(person_id))
        .filter(Column::ProgramId.eq(program.id))
        .order_by_desc(Column::Id)
        .all(&*tx)
        .await?;
    for application in &earlier {
        if status(application)?.is_open() {
            return Ok(application.id);
        }
    }
    if !program.open_to_applications || program.kind != "partner" {
        return Err(Error::conflict(format!(
            "{} does not take applications at the moment.",
            program.name
        )));
    }
    not_a_member(&tx, program.id, person_id).await?;
    waited(ctx, &tx, program.id, Column::PersonId.eq(person_id)).await?;

    let person = entity::person::Entity::find_by_id(person_id)
        .one(&*tx)
        .await?
        .ok_or(Error::NotFound)?;
    let inserted = Entity::insert(ActiveModel {
        program_id: Set(program.id),
        person_id: Set(person_id),
        status: Set(A::Draft.into()),
        contact_name: Set(person.name),
        answers: Set(serde_json::json!({})),
        created_at: Set(ctx.now()),
        updated_at: Set(ctx.now()),
        ..blank()
    })
    .exec_with_returning(&*tx)
    .await?;
    tx.commit().await?;
    Ok(inserted.id)
}

/// Empty text in every field of the form.
fn blank() -> ActiveModel {
    let empty = || Set(String::new());
    ActiveModel {
        legal_name: empty(),
        website: empty(),
        domain: empty(),
        country: empty(),
        partner_type: empty(),
        size: empty(),
        services: empty(),
        regions: empty(),
        expected_business: empty(),
        contact_name: empty(),
        contact_phone: empty(),
        ..Default::default()
    }
}

async fn not_a_member(tx: &Tx, program_id: i64, person_id: i64) -> Result<()> {
    use sea_orm::{JoinType, QuerySelect, RelationTrait};
    let member = entity::member::Entity::find()
        .join(JoinType::InnerJoin, entity::member::Relation::Partner.def())
        .filter(entity::member::Column::PersonId.eq(person_id))
        .filter(entity::member::Column::RemovedAt.is_null())
        .filter(entity::partner::Column::ProgramId.eq(program_id))
        .one(&**tx)
        .await?;
    match member {
        Some(_) => Err(Error::conflict(
            "You already belong to a partner of this program.",
        )),
        None => Ok(()),
    }
}

/// Days to wait after a rejection.
pub(super) fn wait(policy: &entity::policy_version::Model) -> u32 {
    u32::try_from(policy.reapply_after_days).unwrap_or(u32::MAX)
}

/// Refuses as long as the wait after the last rejection of `whose` is not over.
async fn waited(
    ctx: &Context,
    tx: &Tx,
    program_id: i64,
    whose: impl sea_orm::sea_query::IntoCondition,
) -> Result<()> {
    let last = Entity::find()
        .filter(whose)
        .filter(Column::ProgramId.eq(program_id))
        .filter(Column::Status.eq(A::Rejected.as_str()))
        .order_by_desc(Column::DecidedAt)
        .one(&**tx)
        .await?;
    let Some(at) = last.and_then(|a| a.decided_at) else {
        return Ok(());
    };
    let policy = program::policy_at(&**tx, program_id, at).await?;
    may_reapply(at, wait(&policy), ctx.now()).map_err(|from| {
        Error::conflict(format!(
            "The last application was not accepted. You may apply again from {}.",
            from.format("%-d %B %Y")
        ))
    })
}

/// Keeps what is typed so far. A draft takes anything; while the reviewer waits for information the
/// form has to stay complete.
///
/// # Errors
/// [`Error::Conflict`] once it cannot be changed any more, [`Error::Invalid`] by field.
pub async fn save(ctx: &Context, id: i64, fields: &Fields) -> Result<()> {
    let tx = ctx.begin().await?;
    Entity::find_by_id(id)
        .select_only()
        .column(Column::Id)
        .lock_exclusive()
        .into_tuple::<i64>()
        .one(&*tx)
        .await?;
    let application = own(ctx, &*tx, id).await?;
    stale::check(&fields.seen, application.updated_at, "application")?;
    let questions = asked(&*tx, &application).await?;
    let state = status(&application)?;
    let columns = match state {
        A::Draft => fields.as_typed(&questions)?,
        A::InformationRequested => {
            fields
                .checked(&crate::lists::current(&*tx).await?, &questions)?
                .0
        }
        _ => {
            return Err(Error::conflict(format!(
                "This application is “{}” and can no longer be changed.",
                state.label()
            )));
        }
    };
    keep(ctx, &tx, &application, columns).await?;
    if state == A::InformationRequested {
        Entry::new(
            "application.changed",
            "application",
            id,
            "The applicant corrected the form.",
        )
        .record(ctx, &*tx)
        .await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn asked(db: &impl ConnectionTrait, application: &Model) -> Result<Vec<Question>> {
    let program = program::by_id(db, application.program_id).await?;
    questions(&program.application_questions)
}

async fn keep(
    ctx: &Context,
    tx: &Tx,
    application: &Model,
    columns: Vec<(Column, Expr)>,
) -> Result<()> {
    let mut update = Entity::update_many().col_expr(Column::UpdatedAt, Expr::value(ctx.now()));
    for (column, value) in columns {
        update = update.col_expr(column, value);
    }
    let done = update
        .filter(Column::Id.eq(application.id))
        .filter(Column::Status.eq(&application.status))
        .exec(&**tx)
        .await?;
    if done.rows_affected == 1 {
        Ok(())
    } else {
        Err(Error::conflict(
            "The application has changed meanwhile. Reload the page to see how it stands.",
        ))
    }
}

/// Sends the application. What was typed is kept in any case.
///
/// # Errors
/// [`Error::Invalid`] by field, [`Error::Conflict`] for an address that is not confirmed or a wait
/// that is not over.
pub async fn submit(ctx: &Context, id: i64, fields: &Fields) -> Result<()> {
    // Kept first and in a transaction of its own: a refused form is not lost.
    let application = own(ctx, ctx.reader(), id).await?;
    if status(&application)? == A::Draft {
        save(ctx, id, fields).await?;
    }
    let tx = ctx.begin().await?;
    let application = own(ctx, &*tx, id).await?;
    let program = program::by_id(&*tx, application.program_id).await?;
    let terms = program::terms_at(&*tx, program.id, ctx.now()).await?;
    let policy = program::policy_at(&*tx, program.id, ctx.now()).await?;
    let person = entity::person::Entity::find_by_id(application.person_id)
        .one(&*tx)
        .await?
        .ok_or(Error::NotFound)?;
    if person.email_verified_at.is_none() {
        return Err(Error::conflict(
            "Please confirm your e-mail address first; the link is in your mail.",
        ));
    }
    let lists = crate::lists::current(&*tx).await?;
    let checked = fields.checked(&lists, &questions(&program.application_questions)?);
    let accepted = accepted(fields, &terms);
    let (mut columns, domain) = match (checked, accepted) {
        (Ok(checked), Ok(())) => checked,
        (Err(Error::Invalid(mut errors)), Err((field, sentence))) => {
            errors.add(field, sentence);
            return Err(Error::Invalid(errors));
        }
        (Ok(_), Err((field, sentence))) => return Err(Error::field(field, sentence)),
        (Err(error), _) => return Err(error),
    };
    waited(ctx, &tx, program.id, Column::Domain.eq(&domain)).await?;
    let due = facts::due(
        ctx.now(),
        policy.application_review_hours,
        program::zone(&program),
    );
    columns.extend([
        (Column::TermsVersionId, Expr::value(terms.id)),
        (Column::PolicyVersionId, Expr::value(policy.id)),
        (Column::SubmittedAt, Expr::value(ctx.now())),
        (Column::ReviewDueAt, Expr::value(due)),
    ]);
    step(ctx, &tx, &application, A::Submitted, Who::Partner, columns).await?;
    Entry::new("application.submitted", "application", id, "Application submitted.")
        .detail(serde_json::json!({ "terms_version": terms.version, "policy_version": policy.version, "domain": domain }))
        .record(ctx, &*tx)
        .await?;
    let letter = letters::application_received(&program.name, policy.application_review_hours, id);
    mail::send(ctx, &*tx, &person, letter).await?;
    tx.commit().await?;
    Ok(())
}

/// The terms have to be the ones the applicant read.
fn accepted(
    fields: &Fields,
    terms: &entity::terms_version::Model,
) -> std::result::Result<(), (&'static str, String)> {
    if fields.accept_terms.is_empty() {
        Err((
            "accept_terms",
            "Please read the terms and accept them.".to_owned(),
        ))
    } else if fields.terms_version_id != terms.id.to_string() {
        Err((
            "accept_terms",
            format!(
                "The terms have changed meanwhile: version {} is shown now. Please read it and accept again.",
                terms.version
            ),
        ))
    } else {
        Ok(())
    }
}

/// Answers the reviewer's question; the review goes on, with its time counted anew.
///
/// # Errors
/// [`Error::Invalid`] for an empty answer, [`Error::Conflict`] when nothing was asked.
pub async fn answer(ctx: &Context, id: i64, typed: &str) -> Result<()> {
    let text = written("answer", typed, "your answer")?;
    let tx = ctx.begin().await?;
    let application = own(ctx, &*tx, id).await?;
    let due = facts::review_due(ctx, &*tx, &application).await?;
    let values = vec![(Column::ReviewDueAt, Expr::value(due))];
    step(ctx, &tx, &application, A::InReview, Who::Partner, values).await?;
    say(ctx, &tx, "application", id, &text, false).await?;
    Entry::new(
        "application.answered",
        "application",
        id,
        "The applicant answered.",
    )
    .record(ctx, &*tx)
    .await?;
    if let Some(reviewer) = application.reviewer_id {
        let link = format!("/manager/applications/{id}");
        notice::tell(
            ctx,
            &*tx,
            reviewer,
            format!("{} answered your question.", application.legal_name),
            link,
        )
        .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Takes the application back.
///
/// # Errors
/// [`Error::Conflict`] once it is decided.
pub async fn withdraw(ctx: &Context, id: i64) -> Result<()> {
    let tx = ctx.begin().await?;
    let application = own(ctx, &*tx, id).await?;
    let values = vec![(Column::DecidedAt, Expr::value(ctx.now()))];
    step(ctx, &tx, &application, A::Withdrawn, Who::Partner, values).await?;
    Entry::new(
        "application.withdrawn",
        "application",
        id,
        "Application withdrawn by the applicant.",
    )
    .record(ctx, &*tx)
    .await?;
    tx.commit().await?;
    Ok(())
}
