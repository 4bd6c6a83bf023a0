//! Publishing and retiring.

use domain::exam::{CourseStatus, Question};
use domain::partner::StaffRole;
use entity::{course_version, lesson};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};

use super::super::pool;
use super::{lessons, writable};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Entry;

/// What keeps a version from being published, as sentences.
pub(super) fn problems(
    version: &course_version::Model,
    lessons: &[lesson::Model],
    questions: &[Question],
) -> Vec<String> {
    let mut found = Vec::new();
    if lessons.is_empty() {
        found.push("Write at least one lesson.".to_owned());
    }
    if (questions.len() as i64) < version.question_count {
        found.push(format!(
            "The exam draws {} questions, and the pool has {}. Write more or draw fewer.",
            version.question_count,
            questions.len()
        ));
    }
    found
}

/// Publishes a draft and retires the version before it. Attempts that are open on that one go on.
///
/// # Errors
/// [`Error::Conflict`] with what is missing.
pub async fn publish(ctx: &Context, version_id: i64) -> Result<()> {
    let tx = ctx.begin().await?;
    let version = writable(ctx, &*tx, version_id).await?;
    let problems = problems(
        &version,
        &lessons(&*tx, version_id).await?,
        &pool(&*tx, version_id).await?,
    );
    if let Some(problem) = problems.first() {
        return Err(Error::conflict(problem.clone()));
    }
    course_version::Entity::update_many()
        .col_expr(
            course_version::Column::Status,
            Expr::value(CourseStatus::Retired.as_str()),
        )
        .filter(course_version::Column::CourseId.eq(version.course_id))
        .filter(course_version::Column::Status.eq(CourseStatus::Published.as_str()))
        .exec(&*tx)
        .await?;
    let published = course_version::Entity::update_many()
        .col_expr(
            course_version::Column::Status,
            Expr::value(CourseStatus::Published.as_str()),
        )
        .col_expr(course_version::Column::PublishedAt, Expr::value(ctx.now()))
        .filter(course_version::Column::Id.eq(version_id))
        .filter(course_version::Column::Status.eq(CourseStatus::Draft.as_str()))
        .exec(&*tx)
        .await?
        .rows_affected;
    if published != 1 {
        return Err(Error::conflict(
            "A colleague has just published this draft.",
        ));
    }
    let sentence = format!(
        "Version {} of “{}” published.",
        version.version, version.title
    );
    Entry::new("course.published", "course", version.course_id, sentence)
        .internal()
        .record(ctx, &*tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Takes a course off the path. Its certificates stay valid, and nothing can be gated by it.
///
/// # Errors
/// [`Error::Conflict`] when it is not published.
pub async fn retire(ctx: &Context, course_id: i64) -> Result<()> {
    ctx.staff(StaffRole::Manager)?;
    let tx = ctx.begin().await?;
    let retired = course_version::Entity::update_many()
        .col_expr(
            course_version::Column::Status,
            Expr::value(CourseStatus::Retired.as_str()),
        )
        .filter(course_version::Column::CourseId.eq(course_id))
        .filter(course_version::Column::Status.eq(CourseStatus::Published.as_str()))
        .exec(&*tx)
        .await?
        .rows_affected;
    if retired != 1 {
        return Err(Error::conflict(
            "This course is not published, so it cannot be retired.",
        ));
    }
    Entry::new("course.retired", "course", course_id, "Course retired.")
        .internal()
        .record(ctx, &*tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
