//! Whether two people have to approve a run: what it pays adds up with the day's other runs, so that
//! a run above the limit cannot be split into several below it.

use domain::calendar;
use domain::money::Money;
use entity::{payout_run, policy_version};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, Statement,
};

use super::totals;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::program;
use crate::program::limit::{Limits, one_at_a_time, second_reason};

/// Why two people have to approve `run`, which pays `totals`; none where one may. `people` are those
/// who had a hand in it so far, with the one who is about to approve it. Asked when it is submitted
/// and again when it is approved: by the strictest of the limits of the day it was drafted, of now, and
/// of those that were loosened too short a time ago. Runs that two people see count for nobody.
pub(super) async fn why_second(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    run: &payout_run::Model,
    totals: &[Money],
    people: &[i64],
) -> Result<Option<String>> {
    one_at_a_time(tx, run.program_id).await?;
    let program = program::by_id(tx, run.program_id).await?;
    let drafted_under = policy_version::Entity::find_by_id(run.policy_version_id)
        .one(tx)
        .await?
        .ok_or(Error::NotFound)?;
    let limits = Limits::now(ctx, tx, &program).await?.and(drafted_under);
    let zone = program::zone(&program);
    let today = calendar::start_of_day(calendar::local_date(ctx.now(), zone), zone);
    let others = payout_run::Entity::find()
        .filter(payout_run::Column::ProgramId.eq(program.id))
        .filter(payout_run::Column::Id.ne(run.id))
        .filter(payout_run::Column::Status.is_not_in(["draft", "canceled"]))
        .filter(payout_run::Column::NeedsSecond.eq(false))
        .filter(
            Condition::any()
                .add(payout_run::Column::SubmittedAt.gte(today))
                .add(payout_run::Column::ApprovedAt.gte(today)),
        )
        .all(tx)
        .await?;
    let same: Vec<i64> = others
        .iter()
        .filter(|other| hands(other).any(|hand| people.contains(&hand)))
        .map(|other| other.id)
        .collect();
    let others: Vec<i64> = others.iter().map(|other| other.id).collect();
    let by_people = together(tx, &same, totals).await?;
    let to_partner = most_to_one_partner(tx, run.id, &others).await?;
    for total in totals {
        let of = |sums: &[Money]| {
            let found = sums.iter().find(|sum| sum.currency == total.currency);
            found.copied().unwrap_or(Money::new(0, total.currency))
        };
        let sums = [
            (of(&by_people), "and the other runs of the same people"),
            (of(&to_partner), "and the other runs for the same partner"),
        ];
        let why = second_reason(limits.second_approval(total.currency), *total, &sums);
        if why.is_some() {
            return Ok(why);
        }
    }
    Ok(None)
}

/// Who had a hand in a run.
fn hands(run: &payout_run::Model) -> impl Iterator<Item = i64> {
    let all = [run.created_by, run.submitted_by, run.approved_by];
    all.into_iter().flatten()
}

/// What several runs pay with this one’s `totals`, in the currencies of this one.
async fn together(tx: &impl ConnectionTrait, runs: &[i64], all: &[Money]) -> Result<Vec<Money>> {
    let mut sums = all.to_vec();
    for run in runs {
        for other in totals(tx, *run).await? {
            if let Some(sum) = sums.iter_mut().find(|s| s.currency == other.currency) {
                sum.minor = sum.minor.saturating_add(other.minor);
            }
        }
    }
    Ok(sums)
}

/// The most that one partner of a run gets in each currency, with what other runs pay to it.
async fn most_to_one_partner(
    tx: &impl ConnectionTrait,
    run_id: i64,
    others: &[i64],
) -> Result<Vec<Money>> {
    #[derive(FromQueryResult)]
    struct Sum {
        currency: String,
        amount: i64,
    }
    if others.is_empty() {
        return Ok(Vec::new());
    }
    let list = others
        .iter()
        .map(i64::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    let sql = format!(
        "SELECT currency, CAST(MAX(amount) AS BIGINT) AS amount FROM ( \
           SELECT i.currency, i.amount + SUM(o.amount) AS amount FROM payout_item i \
           JOIN payout_item o ON o.partner_id = i.partner_id AND o.currency = i.currency \
             AND o.included AND o.run_id IN ({list}) \
           WHERE i.run_id = $1 AND i.included \
           GROUP BY i.id, i.currency, i.amount) AS sums \
         GROUP BY currency"
    );
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, [run_id.into()]);
    let sums = Sum::find_by_statement(statement).all(tx).await?;
    let sums = sums.iter().map(|s| super::money(s.amount, &s.currency));
    sums.collect()
}
