//! Reads who is credited for the accounts of a batch, and what was earned before.

use std::collections::BTreeSet;

use entity::{attribution, commission, deal, protection};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, JoinType, QueryFilter, QueryOrder,
    QuerySelect, RelationTrait, Statement, Value,
};

use super::unit::{AccountState, Row, Unit};
use crate::bulk;
use crate::commission::history::History;
use crate::error::Result;

/// When a customer of an account paid first.
#[derive(FromQueryResult)]
struct First {
    account_id: i64,
    paid_at: Option<chrono::DateTime<chrono::Utc>>,
}

/// Attributions, live protections and first payments; returns the partners concerned.
pub(super) async fn load_accounts(
    tx: &impl ConnectionTrait,
    unit: &mut Unit,
    ids: &BTreeSet<i64>,
) -> Result<BTreeSet<i64>> {
    let mut partners = BTreeSet::new();
    if ids.is_empty() {
        return Ok(partners);
    }
    for id in ids {
        unit.accounts.insert(*id, AccountState::default());
    }
    for row in attribution::Entity::find()
        .filter(attribution::Column::AccountId.is_in(ids.iter().copied()))
        .order_by_asc(attribution::Column::Id)
        .all(tx)
        .await?
    {
        partners.insert(row.partner_id);
        unit.accounts
            .entry(row.account_id)
            .or_default()
            .attributions
            .push(Row::stored(row));
    }
    let guarded: Vec<(protection::Model, Option<deal::Model>)> = protection::Entity::find()
        .join(JoinType::InnerJoin, protection::Relation::Deal.def())
        .select_also(deal::Entity)
        .filter(protection::Column::AccountId.is_in(ids.iter().copied()))
        .filter(protection::Column::ReleasedAt.is_null())
        .filter(deal::Column::Status.eq("approved"))
        .order_by_asc(protection::Column::Id)
        .all(tx)
        .await?;
    for (row, deal) in guarded {
        let Some(deal) = deal else { continue };
        partners.insert(row.partner_id);
        unit.accounts
            .entry(row.account_id)
            .or_default()
            .protections
            .push((row, deal));
    }
    let list = bulk::marks(tx.get_database_backend(), 0, ids.len());
    let statement = Statement::from_sql_and_values(
        tx.get_database_backend(),
        // Of each customer the first by the index, however many invoices it has.
        format!(
            "SELECT c.account_id, (SELECT i.paid_at FROM invoice i \
               WHERE i.customer_id = c.id AND i.paid_at IS NOT NULL AND i.net > 0 \
               ORDER BY i.paid_at LIMIT 1) AS paid_at \
             FROM customer c WHERE c.account_id IN ({list})"
        ),
        ids.iter().map(|id| Value::from(*id)),
    );
    for row in First::find_by_statement(statement).all(tx).await? {
        let account = unit.accounts.entry(row.account_id).or_default();
        let known = account.first_paid_at;
        account.first_paid_at = match (known, row.paid_at) {
            (Some(known), Some(paid_at)) => Some(known.min(paid_at)),
            (known, paid_at) => known.or(paid_at),
        };
    }
    Ok(partners)
}

/// What was earned before, where a plan asks for it, and first payments that are paid already.
pub(super) async fn load_history(
    tx: &impl ConnectionTrait,
    unit: &mut Unit,
    accounts: BTreeSet<i64>,
) -> Result<()> {
    unit.history = History::locked(tx, &unit.config, &accounts).await?;
    if unit.config.pays_first() {
        let paid: Vec<(Option<i64>, i64)> = commission::Entity::find()
            .select_only()
            .column(commission::Column::AccountId)
            .column(commission::Column::PartnerId)
            .filter(commission::Column::Reference.is_in(first_references(unit, &accounts)))
            .into_tuple()
            .all(tx)
            .await?;
        for (account, partner) in paid {
            if let Some(state) = account.and_then(|a| unit.accounts.get_mut(&a)) {
                state.first_paid_to.insert(partner);
            }
        }
    }
    Ok(())
}

/// The references that a first payment of these accounts would have.
fn first_references(unit: &Unit, accounts: &BTreeSet<i64>) -> Vec<String> {
    let mut references = BTreeSet::new();
    for id in accounts {
        let Some(account) = unit.accounts.get(id) else {
            continue;
        };
        let attributed = account.attributions.iter().map(|a| a.partner_id);
        let guarded = account.protections.iter().map(|(p, _)| p.partner_id);
        for partner in attributed.chain(guarded) {
            references.insert(format!("first:{id}:partner:{partner}"));
        }
    }
    references.into_iter().collect()
}
