//! Payout runs: the list, and a new draft.

use super::run::run_tone;
use crate::{
    csv,
    csv::Csv,
    page::{Form, Head, Page, PageResult},
    routes::{Access, Routes},
    ui::*,
};
use chrono::{Days, NaiveDate};
use domain::{
    calendar,
    payout::{Moved, RunStatus},
};
use leptos::prelude::*;
use service::{
    FieldErrors,
    payout::{
        list::{self, RunLine, RunQuery},
        run::{self, NewRun},
    },
    program,
};

/// Addresses.
pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/finance/runs", Access::Finance, index)
        .post("/finance/runs", Access::Finance, draft)
        .get("/finance/runs.csv", Access::Finance, export)
        .get("/finance/runs/new", Access::Finance, form)
}

fn wanted(list: &ListQuery) -> RunQuery {
    RunQuery {
        q: list.q.clone(),
        status: list.filter("status").and_then(|s| s.parse().ok()),
        sort: list
            .sort_or(&["run", "cutoff", "drafted", "finished"], "")
            .to_owned(),
        ascending: !list.sort.is_empty() && !list.desc,
        page: list.page,
        per: list.per,
    }
}

async fn index(page: Page) -> PageResult {
    let list = page.list();
    let runs = list::runs(&page.ctx, &wanted(&list)).await?;
    let mut head = Head::new("Payout runs")
        .text("A run pays every partner with a payable balance. Somebody else than its author approves it.");
    if super::may_change(&page) {
        head = head.primary("New run", "/finance/runs/new");
    }
    Ok(page.render(head, move || {
        Table::new(runs.rows, runs.total, &list)
            .caption("Payout runs")
            .sorted("run", "Run", |r: &RunLine| r.run.number.clone())
            .col(
                "Status",
                |r| view! { <Status of=r.status.as_str() label=r.label() tone=run_tone(r.status, &r.outcomes)/> },
            )
            .num("Pays", pays)
            .num("Payouts", |r| {
                count_text(i64::try_from(r.partners).unwrap_or(i64::MAX))
            })
            .aside()
            .sorted(
                "cutoff",
                "Cut-off",
                |r| ui().locale.date(r.last_day),
            )
            .sorted(
                "drafted",
                "Drafted",
                |r| view! { <Day at=r.run.created_at/> },
            )
            .aside()
            .sorted("finished", "Finished", |r| {
                r.run.done_at.map(|at| view! { <Day at/> })
            })
            .col("Note", |r| r.run.note.clone())
            .aside()
            .href(|r| format!("/finance/runs/{}", r.run.id))
            .search("Number or note")
            .filter(
                "status",
                "Status",
                RunStatus::ALL.iter().map(|s| (s.as_str(), s.label())),
            )
            .views(vec![
                Tab::new("All", "/finance/runs"),
                Tab::new("Waiting for approval", "/finance/runs?status=submitted"),
                Tab::new(
                    "Waiting for balance",
                    "/finance/runs?status=waiting_for_balance",
                ),
                Tab::new("Done", "/finance/runs?status=done"),
            ])
            .csv("/finance/runs.csv")
            .empty(
                Empty::text(
                    "No payout runs yet",
                    "Draft one when commissions have passed their hold.",
                )
                .action("New run", "/finance/runs/new"),
            )
            .view()
    }))
}

/// What a run pays, and where that is not what left in the end, what was sent of it.
fn pays(run: &RunLine) -> AnyView {
    let all = totals(&run.totals);
    let ended = matches!(run.status, RunStatus::Done | RunStatus::Canceled);
    let sent: Vec<AnyView> = run
        .outcomes
        .iter()
        .filter(|o| ended && o.moved.sent > 0 && o.moved.sent != o.moved.approved)
        .map(|o| {
            let (minor, code) = (o.moved.sent, o.currency.code());
            view! { <div><small class="muted">"sent " <Money minor currency=code/></small></div> }
                .into_any()
        })
        .collect();
    view! { {all}{sent} }.into_any()
}

/// The first amount, and how many other currencies there are: the run's own page names them all.
pub(super) fn totals(totals: &[domain::money::Money]) -> AnyView {
    let Some((first, others)) = totals.split_first() else {
        return "–".into_any();
    };
    let others = match others.len() {
        0 => None,
        1 => Some("and another currency".to_owned()),
        n => Some(format!("and {n} more currencies")),
    };
    view! {
        <Money minor=first.minor currency=first.currency.code()/>
        {others.map(|words| view! { <div><small class="muted">{words}</small></div> })}
    }
    .into_any()
}

