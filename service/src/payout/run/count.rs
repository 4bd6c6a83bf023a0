//! Counting a run: what each partner is owed, whether the gate lets it leave, and the fingerprint of
//! what the run then shows.

use chrono::{DateTime, Utc};
use domain::money::Currency;
use domain::payout::{Candidate, Content, Inclusion, Shown, include_or_reason};
use entity::{commission, payout_item, payout_run, policy_version};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter,
    QuerySelect, Statement, Value, sea_query::Expr,
};
use sha2::{Digest, Sha256};

use crate::bulk;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::payout::{gate, money};
use crate::program;

/// Partners asked about in one statement.
const PIECE: usize = 400;

/// The commissions a run pays: payable up to the cut-off and known when it was counted, and every
/// negative one, so that nobody is paid what was given back since. What is earned after the count is
/// the next run's, so that a busy program does not change a run that waits for approval.
pub(super) fn members(run: &payout_run::Model) -> Condition {
    let due = Condition::all()
        .add(commission::Column::HoldUntil.lte(run.cutoff_at))
        .add(commission::Column::Id.lte(run.counted_to));
    Condition::all()
        .add(commission::Column::ProgramId.eq(run.program_id))
        .add(commission::Column::State.eq("payable"))
        .add(
            Condition::any()
                .add(due)
                .add(commission::Column::Amount.lt(0)),
        )
}

/// The commissions that are payable at a moment, and every negative one.
pub(in crate::payout) fn payable_at(cutoff: DateTime<Utc>) -> Condition {
    Condition::all()
        .add(commission::Column::State.eq("payable"))
        .add(
            Condition::any()
                .add(commission::Column::HoldUntil.lte(cutoff))
                .add(commission::Column::Amount.lt(0)),
        )
}

/// [`members`] in words of SQL, where a statement has the run at hand as `r`.
pub(super) const MEMBERS: &str = "commission.program_id = r.program_id \
    AND commission.state = 'payable' \
    AND ((commission.hold_until <= r.cutoff_at AND commission.id <= r.counted_to) \
      OR commission.amount < 0)";

/// What a partner is owed in a currency.
#[derive(FromQueryResult)]
pub(super) struct Balance {
    pub(super) partner_id: i64,
    pub(super) currency: String,
    pub(super) amount: i64,
    pub(super) lines: i64,
    pub(super) line_sum: i64,
}

/// What the run pays by its lines, of all partners or of some.
pub(super) async fn balances(
    db: &impl ConnectionTrait,
    run: &payout_run::Model,
    partners: Option<&[i64]>,
) -> Result<Vec<Balance>> {
    let backend = db.get_database_backend();
    let mut values: Vec<Value> = vec![run.id.into()];
    let mark = bulk::marks(backend, 0, 1);
    let some = match partners {
        Some(ids) => {
            values.extend(ids.iter().map(|id| Value::from(*id)));
            let ids = bulk::marks(backend, 1, ids.len());
            format!("AND commission.partner_id IN ({ids}) ")
        }
        None => String::new(),
    };
    let sql = format!(
        "SELECT partner_id, currency, CAST(SUM(amount) AS BIGINT) AS amount, \
           CAST(COUNT(*) AS BIGINT) AS lines, CAST(SUM(commission.id) AS BIGINT) AS line_sum \
         FROM payout_run r JOIN commission ON {MEMBERS} WHERE r.id = {mark} {some}\
         GROUP BY partner_id, currency ORDER BY partner_id, currency"
    );
    let statement = Statement::from_sql_and_values(backend, sql, values);
    Ok(Balance::find_by_statement(statement).all(db).await?)
}

