//! The journal as finance reads it: newest first, searched by reference or by Stripe's ids.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::ledger::AccountCode;
use entity::{
    commission, customer, invoice, invoice_line, invoice_return, ledger_account,
    ledger_transaction, partner, payout, posting,
};
use sea_orm::sea_query::Query;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

use crate::billing::by_customer::of_customers;
use crate::context::Context;
use crate::error::Result;

/// What to show of the journal. Everything left empty shows all.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct JournalQuery {
    /// A reference or the beginning of one, or a Stripe id: invoice, line, customer, refund, credit
    /// note, dispute or transfer.
    pub q: String,
    /// A kind of movement, such as `accrual`.
    pub kind: Option<String>,
    /// `ledger_account.id`: only what was booked on it.
    pub account_id: Option<i64>,
    /// Only older than this `ledger_transaction.id`: the last one of the page before.
    pub before: Option<i64>,
    /// Lines on a page; 50 unless told, 500 at most.
    pub limit: Option<u64>,
}

/// One posting, with words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// `ledger_account.id`.
    pub account_id: i64,
    /// The account's code, such as `partner:7:payable`.
    pub code: String,
    /// What a person calls it, with the partner's name.
    pub label: String,
    /// Minor units; positive is what the account receives.
    pub amount: i64,
    /// The currency.
    pub currency: String,
}

/// One transaction of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalLine {
    /// `ledger_transaction.id`.
    pub id: i64,
    /// The unique reference.
    pub reference: String,
    /// The kind of movement.
    pub kind: String,
    /// A sentence.
    pub description: String,
    /// `commission.id`.
    pub commission_id: Option<i64>,
    /// `payout.id`.
    pub payout_id: Option<i64>,
    /// When the business event happened.
    pub effective_at: DateTime<Utc>,
    /// When it was booked.
    pub created_at: DateTime<Utc>,
    /// Its postings.
    pub legs: Vec<Leg>,
}

/// A page of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalPage {
    /// Newest first.
    pub lines: Vec<JournalLine>,
    /// The `before` of the next page; none on the last one.
    pub older: Option<i64>,
}

/// A page of the journal, for the vendor's staff.
///
/// # Errors
/// [`crate::Error::NotFound`] for everyone else.
pub async fn journal(ctx: &Context, query: &JournalQuery) -> Result<JournalPage> {
    ctx.any_staff()?;
    let db = ctx.reader();
    let limit = query.limit.unwrap_or(50).clamp(1, 500);
    let mut find = ledger_transaction::Entity::find()
        .order_by_desc(ledger_transaction::Column::Id)
        .limit(limit + 1);
    if let Some(before) = query.before {
        find = find.filter(ledger_transaction::Column::Id.lt(before));
    }
    if let Some(kind) = query.kind.as_deref().filter(|kind| !kind.is_empty()) {
        find = find.filter(ledger_transaction::Column::Kind.eq(kind));
    }
    if let Some(account) = query.account_id {
        find = find.filter(
            ledger_transaction::Column::Id.in_subquery(
                Query::select()
                    .column(posting::Column::TransactionId)
                    .from(posting::Entity)
                    .cond_where(posting::Column::LedgerAccountId.eq(account))
                    .to_owned(),
            ),
        );
    }
    let q = query.q.trim();
    if !q.is_empty() {
        find = find.filter(search(db, q).await?);
    }
    let mut transactions = find.all(db).await?;
    let more = transactions.len() as u64 > limit;
    transactions.truncate(limit as usize);
    let older = if more {
        transactions.last().map(|t| t.id)
    } else {
        None
    };
    Ok(JournalPage {
        lines: with_legs(db, transactions).await?,
        older,
    })
}

/// Movements that an export reads at a time.
const PART: u64 = 2_000;

