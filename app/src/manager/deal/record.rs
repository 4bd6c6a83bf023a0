//! One registration: what was found about the company, and the decision.

use crate::{
    apply::standing::comment as said,
    page::{Form, Head, Page, PageResult},
    partner::deal::parts,
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use domain::deal::conflict::Severity;
use domain::deal::{DealStatus as D, RejectReason};
use leptos::prelude::*;
use service::deal::{self, Approval, Check, CheckState, DealRow, Review};

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/manager/deals/{id}", Access::Manager, show)
        .post("/manager/deals/{id}/take", Access::Manager, take)
        .post("/manager/deals/{id}/ask", Access::Manager, ask)
        .post("/manager/deals/{id}/approve", Access::Manager, approve)
        .post("/manager/deals/{id}/reject", Access::Manager, reject)
        .post("/manager/deals/{id}/duplicate", Access::Manager, duplicate)
        .post("/manager/deals/{id}/comment", Access::Manager, comment)
        .post("/manager/deals/{id}/won", Access::Manager, won)
        .post("/manager/deals/{id}/lost", Access::Manager, lost)
        .post("/manager/deals/{id}/revoke", Access::Manager, revoke)
        .post(
            "/manager/deals/{id}/extension/grant",
            Access::Manager,
            grant,
        )
        .post(
            "/manager/deals/{id}/extension/refuse",
            Access::Manager,
            refuse,
        )
        .get(
            "/manager/deals/{id}/files/{file}",
            Access::Manager,
            download,
        )
}

fn here(id: i64) -> String {
    format!("/manager/deals/{id}")
}

async fn show(page: Page, Path(id): Path<i64>) -> PageResult {
    let review = deal::review(&page.ctx, id).await?;
    let head = Head::new(&review.shown.fields.customer_name)
        .crumb("Deals", "/manager/deals")
        .text(format!("Registered by {}", review.shown.partner))
        .status_as(
            review.shown.status.label(),
            tone_of(review.shown.status.as_str()),
        );
    Ok(page.render(head, move || view(review)))
}

fn view(review: Review) -> AnyView {
    let id = review.shown.id;
    let found = findings(&review);
    let decide = review.may_decide.then(|| decision(&review));
    let more = more_time(&review);
    let rewards = super::reward::panel(&review);
    let sent = parts::facts(&review.shown);
    let others = others(&review);
    let files = parts::files(&review.shown.files, &here(id), false);
    let side = facts(&review);
    let shown = review.shown;
    let comments = shown.said.into_iter().map(said).collect::<Vec<_>>();
    let comments = if review.may_decide {
        view! { <Comments items=comments action=format!("{}/comment", here(id)) staff=true/> }
            .into_any()
    } else {
        view! { <Comments items=comments/> }.into_any()
    };
    let events = parts::events(shown.timeline);
    view! {
        <Record>
            <RecordMain>
                <Panel title="What was found">{found}</Panel>
                {decide}
                {more}
                {rewards}
                <Panel title="What was sent">{sent}</Panel>
                {others}
                <Panel title="Protection of this company">{parts::guarded(review.guarded, true)}</Panel>
                <Panel title="Files">{files}</Panel>
                <Panel title="Comments">{comments}</Panel>
            </RecordMain>
            <RecordSide>
                <Panel title="Facts">{side}</Panel>
                <Panel title="What happened"><Timeline events=events/></Panel>
            </RecordSide>
        </Record>
    }
    .into_any()
}

/// What Stripe said about the company when it was registered.
fn asked(check: Check) -> AnyView {
    let words = match (check.state, check.customers.as_slice()) {
        (CheckState::Asked, []) => "No customer with an address there has paid".to_owned(),
        (CheckState::Asked, ids) => format!("Paid before: {}", ids.join(", ")),
        (CheckState::Failed, _) => {
            "Could not be asked so far; it is tried again. Look there before you decide".to_owned()
        }
        (CheckState::Waiting, _) => "Is being asked".to_owned(),
    };
    let at = check.asked_at.map(|at| view! { " (" <Moment at/> ")" });
    view! { <Fact label="Stripe">{words} {at}</Fact> }.into_any()
}

