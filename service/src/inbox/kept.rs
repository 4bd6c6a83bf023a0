//! Events that cannot be judged yet: a refund of a payment that Stripe does not list for any invoice,
//! a credit note of an invoice that it does not have. They are kept with what they wait for, and
//! looked at again when that appears, and by themselves in ever longer steps, once a day at last.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use entity::webhook_event;
use sea_orm::sea_query::{Expr, LockBehavior, LockType};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use stripe_gateway::billing::{InvoicePayment, InvoiceStatus};

use crate::billing::change::Change;
use crate::context::Context;
use crate::error::Result;

/// After so long it is left for a person: whatever it is about, Stripe has nothing of it.
pub(super) const GIVEN_UP: TimeDelta = TimeDelta::days(180);
/// How many are looked at again because an invoice was paid that does not say by which payment.
const GUESSES: u64 = 20;
/// How often one of them is at most.
const TRIES: i64 = 40;

/// Keeps an event, given by its id and how often it was tried.
pub(super) async fn keep(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    (id, attempts): (i64, i64),
    name: &str,
) -> Result<()> {
    let sentence = format!(
        "It waits for {name}, which Stripe does not list for any invoice yet. It is looked at again \
         as soon as that appears, and once a day."
    );
    tracing::info!(event = id, waits_for = name, "webhook event is kept");
    let wait = TimeDelta::seconds((60_i64 << attempts.clamp(0, 11)).min(86_400));
    webhook_event::Entity::update_many()
        .col_expr(webhook_event::Column::WaitsFor, Expr::value(name))
        .col_expr(webhook_event::Column::Error, Expr::value(sentence))
        .col_expr(webhook_event::Column::Attempts, Expr::value(attempts + 1))
        .col_expr(
            webhook_event::Column::NextAttemptAt,
            Expr::value(ctx.now() + wait),
        )
        .filter(webhook_event::Column::Id.eq(id))
        .filter(webhook_event::Column::Status.eq("received"))
        .exec(tx)
        .await?;
    Ok(())
}

/// Why an event that was kept is left for a person.
pub(super) fn nothing_came(name: &str) -> String {
    format!(
        "It waited {} days for {name}, and Stripe has never listed that for an invoice. It is looked \
         at again if that appears after all.",
        GIVEN_UP.num_days()
    )
}

/// Has those looked at again that wait for what is known now.
pub(super) async fn wake<'a>(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    known: impl Iterator<Item = &'a Change>,
) -> Result<()> {
    let mut names = BTreeSet::new();
    let mut unnamed = false;
    let pays = |p: &InvoicePayment| p.payment_intent.clone().into_iter().chain(p.charge.clone());
    for change in known {
        match change {
            Change::Invoice(invoice) => {
                names.insert(invoice.id.clone());
                names.extend(invoice.payments.iter().flat_map(pays));
                let paid = invoice.status == InvoiceStatus::Paid && invoice.amount_paid.minor > 0;
                unnamed |= paid && invoice.payments.is_empty();
            }
            Change::Payment(payment) => names.extend(pays(payment)),
            Change::Checkout(session) => {
                names.insert(session.id.clone());
                names.extend(session.payment_intent.clone());
            }
            _ => {}
        }
    }
    if names.is_empty() || !any(tx).await? {
        return Ok(());
    }
    let waits = webhook_event::Entity::find()
        .filter(webhook_event::Column::WaitsFor.is_not_null())
        .filter(webhook_event::Column::Status.is_in(["received", "failed"]));
    let mut ids = ids(
        tx,
        waits
            .clone()
            .filter(webhook_event::Column::WaitsFor.is_in(names)),
    )
    .await?;
    if unnamed {
        // The invoice does not say by which payment: it may be one of those that are waited for.
        let newest = waits
            .filter(webhook_event::Column::Status.eq("received"))
            .filter(webhook_event::Column::Attempts.lt(TRIES))
            .order_by_desc(webhook_event::Column::Id)
            .limit(GUESSES);
        ids.extend(self::ids(tx, newest).await?);
    }
    if ids.is_empty() {
        return Ok(());
    }
    webhook_event::Entity::update_many()
        .col_expr(webhook_event::Column::Status, Expr::value("received"))
        .col_expr(webhook_event::Column::NextAttemptAt, Expr::value(ctx.now()))
        .filter(webhook_event::Column::Id.is_in(ids))
        .exec(tx)
        .await?;
    Ok(())
}

/// Whether anything is kept at all.
async fn any(tx: &impl ConnectionTrait) -> Result<bool> {
    let one = webhook_event::Entity::find()
        .select_only()
        .column(webhook_event::Column::Id)
        .filter(webhook_event::Column::WaitsFor.is_not_null())
        .limit(1)
        .into_tuple::<i64>()
        .one(tx)
        .await?;
    Ok(one.is_some())
}

/// The ids of events; those that another process is busy with are left to it.
async fn ids(
    tx: &impl ConnectionTrait,
    query: sea_orm::Select<webhook_event::Entity>,
) -> Result<Vec<i64>> {
    let mut query = query.select_only().column(webhook_event::Column::Id);
    if tx.get_database_backend() == DbBackend::Postgres {
        query = query.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    }
    Ok(query.into_tuple().all(tx).await?)
}
