//! Certification: courses, lessons, exams and certificates.
//!
//! A course is written in versions; exactly one of them is published. An exam is drawn and graded
//! here: the right answers leave this module only when an attempt has ended. A certificate belongs
//! to the person and counts for every organisation the person is a member of.

mod certificate;
mod exam;
mod path;
mod pdf;
mod staff;

use domain::exam::{ExamRules, Question};
use entity::{course, course_version, question};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

pub use certificate::{
    CertificateView, Missing, REMIND, Remind, certified_people, missing_for_deals, of_partner, own,
    remind, revoke, status_of, verify,
};
pub use exam::{
    Asked, AttemptView, Result as ExamResult, attempt, expire_due, hand_in, save, start,
};
pub use path::{
    CourseCard, CourseView, LessonLine, LessonView, complete_lesson, course, courses, lesson,
};
pub use pdf::certificate_pdf;
pub use staff::{
    AttemptLine, CourseLine, Draft, DraftView, LessonFields, QuestionFields, attempts, create,
    delete_lesson, delete_question, draft, edit, history, list, preview_lesson, publish,
    raise_lesson, retire, save_course, save_lesson, save_question,
};

use crate::error::{Error, Result};

/// The published version of a course.
async fn published(
    db: &impl ConnectionTrait,
    course_id: i64,
) -> Result<Option<course_version::Model>> {
    Ok(course_version::Entity::find()
        .filter(course_version::Column::CourseId.eq(course_id))
        .filter(course_version::Column::Status.eq("published"))
        .one(db)
        .await?)
}

/// A course of a program by the word in its address.
async fn by_slug(db: &impl ConnectionTrait, program_id: i64, slug: &str) -> Result<course::Model> {
    course::Entity::find()
        .filter(course::Column::ProgramId.eq(program_id))
        .filter(course::Column::Slug.eq(slug))
        .one(db)
        .await?
        .ok_or(Error::NotFound)
}

/// How a version's exam is taken.
fn rules(version: &course_version::Model) -> ExamRules {
    let small = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
    ExamRules {
        questions: small(version.question_count),
        pass_mark: small(version.pass_percent),
        time_limit_minutes: Some(small(version.time_limit_minutes)),
        max_attempts: Some(small(version.attempts_allowed)),
        wait_hours: small(version.retry_wait_hours),
    }
}

/// A version's question pool, with the answers.
async fn pool(db: &impl ConnectionTrait, version_id: i64) -> Result<Vec<Question>> {
    question::Entity::find()
        .filter(question::Column::CourseVersionId.eq(version_id))
        .order_by_asc(question::Column::Position)
        .all(db)
        .await?
        .into_iter()
        .map(|row| {
            Ok(Question {
                id: row.id,
                kind: row.kind.parse().map_err(Error::internal)?,
                prompt: row.prompt,
                options: serde_json::from_value(row.options)?,
                answer: serde_json::from_value(row.answer)?,
                explanation: row.feedback,
            })
        })
        .collect()
}
