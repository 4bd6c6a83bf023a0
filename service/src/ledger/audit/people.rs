//! What needed two people: bookings by hand that add up to more than one person may approve, approvals
//! by people whose role was too young for it, and runs that a second person should have approved.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::calendar;
use domain::money::{Currency, Money};
use entity::{commission, event, payout_run, policy_version, program, staff_grant};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use super::Report;
use crate::error::{Error, Result};
use crate::identity;
use crate::program::limit::Limits;

/// What an approval of money is called in the timeline.
const APPROVALS: [&str; 2] = ["payout_run.approved", "commission.approved"];
/// What giving somebody a role is called there.
const ROLES: [&str; 3] = ["staff.added", "staff.role_changed", "staff.enabled"];
/// How long a role of before its time was kept should have waited.
const WAIT: TimeDelta = TimeDelta::hours(24);

pub(super) async fn people(tx: &impl ConnectionTrait, report: &mut Report) -> Result<()> {
    for program in program::Entity::find().all(tx).await? {
        by_hand(tx, &program, report).await?;
    }
    young_roles(tx, report).await?;
    let one_alone = payout_run::Entity::find()
        .filter(payout_run::Column::NeedsSecond.eq(true))
        .filter(payout_run::Column::SecondApprovedBy.is_null())
        .filter(payout_run::Column::Status.is_in([
            "approved",
            "waiting_for_balance",
            "sending",
            "done",
        ]))
        .order_by_asc(payout_run::Column::Id)
        .all(tx)
        .await?;
    for run in one_alone {
        let message = format!("({}) needed two approvals and has one", run.number);
        report.add("payout_run", run.id, message);
    }
    Ok(())
}

/// Who or what amounts are added up for, on one day and in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Person(i64),
    Partner(i64),
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(id) => write!(f, "by person {id}"),
            Self::Partner(id) => write!(f, "for partner {id}"),
        }
    }
}

/// Adds up what was booked by hand with one person alone and compares it with the limit of the last
/// booking among them.
async fn by_hand(
    tx: &impl ConnectionTrait,
    program: &program::Model,
    report: &mut Report,
) -> Result<()> {
    let lines = commission::Entity::find()
        .filter(commission::Column::ProgramId.eq(program.id))
        .filter(Expr::cust(
            "kind IN ('adjustment', 'bonus', 'clawback', 'write_off')",
        ))
        .filter(commission::Column::State.ne("canceled"))
        .order_by_asc(commission::Column::Id)
        .all(tx)
        .await?;
    if lines.is_empty() {
        return Ok(());
    }
    let policies = policy_version::Entity::find()
        .filter(policy_version::Column::ProgramId.eq(program.id))
        .order_by_desc(policy_version::Column::Version)
        .all(tx)
        .await?;
    let wait = identity::wait(tx).await?;
    let zone = crate::program::zone(program);
    let home: Currency = program.currency.parse().map_err(Error::internal)?;
    let mut sums: BTreeMap<(NaiveDate, String, Whose), i64> = BTreeMap::new();
    for line in &lines {
        let Some(asker) = line.explain.get("asked_by").and_then(|by| by.as_i64()) else {
            continue;
        };
        let waits = line.explain.get("needs_second").and_then(|n| n.as_bool()) == Some(true);
        if waits || line.explain.get("approved_by").is_some() {
            continue;
        }
        let currency: Currency = line.currency.parse().map_err(Error::internal)?;
        // Of before limits added up: the limit that was looked at then is kept with the line.
        let limit = match line.explain.get("limit").and_then(|limit| limit.as_i64()) {
            Some(limit) => limit,
            None => Limits::at(line.created_at, wait, home, &policies).second_approval(currency),
        };
        let day = calendar::local_date(line.created_at, zone);
        let mut above = None;
        for whose in [Whose::Person(asker), Whose::Partner(line.partner_id)] {
            let sum = sums.entry((day, line.currency.clone(), whose)).or_default();
            *sum = sum.saturating_add(line.amount.saturating_abs());
            if *sum > limit && above.is_none() {
                above = Some((whose, *sum));
            }
        }
        if let Some((whose, sum)) = above {
            let (sum, limit) = (Money::new(sum, currency), Money::new(limit, currency));
            let message = format!(
                "was booked without a second person; with the day’s other bookings ({whose}) it comes \
                 to {}, and one person may approve {}",
                sum.format("en"),
                limit.format("en")
            );
            report.add("commission", line.id, message);
        }
    }
    Ok(())
}

/// From when somebody's role counts for approving money.
struct Grant {
    given_at: DateTime<Utc>,
    counts_from: DateTime<Utc>,
    confirmed_at: Option<DateTime<Utc>>,
}

/// Compares each approval with the role of who gave it. Roles of before their time was kept are known
/// from the timeline alone.
async fn young_roles(tx: &impl ConnectionTrait, report: &mut Report) -> Result<()> {
    let mut grants: HashMap<i64, Vec<Grant>> = HashMap::new();
    let rows = staff_grant::Entity::find().all(tx).await?;
    let kept: HashSet<(i64, DateTime<Utc>)> =
        rows.iter().map(|g| (g.person_id, g.given_at)).collect();
    for row in rows {
        grants.entry(row.person_id).or_default().push(Grant {
            given_at: row.given_at,
            counts_from: row.counts_from,
            confirmed_at: row.confirmed_at,
        });
    }
    let given = event::Entity::find()
        .filter(event::Column::SubjectType.eq("person"))
        .filter(event::Column::Action.is_in(ROLES))
        .filter(event::Column::ActorId.is_not_null())
        .all(tx)
        .await?;
    for role in given {
        if kept.contains(&(role.subject_id, role.at)) {
            continue;
        }
        grants.entry(role.subject_id).or_default().push(Grant {
            given_at: role.at,
            counts_from: role.at + WAIT,
            confirmed_at: None,
        });
    }
    if grants.is_empty() {
        return Ok(());
    }
    let approvals = event::Entity::find()
        .filter(event::Column::Action.is_in(APPROVALS))
        .filter(event::Column::ActorId.is_in(grants.keys().copied()))
        .order_by_asc(event::Column::Id)
        .all(tx)
        .await?;
    for approval in approvals {
        let Some(person) = approval.actor_id else {
            continue;
        };
        let newest = grants.get(&person).and_then(|all| {
            let before = all.iter().filter(|grant| grant.given_at <= approval.at);
            before.max_by_key(|grant| grant.given_at)
        });
        let Some(grant) = newest else { continue };
        let confirmed = grant.confirmed_at.is_some_and(|at| at <= approval.at);
        if approval.at < grant.counts_from && !confirmed {
            let table = match approval.action.as_str() {
                "payout_run.approved" => "payout_run",
                _ => "commission",
            };
            let message = format!(
                "was approved by person {person}, whose role counts for it only from {}",
                grant.counts_from.to_rfc3339()
            );
            report.add(table, approval.subject_id, message);
        }
    }
    Ok(())
}
