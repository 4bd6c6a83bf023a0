//! Statements: what one partner earned, gave back and was paid in a month and currency, from the
//! balance it began with to the balance it ended with.
//!
//! Opening balance, movements and closing balance always add up: every line that counts is in one of
//! its month's sums, what was paid is in the month of its transfer, and the closing balance of the last
//! month is the partner's balance in the ledger. Months are those of the program's zone.

mod movements;

use std::collections::BTreeMap;

use chrono_tz::Tz;
use domain::calendar;
use domain::commission::CommissionState;
use domain::money::Currency;
use domain::payout::{Moved, PayoutStatus};
use entity::{commission, partner, partner_month, payout};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::commission::LineQuery;
use crate::context::{Actor, Context};
use crate::error::{Error, Result};
use crate::program;

pub use movements::{Movement, movements};

/// A month of a partner in one currency, in minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Month {
    /// `partner.id`.
    pub partner_id: i64,
    /// `YYYY-MM` in the program's zone.
    pub month: String,
    /// The currency.
    pub currency: Currency,
    /// What the partner was owed when it began; negative when it owed.
    pub opening: i64,
    /// Earned in the month.
    pub earned: i64,
    /// Given back in the month; zero or negative.
    pub given_back: i64,
    /// Debts given up.
    pub written_off: i64,
    /// Transferred in the month.
    pub sent: i64,
    /// Of transfers, taken back at Stripe in the month.
    pub returned: i64,
    /// What the partner was owed when it ended.
    pub closing: i64,
    /// Net invoice amounts behind what was earned.
    pub revenue: i64,
}

impl Month {
    /// Paid in the month: transfers without what of them was taken back.
    pub const fn paid(&self) -> i64 {
        self.sent.saturating_sub(self.returned)
    }
}

/// A month's statement.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Its sums.
    pub sums: Month,
    /// What was earned, given back, given up or carried over, oldest first.
    pub lines: Vec<commission::Model>,
    /// What was transferred and what of it was taken back, oldest first.
    pub transfers: Vec<Transfer>,
}

/// A transfer of a month, or one that was taken back in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// `payout.id`.
    pub payout_id: i64,
    /// When.
    pub at: chrono::DateTime<chrono::Utc>,
    /// Minor units; negative for what was taken back.
    pub amount: i64,
}

/// A partner's months with everything they are made of, of one moment.
struct Account {
    partner_id: i64,
    zone: Tz,
    months: Vec<Month>,
    /// Payouts whose transfer was made, oldest first.
    made: Vec<payout::Model>,
}

impl Account {
    /// The partner whose statements the actor may read: its own, or the one staff asks for.
    async fn load(
        ctx: &Context,
        db: &impl ConnectionTrait,
        partner_id: Option<i64>,
    ) -> Result<Self> {
        let partner_id = match (&ctx.actor, partner_id) {
            (
                Actor::Partner {
                    partner_id: own, ..
                },
                asked,
            ) if asked.is_none_or(|id| id == *own) => {
                ctx.earnings_partner().await?;
                *own
            }
            (Actor::Staff { .. }, Some(id)) => id,
            _ => return Err(Error::NotFound),
        };
        let owner = partner::Entity::find_by_id(partner_id).one(db).await?;
        let owner = owner.ok_or(Error::NotFound)?;
        let zone = program::zone(&program::by_id(db, owner.program_id).await?);
        let booked = partner_month::Entity::find()
            .filter(partner_month::Column::PartnerId.eq(partner_id))
            .all(db)
            .await?;
        let transferred = [PayoutStatus::Paid, PayoutStatus::Reversed];
        let made = payout::Entity::find()
            .filter(payout::Column::PartnerId.eq(partner_id))
            .filter(payout::Column::SettledAt.is_not_null())
            .filter(payout::Column::Status.is_in(transferred.map(PayoutStatus::as_str)))
            .order_by_asc(payout::Column::SettledAt)
            .order_by_asc(payout::Column::Id)
            .all(db)
            .await?;
        Ok(Self {
            partner_id,
            zone,
            months: balanced(partner_id, booked, &made, zone)?,
            made,
        })
    }

    fn month(&self, month: &str, currency: &str) -> Result<Month> {
        let found = self
            .months
            .iter()
            .find(|m| m.month == month && m.currency.code() == currency);
        found.cloned().ok_or(Error::NotFound)
    }
}

/// The months and currencies there are statements for, newest first.
///
/// # Errors
/// [`Error::NotFound`] for a foreign or missing partner.
pub async fn months(ctx: &Context, partner_id: Option<i64>) -> Result<Vec<Month>> {
    let db = ctx.db.snapshot().await?;
    let account = Account::load(ctx, &db, partner_id).await?;
    db.rollback().await?;
    Ok(account.months)
}

