//! Reads who is credited for the accounts of a batch, and what was earned before.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::deal::DealStatus;
use entity::{attribution, commission, customer, customer_paid, deal, protection};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect,
    RelationTrait,
};

use super::unit::{AccountState, Row, Unit};
use crate::commission::history::History;
use crate::error::Result;

/// Attributions, protections of now and of the past, and first payments; returns the partners concerned.
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
        .filter(deal::Column::Status.is_in(won_by_payment()))
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
    let paid: Vec<(Option<i64>, Option<DateTime<Utc>>)> = customer_paid::Entity::find()
        .select_only()
        .column(customer::Column::AccountId)
        .column(customer_paid::Column::FirstAt)
        .join(JoinType::InnerJoin, customer_paid::Relation::Customer.def())
        .filter(customer::Column::AccountId.is_in(ids.iter().copied()))
        .filter(customer_paid::Column::FirstAt.is_not_null())
        .into_tuple()
        .all(tx)
        .await?;
    for (account, paid_at) in paid {
        let Some((account, paid_at)) = account.zip(paid_at) else {
            continue;
        };
        let account = unit.accounts.entry(account).or_default();
        let first = account
            .first_paid_at
            .map_or(paid_at, |first| first.min(paid_at));
        account.first_paid_at = Some(first);
    }
    Ok(partners)
}

/// The statuses of registrations that a payment of the past can win.
fn won_by_payment() -> impl Iterator<Item = &'static str> {
    let all = DealStatus::ALL.iter();
    all.filter(|status| status.is_won_by_earlier_payment())
        .map(|status| status.as_str())
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
