//! One payout run: who is in it, who is not and why, and what can be done now.

use super::run_notes::before_approval;
use crate::{
    page::{Form, Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use domain::money::Money;
use domain::payout::{Hands, Moved, RunStatus, approve as four_eyes};
use entity::payout_run;
use leptos::prelude::*;
use service::identity::why_not;
use service::payout::{
    list::{self, Item, RunView},
    outcome::{self, Outcome},
    run,
};

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/finance/runs/{id}", Access::Finance, show)
        .get("/finance/runs/{id}/items.csv", Access::Finance, export)
        .post("/finance/runs/{id}/exclude", Access::Finance, exclude)
        .post("/finance/runs/{id}/include", Access::Finance, include)
        .post("/finance/runs/{id}/refresh", Access::Finance, refresh)
        .post("/finance/runs/{id}/submit", Access::Finance, submit)
        .post("/finance/runs/{id}/send-back", Access::Finance, send_back)
        .post("/finance/runs/{id}/approve", Access::Finance, approve)
        .post("/finance/runs/{id}/cancel", Access::Finance, cancel)
}

fn address(id: i64) -> String {
    format!("/finance/runs/{id}")
}

/// What the person who looks may do.
struct May {
    change: bool,
    /// Whether this person's approval would be the last one, or why they cannot approve.
    approve: Result<bool, String>,
}

fn may(page: &Page, run: &payout_run::Model) -> May {
    let approvers: Vec<i64> = run.approved_by.into_iter().collect();
    let hands = Hands {
        creator: run.created_by,
        submitter: run.submitted_by,
        approvers: &approvers,
    };
    let limit = run.needs_second.then_some(0);
    let me = page.ctx.actor.person_id().unwrap_or_default();
    May {
        change: super::may_change(page),
        approve: four_eyes(&hands, me, 1, limit).map_err(str::to_owned),
    }
}

async fn show(page: Page, Path(id): Path<i64>) -> PageResult {
    let run = list::run(&page.ctx, id).await?;
    let mut may = may(&page, &run.run);
    let hands: Vec<i64> = [
        run.run.created_by,
        run.run.submitted_by,
        run.run.approved_by,
    ]
    .into_iter()
    .flatten()
    .collect();
    if may.approve.is_ok()
        && let Some(why) = why_not(&page.ctx, page.ctx.reader(), page.ctx.person()?, &hands).await?
    {
        may.approve = Err(why);
    }
    let first = list::first_payouts(&page.ctx, id).await?;
    let head = Head::new(format!("Run {}", run.run.number))
        .text(run.run.note.clone())
        .crumb("Payout runs", "/finance/runs")
        .status_as(
            outcome::label(run.status, &run.outcomes),
            run_tone(run.status, &run.outcomes),
        );
    Ok(page.render(head, move || {
        let notes = before_approval(&run.run, first);
        let body = body(id, run, &may);
        view! { {notes}{body} }
    }))
}

/// A run is not simply good while something in it did not end as it should.
pub(super) fn run_tone(status: RunStatus, outcomes: &[Outcome]) -> Tone {
    if status == RunStatus::Done && outcome::failed(outcomes) + outcome::returned(outcomes) > 0 {
        return Tone::Warn;
    }
    tone_of(status.as_str())
}

/// What the run pays; once its payouts are frozen, what became of it.
fn money_figures(totals: Vec<Money>, outcomes: Vec<Outcome>) -> AnyView {
    let figure = |label: String, note: &'static str, minor: i64, code: &'static str| {
        view! { <Figure label=label note=note><Money minor currency=code/></Figure> }
    };
    if outcomes.is_empty() {
        return totals
            .into_iter()
            .map(|m| {
                figure(
                    format!("Pays in {}", m.currency.code()),
                    "",
                    m.minor,
                    m.currency.code(),
                )
            })
            .collect_view()
            .into_any();
    }
    outcomes
        .into_iter()
        .map(|o| {
            let (m, code) = (o.moved, o.currency.code());
            let some = |minor: i64, label: String, note| {
                (minor != 0).then(|| figure(label, note, minor, code))
            };
            view! {
                {figure(format!("Approved, {code}"), "", m.approved, code)}
                {figure(format!("Sent, {code}"), "transferred by Stripe", m.sent, code)}
                {some(m.failed, format!("Failed, {code}"), "payable again")}
                {some(m.returned, format!("Taken back, {code}"), "of what was sent; payable again")}
                {some(m.open, format!("Not sent yet, {code}"), "on its way or waiting")}
            }
        })
        .collect_view()
        .into_any()
}

fn body(id: i64, view: RunView, may: &May) -> AnyView {
    let RunView {
        run,
        status,
        totals,
        outcomes,
        last_day,
        items,
        people,
        timeline,
    } = view;
    let (inside, outside): (Vec<Item>, Vec<Item>) =
        items.into_iter().partition(|i| i.item.included);
    let draft = status == RunStatus::Draft && may.change;
    let step = next_step(id, &run, status, may);
    let waits = waits(&run);
    let pays = money_figures(totals, outcomes);
    let last_day = ui().locale.date(last_day);
    let in_count = count_text(i64::try_from(inside.len()).unwrap_or(i64::MAX));
    let out_count = count_text(i64::try_from(outside.len()).unwrap_or(i64::MAX));
    let person = |id: Option<i64>| {
        id.and_then(|id| people.get(&id).cloned())
            .unwrap_or_else(|| "–".to_owned())
    };
    let (author, submitter) = (person(run.created_by), person(run.submitted_by));
    let (approver, other) = (person(run.approved_by), person(run.second_approved_by));
    let second = run
        .needs_second
        .then(|| view! { <Fact label="Second approval">{other}</Fact> });
    let csv = format!("{}/items.csv", address(id));
    let events = crate::apply::standing::events(timeline);
    view! {
        {waits}
        {step}
        <Figures>
            {pays}
            <Figure label="In the run" note="one for each partner and currency">{in_count}</Figure>
            <Figure label="Left out" note="with the reason below">{out_count}</Figure>
        </Figures>
        <Record>
            <RecordMain>
                <Panel title="In the run" actions=move || view! { <ButtonLink href=csv label="CSV" icon="download"/> }>
                    {included(id, inside, draft)}
                </Panel>
                <Panel title="Left out" text="They stay payable and are looked at again in the next run.">
                    {left_out(id, outside, draft)}
                </Panel>
                <Panel title="What happened"><Timeline events/></Panel>
            </RecordMain>
            <RecordSide>
                <Panel title="Facts">
                    <Facts>
                        <Fact label="Pays up to">{last_day}</Fact>
                        <Fact label="Cut-off"><Moment at=run.cutoff_at/></Fact>
                        <Fact label="Drafted by">{author}</Fact>
                        <Fact label="Submitted by">{submitter}</Fact>
                        <Fact label="Approved by">{approver}</Fact>
                        {second}
                        {run.done_at.map(|at| view! { <Fact label="Finished"><Moment at/></Fact> })}
                    </Facts>
                </Panel>
            </RecordSide>
        </Record>
    }
    .into_any()
}

/// What an approved run waits for, as long as it does.
fn waits(run: &payout_run::Model) -> Option<AnyView> {
    let (why, since) = (run.waits_for.clone()?, run.waits_since?);
    Some(
        view! {
            <Notice tone=Tone::Warn title="This run waits">
                <p>{why}</p>
                <p>"Since "<Moment at=since/>". The approval stands."</p>
            </Notice>
        }
        .into_any(),
    )
}

/// What can or must be done now, and by whom.
fn next_step(id: i64, run: &payout_run::Model, status: RunStatus, may: &May) -> AnyView {
    let here = address(id);
    let change = may.change;
    let cancel = move || {
        let action = format!("{}/cancel", address(id));
        view! {
            <Confirm id="cancel" label="Cancel the run" title="Cancel this run?" text="Nothing is paid; every amount stays payable." danger=true>
                <PostForm action=action name="cancel">
                    <TextArea name="reason" label="Why?" rows=2 required=true max=500/>
                    <Submit label="Cancel the run" danger=true/>
                </PostForm>
            </Confirm>
        }
    };
    match status {
        RunStatus::Draft if may.change => view! {
            <Notice title="A draft: nothing is paid yet">
                <p>"Look at who is in it and who is left out. Then submit it; somebody else approves it."</p>
                <div class="buttons">
                    <PostButton action=format!("{here}/submit") label="Submit for approval" primary=true/>
                    <PostButton action=format!("{here}/refresh") label="Count anew"/>
                    {cancel()}
                </div>
            </Notice>
        }
        .into_any(),
        RunStatus::Submitted if may.change => {
            let (send_back, approval) = (format!("{here}/send-back"), format!("{here}/approve"));
            let back = view! {
                <Confirm id="send-back" label="Send back" title="Send this run back to its author?">
                    <PostForm action=send_back name="send-back">
                        <TextArea name="reason" label="What should change?" rows=2 required=true max=500/>
                        <Submit label="Send back"/>
                    </PostForm>
                </Confirm>
            };
            let (words, approve) = match &may.approve {
                Ok(last) => {
                    let text = if *last {
                        "The amounts are frozen and the transfers are made at once."
                    } else {
                        "The amount is above the limit: after you, a second person has to approve it too."
                    };
                    let confirm = view! {
                        <Confirm id="approve" label="Approve" title="Approve this run?" text=text primary=true>
                            <PostForm action=approval name="approve">
                                <Submit label="Approve and pay"/>
                            </PostForm>
                        </Confirm>
                    };
                    ("Check the figures. With your approval it is paid.".to_owned(), Some(confirm))
                }
                Err(why) => (why.clone(), None),
            };
            let second = (run.needs_second && run.approved_by.is_some())
                .then_some(" One approval is there; the second is missing.");
            view! {
                <Notice tone=Tone::Info title="Waiting for approval">
                    <p>{words}{second}</p>
                    <div class="buttons">{approve}{back}{cancel()}</div>
                </Notice>
            }
            .into_any()
        }
        RunStatus::Approved => {
            let words = if run.waits_for.is_some() {
                "The payouts are frozen; the transfers start as soon as nothing is in their way."
            } else {
                "The payouts are frozen; the transfers start in a moment."
            };
            view! {
                <Notice tone=Tone::Info title="Approved">
                    <p>{words}</p>
                    {change.then(|| view! { <div class="buttons">{cancel()}</div> })}
                </Notice>
            }
            .into_any()
        }
        RunStatus::WaitingForBalance => view! {
            <Notice tone=Tone::Warn title="Waiting for balance">
                <p>"Stripe’s balance is too low for what this run has still to send. Top it up; the run goes on by itself."</p>
                {change.then(|| view! { <div class="buttons">{cancel()}</div> })}
            </Notice>
        }
        .into_any(),
        RunStatus::Sending => view! {
            <Notice tone=Tone::Info title="Transfers are being made">
                "Each payout below shows how far it is. What is not clear is settled by asking Stripe, never by sending again blindly."
            </Notice>
        }
        .into_any(),
        _ => ().into_any(),
    }
}

/// One part of what became of an item's payout; nothing where it is nothing.
fn part(item: &Item, of: fn(&Moved) -> i64) -> Option<AnyView> {
    let moved = item.moved()?;
    let (minor, code) = (of(&moved), item.amount.currency.code());
    (minor != 0).then(|| view! { <Money minor currency=code/> }.into_any())
}

fn included(id: i64, items: Vec<Item>, draft: bool) -> AnyView {
    let frozen = items.iter().any(|i| i.payout.is_some());
    let table = Table::plain(items)
        .caption("In the run")
        .col("Partner", |i: &Item| i.partner.clone())
        .col("Currency", |i| i.item.currency.clone())
        .num(
            "Payable",
            |i| view! { <Money minor=i.amount.minor currency=i.amount.currency.code()/> },
        )
        .empty(Empty::text(
            "Nobody is in this run",
            "Nobody has a payable balance that can be paid. The reasons stand below.",
        ));
    let table = if frozen {
        table
            .col("Payout", |i| {
                i.payout.as_ref().map(|p| {
                    let href = format!("/finance/payouts/{}", p.id);
                    view! { <a href=href>{format!("Payout {}", p.id)}</a> }
                })
            })
            .aside()
            .col("Status", |i| {
                i.payout.as_ref().map(|p| {
                    let label = p
                        .status
                        .parse::<domain::payout::PayoutStatus>()
                        .map_or_else(|_| label_of(&p.status), |s| s.label().to_owned());
                    view! { <Status of=p.status.clone() label=label/> }
                })
            })
            .num("Sent", |i| part(i, |m| m.sent))
            .num("Failed", |i| part(i, |m| m.failed))
            .aside()
            .num("Taken back", |i| part(i, |m| m.returned))
            .aside()
    } else {
        table.col("", |i| {
            let href = format!(
                "/finance/commissions?partner={}&state=payable&currency={}",
                i.item.partner_id, i.item.currency
            );
            view! { <a href=href>"Lines"</a> }
        })
    };
    if !draft {
        return table.view();
    }
    table
        .bulk(
            format!("{}/exclude", address(id)),
            |i| i.item.id.to_string(),
            view! {
                <TextField name="reason" label="Reason" required=true max=500/>
                <button type="submit" class="button">"Leave out"</button>
            },
        )
        .view()
}

fn left_out(id: i64, items: Vec<Item>, draft: bool) -> AnyView {
    let table = Table::plain(items)
        .caption("Left out")
        .col("Partner", |i: &Item| i.partner.clone())
        .col("Currency", |i| i.item.currency.clone())
        .num(
            "Balance",
            |i| view! { <Money minor=i.amount.minor currency=i.amount.currency.code()/> },
        )
        .col("Why", |i| i.item.reason.clone())
        .empty(Empty::text(
            "Nobody is left out",
            "Everybody with a balance is in the run.",
        ));
    if !draft {
        return table.view();
    }
    // What a rule left out cannot be put back by hand.
    table
        .menu(move |i| {
            i.item.decided_by.map(|_| {
                let fields = vec![("item", i.item.id.to_string())];
                view! { <PostButton action=format!("{}/include", address(id)) label="Put back" fields=fields quiet=true/> }
            })
        })
        .view()
}

async fn export(page: Page, Path(id): Path<i64>) -> PageResult {
    let run = list::run(&page.ctx, id).await?;
    let mut file = crate::csv::Csv::new(&[
        "Run",
        "Partner",
        "Currency",
        "Payable",
        "In the run",
        "Reason",
        "Payout",
        "Status",
        "Approved",
        "Sent",
        "Failed",
        "Taken back",
        "Transfer",
    ]);
    for i in &run.items {
        let (payout, moved) = (i.payout.as_ref(), i.moved());
        let amount = |minor: Option<i64>| {
            minor
                .map(|minor| crate::csv::amount(minor, &i.item.currency))
                .unwrap_or_default()
        };
        file.row([
            run.run.number.clone(),
            i.partner.clone(),
            i.item.currency.clone(),
            crate::csv::amount(i.item.amount, &i.item.currency),
            if i.item.included { "yes" } else { "no" }.to_owned(),
            i.item.reason.clone().unwrap_or_default(),
            payout.map(|p| p.id.to_string()).unwrap_or_default(),
            payout.map(|p| p.status.clone()).unwrap_or_default(),
            amount(moved.map(|m| m.approved)),
            amount(moved.map(|m| m.sent)),
            amount(moved.map(|m| m.failed)),
            amount(moved.map(|m| m.returned)),
            payout
                .and_then(|p| p.transfer_id.clone())
                .unwrap_or_default(),
        ]);
    }
    Ok(page.csv(&format!("run-{}.csv", run.run.number), file.finish()))
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Exclude {
    ids: Vec<String>,
    reason: String,
}

async fn exclude(page: Page, Path(id): Path<i64>, form: Form<Exclude>) -> PageResult {
    let here = address(id);
    let ids: Vec<i64> = form.ids.iter().filter_map(|i| i.parse().ok()).collect();
    if ids.is_empty() {
        return page
            .toast(&here, Tone::Warn, "Choose at least one line first.")
            .await;
    }
    let mut done = 0;
    for item in &ids {
        match run::exclude(&page.ctx, id, *item, Some(&form.reason)).await {
            Ok(()) => done += 1,
            // Somebody else has just taken it out: what was wanted is so.
            Err(service::Error::NotFound) if done > 0 => {}
            Err(error) => return page.refused(&here, error, &form.pairs).await,
        }
    }
    let words = if done == 1 {
        "Left out of this run."
    } else {
        "They are left out of this run."
    };
    page.done(&here, words).await
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Include {
    item: String,
}

async fn include(page: Page, Path(id): Path<i64>, form: Form<Include>) -> PageResult {
    let here = address(id);
    let item = form.item.parse().unwrap_or_default();
    let done = run::exclude(&page.ctx, id, item, None).await;
    page.answer(done, &here, "Back in the run.", &form.pairs)
        .await
}

async fn refresh(page: Page, Path(id): Path<i64>) -> PageResult {
    let here = address(id);
    let done = run::refresh(&page.ctx, id).await;
    page.answer(done, &here, "Counted anew.", &[]).await
}

async fn submit(page: Page, Path(id): Path<i64>) -> PageResult {
    let here = address(id);
    match run::submit(&page.ctx, id).await {
        Ok(()) => {
            page.done(
                &here,
                "Submitted. Somebody else in finance has to approve it.",
            )
            .await
        }
        Err(error) => page.refused(&here, error, &[]).await,
    }
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Reason {
    reason: String,
}

async fn send_back(page: Page, Path(id): Path<i64>, form: Form<Reason>) -> PageResult {
    let here = address(id);
    let done = run::send_back(&page.ctx, id, &form.reason).await;
    page.answer(done, &here, "Sent back. It is a draft again.", &form.pairs)
        .await
}

async fn approve(page: Page, Path(id): Path<i64>) -> PageResult {
    let here = address(id);
    match run::approve(&page.ctx, id).await {
        Ok(true) => {
            page.done(&here, "Approved. The transfers are on their way.")
                .await
        }
        Ok(false) => {
            page.done(
                &here,
                "Approved. Above this amount a second person has to approve it too.",
            )
            .await
        }
        Err(error) => page.refused(&here, error, &[]).await,
    }
}

async fn cancel(page: Page, Path(id): Path<i64>, form: Form<Reason>) -> PageResult {
    let here = address(id);
    let done = run::cancel(&page.ctx, id, &form.reason).await;
    page.answer(
        done,
        &here,
        "Canceled. Every amount is payable again.",
        &form.pairs,
    )
    .await
}
