//! The end of a run: every payout of it has ended.

use domain::payout::{PayoutStatus, RunStatus};
use entity::{payout, payout_item, payout_run};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};

use super::waits_no_longer;

use crate::context::Context;
use crate::error::Result;
use crate::event::Entry;
use crate::payout::gate::Stage;
use crate::payout::letters;

/// Ends a run whose payouts have all ended. Called after the transaction that ended a payout, and
/// again by whoever finds that payout ended: of two that end at once the later one sees both, and a
/// process that dies in between is followed by one that repeats its job. So nobody has to count the
/// run's payouts, or wait for the run's row, at each of them.
///
/// # Errors
/// When the database refuses.
pub(in crate::payout) async fn finish(ctx: &Context, run_id: i64) -> Result<()> {
    if any_open(ctx.reader(), run_id).await? {
        return Ok(());
    }
    let tx = ctx.begin().await?;
    let moved = waits_no_longer(payout_run::Entity::update_many())
        .col_expr(
            payout_run::Column::Status,
            Expr::value(RunStatus::Done.as_str()),
        )
        .col_expr(payout_run::Column::DoneAt, Expr::value(ctx.now()))
        .filter(payout_run::Column::Id.eq(run_id))
        .filter(payout_run::Column::Status.eq(RunStatus::Sending.as_str()))
        .exec(&*tx)
        .await?
        .rows_affected;
    if moved == 1 {
        let nobody = nobody_paid(&*tx, run_id).await?;
        let said = nobody.as_deref();
        let said = said.unwrap_or("Every payout of the run has ended.");
        Entry::new("payout_run.done", "payout_run", run_id, said)
            .record(ctx, &*tx)
            .await?;
        match &nobody {
            Some(why) => letters::nobody_paid(ctx, &*tx, run_id, why).await?,
            None => letters::ended(ctx, &*tx, run_id).await?,
        }
    }
    tx.commit().await?;
    Ok(())
}

/// Of a run without a payout, because everybody dropped out between its approval and the freezing: that
/// nobody was paid, and why.
async fn nobody_paid(db: &impl ConnectionTrait, run_id: i64) -> Result<Option<String>> {
    let any = payout::Entity::find()
        .select_only()
        .column(payout::Column::Id)
        .filter(payout::Column::RunId.eq(run_id))
        .limit(1)
        .into_tuple::<i64>()
        .one(db)
        .await?;
    if any.is_some() {
        return Ok(None);
    }
    let count = payout_item::Column::Id.count();
    let reasons: Vec<(Option<String>, i64)> = payout_item::Entity::find()
        .select_only()
        .column(payout_item::Column::Reason)
        .column_as(count.clone(), "partners")
        .filter(payout_item::Column::RunId.eq(run_id))
        .filter(payout_item::Column::Stage.eq(Stage::Approval.as_str()))
        .group_by(payout_item::Column::Reason)
        .order_by_desc(count)
        .order_by_asc(payout_item::Column::Reason)
        .into_tuple()
        .all(db)
        .await?;
    let why: Vec<String> = reasons
        .into_iter()
        .map(|(reason, items)| format!("{} ({items})", reason.unwrap_or_default()))
        .collect();
    Ok(Some(format!(
        "Nobody was paid: by the time the payouts were frozen, everybody in the run had to be left \
         out. {}.",
        why.join(", ")
    )))
}

/// Whether a payout of the run has not ended: one look into an index that holds the open ones only.
async fn any_open(db: &impl ConnectionTrait, run_id: i64) -> Result<bool> {
    let open = [
        PayoutStatus::Intended,
        PayoutStatus::Sending,
        PayoutStatus::Unknown,
    ];
    let one = payout::Entity::find()
        .select_only()
        .column(payout::Column::Id)
        .filter(payout::Column::RunId.eq(run_id))
        .filter(payout::Column::Status.is_in(open.map(PayoutStatus::as_str)))
        .limit(1)
        .into_tuple::<i64>()
        .one(db)
        .await?;
    Ok(one.is_some())
}
