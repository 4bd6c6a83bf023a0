//! Eighteen months of invoices, refunds and payouts, told to the portal as they happened.

use std::collections::BTreeMap;

use chrono::{DateTime, Months, TimeDelta, Utc};
use domain::partner::StaffRole;
use entity::{job, mail, notice, payout, webhook_event};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use service::payout::{run, send};
use service::{Actor, Clock, Context, Error, Result, commission, inbox};

use super::billing::{Line, Paid, customer as stripe_customer, dispute, event, refund};
use super::deals::{Customer, Deals};
use super::partners::Made as Partner;
use super::program::{Made as Program, PRODUCTS};
use super::{MONTHS, Stage, days, insert};

/// How much happened.
pub(super) struct Told {
    pub(super) invoices: usize,
    pub(super) runs: usize,
}

/// An event with its time.
struct Happened {
    at: DateTime<Utc>,
    body: Value,
}

pub(super) async fn replay(
    stage: &mut Stage<'_>,
    program: &Program,
    partners: &[Partner],
    deals: &Deals,
) -> Result<Told> {
    let mut told = Told {
        invoices: 0,
        runs: 0,
    };
    let mut story: BTreeMap<u32, Vec<Happened>> = BTreeMap::new();
    for (n, customer) in deals.customers.iter().enumerate() {
        told.invoices += bill(stage, n, customer, &mut story);
    }
    let connected = partners.iter().any(|p| p.stripe_id.is_some());
    for month in 0..=MONTHS {
        let until = stage.month(month + 1).min(stage.today);
        // On the fifth, last month's earnings are paid.
        if month > 1 && connected {
            let payday = days(stage.month(month), 4) + TimeDelta::hours(8);
            if payday <= stage.ctx.now() {
                mature(stage, payday).await?;
                told.runs += usize::from(pay(stage, program, partners, month, payday).await?);
            }
        }
        let mut events = story.remove(&month).unwrap_or_default();
        events.retain(|e| e.at <= stage.ctx.now());
        events.sort_by_key(|e| e.at);
        tell(stage, events, until).await?;
        mature(stage, until).await?;
    }
    mature(stage, stage.ctx.now()).await?;
    if connected {
        draft_current(stage, program).await?;
    }
    Ok(told)
}

async fn mature(stage: &Stage<'_>, at: DateTime<Utc>) -> Result<()> {
    let ctx = stage.at(at);
    while commission::mature(&ctx).await? > 0 {}
    Ok(())
}

/// Money in other currencies: whole units for one euro, roughly, and the smallest coins in one.
fn price(euros: i64, currency: &str) -> i64 {
    let (rate, scale) = match currency {
        "JPY" => (160, 1),
        "SEK" => (11, 100),
        "PLN" => (4, 100),
        _ => (1, 100),
    };
    euros * rate * scale
}

