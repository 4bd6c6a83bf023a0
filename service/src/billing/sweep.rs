//! Invoices and sales whose events never arrived, found by listing them from Stripe.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use entity::invoice;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use stripe_gateway::billing::{CheckoutSession, Invoice, InvoiceStatus};
use stripe_gateway::{CallError, Gateway};

use super::apply::{Trouble, Wish};
use super::change::{Change, News};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::inbox::fetch::{Fetched, complete_checkout, complete_invoice};

/// How long a bank debit takes at most: a checkout is listed by the day it was begun.
const DEBITS_TAKE: TimeDelta = TimeDelta::days(14);

/// What a sweep found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Invoices and sales without an invoice that Stripe listed.
    pub listed: u64,
    /// Those that were missing or behind and are up to date now.
    pub caught_up: Vec<String>,
    /// Those that could not be handled, with the cause.
    pub failed: Vec<(String, String)>,
}

/// Lists the invoices made at `since` or later and the checkouts whose money may have arrived since
/// then, and handles those that are not known, or are known as unpaid while Stripe says paid.
///
/// # Errors
/// [`Error::Unavailable`] when Stripe does not answer; what was caught up by then is kept.
pub async fn sweep(ctx: &Context, gateway: &dyn Gateway, since: DateTime<Utc>) -> Result<Swept> {
    let mut swept = Swept::default();
    let mut after: Option<String> = None;
    loop {
        let page = gateway
            .list_invoices(since, after.as_deref())
            .await
            .map_err(unavailable)?;
        swept.listed += page.items.len() as u64;
        for invoice in missing(ctx, page.items).await? {
            let invoice = complete_invoice(gateway, invoice)
                .await
                .map_err(unavailable)?;
            let at = invoice.paid_at.unwrap_or(invoice.created);
            let id = invoice.id.clone();
            let change = Change::Invoice(Box::new(invoice));
            swept.take(ctx, gateway, id, at, change).await;
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    let mut after: Option<String> = None;
    loop {
        let page = gateway
            .list_checkouts(since - DEBITS_TAKE, after.as_deref())
            .await
            .map_err(unavailable)?;
        let sold: Vec<CheckoutSession> = page
            .items
            .into_iter()
            .filter(|session| session.sale.is_some())
            .collect();
        swept.listed += sold.len() as u64;
        let known = known(ctx, sold.iter().map(|session| session.id.as_str())).await?;
        for session in sold {
            if known.contains_key(&session.id) {
                continue;
            }
            let session = complete_checkout(gateway, session)
                .await
                .map_err(unavailable)?;
            let at = session.paid_at.unwrap_or(session.created);
            let id = session.id.clone();
            let change = Change::Checkout(Box::new(session));
            swept.take(ctx, gateway, id, at, change).await;
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(swept),
        }
    }
}

impl Swept {
    /// Handles one thing as if its event had come.
    async fn take(
        &mut self,
        ctx: &Context,
        gateway: &dyn Gateway,
        id: String,
        at: DateTime<Utc>,
        change: Change,
    ) {
        let news = News {
            event: id.clone(),
            at,
            change,
        };
        match catch_up(ctx, gateway, &news).await {
            Ok(()) => self.caught_up.push(id),
            Err(error) => self.failed.push((id, error.to_string())),
        }
    }
}

fn unavailable(error: CallError) -> Error {
    Error::Unavailable {
        message: "Stripe did not answer; run the sweep again later.".to_owned(),
        cause: error.to_string(),
    }
}

/// The status of those that are known, by Stripe's id.
async fn known(
    ctx: &Context,
    listed: impl IntoIterator<Item = &str>,
) -> Result<HashMap<String, String>> {
    Ok(invoice::Entity::find()
        .select_only()
        .column(invoice::Column::StripeId)
        .column(invoice::Column::Status)
        .filter(invoice::Column::StripeId.is_in(listed))
        .into_tuple::<(String, String)>()
        .all(ctx.reader())
        .await?
        .into_iter()
        .collect())
}

/// Those that Stripe knows better than we do.
async fn missing(ctx: &Context, listed: Vec<Invoice>) -> Result<Vec<Invoice>> {
    let known = known(ctx, listed.iter().map(|invoice| invoice.id.as_str())).await?;
    Ok(listed
        .into_iter()
        .filter(|i| match known.get(&i.id) {
            None => i.status != InvoiceStatus::Draft,
            Some(status) => i.status == InvoiceStatus::Paid && status != "paid",
        })
        .collect())
}

async fn catch_up(ctx: &Context, gateway: &dyn Gateway, news: &News) -> Result<()> {
    let mut fetched = Fetched::default();
    loop {
        let all: Vec<&News> = fetched.news.iter().chain([news]).collect();
        let tx = ctx.begin().await?;
        let first = fetched.news.len();
        let answers = super::handle(ctx, &*tx, &all, first, &fetched.absent).await?;
        let wish: Option<Wish> = match answers.into_iter().next_back() {
            Some(Ok(_)) => None,
            Some(Err(Trouble::Bad(cause))) => return Err(Error::Internal(cause)),
            Some(Err(Trouble::Waits(name))) => {
                return Err(Error::Internal(format!("Stripe does not list {name} yet")));
            }
            Some(Err(Trouble::Needs(wish))) if fetched.asked.contains(&wish) => {
                return Err(Error::Internal(fetched.problem(&wish)));
            }
            Some(Err(Trouble::Needs(wish))) => Some(wish),
            None => return Err(Error::internal("news were not answered")),
        };
        match wish {
            None => {
                tx.commit().await?;
                return Ok(());
            }
            Some(wish) => {
                drop(tx);
                fetched.ask(gateway, &wish, news).await;
            }
        }
    }
}
