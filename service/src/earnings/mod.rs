//! What people look at first: a partner's earnings, and what finance owes.
//!
//! Balances come from the ledger's accounts and sums from the partner's months, both kept in step
//! when lines are booked: no page here counts commissions.

mod customers;
mod finance;

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use domain::calendar;
use domain::ledger::{AccountCode, Bucket};
use domain::money::{Currency, Money};
use domain::plan::PlanRules;
use entity::{ledger_account, partner, partner_month, program as programs, tier};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, Statement,
};

use crate::commission::scope;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::tier::{COUNTERS, Counters, Standing, compose};
use crate::{ledger, program};

pub use customers::{CustomerLine, CustomerQuery, customers};
pub use finance::{Age, Exceptions, FinanceHome, Owed, finance_home};

/// What a partner has in one currency, by state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// The currency.
    pub currency: Currency,
    /// On hold until a date.
    pub pending: i64,
    /// Stopped by a review or a dispute.
    pub held: i64,
    /// May be paid; negative when the partner owes.
    pub payable: i64,
    /// On its way.
    pub in_payout: i64,
}

/// One month in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Month {
    /// `YYYY-MM` in the program's zone.
    pub month: String,
    /// The currency.
    pub currency: Currency,
    /// Minor units.
    pub earned: i64,
    /// Minor units; zero or negative.
    pub given_back: i64,
    /// Net invoice amounts behind it.
    pub revenue: i64,
}

/// What the next payout comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextPayout {
    /// The day, in the program's zone.
    pub on: NaiveDate,
    /// By currency: what is payable now and at least the minimum.
    pub estimates: Vec<Money>,
    /// By currency: what stays because it is below the minimum.
    pub below_minimum: Vec<Money>,
    /// Whether the payout account can receive.
    pub account_ready: bool,
}

/// A line of late.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Recent {
    /// `commission.id`.
    pub id: i64,
    /// The customer.
    pub customer: Option<String>,
    /// The kind.
    pub kind: String,
    /// The rule.
    pub rule_name: String,
    /// Minor units.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
    /// The state.
    pub state: String,
    /// When the hold ends.
    pub hold_until: DateTime<Utc>,
    /// When the money arrived.
    pub earned_at: DateTime<Utc>,
}

/// A partner's earnings, as its home shows them.
#[derive(Clone, Debug, PartialEq)]
pub struct Earnings {
    /// By currency, the program's first.
    pub balances: Vec<Balance>,
    /// The last twelve months, oldest first, every month and every currency that occurs.
    pub months: Vec<Month>,
    /// Tier and the way to the next.
    pub standing: Standing,
    /// The next payout.
    pub next_payout: NextPayout,
    /// The latest lines, newest first.
    pub recent: Vec<Recent>,
}

/// What is known about the partner before anything is added up.
#[derive(FromQueryResult)]
struct Head {
    rules: Option<sea_orm::JsonValue>,
    payout_minimum: i64,
    payout_minimums: sea_orm::JsonValue,
    payout_day: i64,
    account_ready: i64,
    notice_until: Option<DateTime<Utc>>,
    revenue: i64,
    customers: i64,
    won_deals: i64,
    certified: i64,
}

/// The earnings of the actor's partner, or of the one that staff ask about.
///
/// # Errors
/// [`Error::NotFound`] for a missing or foreign partner; [`Error::Forbidden`] for members who do not
/// see earnings.
pub async fn earnings(ctx: &Context, partner_id: i64) -> Result<Earnings> {
    if scope(ctx).await?.is_some_and(|own| own != partner_id) {
        return Err(Error::NotFound);
    }
    let db = ctx.reader();
    let (owner, program) = partner_and_program(db, partner_id).await?;
    let tiers = program::tiers(db, program.id).await?;
    let head = head(db, &owner, &program, ctx.now()).await?;
    let accounts = ledger::partner_balances(db, partner_id).await?;
    let months = months(db, partner_id, &program, ctx.now()).await?;
    let recent = recent(db, partner_id, 8).await?;
    let plan: Option<PlanRules> = head
        .rules
        .clone()
        .and_then(|rules| serde_json::from_value(rules).ok());
    let own: Currency = program.currency.parse().map_err(Error::internal)?;
    let balances = balances(&accounts, own)?;
    Ok(Earnings {
        next_payout: next_payout(&head, &program, &balances, own, ctx.now()),
        standing: standing(&owner, &program, &tiers, &head, plan.as_ref())?,
        balances,
        months,
        recent,
    })
}