fn facts(review: &Review) -> AnyView {
    let review = review.clone();
    let shown = review.shown;
    let account = review.account.id;
    let partner = shown.partner_id;
    let customers = review
        .customers
        .iter()
        .map(|c| view! { <p>{c.name.clone()} " " <span class="muted code">{c.stripe_id.clone()}</span></p> })
        .collect_view();
    let desk = (review.others.iter().any(|o| o.partner_id != partner)).then(|| {
        view! { <Fact label="Conflict"><a href=format!("/manager/conflicts/{account}")>"Side by side"</a></Fact> }
    });
    let stripe = review.check.clone().map(asked);
    view! {
        <Facts>
            {stripe}
            {shown.due_at.map(|due| view! { <Fact label="Answer"><Clock due=due/></Fact> })}
            {review.escalated_at.map(|at| view! { <Fact label="Reported late"><Moment at=at/></Fact> })}
            {shown.protected_until.map(|until| view! { <Fact label="Protection">{parts::protected(until)}</Fact> })}
            <Fact label="Partner">
                <a href=format!("/manager/partners/{partner}")>{shown.partner.clone()}</a>
                <span class="muted">" " {review.tier.clone()}</span>
            </Fact>
            <Fact label="Registered by">{shown.registrant.clone()}</Fact>
            <Fact label="Account"><a href=format!("/manager/accounts/{account}")>{review.account.name.clone()}</a></Fact>
            <Fact label="Domains">{review.domains.join(", ")}</Fact>
            {desk}
            <Fact label="Stage">{shown.stage.label()}</Fact>
            {shown.submitted_at.map(|at| view! { <Fact label="Sent"><Moment at=at/></Fact> })}
            {review.reviewer.clone().map(|r| view! { <Fact label="Reviewer">{r}</Fact> })}
            {shown.decided_at.map(|at| view! { <Fact label="Decided"><Moment at=at/></Fact> })}
            {shown.reason.clone().map(|r| view! { <Fact label="Told the partner">{r}</Fact> })}
            {review.duplicate_of.map(|of| view! { <Fact label="Duplicate of"><a href=here(of)>{format!("Registration {of}")}</a></Fact> })}
            {(!review.customers.is_empty()).then(|| view! { <Fact label="At Stripe">{customers}</Fact> })}
            <Fact label="Judged by">{format!("policy version {}", review.policy_version)}</Fact>
            <Fact label="Extensions">{format!("{} of {}", shown.extensions_used, shown.extensions_allowed)}</Fact>
        </Facts>
    }
    .into_any()
}

fn findings(review: &Review) -> AnyView {
    let similar = review
        .similar
        .iter()
        .map(|(id, name)| view! { <li><a href=format!("/manager/accounts/{id}")>{name.clone()}</a></li> })
        .collect_view();
    let similar = (!review.similar.is_empty())
        .then(|| view! { <p>"Accounts with a similar name:"</p> <ul>{similar}</ul> });
    if review.conflicts.is_empty() {
        let words = if review.shown.status.awaits_review() {
            "No conflicts found."
        } else {
            "Nothing was found when it was sent."
        };
        return view! { <Notice tone=Tone::Good title=words/> {similar} }.into_any();
    }
    let found = review
        .conflicts
        .iter()
        .map(|c| {
            let tone = match c.kind.severity() {
                Severity::Refuses => Tone::Bad,
                Severity::Stops => Tone::Warn,
                Severity::Hint => Tone::Info,
            };
            view! { <Notice tone=tone title=c.sentence()/> }
        })
        .collect_view();
    view! { {found} {similar} }.into_any()
}

fn others(review: &Review) -> Option<AnyView> {
    if review.others.is_empty() {
        return None;
    }
    let table = Table::plain(review.others.clone())
        .caption("Other registrations of this company")
        .col("Partner", |r: &DealRow| r.partner.clone())
        .col(
            "Status",
            |r| view! { <Status of=r.status.as_str() label=r.status.label()/> },
        )
        .col("Products", |r| r.lines.join(", "))
        .col("Sent", |r| r.submitted_at.map(|at| view! { <Ago at=at/> }))
        .col("Clock", parts::clock)
        .href(|r| format!("/manager/deals/{}", r.id))
        .view();
    let href = format!("/manager/conflicts/{}", review.account.id);
    let waiting = (!review.waiting.is_empty()).then(|| {
        let names = review
            .waiting
            .iter()
            .map(|(_, p)| p.clone())
            .collect::<Vec<_>>()
            .join(", ");
        view! { <p class="muted">{format!("Waiting in line: {names}")}</p> }
    });
    Some(
        view! {
            <Panel title="Other registrations of this company" actions=move || view! { <ButtonLink href=href label="Side by side"/> }>
                {table}
                {waiting}
            </Panel>
        }
        .into_any(),
    )
}

