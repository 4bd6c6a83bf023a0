//! Taking an exam: drawn, answered, graded on the server, expired on time.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::exam::{AttemptStatus, Drawn, Feedback, Grade, Shown, draw, grade, show};
use entity::{attempt, course, course_version, lesson, lesson_progress, partner, person};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, JoinType, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, RelationTrait, sea_query::Expr,
};

use super::{by_slug, certificate, path, pool, published, rules};
use crate::context::Context;
use crate::error::{Error, Result as ServiceResult, is_duplicate};
use crate::event::Entry;

/// How long after the deadline answers are still taken: what was sent in the last second is on its
/// way. The timer that people see ends at the deadline.
const TRANSIT: TimeDelta = TimeDelta::seconds(20);

/// Answers by question id, as shown positions.
type Answers = BTreeMap<i64, Vec<u16>>;

/// A question as asked, with what the person has chosen so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The question, without its answer.
    pub shown: Shown,
    /// Shown positions chosen so far.
    pub chosen: Vec<u16>,
}

/// How an ended attempt went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Result {
    /// Score and feedback per question.
    pub grade: Grade,
    /// Each question with its options in the pool's order, which the feedback's positions name.
    pub questions: Vec<(String, Vec<String>)>,
    /// The number of the certificate, where it was passed.
    pub certificate: Option<String>,
}

/// An attempt as its person sees it.
#[derive(Clone, Debug)]
pub struct AttemptView {
    /// `attempt.id`.
    pub id: i64,
    /// The course's address word and title.
    pub course: (String, String),
    /// Where it stands.
    pub status: AttemptStatus,
    /// Which try it is.
    pub number: i64,
    /// Percent that pass.
    pub pass_percent: i64,
    /// When it ends by itself.
    pub deadline_at: DateTime<Utc>,
    /// The questions while it is open; empty afterwards.
    pub questions: Vec<Asked>,
    /// The result once it has ended; never before.
    pub result: Option<Result>,
}

/// Starts an attempt, or answers with the open one.
///
/// # Errors
/// [`Error::Conflict`] with the sentence that says why not: lessons unread, attempts used, wait not
/// over.
pub async fn start(ctx: &Context, slug: &str) -> ServiceResult<i64> {
    expire_due(ctx).await?;
    let (partner_id, person_id, _) = ctx.partner()?;
    let tx = ctx.begin().await?;
    let partner = partner::Entity::find_by_id(partner_id)
        .one(&*tx)
        .await?
        .ok_or(Error::NotFound)?;
    let course = by_slug(&*tx, partner.program_id, slug).await?;
    let version = published(&*tx, course.id).await?.ok_or(Error::NotFound)?;
    let attempts = attempt::Entity::find()
        .filter(attempt::Column::CourseVersionId.eq(version.id))
        .filter(attempt::Column::PersonId.eq(person_id))
        .order_by_desc(attempt::Column::Number)
        .all(&*tx)
        .await?;
    // One that is open at a former version is finished first.
    if let Some(open) = open_attempt(&*tx, course.id, person_id).await? {
        return Ok(open);
    }
    let unread = unread(&*tx, version.id, person_id).await?;
    if unread > 0 {
        let lessons = if unread == 1 { "lesson" } else { "lessons" };
        return Err(Error::conflict(format!(
            "Read the remaining {unread} {lessons} first."
        )));
    }
    let rules = rules(&version);
    if let Some(sentence) = path::refusal(&rules, &attempts, ctx.now()) {
        return Err(Error::conflict(sentence));
    }
    let pool = pool(&*tx, version.id).await?;
    let drawn = draw(&pool, rules.questions as usize, rand::random());
    let deadline = rules
        .ends_at(ctx.now())
        .ok_or_else(|| Error::internal("no time limit"))?;
    let inserted = attempt::Entity::insert(attempt::ActiveModel {
        course_version_id: Set(version.id),
        person_id: Set(person_id),
        partner_id: Set(partner_id),
        number: Set(attempts.first().map_or(1, |a| a.number + 1)),
        status: Set(AttemptStatus::Open.as_str().to_owned()),
        paper: Set(serde_json::to_value(&drawn)?),
        answers: Set(serde_json::json!({})),
        started_at: Set(ctx.now()),
        deadline_at: Set(deadline),
        ..Default::default()
    })
    .exec_with_returning(&*tx)
    .await;
    let row = match inserted {
        Ok(row) => row,
        // Two clicks at once: the other one's attempt is the open one.
        Err(e) if is_duplicate(&e) => {
            drop(tx);
            let open = open_attempt(ctx.reader(), course.id, person_id).await?;
            return open.ok_or(Error::NotFound);
        }
        Err(e) => return Err(e.into()),
    };
    let sentence = format!("Exam “{}” started, attempt {}.", version.title, row.number);
    Entry::new("attempt.started", "attempt", row.id, sentence)
        .partner(partner_id)
        .record(ctx, &*tx)
        .await?;
    tx.commit().await?;
    Ok(row.id)
}

