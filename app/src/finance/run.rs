//! One payout run: who is in it, who is not and why, and what can be done now.

use super::run_notes::before_approval;
use crate::{
    page::{Form, Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use axum::extract::Path;
use domain::money::Money;
use domain::payout::{Did, Hands, RunStatus, approve as four_eyes};
use leptos::prelude::*;
use service::identity::why_not;
use service::payout::{
    list::{self, Hand, Item, RunView},
    outcome::{self, Outcome},
    run,
};

use super::run_items::{included, left_out};
use super::run_step::next_step;

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

pub(super) fn address(id: i64) -> String {
    format!("/finance/runs/{id}")
}

/// What the person who looks may do.
pub(super) struct May {
    /// Whether this person may change runs at all.
    pub(super) change: bool,
    /// Whether this person's approval would be the last one, or why they cannot approve.
    pub(super) approve: Result<bool, String>,
}

fn may(page: &Page, view: &RunView) -> May {
    let approvers: Vec<i64> = view.run.approved_by.into_iter().collect();
    let composed: Vec<(i64, Did)> = view.hands.iter().map(|h| (h.person_id, h.did)).collect();
    let hands = Hands {
        composed: &composed,
        approvers: &approvers,
    };
    let limit = view.run.needs_second.then_some(0);
    let me = page.ctx.actor.person_id().unwrap_or_default();
    May {
        change: super::may_change(page),
        approve: four_eyes(&hands, me, 1, limit),
    }
}

async fn show(page: Page, Path(id): Path<i64>) -> PageResult {
    let run = list::run(&page.ctx, id).await?;
    let mut may = may(&page, &run);
    let composers = run.hands.iter().map(|hand| hand.person_id);
    let hands: Vec<i64> = composers.chain(run.run.approved_by).collect();
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
    if outcome::to_look_at(status, outcomes) {
        return Tone::Warn;
    }
    tone_of(status.as_str())
}

/// What the run pays; once its payouts are frozen, what became of it.
fn money_figures(status: RunStatus, totals: Vec<Money>, outcomes: Vec<Outcome>) -> AnyView {
    let failed = match status {
        RunStatus::Canceled => "Not sent",
        _ => "Failed",
    };
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
                {some(m.failed, format!("{failed}, {code}"), "payable again")}
                {some(m.returned, format!("Taken back, {code}"), "of what was sent; payable again")}
                {some(m.open, format!("Open, {code}"), "on its way or waiting")}
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
        hands,
        people,
        timeline,
        progress,
    } = view;
    let (inside, outside): (Vec<Item>, Vec<Item>) =
        items.into_iter().partition(|i| i.item.included);
    let draft = status == RunStatus::Draft && may.change;
    let stays = outcome::stays(&outcomes);
    let nobody = (status == RunStatus::Done && outcomes.is_empty()).then(nobody_paid);
    let step = next_step(&run, status, progress, may, stays);
    let waits = waits(&run);
    let pays = money_figures(status, totals, outcomes);
    let last_day = ui().locale.date(last_day);
    let in_count = count_text(i64::try_from(inside.len()).unwrap_or(i64::MAX));
    let out_count = count_text(i64::try_from(outside.len()).unwrap_or(i64::MAX));
    let person = |id: Option<i64>| {
        id.and_then(|id| people.get(&id).cloned())
            .unwrap_or_else(|| "–".to_owned())
    };
    let composers = composers(&hands, &people);
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
        {nobody}
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
                    {left_out(id, outside, draft, &people)}
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
                        {composers}
                        {run.done_at.map(|at| view! { <Fact label="Finished"><Moment at/></Fact> })}
                    </Facts>
                </Panel>
            </RecordSide>
        </Record>
    }
    .into_any()
}

/// Everybody dropped out between the approval and the freezing.
fn nobody_paid() -> AnyView {
    view! {
        <Notice tone=Tone::Warn title="Nobody was paid">
            <p>"By the time the payouts were frozen, everybody in the run had to be left out: each stands below with the reason. Every amount stays payable."</p>
        </Notice>
    }
    .into_any()
}

/// What an approved run waits for, as long as it does.
fn waits(run: &entity::payout_run::Model) -> Option<AnyView> {
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

/// Everybody who composed the run: they do not approve it, also after it was sent back.
fn composers(hands: &[Hand], people: &std::collections::HashMap<i64, String>) -> Option<AnyView> {
    if hands.is_empty() {
        return None;
    }
    let rows = hands
        .iter()
        .map(|hand| {
            let name = people.get(&hand.person_id).cloned().unwrap_or_default();
            let did = hand.did.label().replace("this run", "it");
            view! { <li>{format!("{name} {did}")}</li> }
        })
        .collect_view();
    let view = view! {
        <Fact label="Cannot approve it"><ul class="plain">{rows}</ul></Fact>
    };
    Some(view.into_any())
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
            super::run_items::why(i),
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
    let done = match run::exclude_many(&page.ctx, id, &ids, Some(&form.reason)).await {
        Ok(done) => done,
        Err(error) => return page.refused(&here, error, &form.pairs).await,
    };
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

/// What the person who decides was shown.
#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Shown {
    shown: String,
}

async fn submit(page: Page, Path(id): Path<i64>, form: Form<Shown>) -> PageResult {
    let here = address(id);
    let shown = Some(form.shown.as_str()).filter(|shown| !shown.is_empty());
    match run::submit(&page.ctx, id, shown).await {
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

async fn approve(page: Page, Path(id): Path<i64>, form: Form<Shown>) -> PageResult {
    let here = address(id);
    match run::approve(&page.ctx, id, &form.shown).await {
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
    let stays = match run::cancel(&page.ctx, id, &form.reason).await {
        Ok(stays) => stays,
        Err(error) => return page.refused(&here, error, &form.pairs).await,
    };
    let words = match stays {
        None => "Canceled. Every amount is payable again.".to_owned(),
        Some(stays) => format!("Canceled. {stays} Every other amount is payable again."),
    };
    page.done(&here, &words).await
}
