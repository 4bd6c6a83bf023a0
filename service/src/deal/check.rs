//! Asking Stripe whether a registered company pays the vendor already.
//!
//! The portal knows what events have told it; whoever bought before it was set up, or under an
//! address that nobody asked for, is known to Stripe alone. Stripe is asked once for each registration
//! that is sent, by a job: a page never waits for it, an approval without a person does.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::deal::DealStatus as D;
use domain::registrable::readable;
use entity::deal::{Column, Entity, Model};
use entity::deal_check;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use stripe_gateway::{CallError, Gateway};

use super::{as_system, conflict, note_internal, status, submit};
use crate::account as accounts;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::{job, lists};

/// The job's kind; its payload is [`Ask`].
pub const ASK: &str = "deal.ask_stripe";

/// Names a registration.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Ask {
    /// `deal.id`.
    pub deal_id: i64,
}

/// How long Stripe may take altogether: well below the time for which a job is claimed.
const PATIENCE: Duration = Duration::from_secs(45);
/// Customers of one company that are looked at.
const MOST: usize = 20;

/// What became of asking Stripe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Whether it has answered, could not be asked, or is still to be.
    pub state: CheckState,
    /// The ids of customers that have paid.
    pub customers: Vec<String>,
    /// When it was asked last.
    pub asked_at: Option<DateTime<Utc>>,
}

domain::text_enum! {
    /// How far asking Stripe has come.
    pub enum CheckState {
        /// It is still to be asked.
        Waiting = "waiting" => "Is being asked",
        /// It has answered.
        Asked = "asked" => "Asked",
        /// It could not be asked so far.
        Failed = "failed" => "Could not be asked",
    }
}

/// Has Stripe asked about a registration that is sent or corrected.
pub(super) async fn begin(ctx: &Context, tx: &impl ConnectionTrait, deal_id: i64) -> Result<()> {
    use deal_check::Column as C;
    deal_check::Entity::insert(deal_check::ActiveModel {
        id: Set(deal_id),
        state: Set(CheckState::Waiting.as_str().to_owned()),
        customers: Set(serde_json::json!([])),
        error: Set(None),
        asked_at: Set(None),
        created_at: Set(ctx.now()),
    })
    .on_conflict(
        OnConflict::column(C::Id)
            .update_columns([C::State, C::Customers, C::Error, C::AskedAt, C::CreatedAt])
            .to_owned(),
    )
    .exec_without_returning(tx)
    .await?;
    job::enqueue(ctx, tx, ASK, &Ask { deal_id }, None, ctx.now()).await
}

/// What Stripe said about a registration; none for those that were sent before it was asked.
pub(super) async fn of(db: &impl ConnectionTrait, deal_id: i64) -> Result<Option<Check>> {
    let Some(row) = deal_check::Entity::find_by_id(deal_id).one(db).await? else {
        return Ok(None);
    };
    Ok(Some(Check {
        state: row.state.parse().map_err(Error::internal)?,
        customers: serde_json::from_value(row.customers)?,
        asked_at: row.asked_at,
    }))
}

/// Asks Stripe about a registration and keeps the answer; approves it then where the program does so
/// without a person. Doing it again changes nothing.
///
/// # Errors
/// [`Error::Unavailable`] when Stripe does not answer; that is kept as well, and it is tried again.
pub async fn ask_stripe(ctx: &Context, gateway: &dyn Gateway, deal_id: i64) -> Result<()> {
    let db = ctx.reader();
    let Some(deal) = Entity::find_by_id(deal_id).one(db).await? else {
        return Ok(());
    };
    let open = matches!(
        status(&deal)?,
        D::Submitted | D::InReview | D::InformationRequested
    );
    let (true, Some(account_id)) = (open, deal.account_id) else {
        return Ok(());
    };
    let mut domains = accounts::domains(db, account_id).await?;
    domains.push(deal.customer_domain.clone());
    domains.sort_unstable();
    domains.dedup();
    let lists = lists::current(db).await?;
    let asked = tokio::time::timeout(PATIENCE, paying(gateway, &lists, &domains)).await;
    let answer = match asked {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err("Stripe did not answer in time.".to_owned()),
    };
    keep(ctx, &deal, &answer).await?;
    match answer {
        Err(cause) => Err(Error::Unavailable {
            message: "Stripe could not be asked about the company.".to_owned(),
            cause,
        }),
        Ok(_) => {
            if let Err(error) = submit::at_once(&as_system(ctx), deal_id).await {
                // It was sent in any case; a person decides then.
                tracing::info!(%error, deal = deal_id, "not approved at once");
            }
            Ok(())
        }
    }
}

/// The customers at Stripe whose address is at one of these domains and who have paid.
async fn paying(
    gateway: &dyn Gateway,
    lists: &domain::lists::Lists,
    domains: &[String],
) -> std::result::Result<Vec<String>, CallError> {
    let mut found = Vec::new();
    for domain in domains.iter().filter(|d| lists.kind(d).is_none()) {
        let written = readable(domain);
        let mut customers = gateway.customers_at(domain).await?;
        if written != *domain {
            customers.extend(gateway.customers_at(&written).await?);
        }
        // The search finds the text anywhere: an address of notacme.com when acme.com is asked for.
        customers.retain(|c| {
            let email = c.email.as_deref().unwrap_or_default();
            lists.registrable(email).is_ok_and(|of| of == *domain)
        });
        for customer in customers.into_iter().take(MOST) {
            if !found.contains(&customer.id) && has_paid(gateway, &customer.id).await? {
                found.push(customer.id);
            }
        }
    }
    Ok(found)
}

async fn has_paid(gateway: &dyn Gateway, customer: &str) -> std::result::Result<bool, CallError> {
    let invoices = gateway.paid_invoices(customer).await?;
    Ok(invoices.iter().any(|invoice| invoice.amount_paid.minor > 0))
}

async fn keep(
    ctx: &Context,
    deal: &Model,
    answer: &std::result::Result<Vec<String>, String>,
) -> Result<()> {
    use deal_check::Column as C;
    let tx = ctx.begin().await?;
    let (state, customers, error) = match answer {
        Ok(customers) => (CheckState::Asked, customers.clone(), None),
        Err(cause) => (CheckState::Failed, Vec::new(), Some(cause.clone())),
    };
    let changed = deal_check::Entity::update_many()
        .col_expr(C::State, Expr::value(state.as_str()))
        .col_expr(C::Customers, Expr::value(serde_json::to_value(&customers)?))
        .col_expr(C::Error, Expr::value(error))
        .col_expr(C::AskedAt, Expr::value(ctx.now()))
        .filter(C::Id.eq(deal.id))
        .filter(C::State.ne(CheckState::Asked.as_str()))
        .exec(&*tx)
        .await?;
    if changed.rows_affected == 0 || state != CheckState::Asked {
        tx.commit().await?;
        return Ok(());
    }
    let words = match customers.as_slice() {
        [] => "Stripe was asked: no customer with an address there has paid.".to_owned(),
        ids => format!("Stripe was asked: {} paid before.", ids.join(", ")),
    };
    let system = as_system(ctx);
    note_internal(
        &system,
        &*tx,
        deal,
        "deal.asked_stripe",
        words,
        serde_json::json!({ "customers": customers }),
    )
    .await?;
    let conflicts = conflict::of_deal(&*tx, deal, ctx.now()).await?;
    Entity::update_many()
        .col_expr(
            Column::Conflicts,
            Expr::value(serde_json::to_value(&conflicts)?),
        )
        .filter(Column::Id.eq(deal.id))
        .filter(Column::Status.eq(&deal.status))
        .exec(&*tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