/// A part of the movements booked from `from` on and before `until`, in the order of their ids, from
/// behind `after` on; the `after` of the next part, none behind the last one.
///
/// A movement is booked when its use case began, and gets its id when that writes: a long one that
/// begins before midnight writes between the next month's. So every id is looked at, and the moment
/// decides.
///
/// # Errors
/// [`crate::Error::NotFound`] for people outside the vendor.
pub async fn booked(
    ctx: &Context,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    after: i64,
) -> Result<(Vec<JournalLine>, Option<i64>)> {
    ctx.any_staff()?;
    let db = ctx.reader();
    let transactions = ledger_transaction::Entity::find()
        .filter(ledger_transaction::Column::Id.gt(after))
        .filter(ledger_transaction::Column::CreatedAt.gte(from))
        .filter(ledger_transaction::Column::CreatedAt.lt(until))
        .order_by_asc(ledger_transaction::Column::Id)
        .limit(PART)
        .all(db)
        .await?;
    let full = transactions.len() as u64 == PART;
    let next = transactions.last().map(|t| t.id).filter(|_| full);
    Ok((with_legs(db, transactions).await?, next))
}

/// What a search text means.
async fn search(db: &impl ConnectionTrait, q: &str) -> Result<Condition> {
    let mut any = Condition::any()
        .add(ledger_transaction::Column::Reference.eq(q))
        .add(ledger_transaction::Column::Reference.starts_with(q));
    if let Some(p) = payout::Entity::find()
        .filter(payout::Column::TransferId.eq(q))
        .one(db)
        .await?
    {
        any = any.add(ledger_transaction::Column::PayoutId.eq(p.id));
    }
    let invoices = invoices_named(db, q).await?;
    if !invoices.is_empty() {
        let commissions: Vec<i64> = commission::Entity::find()
            .select_only()
            .column(commission::Column::Id)
            .filter(commission::Column::InvoiceId.is_in(invoices))
            .limit(5_000)
            .into_tuple()
            .all(db)
            .await?;
        any = any.add(ledger_transaction::Column::CommissionId.is_in(commissions));
    }
    Ok(any)
}

/// The invoices that a Stripe id or an invoice number speaks of.
async fn invoices_named(db: &impl ConnectionTrait, q: &str) -> Result<Vec<i64>> {
    let by_line = invoice_line::Entity::find()
        .filter(invoice_line::Column::StripeId.eq(q))
        .one(db)
        .await?
        .map(|line| line.invoice_id);
    let by_return = invoice_return::Entity::find()
        .filter(invoice_return::Column::StripeId.eq(q))
        .one(db)
        .await?
        .map(|row| row.invoice_id);
    let mut ids: Vec<i64> = by_line.into_iter().chain(by_return).collect();
    if let Some(row) = invoice::Entity::find()
        .filter(invoice::Column::StripeId.eq(q))
        .one(db)
        .await?
    {
        ids.push(row.id);
    }
    if let Some(row) = customer::Entity::find()
        .filter(customer::Column::StripeId.eq(q))
        .one(db)
        .await?
    {
        let of_customer: Vec<i64> = invoice::Entity::find()
            .select_only()
            .column(invoice::Column::Id)
            .filter(of_customers([row.id]))
            .limit(1_000)
            .into_tuple()
            .all(db)
            .await?;
        ids.extend(of_customer);
    }
    Ok(ids)
}

