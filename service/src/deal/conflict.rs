//! What can be found out about a company before a person looks.

use chrono::{DateTime, Utc};
use domain::deal::{Conflict, ConflictKind};
use domain::lists::Lists;
use entity::{
    account, attribution, customer, customer_paid, deal, member, partner, person, protection,
};
use sea_orm::sea_query::SelectStatement;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, JoinType, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait, RelationTrait,
};

use super::{check, draft, waiting};
use crate::account as accounts;
use crate::error::{Error, Result};

/// Protections of an account that hold at an instant: those that ran out are over, also before
/// the calendar has released them, and so are those of a won deal whose credit has ended.
pub(super) fn holding(account_id: i64, at: DateTime<Utc>) -> Condition {
    use protection::Column;
    Condition::all()
        .add(Column::AccountId.eq(account_id))
        .add(Column::ReleasedAt.is_null())
        .add(
            Condition::any().add(Column::ExpiresAt.gt(at)).add(
                Condition::all()
                    .add(Column::ExpiresAt.is_null())
                    .add(Column::DealId.not_in_subquery(credit_over(at))),
            ),
        )
}

/// The deals whose credit has ended: there was some, and none of it runs any more.
pub(super) fn credit_over(at: DateTime<Utc>) -> SelectStatement {
    use attribution::Column;
    let runs = Condition::any()
        .add(Column::EndsAt.is_null())
        .add(Column::EndsAt.gt(at));
    let running = attribution::Entity::find()
        .select_only()
        .column(Column::DealId)
        .filter(Column::DealId.is_not_null())
        .filter(runs)
        .into_query();
    attribution::Entity::find()
        .select_only()
        .column(Column::DealId)
        .filter(Column::DealId.is_not_null())
        .filter(Column::DealId.not_in_subquery(running))
        .into_query()
}

/// A registration that is judged.
pub(super) struct Judged<'a> {
    pub(super) deal_id: i64,
    pub(super) partner_id: i64,
    pub(super) name: &'a str,
    pub(super) lines: &'a [i64],
}

/// Everything that stands in the way of a registration that was sent, the weightiest first.
pub(super) async fn of_deal(
    db: &impl ConnectionTrait,
    deal: &deal::Model,
    at: DateTime<Utc>,
) -> Result<Vec<Conflict>> {
    let account = account::Entity::find()
        .filter(account::Column::Id.eq(deal.account_id))
        .one(db)
        .await?
        .ok_or_else(|| Error::internal("a sent deal without account"))?;
    let lines = draft::lines_of(db, deal.id).await?;
    let judged = Judged {
        deal_id: deal.id,
        partner_id: deal.partner_id,
        name: &deal.customer_name,
        lines: &lines,
    };
    find(db, &account, &judged, at).await
}

/// Everything that stands in the way of a registration, the weightiest first.
pub(super) async fn find(
    db: &impl ConnectionTrait,
    account: &account::Model,
    judged: &Judged<'_>,
    at: DateTime<Utc>,
) -> Result<Vec<Conflict>> {
    let (partner_id, name, lines) = (judged.partner_id, judged.name, judged.lines);
    let mut found = Vec::new();
    if rival(db, account.id, partner_id, lines, at)
        .await?
        .is_some()
    {
        found.push(Conflict::new(ConflictKind::Duplicate, &account.name));
    }
    let answer = check::of(db, judged.deal_id).await?;
    let paid = answer.is_some_and(|check| !check.customers.is_empty());
    if paid || is_customer(db, account.id, at).await? {
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

/// The registration of another partner that protects one of the lines, or for which one is kept.
pub(super) async fn rival(
    db: &impl ConnectionTrait,
    account_id: i64,
    partner_id: i64,
    lines: &[i64],
    at: DateTime<Utc>,
) -> Result<Option<i64>> {
    let kept = waiting::reserved(db, account_id, partner_id, lines, at).await?;
    if let Some(kept) = kept {
        return Ok(Some(kept.id));
    }
    Ok(protection::Entity::find()
        .filter(holding(account_id, at))
        .filter(protection::Column::PartnerId.ne(partner_id))
        .filter(protection::Column::ProductLineId.is_in(lines.iter().copied()))
        .order_by_asc(protection::Column::Id)
        .one(db)
        .await?
        .map(|p| p.deal_id))
}

/// Whether the company buys already: one of its customers, or one with an address at its domains that
/// nobody has matched yet, has paid, or somebody is credited for it. Whoever only tries is no customer.
async fn is_customer(
    db: &impl ConnectionTrait,
    account_id: i64,
    at: DateTime<Utc>,
) -> Result<bool> {
    let mut whose = Condition::any().add(customer::Column::AccountId.eq(account_id));
    for domain in accounts::domains(db, account_id).await? {
        for at in ["@", "."] {
            let at = customer::Column::Email.ends_with(format!("{at}{domain}"));
            whose = whose.add(
                Condition::all()
                    .add(customer::Column::AccountId.is_null())
                    .add(at),
            );
        }
    }
    let paying = customer::Entity::find()
        .join(
            JoinType::InnerJoin,
            customer_paid::Relation::Customer.def().rev(),
        )
        .filter(whose)
        .filter(customer_paid::Column::FirstAt.is_not_null())
        .count(db)
        .await?;
    if paying > 0 {
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
    at: DateTime<Utc>,
) -> Result<bool> {
    use entity::deal_product_line as line;
    let open = [
        "submitted",
        "in_review",
        "information_requested",
        "approved",
    ];
    // A won one counts for as long as it earns the partner credit.
    let won = Condition::all()
        .add(deal::Column::Status.eq("won"))
        .add(deal::Column::Id.not_in_subquery(credit_over(at)));
    let still = Condition::any()
        .add(deal::Column::Status.is_in(open))
        .add(won);
    let count = line::Entity::find()
        .join(JoinType::InnerJoin, line::Relation::Deal.def())
        .filter(deal::Column::AccountId.eq(account_id))
        .filter(deal::Column::PartnerId.eq(partner_id))
        .filter(still)
        .filter(deal::Column::Id.ne(but))
        .filter(line::Column::ProductLineId.is_in(lines.iter().copied()))
        .count(db)
        .await?;
    Ok(count > 0)
}

/// The domains that are the partner's own: its website's and its members' mail addresses', except
/// those that many share.
pub(super) async fn own_domains(
    db: &impl ConnectionTrait,
    lists: &Lists,
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
    let known = std::iter::once(&partner.domain).chain(&addresses);
    let mut domains: Vec<String> = known.filter_map(|a| lists.company(a).ok()).collect();
    domains.sort_unstable();
    domains.dedup();
    Ok(domains)
}
