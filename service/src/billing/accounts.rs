//! Reads who is credited for the accounts of a batch, and what was earned before.

use std::collections::BTreeSet;

use entity::{attribution, commission, deal, partner, protection};
use sea_orm::sea_query::LockType;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect, Statement, Value,
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
        .filter(protection::Column::AccountId.is_in(ids.iter().copied()))
        .filter(protection::Column::ReleasedAt.is_null())
        .find_also_deal()
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

/// What was earned before, where a plan asks for it. The partners are locked for that, so that two
/// processes never fill the same bracket or cap.
pub(super) async fn load_history(
    tx: &impl ConnectionTrait,
    unit: &mut Unit,
    accounts: BTreeSet<i64>,
) -> Result<()> {
    let (partners, everybody) = unit.config.needs_history();
    if !partners.is_empty() {
        if tx.get_database_backend() == DbBackend::Postgres {
            let mut query = partner::Entity::find()
                .select_only()
                .column(partner::Column::Id)
                .order_by_asc(partner::Column::Id)
                .lock(LockType::NoKeyUpdate);
            if !everybody {
                query = query.filter(partner::Column::Id.is_in(partners.iter().copied()));
            }
            query.into_tuple::<i64>().all(tx).await?;
        }
        unit.history = History::load(tx, &partners, everybody).await?;
    }
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

/// Joins a protection with its deal.
trait WithDeal {
    fn find_also_deal(self) -> sea_orm::SelectTwo<protection::Entity, deal::Entity>;
}

impl WithDeal for sea_orm::Select<protection::Entity> {
    fn find_also_deal(self) -> sea_orm::SelectTwo<protection::Entity, deal::Entity> {
        use sea_orm::{JoinType, RelationTrait};
        self.join(JoinType::InnerJoin, protection::Relation::Deal.def())
            .select_also(deal::Entity)
    }
}
