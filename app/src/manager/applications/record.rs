//! One application: what was sent, what speaks for and against it, and the decision.

use crate::{
    apply::{form::facts, standing},
    page::{Form, Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use domain::application::{ApplicationStatus as A, PartnerType, RejectReason};
use leptos::prelude::*;
use service::application::{self, Approval, Hint, HintLevel, Review};

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/manager/applications/{id}", Access::Manager, show)
        .post("/manager/applications/{id}/take", Access::Manager, take)
        .post("/manager/applications/{id}/ask", Access::Manager, ask)
        .post(
            "/manager/applications/{id}/comment",
            Access::Manager,
            comment,
        )
        .post(
            "/manager/applications/{id}/approve",
            Access::Manager,
            approve,
        )
        .post("/manager/applications/{id}/reject", Access::Manager, reject)
}

fn here(id: i64) -> String {
    format!("/manager/applications/{id}")
}

async fn show(page: Page, Path(id): Path<i64>) -> PageResult {
    let review = application::review(&page.ctx, id).await?;
    let head = Head::new(review.application.legal_name.clone())
        .crumb("Applications", "/manager/applications")
        .status(review.status.as_str());
    Ok(page.render(head, move || view(review)))
}

fn view(review: Review) -> AnyView {
    let id = review.application.id;
    let app = review.application.clone();
    let due = app.review_due_at.filter(|_| review.status.awaits_review());
    let sent = facts(&review.fields, &review.questions);
    let decide = decision(&review);
    let comments = review
        .said
        .into_iter()
        .map(standing::comment)
        .collect::<Vec<_>>();
    let events = standing::events(review.timeline);
    let verified = if review.applicant.email_verified_at.is_some() {
        "confirmed"
    } else {
        "not confirmed"
    };
    view! {
        <Record>
            <RecordMain>
                <Panel title="Hints">{hints(review.hints)}</Panel>
                {decide}
                <Panel title="What was sent">{sent}</Panel>
                <Panel title="Comments">
                    <Comments items=comments action=format!("{}/comment", here(id)) staff=true/>
                </Panel>
            </RecordMain>
            <RecordSide>
                <Panel title="Facts">
                    <Facts>
                        {due.map(|due| view! { <Fact label="Answer"><Clock due=due/></Fact> })}
                        {app.submitted_at.map(|at| view! { <Fact label="Sent"><Moment at=at/></Fact> })}
                        <Fact label="Applicant">{review.applicant.name.clone()}</Fact>
                        <Fact label="Address">{format!("{} ({verified})", review.applicant.email)}</Fact>
                        <Fact label="Domain">{app.domain.clone()}</Fact>
                        <Fact label="Program">{review.program.name.clone()}</Fact>
                        {review.terms_version.map(|v| view! { <Fact label="Terms accepted">{format!("version {v}")}</Fact> })}
                        {review.reviewer.clone().map(|r| view! { <Fact label="Reviewer">{r}</Fact> })}
                        {app.decided_at.map(|at| view! { <Fact label="Decided"><Moment at=at/></Fact> })}
                        {app.decision_reason.clone().map(|r| view! { <Fact label="Told the applicant">{r}</Fact> })}
                        {app.partner_id.map(|p| view! { <Fact label="Partner"><a href=format!("/manager/partners/{p}")>"Open the partner"</a></Fact> })}
                    </Facts>
                </Panel>
                <Panel title="What happened"><Timeline events=events/></Panel>
            </RecordSide>
        </Record>
    }
    .into_any()
}

fn hints(hints: Vec<Hint>) -> AnyView {
    if hints.is_empty() {
        return view! { <Notice tone=Tone::Good title="No conflicts found."/> }.into_any();
    }
    hints
        .into_iter()
        .map(|hint| {
            let tone = match hint.level {
                HintLevel::Bad => Tone::Bad,
                HintLevel::Warn => Tone::Warn,
                HintLevel::Info => Tone::Info,
            };
            let link = hint.link.map(|href| view! { <a href=href>"Look"</a> });
            view! { <Notice tone=tone title=hint.text>{link}</Notice> }
        })
        .collect_view()
        .into_any()
}

/// What can be done now.
fn decision(review: &Review) -> AnyView {
    let at = here(review.application.id);
    match review.status {
        A::Submitted => view! {
            <Panel title="Review" text="Take it, and the applicant sees that somebody is reading it.">
                <PostButton action=format!("{at}/take") label="Take into review" primary=true/>
            </Panel>
        }
        .into_any(),
        A::InReview => {
            let types = Choice::list(PartnerType::ALL.iter().map(|t| (t.as_str(), t.label())));
            let tiers = Choice::list(review.tiers.iter().map(|t| (t.id.to_string(), t.name.clone())));
            let managers = Choice::list(review.managers.iter().map(|(id, name)| (id.to_string(), name.clone())));
            let entry = review.tiers.first().map(|t| t.id.to_string()).unwrap_or_default();
            let mine = review.application.reviewer_id.map(|id| id.to_string()).unwrap_or_default();
            let reasons = Choice::list(RejectReason::ALL.iter().map(|r| (r.as_str(), r.label())));
            let kind = review.fields.partner_type.clone();
            let usual = review.plans.iter().find(|p| p.usual_for.iter().any(|k| k.as_str() == kind));
            let usual = usual.or(review.plans.first()).map(|p| p.plan.id.to_string()).unwrap_or_default();
            let plans = Choice::list(review.plans.iter().map(|p| (p.plan.id.to_string(), plan_label(p))));
            let [approve, ask, reject] = ["approve", "ask", "reject"].map(|to| format!("{at}/{to}"));
            view! {
                <Panel title="Decide">
                    <PostForm action=approve name="approve">
                        <SelectField name="partner_type" label="Partner type" options=types value=kind required=true/>
                        <SelectField name="tier_id" label="Tier" options=tiers value=entry required=true/>
                        <SelectField name="plan_id" label="Paid by the plan" options=plans value=usual hint="Set to what partners of the applicant’s type usually get. If you change the type, look here too." required=true/>
                        <SelectField name="manager_id" label="Looked after by" options=managers value=mine/>
                        <TextArea name="note" label="A line for the applicant" rows=2 max=1000/>
                        <Submit label="Approve"/>
                    </PostForm>
                    <div class="buttons">
                        <Confirm id="ask" label="Ask for information" title="What would you like to know?" text="The applicant gets a mail. The review time stops until the answer.">
                            <PostForm action=ask name="ask">
                                <TextArea name="question" label="Your question" required=true max=4000/>
                                <Submit label="Send the question"/>
                            </PostForm>
                        </Confirm>
                        <Confirm id="reject" label="Reject" title="Reject this application?" text="The applicant reads the reason and what you write." danger=true>
                            <PostForm action=reject name="reject">
                                <SelectField name="reason" label="Reason" options=reasons required=true/>
                                <TextArea name="text" label="What the applicant should know" required=true max=4000/>
                                <Submit label="Reject" danger=true/>
                            </PostForm>
                        </Confirm>
                    </div>
                </Panel>
            }
            .into_any()
        }
        A::InformationRequested => {
            let asked = review.timeline.iter().find(|line| line.action == "application.asked");
            let since = asked.map(|line| view! { "Asked "<Ago at=line.at/>". " });
            view! {
                <Notice tone=Tone::Info title="The applicant has been asked.">
                    {since}
                    "The review goes on with the answer. "
                    <PostButton action=format!("{at}/take") label="Go on without it" quiet=true/>
                </Notice>
            }
            .into_any()
        }
        _ => ().into_any(),
    }
}

/// A plan with the kinds of partners that usually get it.
fn plan_label(offered: &service::plan::Offered) -> String {
    let kinds: Vec<String> = offered
        .usual_for
        .iter()
        .map(|kind| kind.label().to_lowercase())
        .collect();
    match kinds.is_empty() {
        true => offered.plan.name.clone(),
        false => format!("{} (usual for: {})", offered.plan.name, kinds.join(", ")),
    }
}

async fn take(page: Page, Path(id): Path<i64>) -> PageResult {
    let done = application::take(&page.ctx, id).await;
    page.answer(done, &here(id), "It is yours to review.", &[])
        .await
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Typed {
    question: String,
    comment: String,
    internal: String,
    reason: String,
    text: String,
}

async fn ask(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    let done = application::ask(&page.ctx, id, &form.question).await;
    page.answer(
        done,
        &here(id),
        "Asked. The applicant has a mail.",
        &form.pairs,
    )
    .await
}

async fn comment(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    let internal = !form.internal.is_empty();
    match application::comment(&page.ctx, id, &form.comment, internal).await {
        Ok(()) => {
            page.done(
                &here(id),
                if internal {
                    "Noted, for staff only."
                } else {
                    "Shared."
                },
            )
            .await
        }
        Err(error) => page.refused(&here(id), error, &form.pairs).await,
    }
}

async fn approve(page: Page, Path(id): Path<i64>, form: Form<Approval>) -> PageResult {
    match application::approve(&page.ctx, id, &form.value).await {
        Ok(partner) => {
            page.done(
                &format!("/manager/partners/{partner}"),
                "Approved. The new partner has a mail.",
            )
            .await
        }
        Err(error) => page.refused(&here(id), error, &form.pairs).await,
    }
}

async fn reject(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    match application::reject(&page.ctx, id, &form.reason, &form.text).await {
        Ok(()) => {
            page.done(
                "/manager/applications",
                "Rejected. The applicant has a mail.",
            )
            .await
        }
        Err(error) => page.refused(&here(id), error, &form.pairs).await,
    }
}
