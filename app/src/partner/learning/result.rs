//! How an attempt went, question by question.

use super::HERE;
use crate::{
    flash::Tone,
    page::{Head, Page},
    ui::*,
};
use axum::response::Response;
use domain::exam::{AttemptStatus, Feedback};
use leptos::prelude::*;
use service::learning::AttemptView;

/// A question's Markdown as HTML for one line: a single paragraph loses its tags.
pub(super) fn inline(markdown: &str) -> String {
    let html = service::markdown::to_html(markdown);
    let bare = html
        .trim()
        .strip_prefix("<p>")
        .and_then(|h| h.strip_suffix("</p>"));
    match bare {
        Some(bare) if !bare.contains("<p>") => bare.to_owned(),
        _ => html,
    }
}

pub(super) fn render(page: &Page, attempt: AttemptView) -> Response {
    let (slug, title) = attempt.course.clone();
    let course = format!("{HERE}/{slug}");
    let head = Head::new(format!("Result: {title}"))
        .text(format!("Attempt {}", attempt.number))
        .crumb("Learning", HERE)
        .crumb(title, &course)
        .status_as(attempt.status.label(), tone_of(attempt.status.as_str()));
    page.render(head, move || {
        let Some(result) = attempt.result else { return ().into_any() };
        let grade = result.grade;
        let score = format!(
            "{} of {} right: {}%. Needed: {}%.",
            grade.right,
            grade.asked,
            grade.percent(),
            attempt.pass_percent
        );
        let outcome = match result.certificate {
            Some(number) => {
                let href = format!("/certificates/{number}");
                view! {
                    <Notice tone=Tone::Good title="Passed">
                        <p>{score}</p>
                        <div class="buttons">
                            <ButtonLink href=href.clone() label="See the certificate" primary=true/>
                            <ButtonLink href=format!("{href}/pdf") label="PDF" icon="download" download=true/>
                        </div>
                    </Notice>
                }
                .into_any()
            }
            None => {
                let title = match attempt.status {
                    AttemptStatus::Expired => "The time ran out before it was enough",
                    _ => "Not passed this time",
                };
                view! {
                    <Notice tone=Tone::Warn title=title>
                        <p>{score}</p>
                        <ButtonLink href=format!("{course}#exam") label="When can I try again?"/>
                    </Notice>
                }
                .into_any()
            }
        };
        let answers = grade
            .feedback
            .into_iter()
            .zip(result.questions)
            .enumerate()
            .map(|(i, (feedback, (prompt, options)))| answer(i + 1, &feedback, &prompt, &options))
            .collect_view();
        view! {
            {outcome}
            <Panel title="Your answers">{answers}</Panel>
        }
        .into_any()
    })
}

fn answer(number: usize, feedback: &Feedback, prompt: &str, options: &[String]) -> AnyView {
    let words = |positions: &[u16]| {
        let words: Vec<&str> = positions
            .iter()
            .filter_map(|p| options.get(usize::from(*p)).map(String::as_str))
            .collect();
        if words.is_empty() {
            "No answer".to_owned()
        } else {
            words.join("; ")
        }
    };
    let (status, label) = if feedback.right {
        ("passed", "Right")
    } else {
        ("failed", "Wrong")
    };
    let given = words(&feedback.given);
    let right = (!feedback.right).then(|| {
        let answer = words(&feedback.answer);
        view! { <Fact label="Right answer">{answer}</Fact> }
    });
    let why = (!feedback.explanation.is_empty())
        .then(|| view! { <div class="prose" inner_html=service::markdown::to_html(&feedback.explanation)></div> });
    view! {
        <section class="answer">
            <h3>
                <span class="num">{format!("{number}. ")}</span>
                <span inner_html=inline(prompt)></span>
                " "
                <Status of=status label=label/>
            </h3>
            <Facts>
                <Fact label="Your answer">{given}</Fact>
                {right}
            </Facts>
            {why}
        </section>
    }
    .into_any()
}
