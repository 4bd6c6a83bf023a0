//! Past payout runs: drafted by one, approved by others, sent to the sandbox.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{job, payout, payout_item};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::json;
use service::payout::{Next, account, bank, jobs, run, send};
use service::{Error, Result};
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;

use super::partners::Made as Partner;
use super::program::Made as Program;
use super::{MONTHS, Sandbox, Stage, days};

/// How long a run takes from its draft until everything is sent.
const TAKES: TimeDelta = TimeDelta::hours(4);
/// Harborline's transfer fails in the run of this month.
const FAILS: (usize, u32) = (4, 11);
/// Helvetic Systems, the only one that is paid in francs, is paid apart in the latest month.
const APART: usize = 30;
/// Polder & Co has to give a document soon; Ridgeway has let the day pass.
const ASKED: usize = 5;
const OVERDUE: usize = 9;

/// The cast of the payouts.
pub(super) struct Payouts<'a> {
    pub(super) sandbox: &'a Sandbox,
    pub(super) program: &'a Program,
    pub(super) partners: &'a [Partner],
}

/// When the run of a month is drafted: on the fifth, last month's earnings are paid.
fn payday(stage: &Stage<'_>, month: u32) -> DateTime<Utc> {
    days(stage.month(month), 4) + TimeDelta::hours(8)
}

/// When the run of a month is drafted, if there has been one.
pub(super) fn past(stage: &Stage<'_>, month: u32) -> Option<DateTime<Utc>> {
    let at = payday(stage, month);
    (month > 1 && at + TAKES <= stage.ctx.now()).then_some(at)
}

