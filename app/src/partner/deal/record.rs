//! One registration as its partner sees it: clocks, what can be done now, comments, files and what
//! happened.

use super::{form, parts};
use crate::{
    apply::standing::comment as said,
    page::{Form, Head, Page, PageResult, Upload},
    routes::{Access, Routes},
    ui::*,
};
use axum::{
    extract::{DefaultBodyLimit, Path},
    handler::Handler,
};
use domain::deal::{DealStatus as D, SalesStage};
use leptos::prelude::*;
use service::deal::{self, Shown};

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/partner/deals/{id}", Access::Partner, show)
        .post("/partner/deals/{id}/answer", Access::Partner, answer)
        .post("/partner/deals/{id}/comment", Access::Partner, comment)
        .post("/partner/deals/{id}/stage", Access::Partner, stage)
        .post("/partner/deals/{id}/extension", Access::Partner, extension)
        .post("/partner/deals/{id}/won", Access::Partner, won)
        .post("/partner/deals/{id}/lost", Access::Partner, lost)
        .post("/partner/deals/{id}/withdraw", Access::Partner, withdraw)
        .post("/partner/deals/{id}/wait", Access::Partner, wait)
        .post("/partner/deals/{id}/leave", Access::Partner, leave)
        .post("/partner/deals/{id}/accept", Access::Partner, accept)
        .post("/partner/deals/{id}/again", Access::Partner, again)
        .post(
            "/partner/deals/{id}/files",
            Access::Partner,
            attach.layer(DefaultBodyLimit::max(form::LIMIT)),
        )
        .get(
            "/partner/deals/{id}/files/{file}",
            Access::Partner,
            download,
        )
        .post(
            "/partner/deals/{id}/files/{file}/remove",
            Access::Partner,
            remove,
        )
}

fn here(id: i64) -> String {
    format!("/partner/deals/{id}")
}

async fn show(page: Page, Path(id): Path<i64>) -> PageResult {
    let shown = deal::show(&page.ctx, id).await?;
    if shown.status == D::Draft {
        return Ok(page.redirect(&format!("{}/edit", here(id))));
    }
    let head = Head::new(&shown.fields.customer_name)
        .crumb("Deals", "/partner/deals")
        .text(parts::meaning(shown.status))
        .status_as(shown.status.label(), tone_of(shown.status.as_str()));
    Ok(page.render(head, move || view(shown)))
}

fn view(shown: Shown) -> AnyView {
    let id = shown.id;
    let now = next(&shown);
    let facts = parts::facts(&shown);
    let extensions = (!shown.extensions.is_empty()).then(|| {
        view! { <Panel title="Requests for more time">{parts::extensions(&shown.extensions)}</Panel> }
    });
    let files = parts::files(&shown.files, &here(id), shown.status.is_editable());
    let comments = shown.said.iter().cloned().map(said).collect::<Vec<_>>();
    let findings = shown
        .findings
        .iter()
        .filter(|_| shown.status.awaits_review())
        .map(|f| view! { <Notice tone=Tone::Info title=*f/> })
        .collect_view();
    let reason = shown
        .reason
        .clone()
        .map(|r| view! { <Fact label="What we say">{r}</Fact> });
    let meeting = shown.meeting.clone().map(|m| {
        let day = ui().locale.date(m.held_on);
        view! { <Fact label="Qualified meeting">{day} ": " {m.note}</Fact> }
    });
    let confirmed = shown.confirmed_value.map(|minor| {
        let currency = shown.currency.clone();
        view! { <Fact label="Confirmed first year"><Money minor=minor currency=currency/></Fact> }
    });
    let protected = (!shown.guarded.is_empty())
        .then(|| view! { <Panel title="Protection">{parts::guarded(shown.guarded.clone(), false)}</Panel> });
    let reference = shown.reference.clone().map(reference);
    let used = format!("{} of {}", shown.extensions_used, shown.extensions_allowed);
    let events = parts::events(shown.timeline);
    view! {
        <Record>
            <RecordMain>
                {findings}
                {now}
                {extensions}
                {protected}
                {reference}
                <Panel title="What you registered">{facts}</Panel>
                <Panel title="Files">
                    {files}
                    <PostForm action=format!("{}/files", here(id)) name="files" files=true>
                        <FileField name="file" label="Add a file" hint="Up to 10 MB." required=true/>
                        <Submit label="Add"/>
                    </PostForm>
                </Panel>
                <Panel title="Comments">
                    <Comments items=comments action=format!("{}/comment", here(id))/>
                </Panel>
            </RecordMain>
            <RecordSide>
                <Panel title="Facts">
                    <Facts>
                        {shown.due_at.map(|due| view! { <Fact label="Answer"><Clock due=due/></Fact> })}
                        {shown.protected_until.map(|until| view! { <Fact label="Protection">{parts::protected(until)}</Fact> })}
                        <Fact label="Stage">{shown.stage.label()}</Fact>
                        <Fact label="Registered by">{shown.registrant}</Fact>
                        {shown.submitted_at.map(|at| view! { <Fact label="Sent"><Moment at=at/></Fact> })}
                        {shown.decided_at.map(|at| view! { <Fact label="Decided"><Moment at=at/></Fact> })}
                        {reason}
                        {meeting}
                        {confirmed}
                        {(shown.status == D::Approved).then(|| view! { <Fact label="Extensions">{used}</Fact> })}
                    </Facts>
                </Panel>
                <Panel title="What happened"><Timeline events=events/></Panel>
            </RecordSide>
        </Record>
    }
    .into_any()
}

