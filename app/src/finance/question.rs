//! The question about a payout's outcome, with what Stripe lists at this moment, and its answers.

use crate::{
    page::{Form, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use leptos::prelude::*;
use service::payout::question::{self, Candidate, View};

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new()
        .post("/finance/payouts/{id}/made", Access::Finance, made)
        .post(
            "/finance/payouts/{id}/never-made",
            Access::Finance,
            never_made,
        )
        .post(
            "/finance/payouts/{id}/ask-again",
            Access::Finance,
            ask_again,
        )
}

fn address(id: i64) -> String {
    format!("/finance/payouts/{id}")
}

/// The open question, if there is one and Stripe is set up.
pub(super) async fn asked(page: &Page, id: i64) -> service::Result<Option<View>> {
    match page.gateway() {
        Ok(gateway) => question::view(&page.ctx, gateway, id).await,
        Err(_) => Ok(None),
    }
}

/// The panel: what is not clear, what Stripe lists, and what can be said.
pub(super) fn panel(id: i64, view: View, change: bool) -> AnyView {
    let here = address(id);
    let (never_made, ask_again) = (format!("{here}/never-made"), format!("{here}/ask-again"));
    let why = view.question.why.clone();
    let since = view.question.asked_at;
    let (listed, fits) = match view.listed {
        Ok(listed) => {
            let fits = listed.iter().any(|c| c.misfit.is_none());
            let choices = listed.clone();
            let made = (change && !choices.is_empty()).then(|| made_form(&here, choices));
            (view! { {table(listed)}{made} }.into_any(), fits)
        }
        Err(why) => {
            let text = format!("Stripe’s list cannot be shown: {why}");
            (view! { <p>{text}</p> }.into_any(), true)
        }
    };
    let never = (change && !fits).then(|| {
        view! {
            <Confirm id="never" label="It was never made" title="Was this transfer never made?" text="The amount is payable again and goes into the next run. Stripe is asked once more at this moment; the answer is refused while Stripe has it." danger=true>
                <PostForm action=never_made name="never">
                    <TextArea name="reason" label="How do you know?" rows=2 required=true max=500/>
                    <Submit label="It was never made" danger=true/>
                </PostForm>
            </Confirm>
        }
    });
    let again = change
        .then(|| view! { <PostButton action=ask_again label="Ask Stripe again" primary=true/> });
    view! {
        <Notice tone=Tone::Bad title="Your decision is needed">
            <p>{why}" The amount stays where it is until this is clear. Asked "<Ago at=since/>"."</p>
            <div class="buttons">{again}{never}</div>
        </Notice>
        <Panel title="What Stripe lists now">{listed}</Panel>
    }
    .into_any()
}

fn table(listed: Vec<Candidate>) -> AnyView {
    Table::plain(listed)
        .caption("What Stripe lists now")
        .col("Transfer", |c: &Candidate| view! { <code>{c.id.clone()}</code> })
        .num(
            "Amount",
            |c| view! { <Money minor=c.amount.minor currency=c.amount.currency.code()/> },
        )
        .num(
            "Taken back",
            |c| view! { <Money minor=c.reversed.minor currency=c.reversed.currency.code()/> },
        )
        .col("Account", |c| c.destination.clone().map(|a| view! { <code>{a}</code> }))
        .col("Made", |c| view! { <Moment at=c.created/> })
        .col("Does it fit?", |c| match &c.misfit {
            None => "In everything".to_owned(),
            Some(why) => format!("No: {why}"),
        })
        .empty(Empty::text(
            "Stripe lists no transfer for this payout",
            "That proves nothing about a request that is still on its way. Ask again before you decide.",
        ))
        .view()
}

fn made_form(here: &str, listed: Vec<Candidate>) -> AnyView {
    let options: Vec<Choice> = listed
        .into_iter()
        .map(|c| {
            let label = format!("{}, {}", c.id, c.amount.format("en"));
            Choice::new(c.id, label)
        })
        .collect();
    let action = format!("{here}/made");
    view! {
        <Confirm id="made" label="Stripe has it" title="Which transfer is it?" text="The payout is booked as paid by it.">
            <PostForm action=action name="made">
                <SelectField name="transfer" label="Transfer" options=options required=true/>
                <TextArea name="reason" label="How do you know?" rows=2 required=true max=500/>
                <Submit label="It is this one"/>
            </PostForm>
        </Confirm>
    }
    .into_any()
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Answer {
    transfer: String,
    reason: String,
}

async fn made(page: Page, Path(id): Path<i64>, form: Form<Answer>) -> PageResult {
    let done = question::made(&page.ctx, page.gateway()?, id, &form.transfer, &form.reason).await;
    page.answer(done, &address(id), "Booked as paid.", &form.pairs)
        .await
}

async fn never_made(page: Page, Path(id): Path<i64>, form: Form<Answer>) -> PageResult {
    let done = question::never_made(&page.ctx, page.gateway()?, id, &form.reason).await;
    let said = "The amount is payable again.";
    page.answer(done, &address(id), said, &form.pairs).await
}

async fn ask_again(page: Page, Path(id): Path<i64>) -> PageResult {
    let here = address(id);
    match question::ask_again(&page.ctx, page.gateway()?, id).await {
        Ok(true) => page.done(&here, "Stripe has it. Booked as paid.").await,
        Ok(false) => {
            page.toast(&here, Tone::Warn, "Stripe still says nothing that fits.")
                .await
        }
        Err(error) => page.refused(&here, error, &[]).await,
    }
}
