//! What a registration earns by itself: the qualified meeting, the confirmed value, and the lines.

use crate::{
    commission, csv,
    page::{Form, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use domain::deal::DealStatus as D;
use leptos::prelude::*;
use service::deal::{self, MeetingForm, Review};

pub(super) fn routes() -> Routes {
    Routes::new()
        .post("/manager/deals/{id}/meeting", Access::Manager, qualify)
        .post(
            "/manager/deals/{id}/meeting/undo",
            Access::Manager,
            unqualify,
        )
        .post("/manager/deals/{id}/value", Access::Manager, confirm)
}

fn here(id: i64) -> String {
    format!("/manager/deals/{id}")
}

/// The panel of a registration that may earn by itself, or has.
pub(super) fn panel(review: &Review) -> Option<AnyView> {
    let open = review.shown.status.is_protected();
    if !open && review.rewards.is_empty() && review.shown.meeting.is_none() {
        return None;
    }
    let meeting = meeting(review);
    let value = value(review);
    let lines = (!review.rewards.is_empty()).then(|| lines(review));
    let lost = (review.may_decide && review.shown.status == D::Won).then(|| lost(review));
    let actions = actions(review);
    Some(
        view! {
            <Panel title="What the deal earns by itself" text="Beside its invoices, where the partner’s plan pays for won deals or qualified meetings.">
                <Facts>{meeting}{value}</Facts>
                {lines}
                {actions}
                {lost}
            </Panel>
        }
        .into_any(),
    )
}

fn meeting(review: &Review) -> AnyView {
    match review.shown.meeting.clone() {
        Some(m) => {
            let day = ui().locale.date(m.held_on);
            let who = format!(" Marked by {}.", m.by);
            view! { <Fact label="Qualified meeting">{day} ": " {m.note} <span class="muted">{who}</span></Fact> }
                .into_any()
        }
        None => view! { <Fact label="Qualified meeting">"None marked"</Fact> }.into_any(),
    }
}

fn value(review: &Review) -> Option<AnyView> {
    let shown = &review.shown;
    let value = shown.confirmed_value?;
    let currency = shown.currency.clone();
    Some(
        view! { <Fact label="Confirmed first year"><Money minor=value currency=currency/></Fact> }
            .into_any(),
    )
}

fn lines(review: &Review) -> AnyView {
    Table::plain(review.rewards.clone())
        .caption("What the deal earned by itself")
        .col("What", |(c, _): &(entity::commission::Model, String)| {
            commission::words(c)
        })
        .col("Partner", |(_, partner)| partner.clone())
        .col("Date", |(c, _)| view! { <Day at=c.earned_at/> })
        .num(
            "Amount",
            |(c, _)| view! { <Money minor=c.amount currency=c.currency.clone()/> },
        )
        .col("State", |(c, _)| commission::state(&c.state))
        .view()
}

fn actions(review: &Review) -> Option<AnyView> {
    let shown = &review.shown;
    if !review.may_decide || !shown.status.is_protected() {
        return None;
    }
    let [mark, undo, value] =
        ["meeting", "meeting/undo", "value"].map(|to| format!("{}/{to}", here(shown.id)));
    let today = review.today.to_string();
    let meeting = if shown.meeting.is_some() {
        view! {
            <Confirm id="meeting-undo" label="Undo the meeting" title="Does the meeting not count after all?" text="What it earned is canceled. That is possible until it is paid." danger=true>
                <PostForm action=undo name="meeting-undo">
                    <TextArea name="reason" label="Why? The partner reads it" rows=2 required=true max=500/>
                    <Submit label="Undo the meeting" danger=true/>
                </PostForm>
            </Confirm>
        }
        .into_any()
    } else {
        view! {
            <Confirm id="meeting" label="Mark the meeting as qualified" title="Which meeting met the criteria?" text="It counts once. Where the partner’s plan pays for it, the amount is booked at once.">
                <PostForm action=mark name="meeting">
                    <DateField name="held_on" label="Day of the meeting" value=today.clone() max=today required=true/>
                    <TextArea name="note" label="What was met? The partner reads it" rows=2 required=true max=1000/>
                    <Submit label="Mark as qualified"/>
                </PostForm>
            </Confirm>
        }
        .into_any()
    };
    let confirm = (shown.status == D::Won && shown.confirmed_value.is_none()).then(|| {
        let estimate = shown
            .value
            .map(|minor| csv::amount(minor, &shown.currency))
            .unwrap_or_default();
        let label = format!("First year in {}", shown.currency);
        view! {
            <Confirm id="value" label="Confirm the first-year value" title="What does the customer pay in its first year?" text="What the partner estimated pays nothing; what you confirm does, where the plan pays a share of it. It is confirmed once.">
                <PostForm action=value name="value">
                    <TextField name="value" label=label value=estimate hint="After discounts and without tax." required=true max=40/>
                    <Submit label="Confirm"/>
                </PostForm>
            </Confirm>
        }
    });
    Some(view! { <div class="buttons">{meeting}{confirm}</div> }.into_any())
}

fn lost(review: &Review) -> AnyView {
    let action = format!("{}/lost", here(review.shown.id));
    view! {
        <div class="buttons">
            <Confirm id="lost" label="Mark as lost" title="Did the customer not buy after all?" text="The protection and the credit end, and what the deal earned by itself goes back. Not possible once its invoices have earned commission." danger=true>
                <PostForm action=action name="lost">
                    <TextArea name="reason" label="Why did the customer not buy?" required=true max=4000/>
                    <Submit label="Mark as lost" danger=true/>
                </PostForm>
            </Confirm>
        </div>
    }
    .into_any()
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Typed {
    reason: String,
    value: String,
}

async fn qualify(page: Page, Path(id): Path<i64>, form: Form<MeetingForm>) -> PageResult {
    let done = deal::qualify(&page.ctx, id, &form.value).await;
    page.answer(done, &here(id), "The meeting is qualified.", &form.pairs)
        .await
}

async fn unqualify(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    let done = deal::unqualify(&page.ctx, id, &form.reason).await;
    page.answer(
        done,
        &here(id),
        "The meeting does not count any more.",
        &form.pairs,
    )
    .await
}

async fn confirm(page: Page, Path(id): Path<i64>, form: Form<Typed>) -> PageResult {
    let done = deal::confirm_value(&page.ctx, id, &form.value.value).await;
    page.answer(done, &here(id), "The value is confirmed.", &form.pairs)
        .await
}