/// What can be done now.
fn decision(review: &Review) -> AnyView {
    let at = here(review.shown.id);
    match review.shown.status {
        D::Submitted => view! {
            <Panel title="Review" text="Take it, and the partner sees that somebody is reading it.">
                <PostButton action=format!("{at}/take") label="Take into review" primary=true/>
            </Panel>
        }
        .into_any(),
        D::InReview => in_review(review),
        D::InformationRequested => view! {
            <Notice tone=Tone::Info title="The partner has been asked.">
                "The review goes on with the answer. "
                <PostButton action=format!("{at}/take") label="Go on without it" quiet=true/>
            </Notice>
        }
        .into_any(),
        D::Approved => approved(review),
        _ => ().into_any(),
    }
}

fn in_review(review: &Review) -> AnyView {
    let at = here(review.shown.id);
    let [approve, ask, reject, duplicate] =
        ["approve", "ask", "reject", "duplicate"].map(|to| format!("{at}/{to}"));
    let reasons = Choice::list(RejectReason::ALL.iter().map(|r| (r.as_str(), r.label())));
    let proposed = review.proposed_until.to_string();
    let others = review
        .others
        .iter()
        .map(|o| {
            Choice::new(
                o.id.to_string(),
                format!(
                    "{} · {} · {}",
                    o.partner,
                    o.lines.join(", "),
                    o.status.label()
                ),
            )
        })
        .collect::<Vec<_>>();
    let duplicate = (!others.is_empty()).then(|| {
        view! {
            <Confirm id="duplicate" label="Mark as duplicate" title="A duplicate of which registration?" text="The partner can join the waiting list and never learns whose it is.">
                <PostForm action=duplicate name="duplicate">
                    <SelectField name="duplicate_of" label="Registration" options=others required=true/>
                    <TextArea name="text" label="A line for the partner" rows=2 max=1000/>
                    <Submit label="Mark as duplicate"/>
                </PostForm>
            </Confirm>
        }
    });
    view! {
        <Panel title="Decide">
            <PostForm action=approve name="approve">
                <FormErrors/>
                <div class="fields">
                    <DateField name="expires" label="Protected until" hint="The whole last day counts." value=proposed required=true/>
                </div>
                <TextArea name="note" label="A line for the partner" rows=2 max=1000/>
                <Submit label="Approve and protect"/>
            </PostForm>
            <div class="buttons">
                <Confirm id="ask" label="Ask for information" title="What would you like to know?" text="The partner gets a mail. The review time stops until the answer.">
                    <PostForm action=ask name="ask">
                        <TextArea name="question" label="Your question" required=true max=4000/>
                        <Submit label="Send the question"/>
                    </PostForm>
                </Confirm>
                {duplicate}
                <Confirm id="reject" label="Reject" title="Reject this registration?" text="The partner reads the reason and what you write." danger=true>
                    <PostForm action=reject name="reject">
                        <SelectField name="reason" label="Reason" options=reasons required=true/>
                        <TextArea name="text" label="What the partner should know" required=true max=4000/>
                        <Submit label="Reject" danger=true/>
                    </PostForm>
                </Confirm>
            </div>
        </Panel>
    }
    .into_any()
}

fn approved(review: &Review) -> AnyView {
    let at = here(review.shown.id);
    let [won, lost, revoke] = ["won", "lost", "revoke"].map(|to| format!("{at}/{to}"));
    let known = review
        .customers
        .first()
        .map(|c| c.stripe_id.clone())
        .unwrap_or_default();
    view! {
        <Panel title="How it ends" text="It is won by itself when an invoice of the customer is paid.">
            <div class="buttons">
                <Confirm id="won" label="Mark as won" title="Which customer at Stripe?" text="What this customer pays from now on earns commission for the partner." primary=true>
                    <PostForm action=won name="won">
                        <TextField name="customer" label="Customer at Stripe" hint="Its id, cus_…" value=known max=255/>
                        <Submit label="Mark as won"/>
                    </PostForm>
                </Confirm>
                <Confirm id="lost" label="Mark as lost" title="Is this deal lost?" text="The protection ends at once." danger=true>
                    <PostForm action=lost name="lost">
                        <TextArea name="reason" label="Why did the customer not buy?" required=true max=4000/>
                        <Submit label="Mark as lost" danger=true/>
                    </PostForm>
                </Confirm>
                <Confirm id="revoke" label="Revoke" title="Revoke the protection?" text="It ends at once; the partner reads the reason." danger=true>
                    <PostForm action=revoke name="revoke">
                        <TextArea name="reason" label="Why?" required=true max=4000/>
                        <Submit label="Revoke" danger=true/>
                    </PostForm>
                </Confirm>
            </div>
        </Panel>
    }
    .into_any()
}