/// All invoices of a customer up to today, and what went back.
fn bill(
    stage: &mut Stage<'_>,
    n: usize,
    customer: &Customer,
    story: &mut BTreeMap<u32, Vec<Happened>>,
) -> usize {
    let id = format!("cus_demo{n:03}");
    let subscription = format!("sub_demo{n:03}");
    let month_of = |stage: &Stage<'_>, at: DateTime<Utc>| {
        (0..MONTHS + 1)
            .rev()
            .find(|m| stage.month(*m) <= at)
            .unwrap_or(0)
    };
    let since = customer.since + TimeDelta::hours(10);
    let made = stripe_customer(
        &id,
        &customer.name,
        &customer.domain,
        customer.country,
        since,
    );
    story
        .entry(month_of(stage, since))
        .or_default()
        .push(Happened {
            at: since,
            body: event(&format!("{id}_made"), "customer.created", since, made),
        });
    let step = if customer.yearly { 12 } else { 1 };
    let discount = if stage.chance(15) { 10 } else { 0 };
    let tax = if customer.country == "DE" { 19 } else { 0 };
    let mut count = 0;
    for turn in 0.. {
        let Some(at) = since.checked_add_months(Months::new(turn * step)) else {
            break;
        };
        if at > stage.ctx.now() || customer.until.is_some_and(|until| at > until) {
            break;
        }
        let invoice = format!("demo{n:03}x{turn:02}");
        let number = format!("LUMEN-{n:04}-{:03}", turn + 1);
        let lines = customer
            .products
            .iter()
            .map(|place| {
                let (code, name, product, euros) = PRODUCTS[*place];
                let full = price(euros, customer.currency) * customer.seats / 10 * i64::from(step);
                let off = full * discount / 100;
                Line {
                    product,
                    code,
                    description: format!("{name}, {} seats", customer.seats),
                    amount: full,
                    discount: off,
                    tax: (full - off) * tax / 100,
                }
            })
            .collect();
        let paid = Paid {
            id: &invoice,
            number: &number,
            customer: &id,
            subscription: &subscription,
            currency: &customer.currency.to_lowercase(),
            lines,
            months: step,
            at,
        };
        let total = paid.total();
        story
            .entry(month_of(stage, at))
            .or_default()
            .push(Happened {
                at,
                body: event(&invoice, "invoice.paid", at, paid.object()),
            });
        count += 1;
        go_back(stage, &invoice, paid.currency, total, at, story, month_of);
    }
    count
}

/// One payment in forty goes back, wholly or in part; a few are disputed.
fn go_back(
    stage: &mut Stage<'_>,
    invoice: &str,
    currency: &str,
    total: i64,
    paid: DateTime<Utc>,
    story: &mut BTreeMap<u32, Vec<Happened>>,
    month_of: impl Fn(&Stage<'_>, DateTime<Utc>) -> u32,
) {
    let luck = stage.dice(400);
    let at = days(paid, 5 + u64::from(stage.dice(40)));
    let told: Vec<(&str, DateTime<Utc>, Value)> = match luck {
        0..=3 => vec![("refund.created", at, refund(invoice, currency, total, at))],
        4..=9 => vec![(
            "refund.created",
            at,
            refund(invoice, currency, total / 4, at),
        )],
        10 => vec![
            (
                "charge.dispute.created",
                at,
                dispute(invoice, currency, total, "needs_response", at),
            ),
            (
                "charge.dispute.closed",
                days(at, 20),
                dispute(invoice, currency, total, "lost", at),
            ),
        ],
        11 => vec![
            (
                "charge.dispute.created",
                at,
                dispute(invoice, currency, total, "needs_response", at),
            ),
            (
                "charge.dispute.closed",
                days(at, 15),
                dispute(invoice, currency, total, "won", at),
            ),
        ],
        _ => Vec::new(),
    };
    for (kind, at, object) in told {
        let id = format!("{invoice}_{}", kind.replace('.', "_"));
        story
            .entry(month_of(stage, at))
            .or_default()
            .push(Happened {
                at,
                body: event(&id, kind, at, object),
            });
    }
}

/// Puts events into the inbox and has them worked off, as they were at the end of their month.
async fn tell(stage: &Stage<'_>, events: Vec<Happened>, now: DateTime<Utc>) -> Result<()> {
    let ctx = stage.at(now);
    let mut rows = Vec::with_capacity(events.len());
    for happened in events {
        rows.push(webhook_event::ActiveModel {
            event_id: Set(text(&happened.body, "id")?),
            r#type: Set(text(&happened.body, "type")?),
            payload: Set(happened.body.to_string()),
            livemode: Set(false),
            happened_at: Set(happened.at),
            received_at: Set(happened.at),
            status: Set("received".to_owned()),
            attempts: Set(0),
            ..Default::default()
        });
    }
    insert::many(ctx.reader(), rows).await?;
    while inbox::process_batch(&ctx, stage.gateway, 500)
        .await?
        .total()
        > 0
    {}
    Ok(())
}

fn text(event: &Value, key: &str) -> Result<String> {
    event[key]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| Error::internal("an event has no id"))
}

