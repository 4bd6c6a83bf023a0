//! Learning: the path, courses, lessons, exams and certificates.

mod certificates;
mod exam;
mod lesson;
mod result;

use crate::{
    page::{Form, Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use domain::exam::{AttemptStatus, CertificateStatus};
use leptos::prelude::*;
use service::learning::{self, CourseCard, CourseView, LessonLine};

const HERE: &str = "/partner/learning";

/// Adds this area's addresses.
#[must_use]
pub fn routes() -> Routes {
    Routes::new()
        .get(HERE, Access::Partner, path)
        .get("/partner/learning/{slug}", Access::Partner, course)
        .post("/partner/learning/{slug}/start", Access::Partner, start)
        .merge(lesson::routes())
        .merge(exam::routes())
        .merge(certificates::routes())
}

async fn path(page: Page) -> PageResult {
    let cards = learning::courses(&page.ctx).await?;
    let head = Head::new("Learning")
        .text("Courses and their exams. A certificate counts for your whole organisation.")
        .actions(
            || view! { <ButtonLink href="/partner/learning/certificates" label="Certificates"/> },
        );
    Ok(page.render(head, move || {
        if cards.is_empty() {
            return Empty::text(
                "No courses yet",
                "Your partner manager will tell you when there is one.",
            )
            .view();
        }
        let cards = cards.into_iter().map(card).collect_view();
        view! { <Grid>{cards}</Grid> }.into_any()
    }))
}

fn card(card: CourseCard) -> AnyView {
    let href = format!("{HERE}/{}", card.slug);
    let held = card.certificate.is_some_and(CertificateStatus::counts);
    let label = match (card.certificate, card.done) {
        (Some(_), _) if held => "Open",
        (Some(_), _) => "Renew",
        (None, 0) => "Begin",
        (None, done) if done == card.lessons => "Take the exam",
        (None, _) => "Continue",
    };
    let gate = card.gates_deals.then(|| {
        view! { <p class="muted">"Needed before your organisation can register deals."</p> }
    });
    let certificate = card
        .certificate
        .map(|c| view! { <Status of=c.as_str() label=c.label()/> });
    let progress = format!(
        "{} of {} lessons, {} min in all",
        card.done, card.lessons, card.minutes
    );
    view! {
        <Panel title=card.title text=card.summary>
            {gate}
            <Meter value=card.done as i64 max=card.lessons as i64 label=progress/>
            <div class="buttons">
                <ButtonLink href=href label=label primary=!held/>
                {certificate}
            </div>
        </Panel>
    }
    .into_any()
}

async fn course(page: Page, Path(slug): Path<String>) -> PageResult {
    let view = learning::course(&page.ctx, &slug).await?;
    let card = &view.card;
    let mut head = Head::new(&card.title)
        .text(&card.summary)
        .crumb("Learning", HERE);
    if let Some(status) = card.certificate {
        head = head.status_as(status.label(), tone_of(status.as_str()));
    }
    if view.open_attempt.is_none()
        && let Some(next) = view.lessons.iter().find(|l| !l.done)
    {
        let label = if card.done == 0 {
            "Read the first lesson"
        } else {
            "Read the next lesson"
        };
        head = head.primary(label, lesson::href(next.id));
    }
    Ok(page.render(head, move || {
        let lessons = lessons(&view.lessons);
        let exam = exam(&view);
        let facts = facts(&view);
        let attempts = attempts(view);
        view! {
            <Record>
                <RecordMain>
                    <Panel title="Lessons">{lessons}</Panel>
                    <Panel title="Exam" id="exam">{exam}</Panel>
                    {attempts}
                </RecordMain>
                <RecordSide><Panel title="Rules of the exam">{facts}</Panel></RecordSide>
            </Record>
        }
    }))
}

/// The lessons below the titles of their modules.
fn lessons(lines: &[LessonLine]) -> AnyView {
    let done = lines.iter().filter(|l| l.done).count();
    let label = format!("{done} of {} lessons read", lines.len());
    let modules = lines
        .chunk_by(|a, b| a.module == b.module)
        .map(|module| {
            let title = module.first().map(|l| l.module.clone()).unwrap_or_default();
            let items = module.iter().map(line).collect_view();
            view! { <h3>{title}</h3><ul>{items}</ul> }
        })
        .collect_view();
    view! {
        <div class="checklist">
            <Meter value=done as i64 max=lines.len() as i64 label=label/>
            {modules}
        </div>
    }
    .into_any()
}

fn line(lesson: &LessonLine) -> AnyView {
    let (class, icon, mark) = if lesson.done {
        ("done", "check", "Read: ")
    } else {
        ("", "circle", "To read: ")
    };
    view! {
        <li class=class>
            <Icon name=icon/>
            <span class="sr">{mark}</span>
            <div>
                <a href=lesson::href(lesson.id)>{lesson.title.clone()}</a>
                " "
                <span class="muted">{format!("{} min", lesson.minutes)}</span>
            </div>
        </li>
    }
    .into_any()
}

/// The way into the exam, or why there is none now.
fn exam(view: &CourseView) -> AnyView {
    if let Some(open) = view.open_attempt {
        return view! {
            <Notice title="You have an open attempt. Its time goes on while the page is closed.">
                <ButtonLink href=exam::href(open) label="Continue the exam" primary=true/>
            </Notice>
        }
        .into_any();
    }
    let unread = view.card.lessons.saturating_sub(view.card.done);
    let refusal = match unread {
        0 => view.refusal.clone(),
        1 => Some("Read the remaining lesson first.".to_owned()),
        n => Some(format!("Read the remaining {n} lessons first.")),
    };
    if let Some(sentence) = refusal {
        return view! { <Notice title=sentence/> }.into_any();
    }
    let valid = view
        .certificate
        .as_ref()
        .filter(|_| view.card.certificate == Some(CertificateStatus::Valid));
    let renew = valid.map(|c| {
        let until = day_text(c.expires_at);
        view! { <p>{format!("Your certificate is valid until {until}. Passing again issues a new one from the day you pass.")}</p> }
    });
    let minutes = view.rules.time_limit_minutes.unwrap_or_default();
    let text = format!(
        "You have {minutes} minutes from the start. Answers can be saved at any time, and an attempt survives a closed browser."
    );
    view! {
        {renew}
        <p>{text}</p>
        <PostButton action=format!("{HERE}/{}/start", view.card.slug) label="Start the exam" primary=true/>
    }
    .into_any()
}

fn facts(view: &CourseView) -> AnyView {
    let rules = view.rules.clone();
    let wait = match rules.wait_hours {
        0 => "none".to_owned(),
        1 => "1 hour".to_owned(),
        n => format!("{n} hours"),
    };
    let attempts = rules
        .max_attempts
        .map_or_else(|| "no limit".to_owned(), |n| n.to_string());
    let certificate = view.certificate.as_ref().map(|c| {
        let (href, number) = (format!("/certificates/{}", c.number), c.number.clone());
        view! { <Fact label="Your certificate"><a href=href>{number}</a></Fact> }
    });
    view! {
        <Facts>
            <Fact label="Questions">{rules.questions}</Fact>
            <Fact label="Needed to pass">{format!("{}%, {} of {}", rules.pass_mark, rules.needed(rules.questions), rules.questions)}</Fact>
            <Fact label="Time">{format!("{} min", rules.time_limit_minutes.unwrap_or_default())}</Fact>
            <Fact label="Attempts">{attempts}</Fact>
            <Fact label="Wait between attempts">{wait}</Fact>
            {certificate}
        </Facts>
    }
    .into_any()
}

fn attempts(view: CourseView) -> Option<AnyView> {
    if view.attempts.is_empty() {
        return None;
    }
    let table = Table::plain(view.attempts)
        .caption("Your attempts")
        .col("Attempt", |a: &entity::attempt::Model| {
            format!("No. {}", a.number)
        })
        .col("Result", |a| {
            let label = a
                .status
                .parse::<AttemptStatus>()
                .map_or_else(|_| a.status.clone(), |s| s.label().to_owned());
            view! { <Status of=a.status.clone() label=label/> }
        })
        .num("Score", |a| a.score_percent.map(|s| format!("{s}%")))
        .col("Started", |a| view! { <Moment at=a.started_at/> })
        .href(|a| exam::href(a.id))
        .view();
    Some(view! { <Panel title="Your attempts">{table}</Panel> }.into_any())
}

/// A form with nothing in it that matters.
#[derive(serde::Deserialize)]
pub(crate) struct Nothing {}

async fn start(page: Page, Path(slug): Path<String>, form: Form<Nothing>) -> PageResult {
    match learning::start(&page.ctx, &slug).await {
        Ok(id) => Ok(page.redirect(&exam::href(id))),
        Err(e) => {
            page.refused(&format!("{HERE}/{slug}"), e, &form.pairs)
                .await
        }
    }
}
