//! What a draft would have paid on past invoices, beside what was in force.
//!
//! The invoices of a span are worked through by the same code that books them, once by the plans
//! that were in force and once by the draft, in one read-only snapshot. What was earned before the
//! span counts for brackets and caps in both; what is earned inside it, each counts for itself.
//! Nothing is written.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use chrono_tz::Tz;
use domain::calendar;
use domain::plan::{PlanRules, Trigger};
use entity::{commission, partner, plan_version, program};
use sea_orm::{
    AccessMode, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait,
    FromQueryResult, IsolationLevel, QueryFilter, QuerySelect, Statement, TransactionTrait,
};

use super::compared::{Found, Simulation};
use super::{by_id, rules_of, version_by_id};
use crate::billing::config::Config;
use crate::billing::unit::Unit;
use crate::commission::history::History;
use crate::context::Context;
use crate::error::{Error, FieldErrors, Result};

/// Invoices worked through at a time.
const CHUNK: usize = 300;
/// Invoices one simulation looks at.
const MOST: usize = 50_000;
/// Months one simulation looks at.
const LONGEST: i32 = 24;

/// Whose invoices are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Partners who are paid by the plan.
    #[default]
    OnPlan,
    /// Every active partner of the program, as if all were on the plan.
    Everybody,
}

/// The months that are looked at, `YYYY-MM`, both included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first.
    pub from: String,
    /// The last.
    pub to: String,
}

impl Span {
    /// The twelve months before this one.
    pub fn usual(program: &program::Model, now: DateTime<Utc>) -> Self {
        let this = first_of(calendar::local_date(now, crate::program::zone(program)));
        let back = |months: u32| {
            let day = this.checked_sub_months(Months::new(months)).unwrap_or(this);
            day.format("%Y-%m").to_string()
        };
        Self {
            from: back(12),
            to: back(1),
        }
    }

    /// The first instant of the span and the first after it.
    fn instants(&self, zone: Tz, now: DateTime<Utc>) -> Result<(DateTime<Utc>, DateTime<Utc>)> {
        let mut errors = FieldErrors::new();
        let read = |text: &str| {
            NaiveDate::parse_from_str(&format!("{}-01", text.trim()), "%Y-%m-%d")
                .ok()
                .filter(|day| (2000..=9998).contains(&day.year()))
                .ok_or("Enter a month as year and month, such as 2026-03.")
        };
        let (from, to) = (
            errors.check("from", read(&self.from)),
            errors.check("to", read(&self.to)),
        );
        if let (Some(from), Some(to)) = (from, to) {
            let months = (to.year() - from.year()) * 12 + to.month() as i32 - from.month() as i32;
            if months < 0 {
                errors.add("to", "The last month is before the first.");
            } else if months >= LONGEST {
                errors.add("to", format!("Choose at most {LONGEST} months."));
            } else if from > calendar::local_date(now, zone) {
                errors.add(
                    "from",
                    "This month has not begun: there are no invoices to look at.",
                );
            }
        }
        errors.finish()?;
        let (Some(from), Some(to)) = (from, to) else {
            return Err(Error::internal("checked values are missing"));
        };
        let after = to.checked_add_months(Months::new(1)).unwrap_or(to);
        Ok((
            calendar::start_of_day(from, zone),
            calendar::start_of_day(after, zone),
        ))
    }
}

