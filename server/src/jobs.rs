//! Which code does which kind of job. A new kind gets a line here.

use service::deal;
use service::job::Claimed;
use service::learning::{self, Remind};
use service::mail::{self, SendMail};
use service::payout::jobs::{self as payout_jobs, Payout, Run, StripeObject};
use service::payout::{Next, account, bank, run as payout_run, send, sync};
use service::{Context, Error, Result};

use crate::engine::Engine;

/// Runs one job and says whether it is done. Every handler may be run again after it has done its
/// work.
///
/// # Errors
/// The handler's; the job is tried again later. A kind nobody knows fails too, so that it waits for
/// the version that knows it.
pub async fn run(engine: &Engine, ctx: &Context, job: &Claimed) -> Result<Next> {
    let stripe = engine.gateway.as_ref();
    match job.kind.as_str() {
        mail::SEND => {
            let SendMail { mail_id } = job.payload()?;
            mail::deliver(ctx, &engine.post_office, mail_id).await?;
        }
        learning::REMIND => {
            let Remind { certificate_id } = job.payload()?;
            learning::remind(ctx, certificate_id).await?;
        }
        deal::ASK => {
            let deal::Ask { deal_id } = job.payload()?;
            deal::ask_stripe(ctx, stripe, deal_id).await?;
        }
        payout_jobs::START_RUN => {
            let Run { run_id } = job.payload()?;
            return send::start_run(ctx, stripe, run_id).await;
        }
        payout_jobs::FREEZE_RUN => {
            let Run { run_id } = job.payload()?;
            return payout_run::freeze(ctx, run_id).await;
        }
        payout_jobs::GIVE_BACK => {
            let Run { run_id } = job.payload()?;
            return payout_run::give_back(ctx, run_id).await;
        }
        payout_jobs::WORK => {
            let Payout { payout_id } = job.payload()?;
            return send::work(ctx, stripe, payout_id).await;
        }
        payout_jobs::REFRESH_ACCOUNT => {
            let StripeObject { stripe_id } = job.payload()?;
            account::refresh(ctx, stripe, &stripe_id).await?;
        }
        payout_jobs::SYNC_TRANSFER => {
            let StripeObject { stripe_id } = job.payload()?;
            return sync::transfer(ctx, stripe, &stripe_id).await;
        }
        payout_jobs::SYNC_BANK_PAYOUTS => {
            let StripeObject { stripe_id } = job.payload()?;
            bank::sync(ctx, stripe, &stripe_id).await?;
        }
        kind => {
            return Err(Error::internal(format!(
                "nobody does jobs of the kind “{kind}”"
            )));
        }
    }
    Ok(Next::Done)
}