/// Counts a run that is locked anew: its items as the rules have it now, with what people took out
/// staying out. Gives back the run as it then is.
pub(super) async fn recount(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    run: payout_run::Model,
) -> Result<payout_run::Model> {
    let policy = program::policy_at(tx, run.program_id, ctx.now()).await?;
    let last: Option<Option<i64>> = commission::Entity::find()
        .select_only()
        .column_as(commission::Column::Id.max(), "last")
        .into_tuple()
        .one(tx)
        .await?;
    let run = payout_run::Model {
        counted_to: last.flatten().unwrap_or(0),
        ..run
    };
    payout_run::Entity::update_many()
        .col_expr(payout_run::Column::CountedTo, Expr::value(run.counted_to))
        .filter(payout_run::Column::Id.eq(run.id))
        .exec(tx)
        .await?;
    payout_item::Entity::delete_many()
        .filter(payout_item::Column::RunId.eq(run.id))
        .exec(tx)
        .await?;
    fill(ctx, tx, &run, &policy).await?;
    let (fingerprint, _) = mark(tx, run.id).await?;
    Ok(payout_run::Model {
        fingerprint: Some(fingerprint),
        ..run
    })
}

/// Writes the run's items.
async fn fill(
    ctx: &Context,
    tx: &impl ConnectionTrait,
    run: &payout_run::Model,
    policy: &policy_version::Model,
) -> Result<()> {
    let program = program::by_id(tx, run.program_id).await?;
    let home: Currency = program.currency.parse().map_err(Error::internal)?;
    let excluded = gate::exclusions(tx, run.id).await?;
    let balances = balances(tx, run, None).await?;
    for piece in balances.chunks(PIECE) {
        let mut partners: Vec<i64> = piece.iter().map(|b| b.partner_id).collect();
        partners.dedup();
        let known = gate::known(ctx, tx, &partners).await?;
        let open = gate::open_payouts(tx, &partners).await?;
        let ids = bulk::reserve::<payout_item::Entity>(tx, piece.len()).await?;
        let mut items = Vec::with_capacity(piece.len());
        for (balance, id) in piece.iter().zip(ids) {
            let partner = known.get(&balance.partner_id).ok_or(Error::NotFound)?;
            let amount = money(balance.amount, &balance.currency)?;
            let key = (balance.partner_id, balance.currency.clone());
            let decided = include_or_reason(&Candidate {
                balance: amount,
                minimum_minor: program::limit::payout_minimum(policy, home, amount.currency),
                standing: partner.standing,
                open_payout: open.contains(&key),
            });
            let reason = match decided {
                Inclusion::Included { .. } => None,
                Inclusion::LeftOut { reason } => Some(reason.label().to_owned()),
            };
            let person = excluded.get(&key).map(|e| e.excluded_by);
            items.push(payout_item::Model {
                id,
                run_id: run.id,
                partner_id: balance.partner_id,
                currency: balance.currency.clone(),
                amount: balance.amount,
                included: reason.is_none() && person.is_none(),
                reason,
                decided_by: person,
                lines: Some(balance.lines),
                line_sum: Some(balance.line_sum),
                stage: None,
            });
        }
        bulk::insert::<payout_item::Entity>(tx, &items).await?;
    }
    Ok(())
}

/// The fingerprint of a text.
pub(crate) fn fingerprint(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// What a run shows.
pub(super) async fn content(db: &impl ConnectionTrait, run_id: i64) -> Result<Content> {
    let items = payout_item::Entity::find()
        .filter(payout_item::Column::RunId.eq(run_id))
        .all(db)
        .await?;
    let mut content = Content::default();
    for item in items {
        let currency: Currency = item.currency.parse().map_err(Error::internal)?;
        let shown = Shown {
            amount: item.amount,
            lines: item.lines.unwrap_or(0),
            line_sum: item.line_sum.unwrap_or(0),
            included: item.included,
            excluded: item.decided_by.is_some(),
        };
        content.add(item.partner_id, currency, shown);
    }
    Ok(content)
}

/// Keeps the fingerprint of what the run shows now; gives it back with the text.
pub(super) async fn mark(tx: &impl ConnectionTrait, run_id: i64) -> Result<(String, String)> {
    let text = content(tx, run_id).await?.text();
    let fingerprint = fingerprint(&text);
    payout_run::Entity::update_many()
        .col_expr(
            payout_run::Column::Fingerprint,
            Expr::value(fingerprint.clone()),
        )
        .filter(payout_run::Column::Id.eq(run_id))
        .exec(tx)
        .await?;
    Ok((fingerprint, text))
}