fn first_of(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

/// Tries a version on the invoices paid in a span. See the module.
///
/// # Errors
/// [`Error::Invalid`] at `from` and `to`; [`Error::NotFound`] for a missing version and for people
/// outside the vendor, [`Error::Forbidden`] for staff who are neither admin nor auditor.
pub async fn simulate(
    ctx: &Context,
    version_id: i64,
    span: &Span,
    scope: Scope,
) -> Result<Simulation> {
    ctx.admin_reads()?;
    let tx = snapshot(ctx).await?;
    let version = version_by_id(&tx, version_id).await?;
    let plan = by_id(&tx, version.plan_id).await?;
    let program = crate::program::by_id(&tx, plan.program_id).await?;
    let rules = rules_of(&version)?;
    let zone = crate::program::zone(&program);
    let (from, until) = span.instants(zone, ctx.now())?;
    // All of them: a customer may be credited to one that does not take part any more.
    let partners: HashMap<i64, partner::Model> = partner::Entity::find()
        .all(&tx)
        .await?
        .into_iter()
        .map(|p| (p.id, p))
        .collect();
    let mut sides = sides(&tx, &partners, &version, &rules, scope, (from, zone)).await?;
    let invoices = paid(&tx, program.id, from, until).await?;
    if invoices.len() > MOST {
        return Err(Error::field(
            "to",
            format!(
                "{} invoices were paid in this time; at most {MOST} can be looked at. Choose fewer \
                 months.",
                invoices.len()
            ),
        ));
    }
    let mut found = Found::default();
    for chunk in invoices.chunks(CHUNK) {
        let ids: BTreeSet<i64> = chunk.iter().copied().collect();
        let mut unit = crate::billing::unit_for_reading(&tx, ctx.now(), ids).await?;
        let accounts = unit.accounts.clone();
        for (place, side) in sides.iter_mut().enumerate() {
            unit.accounts = accounts.clone();
            side.work(&mut unit, |invoice, row| found.add(place, invoice, row))?;
        }
        let wanted = |id: &i64| {
            let partner = partners
                .get(id)
                .filter(|p| p.program_id == program.id && p.status == "active")?;
            (scope == Scope::Everybody || partner.plan_id == plan.id).then_some(&partner.name)
        };
        found.fold(wanted);
    }
    tx.rollback().await?;
    let never = |t: Trigger| matches!(t, Trigger::DealWon | Trigger::QualifiedMeeting);
    let silent = rules.rules.iter().filter(|r| never(r.trigger));
    Ok(found.finish(invoices.len(), silent.map(|r| r.name.clone()).collect()))
}

/// A snapshot in which nothing can be written.
async fn snapshot(ctx: &Context) -> Result<DatabaseTransaction> {
    Ok(match ctx.db.backend() {
        DbBackend::Postgres => {
            ctx.reader()
                .begin_with_config(
                    Some(IsolationLevel::RepeatableRead),
                    Some(AccessMode::ReadOnly),
                )
                .await?
        }
        // A deferred transaction reads one snapshot, and is never committed.
        _ => ctx.reader().begin().await?,
    })
}

/// The invoices paid in a span by customers of accounts that the program credits to somebody, in
/// the order in which they were paid.
async fn paid(
    tx: &impl ConnectionTrait,
    program_id: i64,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<i64>> {
    #[derive(FromQueryResult)]
    struct Id {
        id: i64,
    }
    let statement = Statement::from_sql_and_values(
        tx.get_database_backend(),
        "SELECT i.id FROM invoice i JOIN customer c ON c.id = i.customer_id \
         WHERE i.status = 'paid' AND i.paid_at >= $1 AND i.paid_at < $2 \
         AND EXISTS (SELECT 1 FROM attribution a \
           WHERE a.account_id = c.account_id AND a.program_id = $3) \
         ORDER BY i.paid_at, i.id",
        [from.into(), until.into(), program_id.into()],
    );
    let ids = Id::find_by_statement(statement).all(tx).await?;
    Ok(ids.into_iter().map(|row| row.id).collect())
}

/// One way of working out the same invoices.
struct Side {
    config: Config,
    history: History,
    /// Who was paid for which account's first payment.
    first_paid: HashMap<i64, BTreeSet<i64>>,
}

/// What was in force, and the draft.
async fn sides(
    tx: &impl ConnectionTrait,
    partners: &HashMap<i64, partner::Model>,
    version: &plan_version::Model,
    rules: &PlanRules,
    scope: Scope,
    (from, zone): (DateTime<Utc>, Tz),
) -> Result<[Side; 2]> {
    let ids: BTreeSet<i64> = partners.keys().copied().collect();
    let none = BTreeSet::new();
    let old = Config::load(tx, &ids, &none).await?;
    let mut new = Config::load(tx, &ids, &none).await?;
    let everybody = scope == Scope::Everybody;
    new.try_out(tx, version, rules.clone(), everybody).await?;
    let needs = |config: &Config| !config.needs_history().partners.is_empty();
    let month = calendar::month_of(from, zone);
    let mut histories = [History::default(), History::default()];
    if needs(&old) || needs(&new) {
        for (history, config) in histories.iter_mut().zip([&old, &new]) {
            *history = History::load_before(tx, config, &month).await?;
        }
    }
    let mut first_paid: HashMap<i64, BTreeSet<i64>> = HashMap::new();
    if old.pays_first() || new.pays_first() {
        let rows: Vec<(Option<i64>, i64)> = commission::Entity::find()
            .select_only()
            .column(commission::Column::AccountId)
            .column(commission::Column::PartnerId)
            .filter(commission::Column::Reference.starts_with("first:"))
            .filter(commission::Column::EarnedAt.lt(from))
            .into_tuple()
            .all(tx)
            .await?;
        for (account, partner) in rows {
            if let Some(account) = account {
                first_paid.entry(account).or_default().insert(partner);
            }
        }
    }
    let [before_old, before_new] = histories;
    Ok([
        Side {
            config: old,
            history: before_old,
            first_paid: first_paid.clone(),
        },
        Side {
            config: new,
            history: before_new,
            first_paid,
        },
    ])
}

impl Side {
    /// Works through the invoices of a unit as if none had earned yet.
    fn work(
        &mut self,
        unit: &mut Unit,
        mut earned: impl FnMut((i64, &str), &commission::Model),
    ) -> Result<()> {
        std::mem::swap(&mut self.config, &mut unit.config);
        std::mem::swap(&mut self.history, &mut unit.history);
        for (id, account) in &mut unit.accounts {
            account.first_paid_to = self.first_paid.get(id).cloned().unwrap_or_default();
        }
        let mut order: Vec<(Option<DateTime<Utc>>, i64, String)> = unit
            .invoices
            .iter()
            .map(|(key, state)| (state.row.paid_at, state.row.id, key.clone()))
            .collect();
        order.sort();
        for (_, id, key) in order {
            let Some(mut state) = unit.invoices.get(&key).cloned() else {
                continue;
            };
            state.commissions.clear();
            crate::commission::accrue(unit, &mut state)
                .map_err(|t| Error::Internal(format!("invoice {key} in a simulation: {t:?}")))?;
            let name = state.row.number.as_deref().unwrap_or(&key);
            for row in &state.commissions {
                earned((id, name), row);
            }
        }
        unit.history.keep();
        for (id, account) in &unit.accounts {
            if !account.first_paid_to.is_empty() {
                self.first_paid.insert(*id, account.first_paid_to.clone());
            }
        }
        std::mem::swap(&mut self.config, &mut unit.config);
        std::mem::swap(&mut self.history, &mut unit.history);
        Ok(())
    }
}
