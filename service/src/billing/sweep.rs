//! Invoices whose events never arrived, found by listing them from Stripe.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::invoice;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use stripe_gateway::billing::{Invoice, InvoiceStatus};
use stripe_gateway::{CallError, Gateway};

use super::apply::{Trouble, Wish};
use super::change::{Change, News};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::inbox::fetch::{Fetched, complete_invoice};

/// What a sweep found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Invoices that Stripe listed.
    pub listed: u64,
    /// Those that were missing or behind and are up to date now.
    pub caught_up: Vec<String>,
    /// Those that could not be handled, with the cause.
    pub failed: Vec<(String, String)>,
}

/// Lists the invoices made at `since` or later and handles those that are not known, or are known
/// as unpaid while Stripe says paid.
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
            let id = invoice.id.clone();
            let invoice = complete_invoice(gateway, invoice)
                .await
                .map_err(unavailable)?;
            match catch_up(ctx, gateway, invoice).await {
                Ok(()) => swept.caught_up.push(id),
                Err(error) => swept.failed.push((id, error.to_string())),
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(swept),
        }
    }
}

fn unavailable(error: CallError) -> Error {
    Error::Unavailable {
        message: "Stripe did not answer; run the sweep again later.".to_owned(),
        cause: error.to_string(),
    }
}

/// Those that Stripe knows better than we do.
async fn missing(ctx: &Context, listed: Vec<Invoice>) -> Result<Vec<Invoice>> {
    let known: HashMap<String, String> = invoice::Entity::find()
        .select_only()
        .column(invoice::Column::StripeId)
        .column(invoice::Column::Status)
        .filter(invoice::Column::StripeId.is_in(listed.iter().map(|i| i.id.as_str())))
        .into_tuple::<(String, String)>()
        .all(ctx.reader())
        .await?
        .into_iter()
        .collect();
    Ok(listed
        .into_iter()
        .filter(|i| match known.get(&i.id) {
            None => i.status != InvoiceStatus::Draft,
            Some(status) => i.status == InvoiceStatus::Paid && status != "paid",
        })
        .collect())
}

/// Handles one invoice as if its event had come.
async fn catch_up(ctx: &Context, gateway: &dyn Gateway, invoice: Invoice) -> Result<()> {
    let news = News {
        event: invoice.id.clone(),
        at: invoice.paid_at.unwrap_or(invoice.created),
        change: Change::Invoice(Box::new(invoice)),
    };
    let mut fetched = Fetched::default();
    loop {
        let all: Vec<&News> = fetched.news.iter().chain([&news]).collect();
        let tx = ctx.begin().await?;
        let first = fetched.news.len();
        let answers = super::handle(ctx, &*tx, &all, first, &fetched.absent).await?;
        let wish: Option<Wish> = match answers.into_iter().next_back() {
            Some(Ok(_)) => None,
            Some(Err(Trouble::Bad(cause))) => return Err(Error::Internal(cause)),
            Some(Err(Trouble::Needs(wish))) if fetched.asked.contains(&wish) => {
                return Err(Error::Internal(fetched.problem(&wish)));
            }
            Some(Err(Trouble::Needs(wish))) => Some(wish),
            None => return Err(Error::internal("an invoice was not answered")),
        };
        match wish {
            None => {
                tx.commit().await?;
                return Ok(());
            }
            Some(wish) => {
                drop(tx);
                fetched.ask(gateway, &wish, &news).await;
            }
        }
    }
}
