//! Writing a draft's lessons and questions.

use domain::exam::{Question, QuestionKind};
use domain::validate;
use entity::{lesson, question};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};

use super::{lessons, questions, writable};
use crate::context::Context;
use crate::error::{Error, FieldErrors, Result};

/// A lesson as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct LessonFields {
    /// The module it belongs to.
    pub module: String,
    /// Its title.
    pub title: String,
    /// Its text, Markdown.
    pub body: String,
    /// A video's address.
    pub video_url: String,
    /// How long it takes, in minutes.
    pub minutes: String,
}

/// Saves a lesson of a draft: a new one at the end, or the one named.
///
/// # Errors
/// [`Error::Invalid`] by field, [`Error::Conflict`] once the version is published.
pub async fn save_lesson(
    ctx: &Context,
    version_id: i64,
    lesson_id: Option<i64>,
    typed: &LessonFields,
) -> Result<()> {
    let mut errors = FieldErrors::new();
    let module = errors.check(
        "module",
        validate::required(&typed.module, "the module", 120),
    );
    let title = errors.check("title", validate::required(&typed.title, "a title", 120));
    let body = errors.check("body", validate::required(&typed.body, "the text", 60_000));
    let minutes = errors.check("minutes", validate::whole_number(&typed.minutes, 1, 600));
    let video = match typed.video_url.trim() {
        "" => None,
        url => errors.check("video_url", validate::url(url)),
    };
    errors.finish()?;
    let tx = ctx.begin().await?;
    writable(ctx, &*tx, version_id).await?;
    let fields = lesson::ActiveModel {
        course_version_id: Set(version_id),
        module: Set(module.unwrap_or_default()),
        title: Set(title.unwrap_or_default()),
        body: Set(body.unwrap_or_default()),
        video_url: Set(video),
        minutes: Set(minutes.unwrap_or(1)),
        ..Default::default()
    };
    match lesson_id {
        None => {
            let last = lessons(&*tx, version_id)
                .await?
                .last()
                .map_or(0, |l| l.position);
            let row = lesson::ActiveModel {
                position: Set(last + 1),
                ..fields
            };
            lesson::Entity::insert(row)
                .exec_without_returning(&*tx)
                .await?;
        }
        Some(id) => {
            let changed = lesson::Entity::update_many()
                .set(fields)
                .filter(lesson::Column::Id.eq(id))
                .filter(lesson::Column::CourseVersionId.eq(version_id))
                .exec(&*tx)
                .await?
                .rows_affected;
            if changed != 1 {
                return Err(Error::NotFound);
            }
        }
    }
    tx.commit().await?;
    Ok(())
}

/// Takes a lesson out of a draft.
///
/// # Errors
/// [`Error::NotFound`] for one of another version, [`Error::Conflict`] once it is published.
pub async fn delete_lesson(ctx: &Context, version_id: i64, lesson_id: i64) -> Result<()> {
    let tx = ctx.begin().await?;
    writable(ctx, &*tx, version_id).await?;
    let gone = lesson::Entity::delete_many()
        .filter(lesson::Column::Id.eq(lesson_id))
        .filter(lesson::Column::CourseVersionId.eq(version_id))
        .exec(&*tx)
        .await?
        .rows_affected;
    if gone != 1 {
        return Err(Error::NotFound);
    }
    tx.commit().await?;
    Ok(())
}

