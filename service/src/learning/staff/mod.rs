//! The vendor's side: writing courses in versions, publishing, looking at attempts.
//!
//! A published version is never changed. Editing a course works on its draft; publishing the draft
//! retires the version before it, and certificates keep the version they were earned with.

use domain::exam::{CourseStatus, Question};
use domain::partner::StaffRole;
use domain::validate;
use entity::{course, course_version, lesson, question};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, sea_query::Expr,
};

mod attempts;
mod content;
mod publish;

pub use attempts::{AttemptLine, attempts};
pub use content::{
    LessonFields, QuestionFields, delete_lesson, delete_question, preview_lesson, raise_lesson,
    save_lesson, save_question,
};
pub use publish::{publish, retire};

use super::{pool, published};
use crate::context::Context;
use crate::error::{Error, FieldErrors, Result};
use crate::event::Entry;
use publish::problems;

/// An address below the courses' that is something else: the certificates' page.
const TAKEN: &str = "certificates";

/// A course as a row of the list.
#[derive(Clone, Debug)]
pub struct CourseLine {
    /// The course.
    pub course: course::Model,
    /// The newest title.
    pub title: String,
    /// The published version's number.
    pub published: Option<i64>,
    /// The draft's number, where one is being written.
    pub draft: Option<i64>,
}

/// Every course, for staff.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor.
pub async fn list(ctx: &Context) -> Result<Vec<CourseLine>> {
    ctx.any_staff()?;
    let db = ctx.reader();
    let mut lines = Vec::new();
    for course in course::Entity::find()
        .order_by_asc(course::Column::Id)
        .all(db)
        .await?
    {
        let versions = versions(db, course.id).await?;
        let number = |status: &str| {
            versions
                .iter()
                .find(|v| v.status == status)
                .map(|v| v.version)
        };
        lines.push(CourseLine {
            title: versions
                .first()
                .map(|v| v.title.clone())
                .unwrap_or_default(),
            published: number("published"),
            draft: number("draft"),
            course,
        });
    }
    Ok(lines)
}

/// A course's versions, newest first.
async fn versions(db: &impl ConnectionTrait, course_id: i64) -> Result<Vec<course_version::Model>> {
    Ok(course_version::Entity::find()
        .filter(course_version::Column::CourseId.eq(course_id))
        .order_by_desc(course_version::Column::Version)
        .all(db)
        .await?)
}

/// One course with its versions, newest first, for staff.
///
/// # Errors
/// [`Error::NotFound`] for a missing one and for people outside the vendor.
pub async fn history(
    ctx: &Context,
    course_id: i64,
) -> Result<(course::Model, Vec<course_version::Model>)> {
    ctx.any_staff()?;
    let db = ctx.reader();
    let course = course::Entity::find_by_id(course_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    Ok((course, versions(db, course_id).await?))
}

/// What a course version says of itself and its exam, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct Draft {
    /// Its title.
    pub title: String,
    /// What it is about.
    pub summary: String,
    /// Percent that pass.
    pub pass_percent: String,
    /// Questions drawn per attempt.
    pub question_count: String,
    /// Minutes for an attempt.
    pub time_limit_minutes: String,
    /// Attempts per person.
    pub attempts_allowed: String,
    /// Hours between attempts.
    pub retry_wait_hours: String,
    /// Months a certificate is valid.
    pub valid_months: String,
    /// Days of grace after that.
    pub grace_days: String,
    /// `on` when registering deals needs it.
    pub gates_deals: String,
}

/// A draft's numbers, checked.
struct Numbers {
    pass: i64,
    count: i64,
    minutes: i64,
    attempts: i64,
    wait: i64,
    months: i64,
    grace: i64,
}

impl Draft {
    fn check(&self) -> Result<(String, String, Numbers)> {
        let mut errors = FieldErrors::new();
        let title = errors.check("title", validate::required(&self.title, "a title", 120));
        let summary = errors.check(
            "summary",
            validate::required(&self.summary, "a summary", 600),
        );
        let mut number = |field: &str, text: &str, min: i64, max: i64| {
            errors
                .check(field, validate::whole_number(text, min, max))
                .unwrap_or_default()
        };
        let numbers = Numbers {
            pass: number("pass_percent", &self.pass_percent, 1, 100),
            count: number("question_count", &self.question_count, 1, 100),
            minutes: number("time_limit_minutes", &self.time_limit_minutes, 1, 600),
            attempts: number("attempts_allowed", &self.attempts_allowed, 1, 100),
            wait: number("retry_wait_hours", &self.retry_wait_hours, 0, 2_000),
            months: number("valid_months", &self.valid_months, 1, 120),
            grace: number("grace_days", &self.grace_days, 0, 365),
        };
        errors.finish()?;
        Ok((
            title.unwrap_or_default(),
            summary.unwrap_or_default(),
            numbers,
        ))
    }
}