/// The attempt at any version of a course that a person has open.
pub(super) async fn open_attempt(
    db: &impl ConnectionTrait,
    course_id: i64,
    person_id: i64,
) -> ServiceResult<Option<i64>> {
    Ok(attempt::Entity::find()
        .join(JoinType::InnerJoin, attempt::Relation::CourseVersion.def())
        .filter(course_version::Column::CourseId.eq(course_id))
        .filter(attempt::Column::PersonId.eq(person_id))
        .filter(attempt::Column::Status.eq(AttemptStatus::Open.as_str()))
        .one(db)
        .await?
        .map(|a| a.id))
}

async fn unread(db: &impl ConnectionTrait, version_id: i64, person_id: i64) -> ServiceResult<u64> {
    let lessons: Vec<i64> = lesson::Entity::find()
        .filter(lesson::Column::CourseVersionId.eq(version_id))
        .all(db)
        .await?
        .into_iter()
        .map(|l| l.id)
        .collect();
    let all = lessons.len() as u64;
    let done = lesson_progress::Entity::find()
        .filter(lesson_progress::Column::PersonId.eq(person_id))
        .filter(lesson_progress::Column::LessonId.is_in(lessons))
        .count(db)
        .await?;
    Ok(all.saturating_sub(done))
}

/// The actor's own attempt; anybody else's is not found.
async fn own(ctx: &Context, db: &impl ConnectionTrait, id: i64) -> ServiceResult<attempt::Model> {
    let (_, person_id, _) = ctx.partner()?;
    attempt::Entity::find_by_id(id)
        .filter(attempt::Column::PersonId.eq(person_id))
        .one(db)
        .await?
        .ok_or(Error::NotFound)
}

