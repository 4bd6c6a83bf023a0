//! Eighteen months, told to the portal as they happened.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{job, mail, notice, payout, payout_run, webhook_event};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::Value;
use service::{Error, Result, commission, deal, inbox, tier};

use super::deals::Deals;
use super::invoices::{self, Happened};
use super::partners::{Made as Partner, raise};
use super::payouts::{self, Payouts};
use super::program::Made as Program;
use super::{MONTHS, Stage, hands, insert};

/// How much happened.
pub(super) struct Told {
    pub(super) invoices: usize,
    /// Payout runs that paid somebody or are about to.
    pub(super) runs: u64,
    pub(super) payouts: u64,
}

/// The month in which finance books something by hand.
const BY_HAND: u32 = 14;

pub(super) async fn replay(
    stage: &mut Stage<'_>,
    program: &Program,
    partners: &[Partner],
    deals: &Deals,
) -> Result<Told> {
    let story = invoices::write(stage, &deals.customers);
    let told = story.invoices;
    let stage: &Stage<'_> = stage;
    let mut past = Past {
        stage,
        events: story.events.into_iter().peekable(),
        at: stage.start,
    };
    let payouts = stage.sandbox.map(|sandbox| Payouts {
        sandbox,
        program,
        partners,
    });
    let recent = stage.today - TimeDelta::hours(38);
    for month in 0..=MONTHS {
        let name = stage.month(month).format("%B %Y");
        stage
            .progress
            .step(format!("invoices and payouts of {name}"));
        if let (Some(payouts), Some(at)) = (&payouts, payouts::past(stage, month)) {
            past.until(at).await?;
            payouts.monthly(stage, month).await?;
        }
        let end = stage.month(month + 1).min(recent);
        past.until(end).await?;
        raise(stage, program, partners, month, end).await?;
        if month == BY_HAND {
            hands::earlier(stage, program, partners, end - TimeDelta::days(9)).await?;
        }
    }
    hands::lately(stage, program, partners, recent).await?;
    // What the portal does of itself is done, so that it does not do all of it when it starts.
    deal::daily(&stage.at(recent)).await?;
    tier::review_all(&stage.at(recent), false).await?;
    past.until(stage.ctx.now()).await?;
    hands::failures(stage).await?;
    if let Some(payouts) = &payouts {
        payouts.present(stage).await?;
    }
    let db = stage.ctx.reader();
    Ok(Told {
        invoices: told,
        runs: payout_run::Entity::find()
            .filter(payout_run::Column::Status.ne("canceled"))
            .count(db)
            .await?,
        payouts: payout::Entity::find().count(db).await?,
    })
}

/// How far the past has been told.
struct Past<'a> {
    stage: &'a Stage<'a>,
    events: std::iter::Peekable<std::vec::IntoIter<Happened>>,
    at: DateTime<Utc>,
}

impl Past<'_> {
    /// Tells everything up to an instant: week by week, and day by day what people still look at.
    async fn until(&mut self, end: DateTime<Utc>) -> Result<()> {
        while self.at < end {
            let fresh = self.stage.today - TimeDelta::days(45);
            let step = if self.at < fresh { 7 } else { 1 };
            self.at = (self.at + TimeDelta::days(step)).min(end);
            let mut events = Vec::new();
            while let Some(next) = self.events.next_if(|e| e.at <= self.at) {
                events.push(next);
            }
            tell(self.stage, events, self.at).await?;
            let ctx = self.stage.at(self.at);
            while commission::mature(&ctx).await? > 0 {}
        }
        Ok(())
    }
}

/// Puts events into the inbox and has them worked off.
async fn tell(stage: &Stage<'_>, events: Vec<Happened>, now: DateTime<Utc>) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
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

/// The past is over: its mail was read and its work was done.
pub(super) async fn tidy(stage: &Stage<'_>) -> Result<()> {
    let now = stage.ctx.now();
    let db = stage.ctx.reader();
    job::Entity::update_many()
        .col_expr(job::Column::Status, Expr::value("done"))
        .col_expr(job::Column::Attempts, Expr::value(1))
        .col_expr(job::Column::FinishedAt, Expr::col(job::Column::RunAt))
        .filter(job::Column::Status.eq("waiting"))
        .filter(job::Column::RunAt.lte(now))
        .exec(db)
        .await?;
    mail::Entity::update_many()
        .col_expr(mail::Column::SentAt, Expr::col(mail::Column::CreatedAt))
        .filter(mail::Column::SentAt.is_null())
        .filter(mail::Column::Subject.ne(hands::UNDELIVERED))
        .exec(db)
        .await?;
    notice::Entity::update_many()
        .col_expr(notice::Column::ReadAt, Expr::col(notice::Column::CreatedAt))
        .filter(notice::Column::CreatedAt.lt(now - TimeDelta::days(10)))
        .exec(db)
        .await?;
    Ok(())
}