/// The transactions with their postings and the accounts' names.
async fn with_legs(
    db: &impl ConnectionTrait,
    transactions: Vec<ledger_transaction::Model>,
) -> Result<Vec<JournalLine>> {
    let postings = posting::Entity::find()
        .filter(posting::Column::TransactionId.is_in(transactions.iter().map(|t| t.id)))
        .order_by_asc(posting::Column::Id)
        .all(db)
        .await?;
    let ids: std::collections::BTreeSet<i64> =
        postings.iter().map(|p| p.ledger_account_id).collect();
    let accounts: HashMap<i64, ledger_account::Model> = ledger_account::Entity::find()
        .filter(ledger_account::Column::Id.is_in(ids))
        .all(db)
        .await?
        .into_iter()
        .map(|a| (a.id, a))
        .collect();
    let names = partner_names(db, accounts.values().filter_map(|a| a.partner_id)).await?;
    let mut legs: HashMap<i64, Vec<Leg>> = HashMap::new();
    for p in postings {
        let Some(account) = accounts.get(&p.ledger_account_id) else {
            continue;
        };
        legs.entry(p.transaction_id).or_default().push(Leg {
            account_id: account.id,
            code: account.code.clone(),
            label: label(account, &names),
            amount: p.amount,
            currency: account.currency.clone(),
        });
    }
    Ok(transactions
        .into_iter()
        .map(|t| JournalLine {
            legs: legs.remove(&t.id).unwrap_or_default(),
            id: t.id,
            reference: t.reference,
            kind: t.kind,
            description: t.description,
            commission_id: t.commission_id,
            payout_id: t.payout_id,
            effective_at: t.effective_at,
            created_at: t.created_at,
        })
        .collect())
}

/// What a person calls an account.
fn label(account: &ledger_account::Model, names: &HashMap<i64, String>) -> String {
    let words = account
        .code
        .parse::<AccountCode>()
        .map_or_else(|_| account.code.clone(), |code| code.label().to_owned());
    match account.partner_id.and_then(|id| names.get(&id)) {
        Some(name) => format!("{name} · {words}"),
        None => words,
    }
}

/// Partners' names by id.
pub(crate) async fn partner_names(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = i64>,
) -> Result<HashMap<i64, String>> {
    let ids: std::collections::BTreeSet<i64> = ids.into_iter().collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    Ok(partner::Entity::find()
        .select_only()
        .column(partner::Column::Id)
        .column(partner::Column::Name)
        .filter(partner::Column::Id.is_in(ids))
        .into_tuple::<(i64, String)>()
        .all(db)
        .await?
        .into_iter()
        .collect())
}

/// An account with its balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountLine {
    /// `ledger_account.id`.
    pub id: i64,
    /// The code.
    pub code: String,
    /// What a person calls it, with the partner's name.
    pub label: String,
    /// `partner.id`, for a partner's accounts.
    pub partner_id: Option<i64>,
    /// The currency.
    pub currency: String,
    /// Minor units; positive is what the vendor owes on a partner's account.
    pub balance: i64,
}

/// The accounts whose code, currency or partner contains `q`, by code.
///
/// # Errors
/// [`crate::Error::NotFound`] for people outside the vendor.
pub async fn accounts(ctx: &Context, q: &str) -> Result<Vec<AccountLine>> {
    ctx.any_staff()?;
    let db = ctx.reader();
    let rows = ledger_account::Entity::find()
        .order_by_asc(ledger_account::Column::PartnerId)
        .order_by_asc(ledger_account::Column::Currency)
        .order_by_asc(ledger_account::Column::Code)
        .all(db)
        .await?;
    let names = partner_names(db, rows.iter().filter_map(|a| a.partner_id)).await?;
    let q = q.trim().to_lowercase();
    Ok(rows
        .into_iter()
        .map(|a| account_line(a, &names))
        .filter(|a| {
            q.is_empty()
                || a.label.to_lowercase().contains(&q)
                || a.code.contains(&q)
                || a.currency.to_lowercase() == q
        })
        .collect())
}

/// One account.
///
/// # Errors
/// [`crate::Error::NotFound`] where there is none, and for people outside the vendor.
pub async fn account_page(ctx: &Context, id: i64) -> Result<AccountLine> {
    ctx.any_staff()?;
    let db = ctx.reader();
    let row = ledger_account::Entity::find_by_id(id)
        .one(db)
        .await?
        .ok_or(crate::Error::NotFound)?;
    let names = partner_names(db, row.partner_id).await?;
    Ok(account_line(row, &names))
}

fn account_line(a: ledger_account::Model, names: &HashMap<i64, String>) -> AccountLine {
    AccountLine {
        label: label(&a, names),
        id: a.id,
        code: a.code,
        partner_id: a.partner_id,
        currency: a.currency,
        balance: a.balance,
    }
}