fn more_time(review: &Review) -> Option<AnyView> {
    let shown = &review.shown;
    if shown.extensions.is_empty() {
        return None;
    }
    let at = here(shown.id);
    let open = shown.extensions.iter().any(|e| e.status == "open");
    let asked = parts::extensions(&shown.extensions);
    let text = format!("An extension adds {} days.", shown.extension_days);
    let buttons = (open && review.may_decide).then(|| {
        view! {
            <div class="buttons">
                <PostButton action=format!("{at}/extension/grant") label="Give more time" primary=true/>
                <Confirm id="refuse" label="Refuse" title="Refuse more time?" text="The partner reads the reason." danger=true>
                    <PostForm action=format!("{at}/extension/refuse") name="refuse">
                        <TextArea name="reason" label="Why?" required=true max=4000/>
                        <Submit label="Refuse" danger=true/>
                    </PostForm>
                </Confirm>
            </div>
        }
    });
    Some(
        view! {
            <Panel title="Requests for more time" text=text>
                {asked}
                {buttons}
            </Panel>
        }
        .into_any(),
    )
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Typed {
    question: String,
    comment: String,
    internal: String,
    reason: String,
    text: String,
    duplicate_of: String,
    customer: String,
}

async fn take(page: Page, Path(id): Path<i64>) -> PageResult {
    let done = deal::take(&page.ctx, id).await;
    page.answer(done, &here(id), "It is yours to review.", &[])
        .await
}

async fn ask(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    let done = deal::ask(&page.ctx, id, &form.question).await;
    page.answer(
        done,
        &here(id),
        "Asked. The partner has a mail.",
        &form.pairs,
    )
    .await
}

async fn approve(page: Page, Path(id): Path<i64>, form: Form<Approval>) -> PageResult {
    match deal::approve(&page.ctx, id, &form.value).await {
        Ok(()) => {
            page.done(
                &here(id),
                "Approved. The company is protected and the partner has a mail.",
            )
            .await
        }
        Err(error) => page.refused(&here(id), error, &form.pairs).await,
    }
}

async fn reject(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    match deal::reject(&page.ctx, id, &form.reason, &form.text).await {
        Ok(()) => {
            page.done("/manager/deals", "Rejected. The partner has a mail.")
                .await
        }
        Err(error) => page.refused(&here(id), error, &form.pairs).await,
    }
}

async fn duplicate(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    match deal::duplicate(&page.ctx, id, &form.duplicate_of, &form.text).await {
        Ok(()) => {
            page.done(
                "/manager/deals",
                "Marked as a duplicate. The partner has a mail.",
            )
            .await
        }
        Err(error) => page.refused(&here(id), error, &form.pairs).await,
    }
}

async fn comment(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    let internal = !form.internal.is_empty();
    match deal::comment(&page.ctx, id, &form.comment, internal).await {
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

async fn won(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    let done = deal::win(&page.ctx, id, &form.customer).await;
    page.answer(
        done,
        &here(id),
        "Won. What the customer pays earns commission.",
        &form.pairs,
    )
    .await
}

async fn lost(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    let done = deal::lost(&page.ctx, id, &form.reason).await;
    page.answer(
        done,
        &here(id),
        "Marked as lost. The protection has ended.",
        &form.pairs,
    )
    .await
}

async fn revoke(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    let done = deal::revoke(&page.ctx, id, &form.reason).await;
    page.answer(
        done,
        &here(id),
        "Revoked. The partner has a mail.",
        &form.pairs,
    )
    .await
}

async fn grant(page: Page, Path(id): Path<i64>) -> PageResult {
    let done = deal::grant(&page.ctx, id).await;
    page.answer(done, &here(id), "Extended. The partner has a mail.", &[])
        .await
}

async fn refuse(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    let done = deal::refuse(&page.ctx, id, &form.reason).await;
    page.answer(
        done,
        &here(id),
        "Refused. The partner has a mail.",
        &form.pairs,
    )
    .await
}

async fn download(page: Page, Path((_, file)): Path<(i64, i64)>) -> PageResult {
    let file = deal::download(&page.ctx, file).await?;
    Ok(page.file(&file.name, "application/octet-stream", file.bytes))
}
