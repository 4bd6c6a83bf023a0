//! The partner's side: courses, lessons and how far one has come.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use domain::exam::{AttemptStatus, CertificateStatus, ExamRules, may_start};
use entity::{attempt, certificate, course, course_version, lesson, lesson_progress, partner};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    sea_query::OnConflict,
};

use super::{by_slug, certificate::status_of, exam::open_attempt, published, rules};
use crate::context::Context;
use crate::error::{Error, Result};

/// A course as a card on the learning path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CourseCard {
    /// The word in its address.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// What it is about.
    pub summary: String,
    /// Registering deals needs it.
    pub gates_deals: bool,
    /// Lessons in all.
    pub lessons: usize,
    /// Lessons this person has done.
    pub done: usize,
    /// Minutes of reading in all.
    pub minutes: i64,
    /// What this person's certificate is worth, if there is one.
    pub certificate: Option<CertificateStatus>,
}

/// A lesson in a course's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LessonLine {
    /// `lesson.id`.
    pub id: i64,
    /// The module it belongs to.
    pub module: String,
    /// Its title.
    pub title: String,
    /// How long it takes, in minutes.
    pub minutes: i64,
    /// Whether this person has done it.
    pub done: bool,
}

/// A course with everything a person decides by.
#[derive(Clone, Debug)]
pub struct CourseView {
    /// The card.
    pub card: CourseCard,
    /// The lessons in order.
    pub lessons: Vec<LessonLine>,
    /// How the exam is taken.
    pub rules: ExamRules,
    /// Attempts so far, newest first.
    pub attempts: Vec<attempt::Model>,
    /// The open attempt, if there is one.
    pub open_attempt: Option<i64>,
    /// Why no attempt can be started now.
    pub refusal: Option<String>,
    /// The newest certificate.
    pub certificate: Option<certificate::Model>,
}

/// A lesson to read.
#[derive(Clone, Debug)]
pub struct LessonView {
    /// The course.
    pub course_slug: String,
    /// The course's title.
    pub course_title: String,
    /// This lesson.
    pub line: LessonLine,
    /// Its text as HTML.
    pub html: String,
    /// A video to watch.
    pub video_url: Option<String>,
    /// The lesson before.
    pub previous: Option<i64>,
    /// The lesson after.
    pub next: Option<i64>,
    /// Its place, from 1, and how many there are.
    pub place: (usize, usize),
}

