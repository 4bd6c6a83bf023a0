//! Reads what a batch may touch.

mod around;

use std::collections::{BTreeSet, HashMap};

use entity::{
    commission, customer, invoice, invoice_line, invoice_payment, invoice_return,
    ledger_transaction, subscription,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

use self::around::{load_balances, load_earned, load_line_names, with_below_zero};
use super::accounts::{load_accounts, load_history};
use super::by_customer::of_customers;
use super::change::News;
use super::config::Config;
use super::hold::{hold_accounts, hold_customers};
use super::keys::Keys;
use super::matching;
use super::unit::{InvoiceState, Row, Unit};
use crate::bulk;
use crate::context::Context;
use crate::error::Result;

fn texts(set: &BTreeSet<String>) -> impl Iterator<Item = &str> {
    set.iter().map(String::as_str)
}

/// Reads everything the news may touch. Customers are locked first, so that two processes that work
/// on the same customer do it one after the other, and each sees what the other wrote.
pub(super) async fn unit(ctx: &Context, tx: &impl ConnectionTrait, news: &[&News]) -> Result<Unit> {
    let keys = Keys::of(news);
    let mut invoices = known_invoices(tx, &keys).await?;
    make_customers(ctx, tx, &keys.customers).await?;
    let customers = lock_customers(tx, &keys.customers, &invoices).await?;
    let mut unit = Unit::new(ctx.now(), Config::default());
    for row in customers {
        unit.customer_keys.insert(row.id, row.stripe_id.clone());
        unit.customers
            .insert(row.stripe_id.clone(), Row::stored(row));
    }
    let again = matching::match_customers(tx, &mut unit, news).await?;
    if !again.moved.is_empty() {
        let which = Condition::any()
            .add(invoice::Column::Outcome.is_in(["unmatched", "nothing"]))
            .add(invoice::Column::CustomerId.is_in(again.asked));
        let missed: Vec<(i64, String)> = invoice::Entity::find()
            .select_only()
            .column(invoice::Column::Id)
            .column(invoice::Column::StripeId)
            .filter(of_customers(again.moved))
            .filter(which)
            .into_tuple()
            .all(tx)
            .await?;
        for (id, stripe_id) in missed {
            invoices.insert(id);
            unit.catch_up.insert(stripe_id);
        }
    }
    let customers = unit.customer_keys.keys().copied();
    invoices.extend(of_ended(tx, &keys, customers).await?);
    complete(tx, unit, &keys, invoices).await
}

/// The paid invoices of these customers' subscriptions that ended soon after they began.
async fn of_ended(
    tx: &impl ConnectionTrait,
    keys: &Keys,
    customers: impl Iterator<Item = i64>,
) -> Result<Vec<i64>> {
    if keys.ended.is_empty() {
        return Ok(Vec::new());
    }
    Ok(invoice::Entity::find()
        .select_only()
        .column(invoice::Column::Id)
        .filter(of_customers(customers))
        .filter(invoice::Column::SubscriptionStripeId.is_in(texts(&keys.ended)))
        .filter(invoice::Column::PaidAt.is_not_null())
        .into_tuple()
        .all(tx)
        .await?)
}

/// Reads what hangs on invoices that are named by id, for working on them without news.
pub(super) async fn unit_of_invoices(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    ids: BTreeSet<i64>,
) -> Result<Unit> {
    let customers: BTreeSet<i64> = invoice::Entity::find()
        .select_only()
        .column(invoice::Column::CustomerId)
        .filter(invoice::Column::Id.is_in(ids.iter().copied()))
        .into_tuple::<i64>()
        .all(tx)
        .await?
        .into_iter()
        .collect();
    let which = Condition::any().add(customer::Column::Id.is_in(customers));
    let mut unit = Unit::new(ctx.now(), Config::default());
    for row in hold_customers(tx, which).await? {
        unit.customer_keys.insert(row.id, row.stripe_id.clone());
        unit.customers
            .insert(row.stripe_id.clone(), Row::stored(row));
    }
    complete(tx, unit, &Keys::default(), ids).await
}

/// Reads what hangs on invoices that are named by id, without locking anything.
pub(super) async fn unit_for_reading(
    db: &impl ConnectionTrait,
    now: chrono::DateTime<chrono::Utc>,
    ids: BTreeSet<i64>,
) -> Result<Unit> {
    let mut unit = Unit::new(now, Config::default());
    load_invoices(db, &mut unit, &ids, &BTreeSet::new(), None).await?;
    let customers: BTreeSet<i64> = unit
        .invoices
        .values()
        .map(|state| state.row.customer_id)
        .collect();
    let rows = customer::Entity::find()
        .filter(customer::Column::Id.is_in(customers))
        .all(db)
        .await?;
    for row in rows {
        unit.customer_keys.insert(row.id, row.stripe_id.clone());
        unit.customers
            .insert(row.stripe_id.clone(), Row::stored(row));
    }
    let below = unit.invoices.values().filter(|state| state.row.net < 0);
    let below = below.map(|state| state.row.customer_id).collect();
    load_earned(db, &mut unit, below).await?;
    let accounts: BTreeSet<i64> = unit
        .customers
        .values()
        .filter_map(|c| c.account_id)
        .collect();
    load_accounts(db, &mut unit, &accounts).await?;
    Ok(unit)
}

/// Everything from the invoices on.
async fn complete(
    tx: &impl ConnectionTrait,
    mut unit: Unit,
    keys: &Keys,
    invoices: BTreeSet<i64>,
) -> Result<Unit> {
    load_balances(tx, &mut unit, &keys.balances).await?;
    let mut named = keys.invoices.clone();
    let changes = unit.balances.values().flatten();
    named.extend(changes.filter_map(|change| change.invoice.clone()));
    let customers: BTreeSet<i64> = unit.customer_keys.keys().copied().collect();
    let invoices = with_below_zero(tx, &mut unit, keys, invoices).await?;
    load_invoices(tx, &mut unit, &invoices, &named, Some(customers)).await?;
    load_line_names(tx, &mut unit, &keys.lines).await?;
    let accounts: BTreeSet<i64> = unit
        .customers
        .values()
        .filter_map(|c| c.account_id)
        .collect();
    hold_accounts(tx, &accounts).await?;
    let mut partners = load_accounts(tx, &mut unit, &accounts).await?;
    partners.extend(
        unit.invoices
            .values()
            .flat_map(|i| i.commissions.iter().map(|c| c.partner_id)),
    );
    unit.config = Config::load(tx, &partners, &keys.products).await?;
    let mut subscriptions = keys.subscriptions.clone();
    if unit.config.asks_for_churn() {
        let known = unit.invoices.values();
        subscriptions.extend(known.filter_map(|i| i.row.subscription_stripe_id.clone()));
        subscriptions.extend(keys.paying.iter().cloned());
    }
    load_subscriptions(tx, &mut unit, &subscriptions).await?;
    load_history(tx, &mut unit, accounts).await?;
    Ok(unit)
}

/// Invoices that are in the database and named by the news, directly or through a payment.
async fn known_invoices(tx: &impl ConnectionTrait, keys: &Keys) -> Result<BTreeSet<i64>> {
    let mut ids = BTreeSet::new();
    if !keys.invoices.is_empty() {
        let rows: Vec<i64> = invoice::Entity::find()
            .select_only()
            .column(invoice::Column::Id)
            .filter(invoice::Column::StripeId.is_in(texts(&keys.invoices)))
            .into_tuple()
            .all(tx)
            .await?;
        ids.extend(rows);
    }
    if !keys.intents.is_empty() || !keys.charges.is_empty() {
        let rows: Vec<i64> = invoice_payment::Entity::find()
            .select_only()
            .column(invoice_payment::Column::InvoiceId)
            .filter(
                Condition::any()
                    .add(invoice_payment::Column::PaymentIntent.is_in(texts(&keys.intents)))
                    .add(invoice_payment::Column::Charge.is_in(texts(&keys.charges))),
            )
            .into_tuple()
            .all(tx)
            .await?;
        ids.extend(rows);
    }
    Ok(ids)
}

/// Makes rows for customers that are not known yet, in one order for every process.
pub(super) async fn make_customers(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    stripe_ids: &BTreeSet<String>,
) -> Result<()> {
    if stripe_ids.is_empty() {
        return Ok(());
    }
    let known: std::collections::HashSet<String> = customer::Entity::find()
        .select_only()
        .column(customer::Column::StripeId)
        .filter(customer::Column::StripeId.is_in(texts(stripe_ids)))
        .into_tuple::<String>()
        .all(tx)
        .await?
        .into_iter()
        .collect();
    let missing: Vec<&String> = stripe_ids
        .iter()
        .filter(|id| !known.contains(*id))
        .collect();
    let ids = bulk::reserve::<customer::Entity>(tx, missing.len()).await?;
    let rows: Vec<customer::Model> = missing
        .into_iter()
        .zip(ids)
        .map(|(stripe_id, id)| customer::Model {
            id,
            stripe_id: stripe_id.clone(),
            account_id: None,
            name: String::new(),
            email: String::new(),
            country: None,
            matched_by: None,
            match_reason: None,
            created_at: ctx.now(),
            updated_at: None,
            question: None,
        })
        .collect();
    bulk::insert_with::<customer::Entity>(tx, &rows, " ON CONFLICT (stripe_id) DO NOTHING").await?;
    Ok(())
}

/// The customers of the news, locked until the transaction ends where several may write.
async fn lock_customers(
    tx: &impl ConnectionTrait,
    stripe_ids: &BTreeSet<String>,
    invoices: &BTreeSet<i64>,
) -> Result<Vec<customer::Model>> {
    let mut any = Condition::any().add(customer::Column::StripeId.is_in(texts(stripe_ids)));
    if !invoices.is_empty() {
        let of_invoices: Vec<i64> = invoice::Entity::find()
            .select_only()
            .column(invoice::Column::CustomerId)
            .distinct()
            .filter(invoice::Column::Id.is_in(invoices.iter().copied()))
            .into_tuple()
            .all(tx)
            .await?;
        any = any.add(customer::Column::Id.is_in(of_invoices));
    }
    hold_customers(tx, any).await
}

/// Invoices with lines, payments, returns and commissions; where customers are locked, theirs only.
async fn load_invoices(
    tx: &impl ConnectionTrait,
    unit: &mut Unit,
    ids: &BTreeSet<i64>,
    stripe_ids: &BTreeSet<String>,
    locked: Option<BTreeSet<i64>>,
) -> Result<()> {
    // By name as well: another process may have written it while the customers were being locked.
    // If its customer is not among them, it is not known yet, and is asked for like one that is not.
    let mut any = Condition::any();
    if !ids.is_empty() {
        any = any.add(invoice::Column::Id.is_in(ids.iter().copied()));
    }
    if !stripe_ids.is_empty() {
        any = any.add(invoice::Column::StripeId.is_in(texts(stripe_ids)));
    }
    if any.is_empty() {
        return Ok(());
    }
    let mut query = invoice::Entity::find().filter(any);
    if let Some(customers) = locked {
        query = query.filter(invoice::Column::CustomerId.is_in(customers));
    }
    let rows = query.all(tx).await?;
    if rows.is_empty() {
        return Ok(());
    }
    let found: Vec<i64> = rows.iter().map(|r| r.id).collect();
    let mut states: HashMap<i64, InvoiceState> = rows
        .into_iter()
        .map(|row| {
            let state = InvoiceState {
                row: Row::stored(row.clone()),
                lines: Vec::new(),
                payments: Vec::new(),
                returns: Vec::new(),
                commissions: Vec::new(),
                holds: HashMap::new(),
            };
            (row.id, state)
        })
        .collect();
    for line in invoice_line::Entity::find()
        .filter(invoice_line::Column::InvoiceId.is_in(found.iter().copied()))
        .order_by_asc(invoice_line::Column::Id)
        .all(tx)
        .await?
    {
        if let Some(state) = states.get_mut(&line.invoice_id) {
            state.lines.push(Row::stored(line));
        }
    }
    for payment in invoice_payment::Entity::find()
        .filter(invoice_payment::Column::InvoiceId.is_in(found.iter().copied()))
        .order_by_asc(invoice_payment::Column::Id)
        .all(tx)
        .await?
    {
        if let Some(state) = states.get_mut(&payment.invoice_id) {
            unit.remember_payment(&payment, &state.row.stripe_id);
            state.payments.push(Row::stored(payment));
        }
    }
    for ret in invoice_return::Entity::find()
        .filter(invoice_return::Column::InvoiceId.is_in(found.iter().copied()))
        .order_by_asc(invoice_return::Column::Id)
        .all(tx)
        .await?
    {
        if let Some(state) = states.get_mut(&ret.invoice_id) {
            state.returns.push(Row::stored(ret));
        }
    }
    for row in commission::Entity::find()
        .filter(commission::Column::InvoiceId.is_in(found.iter().copied()))
        .order_by_asc(commission::Column::Id)
        .all(tx)
        .await?
    {
        if let Some(state) = row.invoice_id.and_then(|id| states.get_mut(&id)) {
            state.commissions.push(Row::stored(row));
        }
    }
    load_holds(tx, &mut states).await?;
    for state in states.into_values() {
        unit.invoices.insert(state.row.stripe_id.clone(), state);
    }
    Ok(())
}

/// How often the commissions were held, for the references of the next holds.
async fn load_holds(
    tx: &impl ConnectionTrait,
    states: &mut HashMap<i64, InvoiceState>,
) -> Result<()> {
    let commissions: HashMap<i64, i64> = states
        .values()
        .flat_map(|s| s.commissions.iter().map(|c| (c.id, s.row.id)))
        .collect();
    if commissions.is_empty() {
        return Ok(());
    }
    let held: Vec<Option<i64>> = ledger_transaction::Entity::find()
        .select_only()
        .column(ledger_transaction::Column::CommissionId)
        .filter(ledger_transaction::Column::CommissionId.is_in(commissions.keys().copied()))
        .filter(ledger_transaction::Column::Kind.eq("hold"))
        .into_tuple()
        .all(tx)
        .await?;
    for id in held.into_iter().flatten() {
        if let Some(state) = commissions
            .get(&id)
            .and_then(|invoice| states.get_mut(invoice))
        {
            *state.holds.entry(id).or_insert(0) += 1;
        }
    }
    Ok(())
}

async fn load_subscriptions(
    tx: &impl ConnectionTrait,
    unit: &mut Unit,
    stripe_ids: &BTreeSet<String>,
) -> Result<()> {
    if stripe_ids.is_empty() {
        return Ok(());
    }
    for row in subscription::Entity::find()
        .filter(subscription::Column::StripeId.is_in(texts(stripe_ids)))
        .all(tx)
        .await?
    {
        unit.subscriptions
            .insert(row.stripe_id.clone(), Row::stored(row));
    }
    Ok(())
}
