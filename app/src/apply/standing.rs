//! Where an application stands, for the applicant.

use super::form;
use crate::{
    page::{Form, Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use domain::application::ApplicationStatus as A;
use leptos::prelude::*;
use service::application::{self, Standing};

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/application/{id}", Access::SignedIn, show)
        .post("/application/{id}/answer", Access::SignedIn, answer)
        .post("/application/{id}/withdraw", Access::SignedIn, withdraw)
}

async fn show(page: Page, Path(id): Path<i64>) -> PageResult {
    let standing = application::show(&page.ctx, id).await?;
    let head = Head::new(format!("Application to {}", standing.program.name))
        .status(standing.status.as_str());
    Ok(page.render(head, move || view(standing)))
}

fn view(standing: Standing) -> AnyView {
    let status = standing.status;
    let app = standing.application.clone();
    let id = app.id;
    let main = match status {
        A::Draft => form::view(&standing, true),
        _ => {
            let asked = (status == A::InformationRequested).then(|| question(&standing));
            let correct = (status == A::InformationRequested).then(|| {
                let fields = form::view(&standing, false);
                view! { <details><summary>"Correct the form"</summary>{fields}</details> }
            });
            let facts = form::facts(&standing.fields, &standing.questions);
            let said = comments(&standing);
            view! {
                {outcome(&standing)}
                {asked}
                {correct}
                <Panel title="What you sent">{facts}</Panel>
                {said}
            }
            .into_any()
        }
    };
    let events = events(standing.timeline);
    let due = app.review_due_at.filter(|_| status.awaits_review());
    let withdraw = status.is_open().then(|| {
        view! {
            <Confirm id="withdraw" label="Withdraw" title="Withdraw the application?" text="It is closed then. You can apply again at any time." danger=true>
                <PostForm action=format!("/application/{id}/withdraw") name="withdraw">
                    <Submit label="Withdraw the application" danger=true/>
                </PostForm>
            </Confirm>
        }
    });
    view! {
        <Record>
            <RecordMain>
                <Stepper steps=steps() current=reached(status)/>
                {main}
            </RecordMain>
            <RecordSide>
                <Panel title="Where it stands">
                    <Facts>
                        <Fact label="Status"><Status of=status.as_str()/></Fact>
                        {due.map(|due| view! { <Fact label="Our answer"><Clock due=due/></Fact> })}
                        {app.submitted_at.map(|at| view! { <Fact label="Sent"><Day at=at/></Fact> })}
                        {app.decided_at.map(|at| view! { <Fact label="Closed"><Day at=at/></Fact> })}
                    </Facts>
                    {withdraw}
                </Panel>
                <Panel title="What happened"><Timeline events=events/></Panel>
            </RecordSide>
        </Record>
    }
    .into_any()
}

fn steps() -> Vec<Step> {
    vec![
        Step::new("Application", "Fill in and send"),
        Step::new("Review", "A person reads it"),
        Step::new("Decision", "You hear from us"),
    ]
}

fn reached(status: A) -> usize {
    match status {
        A::Draft => 0,
        A::Submitted | A::InReview | A::InformationRequested => 1,
        A::Withdrawn | A::Rejected => 2,
        A::Approved => 3,
    }
}

/// What the status means for the applicant.
fn outcome(standing: &Standing) -> AnyView {
    let reason = standing.application.decision_reason.clone();
    match standing.status {
        A::Submitted => view! {
            <Notice tone=Tone::Info title="Your application has arrived.">"A person reads it; you will get a mail. There is nothing to do until then."</Notice>
        }
        .into_any(),
        A::InReview => view! { <Notice tone=Tone::Info title="Your application is in review.">"You will get a mail as soon as it is decided."</Notice> }.into_any(),
        A::Approved => view! {
            <Notice tone=Tone::Good title="You are a partner.">{reason} <ButtonLink href="/partner" label="Open the portal"/></Notice>
        }
        .into_any(),
        A::Rejected => {
            let again = match standing.again_from {
                Some(at) => format!("You may apply again from {}.", day_text(at)),
                None => "You may apply again.".to_owned(),
            };
            view! { <Notice tone=Tone::Warn title="The application was not accepted.">{reason} " " {again} " " <a href="/application">"Your applications"</a></Notice> }
                .into_any()
        }
        A::Withdrawn => view! { <Notice title="You have withdrawn this application."><a href="/application">"Apply again"</a></Notice> }.into_any(),
        A::Draft | A::InformationRequested => ().into_any(),
    }
}

/// The reviewer's last question with the box for the answer.
fn question(standing: &Standing) -> AnyView {
    let asked = standing
        .said
        .last()
        .map(|s| s.text.clone())
        .unwrap_or_default();
    let action = format!("/application/{}/answer", standing.application.id);
    view! {
        <Panel title="We have a question">
            <blockquote class="text">{asked}</blockquote>
            <PostForm action=action name="answer">
                <TextArea name="answer" label="Your answer" required=true max=4000/>
                <Submit label="Send the answer"/>
            </PostForm>
        </Panel>
    }
    .into_any()
}

fn comments(standing: &Standing) -> Option<AnyView> {
    if standing.said.is_empty() {
        return None;
    }
    let items = standing
        .said
        .iter()
        .cloned()
        .map(comment)
        .collect::<Vec<_>>();
    Some(view! { <Panel title="Questions and answers"><Comments items=items/></Panel> }.into_any())
}

/// Something said, as the comments show it.
pub(crate) fn comment(said: application::Said) -> Comment {
    Comment {
        at: said.at,
        who: said.who,
        text: said.text,
        internal: said.internal,
    }
}

/// A record's timeline as the timeline shows it.
pub(crate) fn events(lines: Vec<service::event::Line>) -> Vec<Event> {
    lines
        .into_iter()
        .map(|line| {
            let word = line.action.rsplit('.').next().unwrap_or_default();
            let tone = match word {
                "approved" | "created" | "signed" => Tone::Good,
                "rejected" | "revoked" => Tone::Bad,
                "asked" | "status_changed" => Tone::Warn,
                _ => Tone::Neutral,
            };
            Event {
                at: line.at,
                who: line.actor.unwrap_or_default(),
                what: format!("· {}", line.summary),
                detail: String::new(),
                tone,
                internal: line.internal,
            }
        })
        .collect()
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Answer {
    answer: String,
}

async fn answer(page: Page, Path(id): Path<i64>, form: Form<Answer>) -> PageResult {
    let here = format!("/application/{id}");
    let done = application::answer(&page.ctx, id, &form.answer).await;
    page.answer(done, &here, "Sent. The review goes on.", &form.pairs)
        .await
}

async fn withdraw(page: Page, Path(id): Path<i64>) -> PageResult {
    match application::withdraw(&page.ctx, id).await {
        Ok(()) => page.done("/application", "Withdrawn.").await,
        Err(error) => {
            page.refused(&format!("/application/{id}"), error, &[])
                .await
        }
    }
}
