//! Freezing what an approved run pays, before any money moves: members, amounts, currencies,
//! destinations and keys. A large run is frozen in pieces, each a transaction of its own, so that
//! nobody waits for the database's writer meanwhile; how far it is stands with the run, and a process
//! that dies is followed by one that goes on there.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use domain::money::Money;
use domain::payout::{Freezing, LeftOut, PayoutStatus, RunStatus};
use entity::{commission, payout, payout_item, payout_run};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, Value, sea_query::Expr,
};

use super::approve::names;
use super::count::{Balance, MEMBERS, balances, members};
use crate::bulk;
use crate::commission::hold_lines;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::event::Entry;
use crate::job;
use crate::ledger::post_many;
use crate::payout::gate::{self, Stage};
use crate::payout::{Next, books, jobs, money, send, sweep};

/// The most items in one transaction.
const ITEMS: u64 = 250;
/// The most lines in one transaction, as long as one item has not more by itself.
const LINES: i64 = 20_000;
/// Rows of one insert.
const ROWS: usize = 100;
/// How long a job goes on before another gets its turn.
const TURN: Duration = Duration::from_secs(8);
/// How many partners a sentence names.
pub(super) const NAMED: usize = 5;

/// What a piece came to.
pub(super) struct Piece {
    /// Payouts frozen.
    pub(super) frozen: usize,
    /// Partners left out, with the reason.
    pub(super) left_out: Vec<(i64, LeftOut)>,
    /// Whether nothing is left to freeze.
    pub(super) last: bool,
    /// What the caller books, last.
    pub(super) entries: Vec<books::ToBook>,
}

/// Freezes the first piece of a run that has just been approved; a job goes on with the rest.
pub(super) async fn first(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    run: &payout_run::Model,
) -> Result<Piece> {
    let piece = piece(ctx, tx, run).await?;
    if !piece.last {
        let key = format!("{}:{}", jobs::FREEZE_RUN, run.id);
        let payload = jobs::Run { run_id: run.id };
        job::enqueue(ctx, tx, jobs::FREEZE_RUN, &payload, Some(key), ctx.now()).await?;
    }
    Ok(piece)
}

/// Goes on freezing an approved run. May be called again at any time, by any process.
///
/// # Errors
/// When the database refuses; what was frozen before stays so.
pub async fn freeze(ctx: &Context, run_id: i64) -> Result<Next> {
    let began = Instant::now();
    loop {
        let tx = ctx.begin().await?;
        let run = payout_run::Entity::find_by_id(run_id)
            .lock_exclusive()
            .one(&*tx)
            .await?
            .ok_or(Error::NotFound)?;
        if run.status != RunStatus::Approved.as_str() || run.frozen_at.is_some() {
            return Ok(Next::Done);
        }
        let piece = piece(ctx, &*tx, &run).await?;
        post_many(ctx, &*tx, piece.entries).await?;
        tx.commit().await?;
        if piece.last {
            return Ok(Next::Done);
        }
        if began.elapsed() > TURN {
            return Ok(Next::Again(ctx.now()));
        }
    }
}

/// Freezes the next items of a run whose row is locked.
async fn piece(ctx: &Context, tx: &impl ConnectionTrait, run: &payout_run::Model) -> Result<Piece> {
    let (items, last) = next_items(tx, run).await?;
    let judged = judge(ctx, tx, run, &items).await?;
    let mut left_out = Vec::new();
    let mut paid = Vec::new();
    for (item, verdict) in items.iter().zip(judged) {
        match verdict {
            Verdict::Pays(account) => paid.push((item, account)),
            Verdict::LeftOut(reason) => left_out.push((item, reason)),
        }
    }
    leave_out(tx, &left_out).await?;
    let entries = intend(ctx, tx, run, &paid).await?;
    let left_out: Vec<_> = left_out
        .iter()
        .map(|(i, why)| (i.partner_id, *why))
        .collect();
    if !left_out.is_empty() {
        let why = in_words(&names(tx, &left_out).await?, &left_out);
        let said = format!("Left out when it was approved: {why}.");
        Entry::new("payout_run.left_out", "payout_run", run.id, said)
            .record(ctx, tx)
            .await?;
    }
    move_on(ctx, tx, run, items.last().map(|item| item.id), last).await?;
    Ok(Piece {
        frozen: paid.len(),
        left_out,
        last,
        entries,
    })
}

