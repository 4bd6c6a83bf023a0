//! Runs: that what left is what was approved, by people who had no hand in it, and that nothing left
//! against what a person decided.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::money::Currency;
use domain::payout::Content;
use entity::{payout_approval, payout_item, payout_run, payout_submission};
use futures::TryStreamExt;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, Statement,
    StreamTrait,
};

use super::Report;
use crate::error::{Error, Result};
use crate::payout::fingerprint;

/// An action's time is when it began. One that was begun this long before a payout was sent had ended.
const BESIDE: TimeDelta = TimeDelta::minutes(2);

/// Looks at every run and what it paid.
pub(super) async fn runs<C: ConnectionTrait + StreamTrait>(
    tx: &C,
    report: &mut Report,
) -> Result<()> {
    payouts(tx, report).await?;
    missing(tx, report).await?;
    hands(tx, report).await?;
    approvals(tx, report).await?;
    against(tx, report).await
}

/// One payout that has not failed, with the item it was made of.
#[derive(FromQueryResult)]
struct Paid {
    id: i64,
    amount: i64,
    currency: String,
    item_amount: Option<i64>,
    included: Option<bool>,
    excluded: Option<String>,
}

/// Payouts against the items of their runs and what people took out.
async fn payouts<C: ConnectionTrait + StreamTrait>(tx: &C, report: &mut Report) -> Result<()> {
    let statement = Statement::from_string(
        ConnectionTrait::get_database_backend(tx),
        "SELECT p.id, p.amount, p.currency, i.amount AS item_amount, i.included, e.reason AS excluded \
         FROM payout p LEFT JOIN payout_item i ON i.run_id = p.run_id \
           AND i.partner_id = p.partner_id AND i.currency = p.currency \
         LEFT JOIN payout_exclusion e ON e.run_id = p.run_id AND e.partner_id = p.partner_id \
           AND e.currency = p.currency AND e.lifted_at IS NULL \
         WHERE p.status <> 'failed' ORDER BY p.id",
    );
    let mut rows = Paid::find_by_statement(statement).stream(tx).await?;
    while let Some(row) = rows.try_next().await? {
        if let Some(why) = &row.excluded {
            let said = format!("was made although a person took out its partner: {why}");
            report.add("payout", row.id, said);
        }
        let (Some(item), Some(true)) = (row.item_amount, row.included) else {
            report.add("payout", row.id, "is not in its run");
            continue;
        };
        let currency: Currency = row.currency.parse().map_err(Error::internal)?;
        let expected = currency.transferable(item);
        if expected != row.amount {
            let said = format!("is of {}, and its run pays {expected}", row.amount);
            report.add("payout", row.id, said);
        }
    }
    Ok(())
}

#[derive(FromQueryResult)]
struct Id {
    id: i64,
}

/// Items of a frozen run that have no payout.
async fn missing<C: ConnectionTrait + StreamTrait>(tx: &C, report: &mut Report) -> Result<()> {
    let statement = Statement::from_string(
        ConnectionTrait::get_database_backend(tx),
        "SELECT i.id FROM payout_run r JOIN payout_item i ON i.run_id = r.id \
         WHERE r.frozen_at IS NOT NULL AND r.status IN ('approved', 'waiting_for_balance', 'sending', 'done') \
           AND i.included AND NOT EXISTS (SELECT 1 FROM payout p WHERE p.run_id = i.run_id \
             AND p.partner_id = i.partner_id AND p.currency = i.currency) ORDER BY i.id",
    );
    let mut rows = Id::find_by_statement(statement).stream(tx).await?;
    while let Some(row) = rows.try_next().await? {
        report.add(
            "payout_item",
            row.id,
            "is paid by its run, and has no payout",
        );
    }
    Ok(())
}

/// Runs that were approved by somebody who composed them.
async fn hands<C: ConnectionTrait + StreamTrait>(tx: &C, report: &mut Report) -> Result<()> {
    #[derive(FromQueryResult)]
    struct Row {
        id: i64,
        person_id: i64,
    }
    let statement = Statement::from_string(
        ConnectionTrait::get_database_backend(tx),
        "SELECT DISTINCT r.id, h.person_id FROM payout_run r JOIN payout_run_hand h \
         ON h.run_id = r.id AND (h.person_id = r.approved_by OR h.person_id = r.second_approved_by) \
         ORDER BY r.id, h.person_id",
    );
    let mut rows = Row::find_by_statement(statement).stream(tx).await?;
    while let Some(row) = rows.try_next().await? {
        let said = format!(
            "was approved by person {}, who composed it too",
            row.person_id
        );
        report.add("payout_run", row.id, said);
    }
    Ok(())
}