/// Puts months and payouts together and carries the balance from month to month.
fn balanced(
    partner_id: i64,
    booked: Vec<partner_month::Model>,
    paid: &[payout::Model],
    zone: Tz,
) -> Result<Vec<Month>> {
    let mut months: BTreeMap<(Currency, String), Month> = BTreeMap::new();
    let blank = |currency: Currency, month: &str| Month {
        partner_id,
        month: month.to_owned(),
        currency,
        opening: 0,
        earned: 0,
        given_back: 0,
        written_off: 0,
        sent: 0,
        returned: 0,
        closing: 0,
        revenue: 0,
    };
    for row in booked {
        let currency: Currency = row.currency.parse().map_err(Error::internal)?;
        let month = months
            .entry((currency, row.month.clone()))
            .or_insert_with(|| blank(currency, &row.month));
        month.earned = row.earned;
        month.given_back = row.given_back;
        month.written_off = row.written_off;
        month.returned = row.returned;
        month.revenue = row.revenue;
    }
    for row in paid {
        let currency: Currency = row.currency.parse().map_err(Error::internal)?;
        let Some(name) = row.settled_at.map(|at| calendar::month_of(at, zone)) else {
            continue;
        };
        let month = months
            .entry((currency, name.clone()))
            .or_insert_with(|| blank(currency, &name));
        month.sent = add(month.sent, sent(row)?)?;
    }
    let mut balance: Option<(Currency, i64)> = None;
    for ((currency, _), month) in &mut months {
        let before = balance.filter(|(of, _)| of == currency);
        month.opening = before.map_or(0, |(_, minor)| minor);
        let movements = [
            month.earned,
            month.given_back,
            month.written_off,
            -month.sent,
            month.returned,
        ];
        month.closing = movements.into_iter().try_fold(month.opening, add)?;
        balance = Some((*currency, month.closing));
    }
    let mut months: Vec<Month> = months.into_values().collect();
    months.sort_by(|a, b| (&b.month, a.currency).cmp(&(&a.month, b.currency)));
    Ok(months)
}

fn add(a: i64, b: i64) -> Result<i64> {
    a.checked_add(b)
        .ok_or_else(|| Error::internal("a statement’s sum would not fit 64 bits"))
}

/// What was transferred by a payout.
fn sent(row: &payout::Model) -> Result<i64> {
    let status: PayoutStatus = row.status.parse().map_err(Error::internal)?;
    Ok(Moved::of(status, row.amount, row.reversed).sent)
}

/// What [`crate::commission::lines`] is asked for to list a statement's lines, oldest first.
///
/// # Errors
/// As [`show`].
pub async fn query(
    ctx: &Context,
    partner_id: Option<i64>,
    month: &str,
    currency: &str,
) -> Result<LineQuery> {
    let db = ctx.db.snapshot().await?;
    let account = Account::load(ctx, &db, partner_id).await?;
    db.rollback().await?;
    let sums = account.month(month, currency)?;
    Ok(LineQuery {
        partner_id: Some(sums.partner_id),
        month: Some(sums.month),
        currency: Some(sums.currency.code().to_owned()),
        sort: "earned".to_owned(),
        ..LineQuery::default()
    })
}

/// The payout of a line by which a transfer that was taken back is payable again.
fn taken_back(line: &commission::Model) -> Option<i64> {
    let of_payout = line.reference.strip_prefix("payout:")?;
    let (id, _) = of_payout.split_once(":came_back:")?;
    id.parse().ok()
}

/// One statement.
///
/// # Errors
/// [`Error::NotFound`] for a foreign partner and for a month without movements.
pub async fn show(
    ctx: &Context,
    partner_id: Option<i64>,
    month: &str,
    currency: &str,
) -> Result<Statement> {
    let db = ctx.db.snapshot().await?;
    let account = Account::load(ctx, &db, partner_id).await?;
    let sums = account.month(month, currency)?;
    let found = commission::Entity::find()
        .filter(commission::Column::PartnerId.eq(account.partner_id))
        .filter(commission::Column::Month.eq(month))
        .filter(commission::Column::Currency.eq(currency))
        .order_by_asc(commission::Column::EarnedAt)
        .order_by_asc(commission::Column::Id)
        .all(&db)
        .await?;
    db.rollback().await?;
    let canceled = CommissionState::Canceled.as_str();
    let (mut lines, mut transfers) = (Vec::new(), Vec::new());
    for line in found {
        match taken_back(&line).filter(|_| line.state != canceled) {
            Some(payout_id) => transfers.push(Transfer {
                payout_id,
                at: line.earned_at,
                amount: -line.amount,
            }),
            None => lines.push(line),
        }
    }
    for row in &account.made {
        let Some(at) = row.settled_at else { continue };
        if row.currency == currency && calendar::month_of(at, account.zone) == month {
            transfers.push(Transfer {
                payout_id: row.id,
                at,
                amount: sent(row)?,
            });
        }
    }
    transfers.sort_by_key(|t| (t.at, t.payout_id));
    Ok(Statement {
        sums,
        lines,
        transfers,
    })
}
