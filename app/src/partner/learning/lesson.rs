//! A lesson to read.

use super::{HERE, Nothing};
use crate::{
    page::{Form, Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use leptos::prelude::*;
use service::learning;

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/partner/learning/lessons/{id}", Access::Partner, show)
        .post("/partner/learning/lessons/{id}/done", Access::Partner, done)
}

pub(super) fn href(id: i64) -> String {
    format!("{HERE}/lessons/{id}")
}

async fn show(page: Page, Path(id): Path<i64>) -> PageResult {
    let lesson = learning::lesson(&page.ctx, id).await?;
    let course = format!("{HERE}/{}", lesson.course_slug);
    let (place, count) = lesson.place;
    let head = Head::new(&lesson.line.title)
        .text(format!(
            "{} · lesson {place} of {count} · {} min",
            lesson.line.module, lesson.line.minutes
        ))
        .crumb("Learning", HERE)
        .crumb(&lesson.course_title, &course);
    Ok(page.render(head, move || {
        let video = lesson.video_url.map(|url| {
            view! { <p><a href=url rel="noopener noreferrer" target="_blank">"Watch the video"</a></p> }
        });
        let label = match (lesson.line.done, lesson.next) {
            (false, Some(_)) => "Mark as done and go on",
            (false, None) => "Mark as done and go to the exam",
            (true, Some(_)) => "Next lesson",
            (true, None) => "To the exam",
        };
        let previous = lesson.previous.map(|id| view! { <ButtonLink href=href(id) label="Previous lesson"/> });
        view! {
            <Panel>
                {video}
                <div class="prose" inner_html=lesson.html></div>
            </Panel>
            <div class="buttons">
                {previous}
                <PostButton action=format!("{}/done", href(id)) label=label primary=true/>
            </div>
        }
    }))
}

async fn done(page: Page, Path(id): Path<i64>, _form: Form<Nothing>) -> PageResult {
    let (course, next) = learning::complete_lesson(&page.ctx, id).await?;
    Ok(page.redirect(&match next {
        Some(next) => href(next),
        None => format!("{HERE}/{course}#exam"),
    }))
}
