//! Lessons and questions of a version.

use super::{HERE, Nothing, version, writes};
use crate::{
    page::{Form, Head, Page, PageError, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::{extract::Path, response::Response};
use domain::exam::{CourseStatus, Question, QuestionKind};
use leptos::prelude::*;
use service::learning::{self, DraftView, LessonFields, QuestionFields};

pub(super) fn routes() -> Routes {
    Routes::new()
        .get(
            "/manager/courses/versions/{id}/lessons/new",
            Access::Manager,
            new_lesson,
        )
        .post(
            "/manager/courses/versions/{id}/lessons",
            Access::Manager,
            add_lesson,
        )
        .post(
            "/manager/courses/versions/{id}/lessons/preview",
            Access::Manager,
            preview,
        )
        .get(
            "/manager/courses/versions/{id}/lessons/{lesson}",
            Access::Staff,
            lesson,
        )
        .post(
            "/manager/courses/versions/{id}/lessons/{lesson}",
            Access::Manager,
            save_lesson,
        )
        .post(
            "/manager/courses/versions/{id}/lessons/{lesson}/up",
            Access::Manager,
            up,
        )
        .post(
            "/manager/courses/versions/{id}/lessons/{lesson}/delete",
            Access::Manager,
            delete_lesson,
        )
        .get(
            "/manager/courses/versions/{id}/questions/new",
            Access::Manager,
            new_question,
        )
        .post(
            "/manager/courses/versions/{id}/questions",
            Access::Manager,
            add_question,
        )
        .get(
            "/manager/courses/versions/{id}/questions/{question}",
            Access::Staff,
            question,
        )
        .post(
            "/manager/courses/versions/{id}/questions/{question}",
            Access::Manager,
            save_question,
        )
        .post(
            "/manager/courses/versions/{id}/questions/{question}/delete",
            Access::Manager,
            delete_question,
        )
}

pub(super) fn lesson_href(version_id: i64, lesson_id: i64) -> String {
    format!("{}/lessons/{lesson_id}", version::href(version_id))
}

pub(super) fn question_href(version_id: i64, question_id: i64) -> String {
    format!("{}/questions/{question_id}", version::href(version_id))
}

fn head(title: impl Into<String>, view: &DraftView) -> Head {
    let label = format!("{}, version {}", view.version.title, view.version.version);
    Head::new(title)
        .crumb("Courses", HERE)
        .crumb(label, version::href(view.version.id))
}

fn is_draft(view: &DraftView) -> bool {
    view.version.status == CourseStatus::Draft.as_str()
}

async fn new_lesson(page: Page, Path(id): Path<i64>) -> PageResult {
    let view = learning::draft(&page.ctx, id).await?;
    let module = view
        .lessons
        .last()
        .map(|l| l.module.clone())
        .unwrap_or_default();
    let fields = LessonFields {
        module,
        minutes: "5".to_owned(),
        ..LessonFields::default()
    };
    Ok(lesson_form(&page, &view, None, fields, None))
}

async fn lesson(page: Page, Path((id, lesson)): Path<(i64, i64)>) -> PageResult {
    let view = learning::draft(&page.ctx, id).await?;
    let found = view
        .lessons
        .iter()
        .find(|l| l.id == lesson)
        .ok_or(PageError::NotFound)?;
    let html = learning::preview_lesson(&page.ctx, &found.body)?;
    if is_draft(&view) && writes(&page) {
        let fields = LessonFields {
            module: found.module.clone(),
            title: found.title.clone(),
            body: found.body.clone(),
            video_url: found.video_url.clone().unwrap_or_default(),
            minutes: found.minutes.to_string(),
        };
        return Ok(lesson_form(&page, &view, Some(lesson), fields, Some(html)));
    }
    let head = head(&found.title, &view).text(format!("{} · {} min", found.module, found.minutes));
    Ok(page.render(
        head,
        move || view! { <Panel><div class="prose" inner_html=html></div></Panel> },
    ))
}

/// The form with the text as readers will see it below. "Preview" shows it before it is saved.
fn lesson_form(
    page: &Page,
    view: &DraftView,
    lesson: Option<i64>,
    fields: LessonFields,
    html: Option<String>,
) -> Response {
    let version_id = view.version.id;
    let back = version::href(version_id);
    let title = if lesson.is_some() {
        fields.title.clone()
    } else {
        "New lesson".to_owned()
    };
    let head = head(title, view);
    page.render(head, move || {
        let action = match lesson {
            Some(id) => lesson_href(version_id, id),
            None => format!("{back}/lessons"),
        };
        let delete = lesson.map(|id| {
            view! {
                <Confirm id="delete" label="Delete" title="Delete this lesson?" text="It is taken out of this draft; published versions keep theirs." danger=true>
                    <PostForm action=format!("{}/delete", lesson_href(version_id, id)) name="delete">
                        <Submit label="Delete" danger=true/>
                    </PostForm>
                </Confirm>
            }
        });
        let preview = format!("{back}/lessons/preview");
        let shown = html.filter(|h| !h.is_empty()).map(|html| {
            view! { <Panel title="Preview"><div class="prose" inner_html=html></div></Panel> }
        });
        view! {
            <PostForm action=action>
                <FormErrors/>
                <Hidden name="lesson_id" value=lesson.map(|id| id.to_string()).unwrap_or_default()/>
                <div class="fields">
                    <TextField name="title" label="Title" value=fields.title required=true max=120/>
                    <TextField name="module" label="Module" value=fields.module hint="Lessons of one module stand together." required=true max=120/>
                    <TextField name="minutes" label="Minutes to read" kind="number" value=fields.minutes required=true/>
                    <TextField name="video_url" label="Video" kind="url" value=fields.video_url hint="An address, where there is one."/>
                </div>
                <TextArea name="body" label="Text" value=fields.body hint="Markdown: # heading, **bold**, - list, [words](https://address), ![words](https://picture)." rows=20 required=true/>
                <div class="buttons">
                    <Submit label="Save" cancel=back/>
                    <button type="submit" class="button" formaction=preview>"Preview"</button>
                </div>
            </PostForm>
            {delete}
            {shown}
        }
    })
}

/// Shows what was typed without saving it.
async fn preview(page: Page, Path(id): Path<i64>, form: Form<LessonFields>) -> PageResult {
    let view = learning::draft(&page.ctx, id).await?;
    let html = learning::preview_lesson(&page.ctx, &form.value.body)?;
    let lesson = form.pairs.iter().find(|(name, _)| name == "lesson_id");
    let lesson = lesson.and_then(|(_, id)| id.parse().ok());
    let html = if html.is_empty() {
        "<p>There is no text yet.</p>".to_owned()
    } else {
        html
    };
    Ok(lesson_form(&page, &view, lesson, form.value, Some(html)))
}

async fn add_lesson(page: Page, Path(id): Path<i64>, form: Form<LessonFields>) -> PageResult {
    match learning::save_lesson(&page.ctx, id, None, &form.value).await {
        Ok(()) => page.done(&version::href(id), "Lesson added.").await,
        Err(e) => {
            page.refused(
                &format!("{}/lessons/new", version::href(id)),
                e,
                &form.pairs,
            )
            .await
        }
    }
}

async fn save_lesson(
    page: Page,
    Path((id, lesson)): Path<(i64, i64)>,
    form: Form<LessonFields>,
) -> PageResult {
    let here = lesson_href(id, lesson);
    let done = learning::save_lesson(&page.ctx, id, Some(lesson), &form.value).await;
    page.answer(done, &here, "Saved.", &form.pairs).await
}

async fn up(page: Page, Path((id, lesson)): Path<(i64, i64)>, form: Form<Nothing>) -> PageResult {
    match learning::raise_lesson(&page.ctx, id, lesson).await {
        Ok(()) => Ok(page.redirect(&version::href(id))),
        Err(e) => page.refused(&version::href(id), e, &form.pairs).await,
    }
}

async fn delete_lesson(
    page: Page,
    Path((id, lesson)): Path<(i64, i64)>,
    form: Form<Nothing>,
) -> PageResult {
    let done = learning::delete_lesson(&page.ctx, id, lesson).await;
    page.answer(done, &version::href(id), "Lesson deleted.", &form.pairs)
        .await
}

async fn new_question(page: Page, Path(id): Path<i64>) -> PageResult {
    let view = learning::draft(&page.ctx, id).await?;
    let fields = QuestionFields {
        kind: QuestionKind::Single.as_str().to_owned(),
        ..QuestionFields::default()
    };
    Ok(question_form(&page, &view, None, fields))
}

/// A question as its writer types it: `*` before what is right, an ordering in its right order.
fn typed(question: &Question) -> QuestionFields {
    let lines: Vec<String> = if question.kind == QuestionKind::Ordering {
        let line = |p: &u16| question.options.get(usize::from(*p)).cloned();
        question.answer.iter().filter_map(line).collect()
    } else {
        let right = |i: usize| question.answer.iter().any(|a| usize::from(*a) == i);
        let line = |(i, o): (usize, &String)| {
            if right(i) {
                format!("* {o}")
            } else {
                o.clone()
            }
        };
        question.options.iter().enumerate().map(line).collect()
    };
    QuestionFields {
        kind: question.kind.as_str().to_owned(),
        prompt: question.prompt.clone(),
        options: lines.join("\n"),
        explanation: question.explanation.clone(),
    }
}

async fn question(page: Page, Path((id, question)): Path<(i64, i64)>) -> PageResult {
    let view = learning::draft(&page.ctx, id).await?;
    let found = view
        .questions
        .iter()
        .find(|q| q.id == question)
        .ok_or(PageError::NotFound)?;
    let fields = typed(found);
    if is_draft(&view) && writes(&page) {
        return Ok(question_form(&page, &view, Some(question), fields));
    }
    let (kind, head) = (found.kind.label(), head("Question", &view));
    Ok(page.render(head, move || {
        let options = fields
            .options
            .lines()
            .map(|l| view! { <li>{l.to_owned()}</li> })
            .collect_view();
        view! {
            <Panel title=fields.prompt text=kind>
                <ul>{options}</ul>
                <p class="muted">{fields.explanation}</p>
            </Panel>
        }
    }))
}

fn question_form(
    page: &Page,
    view: &DraftView,
    question: Option<i64>,
    fields: QuestionFields,
) -> Response {
    let version_id = view.version.id;
    let back = version::href(version_id);
    let title = if question.is_some() {
        "Question"
    } else {
        "New question"
    };
    page.render(head(title, view), move || {
        let action = match question {
            Some(id) => question_href(version_id, id),
            None => format!("{back}/questions"),
        };
        let delete = question.map(|id| {
            view! {
                <Confirm id="delete" label="Delete" title="Delete this question?" text="It is taken out of this draft; published versions keep theirs." danger=true>
                    <PostForm action=format!("{}/delete", question_href(version_id, id)) name="delete">
                        <Submit label="Delete" danger=true/>
                    </PostForm>
                </Confirm>
            }
        });
        let kinds = Choice::list(QuestionKind::ALL.iter().map(|k| (k.as_str(), k.label())));
        view! {
            <PostForm action=action>
                <FormErrors/>
                <RadioField name="kind" label="Answered by" options=kinds value=fields.kind required=true/>
                <TextArea name="prompt" label="Question" value=fields.prompt required=true/>
                <TextArea name="options" label="Options" value=fields.options hint="One a line. Begin each right one with * ; for “Put in order”, write them in the right order. They are shuffled in the exam." rows=8 required=true/>
                <TextArea name="explanation" label="Why" value=fields.explanation hint="Shown after the attempt."/>
                <Submit label="Save" cancel=back/>
            </PostForm>
            {delete}
        }
    })
}

async fn add_question(page: Page, Path(id): Path<i64>, form: Form<QuestionFields>) -> PageResult {
    match learning::save_question(&page.ctx, id, None, &form.value).await {
        Ok(()) => page.done(&version::href(id), "Question added.").await,
        Err(e) => {
            page.refused(
                &format!("{}/questions/new", version::href(id)),
                e,
                &form.pairs,
            )
            .await
        }
    }
}

async fn save_question(
    page: Page,
    Path((id, question)): Path<(i64, i64)>,
    form: Form<QuestionFields>,
) -> PageResult {
    match learning::save_question(&page.ctx, id, Some(question), &form.value).await {
        Ok(()) => page.done(&version::href(id), "Saved.").await,
        Err(e) => {
            page.refused(&question_href(id, question), e, &form.pairs)
                .await
        }
    }
}

async fn delete_question(
    page: Page,
    Path((id, question)): Path<(i64, i64)>,
    form: Form<Nothing>,
) -> PageResult {
    let done = learning::delete_question(&page.ctx, id, question).await;
    page.answer(done, &version::href(id), "Question deleted.", &form.pairs)
        .await
}