/// Moves a lesson of a draft one place up; the first one stays.
///
/// # Errors
/// As [`delete_lesson`].
pub async fn raise_lesson(ctx: &Context, version_id: i64, lesson_id: i64) -> Result<()> {
    let tx = ctx.begin().await?;
    writable(ctx, &*tx, version_id).await?;
    let all = lessons(&*tx, version_id).await?;
    let place = all
        .iter()
        .position(|l| l.id == lesson_id)
        .ok_or(Error::NotFound)?;
    let Some(above) = place.checked_sub(1).map(|i| &all[i]) else {
        return Ok(());
    };
    // By way of a place nobody has, because two lessons never share one.
    for (id, position) in [
        (lesson_id, -1),
        (above.id, all[place].position),
        (lesson_id, above.position),
    ] {
        lesson::Entity::update_many()
            .col_expr(lesson::Column::Position, Expr::value(position))
            .filter(lesson::Column::Id.eq(id))
            .exec(&*tx)
            .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// A lesson's text as its readers will see it.
///
/// # Errors
/// [`Error::NotFound`] for people outside the vendor.
pub fn preview_lesson(ctx: &Context, body: &str) -> Result<String> {
    ctx.any_staff()?;
    Ok(crate::markdown::to_html(body))
}

/// A question as typed: one option a line, the right ones marked with a leading `*`; for an
/// ordering the lines stand in the right order.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct QuestionFields {
    /// How it is answered.
    pub kind: String,
    /// What is asked.
    pub prompt: String,
    /// The options, one a line.
    pub options: String,
    /// Why, shown after the attempt.
    pub explanation: String,
}

impl QuestionFields {
    fn check(&self) -> Result<Question> {
        let kind: QuestionKind = self
            .kind
            .parse()
            .map_err(|_| Error::field("kind", "Choose how the question is answered."))?;
        let mut options = Vec::new();
        let mut answer = Vec::new();
        for line in self
            .options
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty())
        {
            let position = u16::try_from(options.len()).unwrap_or(u16::MAX);
            let (text, right) = match line.strip_prefix('*') {
                Some(rest) => (rest.trim(), true),
                None => (line, kind == QuestionKind::Ordering),
            };
            options.push(text.to_owned());
            if right {
                answer.push(position);
            }
        }
        let question = Question {
            id: 0,
            kind,
            prompt: self.prompt.trim().to_owned(),
            options,
            answer,
            explanation: self.explanation.trim().to_owned(),
        };
        question.validate().map_err(|problems| {
            let mut errors = FieldErrors::new();
            for (field, sentence) in problems {
                // The answer is marked among the options.
                errors.add(if field == "answer" { "options" } else { field }, sentence);
            }
            Error::Invalid(errors)
        })?;
        Ok(question)
    }
}

/// Saves a question of a draft: a new one at the end, or the one named.
///
/// # Errors
/// [`Error::Invalid`] by field, [`Error::Conflict`] once the version is published.
pub async fn save_question(
    ctx: &Context,
    version_id: i64,
    question_id: Option<i64>,
    typed: &QuestionFields,
) -> Result<()> {
    let checked = typed.check()?;
    let tx = ctx.begin().await?;
    writable(ctx, &*tx, version_id).await?;
    let fields = question::ActiveModel {
        course_version_id: Set(version_id),
        kind: Set(checked.kind.as_str().to_owned()),
        prompt: Set(checked.prompt),
        options: Set(serde_json::to_value(checked.options)?),
        answer: Set(serde_json::to_value(checked.answer)?),
        feedback: Set(checked.explanation),
        ..Default::default()
    };
    match question_id {
        None => {
            let last = questions(&*tx, version_id)
                .await?
                .last()
                .map_or(0, |q| q.position);
            let row = question::ActiveModel {
                position: Set(last + 1),
                ..fields
            };
            question::Entity::insert(row)
                .exec_without_returning(&*tx)
                .await?;
        }
        Some(id) => {
            let changed = question::Entity::update_many()
                .set(fields)
                .filter(question::Column::Id.eq(id))
                .filter(question::Column::CourseVersionId.eq(version_id))
                .exec(&*tx)
                .await?
                .rows_affected;
            if changed != 1 {
                return Err(Error::NotFound);
            }
        }
    }
    tx.commit().await?;
    Ok(())
}

/// Takes a question out of a draft's pool.
///
/// # Errors
/// [`Error::NotFound`] for one of another version, [`Error::Conflict`] once it is published.
pub async fn delete_question(ctx: &Context, version_id: i64, question_id: i64) -> Result<()> {
    let tx = ctx.begin().await?;
    writable(ctx, &*tx, version_id).await?;
    let gone = question::Entity::delete_many()
        .filter(question::Column::Id.eq(question_id))
        .filter(question::Column::CourseVersionId.eq(version_id))
        .exec(&*tx)
        .await?
        .rows_affected;
    if gone != 1 {
        return Err(Error::NotFound);
    }
    tx.commit().await?;
    Ok(())
}