/// The next items that are to be paid, and whether there are no more after them.
async fn next_items(
    tx: &impl ConnectionTrait,
    run: &payout_run::Model,
) -> Result<(Vec<payout_item::Model>, bool)> {
    let mut items = payout_item::Entity::find()
        .filter(payout_item::Column::RunId.eq(run.id))
        .filter(payout_item::Column::Included.eq(true))
        .filter(payout_item::Column::Id.gt(run.frozen_to))
        .order_by_asc(payout_item::Column::Id)
        .limit(ITEMS + 1)
        .all(tx)
        .await?;
    let mut lines = 0_i64;
    let fit = items
        .iter()
        .take(usize::try_from(ITEMS).unwrap_or(usize::MAX))
        .take_while(|item| {
            let first = lines == 0;
            lines = lines.saturating_add(item.lines.unwrap_or(1).max(1));
            first || lines <= LINES
        })
        .count();
    let last = fit == items.len();
    items.truncate(fit);
    Ok((items, last))
}

/// What is to become of an item.
enum Verdict {
    /// It is paid to this account.
    Pays(String),
    /// It is not paid.
    LeftOut(LeftOut),
}

/// Asks the gate about items, with their partners and lines locked.
async fn judge(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    run: &payout_run::Model,
    items: &[payout_item::Model],
) -> Result<Vec<Verdict>> {
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let mut partners: Vec<i64> = items.iter().map(|item| item.partner_id).collect();
    partners.sort_unstable();
    partners.dedup();
    gate::lock_partners(tx, &partners).await?;
    let of_them = commission::Column::PartnerId.is_in(partners.iter().copied());
    hold_lines(tx, members(run).add(of_them)).await?;
    let known = gate::known(ctx, tx, &partners).await?;
    let open = gate::open_payouts(tx, &partners).await?;
    let excluded = gate::exclusions(tx, run.id).await?;
    let now: HashMap<(i64, String), Balance> = balances(tx, run, Some(&partners))
        .await?
        .into_iter()
        .map(|b| ((b.partner_id, b.currency.clone()), b))
        .collect();
    let verdicts = items.iter().map(|item| {
        let partner = known.get(&item.partner_id).ok_or(Error::NotFound)?;
        let key = (item.partner_id, item.currency.clone());
        let freezing = Freezing {
            standing: partner.standing,
            excluded: excluded.contains_key(&key),
            open_payout: open.contains(&key),
            as_submitted: now.get(&key).is_some_and(|b| as_submitted(item, b)),
        };
        Ok(match (freezing.refusal(), &partner.account) {
            (Some(reason), _) => Verdict::LeftOut(reason),
            (None, Some(account)) => Verdict::Pays(account.clone()),
            (None, None) => Verdict::LeftOut(LeftOut::NoAccount),
        })
    });
    verdicts.collect()
}

/// Whether an item's lines are those that were submitted.
fn as_submitted(item: &payout_item::Model, now: &Balance) -> bool {
    item.amount == now.amount
        && item.lines.is_none_or(|lines| lines == now.lines)
        && item.line_sum.is_none_or(|sum| sum == now.line_sum)
}

/// Takes items out of what is paid, each with its reason.
async fn leave_out(
    tx: &impl ConnectionTrait,
    items: &[(&payout_item::Model, LeftOut)],
) -> Result<()> {
    let rows: Vec<Vec<Value>> = items
        .iter()
        .map(|(item, reason)| vec![item.id.into(), reason.label().into()])
        .collect();
    let sql = format!(
        "UPDATE payout_item SET included = FALSE, reason = v.reason, stage = '{}' FROM v \
         WHERE payout_item.id = v.id",
        Stage::Approval.as_str()
    );
    bulk::update_from(tx, &[("id", "BIGINT"), ("reason", "TEXT")], &rows, &sql).await?;
    Ok(())
}