/// One attempt: its questions while it is open, its result afterwards.
///
/// # Errors
/// [`Error::NotFound`] for a missing attempt or somebody else's.
pub async fn attempt(ctx: &Context, id: i64) -> ServiceResult<AttemptView> {
    let row = own(ctx, ctx.reader(), id).await?;
    if row.status == AttemptStatus::Open.as_str() && row.deadline_at + TRANSIT <= ctx.now() {
        expire_due(ctx).await?;
    }
    let db = ctx.reader();
    let row = own(ctx, db, id).await?;
    let version = course_version::Entity::find_by_id(row.course_version_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    let course = course::Entity::find_by_id(version.course_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    let pool = pool(db, version.id).await?;
    let drawn: Vec<Drawn> = serde_json::from_value(row.paper.clone())?;
    let answers: Answers = serde_json::from_value(row.answers.clone())?;
    let status: AttemptStatus = row.status.parse().map_err(Error::internal)?;
    let open = status == AttemptStatus::Open;
    let questions = if open {
        drawn
            .iter()
            .filter_map(|d| show(&pool, d))
            .map(|shown| Asked {
                chosen: answers.get(&shown.question_id).cloned().unwrap_or_default(),
                shown,
            })
            .collect()
    } else {
        Vec::new()
    };
    let result = if open {
        None
    } else {
        let grade = graded(&pool, &drawn, &answers, version.pass_percent);
        Some(Result {
            questions: grade
                .feedback
                .iter()
                .map(|f| question_of(&pool, f))
                .collect(),
            certificate: certificate::number_of_attempt(db, id).await?,
            grade,
        })
    };
    Ok(AttemptView {
        id,
        course: (course.slug, version.title),
        status,
        number: row.number,
        pass_percent: version.pass_percent,
        deadline_at: row.deadline_at,
        questions,
        result,
    })
}

fn question_of(pool: &[domain::exam::Question], feedback: &Feedback) -> (String, Vec<String>) {
    pool.iter()
        .find(|q| q.id == feedback.question_id)
        .map(|q| (q.prompt.clone(), q.options.clone()))
        .unwrap_or_default()
}

fn graded(
    pool: &[domain::exam::Question],
    drawn: &[Drawn],
    answers: &Answers,
    pass_percent: i64,
) -> Grade {
    let pass_mark = u32::try_from(pass_percent).unwrap_or(100);
    grade(
        pool,
        drawn,
        |id| answers.get(&id).cloned().unwrap_or_default(),
        pass_mark,
    )
}

/// Keeps answers as the person goes: `(question id, shown positions)`. Questions that are not named
/// keep what they had; questions that were not asked are passed over.
///
/// # Errors
/// [`Error::Conflict`] when the attempt has ended.
pub async fn save(ctx: &Context, id: i64, given: &[(i64, Vec<u16>)]) -> ServiceResult<()> {
    let tx = ctx.begin().await?;
    let row = own(ctx, &*tx, id).await?;
    keep(ctx, &*tx, &row, given).await?;
    tx.commit().await?;
    Ok(())
}

async fn keep(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    row: &attempt::Model,
    given: &[(i64, Vec<u16>)],
) -> ServiceResult<Answers> {
    let drawn: Vec<Drawn> = serde_json::from_value(row.paper.clone())?;
    let mut answers: Answers = serde_json::from_value(row.answers.clone())?;
    for (question_id, chosen) in given {
        if drawn.iter().any(|d| d.question_id == *question_id) {
            answers.insert(*question_id, chosen.clone());
        }
    }
    let kept = attempt::Entity::update_many()
        .col_expr(
            attempt::Column::Answers,
            Expr::value(serde_json::to_value(&answers)?),
        )
        .filter(attempt::Column::Id.eq(row.id))
        .filter(attempt::Column::Status.eq(AttemptStatus::Open.as_str()))
        .filter(attempt::Column::DeadlineAt.gt(ctx.now() - TRANSIT))
        .exec(tx)
        .await?
        .rows_affected;
    if kept != 1 {
        return Err(Error::conflict(
            "This attempt has ended; what was saved in time counts.",
        ));
    }
    Ok(answers)
}

/// Hands an attempt in with its last answers, grades it, and issues the certificate where it was
/// passed. True when it was.
///
/// # Errors
/// [`Error::Conflict`] when it has ended already.
pub async fn hand_in(ctx: &Context, id: i64, given: &[(i64, Vec<u16>)]) -> ServiceResult<bool> {
    let tx = ctx.begin().await?;
    let row = own(ctx, &*tx, id).await?;
    let answers = keep(ctx, &*tx, &row, given).await?;
    let passed = end(ctx, &*tx, &row, &answers, AttemptStatus::Failed).await?;
    tx.commit().await?;
    Ok(passed)
}

/// Ends every attempt whose time is over: what was saved is graded, and what suffices is passed all
/// the same. Says how many it ended.
///
/// # Errors
/// When the database is not available.
pub async fn expire_due(ctx: &Context) -> ServiceResult<u64> {
    let due = attempt::Entity::find()
        .filter(attempt::Column::Status.eq(AttemptStatus::Open.as_str()))
        .filter(attempt::Column::DeadlineAt.lte(ctx.now() - TRANSIT))
        .all(ctx.reader())
        .await?;
    let mut ended = 0;
    for row in due {
        let tx = ctx.begin().await?;
        // Read again: answers may have been saved in between.
        let row = attempt::Entity::find_by_id(row.id)
            .one(&*tx)
            .await?
            .ok_or(Error::NotFound)?;
        let answers: Answers = serde_json::from_value(row.answers.clone())?;
        match end(ctx, &*tx, &row, &answers, AttemptStatus::Expired).await {
            Ok(_) => {
                tx.commit().await?;
                ended += 1;
            }
            // Somebody else has just ended it.
            Err(Error::Conflict(_)) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(ended)
}

/// Grades and ends an attempt; `otherwise` is its state when it is not passed.
async fn end(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    row: &attempt::Model,
    answers: &Answers,
    otherwise: AttemptStatus,
) -> ServiceResult<bool> {
    let version = course_version::Entity::find_by_id(row.course_version_id)
        .one(tx)
        .await?
        .ok_or(Error::NotFound)?;
    let drawn: Vec<Drawn> = serde_json::from_value(row.paper.clone())?;
    let pool = pool(tx, version.id).await?;
    let grade = graded(&pool, &drawn, answers, version.pass_percent);
    let status = if grade.passed {
        AttemptStatus::Passed
    } else {
        otherwise
    };
    let ended = attempt::Entity::update_many()
        .col_expr(attempt::Column::Status, Expr::value(status.as_str()))
        .col_expr(
            attempt::Column::ScorePercent,
            Expr::value(i64::from(grade.percent())),
        )
        .col_expr(
            attempt::Column::FinishedAt,
            Expr::value(ctx.now().min(row.deadline_at)),
        )
        .filter(attempt::Column::Id.eq(row.id))
        .filter(attempt::Column::Status.eq(AttemptStatus::Open.as_str()))
        .exec(tx)
        .await?
        .rows_affected;
    if ended != 1 {
        return Err(Error::conflict("This attempt has already ended."));
    }
    let person = person::Entity::find_by_id(row.person_id)
        .one(tx)
        .await?
        .ok_or(Error::NotFound)?;
    let sentence = format!(
        "{}: {} in the exam “{}” with {}%.",
        person.name,
        status.label().to_lowercase(),
        version.title,
        grade.percent()
    );
    Entry::new("attempt.ended", "attempt", row.id, sentence)
        .partner(row.partner_id)
        .record(ctx, tx)
        .await?;
    if grade.passed {
        certificate::issue(ctx, tx, row, &version, &person).await?;
    }
    Ok(grade.passed)
}