/// What the partner puts into a checkout.
fn reference(reference: String) -> AnyView {
    view! {
        <Panel
            title="Reference for a checkout"
            text="Where you send the customer to a payment page, add it as client_reference_id: what is bought there is known as this deal’s, whatever address the customer pays with. It is signed; do not shorten it."
        >
            <p><code>{reference}</code></p>
        </Panel>
    }
    .into_any()
}

/// What can be done now.
fn next(shown: &Shown) -> AnyView {
    let at = here(shown.id);
    match shown.status {
        D::Submitted | D::InReview => stage_panel(shown),
        D::InformationRequested => {
            let asked = shown.said.iter().rev().find(|s| !s.internal).map(|s| s.text.clone());
            view! {
                <Panel title="A question for you" text="The review goes on with your answer.">
                    <blockquote>{asked}</blockquote>
                    <PostForm action=format!("{at}/answer") name="answer">
                        <TextArea name="answer" label="Your answer" required=true max=4000/>
                        <Submit label="Send the answer"/>
                    </PostForm>
                    <p><a href=format!("{at}/edit")>"Correct the registration"</a></p>
                </Panel>
            }
            .into_any()
        }
        D::Approved => view! { {stage_panel(shown)} {protected_panel(shown)} }.into_any(),
        D::Duplicate => waiting_panel(shown),
        D::Rejected | D::Expired | D::Lost | D::Withdrawn => view! {
            <Panel title="Still interested?" text="Begin a new registration with what you wrote here.">
                <PostButton action=format!("{at}/again") label="Register again"/>
            </Panel>
        }
        .into_any(),
        D::Draft | D::Won | D::Revoked => ().into_any(),
    }
}

fn stage_panel(shown: &Shown) -> AnyView {
    let stages = Choice::list(SalesStage::ALL.iter().map(|s| (s.as_str(), s.label())));
    let steps = SalesStage::ALL
        .iter()
        .map(|s| Step::new(s.label(), ""))
        .collect::<Vec<_>>();
    let (action, stage) = (format!("{}/stage", here(shown.id)), shown.stage);
    view! {
        <Panel title="Your sales stage" text="For you and your manager; it does not affect the approval.">
            <Stepper steps=steps current=stage.position()/>
            <PostForm action=action name="stage">
                <SelectField name="stage" label="Stage" options=stages value=stage.as_str() required=true/>
                <Submit label="Move"/>
            </PostForm>
        </Panel>
    }
    .into_any()
}

fn protected_panel(shown: &Shown) -> AnyView {
    let at = here(shown.id);
    let [extension, won, lost, withdraw] =
        ["extension", "won", "lost", "withdraw"].map(|to| format!("{at}/{to}"));
    let open = shown.extensions.iter().any(|e| e.status == "open");
    let more = match (open, shown.extensions_used < shown.extensions_allowed) {
        (true, _) => {
            view! { <p class="muted">"You have asked for more time; a manager answers."</p> }
                .into_any()
        }
        (_, false) => {
            view! { <p class="muted">"The protection cannot be extended any more."</p> }.into_any()
        }
        _ => {
            let text = format!(
                "An extension adds {} days. Say what has happened lately.",
                shown.extension_days
            );
            view! {
                <Confirm id="extension" label="Ask for more time" title="Ask for more time" text=text>
                    <PostForm action=extension name="extension">
                        <TextArea name="evidence" label="What has happened with the customer" hint="A meeting, an offer, a trial." required=true max=4000/>
                        <Submit label="Ask"/>
                    </PostForm>
                </Confirm>
            }
            .into_any()
        }
    };
    let won = if shown.has_paid {
        view! { <PostButton action=won label="Mark as won"/> }.into_any()
    } else {
        view! { <p class="muted">"It is won by itself when the customer’s first invoice is paid."</p> }.into_any()
    };
    view! {
        <Panel title="What is next">
            <div class="buttons">
                {more}
                {won}
                <Confirm id="lost" label="Mark as lost" title="Is this deal lost?" text="The protection ends at once." danger=true>
                    <PostForm action=lost name="lost">
                        <TextArea name="reason" label="Why did the customer not buy?" required=true max=4000/>
                        <Submit label="Mark as lost" danger=true/>
                    </PostForm>
                </Confirm>
                <Confirm id="withdraw" label="Withdraw" title="Withdraw this registration?" text="The protection ends at once." danger=true>
                    <PostForm action=withdraw name="withdraw">
                        <TextArea name="reason" label="Why?" required=true max=4000/>
                        <Submit label="Withdraw" danger=true/>
                    </PostForm>
                </Confirm>
            </div>
        </Panel>
    }
    .into_any()
}

