//! What can be found out about a company before a person looks.

use chrono::{DateTime, Utc};
use domain::application::mail_hint;
use domain::deal::{Conflict, ConflictKind};
use domain::registrable::registrable_domain;
use entity::{account, attribution, customer, deal, member, partner, person, protection};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, JoinType, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, RelationTrait,
};

use crate::account as accounts;
use crate::error::Result;

/// Protections of an account that hold at an instant: those that ran out are over, also before
/// the calendar has released them.
pub(super) fn holding(account_id: i64, at: DateTime<Utc>) -> Condition {
    use protection::Column;
    Condition::all()
        .add(Column::AccountId.eq(account_id))
        .add(Column::ReleasedAt.is_null())
        .add(
            Condition::any()
                .add(Column::ExpiresAt.is_null())
                .add(Column::ExpiresAt.gt(at)),
        )
}

/// Everything that stands in the way of a registration, the weightiest first.
pub(super) async fn find(
    db: &impl ConnectionTrait,
    account: &account::Model,
    partner_id: i64,
    name: &str,
    lines: &[i64],
    at: DateTime<Utc>,
) -> Result<Vec<Conflict>> {
    let mut found = Vec::new();
    if rival(db, account.id, partner_id, lines, at)
        .await?
        .is_some()
    {
        found.push(Conflict::new(ConflictKind::Duplicate, &account.name));
    }
    if is_customer(db, account.id, at).await? {
        found.push(Conflict::new(ConflictKind::ExistingCustomer, &account.name));
    }
    if account.house {
        found.push(Conflict::new(ConflictKind::HouseAccount, &account.name));
    }
    for (_, other) in accounts::similar(db, account.id, name).await? {
        found.push(Conflict::new(ConflictKind::SimilarName, other));
    }
    Ok(found)
}

/// The registration of another partner that protects one of the lines.
pub(super) async fn rival(
    db: &impl ConnectionTrait,
    account_id: i64,
    partner_id: i64,
    lines: &[i64],
    at: DateTime<Utc>,
) -> Result<Option<i64>> {
    Ok(protection::Entity::find()
        .filter(holding(account_id, at))
        .filter(protection::Column::PartnerId.ne(partner_id))
        .filter(protection::Column::ProductLineId.is_in(lines.iter().copied()))
        .order_by_asc(protection::Column::Id)
        .one(db)
        .await?
        .map(|p| p.deal_id))
}

/// Whether the company buys already.
async fn is_customer(
    db: &impl ConnectionTrait,
    account_id: i64,
    at: DateTime<Utc>,
) -> Result<bool> {
    let billed = customer::Entity::find()
        .filter(customer::Column::AccountId.eq(account_id))
        .count(db)
        .await?;
    if billed > 0 {
        return Ok(true);
    }
    let credited = attribution::Entity::find()
        .filter(attribution::Column::AccountId.eq(account_id))
        .filter(
            Condition::any()
                .add(attribution::Column::EndsAt.is_null())
                .add(attribution::Column::EndsAt.gt(at)),
        )
        .count(db)
        .await?;
    Ok(credited > 0)
}

/// A registration of the same partner for the same company and a common line that is still open.
pub(super) async fn own_open(
    db: &impl ConnectionTrait,
    account_id: i64,
    partner_id: i64,
    lines: &[i64],
    but: i64,
) -> Result<bool> {
    use entity::deal_product_line as line;
    let open = [
        "submitted",
        "in_review",
        "information_requested",
        "approved",
        "won",
    ];
    let count = line::Entity::find()
        .join(JoinType::InnerJoin, line::Relation::Deal.def())
        .filter(deal::Column::AccountId.eq(account_id))
        .filter(deal::Column::PartnerId.eq(partner_id))
        .filter(deal::Column::Status.is_in(open))
        .filter(deal::Column::Id.ne(but))
        .filter(line::Column::ProductLineId.is_in(lines.iter().copied()))
        .count(db)
        .await?;
    Ok(count > 0)
}

/// The domains that are the partner's own: its website's and its members' mail addresses', except
/// those of mail services.
pub(super) async fn own_domains(
    db: &impl ConnectionTrait,
    partner: &partner::Model,
) -> Result<Vec<String>> {
    let addresses: Vec<String> = person::Entity::find()
        .join_rev(JoinType::InnerJoin, member::Relation::Person.def())
        .filter(member::Column::PartnerId.eq(partner.id))
        .filter(member::Column::RemovedAt.is_null())
        .select_only()
        .column(person::Column::Email)
        .into_tuple()
        .all(db)
        .await?;
    let mut domains = vec![partner.domain.clone()];
    for address in addresses {
        if mail_hint(&address, None).is_none()
            && let Ok(domain) = registrable_domain(&address)
        {
            domains.push(domain);
        }
    }
    domains.sort_unstable();
    domains.dedup();
    Ok(domains)
}