impl Payouts<'_> {
    /// A month's run.
    pub(super) async fn monthly(&self, stage: &Stage<'_>, month: u32) -> Result<()> {
        let at = payday(stage, month);
        let latest = month == MONTHS || past(stage, month + 1).is_none();
        if latest {
            self.look(stage, at - TimeDelta::days(10)).await?;
            self.ask(stage, OVERDUE, "past_due", at - TimeDelta::days(8))
                .await?;
        }
        let run_id = self.draft(stage, month, at, "Monthly run").await?;
        if latest {
            let why = "Changes its bank; is paid apart when the new account is confirmed.";
            self.leave_out(stage, run_id, APART, "CHF", at, why).await?;
        }
        if !self
            .approved(stage, run_id, at, at + TimeDelta::hours(3))
            .await?
        {
            return Ok(());
        }
        let broken = (month == FAILS.1).then_some(FAILS.0);
        // Stripe has restricted the account, and the portal has not heard of it yet.
        self.outcome(broken, "past_due").await?;
        self.sandbox.clock(at + TAKES).await?;
        let system = stage.at(at + TAKES);
        send::start_run(&system, stage.gateway, run_id).await?;
        for row in payouts_of(stage, run_id).await? {
            let work = send::work(&system, stage.gateway, row.id);
            // The refusal belongs to the story; nobody who waits has to read of it.
            if broken.is_some() {
                work.with_subscriber(NoSubscriber::default()).await?;
            } else {
                work.await?;
            }
        }
        self.outcome(broken, "complete").await?;
        self.to_the_bank(stage, 0, at + TimeDelta::days(2)).await?;
        if latest {
            self.apart(stage, month, at).await?;
        }
        Ok(())
    }

    async fn draft(
        &self,
        stage: &Stage<'_>,
        month: u32,
        at: DateTime<Utc>,
        note: &str,
    ) -> Result<i64> {
        let new = run::NewRun {
            program_id: self.program.program.id,
            cutoff_at: stage.month(month),
            note: note.to_owned(),
        };
        run::draft(&stage.staff(&self.program.finance[0], at), new).await
    }

    /// Submits a run and has it approved, by an admin too where the amounts ask for it. False, and
    /// the run is canceled, when it pays nobody.
    async fn approved(
        &self,
        stage: &Stage<'_>,
        run_id: i64,
        at: DateTime<Utc>,
        later: DateTime<Utc>,
    ) -> Result<bool> {
        let felix = stage.staff(&self.program.finance[0], at);
        match run::submit(&felix, run_id, None).await {
            Ok(()) => {}
            Err(Error::Conflict(_)) => {
                run::cancel(&felix, run_id, "Nobody has reached the minimum yet.").await?;
                return Ok(false);
            }
            Err(e) => return Err(e),
        }
        let ines = stage.staff(&self.program.finance[1], later);
        let shown = run::shown(&ines, run_id).await?;
        if !run::approve(&ines, run_id, &shown).await? {
            let ada = stage.staff(&self.program.admin, later);
            run::approve(&ada, run_id, &shown).await?;
        }
        Ok(true)
    }

    /// Takes a partner's currency out of a draft, if it is in it.
    async fn leave_out(
        &self,
        stage: &Stage<'_>,
        run_id: i64,
        place: usize,
        currency: &str,
        at: DateTime<Utc>,
        why: &str,
    ) -> Result<()> {
        let item = payout_item::Entity::find()
            .filter(payout_item::Column::RunId.eq(run_id))
            .filter(payout_item::Column::PartnerId.eq(self.partners[place].partner.id))
            .filter(payout_item::Column::Currency.eq(currency))
            .filter(payout_item::Column::Included.eq(true))
            .one(stage.ctx.reader())
            .await?;
        let felix = stage.staff(&self.program.finance[0], at);
        match item {
            Some(item) => run::exclude(&felix, run_id, item.id, Some(why)).await,
            None => Ok(()),
        }
    }

    /// What was left out of the latest run follows a few days later, and waits, because there are
    /// not enough francs at Stripe. It goes on by itself once there are.
    async fn apart(&self, stage: &Stage<'_>, month: u32, payday: DateTime<Utc>) -> Result<()> {
        let now = stage.ctx.now();
        let at = (payday + TimeDelta::hours(6 * 24 + 2)).min(now - TimeDelta::minutes(20));
        let later = (at + TimeDelta::hours(2)).min(now - TimeDelta::minutes(10));
        let note = "Helvetic Systems, apart from the monthly run";
        let run_id = self.draft(stage, month, at, note).await?;
        if !self.approved(stage, run_id, at, later).await? {
            return Ok(());
        }
        for row in payouts_of(stage, run_id).await? {
            if row.currency == "CHF" {
                let short = json!({ "currency": "chf", "amount": row.amount * 2 / 5 });
                self.sandbox.ask("balance", &short).await?;
            }
        }
        let next = send::start_run(&stage.at(later), stage.gateway, run_id).await?;
        match next {
            // The worker looks again, as after every such answer.
            Next::Again(_) => {
                job::Entity::update_many()
                    .col_expr(
                        job::Column::RunAt,
                        Expr::value(now + TimeDelta::minutes(15)),
                    )
                    .filter(job::Column::DedupeKey.eq(format!("{}:{run_id}", jobs::START_RUN)))
                    .exec(stage.ctx.reader())
                    .await?;
            }
            Next::Done => {
                for row in payouts_of(stage, run_id).await? {
                    send::work(&stage.at(later), stage.gateway, row.id).await?;
                }
            }
        }
        Ok(())
    }

    /// The present: a run that waits for a second pair of eyes, and what Stripe asks of whom.
    pub(super) async fn present(&self, stage: &Stage<'_>) -> Result<()> {
        let now = stage.ctx.now();
        self.sandbox.clock(now).await?;
        self.ask(stage, ASKED, "missing", now).await?;
        if let Some(brightpath) = self.partners[0].stripe_id.as_deref() {
            bank::sync(&stage.at(now), stage.gateway, brightpath).await?;
        }
        let felix = stage.staff(&self.program.finance[0], now);
        let new = run::NewRun {
            program_id: self.program.program.id,
            cutoff_at: stage.today,
            note: "Extra run: what has become payable since the fifth".to_owned(),
        };
        let run_id = run::draft(&felix, new).await?;
        match run::submit(&felix, run_id, None).await {
            Ok(()) | Err(Error::Conflict(_)) => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// Asks Stripe how the accounts are, as its events make the portal do now and then.
    async fn look(&self, stage: &Stage<'_>, at: DateTime<Utc>) -> Result<()> {
        for (n, partner) in self.partners.iter().enumerate() {
            if let Some(id) = partner.stripe_id.as_deref() {
                let at = at + TimeDelta::minutes(37 * n as i64);
                account::refresh(&stage.at(at), stage.gateway, id).await?;
            }
        }
        Ok(())
    }

    /// Stripe asks something of a partner, and the portal hears of it.
    async fn ask(
        &self,
        stage: &Stage<'_>,
        place: usize,
        outcome: &str,
        at: DateTime<Utc>,
    ) -> Result<()> {
        self.sandbox.clock(at).await?;
        self.outcome(Some(place), outcome).await?;
        if let Some(id) = self.partners[place].stripe_id.as_deref() {
            account::refresh(&stage.at(at), stage.gateway, id).await?;
        }
        Ok(())
    }

    /// What Stripe thinks of a partner's account from now on.
    async fn outcome(&self, place: Option<usize>, outcome: &str) -> Result<()> {
        let id = place.and_then(|p| self.partners[p].stripe_id.as_deref());
        if let Some(id) = id {
            let body = json!({ "outcome": outcome, "silent": true });
            self.sandbox
                .ask(&format!("accounts/{id}/outcome"), &body)
                .await?;
        }
        Ok(())
    }

    /// Stripe pays a partner's balance out to its bank.
    async fn to_the_bank(&self, stage: &Stage<'_>, place: usize, at: DateTime<Utc>) -> Result<()> {
        let partner = &self.partners[place];
        let Some(id) = partner.stripe_id.as_deref() else {
            return Ok(());
        };
        let paid = payout::Entity::find()
            .filter(payout::Column::PartnerId.eq(partner.partner.id))
            .filter(payout::Column::Currency.eq(partner.company.currency))
            .filter(payout::Column::Status.eq("paid"))
            .filter(payout::Column::SettledAt.gt(at - TimeDelta::days(3)))
            .one(stage.ctx.reader())
            .await?;
        if paid.is_some() && at < stage.ctx.now() {
            let body = json!({
                "currency": partner.company.currency.to_lowercase(),
                "at": at.timestamp(), "silent": true,
            });
            self.sandbox
                .ask(&format!("accounts/{id}/payout"), &body)
                .await?;
        }
        Ok(())
    }
}

async fn payouts_of(stage: &Stage<'_>, run_id: i64) -> Result<Vec<payout::Model>> {
    Ok(payout::Entity::find()
        .filter(payout::Column::RunId.eq(run_id))
        .order_by_asc(payout::Column::Id)
        .all(stage.ctx.reader())
        .await?)
}