/// Begins a course with an empty draft; gives its id.
///
/// # Errors
/// [`Error::Invalid`] by field, [`Error::Conflict`] when the address word is taken.
pub async fn create(ctx: &Context, program_id: i64, typed: &Draft) -> Result<i64> {
    ctx.staff(StaffRole::Manager)?;
    let (title, summary, numbers) = typed.check()?;
    let slug = domain::slug::slugify(&title);
    if slug.is_empty() || slug == TAKEN {
        return Err(Error::field(
            "title",
            "Choose another title; this one makes no address.",
        ));
    }
    let tx = ctx.begin().await?;
    let program = crate::program::by_id(&*tx, program_id).await?;
    let taken = course::Entity::find()
        .filter(course::Column::ProgramId.eq(program.id))
        .filter(course::Column::Slug.eq(&slug))
        .count(&*tx)
        .await?;
    if taken > 0 {
        return Err(Error::field(
            "title",
            "There is a course with this title. Choose another.",
        ));
    }
    let course = course::Entity::insert(course::ActiveModel {
        program_id: Set(program.id),
        slug: Set(slug),
        gates_deals: Set(typed.gates_deals == "on"),
        created_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_with_returning(&*tx)
    .await?;
    insert_version(ctx, &*tx, course.id, 1, title.clone(), summary, &numbers).await?;
    Entry::new(
        "course.created",
        "course",
        course.id,
        format!("Course “{title}” begun."),
    )
    .internal()
    .record(ctx, &*tx)
    .await?;
    tx.commit().await?;
    Ok(course.id)
}

async fn insert_version(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    course_id: i64,
    version: i64,
    title: String,
    summary: String,
    numbers: &Numbers,
) -> Result<course_version::Model> {
    Ok(course_version::Entity::insert(course_version::ActiveModel {
        course_id: Set(course_id),
        version: Set(version),
        status: Set(CourseStatus::Draft.as_str().to_owned()),
        title: Set(title),
        summary: Set(summary),
        pass_percent: Set(numbers.pass),
        question_count: Set(numbers.count),
        time_limit_minutes: Set(numbers.minutes),
        attempts_allowed: Set(numbers.attempts),
        retry_wait_hours: Set(numbers.wait),
        valid_months: Set(numbers.months),
        grace_days: Set(numbers.grace),
        created_at: Set(ctx.now()),
        ..Default::default()
    })
    .exec_with_returning(tx)
    .await?)
}

/// Opens the draft of a course, copying the published version where none is being written.
///
/// # Errors
/// [`Error::NotFound`] for a missing course.
pub async fn edit(ctx: &Context, course_id: i64) -> Result<i64> {
    ctx.staff(StaffRole::Manager)?;
    let tx = ctx.begin().await?;
    let versions = versions(&*tx, course_id).await?;
    if let Some(draft) = versions.iter().find(|v| v.status == "draft") {
        return Ok(draft.id);
    }
    let newest = versions.first().ok_or(Error::NotFound)?;
    let numbers = Numbers {
        pass: newest.pass_percent,
        count: newest.question_count,
        minutes: newest.time_limit_minutes,
        attempts: newest.attempts_allowed,
        wait: newest.retry_wait_hours,
        months: newest.valid_months,
        grace: newest.grace_days,
    };
    let (title, summary) = (newest.title.clone(), newest.summary.clone());
    let draft = insert_version(
        ctx,
        &*tx,
        course_id,
        newest.version + 1,
        title,
        summary,
        &numbers,
    )
    .await?;
    for row in lessons(&*tx, newest.id).await? {
        let copy = lesson::ActiveModel {
            course_version_id: Set(draft.id),
            position: Set(row.position),
            module: Set(row.module),
            title: Set(row.title),
            body: Set(row.body),
            video_url: Set(row.video_url),
            minutes: Set(row.minutes),
            ..Default::default()
        };
        lesson::Entity::insert(copy)
            .exec_without_returning(&*tx)
            .await?;
    }
    for row in questions(&*tx, newest.id).await? {
        let copy = question::ActiveModel {
            course_version_id: Set(draft.id),
            position: Set(row.position),
            kind: Set(row.kind),
            prompt: Set(row.prompt),
            options: Set(row.options),
            answer: Set(row.answer),
            feedback: Set(row.feedback),
            ..Default::default()
        };
        question::Entity::insert(copy)
            .exec_without_returning(&*tx)
            .await?;
    }
    tx.commit().await?;
    Ok(draft.id)
}

async fn lessons(db: &impl ConnectionTrait, version_id: i64) -> Result<Vec<lesson::Model>> {
    Ok(lesson::Entity::find()
        .filter(lesson::Column::CourseVersionId.eq(version_id))
        .order_by_asc(lesson::Column::Position)
        .all(db)
        .await?)
}

async fn questions(db: &impl ConnectionTrait, version_id: i64) -> Result<Vec<question::Model>> {
    Ok(question::Entity::find()
        .filter(question::Column::CourseVersionId.eq(version_id))
        .order_by_asc(question::Column::Position)
        .all(db)
        .await?)
}

/// A version with everything in it, as its writers see it.
#[derive(Clone, Debug)]
pub struct DraftView {
    /// The course.
    pub course: course::Model,
    /// The version.
    pub version: course_version::Model,
    /// Its lessons in order.
    pub lessons: Vec<lesson::Model>,
    /// Its question pool in order, with the answers.
    pub questions: Vec<Question>,
    /// What keeps it from being published.
    pub problems: Vec<String>,
    /// Whether another version is published.
    pub replaces: Option<i64>,
}

/// One version of a course, for staff.
///
/// # Errors
/// [`Error::NotFound`] for a missing one and for people outside the vendor.
pub async fn draft(ctx: &Context, version_id: i64) -> Result<DraftView> {
    ctx.any_staff()?;
    let db = ctx.reader();
    let version = course_version::Entity::find_by_id(version_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    let course = course::Entity::find_by_id(version.course_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    let lessons = lessons(db, version_id).await?;
    let questions = pool(db, version_id).await?;
    Ok(DraftView {
        problems: problems(&version, &lessons, &questions),
        replaces: published(db, course.id).await?.map(|v| v.version),
        course,
        version,
        lessons,
        questions,
    })
}

/// A version that may still be changed.
async fn writable(
    ctx: &Context,
    db: &impl ConnectionTrait,
    version_id: i64,
) -> Result<course_version::Model> {
    ctx.staff(StaffRole::Manager)?;
    let version = course_version::Entity::find_by_id(version_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound)?;
    if version.status == "draft" {
        return Ok(version);
    }
    Err(Error::conflict(
        "A published version is not changed any more. Open the course’s draft and change that.",
    ))
}

/// Saves what a draft says of itself and its exam.
///
/// # Errors
/// [`Error::Invalid`] by field, [`Error::Conflict`] once it is published.
pub async fn save_course(ctx: &Context, version_id: i64, typed: &Draft) -> Result<()> {
    let (title, summary, numbers) = typed.check()?;
    let tx = ctx.begin().await?;
    let version = writable(ctx, &*tx, version_id).await?;
    use course_version::Column as C;
    course_version::Entity::update_many()
        .col_expr(C::Title, Expr::value(title))
        .col_expr(C::Summary, Expr::value(summary))
        .col_expr(C::PassPercent, Expr::value(numbers.pass))
        .col_expr(C::QuestionCount, Expr::value(numbers.count))
        .col_expr(C::TimeLimitMinutes, Expr::value(numbers.minutes))
        .col_expr(C::AttemptsAllowed, Expr::value(numbers.attempts))
        .col_expr(C::RetryWaitHours, Expr::value(numbers.wait))
        .col_expr(C::ValidMonths, Expr::value(numbers.months))
        .col_expr(C::GraceDays, Expr::value(numbers.grace))
        .filter(C::Id.eq(version.id))
        .filter(C::Status.eq("draft"))
        .exec(&*tx)
        .await?;
    course::Entity::update_many()
        .col_expr(
            course::Column::GatesDeals,
            Expr::value(typed.gates_deals == "on"),
        )
        .filter(course::Column::Id.eq(version.course_id))
        .exec(&*tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