/// Writes the payouts of items, each with its account and a key of its own, and puts the lines into
/// them; says what is to be booked.
async fn intend(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    run: &payout_run::Model,
    paid: &[(&payout_item::Model, String)],
) -> Result<Vec<books::ToBook>> {
    let ids = bulk::reserve::<payout::Entity>(tx, paid.len()).await?;
    let mut rows = Vec::with_capacity(paid.len());
    let mut links: Vec<Vec<Value>> = Vec::with_capacity(paid.len());
    let mut rests = Vec::new();
    let mut entries = Vec::with_capacity(paid.len());
    for ((item, account), id) in paid.iter().zip(ids) {
        let balance = money(item.amount, &item.currency)?;
        let amount = Money::new(
            balance.currency.transferable(balance.minor),
            balance.currency,
        );
        rows.push(payout::ActiveModel {
            id: Set(id),
            run_id: Set(run.id),
            partner_id: Set(item.partner_id),
            currency: Set(item.currency.clone()),
            amount: Set(amount.minor),
            destination: Set(account.clone()),
            // Random beside the id: another database must never reuse a key of this one.
            idempotency_key: Set(format!("portico-payout-{:032x}", rand::random::<u128>())),
            status: Set(PayoutStatus::Intended.as_str().to_owned()),
            reversed: Set(0),
            attempts: Set(0),
            created_at: Set(ctx.now()),
            ..Default::default()
        });
        links.push(vec![
            item.partner_id.into(),
            item.currency.clone().into(),
            id.into(),
            run.id.into(),
        ]);
        let rest = Money::new(balance.minor - amount.minor, balance.currency);
        if !rest.is_zero() {
            rests.push((item.partner_id, id, rest));
        }
        let reference = send::reference(id);
        entries.push(books::enter(ctx, id, item.partner_id, amount, &reference)?);
    }
    for rows in rows.chunks(ROWS) {
        payout::Entity::insert_many(rows.to_vec())
            .exec_without_returning(tx)
            .await?;
    }
    take_lines(tx, paid, &links).await?;
    for (partner, payout, rest) in rests {
        let note = books::IN_STEPS;
        books::carry(ctx, tx, run.program_id, partner, payout, rest, note).await?;
    }
    Ok(entries)
}

/// Puts the lines of items into their payouts: exactly those that were judged.
async fn take_lines(
    tx: &impl ConnectionTrait,
    paid: &[(&payout_item::Model, String)],
    links: &[Vec<Value>],
) -> Result<()> {
    let sql = format!(
        "UPDATE commission SET state = 'in_payout', payout_id = v.payout_id \
         FROM v JOIN payout_run r ON r.id = v.run_id \
         WHERE commission.partner_id = v.partner_id AND commission.currency = v.currency \
           AND {MEMBERS}"
    );
    let columns = [
        ("partner_id", "BIGINT"),
        ("currency", "TEXT"),
        ("payout_id", "BIGINT"),
        ("run_id", "BIGINT"),
    ];
    let taken = bulk::update_from(tx, &columns, links, &sql).await?;
    let expected: Option<i64> = paid.iter().map(|(item, _)| item.lines).sum();
    match expected {
        // A line that came in the instant since they were judged: the next look finds it.
        Some(lines) if u64::try_from(lines) != Ok(taken) => Err(Error::conflict(
            "What this run pays is changing at this moment. Nothing was done. Try again.",
        )),
        _ => Ok(()),
    }
}

/// Notes how far the run is; after the last piece it may be sent.
async fn move_on(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    run: &payout_run::Model,
    to: Option<i64>,
    last: bool,
) -> Result<()> {
    let to = to.unwrap_or(run.frozen_to);
    let mut update = payout_run::Entity::update_many()
        .col_expr(payout_run::Column::FrozenTo, Expr::value(to))
        .filter(payout_run::Column::Id.eq(run.id));
    if last {
        update = update.col_expr(payout_run::Column::FrozenAt, Expr::value(ctx.now()));
        sweep::wake_run(ctx, tx, run.id).await?;
    }
    update.exec(tx).await?;
    Ok(())
}

/// `North: Held by finance; South: …; and 3 more`.
pub(super) fn in_words(names: &[(i64, String)], left_out: &[(i64, LeftOut)]) -> String {
    let mut said: Vec<String> = left_out
        .iter()
        .take(NAMED)
        .map(|(id, reason)| {
            let name = names.iter().find(|(partner, _)| partner == id);
            let name = name.map_or_else(|| format!("Partner {id}"), |(_, name)| name.clone());
            format!("{name}: {}", reason.label())
        })
        .collect();
    if left_out.len() > NAMED {
        said.push(format!("and {} more", left_out.len() - NAMED));
    }
    said.join("; ")
}