fn waiting_panel(shown: &Shown) -> AnyView {
    let at = here(shown.id);
    let [join, accept, leave] = ["wait", "accept", "leave"].map(|to| format!("{at}/{to}"));
    match shown.waiting {
        None => view! {
            <Panel title="The waiting list" text="When the company becomes free, those who wait are asked in turn.">
                <PostButton action=join label="Join the waiting list" primary=true/>
            </Panel>
        }
        .into_any(),
        Some(waiting) => {
            let offer = waiting.offer_until.map(|until| {
                view! {
                    <Notice tone=Tone::Good title="The company is free, and it is your turn.">
                        <Clock due=until warn_hours=48 what="Take it"/>
                        <PostButton action=accept label="Register it now" primary=true/>
                    </Notice>
                }
            });
            let place = format!("You are number {} in line.", waiting.place);
            view! {
                <Panel title="The waiting list" text=place>
                    {offer}
                    <p class="muted">"Since " <Day at=waiting.since/></p>
                    <PostButton action=leave label="Leave the waiting list" quiet=true/>
                </Panel>
            }
            .into_any()
        }
    }
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Typed {
    answer: String,
    comment: String,
    stage: String,
    back: String,
    evidence: String,
    reason: String,
}

async fn answer(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    let done = deal::answer(&page.ctx, id, &form.answer).await;
    page.answer(done, &here(id), "Sent. The review goes on.", &form.pairs)
        .await
}

async fn comment(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    let done = deal::comment(&page.ctx, id, &form.comment, false).await;
    page.answer(done, &here(id), "Sent.", &form.pairs).await
}

async fn stage(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    let back = if form.back == "board" {
        "/partner/deals/board".to_owned()
    } else {
        here(id)
    };
    let done = deal::set_stage(&page.ctx, id, &form.stage).await;
    page.answer(done, &back, "Moved.", &form.pairs).await
}

async fn extension(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    let done = deal::request(&page.ctx, id, &form.evidence).await;
    page.answer(done, &here(id), "Asked. A manager answers.", &form.pairs)
        .await
}

async fn won(page: Page, Path(id): Path<i64>) -> PageResult {
    let done = deal::win(&page.ctx, id, "").await;
    page.answer(
        done,
        &here(id),
        "Won. What the customer pays earns commission.",
        &[],
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

async fn withdraw(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    let done = deal::withdraw(&page.ctx, id, &form.reason).await;
    page.answer(
        done,
        &here(id),
        "Withdrawn. The protection has ended.",
        &form.pairs,
    )
    .await
}

async fn wait(page: Page, Path(id): Path<i64>) -> PageResult {
    let done = deal::join(&page.ctx, id).await;
    page.answer(done, &here(id), "You are on the waiting list.", &[])
        .await
}

async fn leave(page: Page, Path(id): Path<i64>) -> PageResult {
    let done = deal::leave(&page.ctx, id).await;
    page.answer(done, &here(id), "You have left the waiting list.", &[])
        .await
}

async fn accept(page: Page, Path(id): Path<i64>) -> PageResult {
    match deal::accept(&page.ctx, id).await {
        Ok(new) => {
            page.done(
                &format!("{}/edit", here(new)),
                "Check what you wrote and send it.",
            )
            .await
        }
        Err(error) => page.refused(&here(id), error, &[]).await,
    }
}

async fn again(page: Page, Path(id): Path<i64>) -> PageResult {
    match deal::again(&page.ctx, id).await {
        Ok(new) => {
            page.done(
                &format!("{}/edit", here(new)),
                "Check what you wrote and send it.",
            )
            .await
        }
        Err(error) => page.refused(&here(id), error, &[]).await,
    }
}

async fn attach(page: Page, Path(id): Path<i64>, upload: Upload) -> PageResult {
    if upload.files.is_empty() {
        // Whose registration it is comes before what is missing.
        deal::show(&page.ctx, id).await?;
        let missing = service::Error::field("file", "Choose a file.");
        return page.refused(&here(id), missing, &upload.pairs).await;
    }
    let done = form::keep_files(&page, id, &upload).await;
    page.answer(done, &here(id), "Added.", &upload.pairs).await
}

async fn download(page: Page, Path((_, file)): Path<(i64, i64)>) -> PageResult {
    let file = deal::download(&page.ctx, file).await?;
    Ok(page.file(&file.name, "application/octet-stream", file.bytes))
}

async fn remove(page: Page, Path((id, file)): Path<(i64, i64)>) -> PageResult {
    let done = deal::remove(&page.ctx, id, file).await;
    page.answer(done, &here(id), "Removed.", &[]).await
}