async fn export(page: Page) -> PageResult {
    let asked = wanted(&page.list());
    let mut whole = csv::Whole::default();
    while let Some((offset, limit)) = whole.wanted() {
        let part = RunQuery {
            page: offset / limit + 1,
            per: limit,
            ..asked.clone()
        };
        let found = list::runs(&page.ctx, &part).await?;
        whole.take((found.rows, found.total))?;
    }
    let runs = whole.rows;
    let mut file = Csv::new(&[
        "Run",
        "Status",
        "Currency",
        "Amount",
        "Approved",
        "Sent",
        "Failed",
        "Taken back",
        "Payouts",
        "Payouts failed",
        "Cut-off",
        "Drafted",
        "Submitted",
        "Approved at",
        "Finished",
        "Note",
    ]);
    for r in &runs {
        for total in &r.totals {
            let outcome = r.outcomes.iter().find(|o| o.currency == total.currency);
            let amount = |of: fn(&Moved) -> i64| {
                outcome
                    .map(|o| csv::amount(of(&o.moved), o.currency.code()))
                    .unwrap_or_default()
            };
            file.row([
                r.run.number.clone(),
                r.run.status.clone(),
                total.currency.code().to_owned(),
                csv::amount(total.minor, total.currency.code()),
                amount(|m| m.approved),
                amount(|m| m.sent),
                amount(|m| m.failed),
                amount(|m| m.returned),
                r.partners.to_string(),
                outcome.map(|o| o.failed.to_string()).unwrap_or_default(),
                csv::moment(r.run.cutoff_at),
                csv::moment(r.run.created_at),
                csv::moment_or_none(r.run.submitted_at),
                csv::moment_or_none(r.run.approved_at),
                csv::moment_or_none(r.run.done_at),
                r.run.note.clone(),
            ]);
        }
    }
    Ok(page.csv("payout-runs.csv", file.finish()))
}

async fn form(page: Page) -> PageResult {
    let programs = program::all(page.ctx.reader()).await?;
    let head = Head::new("New payout run").crumb("Payout runs", "/finance/runs");
    let now = page.now();
    Ok(page.render(head, move || {
        let today = programs
            .first()
            .map_or_else(|| now.date_naive(), |p| calendar::local_date(now, program::zone(p)))
            .to_string();
        let which = match programs.as_slice() {
            [only] => view! { <Hidden name="program" value=only.id.to_string()/> }.into_any(),
            all => {
                let options = Choice::list(all.iter().map(|p| (p.id.to_string(), p.name.clone())));
                view! { <SelectField name="program" label="Program" options=options required=true/> }.into_any()
            }
        };
        view! {
            <Panel>
                <PostForm action="/finance/runs">
                    <FormErrors/>
                    {which}
                    <DateField
                        name="cutoff"
                        label="Cut-off"
                        value=today.clone()
                        max=today
                        required=true
                        hint="What became payable up to the end of this day is paid, and everything taken back since is taken into account."
                    />
                    <TextArea name="note" label="Note for colleagues" rows=2 max=500/>
                    <Submit label="Draft the run" cancel="/finance/runs"/>
                </PostForm>
            </Panel>
        }
    }))
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Draft {
    program: String,
    cutoff: String,
    note: String,
}

async fn draft(page: Page, form: Form<Draft>) -> PageResult {
    let back = "/finance/runs/new";
    let mut errors = FieldErrors::new();
    let program_id: Option<i64> = form.program.parse().ok();
    if program_id.is_none() {
        errors.add("program", "Choose the program whose partners are paid.");
    }
    let day: Option<NaiveDate> = form.cutoff.trim().parse().ok();
    if day.is_none() {
        errors.add("cutoff", "Choose a day, such as 2026-03-31.");
    }
    let (Some(program_id), Some(day)) = (program_id, day) else {
        return page.invalid(back, errors, &form.pairs).await;
    };
    let program = match program::by_id(page.ctx.reader(), program_id).await {
        Ok(program) => program,
        Err(error) => return page.refused(back, error, &form.pairs).await,
    };
    let zone = program::zone(&program);
    let now = page.now();
    // A day counts whole; of the present one, what has passed of it.
    let end = day
        .checked_add_days(Days::new(1))
        .map(|next| calendar::start_of_day(next, zone));
    let cutoff_at = match end {
        Some(end) if day == calendar::local_date(now, zone) => end.min(now),
        Some(end) => end,
        None => now,
    };
    let new = NewRun {
        program_id,
        cutoff_at,
        note: form.note.clone(),
    };
    match run::draft(&page.ctx, new).await {
        Ok(id) => {
            let here = format!("/finance/runs/{id}");
            page.done(&here, "Drafted. Look at who is in it, then submit it.")
                .await
        }
        Err(error) => page.refused(back, error, &form.pairs).await,
    }
}