/// The actor's program and person: learning is for members of a partner.
async fn learner(ctx: &Context, db: &impl ConnectionTrait) -> Result<(i64, i64)> {
    let (partner_id, person_id, _) = ctx.partner()?;
    let partner = partner::Entity::find_by_id(partner_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    Ok((partner.program_id, person_id))
}

/// The learning path: every published course of the program, what is needed first.
///
/// # Errors
/// [`Error::NotFound`] for people who act for no partner.
pub async fn courses(ctx: &Context) -> Result<Vec<CourseCard>> {
    let db = ctx.reader();
    let (program_id, person_id) = learner(ctx, db).await?;
    let all = course::Entity::find()
        .filter(course::Column::ProgramId.eq(program_id))
        .order_by_desc(course::Column::GatesDeals)
        .order_by_asc(course::Column::Id)
        .all(db)
        .await?;
    let mut cards = Vec::new();
    for course in all {
        if let Some(version) = published(db, course.id).await? {
            let lines = lines(db, version.id, person_id).await?;
            cards.push(card(ctx, db, &course, &version, &lines, person_id).await?);
        }
    }
    Ok(cards)
}

async fn card(
    ctx: &Context,
    db: &impl ConnectionTrait,
    course: &course::Model,
    version: &course_version::Model,
    lines: &[LessonLine],
    person_id: i64,
) -> Result<CourseCard> {
    let certificate = newest_certificate(db, course.id, person_id).await?;
    Ok(CourseCard {
        slug: course.slug.clone(),
        title: version.title.clone(),
        summary: version.summary.clone(),
        gates_deals: course.gates_deals,
        lessons: lines.len(),
        done: lines.iter().filter(|l| l.done).count(),
        minutes: lines.iter().map(|l| l.minutes).sum(),
        certificate: certificate.map(|c| status_of(&c, ctx.now())),
    })
}

async fn newest_certificate(
    db: &impl ConnectionTrait,
    course_id: i64,
    person_id: i64,
) -> Result<Option<certificate::Model>> {
    Ok(certificate::Entity::find()
        .filter(certificate::Column::CourseId.eq(course_id))
        .filter(certificate::Column::PersonId.eq(person_id))
        .order_by_desc(certificate::Column::ExpiresAt)
        .one(db)
        .await?)
}

async fn lines(
    db: &impl ConnectionTrait,
    version_id: i64,
    person_id: i64,
) -> Result<Vec<LessonLine>> {
    let lessons = lesson::Entity::find()
        .filter(lesson::Column::CourseVersionId.eq(version_id))
        .order_by_asc(lesson::Column::Position)
        .all(db)
        .await?;
    let done: HashSet<i64> = lesson_progress::Entity::find()
        .filter(lesson_progress::Column::PersonId.eq(person_id))
        .filter(lesson_progress::Column::LessonId.is_in(lessons.iter().map(|l| l.id)))
        .all(db)
        .await?
        .into_iter()
        .map(|p| p.lesson_id)
        .collect();
    Ok(lessons
        .into_iter()
        .map(|l| LessonLine {
            done: done.contains(&l.id),
            id: l.id,
            module: l.module,
            title: l.title,
            minutes: l.minutes,
        })
        .collect())
}

/// One course.
///
/// # Errors
/// [`Error::NotFound`] for a course of another program, or one that is not published.
pub async fn course(ctx: &Context, slug: &str) -> Result<CourseView> {
    super::expire_due(ctx).await?;
    let db = ctx.reader();
    let (program_id, person_id) = learner(ctx, db).await?;
    let course = by_slug(db, program_id, slug).await?;
    let version = published(db, course.id).await?.ok_or(Error::NotFound)?;
    let lessons = lines(db, version.id, person_id).await?;
    let attempts = attempt::Entity::find()
        .filter(attempt::Column::CourseVersionId.eq(version.id))
        .filter(attempt::Column::PersonId.eq(person_id))
        .order_by_desc(attempt::Column::Number)
        .all(db)
        .await?;
    let open_attempt = open_attempt(db, course.id, person_id).await?;
    let rules = rules(&version);
    let refusal = refusal(&rules, &attempts, ctx.now());
    Ok(CourseView {
        card: card(ctx, db, &course, &version, &lessons, person_id).await?,
        certificate: newest_certificate(db, course.id, person_id).await?,
        lessons,
        rules,
        open_attempt,
        refusal,
        attempts,
    })
}

fn is_open(attempt: &attempt::Model) -> bool {
    attempt.status == AttemptStatus::Open.as_str()
}

/// Why no attempt can be started now; an open one is not a refusal, it is continued.
pub(super) fn refusal(
    rules: &ExamRules,
    attempts: &[attempt::Model],
    now: DateTime<Utc>,
) -> Option<String> {
    if attempts.iter().any(is_open) {
        return None;
    }
    // Who passed may renew at any time; the count starts anew after a pass.
    let since_pass: Vec<_> = attempts
        .iter()
        .take_while(|a| a.status != AttemptStatus::Passed.as_str())
        .collect();
    let last_ended = since_pass.iter().filter_map(|a| a.finished_at).max();
    let used = u32::try_from(since_pass.len()).unwrap_or(u32::MAX);
    may_start(rules, used, false, last_ended, now)
        .err()
        .map(|r| r.sentence(now))
}

/// A lesson of a published course, with its version and course.
async fn find_lesson(
    ctx: &Context,
    db: &impl ConnectionTrait,
    id: i64,
) -> Result<(lesson::Model, course_version::Model, course::Model, i64)> {
    let (program_id, person_id) = learner(ctx, db).await?;
    let lesson = lesson::Entity::find_by_id(id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    let version = course_version::Entity::find_by_id(lesson.course_version_id)
        .filter(course_version::Column::Status.eq("published"))
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    let course = course::Entity::find_by_id(version.course_id)
        .filter(course::Column::ProgramId.eq(program_id))
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    Ok((lesson, version, course, person_id))
}

/// One lesson to read.
///
/// # Errors
/// [`Error::NotFound`] for one of another program, or of a version that is not published.
pub async fn lesson(ctx: &Context, id: i64) -> Result<LessonView> {
    let db = ctx.reader();
    let (row, version, course, person_id) = find_lesson(ctx, db, id).await?;
    let lines = lines(db, version.id, person_id).await?;
    let place = lines
        .iter()
        .position(|l| l.id == id)
        .ok_or(Error::NotFound)?;
    Ok(LessonView {
        course_slug: course.slug,
        course_title: version.title,
        line: lines[place].clone(),
        html: crate::markdown::to_html(&row.body),
        video_url: row.video_url,
        previous: place.checked_sub(1).map(|i| lines[i].id),
        next: lines.get(place + 1).map(|l| l.id),
        place: (place + 1, lines.len()),
    })
}

/// Marks a lesson as done and answers with the next one, if there is one.
///
/// # Errors
/// As [`lesson`].
pub async fn complete_lesson(ctx: &Context, id: i64) -> Result<(String, Option<i64>)> {
    let tx = ctx.begin().await?;
    let (_, version, course, person_id) = find_lesson(ctx, &*tx, id).await?;
    lesson_progress::Entity::insert(lesson_progress::ActiveModel {
        lesson_id: Set(id),
        person_id: Set(person_id),
        completed_at: Set(ctx.now()),
        ..Default::default()
    })
    .on_conflict(
        OnConflict::columns([
            lesson_progress::Column::LessonId,
            lesson_progress::Column::PersonId,
        ])
        .do_nothing()
        .to_owned(),
    )
    .exec_without_returning(&*tx)
    .await?;
    let lines = lines(&*tx, version.id, person_id).await?;
    tx.commit().await?;
    let next = lines.iter().skip_while(|l| l.id != id).nth(1).map(|l| l.id);
    Ok((course.slug, next))
}