fn standing(
    owner: &partner::Model,
    program: &programs::Model,
    tiers: &[tier::Model],
    head: &Head,
    plan: Option<&PlanRules>,
) -> Result<Standing> {
    let metrics = domain::tier::Metrics {
        revenue_minor: head.revenue,
        customers: head.customers,
        won_deals: head.won_deals,
        certified: head.certified,
    };
    compose(owner, program, tiers, metrics, head.notice_until, plan)
}

async fn partner_and_program(
    db: &impl ConnectionTrait,
    partner_id: i64,
) -> Result<(partner::Model, programs::Model)> {
    use sea_orm::{JoinType, QuerySelect, RelationTrait};
    let found = partner::Entity::find()
        .join(JoinType::InnerJoin, partner::Relation::Program.def())
        .select_also(programs::Entity)
        .filter(partner::Column::Id.eq(partner_id))
        .one(db)
        .await?;
    match found {
        Some((owner, Some(program))) => Ok((owner, program)),
        _ => Err(Error::NotFound),
    }
}

/// Policy, plan, account and the tier's figures in one statement.
async fn head(
    db: &impl ConnectionTrait,
    owner: &partner::Model,
    program: &programs::Model,
    now: DateTime<Utc>,
) -> Result<Head> {
    let [partner, currency, month, at, year_ago] = Counters::parameters(owner.id, program, now);
    let statement = Statement::from_sql_and_values(
        db.get_database_backend(),
        format!(
            "SELECT \
               (SELECT v.rules FROM plan_version v WHERE v.plan_id = $6 AND v.status = 'published' \
                 AND v.effective_from <= $4 ORDER BY v.effective_from DESC, v.version DESC LIMIT 1) \
                 AS rules, \
               p.payout_minimum, p.payout_minimums, p.payout_day, \
               (SELECT CAST(count(*) AS BIGINT) FROM payout_account \
                 WHERE partner_id = $1 AND state = 'ready') AS account_ready, \
               (SELECT CASE WHEN t.kind = 'notice' THEN t.effective_at END FROM tier_change t \
                 WHERE t.partner_id = $1 ORDER BY t.id DESC LIMIT 1) AS notice_until, \
               {COUNTERS} \
             FROM policy_version p WHERE p.program_id = $7 AND p.effective_from <= $4 \
             ORDER BY p.effective_from DESC, p.version DESC LIMIT 1"
        ),
        [
            partner,
            currency,
            month,
            at,
            year_ago,
            owner.plan_id.into(),
            program.id.into(),
        ],
    );
    Head::find_by_statement(statement)
        .one(db)
        .await?
        .ok_or_else(|| Error::Internal(format!("program {} has no policy", program.id)))
}

/// The ledger's accounts by currency; the program's own currency is always there.
fn balances(accounts: &[ledger_account::Model], own: Currency) -> Result<Vec<Balance>> {
    let empty = |currency| Balance {
        currency,
        pending: 0,
        held: 0,
        payable: 0,
        in_payout: 0,
    };
    let mut by_currency = BTreeMap::from([(own, empty(own))]);
    for account in accounts {
        let currency: Currency = account.currency.parse().map_err(Error::internal)?;
        let AccountCode::Partner { bucket, .. } = account.code.parse().map_err(Error::internal)?
        else {
            continue;
        };
        if account.balance == 0 && currency != own {
            continue;
        }
        let balance = by_currency
            .entry(currency)
            .or_insert_with(|| empty(currency));
        match bucket {
            Bucket::Pending => balance.pending = account.balance,
            Bucket::Held => balance.held = account.balance,
            Bucket::Payable => balance.payable = account.balance,
            Bucket::InPayout => balance.in_payout = account.balance,
        }
    }
    let mut all: Vec<Balance> = by_currency.into_values().collect();
    all.sort_by_key(|b| b.currency != own);
    Ok(all)
}