/// Approvals against the submission they were of, and what the run pays against that.
async fn approvals<C: ConnectionTrait + StreamTrait>(tx: &C, report: &mut Report) -> Result<()> {
    let approved = payout_run::Entity::find()
        .filter(payout_run::Column::Status.is_in([
            "approved",
            "waiting_for_balance",
            "sending",
            "done",
        ]))
        .order_by_asc(payout_run::Column::Id)
        .all(tx)
        .await?;
    for run in approved {
        let submission = payout_submission::Entity::find()
            .filter(payout_submission::Column::RunId.eq(run.id))
            .order_by_desc(payout_submission::Column::Id)
            .one(tx)
            .await?;
        // Before this was kept there is none.
        let Some(submission) = submission else {
            continue;
        };
        let content = Content::read(&submission.content);
        let (Some(content), true) = (
            content,
            fingerprint(&submission.content) == submission.fingerprint,
        ) else {
            let said = "does not have the fingerprint of its content";
            report.add("payout_submission", submission.id, said);
            continue;
        };
        approvers(tx, &run, &submission.fingerprint, report).await?;
        items(tx, &run, &content, report).await?;
    }
    Ok(())
}

/// Whether everybody who approved a run approved what was submitted last.
async fn approvers<C: ConnectionTrait>(
    tx: &C,
    run: &payout_run::Model,
    submitted: &str,
    report: &mut Report,
) -> Result<()> {
    let given = payout_approval::Entity::find()
        .filter(payout_approval::Column::RunId.eq(run.id))
        .order_by_asc(payout_approval::Column::Id)
        .all(tx)
        .await?;
    let last: HashMap<i64, &str> = given
        .iter()
        .map(|a| (a.person_id, a.fingerprint.as_str()))
        .collect();
    for person in [run.approved_by, run.second_approved_by]
        .into_iter()
        .flatten()
    {
        if last.get(&person) != Some(&submitted) {
            let said = format!("person {person} approved something else than was submitted");
            report.add("payout_run", run.id, said);
        }
    }
    Ok(())
}

/// What a run pays against what was approved.
async fn items<C: ConnectionTrait + StreamTrait>(
    tx: &C,
    run: &payout_run::Model,
    content: &Content,
    report: &mut Report,
) -> Result<()> {
    let mut rows = payout_item::Entity::find()
        .filter(payout_item::Column::RunId.eq(run.id))
        .filter(payout_item::Column::Included.eq(true))
        .order_by_asc(payout_item::Column::Id)
        .stream(tx)
        .await?;
    while let Some(row) = rows.try_next().await? {
        let currency: Currency = row.currency.parse().map_err(Error::internal)?;
        let said = match content.approved(row.partner_id, currency) {
            Some(amount) if amount == row.amount => continue,
            Some(amount) => format!("pays {}; it was approved for {amount}", row.amount),
            None => format!("pays {}, which nobody has approved", row.amount),
        };
        report.add("payout_item", row.id, said);
    }
    Ok(())
}

/// Payouts that were sent while their partner's payouts were on hold, or the partner was shut out.
async fn against<C: ConnectionTrait + StreamTrait>(tx: &C, report: &mut Report) -> Result<()> {
    #[derive(FromQueryResult)]
    struct Row {
        id: i64,
        sent_at: DateTime<Utc>,
        at: DateTime<Utc>,
        summary: String,
    }
    for (actions, stands) in [
        (
            "'partner.payouts_held', 'partner.payouts_released'",
            "e.action = 'partner.payouts_held'",
        ),
        (
            "'partner.status_changed'",
            "e.detail ->> 'after' <> 'active'",
        ),
    ] {
        let statement = Statement::from_string(
            ConnectionTrait::get_database_backend(tx),
            format!(
                "SELECT p.id, p.sent_at, e.at, e.summary FROM payout p JOIN event e ON e.id = ( \
                   SELECT max(x.id) FROM event x WHERE x.partner_id = p.partner_id \
                   AND x.actor_id IS NOT NULL AND x.action IN ({actions}) AND x.at <= p.sent_at) \
                 WHERE p.sent_at IS NOT NULL AND p.status <> 'failed' AND {stands} ORDER BY p.id"
            ),
        );
        let mut rows = Row::find_by_statement(statement).stream(tx).await?;
        while let Some(row) = rows.try_next().await? {
            if row.sent_at - row.at > BESIDE {
                let said = format!("was sent although: {}", row.summary);
                report.add("payout", row.id, said);
            }
        }
    }
    Ok(())
}