/// A finance person at an instant.
fn finance(stage: &Stage<'_>, person_id: i64, at: DateTime<Utc>) -> Context {
    Context {
        actor: Actor::Staff {
            person_id,
            role: StaffRole::Finance,
        },
        clock: Clock::at(at),
        ..stage.ctx.clone()
    }
}

/// A month's payout run, drafted by one and approved by another; true when somebody was paid.
async fn pay(
    stage: &Stage<'_>,
    program: &Program,
    partners: &[Partner],
    month: u32,
    at: DateTime<Utc>,
) -> Result<bool> {
    let drafter = finance(stage, program.finance[0].id, at);
    let approver = finance(stage, program.finance[1].id, at + TimeDelta::hours(3));
    let new = run::NewRun {
        program_id: program.program.id,
        cutoff_at: stage.month(month),
        note: "Monthly run".to_owned(),
    };
    let run_id = run::draft(&drafter, new).await?;
    match run::submit(&drafter, run_id).await {
        Ok(()) => {}
        Err(Error::Conflict(_)) => {
            run::cancel(&drafter, run_id, "Nobody has reached the minimum yet.").await?;
            return Ok(false);
        }
        Err(e) => return Err(e),
    }
    run::approve(&approver, run_id).await?;
    let broken = partners[4].stripe_id.as_deref().filter(|_| month == 11);
    outcome(stage, broken, "past_due").await?;
    if let Some(sandbox) = stage.sandbox {
        sandbox.clock(at + TimeDelta::hours(4)).await?;
    }
    let sender = stage.at(at + TimeDelta::hours(4));
    send::start_run(&sender, stage.gateway, run_id).await?;
    let payouts = payout::Entity::find()
        .filter(payout::Column::RunId.eq(run_id))
        .order_by_asc(payout::Column::Id)
        .all(stage.ctx.reader())
        .await?;
    for row in payouts {
        send::work(&sender, stage.gateway, row.id).await?;
    }
    outcome(stage, broken, "complete").await?;
    Ok(true)
}

async fn outcome(stage: &Stage<'_>, account: Option<&str>, outcome: &str) -> Result<()> {
    if let (Some(sandbox), Some(id)) = (stage.sandbox, account) {
        let body = json!({ "outcome": outcome, "silent": true });
        sandbox
            .ask(&format!("accounts/{id}/outcome"), &body)
            .await?;
    }
    Ok(())
}

/// This month's run waits for a second pair of eyes.
async fn draft_current(stage: &Stage<'_>, program: &Program) -> Result<()> {
    let drafter = finance(stage, program.finance[0].id, stage.ctx.now());
    let new = run::NewRun {
        program_id: program.program.id,
        cutoff_at: stage.today,
        note: "Extra run before the holidays".to_owned(),
    };
    let run_id = run::draft(&drafter, new).await?;
    match run::submit(&drafter, run_id).await {
        Ok(()) | Err(Error::Conflict(_)) => Ok(()),
        Err(e) => Err(e),
    }
}

/// The past is over: its mail was read and its work was done.
pub(super) async fn tidy(stage: &Stage<'_>) -> Result<()> {
    let now = stage.ctx.now();
    let db = stage.ctx.reader();
    job::Entity::update_many()
        .col_expr(job::Column::Status, Expr::value("done"))
        .col_expr(job::Column::FinishedAt, Expr::value(now))
        .filter(job::Column::Status.eq("waiting"))
        .filter(job::Column::RunAt.lte(now))
        .exec(db)
        .await?;
    mail::Entity::update_many()
        .col_expr(mail::Column::SentAt, Expr::col(mail::Column::CreatedAt))
        .filter(mail::Column::SentAt.is_null())
        .exec(db)
        .await?;
    notice::Entity::update_many()
        .col_expr(notice::Column::ReadAt, Expr::col(notice::Column::CreatedAt))
        .filter(notice::Column::CreatedAt.lt(now - TimeDelta::days(10)))
        .exec(db)
        .await?;
    Ok(())
}