/// The last twelve months without gaps.
async fn months(
    db: &impl ConnectionTrait,
    partner_id: i64,
    program: &programs::Model,
    now: DateTime<Utc>,
) -> Result<Vec<Month>> {
    let today = calendar::local_date(now, program::zone(program));
    let names: Vec<String> = (0..12u32)
        .rev()
        .filter_map(|back| today.checked_sub_months(Months::new(back)))
        .map(|date| date.format("%Y-%m").to_string())
        .collect();
    let rows = partner_month::Entity::find()
        .filter(partner_month::Column::PartnerId.eq(partner_id))
        .filter(partner_month::Column::Month.gte(names.first().cloned().unwrap_or_default()))
        .order_by_asc(partner_month::Column::Month)
        .all(db)
        .await?;
    let own: Currency = program.currency.parse().map_err(Error::internal)?;
    let mut all: BTreeMap<(bool, Currency), BTreeMap<String, Month>> = BTreeMap::new();
    let blank = |currency| {
        names
            .iter()
            .map(|month| {
                let empty = Month {
                    month: month.clone(),
                    currency,
                    earned: 0,
                    given_back: 0,
                    revenue: 0,
                };
                (month.clone(), empty)
            })
            .collect::<BTreeMap<_, _>>()
    };
    all.insert((false, own), blank(own));
    for row in rows {
        let currency: Currency = row.currency.parse().map_err(Error::internal)?;
        let months = all
            .entry((currency != own, currency))
            .or_insert_with(|| blank(currency));
        if let Some(month) = months.get_mut(&row.month) {
            month.earned = row.earned;
            month.given_back = row.given_back;
            month.revenue = row.revenue;
        }
    }
    Ok(all.into_values().flat_map(BTreeMap::into_values).collect())
}

async fn recent(db: &impl ConnectionTrait, partner_id: i64, limit: i64) -> Result<Vec<Recent>> {
    let statement = Statement::from_sql_and_values(
        db.get_database_backend(),
        "SELECT c.id, a.name AS customer, c.kind, c.rule_name, c.amount, c.currency, c.state, \
           c.hold_until, c.earned_at \
         FROM commission c LEFT JOIN account a ON a.id = c.account_id \
         WHERE c.partner_id = $1 ORDER BY c.id DESC LIMIT $2",
        [partner_id.into(), limit.into()],
    );
    Ok(Recent::find_by_statement(statement).all(db).await?)
}

/// What would be paid on the program's next payout day if nothing else happened.
fn next_payout(
    head: &Head,
    program: &programs::Model,
    balances: &[Balance],
    own: Currency,
    now: DateTime<Utc>,
) -> NextPayout {
    let today = calendar::local_date(now, program::zone(program));
    let day = u32::try_from(head.payout_day).unwrap_or(1).clamp(1, 28);
    let this_month = today.with_day(day).unwrap_or(today);
    let on = if this_month >= today {
        this_month
    } else {
        this_month
            .checked_add_months(Months::new(1))
            .unwrap_or(this_month)
    };
    let mut next = NextPayout {
        on,
        estimates: Vec::new(),
        below_minimum: Vec::new(),
        account_ready: head.account_ready > 0,
    };
    for balance in balances.iter().filter(|b| b.payable > 0) {
        let amount = balance.currency.transferable(balance.payable);
        let minimum = program::limit::minimum(
            head.payout_minimum,
            &head.payout_minimums,
            own,
            balance.currency,
        );
        let money = Money::new(amount, balance.currency);
        if amount >= minimum && amount > 0 {
            next.estimates.push(money);
        } else {
            next.below_minimum
                .push(Money::new(balance.payable, balance.currency));
        }
    }
    next
}
